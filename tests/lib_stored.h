/* SPDX-License-Identifier: BSD-2-Clause
 *
 * What the scripts have stored in Redis, as text, so that a test can say what
 * it expects.
 */

#ifndef LIB_STORED_H_INCLUDED
#define LIB_STORED_H_INCLUDED

#include "lib_redis.h"


/*
 * One field of a record: v format, s state, o owner, l end of the lease, t its
 * length, f fingerprint, r first request id, i the owner's, x its end, b when
 * claimed, k what was consumed, w "u" if claimed over an unknown outcome; of a
 * done one n location, j key of the run, a response.  "(nil)" where it has
 * none.
 */
const char *record_of(redis_t *redis, const char *key, const char *field);

/* sets a number of it (l, t, x), and leaves the end of its key */
void record_set(redis_t *redis, const char *key, const char *field,
    int64_t value);

/*
 * A counter of {t}:counters, "rate:r", "quota:q:day", or "quota:q" of any
 * window: "<since> <count>", or "(nil)".  counter_set() adds one, of an hour
 * where no window is named.
 */
const char *counter(redis_t *redis, const char *name);
void counter_set(redis_t *redis, const char *name, const char *value);

/* members of {t}:slots:<name>, with their scores: "a:15000 2099952015000" */
const char *slots(redis_t *redis, const char *name, int scores);


#endif /* LIB_STORED_H_INCLUDED */
