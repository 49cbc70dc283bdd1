/* SPDX-License-Identifier: BSD-2-Clause
 *
 * renew.lua against a real Redis, and what holds for all three scripts: each
 * touches only the keys it declares, also on a cluster.
 */

#include "lib_lua.h"



static void
loses(const attempt_t *a, int64_t time)
{
    char  before[80];

    snprintf(before, sizeof(before), "%s", redis_all(redis));
    is(renew(redis, a, time), "lost");
    is(redis_all(redis), before);
}


static void
a_lease_is_renewed_by_its_owner(void **state)
{
    attempt_t  a = by("a"), b = by("b");

    (void) state;

    is(admit(redis, &a, T0), "forward absent \"\"");
    loses(&b, T0);

    is(renew(redis, &a, T0 + 5 * SECOND), "renewed");
    is(record(redis, &a, "l"), "2099952020000");
    is(record(redis, &a, "x"), "2100038400000");
    is(redis_text(redis, "PEXPIRETIME %s", a.record), "2100038400000");

    is(admit(redis, &b, T0 + 19 * SECOND), "running 1000 id-a");
    is(renew(redis, &a, T0 + 10 * SECOND), "renewed");
    is(admit(redis, &b, T0 + 24 * SECOND), "running 1000 id-a");
}


static void
a_record_never_ends_under_a_renewed_attempt(void **state)
{
    attempt_t  a = by("a");

    (void) state;

    a.ttl = 20000;

    admit(redis, &a, T0);
    is(renew(redis, &a, T0 + 14 * SECOND), "renewed");
    is(redis_text(redis, "PEXPIRETIME %s", a.record), "2099952044000");

    /* its life is not longer for that */
    is(record(redis, &a, "x"), "2099952020000");
}


static void
a_lease_that_ended_but_was_not_taken_is_renewed(void **state)
{
    attempt_t  a = by("a"), b = by("b");

    (void) state;

    admit(redis, &a, T0);
    is(renew(redis, &a, T0 + 60 * SECOND), "renewed");
    is(admit(redis, &b, T0 + 60 * SECOND), "running 15000 id-a");
}


static void
what_is_settled_or_gone_is_lost(void **state)
{
    size_t     i;
    attempt_t  a = by("a"), b = by("b");

    static const char *const  outcomes[] = {
        "created", "unknown", "rejected", "unsent"
    };

    (void) state;

    loses(&a, T0);

    for (i = 0; i < 4; i++) {
        is(redis_text(redis, "FLUSHALL"), "OK");
        admit(redis, &a, T0);
        settle(redis, &a, outcomes[i], T0);
        loses(&a, T0);
    }

    is(redis_text(redis, "FLUSHALL"), "OK");
    admit(redis, &a, T0);
    admit(redis, &b, T0 + 15 * SECOND);
    loses(&a, T0 + 15 * SECOND);
    is(renew(redis, &b, T0 + 16 * SECOND), "renewed");
}


static void
slots_are_renewed_with_the_lease(void **state)
{
    int        token;
    attempt_t  a, b;

    (void) state;

    for (token = 0; token < 2; token++) {
        is(redis_text(redis, "FLUSHALL"), "OK");

        a = by("a");
        b = by("b");
        b.record = NULL;
        a.limits = b.limits = "rate r 9 1000000 5 enforce, "
            "concurrency s 1 0 0 enforce, quota q 9 hour 0 enforce, "
            "concurrency u 1 0 0 enforce";

        if (!token) {
            a.record = NULL;
        }

        admit(redis, &a, T0);
        is(renew(redis, &a, T0 + 10 * SECOND), "renewed");
        is(slots(redis, "s", 1),
           "a:15000 2099952025000");
        is(slots(redis, "u", 1),
           "a:15000 2099952025000");
        is(redis_text(redis, "PEXPIRETIME {t}:slots:s"), "2099952075000");

        begins(admit(redis, &b, T0 + 24 * SECOND), "limited 2 1000 ");
        begins(admit(redis, &b, T0 + 25 * SECOND), "forward absent ");
    }
}


/* nothing is held that was not taken */

static void
a_limit_that_was_not_counted_gets_no_slot(void **state)
{
    attempt_t  a = by("a"), b = by("b");

    (void) state;

    a.limits = "concurrency s 0 0 0 dry_run, concurrency lifted 9 0 0 enforce";
    is(redis_text(redis, "HSET {t}:limits lifted.limit none"), "1");

    admit(redis, &a, T0);
    is(renew(redis, &a, T0), "renewed");
    is(redis_text(redis, "EXISTS {t}:slots:s"), "0");

    /* but it is while the limit is lifted, to be there when it is not */
    is(slots(redis, "lifted", 0), "a:15000");

    /* nor under the name of the one that took over */
    is(redis_text(redis, "FLUSHALL"), "OK");
    a.limits = b.limits = "concurrency s 9 0 0 enforce";
    admit(redis, &a, T0);
    admit(redis, &b, T0 + 15 * SECOND);
    loses(&a, T0 + 15 * SECOND);
    is(slots(redis, "s", 1),
       "a:15000 2099952015000 b:15000 2099952030000");
}


/* what became of keys that only we should write */

static void
damage_costs_no_claim_its_renewal(void **state)
{
    attempt_t  a = by("a");

    (void) state;

    a.limits = "concurrency s 9 0 0 enforce, concurrency u 9 0 0 enforce";
    admit(redis, &a, T0);

    is(redis_text(redis, "SET {t}:slots:s x"), "OK");

    is(renew(redis, &a, T0 + 5 * SECOND), "renewed");
    is(record(redis, &a, "l"), "2099952020000");
    is(redis_text(redis, "PEXPIRETIME %s", a.record), "2100038400000");
    is(redis_text(redis, "GET {t}:slots:s"), "x");
    is(slots(redis, "u", 1), "a:15000 2099952020000");

    is(redis_text(redis, "DEL %s", a.record), "1");
    is(redis_text(redis, "SET %s x", a.record), "OK");
    loses(&a, T0 + 5 * SECOND);
}


static void
the_clock_is_that_of_redis(void **state)
{
    long long  s, us, end;
    attempt_t  a = by("a");

    (void) state;

    admit(redis, &a, REAL);
    record_set(redis, a.record, "l", 0);
    assert_int_equal(sscanf(redis_text(redis, "TIME"), "%lld %lld", &s, &us),
                     2);
    is(renew(redis, &a, REAL), "renewed");

    end = atoll(record(redis, &a, "l"));
    assert_in_range(end, s * 1000 + us / 1000 + 15000,
                    s * 1000 + us / 1000 + 75000);
}


/* --------------------------------------------------------- declared keys */


static void
all_scripts(redis_t *on, int64_t time)
{
    size_t     i;
    attempt_t  a = by("a"), b = by("b");

    static const char *const  outcomes[] = {
        "unknown", "unauthorized", "rejected", "unsent"
    };

    a.limits = b.limits = "rate r 9 1000000 50 enforce, "
        "quota q 9 hour 0 enforce, concurrency s 9 0 0 enforce";

    for (i = 0; i < 4; i++) {
        begins(admit(on, &a, time), "forward ");
        is(renew(on, &a, time), "renewed");
        begins(settle(on, &a, outcomes[i], time), "settled ");
    }

    begins(admit(on, &a, time), "forward ");
    is(settle_created(on, &a, "answer", "/a", "run", time), "kept");
    begins(admit(on, &b, time), "replay answer id-a");
    is(settle(on, &b, "unsent", time), "done answer /a run id-a");

    a.record = NULL;
    begins(admit(on, &a, time), "forward ");
    is(renew(on, &a, time), "renewed");
    is(settle(on, &a, "rejected", time), "settled freed");
}


/* on a cluster a call may only touch keys of one slot, here on the one node
   that has them all */

static void
the_scripts_run_on_a_cluster(void **state)
{
    redis_t  *cluster;

    static const char *const  args[] = {
        "--cluster-enabled", "yes", NULL
    };

    (void) state;

    cluster = redis_start(args);

    is(redis_text(cluster, "CLUSTER ADDSLOTSRANGE 0 16383"), "OK");

    /* it takes a moment; WAIT for replicas that there are not gives it */

    while (strstr(redis_text(cluster, "CLUSTER INFO"), "cluster_state:ok")
           == NULL)
    {
        is(redis_text(cluster, "WAIT 1 20"), "0");
    }

    all_scripts(cluster, REAL);

    redis_stop(cluster);
}


/* a user who may touch nothing but the keys that the calls declare */

static void
the_scripts_touch_declared_keys_only(void **state)
{
    (void) state;

    is(redis_text(redis, "ACL SETUSER default resetkeys "
                  "~{t}:token:x ~{t}:attempt:a ~{t}:limits ~{t}:counters "
                  "~{t}:slots:s"), "OK");

    all_scripts(redis, REAL);

    is(redis_text(redis, "ACL SETUSER default allkeys"), "OK");
}


int
main(void)
{
    const struct CMUnitTest  tests[] = {
        lua_test(a_lease_is_renewed_by_its_owner),
        lua_test(a_record_never_ends_under_a_renewed_attempt),
        lua_test(a_lease_that_ended_but_was_not_taken_is_renewed),
        lua_test(what_is_settled_or_gone_is_lost),
        lua_test(slots_are_renewed_with_the_lease),
        lua_test(a_limit_that_was_not_counted_gets_no_slot),
        lua_test(damage_costs_no_claim_its_renewal),
        lua_test(the_clock_is_that_of_redis),
        lua_test(the_scripts_run_on_a_cluster),
        lua_test(the_scripts_touch_declared_keys_only)
    };

    return cmocka_run_group_tests(tests, lua_start, lua_stop);
}
