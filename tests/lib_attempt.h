/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Attempts to create a job run, as the scripts see them, at a time of the
 * test's own choosing.
 */

#ifndef LIB_ATTEMPT_H_INCLUDED
#define LIB_ATTEMPT_H_INCLUDED

#include "lib_redis.h"


/*
 * Far ahead of every real clock, so that no key ends by itself: midnight of
 * 2036-07-18 UTC, in microseconds.
 */
#define T0      INT64_C(2099952000000000)
#define MS      INT64_C(1000)
#define SECOND  INT64_C(1000000)
#define HOUR    (3600 * SECOND)
#define DAY     (24 * HOUR)

/* the script as it is, with Redis' own clock */
#define REAL    INT64_C(-1)


typedef struct {
    const char  *record;        /* NULL: of its owner, without a token */
    const char  *owner;
    const char  *fingerprint;
    const char  *id;
    long long    lease;         /* ms */
    long long    ttl;           /* ms */
    const char  *unknown;       /* "forward", "refuse" */
    const char  *corrupt;       /* sum of a record found corrupt; NULL: none */
    long long    deadline;      /* of its admission, ms; 0: none */
    long long    lost;          /* to settle.lua: the deadline of an admission
                                   without a reply; 0: it had one */

    /* "KIND NAME N N N MODE", with ", " between them; the key of each is
       "{t}:counters", of a concurrency "{t}:slots:NAME" */
    const char  *limits;
} attempt_t;


/* with a token, no limit, lease of 15 s, life of a day */
extern const attempt_t  attempt_default;


/*
 * Each runs one script of ngx_module/lua and returns its reply as
 * lib_reply.h writes it.  The time replaces the one TIME in the script,
 * unless it is REAL.
 */
const char *admit(redis_t *redis, const attempt_t *a, int64_t time);

/* n attempts in one call; all have the limits, the lease and so on of the
   first */
void admit_all(redis_t *redis, const attempt_t *a, size_t n,
    const char **texts, int64_t time);
void settle_all(redis_t *redis, const attempt_t *a, size_t n,
    const char *const *outcomes, const char **texts, int64_t time);

/*
 * A driver in Lua behind script_function() of admit.lua, with its KEYS and
 * ARGV; it says when and how often it is called.  Returns what it returns, or
 * the verdict on the first attempt where that is a reply.
 */
const char *admit_driven(redis_t *redis, const attempt_t *a,
    const char *driver);

const char *renew(redis_t *redis, const attempt_t *a, int64_t time);

/* answer, location and run key are of "created" */
const char *settle(redis_t *redis, const attempt_t *a, const char *outcome,
    int64_t time);
const char *settle_created(redis_t *redis, const attempt_t *a,
    const char *answer, const char *location, const char *run_key,
    int64_t time);

/* fails the test unless a reply begins so */
void begins(const char *got, const char *want);

/* one field of the attempt's record: record_of() */
const char *record(redis_t *redis, const attempt_t *a, const char *field);

/* the text of a script as Redis gets it, to be free()d */
char *script_text(const char *name);

/*
 * The text of a script as the Lua function script(KEYS, ARGV, NOW), for a
 * driver to be put behind; to be free()d.
 */
char *script_function(const char *name);


#endif /* LIB_ATTEMPT_H_INCLUDED */
