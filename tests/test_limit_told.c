/* SPDX-License-Identifier: BSD-2-Clause
 *
 * What was measured of limits, and what clients read of it: headers, messages,
 * and whether to retry.
 */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "jr_limit.h"
#include "jr_pack.h"
#include "jr_script.h"
#include "lib_packed.h"
#include "lib_str.h"


#define LEN(a)  (sizeof(a) / sizeof((a)[0]))

#define LONG_NAME  "abcdefghijklmnopqrstuvwxyz_-0189"


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
    char         texts[2][64];
    jr_str_t     shared, rest;
    jr_pack_t    v[JR_IN_FORCE_LAST];
    jr_limit_t   limit = limit_of(kind, "l");
    jr_status_e  rc;

    v[JR_IN_FORCE_COUNT].number = numbers[COUNT];
    v[JR_IN_FORCE_PERIOD].number = numbers[PERIOD];
    v[JR_IN_FORCE_BURST].number = numbers[BURST];
    v[JR_IN_FORCE_END].number = numbers[END];

    shared = packed(texts[0], JR_IN_FORCE, v);

    v[JR_MEASURE_STATE].number = numbers[STATE];
    v[JR_MEASURE_USED].number = numbers[USED];

    rest = packed(texts[1], JR_MEASURE, v);

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
