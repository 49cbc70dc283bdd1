/* SPDX-License-Identifier: BSD-2-Clause
 *
 * admit.lua and settle.lua against a real Redis: turns of rates with a delay,
 * and concurrencies for which others wait.
 */

#include "lib_lua.h"


static void
a_rate_gives_turns_within_its_delay(void **state)
{
    static const char  r[] = "rate r 2 1000000 0 delay=1200";

    (void) state;

    is(count_one(r, T0), "forward absent \"\" 0 2 1000000 0 0 500");
    is(count_one(r, T0), "forward absent \"\" 4 2 1000000 0 0 1000 turn 500");
    is(count_one(r, T0), "forward absent \"\" 4 2 1000000 0 0 1500 turn 1000");

    /* the fourth would have to wait for 1500 ms */
    is(count_one(r, T0), "limited 1 300 \"\" 1 2 1000000 0 0 1500");
    is(count_one(r, T0 + 299 * MS), "limited 1 1 \"\" 1 2 1000000 0 0 1201");
    is(count_one(r, T0 + 300 * MS),
       "forward absent \"\" 4 2 1000000 0 0 1700 turn 1200");

    /* all turns have come */
    is(count_one(r, T0 + 2 * SECOND),
       "forward absent \"\" 0 2 1000000 0 0 500");
}


static void
a_burst_goes_before_turns(void **state)
{
    static const char  r[] = "rate r 1 1000000 2 delay=1000";

    (void) state;

    count_one(r, T0);
    count_one(r, T0);
    is(count_one(r, T0), "forward absent \"\" 0 1 1000000 2 0 1000");
    is(count_one(r, T0),
       "forward absent \"\" 4 1 1000000 2 0 2000 turn 1000");
    is(count_one(r, T0), "limited 1 1000 \"\" 1 1 1000000 2 0 2000");
}


static void
a_dry_run_and_a_blocked_rate_delay_nothing(void **state)
{
    (void) state;

    is(count_one("rate r 0 1000000 0 delay=55000", T0),
       "limited 1 60000 \"\" 1 0 1000000 0 0 60000");

    count_one("rate r 1 1000000 0 enforce", T0);
    is(count_one("rate r 1 1000000 0 dry_run", T0),
       "forward absent \"\" 2 1 1000000 0 0 1000");
}


/* the quota is counted once, in the call that gives the turn; what refuses
   beside a delay consumes no turn */

static void
a_turn_is_part_of_all_or_nothing(void **state)
{
    static const char  both[] = "rate r 1 1000000 0 delay=5000, "
                                "quota q 2 day 0 enforce";

    (void) state;

    count_one(both, T0);
    begins(count_one(both, T0), "forward absent \"\" 4 1 1000000 0 0 2000 "
           "turn 1000 0 2 86400 0 0 ");
    is(counter(redis, "quota:q:day"), "2099952000 2");

    begins(count_one(both, T0), "limited 2 ");
    is(counter(redis, "rate:r"), "2099952000000000 7200000000");
    is(counter(redis, "quota:q:day"), "2099952000 2");
}


static void
an_owner_that_asks_again_has_the_same_turn(void **state)
{
    attempt_t  a;

    (void) state;

    a = by("a");
    a.limits = "rate r 1 1000000 0 delay=5000";
    count_one(a.limits, T0);
    count_one(a.limits, T0);

    is(admit(redis, &a, T0),
       "forward absent \"\" 4 1 1000000 0 0 3000 turn 2000");
    is(record(redis, &a, "k"), "r:2099952002000");

    count_one(a.limits, T0);

    is(admit(redis, &a, T0 + 1500 * MS),
       "forward absent \"\" 4 1 1000000 0 0 1500 turn 500");
    is(counter(redis, "rate:r"), "2099952000000000 14400000000");

    /* its turn has come */
    begins(admit(redis, &a, T0 + 2 * SECOND), "forward absent \"\" 0 ");
}


static void
one_that_withdraws_gives_its_turn_back(void **state)
{
    attempt_t  a;

    (void) state;

    a = by("a");
    a.limits = "rate r 1 1000000 0 delay=5000, quota q 9 day 0 enforce";
    count_one(a.limits, T0);
    admit(redis, &a, T0);

    is(settle(redis, &a, "withdrawn", T0), "settled freed");
    is(counter(redis, "rate:r"), "2099952000000000 3600000000");
    is(counter(redis, "quota:q:day"), "2099952000 1");
    is(record(redis, &a, "s"), "(nil)");

    /* one that was unsent when its turn had come has used it */

    admit(redis, &a, T0);
    is(settle(redis, &a, "unsent", T0), "settled freed");
    is(counter(redis, "rate:r"), "2099952000000000 7200000000");
}


/* a backlog is at most what its burst and a million turns are */

static void
turns_do_not_overflow(void **state)
{
    static const char  r[] = "rate r 1000000 1000000 1000000 delay=55000";
    static const char  slow[] = "rate r 1 1000000 0 delay=1000";

    (void) state;

    counter_set(redis, "rate:r", "2099952000000000 9007199254740991");
    is(count_one(r, T0),
       "forward absent \"\" 4 1000000 1000000 1000000 0 1001 turn 1001");
    begins(count_one(r, T0 + 3 * SECOND), "forward absent \"\" 0 ");

    /* a larger delay left more: as though all turns were taken just now */

    is(redis_text(redis, "FLUSHALL"), "OK");
    counter_set(redis, "rate:r", "2099952000000000 9007199254740991");
    is(count_one(slow, T0), "limited 1 1000 \"\" 1 1 1000000 0 0 2000");
    is(count_one(slow, T0 + SECOND),
       "forward absent \"\" 4 1 1000000 0 0 2000 turn 1000");
}


static void
a_concurrency_that_others_wait_for_is_full(void **state)
{
    attempt_t  a;

    (void) state;

    a = by("a");
    a.limits = "concurrency c 5 0 0 awaited";
    is(admit(redis, &a, T0), "limited 1 1000 \"\" 1 5 0 0 0 0");

    a.limits = "concurrency c 5 0 0 enforce";
    admit(redis, &a, T0);
    settle_created(redis, &a, ANSWER, "/1", "run", T0);

    /* what the token alone decides is told all the same */

    a.limits = "concurrency c 5 0 0 awaited";
    a.owner = "b";
    begins(admit(redis, &a, T0), "replay ");
}


int
main(void)
{
    const struct CMUnitTest  tests[] = {
        lua_test(a_rate_gives_turns_within_its_delay),
        lua_test(a_burst_goes_before_turns),
        lua_test(a_dry_run_and_a_blocked_rate_delay_nothing),
        lua_test(a_turn_is_part_of_all_or_nothing),
        lua_test(an_owner_that_asks_again_has_the_same_turn),
        lua_test(one_that_withdraws_gives_its_turn_back),
        lua_test(turns_do_not_overflow),
        lua_test(a_concurrency_that_others_wait_for_is_full)
    };

    return cmocka_run_group_tests(tests, lua_start, lua_stop);
}
