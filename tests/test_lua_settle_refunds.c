/* SPDX-License-Identifier: BSD-2-Clause
 *
 * settle.lua against a real Redis: what is given back, and that it happens
 * once.
 */

#include "lib_lua.h"


/* [outcome, retry of an unknown token, what is used of rate, quota, slots
   after one attempt beside another that runs] */

static void
refunds(void **state)
{
    size_t     i;
    attempt_t  a, b, other;

    static const struct {
        const char  *outcome;
        int          retry;
        int          token;
        const char  *rate;
        const char  *quota;
    } cases[] = {
        { "created", 0, 1, "2099952000000000 7200000000", "2099952000 2" },
        { "rejected", 0, 1, "2099952000000000 7200000000", "2099952000 1" },
        { "unauthorized", 0, 1, "2099952000000000 3600000000", "2099952000 1" },
        { "unsent", 0, 1, "2099952000000000 7200000000", "2099952000 1" },
        { "unknown", 0, 1, "2099952000000000 7200000000", "2099952000 2" },

        { "created", 0, 0, "2099952000000000 7200000000", "2099952000 2" },
        { "rejected", 0, 0, "2099952000000000 7200000000", "2099952000 1" },
        { "unauthorized", 0, 0, "2099952000000000 3600000000", "2099952000 1" },
        { "unsent", 0, 0, "2099952000000000 7200000000", "2099952000 1" },
        { "unknown", 0, 0, "2099952000000000 7200000000", "2099952000 2" },

        /* what the first attempt of an unknown token paid stays paid; a
           third in the rate, which the retry takes */
        { "created", 1, 1, "2099952000000000 10800000000", "2099952000 2" },
        { "rejected", 1, 1, "2099952000000000 10800000000", "2099952000 2" },
        { "unauthorized", 1, 1, "2099952000000000 7200000000", "2099952000 2" },
        { "unsent", 1, 1, "2099952000000000 10800000000", "2099952000 2" },
        { "unknown", 1, 1, "2099952000000000 10800000000", "2099952000 2" }
    };

    (void) state;

    for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        is(redis_text(redis, "FLUSHALL"), "OK");

        two(&a, &b, "rate r 9 1000000 5 enforce, "
            "quota q 9 hour 0 enforce, concurrency s 9 0 0 enforce");

        other = a;
        other.owner = "other";
        other.record = NULL;
        admit(redis, &other, T0);

        if (!cases[i].token) {
            a.record = NULL;
        }

        admit(redis, &a, T0);
        is(slots(redis, "s", 0),
           "a:15000 other:15000");

        if (cases[i].retry) {
            is(settle(redis, &a, "unknown", T0), "settled unknown");
            a = b;
            begins(admit(redis, &a, T0), "forward unknown");
        }

        assert_string_not_equal(settle(redis, &a, cases[i].outcome, T0),
                                "gone");

        is(counter(redis, "rate:r"), cases[i].rate);
        is(counter(redis, "quota:q"), cases[i].quota);
        is(slots(redis, "s", 0), "other:15000");
    }
}


static void
a_refund_leaves_no_key_for_nothing(void **state)
{
    size_t     i;
    attempt_t  a, b;

    static const char *const  outcomes[] = {
        "unauthorized", "rejected", "unsent"
    };

    (void) state;

    two(&a, &b, "rate r 9 1000000 5 enforce, quota q 9 hour 0 enforce, "
        "concurrency s 9 0 0 enforce");
    a.record = NULL;

    admit(redis, &a, T0);
    is(settle(redis, &a, "unauthorized", T0), "settled freed");
    is(redis_text(redis, "DBSIZE"), "0");

    /* of a rate that is not given back the key ends by itself, soon */

    for (i = 0; i < 6; i++) {
        a.record = i < 3 ? NULL : b.record;
        a.limits = b.limits;
        admit(redis, &a, T0);
        is(settle(redis, &a, outcomes[i % 3], T0), "settled freed");
        is(redis_text(redis, "DEL {t}:counters"), i % 3 ? "1" : "0");
        is(redis_text(redis, "DBSIZE"), "0");
    }
}


static void
a_refund_keeps_the_end_of_the_rate_key(void **state)
{
    attempt_t  a, b;

    (void) state;

    two(&a, &b, "rate r 1 3600000000 5 enforce");
    b.record = NULL;

    admit(redis, &b, T0);
    admit(redis, &a, T0);
    is(settle(redis, &a, "unauthorized", T0), "settled freed");
    is(counter(redis, "rate:r"), "2099952000000000 3600000000");

    /* the rate in force is not known here: it may outlive its use by the
       time of one request */
    is(redis_text(redis, "PEXPIRETIME {t}:counters"), "2099959200001");
}


static void
a_quota_is_refunded_in_its_window_only(void **state)
{
    attempt_t  a, b;

    (void) state;

    two(&a, &b, "quota q 9 hour 0 enforce");
    b.record = NULL;

    admit(redis, &a, T0 + HOUR - 1);
    admit(redis, &b, T0 + HOUR);
    is(counter(redis, "quota:q"), "2099955600 1");
    is(settle(redis, &a, "rejected", T0 + HOUR), "settled freed");
    is(counter(redis, "quota:q"), "2099955600 1");

    /* the window ended, and nobody came since */
    is(redis_text(redis, "FLUSHALL"), "OK");
    admit(redis, &a, T0);
    is(redis_text(redis, "DEL {t}:counters"), "1");
    is(settle(redis, &a, "rejected", T0 + HOUR), "settled freed");
    is(redis_text(redis, "EXISTS {t}:counters"), "0");
}


static void
what_was_not_consumed_is_not_refunded(void **state)
{
    attempt_t  a, b, other;

    (void) state;

    two(&a, &b, "rate r 9 1000000 0 dry_run, quota q 1 hour 0 dry_run, "
        "quota lifted 9 hour 0 enforce, concurrency s 1 0 0 dry_run");
    other = b;
    other.record = NULL;

    is(redis_text(redis, "HSET {t}:limits lifted.limit none"), "1");
    admit(redis, &other, T0);
    admit(redis, &a, T0);
    is(record(redis, &a, "k"), "- - - -");
    is(settle(redis, &a, "unauthorized", T0), "settled freed");

    is(counter(redis, "rate:r"), "2099952000000000 3600000000");
    is(counter(redis, "quota:q"), "2099952000 1");
    is(counter(redis, "quota:lifted"), "(nil)");
    is(slots(redis, "s", 0), "b:15000");
}


/* a rate that was overridden between admission and refund */

static void
a_refund_of_a_rate_is_one_request(void **state)
{
    attempt_t  a, b;

    (void) state;

    two(&a, &b, "rate r 9 1000000 5 enforce");
    b.record = NULL;

    admit(redis, &a, T0);
    is(redis_text(redis, "HSET {t}:limits r.rate 3"), "1");
    admit(redis, &b, T0);
    is(counter(redis, "rate:r"), "2099952000000000 7200000000");

    is(settle(redis, &a, "unauthorized", T0), "settled freed");
    is(counter(redis, "rate:r"), "2099952000000000 3600000000");
}


static void
counters_that_are_none_do_not_stop_a_settlement(void **state)
{
    size_t     i;
    attempt_t  a, b;

    static const char *const  spoilt[] = {
        "DEL %s", "RPUSH %s x", "SET %s nonsense", "SET %s 1r-", "ZADD %s 1 x",
        "HSET %s a b", "SADD %s a"
    };
    static const char *const  keys[] = {
        "{t}:counters", "{t}:slots:s"
    };

    (void) state;

    two(&a, &b, "rate r 9 1000000 5 enforce, quota q 9 hour 0 enforce, "
        "concurrency s 9 0 0 enforce");

    for (i = 0; i < sizeof(spoilt) / sizeof(spoilt[0]); i++) {
        for (size_t k = 0; k < 2; k++) {
            is(redis_text(redis, "FLUSHALL"), "OK");
            admit(redis, &a, T0);
            is(redis_text(redis, "DEL %s", keys[k]), "1");
            freeReplyObject(redis_reply(redis, spoilt[i], keys[k]));

            is(settle(redis, &a, "unauthorized", T0), "settled freed");
            is(redis_text(redis, "EXISTS %s", a.record), "0");
        }
    }
}


/* those of other limits, and those of other locations by the same key */

static void
a_refund_leaves_other_counters_alone(void **state)
{
    attempt_t  a, b;

    (void) state;

    two(&a, &b, "rate r 9 1000000 5 enforce, quota q 9 hour 0 enforce");
    b.record = NULL;
    b.limits = "quota other 9 day 0 enforce, quota q 9 day 0 enforce, "
               "rate q 9 1000000 5 enforce";

    admit(redis, &b, T0);
    admit(redis, &a, T0);
    is(settle(redis, &a, "unauthorized", T0), "settled freed");

    is(counter(redis, "rate:r"), "(nil)");
    is(counter(redis, "quota:q:hour"), "(nil)");
    is(counter(redis, "quota:q:day"), "2099952000 1");
    is(counter(redis, "quota:other"), "2099952000 1");
    is(counter(redis, "rate:q"), "2099952000000000 3600000000");
}


/* an admission without a reply may still come until its time has passed */

static void
a_lost_admission_is_taken_back_behind_its_deadline(void **state)
{
    char       before[80];
    attempt_t  a, b;

    (void) state;

    two(&a, &b, "quota q 1 hour 0 enforce, concurrency s 1 0 0 enforce");
    a.deadline = a.lost = T0 / 1000 + 200;

    /* whether it was carried out by then or not */

    admit(redis, &a, T0);
    snprintf(before, sizeof(before), "%s", redis_all(redis));
    is(settle(redis, &a, "unsent", T0 + 100 * MS), "early 2099952000100");
    is(settle(redis, &a, "unsent", T0 + 201 * MS - 1), "early 2099952000200");
    is(redis_all(redis), before);
    is(settle(redis, &a, "unsent", T0 + 201 * MS), "settled freed");
    is(redis_text(redis, "DBSIZE"), "0");

    is(settle(redis, &a, "unsent", T0 + 100 * MS), "early 2099952000100");
    is(settle(redis, &a, "unsent", T0 + 201 * MS), "gone");
    is(admit(redis, &a, T0 + 201 * MS), "late 2099952000201");
    is(redis_text(redis, "DBSIZE"), "0");
}


static void
a_fenced_attempt_gives_its_slot_back(void **state)
{
    attempt_t  a, b;

    (void) state;

    two(&a, &b, "concurrency s 9 0 0 enforce");

    admit(redis, &a, T0);
    record_set(redis, a.record, "l", 0);
    admit(redis, &b, T0 + SECOND);
    is(slots(redis, "s", 0), "a:15000 b:15000");
    is(settle(redis, &a, "unsent", T0 + SECOND), "fenced c");
    is(slots(redis, "s", 0), "b:15000");
}


int
main(void)
{
    const struct CMUnitTest  tests[] = {
        lua_test(refunds),
        lua_test(a_refund_leaves_no_key_for_nothing),
        lua_test(a_lost_admission_is_taken_back_behind_its_deadline),
        lua_test(a_refund_keeps_the_end_of_the_rate_key),
        lua_test(a_quota_is_refunded_in_its_window_only),
        lua_test(what_was_not_consumed_is_not_refunded),
        lua_test(a_refund_of_a_rate_is_one_request),
        lua_test(counters_that_are_none_do_not_stop_a_settlement),
        lua_test(a_refund_leaves_other_counters_alone),
        lua_test(a_fenced_attempt_gives_its_slot_back)
    };

    return cmocka_run_group_tests(tests, lua_start, lua_stop);
}
