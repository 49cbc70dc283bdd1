/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Limits: what operators may write, and what the scripts are given of it.
 */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "jr_decimal.h"
#include "jr_limit.h"
#include "jr_pack.h"
#include "jr_script.h"
#include "lib_packed.h"
#include "lib_str.h"


#define LEN(a)  (sizeof(a) / sizeof((a)[0]))

#define LONG_NAME  "abcdefghijklmnopqrstuvwxyz_-0189"


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


/* field by field, as jr_script.h has them */

static void
the_scripts_are_given_all_of_a_limit(void **state)
{
    char        text[128];
    size_t      i;
    jr_str_t    rest;
    jr_pack_t   v[JR_LIMIT_FIELDS];
    jr_limit_t  limit = limit_of(JR_LIMIT_QUOTA, "day");

    (void) state;

    limit.count = 1000;
    limit.period = 2;
    limit.burst = 3;
    limit.delay = 55000;
    limit.window = str("month");

    for (i = 0; i < 3; i++) {
        limit.awaited = i == 1;
        limit.dry_run = i == 2;

        rest.data = text;
        rest.len = (size_t) (jr_limit_pack(&limit, 7, text) - text);
        assert_int_equal(rest.len, jr_limit_packed_size(&limit));

        /* what stays the same is packed once, and then has other keys */

        if (i == 0) {
            limit.packed = rest;
            rest.len = (size_t) (jr_limit_packed(&limit, 9, text + 64)
                                 - (text + 64));
            rest.data = text + 64;
        }

        assert_int_equal(jr_pack_read(&rest, JR_LIMIT, v), JR_OK);
        assert_int_equal(rest.len, 0);

        assert_int_equal(v[JR_LIMIT_KEY].number, i == 0 ? 9 : 7);
        assert_int_equal(v[JR_LIMIT_MODE].number,
                         i == 0 ? JR_MODE_ENFORCE
                         : i == 1 ? JR_MODE_AWAITED : JR_MODE_DRY_RUN);
        assert_int_equal(v[JR_LIMIT_COUNT].number, 1000);
        assert_int_equal(v[JR_LIMIT_PERIOD].number, 2);
        assert_int_equal(v[JR_LIMIT_BURST].number, 3);

        /* a dry run holds nobody up */
        assert_int_equal(v[JR_LIMIT_DELAY].number, i == 2 ? 0 : 55000);

        assert_int_equal(v[JR_LIMIT_KIND].text.len, 1);
        assert_int_equal(v[JR_LIMIT_KIND].text.data[0], 'q');
        assert_int_equal(v[JR_LIMIT_WINDOW].text.len, 1);
        assert_int_equal(v[JR_LIMIT_WINDOW].text.data[0], 'm');
        assert_int_equal(v[JR_LIMIT_NAME].text.len, 3);
        assert_memory_equal(v[JR_LIMIT_NAME].text.data, "day", 3);
    }
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


int
main(void)
{
    const struct CMUnitTest  tests[] = {
        cmocka_unit_test(rates),
        cmocka_unit_test(delays),
        cmocka_unit_test(turns),
        cmocka_unit_test(numbers),
        cmocka_unit_test(windows_and_names),
        cmocka_unit_test(the_scripts_are_given_all_of_a_limit),
        cmocka_unit_test(parameters_of_directives),
        cmocka_unit_test(parameters_of_overrides),
        cmocka_unit_test(limits_of_one_name_conflict),
        cmocka_unit_test(partitions)
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
