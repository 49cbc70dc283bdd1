/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The kinds of limits: a row each, and the functions of the rows.
 */

#include <stdio.h>

#include "jr_decimal.h"
#include "jr_limit.h"


static jr_status_e jr_limit_kind_set_rate(jr_limit_t *limit, jr_str_t value);
static jr_status_e jr_limit_kind_set_burst(jr_limit_t *limit, jr_str_t value);
static jr_status_e jr_limit_kind_set_limit(jr_limit_t *limit, jr_str_t value);
static jr_status_e jr_limit_kind_set_window(jr_limit_t *limit,
    jr_str_t value);
static jr_status_e jr_limit_kind_set_delay(jr_limit_t *limit,
    jr_str_t value);
static jr_status_e jr_limit_kind_override_rate(jr_str_t value);
static jr_status_e jr_limit_kind_override_burst(jr_str_t value);
static jr_status_e jr_limit_kind_override_limit(jr_str_t value);
static void jr_limit_kind_rate_measure(jr_limit_state_t *state,
    int64_t backlog, int64_t end);
static void jr_limit_kind_quota_measure(jr_limit_state_t *state, int64_t used,
    int64_t end);
static void jr_limit_kind_concurrency_measure(jr_limit_state_t *state,
    int64_t held, int64_t end);
static void jr_limit_kind_rate_policy(const jr_limit_state_t *state,
    int64_t *count, int64_t *seconds);
static int jr_limit_kind_rate_refusal(const jr_limit_t *limit,
    const jr_limit_state_t *state, long long wait, char *dst, size_t size);
static int jr_limit_kind_rate_conflict(const jr_limit_t *limit,
    const jr_limit_t *other, char *dst, size_t size);
static void jr_limit_kind_policy(const jr_limit_state_t *state,
    int64_t *count, int64_t *seconds);
static int jr_limit_kind_quota_refusal(const jr_limit_t *limit,
    const jr_limit_state_t *state, long long wait, char *dst, size_t size);
static int jr_limit_kind_quota_conflict(const jr_limit_t *limit,
    const jr_limit_t *other, char *dst, size_t size);
static int jr_limit_kind_concurrency_refusal(const jr_limit_t *limit,
    const jr_limit_state_t *state, long long wait, char *dst, size_t size);


/* no override changes it: who waits was let in by what stood there then */
#define jr_limit_kind_delay_param                                            \
    { "delay=", jr_limit_kind_set_delay,                                     \
      "1ms to 55s: \"delay=10s\"", NULL, NULL, NULL }


static const jr_limit_param_t  jr_limit_kind_rate[] = {

    { "rate=", jr_limit_kind_set_rate,
      "1 to 1000000 per second, minute or hour: \"rate=20r/s\", "
      "\"rate=30r/m\", \"rate=7r/h\"",
      "needs \"rate=\", for example \"rate=20r/s\"",
      jr_limit_kind_override_rate, "a number, \"50r/s\" or \"none\"" },

    { "burst=", jr_limit_kind_set_burst,
      "0 to 1000000: \"burst=40\"", NULL,
      jr_limit_kind_override_burst, "a number" },

    jr_limit_kind_delay_param,
    { NULL, NULL, NULL, NULL, NULL, NULL }
};


#define jr_limit_kind_limit_param                                            \
    { "limit=", jr_limit_kind_set_limit,                                     \
      "0 to 1000000000000: \"limit=1000\"",                                  \
      "needs \"limit=\", for example \"limit=50\"",                          \
      jr_limit_kind_override_limit, "a number or \"none\"" }


static const jr_limit_param_t  jr_limit_kind_quota[] = {

    jr_limit_kind_limit_param,

    { "window=", jr_limit_kind_set_window,
      "\"window=hour\", \"window=day\" or \"window=month\"",
      "needs \"window=\": hour, day or month", NULL, NULL },

    { NULL, NULL, NULL, NULL, NULL, NULL }
};


static const jr_limit_param_t  jr_limit_kind_concurrency[] = {
    jr_limit_kind_limit_param,
    jr_limit_kind_delay_param,
    { NULL, NULL, NULL, NULL, NULL, NULL }
};


/* in the order of jr_limit_kind_e */

const jr_limit_kind_t  jr_limit_kinds[] = {

    { .name = jr_str("rate"),
      .directive = jr_str("jobruns_limit"),
      .code = "r",
      .params = jr_limit_kind_rate,
      .takes = "\"key=\", \"rate=\", \"burst=\", \"delay=\" and last "
               "\"dry_run\"",
      .measure = jr_limit_kind_rate_measure,
      .policy = jr_limit_kind_rate_policy,
      .refusal = jr_limit_kind_rate_refusal,
      .conflict = jr_limit_kind_rate_conflict },

    { .name = jr_str("quota"),
      .directive = jr_str("jobruns_quota"),
      .code = "q",
      .params = jr_limit_kind_quota,
      .takes = "\"key=\", \"limit=\", \"window=\" and last \"dry_run\"",
      .exceeded = "QuotaExceeded",
      .windowed = 1,
      .measure = jr_limit_kind_quota_measure,
      .policy = jr_limit_kind_policy,
      .refusal = jr_limit_kind_quota_refusal,
      .conflict = jr_limit_kind_quota_conflict },

    { .name = jr_str("concurrency"),
      .directive = jr_str("jobruns_concurrency"),
      .code = "c",
      .params = jr_limit_kind_concurrency,
      .takes = "\"key=\", \"limit=\", \"delay=\" and last \"dry_run\"",
      .unit = "concurrent-requests",
      .held = 1,
      .measure = jr_limit_kind_concurrency_measure,
      .policy = jr_limit_kind_policy,
      .refusal = jr_limit_kind_concurrency_refusal }
};

_Static_assert(sizeof(jr_limit_kinds) / sizeof(jr_limit_kinds[0])
               == JR_LIMIT_LAST, "a row for each kind of limit");


jr_limit_kind_e
jr_limit_kind_find(jr_str_t directive)
{
    int  kind;

    for (kind = 0; kind < JR_LIMIT_LAST; kind++) {
        if (jr_str_eq(jr_limit_kinds[kind].directive, directive.data,
                      directive.len))
        {
            break;
        }
    }

    return (jr_limit_kind_e) kind;
}


const char *
jr_limit_kind_name(unsigned long kind)
{
    return kind < JR_LIMIT_LAST ? jr_limit_kinds[kind].name.data : "other";
}


/* -------------------------------------------------------- of directives */


static jr_status_e
jr_limit_kind_set_rate(jr_limit_t *limit, jr_str_t value)
{
    return jr_limit_rate(value, &limit->count, &limit->period);
}


static jr_status_e
jr_limit_kind_set_burst(jr_limit_t *limit, jr_str_t value)
{
    return jr_decimal_read(value, JR_BURST_MAX, &limit->burst);
}


static jr_status_e
jr_limit_kind_set_limit(jr_limit_t *limit, jr_str_t value)
{
    return jr_decimal_read(value, JR_QUOTA_MAX, &limit->count);
}


static jr_status_e
jr_limit_kind_set_delay(jr_limit_t *limit, jr_str_t value)
{
    return jr_limit_delay(value, &limit->delay);
}


static jr_status_e
jr_limit_kind_set_window(jr_limit_t *limit, jr_str_t value)
{
    limit->window = value;

    return jr_limit_window(value);
}


/* --------------------------------------------------------- of overrides */


/* as admit.lua reads them: 0 blocks, "none" lifts the limit */

static jr_status_e
jr_limit_kind_override_rate(jr_str_t value)
{
    int64_t  n, period;

    return jr_str_eq(value, "none", 4)
           || jr_decimal_read(value, JR_RATE_MAX, &n) == JR_OK
           ? JR_OK : jr_limit_rate(value, &n, &period);
}


static jr_status_e
jr_limit_kind_override_burst(jr_str_t value)
{
    int64_t  n;

    return jr_decimal_read(value, JR_BURST_MAX, &n);
}


static jr_status_e
jr_limit_kind_override_limit(jr_str_t value)
{
    int64_t  n;

    return jr_str_eq(value, "none", 4) ? JR_OK
                                 : jr_decimal_read(value, JR_QUOTA_MAX, &n);
}


/* --------------------------------------------------------------- a rate */


/*
 * How many more pass at this moment, and when it is one more.  A rate works off
 * count of its units in each 1/period of the time in which it is one request.
 */

static void
jr_limit_kind_rate_measure(jr_limit_state_t *state, int64_t backlog,
    int64_t end)
{
    int64_t  free, more, unit, least;

    (void) end;

    free = state->burst * JR_RATE_REQUEST - backlog;
    more = (free >= 0) ? free / JR_RATE_REQUEST + 1 : 0;

    state->remaining = (state->state == JR_LIMIT_PASSES) ? more : 0;
    state->reset = 0;

    if (state->count == 0) {
        state->reset = JR_LIMIT_BLOCKED;

    } else if (more <= state->burst) {
        unit = state->count * (JR_RATE_REQUEST / state->period) * 1000;
        least = more * JR_RATE_REQUEST - free;
        state->reset = least / unit + (least % unit != 0);
    }
}


/*
 * A rate is reported as what may come at once, and the whole seconds in which
 * all of it is there again: who keeps to that is never refused.
 */

static void
jr_limit_kind_rate_policy(const jr_limit_state_t *state, int64_t *count,
    int64_t *seconds)
{
    *count = state->count;
    *seconds = state->period / 1000000;

    if (state->count > 0) {
        *count = state->burst + 1;
        *seconds = (*count * state->period - 1) / (state->count * 1000000)
                   + 1;
    }
}


static int
jr_limit_kind_rate_refusal(const jr_limit_t *limit,
    const jr_limit_state_t *state, long long wait, char *dst, size_t size)
{
    return snprintf(dst, size, "Limit %.*s: at most %lld requests per %s, "
                    "and %lld more in a burst; the next passes in %lld s.",
                    (int) limit->name.len, limit->name.data,
                    (long long) state->count,
                    state->period == 1000000 ? "second"
                    : state->period == 60000000 ? "minute" : "hour",
                    (long long) state->burst, wait);
}


static int
jr_limit_kind_rate_conflict(const jr_limit_t *limit, const jr_limit_t *other,
    char *dst, size_t size)
{
    if (limit->count == other->count && limit->period == other->period
        && limit->burst == other->burst && limit->delay == other->delay)
    {
        return 0;
    }

    return snprintf(dst, size, "has a different rate, burst or delay in "
                    "two locations: both add to one backlog, which each works "
                    "off at its own rate; give them different names");
}


/* -------------------------------------------- a quota, and a concurrency */


static void
jr_limit_kind_quota_measure(jr_limit_state_t *state, int64_t used,
    int64_t end)
{
    state->remaining = state->count > used ? state->count - used : 0;
    state->reset = state->count ? end : JR_LIMIT_BLOCKED;
}


static void
jr_limit_kind_concurrency_measure(jr_limit_state_t *state, int64_t held,
    int64_t end)
{
    (void) end;

    state->remaining = state->state == JR_LIMIT_PASSES && state->count > held
                       ? state->count - held : 0;
    state->reset = 0;
}


static void
jr_limit_kind_policy(const jr_limit_state_t *state, int64_t *count,
    int64_t *seconds)
{
    *count = state->count;
    *seconds = state->period;
}


static int
jr_limit_kind_quota_refusal(const jr_limit_t *limit,
    const jr_limit_state_t *state, long long wait, char *dst, size_t size)
{
    return snprintf(dst, size, "Limit %.*s: %lld job runs per %.*s (UTC) "
                    "are used up; it is reset in %lld s.",
                    (int) limit->name.len, limit->name.data,
                    (long long) state->count, (int) limit->window.len,
                    limit->window.data, wait);
}


static int
jr_limit_kind_quota_conflict(const jr_limit_t *limit, const jr_limit_t *other,
    char *dst, size_t size)
{
    if (jr_str_eq(limit->window, other->window.data, other->window.len)) {
        return 0;
    }

    return snprintf(dst, size, "has window=%.*s in one location and "
                    "window=%.*s in another: each window counts for itself, "
                    "and an override of \"%.*s.limit\" sets both; give them "
                    "different names", (int) other->window.len,
                    other->window.data, (int) limit->window.len,
                    limit->window.data, (int) limit->name.len,
                    limit->name.data);
}


static int
jr_limit_kind_concurrency_refusal(const jr_limit_t *limit,
    const jr_limit_state_t *state, long long wait, char *dst, size_t size)
{
    return snprintf(dst, size, "Limit %.*s: %lld job runs are being created "
                    "at this moment, which is the most allowed; retry "
                    "after %lld s.", (int) limit->name.len,
                    limit->name.data, (long long) state->count, wait);
}
