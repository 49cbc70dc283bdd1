/* SPDX-License-Identifier: BSD-2-Clause
 *
 * admit.lua and settle.lua against exact models of what a rate, a quota and a
 * concurrency are: rates in 128-bit integers, windows from the C library's
 * calendar, slots as a list.  Numbers, times and events are random, with a
 * fixed seed.
 */

/* timegm() */
#define _GNU_SOURCE

#include <time.h>

#include "lib_lua.h"


typedef __int128  wide_t;


static uint64_t   seed;


static int
flush(void **state)
{
    seed = 20260430;

    return lua_flush(state);
}


/* 0 to most - 1; xorshift64* (Vigna, 2016) */

static uint64_t
below(uint64_t most)
{
    seed ^= seed >> 12;
    seed ^= seed << 25;
    seed ^= seed >> 27;

    return (seed * UINT64_C(2685821657736338717) >> 11) % most;
}


/* 0 to most, each order of magnitude as likely as another */

static int64_t
any_size(int64_t most)
{
    int64_t  n;

    if (below(12) == 0) {
        return most;
    }

    n = most;

    while (n > 0 && below(3)) {
        n /= 4;
    }

    return n ? (int64_t) below((uint64_t) n + 1) : 0;
}


static wide_t
ceiling(wide_t a, wide_t b)
{
    return (a + b - 1) / b;
}


static attempt_t
attempt(const char *limits)
{
    attempt_t  a;

    static int   n;
    static char  owners[4096][24];

    n++;
    snprintf(owners[n % 4096], sizeof(owners[0]), "o%d", n);

    a = attempt_default;
    a.record = NULL;
    a.owner = owners[n % 4096];
    a.limits = limits;

    return a;
}


/* ----------------------------------------------------------------- rates */


/* GCRA: when the next request is due, in 1/count of a microsecond */
typedef struct {
    int64_t  count;
    int64_t  period;
    int64_t  burst;
    wide_t   due;
} rate_t;


static void
rate_expect(rate_t *rate, int64_t time, char *want, size_t size)
{
    int       passes;
    wide_t    now, ahead, allowed, left, wait;

    now = (wide_t) time * rate->count;
    allowed = (wide_t) rate->burst * rate->period;
    ahead = rate->due > now ? rate->due - now : 0;

    passes = ahead <= allowed;

    if (passes) {
        ahead += rate->period;
        rate->due = now + ahead;
    }

    /* how many more pass at this moment, and when it is one more */

    left = ahead > allowed ? 0 : (allowed - ahead) / rate->period + 1;
    wait = left > rate->burst ? 0
           : ceiling(ahead - allowed + left * rate->period,
                     (wide_t) rate->count * 1000);

    if (passes) {
        snprintf(want, size, "forward absent \"\" 0 %lld %lld %lld %lld %lld",
                 (long long) rate->count, (long long) rate->period,
                 (long long) rate->burst, (long long) left,
                 (long long) wait);

    } else {
        snprintf(want, size, "limited 1 %lld \"\" 1 %lld %lld %lld 0 %lld",
                 (long long) wait, (long long) rate->count,
                 (long long) rate->period, (long long) rate->burst,
                 (long long) wait);
    }
}


static void
rate_refund(rate_t *rate)
{
    rate->due -= rate->period;
}


static void
rates_are_those_of_the_model(void **state)
{
    int          i, k;
    char         want[160], limits[96];
    rate_t       rate;
    int64_t      time, step;
    attempt_t    a;
    const char  *got;

    static const int64_t  periods[] = {
        1000000, 60000000, INT64_C(3600000000)
    };

    (void) state;

    for (i = 0; i < 250; i++) {
        assert_string_equal(redis_text(redis, "FLUSHALL"), "OK");

        rate.count = 1 + any_size(999999);
        rate.period = periods[below(3)];
        rate.burst = any_size(1000000);
        rate.due = 0;

        snprintf(limits, sizeof(limits), "rate r %lld %lld %lld enforce",
                 (long long) rate.count, (long long) rate.period,
                 (long long) rate.burst);

        time = T0 + (int64_t) below(3600 * SECOND);

        if (below(2)) {
            /* as much used already as can be, but for a little */

            rate.due = (wide_t) time * rate.count
                       + (wide_t) (rate.burst + 1) * rate.period
                       - any_size(rate.period);

            /* 1/count of a microsecond is so many units of a backlog */

            snprintf(want, sizeof(want), "%lld %lld", (long long) time,
                     (long long) ((rate.due - (wide_t) time * rate.count)
                                  * (REQUEST / rate.period)));
            counter_set(redis, "rate:r", want);
        }

        /* of the size of one request, or of the whole burst */

        step = rate.period / rate.count + 1;

        for (k = 0; k < 40; k++) {
            time += below(8) ? any_size(3 * step)
                             : any_size(step) * (rate.burst + 2);

            rate_expect(&rate, time, want, sizeof(want));

            a = attempt(limits);
            got = admit(redis, &a, time);

            if (strcmp(got, want) != 0) {
                fail_msg("%s: run %d, request %d: \"%s\" is not \"%s\"",
                         limits, i, k, got, want);
            }

            if (got[0] == 'f' && below(4) == 0) {
                time += any_size(3 * step);
                rate_refund(&rate);
                assert_string_equal(settle(redis, &a, "unauthorized", time),
                                    "settled freed");
            }
        }
    }
}


/*
 * Rates that are overridden on the way, by other numbers and other units: the
 * backlog in exact fractions of a request, with a denominator that all rates
 * share.
 */

static void
overridden_rates_are_those_of_the_model(void **state)
{
    int          i, k, passes;
    char         want[160], limits[96];
    wide_t       backlog, one, left;
    int64_t      time, seen, step;
    rate_t       rate;
    attempt_t    a;
    const char  *got;

    static const char     units[] = "smh";
    static const int64_t  periods[] = {
        1000000, 60000000, INT64_C(3600000000)
    };

    (void) state;

    /* a microsecond at 1 an hour works off 1 / one of a request */
    one = REQUEST;

    for (i = 0; i < 100; i++) {
        assert_string_equal(redis_text(redis, "FLUSHALL"), "OK");

        snprintf(limits, sizeof(limits), "rate r %lld 1000000 %lld enforce",
                 (long long) (1 + any_size(999999)),
                 (long long) any_size(1000));

        time = seen = T0;
        backlog = 0;
        step = 1;
        rate = (rate_t) { .count = 1, .period = 1000000 };

        for (k = 0; k < 40; k++) {

            if (k % 8 == 0) {
                rate.period = periods[below(3)];
                rate.count = 1 + any_size(999999);
                rate.burst = any_size(30);
                step = rate.period / rate.count + 1;

                snprintf(want, sizeof(want), "HSET {t}:limits r.rate "
                         "%lldr/%c r.burst %lld", (long long) rate.count,
                         units[rate.period == 1000000 ? 0
                               : rate.period == 60000000 ? 1 : 2],
                         (long long) rate.burst);
                freeReplyObject(redis_reply(redis, want));
            }

            time += below(3) ? any_size(2 * step) : 0;

            /* a smaller burst cuts it, unless it refuses */

            left = backlog > (rate.burst + 1) * one ? (rate.burst + 1) * one
                                                    : backlog;
            left -= (wide_t) (time - seen) * rate.count
                    * (REQUEST / rate.period);

            passes = left <= rate.burst * one;

            a = attempt(limits);
            got = admit(redis, &a, time);

            snprintf(want, sizeof(want), passes ? "forward absent \"\" 0 "
                     "%lld %lld %lld " : "limited 1 %lld \"\" 1 ",
                     passes ? (long long) rate.count
                     : (long long) ceiling(left - rate.burst * one,
                                           (wide_t) rate.count * 1000
                                           * (REQUEST / rate.period)),
                     (long long) rate.period, (long long) rate.burst);

            if (strncmp(got, want, strlen(want)) != 0) {
                fail_msg("%s: run %d, request %d: \"%s\" is not \"%s...\"",
                         limits, i, k, got, want);
            }

            if (passes) {
                backlog = (left > 0 ? left : 0) + one;
                seen = time;
            }
        }
    }
}


/* --------------------------------------------------------------- windows */


static int64_t
window_start(const char *window, int64_t time, int ahead)
{
    time_t     at;
    struct tm  tm;

    at = time / SECOND;
    gmtime_r(&at, &tm);

    tm.tm_sec = tm.tm_min = 0;

    if (window[0] == 'h') {
        tm.tm_hour += ahead;

    } else if (window[0] == 'd') {
        tm.tm_hour = 0;
        tm.tm_mday += ahead;

    } else {
        tm.tm_hour = 0;
        tm.tm_mday = 1;
        tm.tm_mon += ahead;
    }

    return (int64_t) timegm(&tm);
}


static void
quotas_are_those_of_the_model(void **state)
{
    int          i, k;
    char         want[160], limits[64];
    int64_t      time, from, to, current, used, limit, life;
    attempt_t    a;
    const char  *got, *window;

    static const char *const  windows[] = { "hour", "day", "month" };
    static const int64_t      lives[] = { HOUR, DAY, 31 * DAY };

    (void) state;

    for (i = 0; i < 60; i++) {
        assert_string_equal(redis_text(redis, "FLUSHALL"), "OK");

        window = windows[i % 3];
        life = lives[i % 3];
        limit = (int64_t) below(4) + 1;

        snprintf(limits, sizeof(limits), "quota q %lld %s 0 enforce",
                 (long long) limit, window);

        time = T0 + (int64_t) below(400) * DAY;
        current = -1;
        used = 0;

        for (k = 0; k < 60; k++) {
            time += any_size(life / 2);

            if (below(5) == 0) {
                /* the last microsecond of a window, or the first of one */
                time = window_start(window, time, 1) * SECOND
                       - (int64_t) below(2);
            }

            from = window_start(window, time, 0);
            to = window_start(window, time, 1);

            if (from != current) {
                current = from;
                used = 0;
            }

            if (used < limit) {
                used++;
                snprintf(want, sizeof(want),
                         "forward absent \"\" 0 %lld %lld 0 %lld %lld",
                         (long long) limit, (long long) (to - from),
                         (long long) (limit - used),
                         (long long) (to * 1000 - time / MS));

            } else {
                snprintf(want, sizeof(want),
                         "limited 1 %lld \"\" 1 %lld %lld 0 0 %lld",
                         (long long) (to * 1000 - time / MS),
                         (long long) limit, (long long) (to - from),
                         (long long) (to * 1000 - time / MS));
            }

            a = attempt(limits);
            got = admit(redis, &a, time);

            if (strcmp(got, want) != 0) {
                fail_msg("%s: run %d, request %d at %lld: \"%s\" is not "
                         "\"%s\"", limits, i, k, (long long) time, got,
                         want);
            }

            if (got[0] == 'f' && below(3) == 0) {
                /* given back, unless its window has ended */

                time += any_size(life / 2);
                assert_string_equal(settle(redis, &a, "rejected", time),
                                    "settled freed");
                used--;
            }
        }
    }
}


/* ----------------------------------------------------------------- slots */


#define SLOTS  8


static void
slots_are_those_of_the_model(void **state)
{
    int          k, i, free, used, all, limit, lifted, there[SLOTS];
    char         want[96], limits[48];
    int64_t      time, ends[SLOTS];
    attempt_t    a, held[SLOTS];
    const char  *got;

    (void) state;

    memset(ends, 0, sizeof(ends));
    memset(there, 0, sizeof(there));
    time = T0;
    limit = 4;
    snprintf(limits, sizeof(limits), "concurrency s %d 0 0 enforce", limit);

    for (k = 0; k < 3000; k++) {
        time += any_size(8 * SECOND);
        i = (int) below(SLOTS);

        if (ends[i] > time && below(4) == 0) {
            /* the moment at which a lease is over */
            time = ends[i];
        }

        if (ends[i] && below(3) == 0) {
            /* one ends, though its lease may be over */

            begins(settle(redis, &held[i], "rejected", time), "settled ");
            ends[i] = there[i] = 0;
            continue;
        }

        if (ends[i] > time && below(2)) {
            assert_string_equal(renew(redis, &held[i], time), "renewed");
            ends[i] = time / MS * MS + 15 * SECOND;
            continue;
        }

        lifted = below(6) == 0;
        freeReplyObject(lifted
                        ? redis_reply(redis, "HSET {t}:limits s.limit none")
                        : redis_reply(redis, "DEL {t}:limits"));

        for (used = all = 0, free = -1, i = 0; i < SLOTS; i++) {
            all += there[i];

            if (ends[i] && ends[i] / MS > time / MS) {
                used++;

            } else if (ends[i] == 0) {
                free = i;
            }
        }

        if (free == -1) {
            continue;
        }

        if (lifted) {
            snprintf(want, sizeof(want),
                     "forward absent \"\" 3 %d 0 0 0 0", limit);

        } else if (used < limit) {
            snprintf(want, sizeof(want),
                     "forward absent \"\" 0 %d 0 0 %d 0", limit,
                     limit - (all < limit ? all : used) - 1);

        } else {
            snprintf(want, sizeof(want),
                     "limited 1 1000 \"\" 1 %d 0 0 0 0", limit);
        }

        a = attempt(limits);
        got = admit(redis, &a, time);

        if (strcmp(got, want) != 0) {
            fail_msg("step %d: \"%s\" is not \"%s\"", k, got, want);
        }

        if (got[0] == 'f') {

            /* those that have ended are swept when they are in the way */

            for (i = 0; !lifted && all >= limit && i < SLOTS; i++) {
                there[i] = there[i] && ends[i] / MS > time / MS;
            }

            held[free] = a;
            ends[free] = time / MS * MS + 15 * SECOND;
            there[free] = 1;
        }
    }
}


#define limits_test(name)  cmocka_unit_test_setup(name, flush)


int
main(void)
{
    const struct CMUnitTest  tests[] = {
        limits_test(rates_are_those_of_the_model),
        limits_test(overridden_rates_are_those_of_the_model),
        limits_test(quotas_are_those_of_the_model),
        limits_test(slots_are_those_of_the_model)
    };

    return cmocka_run_group_tests(tests, lua_start, lua_stop);
}
