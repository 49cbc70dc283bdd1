/* SPDX-License-Identifier: BSD-2-Clause
 *
 * admit.lua against a real Redis: what a rate lets through.
 */

#include "lib_lua.h"

#include "jr_script.h"


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
    is(counter(redis, "rate:r"), "2099952000000000 3600000000");
    is(redis_text(redis, "PEXPIRETIME {t}:counters"), "2099955600001");

    count_one("rate r 1 3600000000 1 enforce", T0 + 999);
    is(counter(redis, "rate:r"), "2099952000000999 7199999001");
    is(redis_text(redis, "PEXPIRETIME {t}:counters"), "2099959200001");
}


/* what a larger burst left behind: as though a whole burst had just been
   used */

static void
a_backlog_beyond_the_burst_is_cut(void **state)
{
    size_t  i;

    static const char *const  stored[] = {
        "2099952000000000 10800000001", "2099952000000000 9007199254740992",
        "2099952000000000 70000000000000000"
    };
    static const char  r[] = "rate r 20 1000000 2 enforce";

    (void) state;

    for (i = 0; i < 3; i++) {
        is(redis_text(redis, "FLUSHALL"), "OK");
        counter_set(redis, "rate:r", stored[i]);
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
        "3000000000000000 10800000000", "9007199254740991 10800000000",
        "2099952000000001 10800000000"
    };
    static const char  r[] = "rate r 20 1000000 2 enforce";
    static const char  dry[] = "rate r 20 1000000 2 dry_run";

    (void) state;

    for (i = 0; i < 3; i++) {
        is(redis_text(redis, "FLUSHALL"), "OK");
        counter_set(redis, "rate:r", stored[i]);
        is(count_one(r, T0), "limited 1 50 \"\" 1 20 1000000 2 0 50");
        is(counter(redis, "rate:r"),
           "2099952000000000 10800000000");
        is(redis_text(redis, "PEXPIRETIME {t}:counters"), "2099952000151");

        is(count_one(r, T0 + 49 * MS),
           "limited 1 1 \"\" 1 20 1000000 2 0 1");
        is(count_one(r, T0 + 50 * MS),
           "forward absent \"\" 0 20 1000000 2 0 50");

        /* a dry run sees no end of it otherwise */
        is(redis_text(redis, "FLUSHALL"), "OK");
        counter_set(redis, "rate:r", stored[i]);
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
        "0 9007199254740991", "2099951999950000 3600000000",
        "2099952000000000 0"
    };

    static const struct {
        const char  *text;
        size_t       len;
    } texts[] = {
        { "", 0 }, { "x", 1 }, { "1", 1 }, { "1r-", 3 }, { "1r-\1r", 5 },
        { "1r-\1r12345678901234567890", 25 }, { "1r-\377r", 5 },
        { "2r-\1r123456789012345678901", 26 }
    };

    (void) state;

    for (i = 0; i < sizeof(stored) / sizeof(stored[0]); i++) {
        is(redis_text(redis, "FLUSHALL"), "OK");
        counter_set(redis, "rate:r", stored[i]);
        is(count_one("rate r 20 1000000 2 enforce", T0),
           "forward absent \"\" 0 20 1000000 2 2 50");
    }

    /* nor does what is no list of counters, or is cut */

    for (i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        is(redis_text(redis, "SET {t}:counters %b", texts[i].text,
                      texts[i].len), "OK");
        is(count_one("rate r 20 1000000 2 enforce", T0),
           "forward absent \"\" 0 20 1000000 2 2 50");
        is(counter(redis, "rate:r"), "2099952000000000 3600000000");
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
    is(redis_text(redis, "PEXPIRETIME {t}:counters"), "2100099600001");

    is(count_one(r, T0 + HOUR),
       "forward absent \"\" 0 1 3600000000 40 0 3600000");

    /* also where another limit is what refuses */
    is(redis_text(redis, "FLUSHALL"), "OK");
    count_one(r, T0);
    is(redis_text(redis, "PEXPIRETIME {t}:counters"), "2099952000051");
    is(redis_text(redis, "HSET {t}:limits r.rate 1r/h"), "1");
    begins(count_one(q, T0), "limited 2 ");
    is(redis_text(redis, "PEXPIRETIME {t}:counters"), "2099955600001");

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
    "  if string.sub(reply[2], 2, 2) == 'f' then\n"
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
    "local _, seen, backlog = struct.unpack('" JR_COUNTER "',\n"
    "    redis.call('GET', '{t}:counters'), 6)\n"
    "return { #times, at, string.format('%%d %%d', seen, backlog),\n"
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
                 rates[i].period, rates[i].burst);

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
    is(counter(redis, "rate:r"), "2099952000000000 3600000000");

    is(count_one("rate s 1000000 3600000000 1000000 enforce", T0),
       "forward absent \"\" 0 1000000 3600000000 1000000 1000000 4");

    /* one left of a million and one; they are all below 2^53 */
    is(redis_text(redis, "FLUSHALL"), "OK");
    counter_set(redis, "rate:s", "2099952000000000 3600000000000000");
    is(count_one("rate s 1000000 3600000000 1000000 enforce", T0),
       "forward absent \"\" 0 1000000 3600000000 1000000 0 4");
    is(counter(redis, "rate:s"),
       "2099952000000000 3600003600000000");
    is(redis_text(redis, "PEXPIRETIME {t}:counters"), "2099955600004");
    is(count_one("rate s 1000000 3600000000 1000000 enforce", T0),
       "limited 1 4 \"\" 1 1000000 3600000000 1000000 0 4");

    /* a request per hour and a burst of a million: 114 years */
    is(redis_text(redis, "FLUSHALL"), "OK");
    counter_set(redis, "rate:h", "2099952000000000 3600000000000000");
    is(count_one("rate h 1 3600000000 1000000 enforce", T0),
       "forward absent \"\" 0 1 3600000000 1000000 0 3600000");
    is(count_one("rate h 1 3600000000 1000000 enforce", T0),
       "limited 1 3600000 \"\" 1 1 3600000000 1000000 0 "
       "3600000");
    is(redis_text(redis, "PEXPIRETIME {t}:counters"), "5699955600001");

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


int
main(void)
{
    const struct CMUnitTest  tests[] = {
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
        lua_test(the_wait_of_a_rate_is_exact)
    };

    return cmocka_run_group_tests(tests, lua_start, lua_stop);
}
