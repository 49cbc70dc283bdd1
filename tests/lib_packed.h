/* SPDX-License-Identifier: BSD-2-Clause
 *
 * What is packed, as text, so that a test can say what it expects: replies of
 * the scripts, records and counters.
 */

#ifndef LIB_PACKED_H_INCLUDED
#define LIB_PACKED_H_INCLUDED

#include "lib_redis.h"

#include "jr_limit.h"
#include "jr_pack.h"


#define OWNER_LEN   16
#define LIMITS_MAX  16


typedef struct {
    size_t      n;
    size_t      slots;          /* of a concurrency */
    jr_limit_t  limit[LIMITS_MAX];
    char        text[LIMITS_MAX][2][64];
} limits_t;


/* "KIND NAME N N N MODE" of each limit, with ", " between them; MODE is
   "enforce", "dry_run", "awaited" or "delay=<ms>" */
void limits_of(const char *text, limits_t *limits);

/* the bytes that an owner "a" is: filled up with dots */
const char *owner_of(const char *owner);

/* "1:f00d": version, and bytes filled up with "0" */
void fingerprint_of(const char *text, jr_pack_t *version, jr_pack_t *bytes);

/* the letter that settle.lua takes for "created" and so on */
jr_str_t settle_letter_of(const char *outcome);

/* the tail of a record that is done; returns its length */
size_t done_tail(const char *answer, const char *location,
    const char *run_key, char *dst);

/*
 * The n-th string of a reply: "forward absent \"\"" with six numbers for each
 * limit (state, count, period, burst, what remains, ms until there is more; of
 * a delayed one "turn" and the ms until that), and so on; "(error) ..." where
 * there is none, and "large " with its letter in place of one above 4 KB.
 */
const char *verdict_text(const redisReply *reply, size_t n,
    const limits_t *limits);
const char *settled_text(const redisReply *reply, size_t n);

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


#endif /* LIB_PACKED_H_INCLUDED */
