/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Several attempts in one call of admit.lua and settle.lua: each is decided as
 * though it came alone, behind those in front of it.
 */

#include "lib_lua.h"


#define LIMITS  "rate r 9 1000000 50 enforce, quota q 3 hour 0 enforce, "    \
                "concurrency s 9 0 0 enforce"


static const char *const  records[] = {
    "{t}:token:1", "{t}:token:2", "{t}:token:3", "{t}:token:4", "{t}:token:5"
};


static void
several(attempt_t *a, size_t n, const char *limits)
{
    size_t  i;

    static const char *const  owners[] = { "a", "b", "c", "d", "e" };

    for (i = 0; i < n; i++) {
        a[i] = by(owners[i]);
        a[i].record = records[i];
        a[i].limits = limits;
    }
}


static void
all_are_decided_in_order(void **state)
{
    attempt_t    a[5];
    const char  *got[5];

    (void) state;

    several(a, 5, LIMITS);

    /* the first is done, the second runs, and the quota has one left */

    begins(admit(redis, &a[0], T0), "forward absent ");
    is(settle_created(redis, &a[0], ANSWER, "/l", "k", T0), "kept");
    begins(admit(redis, &a[1], T0), "forward absent ");
    a[1].owner = "other";

    admit_all(redis, a, 5, got, T0);

    is(got[0], "replay " ANSWER " id-a");
    is(got[1], "running 15000 id-b");
    is(got[2], "forward absent \"\" 0 9 1000000 50 48 112 "
       "0 3 3600 0 0 3600000 0 9 0 0 7 0");
    begins(got[3], "limited 2 3600000 \"\" 0 9 1000000 50 48 ");
    begins(got[4], "limited 2 3600000 \"\" ");

    is(counter(redis, "quota:q"), "2099952000 3");
    is(counter(redis, "rate:r"), "2099952000000000 10800000000");
    is(slots(redis, "s", 0), "b:15000 c:15000");
    is(redis_text(redis, "EXISTS %s", records[3]), "0");
}


/* the same is left as by one call for each */

static void
a_batch_is_as_each_alone(void **state)
{
    size_t       i;
    char         alone[80], want[5][160];
    attempt_t    a[5];
    const char  *got[5];

    (void) state;

    several(a, 5, LIMITS);
    a[1].record = NULL;

    for (i = 0; i < 5; i++) {
        snprintf(want[i], sizeof(want[i]), "%s", admit(redis, &a[i], T0));
    }

    snprintf(alone, sizeof(alone), "%s", redis_all(redis));
    is(redis_text(redis, "FLUSHALL"), "OK");

    admit_all(redis, a, 5, got, T0);

    for (i = 0; i < 5; i++) {
        is(got[i], want[i]);
    }

    is(redis_all(redis), alone);
}


static void
settlements_are_each_its_own(void **state)
{
    attempt_t    a[5];
    const char  *got[5];

    static const char *const  outcomes[] = {
        "created", "rejected", "unauthorized", "unknown", "created"
    };

    (void) state;

    several(a, 5, "rate r 9 1000000 50 enforce, quota q 9 hour 0 enforce, "
            "concurrency s 9 0 0 enforce");

    admit_all(redis, a, 4, got, T0);
    is(counter(redis, "quota:q"), "2099952000 4");

    a[4].lost = T0 / 1000 + 200;
    settle_all(redis, a, 5, outcomes, got, T0);

    is(got[0], "kept");
    is(got[1], "settled freed");
    is(got[2], "settled freed");
    is(got[3], "settled unknown");
    is(got[4], "early 2099952000000");

    is(counter(redis, "quota:q"), "2099952000 2");
    is(counter(redis, "rate:r"), "2099952000000000 10800000000");
    is(redis_text(redis, "EXISTS {t}:slots:s"), "0");
    is(record(redis, &a[0], "s"), "d");
    is(record(redis, &a[3], "s"), "u");
}


/* memory is full: those that were to be forwarded are refused, and no limit has
   counted them */

static void
without_memory_only_forwards_are_refused(void **state)
{
    int          i;
    char         before[80];
    attempt_t    a[4];
    const char  *got[4];

    (void) state;

    several(a, 4, "quota q 9 hour 0 enforce, concurrency s 9 0 0 enforce");

    begins(admit(redis, &a[1], REAL), "forward absent ");
    is(settle_created(redis, &a[1], ANSWER, "/l", "k", REAL), "kept");
    begins(admit(redis, &a[2], REAL), "forward absent ");
    a[2].owner = "other";

    is(redis_text(redis, "CONFIG SET maxmemory-policy noeviction"), "OK");
    is(redis_text(redis, "CONFIG SET maxmemory 8mb"), "OK");

    for (i = 0; i < 1000
         && strncmp(redis_text(redis, "SETRANGE fill:%d 20000 x", i),
                    "(error) ", 8) != 0;
         i++)
    {
        /* until a write is refused */
    }

    is(redis_text(redis, "CONFIG SET maxmemory 7mb"), "OK");
    snprintf(before, sizeof(before), "%s", redis_all(redis));

    admit_all(redis, a, 4, got, REAL);

    begins(got[0], "(error) OOM");
    is(got[1], "replay " ANSWER " id-b");
    begins(got[2], "running ");
    begins(got[3], "(error) OOM");
    is(redis_all(redis), before);

    is(redis_text(redis, "CONFIG SET maxmemory 0"), "OK");
}


/* 4 MB of done records, in one reply; those behind ask alone */

static void
a_reply_has_an_end(void **state)
{
    size_t       i;
    attempt_t    a[5];
    const char  *got[5];

    static const char *const  outcomes[] = {
        "created", "created", "created", "created", "created"
    };

    (void) state;

    several(a, 5, "");

    for (i = 0; i < 5; i++) {
        begins(admit(redis, &a[i], REAL), "forward absent ");
        is(settle_created(redis, &a[i], ANSWER, "/l", "k", REAL), "kept");
        is(redis_text(redis, "SETRANGE %s 999999 x", records[i]), "1000000");
        a[i].owner = "other";
    }

    admit_all(redis, a, 5, got, REAL);

    for (i = 0; i < 4; i++) {
        is(got[i], "large d");
    }

    is(got[4], "(error) too much for one reply");
    is(admit(redis, &a[4], REAL), "large d");

    settle_all(redis, a, 5, outcomes, got, REAL);

    for (i = 0; i < 4; i++) {
        is(got[i], "large d");
    }

    is(got[4], "(error) too much for one reply");
}


/* what other locations count by the same key */

static void
counters_of_other_locations_stay(void **state)
{
    attempt_t  a = by("a");

    (void) state;

    a.record = NULL;
    a.limits = "quota other 9 day 0 enforce, rate other 9 3600000000 9 enforce";
    begins(admit(redis, &a, T0), "forward ");

    begins(count_one("rate r 9 1000000 50 enforce", T0 + SECOND), "forward ");
    begins(count_one("rate r 9 1000000 50 enforce", T0 + SECOND), "forward ");

    is(counter(redis, "quota:other"), "2099952000 1");
    is(counter(redis, "rate:other"), "2099952000000000 3600000000");
    is(counter(redis, "rate:r"), "2099952001000000 7200000000");
    is(redis_text(redis, "PEXPIRETIME {t}:counters"), "2100038400000");

    /* until they have ended */

    begins(count_one("rate r 9 1000000 50 enforce", T0 + DAY), "forward ");
    is(counter(redis, "quota:other"), "(nil)");
    is(counter(redis, "rate:other"), "(nil)");
    is(redis_text(redis, "PEXPIRETIME {t}:counters"), "2100038400112");
}


int
main(void)
{
    const struct CMUnitTest  tests[] = {
        lua_test(all_are_decided_in_order),
        lua_test(a_batch_is_as_each_alone),
        lua_test(settlements_are_each_its_own),
        lua_test(without_memory_only_forwards_are_refused),
        lua_test(a_reply_has_an_end),
        lua_test(counters_of_other_locations_stay)
    };

    return cmocka_run_group_tests(tests, lua_start, lua_stop);
}
