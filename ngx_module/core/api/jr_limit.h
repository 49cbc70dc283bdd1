/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Limits as the configuration writes them, and as responses report them; the
 * table of their kinds.
 *
 * Counting is done by lua/admit.lua; this is only words and numbers.
 */

#ifndef JR_LIMIT_H_INCLUDED
#define JR_LIMIT_H_INCLUDED

#include <stdint.h>

#include "jr_status.h"
#include "jr_str.h"


/*
 * Bounds: admit.lua computes with integers below 2^53.  A rate's backlog is
 * counted in units of which a request is so many, and (JR_BURST_MAX + 1)
 * requests are the most of it.
 */
#define JR_RATE_REQUEST    INT64_C(3600000000)
#define JR_RATE_MAX        1000000
#define JR_BURST_MAX       1000000
#define JR_QUOTA_MAX       1000000000000
#define JR_PERIOD_MAX      INT64_C(3600000000)      /* an hour, us */
#define JR_RESET_MAX       (INT64_C(1) << 52)       /* ms */
#define JR_USED_MAX        ((INT64_C(1) << 53) - 1)
#define JR_LIMIT_NAME_MAX  32
#define JR_DELAY_MAX       55000                    /* ms: clients give up
                                                       after 60 s */

/*
 * A quota whose window ends later than so many ms is said to be exceeded: SDKs
 * retry TooManyRequests eight times, in vain, up to 126 s.
 */
#define JR_LIMIT_RETRIED   120000

/* ms to wait for a limit of 0: until somebody changes it (admit.lua) */
#define JR_LIMIT_BLOCKED   60000


/* the rows of jr_limit_kinds */
typedef enum {
    JR_LIMIT_RATE = 0,
    JR_LIMIT_QUOTA,
    JR_LIMIT_CONCURRENCY,
    JR_LIMIT_LAST
} jr_limit_kind_e;


typedef struct {
    jr_limit_kind_e  kind;
    jr_str_t         name;      /* [A-Za-z][A-Za-z0-9_-]*, for keys, headers */
    int64_t          count;     /* requests per period, or the limit */
    int64_t          period;    /* of a rate, in microseconds */
    int64_t          burst;     /* of a rate */
    int64_t          delay;     /* for how long a request over it may wait,
                                   ms; 0: not */
    jr_str_t         window;    /* of a quota: "hour", "day", "month" */
    char             partition[13];    /* of this request; "": none */
    unsigned         dry_run:1;
    unsigned         awaited:1;     /* others wait for it: taken for full */
    jr_str_t         packed;    /* of a configured one: jr_limit_pack(), which
                                   holds as long as the above does */
} jr_limit_t;


typedef enum {
    JR_LIMIT_PASSES = 0,
    JR_LIMIT_REFUSES,
    JR_LIMIT_WOULD_REFUSE,      /* but is dry_run */
    JR_LIMIT_LIFTED,
    JR_LIMIT_DELAYED,           /* passes when it is its turn */
    JR_LIMIT_STATE_LAST
} jr_limit_state_e;


/*
 * What admission found, in the terms of admit.lua.  The numbers are those in
 * force, which an override may have put in place of the configured ones.
 */
typedef struct {
    jr_limit_state_e  state;
    int64_t           count;    /* requests per period, or the limit */
    int64_t           period;   /* of a rate in microseconds, of a quota in
                                   seconds */
    int64_t           burst;    /* of a rate */
    int64_t           remaining;
    int64_t           reset;    /* milliseconds until more remains */
} jr_limit_state_t;

/* milliseconds until the turn of a request that a rate delays, at least 1, and
   never before it */
int64_t jr_limit_turn(const jr_limit_state_t *state);




/*
 * A parameter of a directive that sets a limit, and the field that overrides
 * it: "<limit>.<name>", without "=", of the hash of a tenant's overrides.
 */
typedef struct {
    const char   *name;         /* "rate=" */
    jr_status_e (*set)(jr_limit_t *limit, jr_str_t value);
    const char   *expected;     /* what value may be, for a message */
    const char   *missing;      /* the message; NULL: it may be left out */
    jr_status_e (*override)(jr_str_t value);   /* whether it may be value;
                                                  NULL: nothing overrides it */
    const char   *overridden;   /* by what, for a message */
} jr_limit_param_t;


/*
 * All that differs by the kind of a limit, but for the counting itself, which
 * the scripts do.
 */
typedef struct {
    jr_str_t                 name;      /* to admit.lua, on jobruns_status */
    jr_str_t                 directive; /* both end with NUL */
    const char              *code;      /* its letter in jr_script.h */
    const jr_limit_param_t  *params;    /* the last one's name is NULL */
    const char              *takes;     /* all parameters, for a message */
    const char              *unit;      /* of the count, in RateLimit-Policy;
                                           NULL: requests in a time */
    const char              *exceeded;  /* code of a 429 where its reset is
                                           beyond JR_LIMIT_RETRIED; NULL: that
                                           of every 429 */
    unsigned                 windowed:1;    /* two windows are two counters,
                                               also under one name */
    unsigned                 held:1;    /* as long as an attempt runs, by slots:
                                           what a creation gives back, too */

    /* fills in what remains and when more does, of a limit that counts: used
       is its backlog, what is used, or slots held; end is ms until its window
       ends */
    void                   (*measure)(jr_limit_state_t *state, int64_t used,
                                      int64_t end);

    /* what the policy promises: so much in so many seconds (unit NULL) */
    void                   (*policy)(const jr_limit_state_t *state,
                                     int64_t *count, int64_t *seconds);

    /* the message of a 429, as snprintf() writes it; count is not 0 */
    int                    (*refusal)(const jr_limit_t *limit,
                                      const jr_limit_state_t *state,
                                      long long wait, char *dst,
                                      size_t size);

    /* why two limits of one kind, name and prefix do not go together,
       likewise; 0: they do.  NULL: any two do. */
    int                    (*conflict)(const jr_limit_t *limit,
                                       const jr_limit_t *other, char *dst,
                                       size_t size);
} jr_limit_kind_t;


/* by jr_limit_kind_e */
extern const jr_limit_kind_t  jr_limit_kinds[];


/* the kind that a directive sets; JR_LIMIT_LAST: none */
jr_limit_kind_e jr_limit_kind_find(jr_str_t directive);

/* "rate", "quota", "concurrency"; "other" for what is none of them */
const char *jr_limit_kind_name(unsigned long kind);


/*
 * A limit as the scripts are given it (JR_LIMIT of jr_script.h): bytes of it,
 * and writing them at dst, with its key's number from 1; returns the end.
 */
size_t jr_limit_packed_size(const jr_limit_t *limit);
char *jr_limit_pack(const jr_limit_t *limit, unsigned key, char *dst);

/* the same of what is packed already */
char *jr_limit_packed(const jr_limit_t *limit, unsigned key, char *dst);

/*
 * What a reply says of a limit, taken off the beginning of *rest: JR_IN_FORCE,
 * which all attempts of a call are told, then JR_MEASURE of one attempt, which
 * completes the state.  JR_INVALID: it is too short, or has a number that
 * cannot be.
 */
jr_status_e jr_limit_in_force(const jr_limit_t *limit, jr_str_t *rest,
    jr_limit_state_t *state);
jr_status_e jr_limit_measure(const jr_limit_t *limit, jr_str_t *rest,
    jr_limit_state_t *state);


/* "20r/s", "30r/m", "7r/h" */
jr_status_e jr_limit_rate(jr_str_t text, int64_t *count, int64_t *period);

/* a time as NGINX writes it, in seconds and milliseconds ("10s", "1s500ms",
   "10"), from 1 ms to JR_DELAY_MAX; *ms */
jr_status_e jr_limit_delay(jr_str_t text, int64_t *ms);

/* "hour", "day", "month" */
jr_status_e jr_limit_window(jr_str_t text);

jr_status_e jr_limit_name(jr_str_t text);


/*
 * What a limit counts by, told to clients without saying it: the first 9
 * bytes of the SHA-256 of the value, in base64, NUL-terminated.
 */
jr_status_e jr_limit_partition(jr_str_t by, char partition[13]);


/*
 * The values of RateLimit-Policy and RateLimit for n limits (lists of
 * structured fields, draft-ietf-httpapi-ratelimit-headers-10).  Writes at
 * most JR_RATELIMIT_LEN(n) bytes; returns the end.  Lifted limits are left
 * out; nothing is written if none is left.
 */
#define JR_RATELIMIT_LEN(n)  ((n) * (JR_LIMIT_NAME_MAX + 112) + 1)

char *jr_limit_policy(const jr_limit_t *limits, const jr_limit_state_t *states,
    size_t n, char *dst);
char *jr_limit_remaining(const jr_limit_t *limits,
    const jr_limit_state_t *states, size_t n, char *dst);

/*
 * The code of a 429 that n limits decided together: of the first that refuses
 * for longer than clients retry, else NULL, that of every 429.
 */
const char *jr_limit_code(const jr_limit_t *limits,
    const jr_limit_state_t *states, size_t n);

/*
 * The message of a 429 for one limit, NUL-terminated, at most size bytes:
 * its name, its numbers, and when to come back.
 */
size_t jr_limit_message(const jr_limit_t *limit, const jr_limit_state_t *state,
    int64_t wait_seconds, char *dst, size_t size);


#endif /* JR_LIMIT_H_INCLUDED */
