/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The format date-time: RFC 3339 with every day of the calendar, every bound
 * of a field, offsets, fractions and leap seconds.
 */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "jr_date_time.h"


/* of exactly so many bytes, so that a step beyond them is seen */

static int
valid(const char *text)
{
    int     rc;
    char   *copy;
    size_t  len;

    len = strlen(text);
    copy = malloc(len ? len : 1);
    assert_non_null(copy);
    memcpy(copy, text, len);

    rc = jr_date_time_check(copy, len);

    free(copy);

    return rc;
}


static void
every_day_of_the_calendar(void **state)
{
    char    text[64];
    size_t  i;
    int     month, day, last;

    /* by the calendar of 1582, and the leap years of it */

    static const struct {
        int  year;
        int  february;
    } years[] = {
        { 0, 29 }, { 1, 28 }, { 1900, 28 }, { 1999, 28 }, { 2000, 29 },
        { 2023, 28 }, { 2024, 29 }, { 2100, 28 }, { 2400, 29 }, { 9999, 28 }
    };

    (void) state;

    for (i = 0; i < sizeof(years) / sizeof(years[0]); i++) {
        for (month = 0; month <= 13; month++) {

            switch (month) {
            case 0:
            case 13:
                last = 0;
                break;
            case 2:
                last = years[i].february;
                break;
            case 4:
            case 6:
            case 9:
            case 11:
                last = 30;
                break;
            default:
                last = 31;
            }

            for (day = 0; day <= 32; day++) {
                snprintf(text, sizeof(text), "%04d-%02d-%02dT00:00:00Z",
                         years[i].year, month, day);
                assert_int_equal(valid(text), day >= 1 && day <= last);
            }
        }
    }
}


static void
fields_have_bounds(void **state)
{
    int   n;
    char  text[64];

    (void) state;

    for (n = 0; n < 100; n++) {
        snprintf(text, sizeof(text), "2026-11-27T%02d:30:52Z", n);
        assert_int_equal(valid(text), n <= 23);

        snprintf(text, sizeof(text), "2026-11-27T03:%02d:52Z", n);
        assert_int_equal(valid(text), n <= 59);

        snprintf(text, sizeof(text), "2026-11-27T03:30:%02dZ", n);
        assert_int_equal(valid(text), n <= 59);

        snprintf(text, sizeof(text), "2026-11-27T03:30:52+%02d:00", n);
        assert_int_equal(valid(text), n <= 23);

        snprintf(text, sizeof(text), "2026-11-27T03:30:52-08:%02d", n);
        assert_int_equal(valid(text), n <= 59);
    }
}


/* the last second of a day in UTC, wherever that is */

static void
leap_seconds(void **state)
{
    int   minutes, hour, minute, local;
    char  text[64];

    (void) state;

    for (minutes = -1439; minutes <= 1439; minutes++) {
        local = (1439 + minutes + 1440) % 1440;
        hour = abs(minutes) / 60;
        minute = abs(minutes) % 60;

        snprintf(text, sizeof(text), "2016-12-31T%02d:%02d:60%c%02d:%02d",
                 local / 60, local % 60, minutes < 0 ? '-' : '+', hour,
                 minute);
        assert_true(valid(text));

        local = (local + 1) % 1440;
        snprintf(text, sizeof(text), "2016-12-31T%02d:%02d:60%c%02d:%02d",
                 local / 60, local % 60, minutes < 0 ? '-' : '+', hour,
                 minute);
        assert_false(valid(text));
    }

    assert_true(valid("2016-12-31T23:59:60Z"));
    assert_true(valid("2016-12-31T23:59:60.5Z"));
    assert_false(valid("2016-12-31T23:58:60Z"));
    assert_false(valid("2016-12-31T23:59:61Z"));
}


static void
forms(void **state)
{
    size_t  i, k;
    char    text[64];

    static const char  whole[] = "2026-11-27T03:30:52.25+01:30";

    static const char  *const good[] = {
        "2026-11-27T03:30:52Z", "2026-11-27t03:30:52z",
        "2026-11-27T03:30:52.5Z", "2026-11-27T03:30:52.0000000000000000000Z",
        "2026-11-27T03:30:52.25-23:59", "2026-11-27T03:30:52-00:00"
    };

    static const char  *const bad[] = {
        "", "today", "2026-11-27", "2026-11-27 03:30:52Z",
        "2026-11-27T03:30:52", "2026-11-27T03:30Z", "2026-11-27T03:30:52.Z",
        "2026-11-27T03:30:52.+01:00", "2026-11-27T03:30:52,5Z",
        "2026-11-27T03:30:52Zx", "2026-11-27T03:30:52ZZ",
        "2026-11-27T03:30:52+01", "2026-11-27T03:30:52+0100",
        "2026-11-27T03:30:52+1:00", "2026-11-27T03:30:52*01:00",
        "226-11-27T03:30:52Z", "20226-11-27T03:30:52Z",
        "2026-1-27T03:30:52Z", "+026-11-27T03:30:52Z", " 2026-11-27T03:30:52Z"
    };

    (void) state;

    for (i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
        assert_true(valid(good[i]));
    }

    for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        assert_false(valid(bad[i]));
    }

    assert_true(valid(whole));

    for (i = 0; i < strlen(whole); i++) {

        /* cut off there, and each character beside a digit */

        memcpy(text, whole, sizeof(whole));
        text[i] = '\0';
        assert_false(valid(text));

        for (k = 0; k < 2; k++) {
            memcpy(text, whole, sizeof(whole));
            text[i] = "/:"[k];
            assert_int_equal(valid(text), text[i] == whole[i]);
        }
    }
}


int
main(void)
{
    const struct CMUnitTest  tests[] = {
        cmocka_unit_test(every_day_of_the_calendar),
        cmocka_unit_test(fields_have_bounds),
        cmocka_unit_test(leap_seconds),
        cmocka_unit_test(forms)
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
