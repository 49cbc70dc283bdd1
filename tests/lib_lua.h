/* SPDX-License-Identifier: BSD-2-Clause
 *
 * What every test of the scripts begins with: a Redis of its program, empty
 * before each test, and attempts that differ in little.
 */

#ifndef LIB_LUA_H_INCLUDED
#define LIB_LUA_H_INCLUDED

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "lib_attempt.h"
#include "lib_stored.h"


#define is(got, want)  assert_string_equal(got, want)

/* units of a request in a backlog */
#define REQUEST  INT64_C(3600000000)

/* of a 2xx that is stored */
#define ANSWER  "JR1 whatever"

/* a test that finds Redis empty */
#define lua_test(name)  cmocka_unit_test_setup(name, lua_flush)


extern redis_t  *redis;


/* for a group of tests: starts redis without arguments, and stops it */
int lua_start(void **state);
int lua_stop(void **state);

/* before each test */
int lua_flush(void **state);


/* an attempt of this owner, with request id "id-<owner>": the default one
   otherwise, so that all have the same token */
attempt_t by(const char *owner);

/* attempts "a" and "b" with these limits */
void two(attempt_t *a, attempt_t *b, const char *limits);

/* the reply to an attempt without a token, which only limits can refuse */
const char *count_one(const char *limits, int64_t time);

/* an admission, and a settlement, with this reply that write nothing */
void changes_nothing(const attempt_t *a, int64_t time, const char *want);
void settles_nothing(const attempt_t *a, const char *outcome, int64_t time,
    const char *want);


#endif /* LIB_LUA_H_INCLUDED */
