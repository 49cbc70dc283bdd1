/* SPDX-License-Identifier: BSD-2-Clause
 *
 * admit.lua against a real Redis, where two things meet: an owner that asks
 * again and a limit that has changed, counters of two locations, an error and
 * a verdict in one call.
 */

#include "lib_lua.h"

#include "jr_script.h"


/* bytes of a counter whose name has so many (JR_COUNTER of jr_script.h): kind,
   window, length of the name; three numbers of seven bytes */
#define COUNTER(name)  (3 + (name) + 3 * 7)


/* "a" has a turn one second from now, and another request is in front of it */

static attempt_t
delayed(void)
{
    attempt_t  a = by("a");

    a.limits = "rate r 1 1000000 0 delay=5000";
    begins(count_one(a.limits, T0), "forward absent \"\" 0 ");
    is(admit(redis, &a, T0),
       "forward absent \"\" 4 1 1000000 0 0 2000 turn 1000");

    return a;
}


static void
the_reply_that_was_lost_comes_again(void **state)
{
    attempt_t  a;

    (void) state;

    a = delayed();
    is(admit(redis, &a, T0),
       "forward absent \"\" 4 1 1000000 0 0 2000 turn 1000");
}


/* nothing is left to wait for */

static void
a_turn_ends_with_its_limit(void **state)
{
    attempt_t  a;

    (void) state;

    a = delayed();
    is(redis_text(redis, "HSET {t}:limits r.rate none"), "1");
    begins(admit(redis, &a, T0), "forward absent \"\" 3 1 1000000 0 ");

    /* it was let in before the limit was 0, and that stands */
    is(redis_text(redis, "HSET {t}:limits r.rate 0"), "0");
    begins(admit(redis, &a, T0), "forward absent \"\" 0 0 1000000 0 ");
}


static void
a_lifted_rate_counts_nothing(void **state)
{
    static const char  r[] = "rate r 9 1000000 5 enforce";

    (void) state;

    is(redis_text(redis, "HSET {t}:limits r.rate none"), "1");
    begins(count_one(r, T0), "forward absent \"\" 3 ");
    is(redis_text(redis, "EXISTS {t}:counters"), "0");

    /* also what was counted before stays as it was */
    is(redis_text(redis, "DEL {t}:limits"), "1");
    begins(count_one(r, T0), "forward absent \"\" 0 ");
    is(redis_text(redis, "HSET {t}:limits r.rate none"), "1");
    begins(count_one(r, T0 + MS), "forward absent \"\" 3 ");
    is(counter(redis, "rate:r"), "2099952000000000 3600000000");
}


static void
a_counter_is_kept_once_beside_those_of_others(void **state)
{
    int   i;
    char  want[16];

    static const char  others[] = "quota other 9 day 0 enforce, "
                                  "rate other 9 3600000000 9 enforce";
    static const char  own[] = "rate r 9 1000000 50 enforce, "
                               "quota day 9 day 0 enforce";

    (void) state;

    begins(count_one(others, T0), "forward absent ");

    for (i = 0; i < 3; i++) {
        begins(count_one(own, T0), "forward absent ");
    }

    snprintf(want, sizeof(want), "%d", 1 + COUNTER(5) + COUNTER(5)
             + COUNTER(1) + COUNTER(3));
    is(redis_text(redis, "STRLEN {t}:counters"), want);

    is(counter(redis, "quota:day:day"), "2099952000 3");
    is(counter(redis, "quota:other:day"), "2099952000 1");
}


/* one that no gateway writes, of a window that is far ahead: the verdict comes
   all the same */

static void
a_counter_of_nothing_is_no_error(void **state)
{
    (void) state;

    counter_set(redis, "quota:q", "2199952000 0");
    begins(count_one("quota q 0 hour 0 dry_run", T0),
           "forward absent \"\" 2 0 3600 0 0 ");

    begins(count_one("quota q 9 hour 0 enforce", T0), "forward absent ");
    is(counter(redis, "quota:q"), "2099952000 1");
}


/* where limits cannot be read, of two attempts the one whose token decides is
   told so */

static void
an_error_of_one_is_not_that_of_all(void **state)
{
    attempt_t    a[2];
    const char  *got[2];

    (void) state;

    a[0] = by("a");
    a[1] = by("b");
    a[0].record = "{t}:token:1";
    a[1].record = "{t}:token:2";
    a[0].limits = a[1].limits = "rate r 9 1000000 5 enforce";

    begins(admit(redis, &a[0], T0), "forward absent ");
    is(settle_created(redis, &a[0], ANSWER, "/l", "k", T0), "kept");
    is(redis_text(redis, "DEL {t}:counters"), "1");
    is(redis_text(redis, "LPUSH {t}:counters x"), "1");

    admit_all(redis, a, 2, got, T0);
    is(got[0], "replay " ANSWER " id-a");
    begins(got[1], "(error) WRONGTYPE");
}


/* the head, the id of the first attempt, and all but one byte of the sum */

static void
a_sum_that_is_cut_off_is_none(void **state)
{
    char       size[32];
    attempt_t  a = by("a"), b = by("b");

    static const char  cut[] = "return redis.call('SET', KEYS[1], "
        "string.sub(redis.call('GET', KEYS[1]), 1, ARGV[1]), 'KEEPTTL')";

    (void) state;

    begins(admit(redis, &a, T0), "forward absent ");
    is(settle_created(redis, &a, ANSWER, "/l", "k", T0), "kept");

    snprintf(size, sizeof(size), "%zu", JR_RECORD_SIZE + strlen(a.id)
             + JR_DONE_SUM_LEN - 1);
    is(redis_text(redis, "EVAL %s 1 %s %s", cut, a.record, size), "OK");

    b.unknown = "refuse";
    is(admit(redis, &b, T0), "refused \"\" damaged");
    b.unknown = "forward";
    begins(admit(redis, &b, T0), "forward damaged ");
}


int
main(void)
{
    const struct CMUnitTest  tests[] = {
        lua_test(the_reply_that_was_lost_comes_again),
        lua_test(a_turn_ends_with_its_limit),
        lua_test(a_lifted_rate_counts_nothing),
        lua_test(a_counter_is_kept_once_beside_those_of_others),
        lua_test(a_counter_of_nothing_is_no_error),
        lua_test(an_error_of_one_is_not_that_of_all),
        lua_test(a_sum_that_is_cut_off_is_none)
    };

    return cmocka_run_group_tests(tests, lua_start, lua_stop);
}
