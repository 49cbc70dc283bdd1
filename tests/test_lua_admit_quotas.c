/* SPDX-License-Identifier: BSD-2-Clause
 *
 * admit.lua against a real Redis: what a quota counts, in which window.
 */

#include "lib_lua.h"


static void
a_quota_counts_its_window(void **state)
{
    static const char  q[] = "quota q 2 hour 0 enforce";

    (void) state;

    is(count_one(q, T0), "forward absent \"\" 0 2 3600 0 1 3600000");
    is(redis_text(redis, "PEXPIRETIME {t}:counters"), "2099955600000");
    is(counter(redis, "quota:q"), "2099952000 1");
    is(count_one(q, T0 + 1800 * SECOND),
       "forward absent \"\" 0 2 3600 0 0 1800000");
    is(count_one(q, T0 + 1800 * SECOND),
       "limited 1 1800000 \"\" 1 2 3600 0 0 1800000");
    is(count_one(q, T0 + HOUR - 1), "limited 1 1 \"\" 1 2 3600 0 0 1");
    is(count_one(q, T0 + HOUR), "forward absent \"\" 0 2 3600 0 1 3600000");
    is(counter(redis, "quota:q"), "2099955600 1");
}


static void
a_quota_of_nothing(void **state)
{
    (void) state;

    is(count_one("quota q 0 day 0 enforce", T0 + DAY - 5 * MS),
       "limited 1 60000 \"\" 1 0 86400 0 0 60000");
}


static void
a_quota_of_a_million_million(void **state)
{
    static const char  q[] = "quota q 1000000000000 month 0 enforce";

    (void) state;

    is(count_one(q, T0),
       "forward absent \"\" 0 1000000000000 2678400 0 999999999999 "
       "1209600000");
    is(redis_text(redis, "DEL {t}:counters"), "1");
    counter_set(redis, "quota:q:month", "2098483200 999999999999");
    is(count_one(q, T0),
       "forward absent \"\" 0 1000000000000 2678400 0 0 1209600000");
    is(counter(redis, "quota:q"), "2098483200 1000000000000");
    is(count_one(q, T0), "limited 1 1209600000 \"\" 1 1000000000000 2678400 0 "
       "0 1209600000");
}


/*
 * The last microsecond of one window and the first of the next.  The seconds
 * are from the Gregorian calendar (date -u -d ... +%s).
 */

static void
windows_follow_the_calendar(void **state)
{
    char    limits[64], want[80];
    size_t  i;

    static const struct {
        const char  *window;
        long long    edge;          /* s */
        long long    before;        /* days of the window that ends, or s */
        long long    after;
        const char  *what;
    } edges[] = {
        { "hour", 1709251200, 3600, 3600, "2024-03-01T00" },
        { "day", 1709164800, 86400, 86400, "2024-02-29" },
        { "day", 1709251200, 86400, 86400, "2024-03-01" },
        { "month", 951868800, 29 * 86400, 31 * 86400, "2000-03, leap" },
        { "month", 1709251200, 29 * 86400, 31 * 86400, "2024-03, leap" },
        { "month", 1740787200, 28 * 86400, 31 * 86400, "2025-03" },
        { "month", 1767225600, 31 * 86400, 31 * 86400, "2026-01" },
        { "month", 1769904000, 31 * 86400, 28 * 86400, "2026-02" },
        { "month", 1777593600, 30 * 86400, 31 * 86400, "2026-05" },
        { "month", 1780272000, 31 * 86400, 30 * 86400, "2026-06" },
        { "month", 1785542400, 31 * 86400, 31 * 86400, "2026-08" },
        { "month", 1796083200, 30 * 86400, 31 * 86400, "2026-12" },
        { "month", 1835481600, 29 * 86400, 31 * 86400, "2028-03, leap" },
        { "month", 4107542400, 28 * 86400, 31 * 86400,
          "2100-03, no leap year" },
        { "day", 4107542400, 86400, 86400, "2100-03-01" },
        { "month", 4133980800, 31 * 86400, 31 * 86400, "2101-01" },
        { "month", 0, 31 * 86400, 31 * 86400, "1970-01" }
    };

    (void) state;

    for (i = 0; i < sizeof(edges) / sizeof(edges[0]); i++) {
        is(redis_text(redis, "FLUSHALL"), "OK");

        snprintf(limits, sizeof(limits), "quota q 9 %s 0 enforce",
                 edges[i].window);

        if (edges[i].edge > 0) {
            snprintf(want, sizeof(want), "forward absent \"\" 0 9 %lld 0 8 1",
                     edges[i].before);
            is(count_one(limits, edges[i].edge * SECOND - 1), want);
        }

        snprintf(want, sizeof(want), "forward absent \"\" 0 9 %lld 0 8 %lld",
                 edges[i].after, edges[i].after * 1000);
        is(count_one(limits, edges[i].edge * SECOND), want);
    }
}


/*
 * The clock is set back over the edge of a window, after that window was used
 * up and the next begun.
 */

static void
a_clock_that_goes_back_gives_no_second_quota(void **state)
{
    static const char  q[] = "quota q 2 hour 0 enforce";

    (void) state;

    count_one(q, T0 + HOUR - SECOND);
    count_one(q, T0 + HOUR - SECOND);
    count_one(q, T0 + HOUR);

    /* a second back: it is the next hour that goes on */
    is(count_one(q, T0 + HOUR - SECOND),
       "forward absent \"\" 0 2 3600 0 0 3601000");
    is(counter(redis, "quota:q"), "2099955600 2");
    is(redis_text(redis, "PEXPIRETIME {t}:counters"), "2099959200000");
    is(count_one(q, T0 + HOUR - SECOND),
       "limited 1 3601000 \"\" 1 2 3600 0 0 3601000");
    is(count_one(q, T0 + HOUR),
       "limited 1 3600000 \"\" 1 2 3600 0 0 3600000");

    /* three hours back: what was counted then counts in the present hour */
    is(count_one(q, T0 - 2 * HOUR),
       "limited 1 3600000 \"\" 1 2 3600 0 0 3600000");
    is(counter(redis, "quota:q"), "2099944800 2");
    is(redis_text(redis, "PEXPIRETIME {t}:counters"), "2099948400000");
    is(count_one(q, T0 - HOUR), "forward absent \"\" 0 2 3600 0 1 3600000");
}


static void
a_stored_quota_that_is_nonsense(void **state)
{
    size_t  i;

    static const struct {
        const char  *stored;
        const char  *want;
    } cases[] = {
        { "2099951999 2", "forward absent \"\" 0 2 3600 0 1 3600000" },
        { "2099952000 9007199254740991",
          "limited 1 3600000 \"\" 1 2 3600 0 0 3600000" },

        /* a window that never comes */
        { "9007199254740991 1",
          "forward absent \"\" 0 2 3600 0 0 3600000" },
        { "9007199254740991 2",
          "limited 1 3600000 \"\" 1 2 3600 0 0 3600000" }
    };

    (void) state;

    for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        is(redis_text(redis, "FLUSHALL"), "OK");
        counter_set(redis, "quota:q", cases[i].stored);
        is(count_one("quota q 2 hour 0 enforce", T0), cases[i].want);
        begins(count_one("quota q 2 hour 0 enforce", T0 + HOUR), "forward ");
    }
}


/* the first attempt of all, in that second since 1970, which Redis' own clock
   has long passed: of what is written nothing is left.  Redis keeps each text
   that it runs, so the second is not in it. */

static const char *
in_second(const attempt_t *a, int64_t at)
{
    static const char  driver[] =
        "local now = redis.call('GET', 'second')\n"
        "local reply = script(KEYS, ARGV, { now, '0' })\n"
        "redis.call('DEL', unpack(KEYS))\n"
        "return reply\n";

    is(redis_text(redis, "SET second %lld", (long long) at), "OK");

    return admit_driven(redis, a, driver);
}


/* every month of four centuries, by counting days */

static void
every_month_has_its_days(void **state)
{
    int        year, month, days;
    char       want[64];
    int64_t    at;
    attempt_t  a = by("o");

    static const int   lengths[] = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31,
                                     30, 31 };

    (void) state;

    a.record = NULL;
    a.limits = "quota q 1 month 0 enforce";

    at = 0;

    for (year = 1970; year < 2255; year++) {
        for (month = 0; month < 12; month++) {

            days = lengths[month];

            if (month == 1 && ((year % 4 == 0 && year % 100 != 0)
                               || year % 400 == 0))
            {
                days = 29;
            }

            snprintf(want, sizeof(want),
                     "forward absent \"\" 0 1 %d 0 0 %lld", days * 86400,
                     days * 86400000LL);
            is(in_second(&a, at), want);

            at += days * 86400;

            snprintf(want, sizeof(want),
                     "forward absent \"\" 0 1 %d 0 0 1000", days * 86400);
            is(in_second(&a, at - 1), want);
        }
    }
}


int
main(void)
{
    const struct CMUnitTest  tests[] = {
        lua_test(a_quota_counts_its_window),
        lua_test(a_quota_of_nothing),
        lua_test(a_quota_of_a_million_million),
        lua_test(windows_follow_the_calendar),
        lua_test(a_clock_that_goes_back_gives_no_second_quota),
        lua_test(a_stored_quota_that_is_nonsense),
        lua_test(every_month_has_its_days)
    };

    return cmocka_run_group_tests(tests, lua_start, lua_stop);
}
