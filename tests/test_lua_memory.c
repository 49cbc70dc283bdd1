/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The scripts in a Redis at maxmemory with noeviction: admissions are what is
 * refused, and nothing else.  Each runs as it is, with its flags, and the
 * memory is filled by the test.
 */

#include "lib_lua.h"


#define LIMITS  "rate r 9 3600000000 50 enforce, "                           \
                "quota q 99 month 0 enforce, concurrency s 9 0 0 enforce"


static int
start(void **state)
{
    static const char *const  args[] = {
        "--maxmemory-policy", "noeviction", NULL
    };

    (void) state;

    redis = redis_start(args);

    return 0;
}


static int
flush(void **state)
{
    is(redis_text(redis, "CONFIG SET maxmemory 0"), "OK");

    return lua_flush(state);
}


/* until a write is refused, and then some: buffers of clients come and go */

static void
fill(void)
{
    int  i;

    is(redis_text(redis, "CONFIG SET maxmemory 8mb"), "OK");

    for (i = 0;
         strncmp(redis_text(redis, "SETRANGE fill:%d 20000 x", i), "(error) ",
                 8) != 0;
         i++)
    {
        assert_true(i < 1000);
    }

    is(redis_text(redis, "CONFIG SET maxmemory 7mb"), "OK");
    begins(redis_text(redis, "SET more x"), "(error) OOM");
}


static attempt_t
with(const char *owner, const char *record, const char *limits)
{
    attempt_t  a;

    a = attempt_default;
    a.owner = owner;
    a.record = record;
    a.limits = limits;

    return a;
}


static void
is_refused_and_changes_nothing(const attempt_t *a)
{
    char  before[80];

    snprintf(before, sizeof(before), "%s", redis_all(redis));
    begins(admit(redis, a, REAL), "(error) OOM");
    is(redis_all(redis), before);
}


static void
admissions_are_refused(void **state)
{
    size_t     i;
    attempt_t  a;

    static const char *const  limits[] = {
        "", "concurrency s 9 0 0 enforce", "rate r 9 1000000 5 enforce",
        "quota q 9 hour 0 enforce", LIMITS
    };

    (void) state;

    /* a slot whose lease has ended is what would be taken away first */

    is(redis_text(redis, "ZADD {t}:slots:s 1 dead:1"), "1");
    a = with("u", "{t}:token:u", "");
    admit(redis, &a, REAL);
    is(settle(redis, &a, "unknown", REAL), "settled unknown");
    is(redis_text(redis, "RPUSH {t}:token:w x"), "1");

    fill();

    for (i = 0; i < sizeof(limits) / sizeof(limits[0]); i++) {
        a = with("a", "{t}:token:a", limits[i]);
        is_refused_and_changes_nothing(&a);

        a.record = NULL;
        is_refused_and_changes_nothing(&a);

        /* an unknown token, and one that is none */

        a.record = "{t}:token:u";
        is_refused_and_changes_nothing(&a);
        a.record = "{t}:token:w";
        is_refused_and_changes_nothing(&a);
    }
}


static void
what_a_token_decides_is_answered(void **state)
{
    attempt_t  a, b, c, d;

    (void) state;

    a = with("a", "{t}:token:a", LIMITS);
    b = with("b", "{t}:token:b", LIMITS);
    c = with("c", "{t}:token:a", LIMITS);
    d = with("d", "{t}:token:b", LIMITS);

    admit(redis, &a, REAL);
    admit(redis, &b, REAL);
    is(settle_created(redis, &a, "answer", "/l", "run", REAL), "kept");

    fill();

    begins(admit(redis, &c, REAL), "replay answer id-a");
    begins(admit(redis, &d, REAL), "running ");

    /* a lease of the future is the next reader's to shorten */

    is(redis_text(redis, "CONFIG SET maxmemory 0"), "OK");
    record_set(redis, "{t}:token:b", "l", 9999999999999);
    is(redis_text(redis, "CONFIG SET maxmemory 7mb"), "OK");
    begins(admit(redis, &d, REAL), "running 15000 ");
    is(record(redis, &b, "l"), "9999999999999");

    d.fingerprint = "1:beef";
    begins(admit(redis, &d, REAL), "mismatch id-a");

    /* and so is what a limit refuses */

    d.record = NULL;
    d.limits = "quota none 0 hour 0 enforce, concurrency s 9 0 0 enforce";
    begins(admit(redis, &d, REAL), "limited 1 60000 ");
}


static void
renewals_and_settlements_pass(void **state)
{
    size_t     i, k;
    char       record_key[32];
    attempt_t  a;

    static const struct {
        const char  *outcome;
        const char  *want;
    } cases[] = {
        { "created", "kept" },
        { "rejected", "settled freed" },
        { "unauthorized", "settled freed" },
        { "unsent", "settled freed" },
        { "unknown", "settled unknown" }
    };

    static const char *const  limits[] = { "", LIMITS };

    (void) state;

    for (k = 0; k < 2; k++) {
        for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
            flush(NULL);

            snprintf(record_key, sizeof(record_key), "{t}:token:%zu", i);
            a = with("a", record_key, limits[k]);
            begins(admit(redis, &a, REAL), "forward absent ");
            record_set(redis, record_key, "l", 1);

            fill();

            is(renew(redis, &a, REAL), "renewed");
            assert_string_not_equal(record(redis, &a, "l"), "1");

            is(i == 0 ? settle_created(redis, &a, "a stored response",
                                       "/l", "run", REAL)
                      : settle(redis, &a, cases[i].outcome, REAL),
               cases[i].want);

            is(redis_text(redis, "EXISTS {t}:slots:s"), "0");
        }
    }

    /* a creation whose record is gone, as behind an outage */

    a.record = "{t}:token:gone";
    is(settle_created(redis, &a, "a stored response", "/l", "run", REAL),
       "kept");
    begins(admit(redis, &a, REAL), "replay a stored response id-a");
}


/* each is loaded under its SHA-1 first, as EVALSHA has it */

static void
the_scripts_can_be_loaded(void **state)
{
    char   *text, sha1[41];
    size_t  i;

    static const char *const  names[] = { "admit", "renew", "settle" };

    (void) state;

    for (i = 0; i < 3; i++) {
        text = script_text(names[i]);
        snprintf(sha1, sizeof(sha1), "%s",
                 redis_text(redis, "SCRIPT LOAD %s", text));
        free(text);

        assert_int_equal(strlen(sha1), 40);
        is(redis_text(redis, "SCRIPT EXISTS %s", sha1), "1");
    }
}


#define memory_test(name)  cmocka_unit_test_setup(name, flush)


int
main(void)
{
    const struct CMUnitTest  tests[] = {
        memory_test(admissions_are_refused),
        memory_test(what_a_token_decides_is_answered),
        memory_test(renewals_and_settlements_pass),
        memory_test(the_scripts_can_be_loaded)
    };

    return cmocka_run_group_tests(tests, start, lua_stop);
}
