/* SPDX-License-Identifier: BSD-2-Clause
 *
 * admit.lua against a real Redis: how many slots a concurrency has left.
 */

#include "lib_lua.h"


static void
slots_of_the_future_are_shortened_to_their_lengths(void **state)
{
    attempt_t  a = by("a"), b = by("b"), c = by("c");

    (void) state;

    a.record = b.record = c.record = NULL;
    a.limits = b.limits = c.limits = "concurrency s 2 0 0 enforce";
    b.lease = 60000;

    begins(admit(redis, &a, T0 + HOUR), "forward absent ");
    begins(admit(redis, &b, T0 + HOUR), "forward absent ");

    /* they count, and the clock that they end by is the one there is */
    begins(admit(redis, &c, T0), "limited 1 1000 ");
    is(slots(redis, "s", 1),
       "a:15000 2099952015000 b:60000 2099952060000");
    begins(admit(redis, &c, T0 + 15 * SECOND - 1), "limited 1 1000 ");
    begins(admit(redis, &c, T0 + 15 * SECOND), "forward absent ");

    /* a longer lease is not of the future */
    is(redis_text(redis, "FLUSHALL"), "OK");
    begins(admit(redis, &b, T0), "forward absent ");
    begins(admit(redis, &a, T0), "forward absent ");
    changes_nothing(&c, T0 + SECOND, "limited 1 1000 \"\" 1 2 0 0 0 0");
}


/* the same of the only one */

static void
the_only_slot_of_the_future_is_shortened(void **state)
{
    attempt_t  a = by("a"), b = by("b");

    (void) state;

    a.record = b.record = NULL;
    a.limits = b.limits = "concurrency s 1 0 0 enforce";

    begins(admit(redis, &a, T0 + HOUR), "forward absent ");
    begins(admit(redis, &b, T0), "limited 1 1000 ");
    is(slots(redis, "s", 1), "a:15000 2099952015000");
    begins(admit(redis, &b, T0 + 15 * SECOND), "forward absent ");
}


static void
slots_are_held_by_owners(void **state)
{
    attempt_t  a = by("a"), b = by("b"), c = by("c");

    (void) state;

    a.record = b.record = c.record = NULL;
    a.limits = b.limits = c.limits = "concurrency s 2 0 0 enforce";

    is(admit(redis, &a, T0), "forward absent \"\" 0 2 0 0 1 0");
    is(admit(redis, &b, T0 + SECOND), "forward absent \"\" 0 2 0 0 0 0");
    changes_nothing(&c, T0 + SECOND, "limited 1 1000 \"\" 1 2 0 0 0 0");
    is(slots(redis, "s", 1),
       "a:15000 2099952015000 b:15000 2099952016000");
    is(redis_text(redis, "PEXPIRETIME {t}:slots:s"), "2099952075000");

    /* a is dead; its slot is free the moment its lease ends */
    changes_nothing(&c, T0 + 15 * SECOND - 1,
                    "limited 1 1000 \"\" 1 2 0 0 0 0");
    is(admit(redis, &c, T0 + 15 * SECOND),
       "forward absent \"\" 0 2 0 0 0 0");
    is(slots(redis, "s", 0), "b:15000 c:15000");
}


static void
slots_of_long_leases_outlive_short_ones(void **state)
{
    attempt_t  a = by("a"), b = by("b");

    (void) state;

    a.record = b.record = NULL;
    a.limits = b.limits = "concurrency s 2 0 0 enforce";
    a.lease = 600000;
    b.lease = 1000;

    is(admit(redis, &a, T0), "forward absent \"\" 0 2 0 0 1 0");
    is(admit(redis, &b, T0), "forward absent \"\" 0 2 0 0 0 0");
    is(redis_text(redis, "PEXPIRETIME {t}:slots:s"), "2099952660000");

    /* whoever came first */
    is(redis_text(redis, "FLUSHALL"), "OK");
    is(admit(redis, &b, T0), "forward absent \"\" 0 2 0 0 1 0");
    is(admit(redis, &a, T0), "forward absent \"\" 0 2 0 0 0 0");
    is(redis_text(redis, "PEXPIRETIME {t}:slots:s"), "2099952660000");
}


/* until then they are told as held, and pass nobody's place on */

static void
slots_of_ended_leases_go_when_all_are_held(void **state)
{
    attempt_t  a = by("a"), b = by("b"), c = by("c"), d = by("d");

    (void) state;

    a.record = b.record = c.record = d.record = NULL;
    a.limits = b.limits = c.limits = "concurrency s 3 0 0 enforce";
    d.limits = "concurrency s 3 0 0 enforce, quota q 0 hour 0 enforce";

    is(admit(redis, &a, T0), "forward absent \"\" 0 3 0 0 2 0");
    is(admit(redis, &b, T0 + 10 * SECOND), "forward absent \"\" 0 3 0 0 1 0");

    changes_nothing(&d, T0 + 15 * SECOND,
                    "limited 2 60000 \"\" 0 3 0 0 1 0 1 0 3600 0 0 60000");
    is(admit(redis, &c, T0 + 15 * SECOND), "forward absent \"\" 0 3 0 0 0 0");
    is(slots(redis, "s", 0), "a:15000 b:15000 c:15000");

    changes_nothing(&d, T0 + 15 * SECOND,
                    "limited 2 60000 \"\" 0 3 0 0 1 0 1 0 3600 0 0 60000");
    d.limits = a.limits;
    is(admit(redis, &d, T0 + 15 * SECOND), "forward absent \"\" 0 3 0 0 0 0");
    is(slots(redis, "s", 0), "b:15000 c:15000 d:15000");
}


/* attempts that began while the limit was lifted are there when it is not */

static void
slots_are_counted_while_lifted(void **state)
{
    static const char  s[] = "concurrency s 3 0 0 enforce";

    attempt_t  a = by("a");

    (void) state;

    is(redis_text(redis, "HSET {t}:limits s.limit none"), "1");
    a.limits = s;
    is(admit(redis, &a, T0), "forward absent \"\" 3 3 0 0 0 0");
    is(record(redis, &a, "k"), "c");
    count_one(s, T0);
    count_one(s, T0);
    count_one(s, T0);

    is(redis_text(redis, "DEL {t}:limits"), "1");
    is(count_one(s, T0), "limited 1 1000 \"\" 1 3 0 0 0 0");
    is(renew(redis, &a, T0 + 10 * SECOND), "renewed");
    is(redis_text(redis, "ZCARD {t}:slots:s"), "4");
    is(settle(redis, &a, "rejected", T0 + 11 * SECOND), "settled freed");
    is(redis_text(redis, "ZCARD {t}:slots:s"), "3");
}


int
main(void)
{
    const struct CMUnitTest  tests[] = {
        lua_test(slots_of_the_future_are_shortened_to_their_lengths),
        lua_test(the_only_slot_of_the_future_is_shortened),
        lua_test(slots_are_held_by_owners),
        lua_test(slots_of_long_leases_outlive_short_ones),
        lua_test(slots_of_ended_leases_go_when_all_are_held),
        lua_test(slots_are_counted_while_lifted)
    };

    return cmocka_run_group_tests(tests, lua_start, lua_stop);
}
