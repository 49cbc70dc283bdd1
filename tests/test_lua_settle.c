/* SPDX-License-Identifier: BSD-2-Clause
 *
 * settle.lua against a real Redis: who may end what, what is stored, and that
 * all of it happens once.
 */

#include "lib_lua.h"


static void
created_is_kept(void **state)
{
    attempt_t  a, b;

    (void) state;

    two(&a, &b, "");

    is(admit(redis, &a, T0), "forward absent \"\"");
    is(settle_created(redis, &a, "answer", "/runs/1", "1", T0 + SECOND),
       "kept");

    is(record(redis, &a, "v"), "1");
    is(record(redis, &a, "s"), "d");
    is(record(redis, &a, "o"), "a");
    is(record(redis, &a, "f"), "1:f00d");
    is(record(redis, &a, "r"), "id-a");
    is(record(redis, &a, "i"), "id-a");
    is(record(redis, &a, "a"), "answer");
    is(record(redis, &a, "n"), "/runs/1");
    is(record(redis, &a, "j"), "1");
    is(record(redis, &a, "l"), "(nil)");
    is(record(redis, &a, "k"), "(nil)");
    is(record(redis, &a, "w"), "(nil)");
    is(record(redis, &a, "b"), "(nil)");

    /* a day from the first use, not from now */
    is(record(redis, &a, "x"), "2100038400000");
    is(redis_text(redis, "PEXPIRETIME %s", a.record), "2100038400000");
}


static void
created_stays_ten_minutes_at_least(void **state)
{
    attempt_t  a, b;

    (void) state;

    two(&a, &b, "");
    a.ttl = 60000;

    admit(redis, &a, T0);
    is(settle_created(redis, &a, "answer", "", "", T0 + 50 * SECOND), "kept");
    is(record(redis, &a, "x"), "2099952650000");
    is(redis_text(redis, "PEXPIRETIME %s", a.record), "2099952650000");
}


/* what settling again says, by outcome and by what it was settled as */

static void
settling_again_changes_nothing(void **state)
{
    size_t     i, k;
    attempt_t  a, b;

    static const struct {
        const char  *outcome;
        const char  *first;
        const char  *again;
    } cases[] = {
        { "created", "kept", "kept" },
        { "rejected", "settled freed", "gone" },
        { "unauthorized", "settled freed", "gone" },
        { "unsent", "settled freed", "gone" },
        { "unknown", "settled unknown", "gone" }
    };

    (void) state;

    two(&a, &b, "rate r 9 1000000 5 enforce, quota q 9 hour 0 enforce, "
        "concurrency s 9 0 0 enforce");

    for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        is(redis_text(redis, "FLUSHALL"), "OK");

        /* another one's consumption, which must not be given away */
        b.record = NULL;
        admit(redis, &b, T0);

        admit(redis, &a, T0);
        is(settle(redis, &a, cases[i].outcome, T0), cases[i].first);

        for (k = 0; k < 3; k++) {
            settles_nothing(&a, cases[i].outcome, T0, cases[i].again);
        }
    }
}


static void
unknown_stays_for_the_retry(void **state)
{
    attempt_t  a, b;

    (void) state;

    two(&a, &b, "");

    admit(redis, &a, T0);
    is(settle(redis, &a, "unknown", T0), "settled unknown");
    is(record(redis, &a, "s"), "u");
    is(record(redis, &a, "l"), "(nil)");
    is(record(redis, &a, "k"), "(nil)");
    is(record(redis, &a, "r"), "id-a");
    is(redis_text(redis, "PEXPIRETIME %s", a.record), "2100038400000");

    /* and not much shorter than one that is done */
    is(redis_text(redis, "FLUSHALL"), "OK");
    a.ttl = 60000;
    admit(redis, &a, T0);
    is(settle(redis, &a, "unknown", T0), "settled unknown");
    is(redis_text(redis, "PEXPIRETIME %s", a.record), "2099952600000");
}


/* the first attempt may have created, so nothing frees such a token */

static void
a_retry_of_unknown_stays_unknown_but_for_2xx(void **state)
{
    size_t     i;
    attempt_t  a, b;

    static const char *const  outcomes[] = {
        "rejected", "unauthorized", "unsent", "unknown"
    };

    (void) state;

    two(&a, &b, "");

    for (i = 0; i < 4; i++) {
        is(redis_text(redis, "FLUSHALL"), "OK");
        admit(redis, &a, T0);
        settle(redis, &a, "unknown", T0);
        is(admit(redis, &b, T0), "forward unknown \"\"");
        is(settle(redis, &b, outcomes[i], T0), "settled unknown");
        is(record(redis, &a, "s"), "u");
        is(record(redis, &a, "r"), "id-a");
        is(redis_text(redis, "PEXPIRETIME %s", a.record), "2100038400000");
        settles_nothing(&b, outcomes[i], T0, "gone");

        /* and so does a third attempt */
        is(admit(redis, &a, T0), "forward unknown \"\"");
        is(settle(redis, &a, "rejected", T0), "settled unknown");
    }

    is(admit(redis, &b, T0), "forward unknown \"\"");
    is(settle_created(redis, &b, "answer", "", "k", T0), "kept");
    is(record(redis, &a, "s"), "d");
    is(record(redis, &a, "r"), "id-a");
    is(record(redis, &a, "i"), "id-b");
}


/* b has taken over what a, held up, still means to settle */

static void
a_fenced_attempt_settles_nothing(void **state)
{
    size_t     i;
    attempt_t  a, b;

    static const char *const  outcomes[] = {
        "rejected", "unauthorized", "unsent", "unknown"
    };

    (void) state;

    two(&a, &b, "quota q 9 hour 0 enforce, rate r 9 1000000 5 enforce");

    for (i = 0; i < 4; i++) {
        is(redis_text(redis, "FLUSHALL"), "OK");
        admit(redis, &a, T0);
        admit(redis, &b, T0 + 15 * SECOND);
        settles_nothing(&a, outcomes[i], T0 + 16 * SECOND, "fenced c");

        settle(redis, &b, "unknown", T0 + 17 * SECOND);
        settles_nothing(&a, outcomes[i], T0 + 18 * SECOND, "gone");
    }
}


/* a known creation is never forgotten */

static void
the_first_2xx_wins_whoever_owns_the_token(void **state)
{
    attempt_t  a, b;

    (void) state;

    two(&a, &b, "");

    /* from a fenced attempt */
    admit(redis, &a, T0);
    admit(redis, &b, T0 + 15 * SECOND);
    is(settle_created(redis, &a, "answer-a", "/a", "run-a", T0 + 16 * SECOND),
       "kept");
    is(record(redis, &a, "s"), "d");
    is(record(redis, &a, "o"), "a");
    is(record(redis, &a, "i"), "id-a");

    /* b learns of it, whatever became of its own */
    is(settle_created(redis, &b, "answer-b", "/b", "run-b", T0 + 17 * SECOND),
       "done answer-a /a run-a id-a");
    settles_nothing(&b, "rejected", T0 + 17 * SECOND,
                    "done answer-a /a run-a id-a");
    settles_nothing(&b, "unsent", T0 + 17 * SECOND,
                    "done answer-a /a run-a id-a");
    settles_nothing(&b, "unknown", T0 + 17 * SECOND,
                    "done answer-a /a run-a id-a");
    is(settle_created(redis, &a, "answer-a", "/a", "run-a", T0 + 18 * SECOND),
       "kept");
    is(record(redis, &a, "a"), "answer-a");

    /* from one whose token was left unknown by another since */
    is(redis_text(redis, "FLUSHALL"), "OK");
    admit(redis, &a, T0);
    admit(redis, &b, T0 + 15 * SECOND);
    is(settle(redis, &b, "rejected", T0 + 16 * SECOND), "settled unknown");
    is(settle_created(redis, &a, "answer-a", "/a", "run-a", T0 + 17 * SECOND),
       "kept");
    is(admit(redis, &b, T0 + 18 * SECOND), "replay answer-a id-a");

    /* from one that had given up, and was heard all the same */
    is(redis_text(redis, "FLUSHALL"), "OK");
    admit(redis, &a, T0);
    is(settle(redis, &a, "unknown", T0), "settled unknown");
    is(settle_created(redis, &a, "answer-a", "/a", "run-a", T0), "kept");
}


static void
a_2xx_whose_key_is_gone_is_kept(void **state)
{
    attempt_t  a, b;

    (void) state;

    two(&a, &b, "");

    admit(redis, &a, T0);
    is(redis_text(redis, "FLUSHALL"), "OK");
    settles_nothing(&a, "rejected", T0, "gone");
    settles_nothing(&a, "unknown", T0, "gone");

    is(settle_created(redis, &a, "answer", "/a", "run-a", T0), "kept");
    is(record(redis, &a, "f"), "1:f00d");
    is(record(redis, &a, "r"), "id-a");
    is(record(redis, &a, "x"), "2100038400000");
    is(redis_text(redis, "PEXPIRETIME %s", a.record), "2100038400000");
    is(admit(redis, &b, T0), "replay answer id-a");
}


static void
an_answer_that_is_not_kept(void **state)
{
    attempt_t  a, b;

    (void) state;

    two(&a, &b, "");

    admit(redis, &a, T0);
    admit(redis, &b, T0 + 15 * SECOND);
    is(settle_created(redis, &a, "", "/a", "run-a", T0 + 16 * SECOND),
       "kept");
    is(record(redis, &a, "a"), "(nil)");
    is(settle_created(redis, &b, "answer-b", "/b", "run-b", T0 + 17 * SECOND),
       "done \"\" /a run-a id-a");
}


/* the token ended, and another request took it since */

static void
another_request_owns_the_token(void **state)
{
    char       before[80];
    attempt_t  a, b;

    (void) state;

    two(&a, &b, "");
    b.fingerprint = "1:beef";

    admit(redis, &b, T0);
    snprintf(before, sizeof(before), "%s", redis_all(redis));

    is(settle_created(redis, &a, "answer", "/a", "run-a", T0), "foreign");
    is(settle(redis, &a, "rejected", T0), "fenced c");
    is(redis_all(redis), before);

    is(settle_created(redis, &b, "answer-b", "/b", "run-b", T0), "kept");
    snprintf(before, sizeof(before), "%s", redis_all(redis));
    is(settle_created(redis, &a, "answer", "/a", "run-a", T0), "foreign");

    /* nor is its answer for this one's client */
    is(settle(redis, &a, "rejected", T0), "fenced d");
    is(settle(redis, &a, "unknown", T0), "fenced d");
    is(redis_all(redis), before);

    /* a release apart they cannot be told from each other */
    a.fingerprint = "2:abba";
    is(settle_created(redis, &a, "answer", "/a", "run-a", T0),
       "done answer-b /b run-b id-b");
    is(record(redis, &b, "f"), "1:beef");
}


/* a key of another type, which admission would take for damaged */

static void
a_key_that_is_no_record_stops_no_creation(void **state)
{
    attempt_t  a, b;

    (void) state;

    two(&a, &b, "concurrency s 9 0 0 enforce");

    admit(redis, &a, T0);
    is(redis_text(redis, "DEL %s", a.record), "1");
    is(redis_text(redis, "RPUSH %s x", a.record), "1");

    is(settle(redis, &a, "rejected", T0), "gone");
    is(redis_text(redis, "TYPE %s", a.record), "list");
    is(redis_text(redis, "ZCARD {t}:slots:s"), "0");

    is(settle_created(redis, &a, "answer", "/runs/1", "1", T0), "kept");
    is(record(redis, &a, "s"), "d");
    is(record(redis, &a, "a"), "answer");
    is(record(redis, &a, "r"), "id-a");
    is(record(redis, &a, "x"), "2100038400000");
    is(redis_text(redis, "PEXPIRETIME %s", a.record), "2100038400000");
}


/* whoever ends it */

static void
an_unknown_record_keeps_its_first_id(void **state)
{
    attempt_t  a, b;

    (void) state;

    two(&a, &b, "");

    admit(redis, &a, T0);
    is(settle(redis, &a, "unknown", T0), "settled unknown");
    is(settle_created(redis, &b, "answer", "/runs/1", "1", T0), "kept");
    is(record(redis, &a, "s"), "d");
    is(record(redis, &a, "o"), "b");
    is(record(redis, &a, "r"), "id-a");
    is(record(redis, &a, "i"), "id-b");
}


/* an end that no clock knows is not taken over */

static void
an_end_that_is_no_time_is_made_anew(void **state)
{
    attempt_t  a, b;

    (void) state;

    two(&a, &b, "");

    admit(redis, &a, T0);
    record_set(redis, a.record, "x", INT64_C(70000000000000000));
    is(settle(redis, &a, "unknown", T0), "gone");

    begins(admit(redis, &b, T0), "forward damaged");
    is(record(redis, &b, "x"), "2100038400000");

    record_set(redis, b.record, "x", 0);
    is(redis_text(redis, "PEXPIREAT %s 2099952001000", b.record), "1");
    is(settle_created(redis, &b, "answer", "", "", T0), "kept");
    is(record(redis, &b, "x"), "2100038400000");
}


static void
without_a_token_nothing_is_left(void **state)
{
    size_t     i;
    attempt_t  a, b;

    static const struct {
        const char  *outcome;
        const char  *want;
    } cases[] = {
        { "created", "settled freed" },
        { "rejected", "settled freed" },
        { "unauthorized", "settled freed" },
        { "unsent", "settled freed" },
        { "unknown", "settled unknown" }
    };

    (void) state;

    two(&a, &b, "concurrency s 1 0 0 enforce");
    a.record = NULL;

    for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        admit(redis, &a, T0);
        is(redis_text(redis, "DBSIZE"), "2");
        is(settle(redis, &a, cases[i].outcome, T0), cases[i].want);
        is(redis_text(redis, "DBSIZE"), "0");
    }
}


static void
the_clock_is_that_of_redis(void **state)
{
    attempt_t  a, b;
    long long  s, us, end;

    (void) state;

    two(&a, &b, "rate r 1 3600000000 5 enforce, quota q 9 month 0 enforce");
    a.ttl = 1000;

    admit(redis, &a, REAL);
    assert_int_equal(sscanf(redis_text(redis, "TIME"), "%lld %lld", &s, &us),
                     2);
    is(settle_created(redis, &a, "answer", "", "", REAL), "kept");

    end = atoll(record(redis, &a, "x"));
    assert_in_range(end, s * 1000 + us / 1000 + 600000,
                    s * 1000 + us / 1000 + 660000);
}


int
main(void)
{
    const struct CMUnitTest  tests[] = {
        lua_test(created_is_kept),
        lua_test(created_stays_ten_minutes_at_least),
        lua_test(settling_again_changes_nothing),
        lua_test(unknown_stays_for_the_retry),
        lua_test(a_retry_of_unknown_stays_unknown_but_for_2xx),
        lua_test(a_fenced_attempt_settles_nothing),
        lua_test(the_first_2xx_wins_whoever_owns_the_token),
        lua_test(a_2xx_whose_key_is_gone_is_kept),
        lua_test(an_answer_that_is_not_kept),
        lua_test(another_request_owns_the_token),
        lua_test(a_key_that_is_no_record_stops_no_creation),
        lua_test(an_unknown_record_keeps_its_first_id),
        lua_test(an_end_that_is_no_time_is_made_anew),
        lua_test(without_a_token_nothing_is_left),
        lua_test(the_clock_is_that_of_redis)
    };

    return cmocka_run_group_tests(tests, lua_start, lua_stop);
}
