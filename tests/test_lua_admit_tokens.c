/* SPDX-License-Identifier: BSD-2-Clause
 *
 * admit.lua against a real Redis: what becomes of a token.
 */

#include "lib_lua.h"


static void
absent_becomes_claimed(void **state)
{
    attempt_t  a = by("a");

    (void) state;

    is(admit(redis, &a, T0), "forward absent \"\"");

    is(record(redis, &a, "v"), "1");
    is(record(redis, &a, "s"), "c");
    is(record(redis, &a, "o"), "a");
    is(record(redis, &a, "l"), "2099952015000");
    is(record(redis, &a, "t"), "15000");
    is(record(redis, &a, "f"), "1:f00d");
    is(record(redis, &a, "r"), "id-a");
    is(record(redis, &a, "i"), "id-a");
    is(record(redis, &a, "x"), "2100038400000");
    is(record(redis, &a, "b"), "2099952000000");
    is(record(redis, &a, "w"), "\"\"");
    is(record(redis, &a, "k"), "\"\"");
    is(record(redis, &a, "a"), "(nil)");
    is(redis_text(redis, "PEXPIRETIME %s", a.record), "2100038400000");
    is(redis_text(redis, "DBSIZE"), "1");
}


static void
claimed_is_running_until_its_lease_ends(void **state)
{
    attempt_t  a = by("a"), b = by("b");

    (void) state;

    is(admit(redis, &a, T0), "forward absent \"\"");

    changes_nothing(&b, T0, "running 15000 id-a");
    changes_nothing(&b, T0 + 14999 * MS, "running 1 id-a");
    changes_nothing(&b, T0 + 15000 * MS - 1, "running 1 id-a");

    is(admit(redis, &b, T0 + 15 * SECOND), "forward unknown \"\"");
    is(record(redis, &a, "o"), "b");
    is(record(redis, &a, "w"), "u");
    is(record(redis, &a, "r"), "id-a");
    is(record(redis, &a, "i"), "id-b");
    is(record(redis, &a, "l"), "2099952030000");
    is(record(redis, &a, "b"), "2099952015000");
    is(record(redis, &a, "x"), "2100038400000");

    /* a, should it live, is now one that waits like any other */
    changes_nothing(&a, T0 + 16 * SECOND, "running 14000 id-b");
}


static void
asking_again_gives_the_same_verdict(void **state)
{
    attempt_t  a = by("a"), b = by("b");

    (void) state;

    a.limits = "rate r 1 1000000 0 enforce, quota q 1 day 0 enforce, "
               "concurrency s 1 0 0 enforce";
    b.limits = a.limits;

    is(admit(redis, &a, T0),
       "forward absent \"\" 0 1 1000000 0 0 1000 "
       "0 1 86400 0 0 86400000 0 1 0 0 0 0");

    /* and the limits as they are now, none of which refuses */
    changes_nothing(&a, T0,
                    "forward absent \"\" 0 1 1000000 0 0 1000 "
                    "0 1 86400 0 0 86400000 0 1 0 0 0 0");
    is(admit(redis, &a, T0 + 14 * SECOND),
       "forward absent \"\" 0 1 1000000 0 1 0 "
       "0 1 86400 0 0 86386000 0 1 0 0 0 0");

    is(admit(redis, &b, T0 + 29 * SECOND),
       "forward unknown \"\" 0 1 1000000 0 0 1000 "
       "0 1 86400 0 0 86371000 0 1 0 0 0 0");
    changes_nothing(&b, T0 + 29 * SECOND,
                    "forward unknown \"\" 0 1 1000000 0 0 1000 "
                    "0 1 86400 0 0 86371000 0 1 0 0 0 0");
}


/* whoever is told to forward has a lease from then on, and its slots */

static void
asking_again_writes_the_lease_and_the_slots(void **state)
{
    attempt_t  a = by("a"), b = by("b");

    (void) state;

    a.ttl = 20000;
    a.limits = "rate r 9 1000000 5 enforce, concurrency s 1 0 0 enforce, "
               "quota q 9 hour 0 enforce, concurrency u 1 0 0 enforce";
    b.limits = a.limits;

    begins(admit(redis, &a, T0), "forward absent ");
    begins(admit(redis, &a, T0 + 14 * SECOND), "forward absent ");
    is(record(redis, &a, "l"), "2099952029000");
    is(record(redis, &a, "x"), "2099952020000");
    is(redis_text(redis, "PEXPIRETIME %s", a.record), "2099952044000");
    is(slots(redis, "s", 1),
       "a:15000 2099952029000");
    is(slots(redis, "u", 1),
       "a:15000 2099952029000");
    is(redis_text(redis, "PEXPIRETIME {t}:slots:s"), "2099952075000");
    is(counter(redis, "quota:q"), "2099952000 1");
    begins(admit(redis, &b, T0 + 28 * SECOND), "running 1000 id-a");

    /* also behind its end, if nobody has taken over */
    begins(admit(redis, &a, T0 + 40 * SECOND), "forward absent ");
    begins(admit(redis, &b, T0 + 54 * SECOND), "running 1000 id-a");

    /* where another has, it is admitted like any other, as a retry */
    begins(admit(redis, &b, T0 + 55 * SECOND), "forward unknown ");
    begins(admit(redis, &a, T0 + 56 * SECOND), "running 14000 id-b");
    is(settle(redis, &b, "unknown", T0 + 57 * SECOND), "settled unknown");
    begins(admit(redis, &a, T0 + 58 * SECOND), "forward unknown ");
    is(record(redis, &a, "l"), "2099952073000");
    is(record(redis, &a, "k"), "r c - c");

    /* and where nothing is left of it, as a new one */
    is(redis_text(redis, "FLUSHALL"), "OK");
    begins(admit(redis, &a, T0), "forward absent ");
    is(settle(redis, &a, "unsent", T0), "settled freed");
    begins(admit(redis, &a, T0 + SECOND), "forward absent ");
    is(record(redis, &a, "l"), "2099952016000");
    is(counter(redis, "quota:q"), "2099952000 1");
}


/* also where its limits cannot be read any more */

static void
asking_again_writes_the_lease_whatever_its_limits_are(void **state)
{
    size_t     i;
    attempt_t  a = by("a");

    static const char *const  keys[] = {
        "{t}:counters", "{t}:slots:s"
    };

    (void) state;

    a.limits = "rate r 9 1000000 5 enforce, quota q 9 hour 0 enforce, "
               "concurrency s 9 0 0 enforce, concurrency u 9 0 0 enforce";

    for (i = 0; i < 2; i++) {
        is(redis_text(redis, "FLUSHALL"), "OK");
        begins(admit(redis, &a, T0), "forward ");
        is(redis_text(redis, "DEL %s", keys[i]), "1");
        is(redis_text(redis, "LPUSH %s x", keys[i]), "1");
        is(admit(redis, &a, T0 + SECOND), "forward absent \"\"");
        is(record(redis, &a, "l"), "2099952016000");
        is(slots(redis, "u", 1), "a:15000 2099952016000");
    }
}


/* ------------------------------------------------------------- deadlines */


static void
what_comes_late_writes_nothing(void **state)
{
    attempt_t  a = by("a"), b = by("b");

    (void) state;

    a.limits = b.limits = "rate r 9 1000000 5 enforce, "
        "quota q 9 hour 0 enforce, concurrency s 9 0 0 enforce";
    a.deadline = T0 / 1000 + 200;

    changes_nothing(&a, T0 + 201 * MS, "late 2099952000201");
    changes_nothing(&a, T0 + HOUR, "late 2099955600000");

    /* not within the millisecond, nor where there is none */
    begins(admit(redis, &a, T0 + 201 * MS - 1), "forward absent ");
    b.deadline = 0;
    begins(admit(redis, &b, T0 + SECOND), "running ");

    /* nor does its claim go on, nor another's end */
    changes_nothing(&a, T0 + SECOND, "late 2099952001000");
    b.deadline = a.deadline;
    changes_nothing(&b, T0 + 20 * SECOND, "late 2099952020000");
}


/* ---------------------------------------------------- a clock set back */


static void
a_lease_of_the_future_is_shortened_to_its_length(void **state)
{
    char       before[80];
    attempt_t  a = by("a"), b = by("b"), c = by("c");

    (void) state;

    /* a reader with another lease: the one that counts is the record's */
    a.lease = 20000;
    b.lease = 3000;

    is(admit(redis, &a, T0 + HOUR), "forward absent \"\"");

    is(admit(redis, &b, T0), "running 20000 id-a");
    is(record(redis, &a, "l"), "2099952020000");
    is(record(redis, &a, "o"), "a");

    /* once: it ends like any other */
    changes_nothing(&b, T0 + 19 * SECOND, "running 1000 id-a");
    is(admit(redis, &b, T0 + 20 * SECOND), "forward unknown \"\"");

    /* unless its owner is alive */
    is(redis_text(redis, "FLUSHALL"), "OK");
    is(admit(redis, &a, T0 + HOUR), "forward absent \"\"");
    is(admit(redis, &b, T0), "running 20000 id-a");
    is(renew(redis, &a, T0 + 7 * SECOND), "renewed");
    is(admit(redis, &b, T0 + 26 * SECOND), "running 1000 id-a");
    is(settle_created(redis, &a, ANSWER, "/l", "k", T0 + 27 * SECOND),
       "kept");
    is(admit(redis, &b, T0 + 28 * SECOND), "replay " ANSWER " id-a");

    /* a length that none of us wrote: that of whoever reads it */
    is(redis_text(redis, "FLUSHALL"), "OK");
    is(admit(redis, &a, T0 + HOUR), "forward absent \"\"");
    record_set(redis, a.record, "t", 4000000000);
    is(admit(redis, &c, T0), "running 15000 id-a");
    snprintf(before, sizeof(before), "%s", redis_all(redis));
    is(admit(redis, &c, T0), "running 15000 id-a");
    is(redis_all(redis), before);
}


static void
another_request_mismatches(void **state)
{
    size_t     i;
    attempt_t  a = by("a"), b = by("b");

    static const char *const  ends[] = { NULL, "unknown", "created" };

    (void) state;

    b.fingerprint = "1:beef";
    b.limits = "rate r 1 1000000 0 enforce";

    for (i = 0; i < 3; i++) {
        is(redis_text(redis, "FLUSHALL"), "OK");
        is(admit(redis, &a, T0), "forward absent \"\"");

        if (ends[i] != NULL) {
            assert_string_not_equal(settle(redis, &a, ends[i], T0), "gone");
        }

        /* whatever its state, and whether its lease runs or not */
        changes_nothing(&b, T0, "mismatch id-a");
        changes_nothing(&b, T0 + 20 * SECOND, "mismatch id-a");
    }
}


static void
fingerprints_of_another_release_are_not_compared(void **state)
{
    attempt_t  a = by("a"), b = by("b");

    (void) state;

    b.fingerprint = "2:beef";

    is(admit(redis, &a, T0), "forward absent \"\"");
    changes_nothing(&b, T0, "running 15000 id-a");
    is(settle_created(redis, &a, ANSWER, "/l", "k", T0), "kept");
    changes_nothing(&b, T0, "replay " ANSWER " id-a");
}


static void
done_is_replayed(void **state)
{
    attempt_t  a = by("a"), b = by("b");

    (void) state;

    /* without limits, however low they are */
    b.limits = "rate r 1 1000000 0 enforce, quota q 0 day 0 enforce";

    is(admit(redis, &a, T0), "forward absent \"\"");
    is(settle_created(redis, &a, ANSWER, "/l", "k", T0), "kept");
    changes_nothing(&b, T0, "replay " ANSWER " id-a");
    changes_nothing(&a, T0 + DAY - 1, "replay " ANSWER " id-a");
}


static void
done_without_answer_names_the_run(void **state)
{
    attempt_t  a = by("a"), b = by("b");

    (void) state;

    is(admit(redis, &a, T0), "forward absent \"\"");
    is(settle_created(redis, &a, "", "/runs/1", "run-1", T0), "kept");
    changes_nothing(&b, T0, "unkept /runs/1 run-1 id-a");

    is(redis_text(redis, "FLUSHALL"), "OK");
    is(admit(redis, &a, T0), "forward absent \"\"");
    is(settle_created(redis, &a, "", "", "", T0), "kept");
    changes_nothing(&b, T0, "unkept \"\" \"\" id-a");
}


static void
unknown_is_forwarded_or_refused(void **state)
{
    attempt_t  a = by("a"), b = by("b"), c = by("c");

    (void) state;

    c.unknown = "refuse";

    is(admit(redis, &a, T0), "forward absent \"\"");
    changes_nothing(&c, T0, "running 15000 id-a");
    is(settle(redis, &a, "unknown", T0), "settled unknown");

    changes_nothing(&c, T0, "refused id-a \"\"");

    is(admit(redis, &b, T0 + SECOND), "forward unknown \"\"");
    is(record(redis, &a, "s"), "c");
    is(record(redis, &a, "w"), "u");
    is(record(redis, &a, "l"), "2099952016000");
    is(record(redis, &a, "x"), "2100038400000");

    /* the lease of a dead worker */
    changes_nothing(&c, T0 + 15 * SECOND, "running 1000 id-b");
    changes_nothing(&c, T0 + 16 * SECOND, "refused id-a \"\"");
}


static void
a_record_never_ends_under_its_attempt(void **state)
{
    attempt_t  a = by("a"), b = by("b");

    (void) state;

    a.ttl = b.ttl = 20000;

    is(admit(redis, &a, T0), "forward absent \"\"");
    is(record(redis, &a, "x"), "2099952020000");
    is(redis_text(redis, "PEXPIRETIME %s", a.record), "2099952030000");

    /* what the lease left behind is claimed near its end */
    is(admit(redis, &b, T0 + 19 * SECOND), "forward unknown \"\"");
    is(record(redis, &a, "x"), "2099952020000");
    is(redis_text(redis, "PEXPIRETIME %s", a.record), "2099952049000");
}


static void
without_a_token_each_attempt_has_a_record(void **state)
{
    attempt_t  a = by("a"), b = by("b");

    (void) state;

    a.record = b.record = NULL;
    a.ttl = b.ttl = 300000;

    is(admit(redis, &a, T0), "forward absent \"\"");
    is(admit(redis, &b, T0), "forward absent \"\"");
    changes_nothing(&a, T0, "forward absent \"\"");
    is(redis_text(redis, "DBSIZE"), "2");
    is(redis_text(redis, "PEXPIRETIME {t}:attempt:a"), "2099952300000");
}


/* each makes a record that none of the scripts wrote */

static void
damage_counts_as_unknown(void **state)
{
    size_t     i;
    attempt_t  b = by("b"), c = by("c");

    static const char *const  damages[] = {
        "SET {t}:token:x text",
        "RPUSH {t}:token:x text",
        "HSET {t}:token:x other field",

        /* another format, or state; a lease, and an end, that cannot be; more
           bytes of the first id than of the head, and of that than there are;
           a done one without its sum */
        "SETRANGE {t}:token:x 0 2",
        "SETRANGE {t}:token:x 1 x",
        "SETRANGE {t}:token:x 3 x",
        "SETRANGE {t}:token:x 14 xxxxxxx",
        "EVAL redis.call('SETRANGE',KEYS[1],14,string.rep('\\0',7)) 1 "
            "{t}:token:x",
        "SETRANGE {t}:token:x 79 xx",
        "SETRANGE {t}:token:x 77 xx",
        "SETRANGE {t}:token:x 1 d",
        "SET {t}:token:x 1"
    };

    (void) state;

    c.unknown = "refuse";

    for (i = 0; i < sizeof(damages) / sizeof(damages[0]); i++) {
        attempt_t  a = by("a");

        is(redis_text(redis, "FLUSHALL"), "OK");

        if (i > 2) {
            is(admit(redis, &a, T0), "forward absent \"\"");
        }

        freeReplyObject(redis_reply(redis, damages[i]));

        begins(admit(redis, &c, T0), "refused ");
        assert_non_null(strstr(admit(redis, &c, T0), " damaged"));

        is(admit(redis, &b, T0), "forward damaged \"\"");
        is(record(redis, &b, "s"), "c");
        is(record(redis, &b, "o"), "b");
        is(record(redis, &b, "w"), "u");
        is(record(redis, &b, "f"), "1:f00d");
        is(redis_text(redis, "PEXPIRETIME %s", b.record), "2100038400000");
    }
}


static void
a_damaged_answer_is_written_anew(void **state)
{
    attempt_t  a = by("a"), b = by("b");

    (void) state;

    is(admit(redis, &a, T0), "forward absent \"\"");
    is(settle_created(redis, &a, ANSWER, "/l", "k", T0), "kept");

    b.corrupt = "another!";
    changes_nothing(&b, T0, "replay " ANSWER " id-a");

    b.corrupt = "the sum!";
    b.unknown = "refuse";
    changes_nothing(&b, T0, "refused id-a damaged");

    b.unknown = "forward";
    is(admit(redis, &b, T0), "forward damaged \"\"");
    is(record(redis, &b, "a"), "(nil)");
    is(record(redis, &b, "r"), "id-a");
}


/* ------------------------------------------------------------- the clock */


static int64_t
real_ms(void)
{
    long long  s, us;

    assert_int_equal(sscanf(redis_text(redis, "TIME"), "%lld %lld", &s, &us),
                     2);

    return s * 1000 + us / 1000;
}


static void
the_clock_is_that_of_redis(void **state)
{
    int64_t    from, to, end;
    attempt_t  a = by("a"), b = by("b");

    (void) state;

    a.limits = b.limits = "rate r 1 3600000000 0 enforce";

    from = real_ms();
    is(admit(redis, &a, REAL),
       "forward absent \"\" 0 1 3600000000 0 0 3600000");
    to = real_ms();

    end = atoll(record(redis, &a, "l"));
    assert_in_range(end, from + a.lease, to + a.lease);
    end = atoll(record(redis, &a, "x"));
    assert_in_range(end, from + a.ttl, to + a.ttl);

    begins(admit(redis, &b, REAL), "running ");

    /* an hour ago, as it were */
    b.record = NULL;
    begins(admit(redis, &b, REAL), "limited ");
    is(redis_text(redis, "DEL {t}:counters"), "1");
    counter_set(redis, "rate:r", "1 3600000000");
    is(admit(redis, &b, REAL),
       "forward absent \"\" 0 1 3600000000 0 0 3600000");

    record_set(redis, a.record, "l", to - 1);
    a.owner = "c";
    a.limits = "";
    is(admit(redis, &a, REAL), "forward unknown \"\"");
}





int
main(void)
{
    const struct CMUnitTest  tests[] = {
        lua_test(absent_becomes_claimed),
        lua_test(claimed_is_running_until_its_lease_ends),
        lua_test(asking_again_gives_the_same_verdict),
        lua_test(asking_again_writes_the_lease_and_the_slots),
        lua_test(asking_again_writes_the_lease_whatever_its_limits_are),
        lua_test(what_comes_late_writes_nothing),
        lua_test(a_lease_of_the_future_is_shortened_to_its_length),
        lua_test(another_request_mismatches),
        lua_test(fingerprints_of_another_release_are_not_compared),
        lua_test(done_is_replayed),
        lua_test(done_without_answer_names_the_run),
        lua_test(unknown_is_forwarded_or_refused),
        lua_test(a_record_never_ends_under_its_attempt),
        lua_test(without_a_token_each_attempt_has_a_record),
        lua_test(damage_counts_as_unknown),
        lua_test(a_damaged_answer_is_written_anew),
        lua_test(the_clock_is_that_of_redis)
    };

    return cmocka_run_group_tests(tests, lua_start, lua_stop);
}
