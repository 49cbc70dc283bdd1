/*
 * admit.lua against a real Redis: what becomes of a token, what each limit
 * counts, and that a refusal changes nothing.
 */

#include "lib_lua.h"

#include "jr_script.h"


/* of a 2xx that is kept */
#define ANSWER  "JR1 whatever"


/* another attempt with the same token */

static attempt_t
by(const char *owner)
{
    static char  ids[8][32];
    static int   n;

    attempt_t  a;

    n = (n + 1) % 8;
    snprintf(ids[n], sizeof(ids[n]), "id-%s", owner);

    a = attempt_default;
    a.owner = owner;
    a.id = ids[n];

    return a;
}


/* attempts without a token, which only limits can refuse */

static const char *
count_one(const char *limits, int64_t time)
{
    static int   n;
    static char  owner[32];

    attempt_t  a;

    snprintf(owner, sizeof(owner), "o%d", n++);
    a = by(owner);
    a.record = NULL;
    a.limits = limits;

    return admit(redis, &a, time);
}


static void
changes_nothing(const attempt_t *a, int64_t time, const char *want)
{
    char  before[80];

    snprintf(before, sizeof(before), "%s", redis_all(redis));
    is(admit(redis, a, time), want);
    is(redis_all(redis), before);
}


/* ---------------------------------------------------------------- tokens */


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
    is(redis_text(redis, "ZRANGE {t}:slots:s 0 -1 WITHSCORES"),
       "a:15000 2099952029000");
    is(redis_text(redis, "ZRANGE {t}:slots:u 0 -1 WITHSCORES"),
       "a:15000 2099952029000");
    is(redis_text(redis, "PEXPIRETIME {t}:slots:s"), "2099952029000");
    is(redis_text(redis, "GET {t}:quota:q"), "2099952000 1");
    begins(admit(redis, &b, T0 + 28 * SECOND), "running 1000 id-a ");

    /* also behind its end, if nobody has taken over */
    begins(admit(redis, &a, T0 + 40 * SECOND), "forward absent ");
    begins(admit(redis, &b, T0 + 54 * SECOND), "running 1000 id-a ");

    /* where another has, it is admitted like any other, as a retry */
    begins(admit(redis, &b, T0 + 55 * SECOND), "forward unknown ");
    begins(admit(redis, &a, T0 + 56 * SECOND), "running 14000 id-b ");
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
    is(redis_text(redis, "GET {t}:quota:q"), "2099952000 1");
}


/* also where its limits cannot be read any more */

static void
asking_again_writes_the_lease_whatever_its_limits_are(void **state)
{
    size_t     i;
    attempt_t  a = by("a");

    static const char *const  keys[] = {
        "{t}:rate:r", "{t}:quota:q", "{t}:slots:s"
    };

    (void) state;

    a.limits = "rate r 9 1000000 5 enforce, quota q 9 hour 0 enforce, "
               "concurrency s 9 0 0 enforce, concurrency u 9 0 0 enforce";

    for (i = 0; i < 3; i++) {
        is(redis_text(redis, "FLUSHALL"), "OK");
        begins(admit(redis, &a, T0), "forward ");
        is(redis_text(redis, "DEL %s", keys[i]), "1");
        is(redis_text(redis, "LPUSH %s x", keys[i]), "1");
        is(admit(redis, &a, T0 + SECOND), "forward absent \"\"");
        is(record(redis, &a, "l"), "2099952016000");
        is(redis_text(redis, "ZSCORE {t}:slots:u a:15000"), "2099952016000");
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
    is(redis_text(redis, "HSET %s t 9999999999", a.record), "0");
    is(admit(redis, &c, T0), "running 15000 id-a");
    snprintf(before, sizeof(before), "%s", redis_all(redis));
    is(admit(redis, &c, T0), "running 15000 id-a");
    is(redis_all(redis), before);
}


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
    is(redis_text(redis, "ZRANGE {t}:slots:s 0 -1 WITHSCORES"),
       "a:15000 2099952015000 b:60000 2099952060000");
    begins(admit(redis, &c, T0 + 15 * SECOND - 1), "limited 1 1000 ");
    begins(admit(redis, &c, T0 + 15 * SECOND), "forward absent ");

    /* a longer lease is not of the future */
    is(redis_text(redis, "FLUSHALL"), "OK");
    begins(admit(redis, &b, T0), "forward absent ");
    begins(admit(redis, &a, T0), "forward absent ");
    changes_nothing(&c, T0 + SECOND, "limited 1 1000 \"\" 1 2 0 0 0 0");
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
        changes_nothing(&b, T0, "mismatch id-a 0 1 1000000 0 1 0");
        changes_nothing(&b, T0 + 20 * SECOND,
                        "mismatch id-a 0 1 1000000 0 1 0");
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
    changes_nothing(&b, T0, "replay " ANSWER " id-a 0 1 1000000 0 1 0 "
                    "0 0 86400 0 0 60000");
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
        "HSET {t}:token:x s x",
        "HSET {t}:token:x s \"\"",
        "HDEL {t}:token:x l",
        "HSET {t}:token:x l soon",
        "HDEL {t}:token:x x",
        "HSET {t}:token:x x later",
        "HDEL {t}:token:x f",
        "HSET {t}:token:x f f00d",
        "HSET {t}:token:x f 1:"
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
        is(redis_text(redis, "HGET %s other", b.record), "(nil)");
    }
}


static void
a_damaged_answer_is_written_anew(void **state)
{
    char       mode[80];
    attempt_t  a = by("a"), b = by("b");

    (void) state;

    is(admit(redis, &a, T0), "forward absent \"\"");
    is(settle_created(redis, &a, ANSWER, "/l", "k", T0), "kept");

    snprintf(mode, sizeof(mode), "forward:%s",
             redis_text(redis, "EVAL %s 0 %s",
                        "return redis.sha1hex(ARGV[1])", "another"));
    b.unknown = mode;
    changes_nothing(&b, T0, "replay " ANSWER " id-a");

    snprintf(mode, sizeof(mode), "refuse:%s",
             redis_text(redis, "EVAL %s 0 %s",
                        "return redis.sha1hex(ARGV[1])", ANSWER));
    changes_nothing(&b, T0, "refused id-a damaged");

    memmove(mode + 7, mode + 6, strlen(mode + 6) + 1);
    memcpy(mode, "forward", 7);
    is(admit(redis, &b, T0), "forward damaged \"\"");
    is(record(redis, &b, "a"), "(nil)");
    is(record(redis, &b, "r"), "id-a");
}


/* ----------------------------------------------------------------- rates */


static void
a_rate_lets_its_burst_through(void **state)
{
    static const char  r[] = "rate r 20 1000000 2 enforce";

    (void) state;

    is(count_one(r, T0), "forward absent \"\" 0 20 1000000 2 2 50");
    is(count_one(r, T0), "forward absent \"\" 0 20 1000000 2 1 50");
    is(count_one(r, T0), "forward absent \"\" 0 20 1000000 2 0 50");
    is(count_one(r, T0), "limited 1 50 \"\" 1 20 1000000 2 0 50");
    is(count_one(r, T0 + 1), "limited 1 50 \"\" 1 20 1000000 2 0 50");
    is(count_one(r, T0 + 1 * MS), "limited 1 49 \"\" 1 20 1000000 2 0 49");
    is(count_one(r, T0 + 50 * MS - 1), "limited 1 1 \"\" 1 20 1000000 2 0 1");
    is(count_one(r, T0 + 50 * MS), "forward absent \"\" 0 20 1000000 2 0 50");

    /* after a pause: the burst again, and no more than it */
    is(count_one(r, T0 + HOUR), "forward absent \"\" 0 20 1000000 2 2 50");
    is(count_one(r, T0 + HOUR), "forward absent \"\" 0 20 1000000 2 1 50");
    is(count_one(r, T0 + HOUR), "forward absent \"\" 0 20 1000000 2 0 50");
    is(count_one(r, T0 + HOUR), "limited 1 50 \"\" 1 20 1000000 2 0 50");
}


static void
a_rate_without_burst(void **state)
{
    static const char  r[] = "rate r 30 60000000 0 enforce";

    (void) state;

    is(count_one(r, T0), "forward absent \"\" 0 30 60000000 0 0 2000");
    is(count_one(r, T0), "limited 1 2000 \"\" 1 30 60000000 0 0 2000");
    is(count_one(r, T0 + 2 * SECOND - 1),
       "limited 1 1 \"\" 1 30 60000000 0 0 1");
    is(count_one(r, T0 + 2 * SECOND),
       "forward absent \"\" 0 30 60000000 0 0 2000");
}


static void
a_rate_key_lives_while_it_matters(void **state)
{
    (void) state;

    /* until the backlog is worked off, to the millisecond behind */

    count_one("rate r 1 3600000000 1 enforce", T0);
    is(redis_text(redis, "GET {t}:rate:r"), "2099952000000000 3600000000");
    is(redis_text(redis, "PEXPIRETIME {t}:rate:r"), "2099955600001");

    count_one("rate r 1 3600000000 1 enforce", T0 + 999);
    is(redis_text(redis, "GET {t}:rate:r"), "2099952000000999 7199999001");
    is(redis_text(redis, "PEXPIRETIME {t}:rate:r"), "2099959200001");
}


/* what a larger burst left behind: as though a whole burst had just been
   used */

static void
a_backlog_beyond_the_burst_is_cut(void **state)
{
    size_t  i;

    static const char *const  stored[] = {
        "2099952000000000 10800000001", "2099952000000000 9007199254740992",
        "2099952000000000 99999999999999999999"
    };
    static const char  r[] = "rate r 20 1000000 2 enforce";

    (void) state;

    for (i = 0; i < 3; i++) {
        is(redis_text(redis, "SET {t}:rate:r %s", stored[i]), "OK");
        is(count_one(r, T0), "limited 1 50 \"\" 1 20 1000000 2 0 50");
        is(count_one(r, T0 + 49 * MS),
           "limited 1 1 \"\" 1 20 1000000 2 0 1");
        is(count_one(r, T0 + 50 * MS),
           "forward absent \"\" 0 20 1000000 2 0 50");
    }
}


/*
 * The clock was set back: nothing was worked off since, and what is told to
 * come back passes when it does.  That is written, also by a refusal.
 */

static void
a_backlog_of_the_future_counts_from_now(void **state)
{
    size_t  i;

    static const char *const  stored[] = {
        "3000000000000000 10800000000", "99999999999999999999 10800000000",
        "2099952000000001 10800000000"
    };
    static const char  r[] = "rate r 20 1000000 2 enforce";
    static const char  dry[] = "rate r 20 1000000 2 dry_run";

    (void) state;

    for (i = 0; i < 3; i++) {
        is(redis_text(redis, "SET {t}:rate:r %s", stored[i]), "OK");
        is(count_one(r, T0), "limited 1 50 \"\" 1 20 1000000 2 0 50");
        is(redis_text(redis, "GET {t}:rate:r"),
           "2099952000000000 10800000000");
        is(redis_text(redis, "PEXPIRETIME {t}:rate:r"), "2099952000151");

        is(count_one(r, T0 + 49 * MS),
           "limited 1 1 \"\" 1 20 1000000 2 0 1");
        is(count_one(r, T0 + 50 * MS),
           "forward absent \"\" 0 20 1000000 2 0 50");

        /* a dry run sees no end of it otherwise */
        is(redis_text(redis, "SET {t}:rate:r %s", stored[i]), "OK");
        is(count_one(dry, T0), "forward absent \"\" 2 20 1000000 2 0 50");
        is(count_one(dry, T0 + 50 * MS),
           "forward absent \"\" 0 20 1000000 2 0 50");
    }
}


/* an hour back: not an hour's wait, and no second burst either */

static void
a_clock_that_goes_back_gives_no_burst(void **state)
{
    int      k, passed;
    int64_t  time;

    static const char  r[] = "rate r 20 1000000 2 enforce";

    (void) state;

    count_one(r, T0 + HOUR);
    count_one(r, T0 + HOUR);
    count_one(r, T0 + HOUR);
    passed = 0;

    for (time = T0, k = 0; k < 100; k++, time += 10 * MS) {
        passed += strncmp(count_one(r, time), "forward", 7) == 0;
    }

    /* 990 ms at one in 50 ms, none of them at once */
    assert_int_equal(passed, 19);
}


static void
a_stored_rate_of_the_past_or_nonsense_counts_for_nothing(void **state)
{
    size_t  i;

    static const char *const  stored[] = {
        "0 9007199254740991", "2099951999950000 3600000000", "", "x", "1",
        "1 2 3", "-5 3600000000", "2099952000000000 -1",
        "2099952000000000 x"
    };

    (void) state;

    for (i = 0; i < sizeof(stored) / sizeof(stored[0]); i++) {
        is(redis_text(redis, "SET {t}:rate:r %s", stored[i]), "OK");
        is(count_one("rate r 20 1000000 2 enforce", T0),
           "forward absent \"\" 0 20 1000000 2 2 50");
    }
}


/* a lower rate keeps what was used, whatever asks meanwhile, and its key */

static void
a_lower_rate_gives_no_second_burst(void **state)
{
    int  k, passed;

    static const char  r[] = "rate r 20 1000000 40 enforce";
    static const char  q[] = "rate r 20 1000000 40 enforce, "
                             "quota q 0 hour 0 enforce";

    (void) state;

    for (k = 0; k < 41; k++) {
        begins(count_one(r, T0), "forward ");
    }

    is(redis_text(redis, "HSET {t}:limits r.rate 1r/h"), "1");

    for (k = 0, passed = 0; k < 40; k++) {
        passed += strncmp(count_one(r, T0 + SECOND), "forward", 7) == 0;
    }

    assert_int_equal(passed, 0);
    is(count_one(r, T0 + SECOND),
       "limited 1 3599000 \"\" 1 1 3600000000 40 0 3599000");
    is(redis_text(redis, "PEXPIRETIME {t}:rate:r"), "2100099600001");

    is(count_one(r, T0 + HOUR),
       "forward absent \"\" 0 1 3600000000 40 0 3600000");

    /* also where another limit is what refuses */
    is(redis_text(redis, "FLUSHALL"), "OK");
    count_one(r, T0);
    is(redis_text(redis, "PEXPIRETIME {t}:rate:r"), "2099952000051");
    is(redis_text(redis, "HSET {t}:limits r.rate 1r/h"), "1");
    begins(count_one(q, T0), "limited 2 ");
    is(redis_text(redis, "PEXPIRETIME {t}:rate:r"), "2099955600001");

    /* and a higher one works off faster, at once */
    is(redis_text(redis, "FLUSHALL"), "OK");

    for (k = 0; k < 41; k++) {
        begins(count_one(r, T0), "forward ");
    }

    is(redis_text(redis, "HSET {t}:limits r.rate 1000"), "1");
    is(count_one(r, T0 + 41 * MS),
       "forward absent \"\" 0 1000 1000000 40 40 1");
}


/*
 * Twice the allowed rate, arrivals at pseudo-random moments, time as an
 * argument.  Tells the admitted, the time that passed, the key's value, and
 * how much the worst stretch of k admissions lacks of what k - burst take.
 */

static const char  load_driver[] =
    "local count, period, burst, n = %s, %s, %s, 20000\n"
    "local at, random, times = 0, 1, {}\n"
    "for i = 0, n - 1 do\n"
    "  random = (random * 16807) %% 2147483647\n"
    "  at = math.floor((i + random / 2147483647) * period / count / 2)\n"
    "  local now = 2099952000000000 + at\n"
    "  local reply = script(KEYS, ARGV, {\n"
    "      string.format('%%.0f', math.floor(now / 1000000)),\n"
    "      string.format('%%.0f', now %% 1000000) })\n"
    "  if reply[%d] == 'forward' then\n"
    "    times[#times + 1] = at\n"
    "    redis.call('DEL', '{t}:attempt:o')\n"
    "  end\n"
    "end\n"
    "local worst = 0\n"
    "for _, k in ipairs({ 1, 2, 10, burst, burst + 1, 2 * burst, 999 }) do\n"
    "  for i = 1, #times - k do\n"
    "    local lack = (k - burst) * period / count\n"
    "                 - (times[i + k] - times[i])\n"
    "    worst = math.max(worst, lack)\n"
    "  end\n"
    "end\n"
    "return { #times, at, redis.call('GET', '{t}:rate:r'),\n"
    "         math.ceil(worst) }\n";


static void
rates_are_exact(void **state)
{
    char       driver[2048], limit[64];
    size_t     i;
    attempt_t  a = by("o");
    long long  admitted, elapsed, seen, backlog, worst;

    static const struct {
        const char  *count, *period, *burst;
        double       rate;                      /* in a microsecond */
        long long    most;
    } rates[] = {
        { "7", "3600000000", "0", 7 / 3600e6, 1 },
        { "7", "3600000000", "50", 7 / 3600e6, 51 },
        { "20", "1000000", "40", 20 / 1e6, 41 },
        { "999983", "3600000000", "9", 999983 / 3600e6, 10 },
        { "7919", "60000000", "100", 7919 / 60e6, 101 },
        { "300000", "1000000", "100", 0.3, 101 },
        { "700001", "1000000", "300", 0.700001, 301 },
        { "1000000", "1000000", "100", 1.0, 101 }
    };

    (void) state;

    a.record = NULL;
    a.limits = limit;

    for (i = 0; i < sizeof(rates) / sizeof(rates[0]); i++) {
        double       allowed;
        long long    unit;
        const char  *got;

        is(redis_text(redis, "FLUSHALL"), "OK");

        snprintf(limit, sizeof(limit), "rate r %s %s %s enforce",
                 rates[i].count, rates[i].period, rates[i].burst);
        snprintf(driver, sizeof(driver), load_driver, rates[i].count,
                 rates[i].period, rates[i].burst, JR_REPLY_VERDICT + 1);

        got = admit_driven(redis, &a, driver);

        if (sscanf(got, "%lld %lld %lld %lld %lld", &admitted, &elapsed,
                   &seen, &backlog, &worst) != 5)
        {
            fail_msg("%s", got);
        }

        allowed = rates[i].most + elapsed * rates[i].rate;

        /* without a burst an idle moment is lost, so only from above */

        assert_true(admitted <= allowed + 1);

        if (rates[i].most > 1) {
            assert_true(admitted >= allowed - 2);

            /* not a unit is lost over all of them, but while there was
               nothing to work off: before the second came */

            unit = atoll(rates[i].count)
                   * (REQUEST / atoll(rates[i].period));
            backlog += (seen - T0) * unit - admitted * REQUEST;

            assert_true(backlog >= 0 && backlog < 2 * REQUEST);
        }

        /* no stretch of time lets more than the burst through */

        assert_true(worst <= 1);
    }
}


/* the largest numbers that can be configured */

static void
large_rates_do_not_overflow(void **state)
{
    (void) state;

    is(count_one("rate r 1000000 1000000 1000000 enforce", T0),
       "forward absent \"\" 0 1000000 1000000 1000000 1000000 1");
    is(redis_text(redis, "GET {t}:rate:r"), "2099952000000000 3600000000");

    is(count_one("rate s 1000000 3600000000 1000000 enforce", T0),
       "forward absent \"\" 0 1000000 3600000000 1000000 1000000 4");

    /* one left of a million and one; they are all below 2^53 */
    is(redis_text(redis, "SET {t}:rate:s %s",
                  "2099952000000000 3600000000000000"), "OK");
    is(count_one("rate s 1000000 3600000000 1000000 enforce", T0),
       "forward absent \"\" 0 1000000 3600000000 1000000 0 4");
    is(redis_text(redis, "GET {t}:rate:s"),
       "2099952000000000 3600003600000000");
    is(redis_text(redis, "PEXPIRETIME {t}:rate:s"), "2099955600004");
    is(count_one("rate s 1000000 3600000000 1000000 enforce", T0),
       "limited 1 4 \"\" 1 1000000 3600000000 1000000 0 4");

    /* a request per hour and a burst of a million: 114 years */
    is(redis_text(redis, "SET {t}:rate:h %s",
                  "2099952000000000 3600000000000000"), "OK");
    is(count_one("rate h 1 3600000000 1000000 enforce", T0),
       "forward absent \"\" 0 1 3600000000 1000000 0 3600000");
    is(count_one("rate h 1 3600000000 1000000 enforce", T0),
       "limited 1 3600000 \"\" 1 1 3600000000 1000000 0 "
       "3600000");
    is(redis_text(redis, "PEXPIRETIME {t}:rate:h"), "5699955600001");

    /* a century without a request works off all there can be */
    is(count_one("rate s 1000000 1000000 1000000 enforce",
                 T0 + 36500 * DAY),
       "forward absent \"\" 0 1000000 1000000 1000000 1000000 1");
}


/* who comes back when told to passes, and a millisecond earlier does not */

static void
the_wait_of_a_rate_is_exact(void **state)
{
    int       k;
    size_t    i;
    int64_t   time;
    unsigned  random;

    static const char *const  rates[] = {
        "rate r 7 3600000000 0 enforce", "rate r 7 3600000000 3 enforce",
        "rate r 20 1000000 5 enforce", "rate r 17 60000000 1 enforce",
        "rate r 999 1000000 2 enforce", "rate r 1 1000000 0 enforce"
    };

    (void) state;

    random = 1;

    for (i = 0; i < sizeof(rates) / sizeof(rates[0]); i++) {
        is(redis_text(redis, "FLUSHALL"), "OK");
        time = T0 + 7;

        for (k = 0; k < 30; k++) {
            int          index;
            long long    wait;
            const char  *got;

            random = random * 1103515245 + 12345;
            time += random >> 16 & 0x3ff;

            got = count_one(rates[i], time);

            if (sscanf(got, "limited %d %lld", &index, &wait) != 2) {
                begins(got, "forward ");
                continue;
            }

            assert_int_equal(index, 1);
            assert_true(wait > 0);

            if (wait > 1) {
                got = count_one(rates[i], time + (wait - 1) * MS);
                begins(got, "limited ");
            }

            time += wait * MS;
            got = count_one(rates[i], time);
            begins(got, "forward ");
        }
    }
}


/* ---------------------------------------------------------------- quotas */


static void
a_quota_counts_its_window(void **state)
{
    static const char  q[] = "quota q 2 hour 0 enforce";

    (void) state;

    is(count_one(q, T0), "forward absent \"\" 0 2 3600 0 1 3600000");
    is(redis_text(redis, "PEXPIRETIME {t}:quota:q"), "2099955600000");
    is(redis_text(redis, "GET {t}:quota:q"), "2099952000 1");
    is(count_one(q, T0 + 1800 * SECOND),
       "forward absent \"\" 0 2 3600 0 0 1800000");
    is(count_one(q, T0 + 1800 * SECOND),
       "limited 1 1800000 \"\" 1 2 3600 0 0 1800000");
    is(count_one(q, T0 + HOUR - 1), "limited 1 1 \"\" 1 2 3600 0 0 1");
    is(count_one(q, T0 + HOUR), "forward absent \"\" 0 2 3600 0 1 3600000");
    is(redis_text(redis, "GET {t}:quota:q"), "2099955600 1");
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
    is(redis_text(redis, "SET {t}:quota:q %s", "2098483200 999999999999"),
       "OK");
    is(count_one(q, T0),
       "forward absent \"\" 0 1000000000000 2678400 0 0 1209600000");
    is(redis_text(redis, "GET {t}:quota:q"), "2098483200 1000000000000");
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
    is(redis_text(redis, "GET {t}:quota:q"), "2099955600 2");
    is(redis_text(redis, "PEXPIRETIME {t}:quota:q"), "2099959200000");
    is(count_one(q, T0 + HOUR - SECOND),
       "limited 1 3601000 \"\" 1 2 3600 0 0 3601000");
    is(count_one(q, T0 + HOUR),
       "limited 1 3600000 \"\" 1 2 3600 0 0 3600000");

    /* three hours back: what was counted then counts in the present hour */
    is(count_one(q, T0 - 2 * HOUR),
       "limited 1 3600000 \"\" 1 2 3600 0 0 3600000");
    is(redis_text(redis, "GET {t}:quota:q"), "2099944800 2");
    is(redis_text(redis, "PEXPIRETIME {t}:quota:q"), "2099948400000");
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
        { "x", "forward absent \"\" 0 2 3600 0 1 3600000" },
        { "", "forward absent \"\" 0 2 3600 0 1 3600000" },
        { "2099952000", "forward absent \"\" 0 2 3600 0 1 3600000" },
        { "2099952000 -2", "forward absent \"\" 0 2 3600 0 1 3600000" },
        { "2099952000 99999999999999999999",
          "limited 1 3600000 \"\" 1 2 3600 0 0 3600000" },

        /* a window that never comes */
        { "99999999999999999999 1",
          "forward absent \"\" 0 2 3600 0 0 3600000" },
        { "99999999999999999999 2",
          "limited 1 3600000 \"\" 1 2 3600 0 0 3600000" }
    };

    (void) state;

    for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        is(redis_text(redis, "SET {t}:quota:q %s", cases[i].stored), "OK");
        is(count_one("quota q 2 hour 0 enforce", T0), cases[i].want);
        begins(count_one("quota q 2 hour 0 enforce", T0 + HOUR), "forward ");
    }
}


/* the first attempt of all, in that second since 1970, which Redis' own clock
   has long passed: of what is written nothing is left */

static const char *
in_second(const attempt_t *a, int64_t at)
{
    char  driver[256];

    snprintf(driver, sizeof(driver),
             "local reply = script(KEYS, ARGV, { '%lld', '0' })\n"
             "redis.call('DEL', unpack(KEYS))\n"
             "return reply\n", (long long) at);

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


/* ----------------------------------------------------------------- slots */


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
    is(redis_text(redis, "ZRANGE {t}:slots:s 0 -1 WITHSCORES"),
       "a:15000 2099952015000 b:15000 2099952016000");
    is(redis_text(redis, "PEXPIRETIME {t}:slots:s"), "2099952016000");

    /* a is dead; its slot is free the moment its lease ends */
    changes_nothing(&c, T0 + 15 * SECOND - 1,
                    "limited 1 1000 \"\" 1 2 0 0 0 0");
    is(admit(redis, &c, T0 + 15 * SECOND),
       "forward absent \"\" 0 2 0 0 0 0");
    is(redis_text(redis, "ZRANGE {t}:slots:s 0 -1"), "b:15000 c:15000");
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
    is(redis_text(redis, "PEXPIRETIME {t}:slots:s"), "2099952600000");

    /* whoever came first */
    is(redis_text(redis, "FLUSHALL"), "OK");
    is(admit(redis, &b, T0), "forward absent \"\" 0 2 0 0 1 0");
    is(admit(redis, &a, T0), "forward absent \"\" 0 2 0 0 0 0");
    is(redis_text(redis, "PEXPIRETIME {t}:slots:s"), "2099952600000");
}


/* nor do they count where it is another limit, or the token, that decides */

static void
slots_of_ended_leases_are_told_as_free(void **state)
{
    size_t     i;
    attempt_t  a = by("a"), b = by("b"), c = by("c");

    static const struct {
        const char  *limits;
        const char  *limited;
        const char  *running;
    } cases[] = {
        { "concurrency s 9 0 0 enforce, quota q 0 hour 0 enforce",
          "limited 2 60000 \"\" 0 9 0 0 8 0 1 0 3600 0 0 60000",
          "running 10000 id-b 0 9 0 0 8 0 0 0 3600 0 0 60000" },
        { "quota q 0 hour 0 enforce, concurrency s 9 0 0 enforce",
          "limited 1 60000 \"\" 1 0 3600 0 0 60000 0 9 0 0 8 0",
          "running 10000 id-b 0 0 3600 0 0 60000 0 9 0 0 8 0" }
    };

    (void) state;

    a.record = NULL;
    a.limits = b.limits = "concurrency s 9 0 0 enforce";

    is(admit(redis, &a, T0), "forward absent \"\" 0 9 0 0 8 0");
    is(admit(redis, &b, T0 + 10 * SECOND), "forward absent \"\" 0 9 0 0 7 0");

    for (i = 0; i < 2; i++) {
        c.limits = cases[i].limits;
        c.record = NULL;
        changes_nothing(&c, T0 + 15 * SECOND, cases[i].limited);
        c.record = b.record;
        changes_nothing(&c, T0 + 15 * SECOND, cases[i].running);
    }
}


/* ------------------------------------------------------------- overrides */


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
    is(redis_text(redis, "GET {t}:quota:q"), "2099952000 3");

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
    is(redis_text(redis, "GET {t}:rate:r"), "2099952000000000 21600000000");
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


/* ------------------------------------------------------ limits together */


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

    is(redis_text(redis, "SET {t}:quota:full %s", "2099952000 1"), "OK");

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
    is(redis_text(redis, "GET {t}:quota:q"), "2099952000 1");
}


static void
a_key_of_another_type_is_an_error_before_any_write(void **state)
{
    char       before[80];
    size_t     i;
    attempt_t  a = by("a");

    static const char *const  keys[] = {
        "{t}:rate:r", "{t}:quota:q", "{t}:slots:s"
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
        "{t}:rate:r", "{t}:quota:q", "{t}:slots:s"
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
    is(redis_text(redis, "SET {t}:rate:r %s", "1 3600000000"), "OK");
    is(admit(redis, &b, REAL),
       "forward absent \"\" 0 1 3600000000 0 0 3600000");

    is(redis_text(redis, "HSET %s l %lld", a.record, (long long) to - 1),
       "0");
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
        lua_test(slots_of_the_future_are_shortened_to_their_lengths),
        lua_test(another_request_mismatches),
        lua_test(fingerprints_of_another_release_are_not_compared),
        lua_test(done_is_replayed),
        lua_test(done_without_answer_names_the_run),
        lua_test(unknown_is_forwarded_or_refused),
        lua_test(a_record_never_ends_under_its_attempt),
        lua_test(without_a_token_each_attempt_has_a_record),
        lua_test(damage_counts_as_unknown),
        lua_test(a_damaged_answer_is_written_anew),
        lua_test(a_rate_lets_its_burst_through),
        lua_test(a_rate_without_burst),
        lua_test(a_rate_key_lives_while_it_matters),
        lua_test(a_backlog_beyond_the_burst_is_cut),
        lua_test(a_backlog_of_the_future_counts_from_now),
        lua_test(a_clock_that_goes_back_gives_no_burst),
        lua_test(a_stored_rate_of_the_past_or_nonsense_counts_for_nothing),
        lua_test(a_lower_rate_gives_no_second_burst),
        lua_test(rates_are_exact),
        lua_test(large_rates_do_not_overflow),
        lua_test(the_wait_of_a_rate_is_exact),
        lua_test(a_quota_counts_its_window),
        lua_test(a_quota_of_nothing),
        lua_test(a_quota_of_a_million_million),
        lua_test(windows_follow_the_calendar),
        lua_test(a_clock_that_goes_back_gives_no_second_quota),
        lua_test(a_stored_quota_that_is_nonsense),
        lua_test(every_month_has_its_days),
        lua_test(slots_are_held_by_owners),
        lua_test(slots_of_long_leases_outlive_short_ones),
        lua_test(slots_of_ended_leases_are_told_as_free),
        lua_test(overrides),
        lua_test(overrides_keep_the_counters),
        lua_test(slots_are_counted_while_lifted),
        lua_test(several_overrides_may_be_nonsense),
        lua_test(overrides_that_are_no_hash_are_ignored),
        lua_test(only_the_fields_needed_are_read),
        lua_test(a_refusal_consumes_nothing),
        lua_test(dry_run_counts_and_never_refuses),
        lua_test(the_retry_of_an_unknown_token_pays_no_quota),
        lua_test(a_key_of_another_type_is_an_error_before_any_write),
        lua_test(the_token_decides_where_limits_cannot_be_read),
        lua_test(the_clock_is_that_of_redis)
    };

    return cmocka_run_group_tests(tests, lua_start, lua_stop);
}
