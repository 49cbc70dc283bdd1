/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Dates of HTTP headers and of RFC 3339, against the C library's calendar.
 */

/* gmtime_r() */
#define _GNU_SOURCE

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "jr_http_date.h"
#include "lib_str.h"


/* one that cannot be the result of a date that is not read */
#define NOTHING  (-7777777777777LL)


/* what the C library makes of a time */

static void
expected(int64_t seconds, char text[64])
{
    time_t     t;
    struct tm  tm;

    static const char  *days[] = {
        "Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"
    };
    static const char  *months[] = {
        "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct",
        "Nov", "Dec"
    };

    t = (time_t) seconds;
    gmtime_r(&t, &tm);

    snprintf(text, 64, "%s, %02d %s %04d %02d:%02d:%02d GMT",
             days[tm.tm_wday], tm.tm_mday, months[tm.tm_mon],
             tm.tm_year + 1900, tm.tm_hour, tm.tm_min, tm.tm_sec);
}


static void
is_written_and_read(int64_t seconds)
{
    char     want[64], got[64];
    int64_t  again;

    expected(seconds, want);
    memset(got, 'x', sizeof(got));

    assert_ptr_equal(jr_http_date_write(seconds, "GMT", got),
                     got + JR_HTTP_DATE_LEN);
    assert_int_equal(got[JR_HTTP_DATE_LEN], 'x');
    got[JR_HTTP_DATE_LEN] = '\0';
    assert_string_equal(got, want);

    again = NOTHING;
    assert_int_equal(jr_http_date_read(str(want), &again), JR_OK);
    assert_true(again == seconds);
}


/* every day of 1600 years, at changing times of it, and the ends of years */

static void
dates_are_those_of_the_calendar(void **state)
{
    int64_t  day;

    (void) state;

    for (day = -300000; day < 300000; day++) {
        is_written_and_read(day * 86400 + (day * day * 7919) % 86400);
    }

    is_written_and_read(0);
    is_written_and_read(86399);
    is_written_and_read(-1);
    is_written_and_read(951782400);                     /* 2000-02-29 */
    is_written_and_read(-62167219200LL);                /* year 0 */
    is_written_and_read(253402300799LL);                /* year 9999 */
}


static void
times_beyond_are_the_nearest(void **state)
{
    char  text[64];

    (void) state;

    jr_http_date_write(-62167219201LL, "UTC", text);
    assert_memory_equal(text, "Sat, 01 Jan 0000 00:00:00 UTC", 29);
    jr_http_date_write(INT64_MIN, "GMT", text);
    assert_memory_equal(text, "Sat, 01 Jan 0000 00:00:00 GMT", 29);
    jr_http_date_write(253402300800LL, "GMT", text);
    assert_memory_equal(text, "Fri, 31 Dec 9999 23:59:59 GMT", 29);
    jr_http_date_write(INT64_MAX, "GMT", text);
    assert_memory_equal(text, "Fri, 31 Dec 9999 23:59:59 GMT", 29);
}


static void
is_no_date(const char *text)
{
    int64_t  time = NOTHING;

    assert_int_equal(jr_http_date_read(str(text), &time), JR_INVALID);
    assert_true(time == NOTHING);
}


static void
other_forms_are_invalid(void **state)
{
    size_t       i;
    char         text[64];
    const char  *whole;

    (void) state;

    whole = "Thu, 29 Feb 2024 23:59:59 GMT";

    /* no character may be another one */

    for (i = 0; i < strlen(whole); i++) {
        strcpy(text, whole);
        text[i] = '~';
        is_no_date(text);
        text[i] = '\0';
        is_no_date(text);
    }

    is_no_date("");
    is_no_date("Thu, 29 Feb 2024 23:59:59 GMT ");
    is_no_date("Thu, 29 Feb 2023 23:59:59 GMT");
    is_no_date("Thu, 29 Feb 1900 23:59:59 GMT");
    is_no_date("Thu, 30 Feb 2024 23:59:59 GMT");
    is_no_date("Thu, 31 Apr 2024 23:59:59 GMT");
    is_no_date("Thu, 31 Jun 2024 23:59:59 GMT");
    is_no_date("Thu, 31 Sep 2024 23:59:59 GMT");
    is_no_date("Thu, 31 Nov 2024 23:59:59 GMT");
    is_no_date("Thu, 32 Dec 2024 23:59:59 GMT");
    is_no_date("Thu, 32 Jan 2024 23:59:59 GMT");
    is_no_date("Thu, 00 Jan 2024 23:59:59 GMT");
    is_no_date("Thu, 29 Feb 2024 24:59:59 GMT");
    is_no_date("Thu, 29 Feb 2024 23:60:59 GMT");
    is_no_date("Thu, 29 Feb 2024 23:59:61 GMT");
    is_no_date("Thu, 29 feb 2024 23:59:59 GMT");
    is_no_date("Thu, 29 Feb 2024 23:59:59 gmt");
    is_no_date("Thursday, 29-Feb-24 23:59 GMT");
}


static void
reads(const char *text, int64_t want)
{
    int64_t  time = NOTHING;

    assert_int_equal(jr_http_date_read(str(text), &time), JR_OK);
    assert_true(time == want);
}


static void
what_is_taken_besides(void **state)
{
    (void) state;

    /* another day's name, a leap second */
    reads("Mon, 29 Feb 2024 00:00:00 GMT", 1709164800);
    reads("Sat, 31 Dec 2016 23:59:60 GMT", 1483228800);
    reads("Tue, 29 Feb 2000 00:00:00 GMT", 951782400);
}


static void
reads_rfc3339(const char *text, int64_t want)
{
    int64_t  time = NOTHING;

    assert_int_equal(jr_http_date_read_rfc3339(str(text), &time),
                     want == NOTHING ? JR_INVALID : JR_OK);
    assert_true(time == want);
}


static void
date_times_of_rfc3339(void **state)
{
    size_t       i;
    char         text[64];
    const char  *whole;

    (void) state;

    whole = "2026-11-27T03:30:52Z";

    reads_rfc3339(whole, 1795750252);
    reads_rfc3339("2026-11-27T03:30:52+00:00", 1795750252);
    reads_rfc3339("2026-11-27T03:30:52.5Z", 1795750252);
    reads_rfc3339("2026-11-27T03:30:52.999999999Z", 1795750252);
    reads_rfc3339("2026-11-27T03:30:52.123+00:00", 1795750252);
    reads_rfc3339("2024-02-29T23:59:60Z", 1709251200);

    for (i = 0; i < strlen(whole); i++) {
        strcpy(text, whole);
        text[i] = '~';
        reads_rfc3339(text, NOTHING);
        text[i] = '\0';
        reads_rfc3339(text, NOTHING);
    }

    reads_rfc3339("2026-11-27T03:30:52.Z", NOTHING);
    reads_rfc3339("2026-11-27T03:30:52.5", NOTHING);
    reads_rfc3339("2026-11-27T03:30:52.5x", NOTHING);
    reads_rfc3339("2026-11-27T03:30:52+01:00", NOTHING);
    reads_rfc3339("2026-11-27T03:30:52-00:00", NOTHING);
    reads_rfc3339("2026-11-27T03:30:52Z ", NOTHING);
    reads_rfc3339("2026-13-27T03:30:52Z", NOTHING);
    reads_rfc3339("2026-00-27T03:30:52Z", NOTHING);
    reads_rfc3339("2026-02-29T03:30:52Z", NOTHING);
    reads_rfc3339("2026-11-27T24:30:52Z", NOTHING);
    reads_rfc3339("2026-11-27t03:30:52z", NOTHING);
}


int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(dates_are_those_of_the_calendar),
        cmocka_unit_test(times_beyond_are_the_nearest),
        cmocka_unit_test(other_forms_are_invalid),
        cmocka_unit_test(what_is_taken_besides),
        cmocka_unit_test(date_times_of_rfc3339),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
