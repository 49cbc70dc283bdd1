/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Limits: what operators may write, and what clients read of them.
 */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "jr_decimal.h"
#include "jr_limit.h"
#include "jr_pack.h"
#include "jr_script.h"


#define LEN(a)  (sizeof(a) / sizeof((a)[0]))

#define LONG_NAME  "abcdefghijklmnopqrstuvwxyz_-0189"


static jr_str_t
str(const char *text)
{
    return (jr_str_t) { strlen(text), text };
}


static jr_limit_t
limit_of(jr_limit_kind_e kind, const char *name)
{
    jr_limit_t  limit;

    memset(&limit, 0, sizeof(limit));

    limit.kind = kind;
    limit.name = str(name);

    return limit;
}


static void
rates(void **state)
{
    size_t   i;
    int64_t  count, period;

    static const struct {
        const char  *text;
        int64_t      count;
        int64_t      period;
    } good[] = {
        { "1r/s", 1, 1000000 }, { "20r/s", 20, 1000000 },
        { "30r/m", 30, 60000000 }, { "7r/h", 7, 3600000000 },
        { "1000000r/s", 1000000, 1000000 }, { "007r/m", 7, 60000000 },
        { "1000000r/h", 1000000, 3600000000 }
    };
    static const char *const  bad[] = {
        "", "r/s", "1", "1r", "1r/", "1/s", "1r/d", "1r/S", "1R/s", "0r/s",
        "-1r/s", "+1r/s", "1.5r/s", " 1r/s", "1r/s ", "1 r/s", "1000001r/s",
        "99999999999999999999r/s", "1e3r/s", "0x1r/s", "1r/sr/s", "1r\\s"
    };

    (void) state;

    for (i = 0; i < LEN(good); i++) {
        assert_int_equal(jr_limit_rate(str(good[i].text), &count, &period),
                         JR_OK);
        assert_int_equal(count, good[i].count);
        assert_int_equal(period, good[i].period);
    }

    count = period = -7;

    for (i = 0; i < LEN(bad); i++) {
        if (jr_limit_rate(str(bad[i]), &count, &period) != JR_INVALID) {
            fail_msg("%s", bad[i]);
        }

        assert_true(count == -7 && period == -7);
    }
}


static void
delays(void **state)
{
    size_t   i;
    int64_t  ms;

    static const struct {
        const char  *text;
        int64_t      ms;
    } good[] = {
        { "10s", 10000 }, { "1ms", 1 }, { "55s", 55000 }, { "55000ms", 55000 },
        { "10", 10000 }, { "1s500ms", 1500 }, { "0s1ms", 1 }
    };
    static const char *const  bad[] = {
        "", "0", "0s", "0ms", "56s", "55001ms", "55s1ms", "1m", "1h", "-1s",
        "+1s", "1.5s", " 1s", "1s ", "s", "ms", "1S", "1sms", "1mss",
        "1s1", "500ms1s", "1s1s", "1ms1ms", "1ms1",
        "99999999999999999999s", "1s99999999999999999999ms"
    };

    (void) state;

    for (i = 0; i < LEN(good); i++) {
        assert_int_equal(jr_limit_delay(str(good[i].text), &ms), JR_OK);
        assert_int_equal(ms, good[i].ms);
    }

    for (i = 0; i < LEN(bad); i++) {
        if (jr_limit_delay(str(bad[i]), &ms) != JR_INVALID) {
            fail_msg("%s", bad[i]);
        }
    }
}


/* what remains is told as of behind the request: one later than its turn */

static void
turns(void **state)
{
    jr_limit_state_t  s;

    (void) state;

    memset(&s, 0, sizeof(s));

    s.state = JR_LIMIT_DELAYED;
    s.count = 2;
    s.period = 1000000;
    s.reset = 700;
    assert_int_equal(jr_limit_turn(&s), 200);

    s.reset = 500;
    assert_int_equal(jr_limit_turn(&s), 1);

    s.count = 0;
    s.reset = 60000;
    assert_int_equal(jr_limit_turn(&s), 60000);
}


static void
numbers(void **state)
{
    size_t   i;
    int64_t  n;

    static const char *const  bad[] = {
        "", "-1", "+1", " 1", "1 ", "1k", "0x1", "1e3", "1.0",
        "1000000000001", "9223372036854775807", "9223372036854775808",
        "999999999999999999", "99999999999999999999999999"
    };

    (void) state;

    assert_int_equal(jr_decimal_read(str("0"), JR_QUOTA_MAX, &n), JR_OK);
    assert_int_equal(n, 0);
    assert_int_equal(jr_decimal_read(str("1000000000000"), JR_QUOTA_MAX, &n),
                     JR_OK);
    assert_int_equal(n, JR_QUOTA_MAX);
    assert_int_equal(jr_decimal_read(str("000000000000000012"), 12, &n),
                     JR_OK);
    assert_int_equal(n, 12);
    assert_int_equal(jr_decimal_read(str("13"), 12, &n), JR_INVALID);

    for (i = 0; i < LEN(bad); i++) {
        if (jr_decimal_read(str(bad[i]), JR_QUOTA_MAX, &n) != JR_INVALID) {
            fail_msg("%s", bad[i]);
        }

        assert_int_equal(n, 12);
    }
}


static void
windows_and_names(void **state)
{
    size_t  i;

    static const char *const  names[] = {
        "a", "Z", "tenant_rate", "a-9", LONG_NAME
    };
    static const char *const  no_names[] = {
        "", "1a", "_a", "-a", "a b", "a.b", "a:b", "a\"", "\xc3\xa4",
        LONG_NAME "x"
    };
    static const char *const  no_windows[] = {
        "", "hours", "Day", "week", "minute", "second", "year", "day "
    };

    (void) state;

    assert_int_equal(jr_limit_window(str("hour")), JR_OK);
    assert_int_equal(jr_limit_window(str("day")), JR_OK);
    assert_int_equal(jr_limit_window(str("month")), JR_OK);

    for (i = 0; i < LEN(no_windows); i++) {
        assert_int_equal(jr_limit_window(str(no_windows[i])), JR_INVALID);
    }

    for (i = 0; i < LEN(names); i++) {
        assert_int_equal(jr_limit_name(str(names[i])), JR_OK);
    }

    for (i = 0; i < LEN(no_names); i++) {
        assert_int_equal(jr_limit_name(str(no_names[i])), JR_INVALID);
    }
}


static const jr_limit_param_t *
param_of(jr_limit_kind_e kind, const char *name)
{
    const jr_limit_param_t  *param;

    for (param = jr_limit_kinds[kind].params; param->name; param++) {
        if (strcmp(param->name, name) == 0) {
            return param;
        }
    }

    fail_msg("no %s", name);

    return NULL;
}


/* each parameter sets what it is named for, and nothing else */

static void
parameters_of_directives(void **state)
{
    size_t                   i;
    jr_limit_t               limit, want;
    jr_limit_kind_e          kind;
    const jr_limit_param_t  *param;

    static const struct {
        const char  *directive;
        const char  *name;
        const char  *value;
        const char  *wrong;
        jr_limit_t   want;
    } cases[] = {
        { "jobruns_limit", "rate=", "30r/m", "30",
          { .count = 30, .period = 60000000 } },
        { "jobruns_limit", "burst=", "1000000", "1000001",
          { .burst = 1000000 } },
        { "jobruns_limit", "delay=", "55s", "56s", { .delay = 55000 } },
        { "jobruns_quota", "limit=", "1000000000000", "1000000000001",
          { .count = 1000000000000 } },
        { "jobruns_quota", "window=", "month", "months",
          { .window = jr_str("month") } },
        { "jobruns_concurrency", "limit=", "0", "-1", { .count = 0 } },
        { "jobruns_concurrency", "delay=", "1ms", "0", { .delay = 1 } }
    };

    (void) state;

    for (i = 0; i < LEN(cases); i++) {
        kind = jr_limit_kind_find(str(cases[i].directive));
        assert_int_not_equal(kind, JR_LIMIT_LAST);

        memset(&limit, 0, sizeof(limit));
        param = param_of(kind, cases[i].name);

        assert_int_equal(param->set(&limit, str(cases[i].value)), JR_OK);

        want = cases[i].want;
        assert_int_equal(limit.count, want.count);
        assert_int_equal(limit.period, want.period);
        assert_int_equal(limit.burst, want.burst);
        assert_int_equal(limit.delay, want.delay);
        assert_int_equal(limit.window.len, want.window.len);

        if (want.window.len) {
            assert_memory_equal(limit.window.data, want.window.data,
                                want.window.len);
        }

        assert_int_equal(param->set(&limit, str(cases[i].wrong)), JR_INVALID);
    }

    assert_int_equal(jr_limit_kind_find(str("jobruns_")), JR_LIMIT_LAST);
    assert_int_equal(jr_limit_kind_find(str("jobruns_quotas")),
                     JR_LIMIT_LAST);
}


/* what may be in force instead: 0 blocks, "none" lifts, and a burst cannot be
   lifted by itself */

static void
parameters_of_overrides(void **state)
{
    size_t                   i;
    const jr_limit_param_t  *param;

    static const struct {
        jr_limit_kind_e   kind;
        const char       *name;
        const char       *good[5];
        const char       *bad[5];
    } cases[] = {
        { JR_LIMIT_RATE, "rate=", { "0", "1000000", "none", "50r/s", "7r/h" },
          { "1000001", "", "0r/s", "nones", "50r/d" } },
        { JR_LIMIT_RATE, "burst=", { "0", "1000000", "40", "1", "007" },
          { "1000001", "none", "", "-1", "40r/s" } },
        { JR_LIMIT_QUOTA, "limit=", { "0", "1000000000000", "none", "1",
                                      "007" },
          { "1000000000001", "", "nones", "-1", "5r/s" } },
        { JR_LIMIT_CONCURRENCY, "limit=", { "0", "1000000000000", "none", "1",
                                            "007" },
          { "1000000000001", "", "non", "-1", "5r/s" } }
    };

    (void) state;

    for (i = 0; i < LEN(cases) * 5; i++) {
        param = param_of(cases[i / 5].kind, cases[i / 5].name);

        assert_int_equal(param->override(str(cases[i / 5].good[i % 5])),
                         JR_OK);
        assert_int_equal(param->override(str(cases[i / 5].bad[i % 5])),
                         JR_INVALID);
    }

    assert_null(param_of(JR_LIMIT_RATE, "delay=")->override);
    assert_null(param_of(JR_LIMIT_QUOTA, "window=")->override);
}


/* two locations that count by one name must mean the same by it */

static void
limits_of_one_name_conflict(void **state)
{
    char        text[512];
    size_t      i;
    jr_limit_t  one, other;

    (void) state;

    one = limit_of(JR_LIMIT_RATE, "n");
    one.count = 5;
    one.period = 1000000;
    one.burst = 6;
    one.delay = 7;

    assert_int_equal(jr_limit_kinds[JR_LIMIT_RATE].conflict(&one, &one, text,
                                                            sizeof(text)), 0);

    for (i = 0; i < 4; i++) {
        other = one;
        other.count += i == 0;
        other.period += i == 1;
        other.burst += i == 2;
        other.delay += i == 3;

        assert_true(jr_limit_kinds[JR_LIMIT_RATE].conflict(
                        &one, &other, text, sizeof(text)) > 0);
    }

    one = limit_of(JR_LIMIT_QUOTA, "n");
    other = one;
    one.window = str("hour");
    other.window = str("day");

    assert_true(jr_limit_kinds[JR_LIMIT_QUOTA].conflict(
                    &one, &other, text, sizeof(text)) > 0);
    assert_non_null(strstr(text, "window=day in one location and window=hour"
                           " in another"));

    other.window = str("hour");
    assert_int_equal(jr_limit_kinds[JR_LIMIT_QUOTA].conflict(
                         &one, &other, text, sizeof(text)), 0);

    assert_null(jr_limit_kinds[JR_LIMIT_CONCURRENCY].conflict);
}


/* printf %s VALUE | sha256sum | xxd -r -p | head -c 9 | base64 */

static void
partitions(void **state)
{
    char  text[17];

    (void) state;

    memset(text, 'x', sizeof(text));
    assert_int_equal(jr_limit_partition(str(""), text), JR_OK);
    assert_string_equal(text, "47DEQpj8HBSa");
    assert_memory_equal(text + 13, "xxxx", 4);
    assert_int_equal(jr_limit_partition(str("a b"), text), JR_OK);
    assert_string_equal(text, "yGh6CKpdbtIE");
    assert_int_equal(jr_limit_partition(str("d"), text), JR_OK);
    assert_string_equal(text, "GKw+c0PwFokM");
}


/* [policy, what is sent] of one limit */

static void
policies_and_limits(void **state)
{
    char         buf[JR_RATELIMIT_LEN(1)];
    size_t       i;
    jr_limit_t   limit;

    static const struct {
        jr_limit_kind_e   kind;
        jr_limit_state_t  state;
        const char       *policy;
        const char       *left;
    } cases[] = {

        /* a burst and one, in the seconds that they take to come back */
        { JR_LIMIT_RATE, { JR_LIMIT_PASSES, 20, 1000000, 40, 40, 50 },
          "\"n\";q=41;w=3", "\"n\";r=40;t=1" },
        { JR_LIMIT_RATE, { JR_LIMIT_PASSES, 20, 1000000, 39, 40, 0 },
          "\"n\";q=40;w=2", "\"n\";r=40;t=0" },
        { JR_LIMIT_RATE, { JR_LIMIT_REFUSES, 7, 3600000000, 0, 0, 514286 },
          "\"n\";q=1;w=515", "\"n\";r=0;t=515" },
        { JR_LIMIT_RATE, { JR_LIMIT_REFUSES, 30, 60000000, 0, 0, 1001 },
          "\"n\";q=1;w=2", "\"n\";r=0;t=2" },
        { JR_LIMIT_RATE, { JR_LIMIT_PASSES, 1000000, 1000000, 0, 0, 1 },
          "\"n\";q=1;w=1", "\"n\";r=0;t=1" },
        { JR_LIMIT_RATE, { JR_LIMIT_REFUSES, 0, 60000000, 5, 0, 60000 },
          "\"n\";q=0;w=60", "\"n\";r=0;t=60" },
        { JR_LIMIT_RATE, { JR_LIMIT_PASSES, 1, 3600000000, 1000000, 1000000,
                           3600000 },
          "\"n\";q=1000001;w=3600003600", "\"n\";r=1000000;t=3600" },

        { JR_LIMIT_QUOTA, { JR_LIMIT_PASSES, 10000, 86400, 0, 9999, 1 },
          "\"n\";q=10000;w=86400", "\"n\";r=9999;t=1" },
        { JR_LIMIT_QUOTA, { JR_LIMIT_WOULD_REFUSE, 1000000000000, 2678400, 0,
                            0, 2678400000 },
          "\"n\";q=1000000000000;w=2678400", "\"n\";r=0;t=2678400" },
        { JR_LIMIT_QUOTA, { JR_LIMIT_REFUSES, 0, 3600, 0, 0, 999 },
          "\"n\";q=0;w=3600", "\"n\";r=0;t=1" },

        { JR_LIMIT_CONCURRENCY, { JR_LIMIT_PASSES, 50, 0, 0, 49, 0 },
          "\"n\";q=50;qu=\"concurrent-requests\"", "\"n\";r=49" },

        { JR_LIMIT_RATE, { JR_LIMIT_LIFTED, 20, 1000000, 40, 0, 0 }, "", "" },
        { JR_LIMIT_CONCURRENCY, { JR_LIMIT_LIFTED, 5, 0, 0, 0, 0 }, "", "" }
    };

    (void) state;

    for (i = 0; i < LEN(cases); i++) {
        limit = limit_of(cases[i].kind, "n");

        *jr_limit_policy(&limit, &cases[i].state, 1, buf) = '\0';
        assert_string_equal(buf, cases[i].policy);

        *jr_limit_remaining(&limit, &cases[i].state, 1, buf) = '\0';
        assert_string_equal(buf, cases[i].left);
    }
}


static void
lists_have_commas_between_what_is_told(void **state)
{
    char              buf[JR_RATELIMIT_LEN(4)];
    size_t            n, lifted;
    jr_limit_t        limits[4];
    jr_limit_state_t  states[4];

    static const jr_limit_state_t  passes = { JR_LIMIT_PASSES, 9, 3600, 0, 8,
                                              1000 };
    static const char *const       left[] = {
        "\"b\";r=8;t=1;pk=:abcdefghijkl:, \"c\";r=8, \"d\";r=8;t=1",
        "\"a\";r=8;t=1, \"c\";r=8, \"d\";r=8;t=1",
        "\"a\";r=8;t=1, \"b\";r=8;t=1;pk=:abcdefghijkl:, \"d\";r=8;t=1",
        "\"a\";r=8;t=1, \"b\";r=8;t=1;pk=:abcdefghijkl:, \"c\";r=8",
        "\"a\";r=8;t=1, \"b\";r=8;t=1;pk=:abcdefghijkl:, \"c\";r=8, "
            "\"d\";r=8;t=1"
    };

    (void) state;

    limits[0] = limit_of(JR_LIMIT_QUOTA, "a");
    limits[1] = limit_of(JR_LIMIT_QUOTA, "b");
    limits[2] = limit_of(JR_LIMIT_CONCURRENCY, "c");
    limits[3] = limit_of(JR_LIMIT_QUOTA, "d");
    memcpy(limits[1].partition, "abcdefghijkl", 13);

    for (lifted = 0; lifted < 5; lifted++) {
        for (n = 0; n < 4; n++) {
            states[n] = passes;
        }

        if (lifted < 4) {
            states[lifted].state = JR_LIMIT_LIFTED;
        }

        *jr_limit_remaining(limits, states, 4, buf) = '\0';
        assert_string_equal(buf, left[lifted]);
    }

    assert_ptr_equal(jr_limit_policy(limits, states, 0, buf), buf);
}


/* the largest numbers that a reply of Redis may have */

static void
nothing_is_longer_than_promised(void **state)
{
    char             *buf;
    size_t            i, n;
    jr_limit_t        limits[3];
    jr_limit_state_t  states[3];

    static const jr_limit_state_t  largest = {
        JR_LIMIT_PASSES, JR_QUOTA_MAX, JR_PERIOD_MAX, JR_BURST_MAX,
        JR_QUOTA_MAX, JR_RESET_MAX
    };

    (void) state;

    for (n = 1; n <= 3; n++) {
        for (i = 0; i < 3; i++) {
            limits[i] = limit_of((jr_limit_kind_e) i, LONG_NAME);
            memcpy(limits[i].partition, "abcdefghijkl", 13);
            states[i] = largest;
        }

        /* an exact allocation, so that a byte too many is seen */

        buf = malloc(JR_RATELIMIT_LEN(n));
        assert_non_null(buf);

        assert_true(jr_limit_policy(limits, states, n, buf)
                    < buf + JR_RATELIMIT_LEN(n));
        assert_true(jr_limit_remaining(limits, states, n, buf)
                    < buf + JR_RATELIMIT_LEN(n));

        free(buf);
    }
}


static void
messages_name_limit_numbers_and_time(void **state)
{
    char        buf[256], tight[20];
    size_t      i;
    jr_limit_t  limit;

    static const struct {
        jr_limit_kind_e   kind;
        jr_limit_state_t  state;
        const char       *message;
    } cases[] = {
        { JR_LIMIT_RATE, { JR_LIMIT_REFUSES, 20, 1000000, 40, 0, 0 },
          "Limit n: at most 20 requests per second, and 40 more in a burst; "
          "the next passes in 17 s." },
        { JR_LIMIT_RATE, { JR_LIMIT_REFUSES, 30, 60000000, 0, 0, 0 },
          "Limit n: at most 30 requests per minute, and 0 more in a burst; "
          "the next passes in 17 s." },
        { JR_LIMIT_RATE, { JR_LIMIT_REFUSES, 7, 3600000000, 1, 0, 0 },
          "Limit n: at most 7 requests per hour, and 1 more in a burst; "
          "the next passes in 17 s." },
        { JR_LIMIT_QUOTA, { JR_LIMIT_REFUSES, 1000000000000, 2678400, 0, 0,
                            0 },
          "Limit n: 1000000000000 job runs per month (UTC) are used up; it "
          "is reset in 17 s." },
        { JR_LIMIT_CONCURRENCY, { JR_LIMIT_REFUSES, 50, 0, 0, 0, 0 },
          "Limit n: 50 job runs are being created at this moment, which is "
          "the most allowed; retry after 17 s." },
        { JR_LIMIT_RATE, { JR_LIMIT_REFUSES, 0, 1000000, 40, 0, 0 },
          "Limit n is 0 at the moment: no job run may be created; retry "
          "after 17 s." },
        { JR_LIMIT_CONCURRENCY, { JR_LIMIT_REFUSES, 0, 0, 0, 0, 0 },
          "Limit n is 0 at the moment: no job run may be created; retry "
          "after 17 s." }
    };

    (void) state;

    for (i = 0; i < LEN(cases); i++) {
        limit = limit_of(cases[i].kind, "n");
        limit.window = str("month");

        assert_int_equal(jr_limit_message(&limit, &cases[i].state, 17, buf,
                                          sizeof(buf)),
                         strlen(cases[i].message));
        assert_string_equal(buf, cases[i].message);

        /* cut off where there is no room */

        assert_int_equal(jr_limit_message(&limit, &cases[i].state, 17, tight,
                                          sizeof(tight)),
                         sizeof(tight) - 1);
        assert_memory_equal(tight, cases[i].message, sizeof(tight) - 1);
        assert_int_equal(tight[sizeof(tight) - 1], '\0');
    }

    /* the longest fits where http/ wants it */

    limit = limit_of(JR_LIMIT_CONCURRENCY, LONG_NAME);
    assert_true(jr_limit_message(&limit,
                                 &(jr_limit_state_t) { JR_LIMIT_REFUSES,
                                     JR_QUOTA_MAX, 0, 0, 0, 0 },
                                 INT64_MAX, buf, sizeof(buf))
                < sizeof(buf) - 1);
}


static void
codes_say_whether_a_retry_is_of_use(void **state)
{
    size_t  i;

    static const struct {
        jr_limit_kind_e   kinds[2];
        jr_limit_state_t  states[2];
        const char       *code;     /* NULL: TooManyRequests */
    } cases[] = {
        { { JR_LIMIT_QUOTA, JR_LIMIT_RATE },
          { { JR_LIMIT_REFUSES, 5, 3600, 0, 0, 120001 },
            { JR_LIMIT_PASSES, 1, 1000000, 0, 1, 0 } }, "QuotaExceeded" },
        { { JR_LIMIT_QUOTA, JR_LIMIT_RATE },
          { { JR_LIMIT_REFUSES, 5, 3600, 0, 0, 120000 },
            { JR_LIMIT_PASSES, 1, 1000000, 0, 1, 0 } }, NULL },

        /* only a quota, however long another refuses */
        { { JR_LIMIT_RATE, JR_LIMIT_CONCURRENCY },
          { { JR_LIMIT_REFUSES, 1, 3600000000, 0, 0, 3600000 },
            { JR_LIMIT_REFUSES, 1, 0, 0, 0, 3600000 } }, NULL },

        /* also beside what refuses for longer, in either order */
        { { JR_LIMIT_RATE, JR_LIMIT_QUOTA },
          { { JR_LIMIT_REFUSES, 1, 3600000000, 0, 0, 3600000 },
            { JR_LIMIT_REFUSES, 5, 3600, 0, 0, 120001 } }, "QuotaExceeded" },

        /* only one that refuses */
        { { JR_LIMIT_QUOTA, JR_LIMIT_QUOTA },
          { { JR_LIMIT_WOULD_REFUSE, 5, 3600, 0, 0, 3600000 },
            { JR_LIMIT_REFUSES, 5, 3600, 0, 0, 60000 } }, NULL },
        { { JR_LIMIT_QUOTA, JR_LIMIT_CONCURRENCY },
          { { JR_LIMIT_PASSES, 5, 3600, 0, 4, 3600000 },
            { JR_LIMIT_REFUSES, 1, 0, 0, 0, 0 } }, NULL },

        /* a quota of 0 */
        { { JR_LIMIT_QUOTA, JR_LIMIT_RATE },
          { { JR_LIMIT_REFUSES, 0, 86400, 0, 0, 7200000 },
            { JR_LIMIT_LIFTED, 1, 1000000, 0, 0, 0 } }, "QuotaExceeded" }
    };

    (void) state;

    for (i = 0; i < LEN(cases); i++) {
        jr_limit_t  limits[2] = { limit_of(cases[i].kinds[0], "a"),
                                  limit_of(cases[i].kinds[1], "b") };
        const char *code = jr_limit_code(limits, cases[i].states, 2);

        if (cases[i].code == NULL) {
            assert_null(code);

        } else {
            assert_non_null(code);
            assert_string_equal(code, cases[i].code);
        }
    }

    assert_null(jr_limit_code(NULL, NULL, 0));
}


/* what admit.lua says of a limit, to all and to one */
typedef enum {
    STATE = 0,
    COUNT,
    PERIOD,
    BURST,
    USED,
    END,
    NUMBERS
} number_e;


/* what admit.lua measured of a limit of that kind; rc of reading it */

static jr_status_e
measured(jr_limit_kind_e kind, const int64_t numbers[NUMBERS],
    jr_limit_state_t *state)
{
    char         text[64], *p;
    jr_str_t     shared, rest;
    jr_pack_t    v[JR_IN_FORCE_LAST];
    jr_limit_t   limit = limit_of(kind, "l");
    jr_status_e  rc;

    v[JR_IN_FORCE_COUNT].number = numbers[COUNT];
    v[JR_IN_FORCE_PERIOD].number = numbers[PERIOD];
    v[JR_IN_FORCE_BURST].number = numbers[BURST];
    v[JR_IN_FORCE_END].number = numbers[END];

    p = jr_pack_write(text, JR_IN_FORCE, v);
    shared = (jr_str_t) { (size_t) (p - text), text };

    v[JR_MEASURE_STATE].number = numbers[STATE];
    v[JR_MEASURE_USED].number = numbers[USED];

    rest = (jr_str_t) { (size_t) (jr_pack_write(p, JR_MEASURE, v) - p), p };

    memset(state, 0x55, sizeof(*state));
    rc = jr_limit_in_force(&limit, &shared, state);

    if (rc == JR_OK) {
        assert_int_equal(shared.len, 0);
        rc = jr_limit_measure(&limit, &rest, state);
    }

    if (rc == JR_OK) {
        assert_int_equal(rest.len, 0);
        assert_int_equal(state->state, numbers[STATE]);
        assert_int_equal(state->count, numbers[COUNT]);
        assert_int_equal(state->period, numbers[PERIOD]);
        assert_int_equal(state->burst, numbers[BURST]);
    }

    return rc;
}


/* what is left of a limit and when more is; of one that is lifted, nothing is
   said */

static void
measures(void **state)
{
    size_t            i;
    jr_limit_state_t  got;

    static const struct {
        jr_limit_kind_e  kind;
        int64_t          numbers[NUMBERS];
        int64_t          remaining;
        int64_t          reset;
    } cases[] = {
        /* one a second, three at once, of which two are left to work off */
        { JR_LIMIT_RATE, { JR_LIMIT_PASSES, 1, 1000000, 2, 7200000000, 0 },
          1, 1000 },
        { JR_LIMIT_RATE, { JR_LIMIT_REFUSES, 1, 1000000, 2, 7200000001, 0 },
          0, 1 },
        { JR_LIMIT_RATE, { JR_LIMIT_PASSES, 1, 1000000, 2, 0, 0 }, 3, 0 },
        { JR_LIMIT_RATE, { JR_LIMIT_LIFTED, 1, 1000000, 2, 7200000000, 9 },
          0, 0 },
        { JR_LIMIT_QUOTA, { JR_LIMIT_PASSES, 5, 3600, 0, 3, 7000 }, 2, 7000 },
        { JR_LIMIT_QUOTA, { JR_LIMIT_REFUSES, 5, 3600, 0, 8, 7000 }, 0, 7000 },
        { JR_LIMIT_QUOTA, { JR_LIMIT_LIFTED, 5, 3600, 0, 3, 7000 }, 0, 0 },
        { JR_LIMIT_CONCURRENCY, { JR_LIMIT_PASSES, 5, 0, 0, 3, 0 }, 2, 0 },
        { JR_LIMIT_CONCURRENCY, { JR_LIMIT_REFUSES, 5, 0, 0, 5, 0 }, 0, 0 },
        { JR_LIMIT_CONCURRENCY, { JR_LIMIT_LIFTED, 5, 0, 0, 3, 0 }, 0, 0 }
    };

    (void) state;

    for (i = 0; i < LEN(cases); i++) {
        assert_int_equal(measured(cases[i].kind, cases[i].numbers, &got),
                         JR_OK);
        assert_int_equal(got.remaining, cases[i].remaining);
        assert_int_equal(got.reset, cases[i].reset);
    }
}


/* nothing is computed with what no script measures */

static void
measures_out_of_bounds(void **state)
{
    size_t            i;
    int64_t           numbers[NUMBERS];
    jr_limit_state_t  got;

    static const int64_t  most[NUMBERS] = {
        4, 1000000000000, 3600000000, 1000000, 9007199254740991,
        4503599627370496
    };

    (void) state;

    for (i = 0; i < NUMBERS; i++) {
        memcpy(numbers, most, sizeof(numbers));
        assert_int_equal(measured(JR_LIMIT_QUOTA, numbers, &got), JR_OK);

        numbers[i]++;
        assert_int_equal(measured(JR_LIMIT_QUOTA, numbers, &got), JR_INVALID);
    }

    memcpy(numbers, most, sizeof(numbers));
    numbers[COUNT] = 1000000;
    assert_int_equal(measured(JR_LIMIT_RATE, numbers, &got), JR_OK);

    numbers[COUNT] = 1000001;
    assert_int_equal(measured(JR_LIMIT_RATE, numbers, &got), JR_INVALID);

    numbers[COUNT] = 1;
    numbers[PERIOD] = 0;
    assert_int_equal(measured(JR_LIMIT_RATE, numbers, &got), JR_INVALID);
    assert_int_equal(measured(JR_LIMIT_CONCURRENCY, numbers, &got), JR_OK);
}


int
main(void)
{
    const struct CMUnitTest  tests[] = {
        cmocka_unit_test(rates),
        cmocka_unit_test(delays),
        cmocka_unit_test(turns),
        cmocka_unit_test(numbers),
        cmocka_unit_test(windows_and_names),
        cmocka_unit_test(parameters_of_directives),
        cmocka_unit_test(parameters_of_overrides),
        cmocka_unit_test(limits_of_one_name_conflict),
        cmocka_unit_test(partitions),
        cmocka_unit_test(measures),
        cmocka_unit_test(measures_out_of_bounds),
        cmocka_unit_test(policies_and_limits),
        cmocka_unit_test(lists_have_commas_between_what_is_told),
        cmocka_unit_test(nothing_is_longer_than_promised),
        cmocka_unit_test(messages_name_limit_numbers_and_time),
        cmocka_unit_test(codes_say_whether_a_retry_is_of_use)
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
