/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Overrides of limits: their values and ends.
 */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "jr_override.h"
#include "lib_str.h"


#define LEN(a)  (sizeof(a) / sizeof((a)[0]))

/* 2026-11-27T15:30:00Z */
#define NOW     INT64_C(1795793400)
#define DAY     86400


static void
values_have_an_end_or_none(void **state)
{
    size_t    i;
    int64_t   until;
    jr_str_t  value;

    static const struct {
        const char  *text;
        const char  *value;
        int64_t      until;     /* -1: invalid */
    } cases[] = {
        { "20000", "20000", 0 },
        { "none", "none", 0 },
        { "", "", 0 },
        { "20000 until 1795824000", "20000", 1795824000 },
        { "50r/s until 99999999999", "50r/s", 99999999999 },
        { "none until 1", "none", 1 },

        /* what is in front is not looked at */
        { "many until 7", "many", 7 },
        { "5until 7", "5until 7", 0 },
        { "5  until 7", "5 ", 7 },

        { "5 until ", NULL, -1 },
        { "5 until 0", NULL, -1 },
        { "5 until -7", NULL, -1 },
        { "5 until 7 ", NULL, -1 },
        { "5 until today", NULL, -1 },
        { "5 until 7 until 8", NULL, -1 },
        { "5 until 100000000000", NULL, -1 },
        { "5 until 99999999999999999999999", NULL, -1 }
    };

    (void) state;

    for (i = 0; i < LEN(cases); i++) {

        if (cases[i].until == -1) {
            assert_int_equal(jr_override_read(str(cases[i].text), &value,
                                              &until),
                             JR_INVALID);
            continue;
        }

        assert_int_equal(jr_override_read(str(cases[i].text), &value, &until),
                         JR_OK);
        assert_int_equal(value.len, strlen(cases[i].value));
        assert_memory_equal(value.data, cases[i].value, value.len);
        assert_int_equal(until, cases[i].until);
    }
}


static void
ends_are_today_a_time_or_after_a_while(void **state)
{
    size_t   i;
    int64_t  until;

    static const struct {
        const char  *text;
        int64_t      now;
        int64_t      until;     /* -1: invalid */
    } cases[] = {
        { "today", NOW, NOW - NOW % DAY + DAY },
        { "today", 0, DAY },
        { "today", DAY - 1, DAY },
        { "today", DAY, 2 * DAY },
        { "+30s", NOW, NOW + 30 },
        { "+5m", NOW, NOW + 300 },
        { "+4h", NOW, NOW + 4 * 3600 },
        { "+2d", NOW, NOW + 2 * DAY },
        { "2026-11-28T00:00:00Z", NOW, 1795824000 },
        { "2026-11-27T15:30:01Z", NOW, NOW + 1 },

        { "2026-11-27T15:30:00Z", NOW, -1 },
        { "2025-11-28T00:00:00Z", NOW, -1 },
        { "2026-11-28T00:00:00+01:00", NOW, -1 },
        { "2026-11-28", NOW, -1 },
        { "+0h", NOW, -1 },
        { "+h", NOW, -1 },
        { "+4", NOW, -1 },
        { "4h", NOW, -1 },
        { "+4w", NOW, -1 },
        { "+4hh", NOW, -1 },
        { "+-4h", NOW, -1 },
        { "+4 h", NOW, -1 },
        { "+99999999999d", NOW, -1 },
        { "+99999999999s", NOW, -1 },
        { "tomorrow", NOW, -1 },
        { "today ", NOW, -1 },
        { "", NOW, -1 }
    };

    (void) state;

    for (i = 0; i < LEN(cases); i++) {

        if (cases[i].until == -1) {
            assert_int_equal(jr_override_until(str(cases[i].text),
                                               cases[i].now, &until),
                             JR_INVALID);
            continue;
        }

        assert_int_equal(jr_override_until(str(cases[i].text), cases[i].now,
                                           &until),
                         JR_OK);
        assert_int_equal(until, cases[i].until);
    }
}


int
main(void)
{
    const struct CMUnitTest  tests[] = {
        cmocka_unit_test(values_have_an_end_or_none),
        cmocka_unit_test(ends_are_today_a_time_or_after_a_while)
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
