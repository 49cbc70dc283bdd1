/* SPDX-License-Identifier: BSD-2-Clause
 *
 * admit.lua against a real Redis: several limits at once, and with a token;
 * a refusal changes nothing.
 */

#include "lib_lua.h"


static void
a_refusal_consumes_nothing(void **state)
{
    size_t     i;
    attempt_t  a = by("a");

    static const struct {
        const char  *limits;
        const char  *want;
    } cases[] = {
        { "rate r 9 1000000 5 enforce, quota q 9 hour 0 enforce, "
          "concurrency s 9 0 0 enforce, quota none 0 hour 0 enforce",
          "limited 4 60000 \"\" 0 9 1000000 5 6 0 0 9 3600 0 9 3600000 "
          "0 9 0 0 9 0 1 0 3600 0 0 60000" },
        { "concurrency none 0 0 0 enforce, rate r 9 1000000 5 enforce",
          "limited 1 60000 \"\" 1 0 0 0 0 0 0 9 1000000 5 6 0" },

        /* the one that holds longest is named */
        { "concurrency none 0 0 0 enforce, quota full 1 hour 0 enforce",
          "limited 2 3600000 \"\" 1 0 0 0 0 0 1 1 3600 0 0 3600000" },
        { "quota full 1 hour 0 enforce, concurrency none 0 0 0 enforce",
          "limited 1 3600000 \"\" 1 1 3600 0 0 3600000 1 0 0 0 0 0" },
        { "quota none 0 hour 0 enforce, quota full 1 hour 0 dry_run",
          "limited 1 60000 \"\" 1 0 3600 0 0 60000 2 1 3600 0 0 3600000" }
    };

    (void) state;

    counter_set(redis, "quota:full", "2099952000 1");

    for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        a.limits = cases[i].limits;
        changes_nothing(&a, T0, cases[i].want);
        is(redis_text(redis, "DBSIZE"), "1");
    }

    /* and with counters that are there already */

    a.limits = "rate r 9 1000000 5 enforce, quota q 9 hour 0 enforce, "
               "concurrency s 9 0 0 enforce";
    is(admit(redis, &a, T0), "forward absent \"\" 0 9 1000000 5 5 112 "
       "0 9 3600 0 8 3600000 0 9 0 0 8 0");
    is(record(redis, &a, "k"), "r q:2099952000 c");

    a = by("b");
    a.record = NULL;
    a.limits = "rate r 9 1000000 5 enforce, quota q 9 hour 0 enforce, "
               "concurrency s 1 0 0 enforce";
    changes_nothing(&a, T0, "limited 3 1000 \"\" 0 9 1000000 5 5 112 "
                    "0 9 3600 0 8 3600000 1 1 0 0 0 0");
}


static void
dry_run_counts_and_never_refuses(void **state)
{
    attempt_t  a = by("a");

    static const char  all[] = "rate r 1 1000000 0 dry_run, "
        "quota q 1 hour 0 dry_run, concurrency s 1 0 0 dry_run";

    (void) state;

    is(count_one(all, T0), "forward absent \"\" 0 1 1000000 0 0 1000 "
       "0 1 3600 0 0 3600000 0 1 0 0 0 0");

    a.limits = all;
    is(admit(redis, &a, T0), "forward absent \"\" 2 1 1000000 0 0 1000 "
       "2 1 3600 0 0 3600000 2 1 0 0 0 0");
    is(record(redis, &a, "k"), "- - -");

    /* a window later it passes again */
    is(count_one(all, T0 + HOUR), "forward absent \"\" 0 1 1000000 0 0 1000 "
       "0 1 3600 0 0 3600000 0 1 0 0 0 0");
}


static void
the_retry_of_an_unknown_token_pays_no_quota(void **state)
{
    attempt_t  a = by("a"), b = by("b");

    (void) state;

    a.limits = b.limits = "quota q 1 hour 0 enforce, "
        "rate r 1 1000000 0 enforce, concurrency s 1 0 0 enforce";

    admit(redis, &a, T0);
    is(settle(redis, &a, "unknown", T0), "settled unknown");

    /* but rate and slot like any other */
    changes_nothing(&b, T0, "limited 2 1000 \"\" 0 1 3600 0 0 3600000 "
                    "1 1 1000000 0 0 1000 0 1 0 0 1 0");
    is(admit(redis, &b, T0 + SECOND), "forward unknown \"\" "
       "0 1 3600 0 0 3599000 0 1 1000000 0 0 1000 0 1 0 0 0 0");
    is(record(redis, &b, "k"), "- r c");
    is(counter(redis, "quota:q"), "2099952000 1");
}


static void
a_key_of_another_type_is_an_error_before_any_write(void **state)
{
    char       before[80];
    size_t     i;
    attempt_t  a = by("a");

    static const char *const  keys[] = {
        "{t}:counters", "{t}:slots:s"
    };

    (void) state;

    a.limits = "rate r 9 1000000 5 enforce, quota q 9 hour 0 enforce, "
               "concurrency s 9 0 0 enforce";

    for (i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
        is(redis_text(redis, "FLUSHALL"), "OK");
        is(redis_text(redis, "LPUSH %s x", keys[i]), "1");
        snprintf(before, sizeof(before), "%s", redis_all(redis));

        begins(admit(redis, &a, T0), "(error) WRONGTYPE");
        is(redis_all(redis), before);
    }

    /* slots are taken while they are lifted, too */

    is(redis_text(redis, "HSET {t}:limits s.limit none"), "1");
    snprintf(before, sizeof(before), "%s", redis_all(redis));

    begins(admit(redis, &a, T0), "(error) WRONGTYPE");
    is(redis_all(redis), before);
}


static void
the_token_decides_where_limits_cannot_be_read(void **state)
{
    size_t     i;
    attempt_t  a = by("a"), b = by("b"), c = by("c");

    static const char *const  keys[] = {
        "{t}:counters", "{t}:slots:s"
    };

    (void) state;

    c.fingerprint = "1:beef";
    b.limits = c.limits = "rate r 9 1000000 5 enforce, "
        "quota q 9 hour 0 enforce, concurrency s 9 0 0 enforce";

    for (i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
        is(redis_text(redis, "FLUSHALL"), "OK");
        is(redis_text(redis, "LPUSH %s x", keys[i]), "1");

        is(admit(redis, &a, T0), "forward absent \"\"");
        changes_nothing(&b, T0, "running 15000 id-a");
        changes_nothing(&c, T0, "mismatch id-a");
        is(settle_created(redis, &a, ANSWER, "/l", "k", T0), "kept");
        changes_nothing(&b, T0, "replay " ANSWER " id-a");
    }
}


int
main(void)
{
    const struct CMUnitTest  tests[] = {
        lua_test(a_refusal_consumes_nothing),
        lua_test(dry_run_counts_and_never_refuses),
        lua_test(the_retry_of_an_unknown_token_pays_no_quota),
        lua_test(a_key_of_another_type_is_an_error_before_any_write),
        lua_test(the_token_decides_where_limits_cannot_be_read)
    };

    return cmocka_run_group_tests(tests, lua_start, lua_stop);
}
