/*
 * What every test of the scripts begins with: a Redis of its program, empty
 * before each test.
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


#define is(got, want)  assert_string_equal(got, want)

/* units of a request in a backlog */
#define REQUEST  INT64_C(3600000000)

/* a test that finds Redis empty */
#define lua_test(name)  cmocka_unit_test_setup(name, lua_flush)


extern redis_t  *redis;


/* for a group of tests: starts redis without arguments, and stops it */
int lua_start(void **state);
int lua_stop(void **state);

/* before each test */
int lua_flush(void **state);


#endif /* LIB_LUA_H_INCLUDED */
