/* SPDX-License-Identifier: BSD-2-Clause
 *
 * admit.lua against a real Redis: a tenant's overrides of limits.
 */

#include "lib_lua.h"


/* [HSET arguments, limits, reply to the first attempt] */

static void
overrides(void **state)
{
    size_t  i;

    static const struct {
        const char  *field;
        const char  *value;
        const char  *limits;
        const char  *want;
    } cases[] = {

        /* the rate, in the configured period or with a unit */
        { "r.rate", "10", "rate r 20 1000000 2 enforce",
          "forward absent \"\" 0 10 1000000 2 2 100" },
        { "r.rate", "40r/s", "rate r 20 1000000 2 enforce",
          "forward absent \"\" 0 40 1000000 2 2 25" },
        { "r.rate", "6r/m", "rate r 20 1000000 2 enforce",
          "forward absent \"\" 0 6 60000000 2 2 10000" },
        { "r.rate", "1r/h", "rate r 20 1000000 2 enforce",
          "forward absent \"\" 0 1 3600000000 2 2 3600000" },
        { "r.rate", "1000000r/s", "rate r 20 1000000 2 enforce",
          "forward absent \"\" 0 1000000 1000000 2 2 1" },
        { "r.rate", "000000000000000040r/s", "rate r 20 1000000 2 enforce",
          "forward absent \"\" 0 40 1000000 2 2 25" },
        { "r.rate", "none", "rate r 20 1000000 2 enforce",
          "forward absent \"\" 3 20 1000000 2 0 0" },
        { "r.rate", "0", "rate r 20 1000000 2 enforce",
          "limited 1 60000 \"\" 1 0 1000000 2 0 60000" },
        { "r.rate", "0r/h", "rate r 20 1000000 2 enforce",
          "limited 1 60000 \"\" 1 0 3600000000 2 0 60000" },
        { "r.rate", "0", "rate r 20 1000000 2 dry_run",
          "forward absent \"\" 2 0 1000000 2 0 60000" },
        { "r.burst", "100", "rate r 20 1000000 2 enforce",
          "forward absent \"\" 0 20 1000000 100 100 50" },
        { "r.burst", "0", "rate r 20 1000000 2 enforce",
          "forward absent \"\" 0 20 1000000 0 0 50" },
        { "r.burst", "1000000", "rate r 20 1000000 2 enforce",
          "forward absent \"\" 0 20 1000000 1000000 1000000 50" },

        { "q.limit", "5", "quota q 2 hour 0 enforce",
          "forward absent \"\" 0 5 3600 0 4 3600000" },
        { "q.limit", "1000000000000", "quota q 2 hour 0 enforce",
          "forward absent \"\" 0 1000000000000 3600 0 999999999999 "
          "3600000" },
        { "q.limit", "000000000000000005", "quota q 2 hour 0 enforce",
          "forward absent \"\" 0 5 3600 0 4 3600000" },
        { "q.limit", "0", "quota q 2 hour 0 enforce",
          "limited 1 60000 \"\" 1 0 3600 0 0 60000" },
        { "q.limit", "none", "quota q 0 hour 0 enforce",
          "forward absent \"\" 3 0 3600 0 0 0" },

        { "s.limit", "5", "concurrency s 2 0 0 enforce",
          "forward absent \"\" 0 5 0 0 4 0" },
        { "s.limit", "0", "concurrency s 2 0 0 enforce",
          "limited 1 60000 \"\" 1 0 0 0 0 0" },
        { "s.limit", "none", "concurrency s 0 0 0 enforce",
          "forward absent \"\" 3 0 0 0 0 0" },

        /* nonsense: the configured number, and told */
        { "r.rate", "-1", "rate r 20 1000000 2 enforce",
          "forward absent r.rate 0 20 1000000 2 2 50" },
        { "r.rate", "1.5", "rate r 20 1000000 2 enforce",
          "forward absent r.rate 0 20 1000000 2 2 50" },
        { "r.rate", "1e3", "rate r 20 1000000 2 enforce",
          "forward absent r.rate 0 20 1000000 2 2 50" },
        { "r.rate", "0x10", "rate r 20 1000000 2 enforce",
          "forward absent r.rate 0 20 1000000 2 2 50" },
        { "r.rate", " 5", "rate r 20 1000000 2 enforce",
          "forward absent r.rate 0 20 1000000 2 2 50" },
        { "r.rate", "", "rate r 20 1000000 2 enforce",
          "forward absent r.rate 0 20 1000000 2 2 50" },
        { "r.rate", "5r/d", "rate r 20 1000000 2 enforce",
          "forward absent r.rate 0 20 1000000 2 2 50" },
        { "r.rate", "5 r/s", "rate r 20 1000000 2 enforce",
          "forward absent r.rate 0 20 1000000 2 2 50" },
        { "r.rate", "NONE", "rate r 20 1000000 2 enforce",
          "forward absent r.rate 0 20 1000000 2 2 50" },
        { "r.rate", "inf", "rate r 20 1000000 2 enforce",
          "forward absent r.rate 0 20 1000000 2 2 50" },
        { "r.rate", "1000001", "rate r 20 1000000 2 enforce",
          "forward absent r.rate 0 20 1000000 2 2 50" },
        { "r.rate", "1000001r/s", "rate r 20 1000000 2 enforce",
          "forward absent r.rate 0 20 1000000 2 2 50" },
        { "r.rate", "99999999999999999999", "rate r 20 1000000 2 enforce",
          "forward absent r.rate 0 20 1000000 2 2 50" },
        { "r.burst", "none", "rate r 20 1000000 2 enforce",
          "forward absent r.burst 0 20 1000000 2 2 50" },
        { "r.burst", "5r/s", "rate r 20 1000000 2 enforce",
          "forward absent r.burst 0 20 1000000 2 2 50" },
        { "r.burst", "1000001", "rate r 20 1000000 2 enforce",
          "forward absent r.burst 0 20 1000000 2 2 50" },
        { "q.limit", "many", "quota q 2 hour 0 enforce",
          "forward absent q.limit 0 2 3600 0 1 3600000" },
        { "q.limit", "0000000000000000005", "quota q 2 hour 0 enforce",
          "forward absent q.limit 0 2 3600 0 1 3600000" },
        { "q.limit", "5r/s", "quota q 2 hour 0 enforce",
          "forward absent q.limit 0 2 3600 0 1 3600000" },
        { "q.limit", "1000000000001", "quota q 2 hour 0 enforce",
          "forward absent q.limit 0 2 3600 0 1 3600000" },
        { "s.limit", "-0", "concurrency s 2 0 0 enforce",
          "forward absent s.limit 0 2 0 0 1 0" },
        { "s.limit", "x", "concurrency s 0 0 0 enforce",
          "limited 1 60000 s.limit 1 0 0 0 0 0" },

        /* another's field */
        { "x.rate", "0", "rate r 20 1000000 2 enforce",
          "forward absent \"\" 0 20 1000000 2 2 50" },
        { "r.limit", "0", "rate r 20 1000000 2 enforce",
          "forward absent \"\" 0 20 1000000 2 2 50" }
    };

    (void) state;

    for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        is(redis_text(redis, "FLUSHALL"), "OK");
        is(redis_text(redis, "HSET {t}:limits %s %s", cases[i].field,
                      cases[i].value), "1");
        is(count_one(cases[i].limits, T0), cases[i].want);
    }
}


/* "until": in force before that second of the server's clock */

static void
overrides_end(void **state)
{
    size_t  i;
    char    value[64];

    static const char  in_force[] = "forward absent \"\" 0 9 3600 0 8 3600000";
    static const char  ended[] = "forward absent \"\" 0 2 3600 0 1 3600000";
    static const char  bad[] = "forward absent q.limit 0 2 3600 0 1 3600000";

    const struct {
        const char  *form;
        long long    at;        /* from now, in s */
        const char  *want;
    } cases[] = {
        { "9 until %lld", 1, in_force },
        { "9 until %lld", 0, ended },
        { "9 until %lld", -1, ended },
        { "none until %lld", 1,
          "forward absent \"\" 3 2 3600 0 0 0" },
        { "none until %lld", 0, ended },
        { "many until %lld", 1, bad },
        { "many until %lld", 0, ended },
        { "9 until%lld", 1, bad },
        { "9 until %lld ", 1, bad },
        { "9 until -%lld", 1, bad },
        { "9 until 99%lld", 1, bad },
        { "9 until 1 until %lld", 1, bad },
        { " until %lld", 1, bad }
    };

    (void) state;

    for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        snprintf(value, sizeof(value), cases[i].form,
                 (long long) (T0 / 1000000) + cases[i].at);

        is(redis_text(redis, "FLUSHALL"), "OK");
        is(redis_text(redis, "HSET {t}:limits q.limit %s", value), "1");
        is(count_one("quota q 2 hour 0 enforce", T0), cases[i].want);
    }
}


static void
overrides_keep_the_counters(void **state)
{
    static const char  q[] = "quota q 2 hour 0 enforce";
    static const char  r[] = "rate r 20 1000000 9 enforce";

    (void) state;

    count_one(q, T0);
    count_one(q, T0);
    is(count_one(q, T0), "limited 1 3600000 \"\" 1 2 3600 0 0 3600000");
    is(redis_text(redis, "HSET {t}:limits q.limit 4"), "1");
    is(count_one(q, T0), "forward absent \"\" 0 4 3600 0 1 3600000");
    is(redis_text(redis, "HSET {t}:limits q.limit 2"), "0");
    is(count_one(q, T0), "limited 1 3600000 \"\" 1 2 3600 0 0 3600000");
    is(redis_text(redis, "DEL {t}:limits"), "1");
    is(counter(redis, "quota:q"), "2099952000 3");

    /* 4 of 10 are used: at 50 ms each, 200 ms ahead */
    for (int i = 0; i < 4; i++) {
        count_one(r, T0);
    }

    /* a burst of 3 has no room for a fifth; 4 has */
    is(redis_text(redis, "HSET {t}:limits r.burst 3"), "1");
    is(count_one(r, T0), "limited 1 50 \"\" 1 20 1000000 3 0 50");
    is(redis_text(redis, "HSET {t}:limits r.burst 4"), "0");
    is(count_one(r, T0), "forward absent \"\" 0 20 1000000 4 0 50");

    /* five are five, whatever the rate */
    is(redis_text(redis, "HSET {t}:limits r.burst 9 r.rate 3"), "1");
    is(count_one(r, T0), "forward absent \"\" 0 3 1000000 9 4 334");
    is(counter(redis, "rate:r"), "2099952000000000 21600000000");
}


static void
several_overrides_may_be_nonsense(void **state)
{
    (void) state;

    is(redis_text(redis, "HSET {t}:limits r.rate x r.burst y q.limit z"),
       "3");
    is(count_one("rate r 20 1000000 2 enforce, quota q 2 hour 0 enforce", T0),
       "forward absent r.rate r.burst q.limit 0 20 1000000 2 2 50 "
       "0 2 3600 0 1 3600000");
}


static void
overrides_that_are_no_hash_are_ignored(void **state)
{
    (void) state;

    is(redis_text(redis, "SET {t}:limits 5"), "OK");
    is(count_one("rate r 20 1000000 2 enforce", T0),
       "forward absent * 0 20 1000000 2 2 50");
}


/* a hash of a million fields is not read for one of them */

static void
only_the_fields_needed_are_read(void **state)
{
    (void) state;

    freeReplyObject(redis_reply(redis, "CONFIG RESETSTAT"));
    count_one("rate r 20 1000000 2 enforce, quota q 2 hour 0 enforce", T0);

    is(redis_text(redis, "EVAL %s 0",
                  "local text = redis.call('INFO', 'commandstats')\n"
                  "local function calls(name)\n"
                  "  return string.match(text, 'cmdstat_' .. name ..\n"
                  "      ':calls=(%d+)') or '0'\n"
                  "end\n"
                  "return calls('hgetall') .. ' ' .. calls('hkeys')\n"),
       "0 0");
}


int
main(void)
{
    const struct CMUnitTest  tests[] = {
        lua_test(overrides),
        lua_test(overrides_end),
        lua_test(overrides_keep_the_counters),
        lua_test(several_overrides_may_be_nonsense),
        lua_test(overrides_that_are_no_hash_are_ignored),
        lua_test(only_the_fields_needed_are_read)
    };

    return cmocka_run_group_tests(tests, lua_start, lua_stop);
}
