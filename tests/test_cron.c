/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Cron expressions: verdicts by the vectors, messages, and fire times.
 */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "jr_cron_next.h"
#include "lib_rules.h"

/* 2026-04-30T12:00:00Z, a Thursday */
#define NOON  1777550400


static void
vectors(void **state)
{
    corpus_t  corpus;

    (void) state;

    vectors_run(&corpus, "cron.jsonl", rule_cron, NULL);
    corpus_end(&corpus);
    assert_int_equal(corpus.outside, 0);
}


static void
says(const char *expr, size_t offset, const char *want)
{
    jr_cron_t        cron;
    jr_cron_error_t  err;

    assert_int_equal(jr_cron_parse(expr, strlen(expr), &cron, &err),
                     JR_INVALID);
    assert_string_equal(err.text, want);
    assert_int_equal(err.offset, offset);

    assert_int_equal(jr_cron_parse(expr, strlen(expr), &cron, NULL),
                     JR_INVALID);
}


static void
messages_name_field_item_and_rule(void **state)
{
    (void) state;

    says("0 0 12", 0, "must have 6 or 7 fields (second minute hour"
         " day-of-month month day-of-week, and perhaps year), found 3");
    says("0 0 12 * * *", 7, "exactly one of day-of-month and day-of-week"
         " must be ?, found * and *");
    says("0 0 12 ? * ?", 7, "exactly one of day-of-month and day-of-week"
         " must be ?, found ? and ?");
    says("60 0 0 1 1 ?", 0, "second must be 0-59, found 60");
    says("0 ? 0 1 1 ?", 2, "minute must be 0-59, found ?");
    says("0 0 1,25 1 1 ?", 6, "hour must be 0-23, found 25");
    says("0 0 10am 1 1 ?", 4, "hour must be 0-23, found 10am");
    says("0 0 1-25 1 1 ?", 4, "hour must be 0-23, found 1-25");
    says("0 0 */24 1 1 ?", 6, "hour step must be 1-23, found 24");
    says("0 0 */ 1 1 ?", 6, "hour step must be 1-23");
    says("0 0 */005 1 1 ?", 6, "hour step must be 1-23, found 005");
    says("0 0 0 1 1 ? */0050", 14, "year step must be 1-229, found 0050");
    says("0 0 1,,2 1 1 ?", 6, "hour must not have an empty item");
    says("0 0 0 32 1 ?", 6, "day-of-month must be 1-31, L, LW, L-1 to L-30,"
         " 1W to 31W or ?, found 32");
    says("0 0 0 1W,2 1 ?", 6, "day-of-month must not have W beside other"
         " days, found 1W");
    says("0 0 0 1 SEPTA ?", 8, "month must be 1-12 or JAN-DEC, found SEPTA");
    says("0 0 0 1 JAN-3 ?", 8, "month range must have names or numbers at"
         " both ends, found JAN-3");
    says("0 0 0 ? * 8", 10, "day-of-week must be 1-7 or SUN-SAT (1 is"
         " Sunday), L, 1L to 7L, 1#1 to 7#5 or ?, found 8");
    says("0 0 0 ? * 2,L", 12, "day-of-week must not have L beside other"
         " days, found L");
    says("0 0 0 ? * 6#6", 10, "day-of-week # must be followed by 1-5, found"
         " 6#6");
    says("0 0 0 ? * 2,6#1", 12, "day-of-week must not have L or # beside"
         " other days, found 6#1");
    says("0 0 0 1 1 ? 2200", 12, "year must be 1970-2199, found 2200");
    says("0 0 0 1 1 ? 2030-2020", 12, "year range must not run backwards,"
         " found 2030-2020");
    says("0 0 0 1 1 \x01", 10, "day-of-week must be 1-7 or SUN-SAT (1 is"
         " Sunday), L, 1L to 7L, 1#1 to 7#5 or ?, found \\u0001");
    says("0 0 0 1 1 ? 11111111111111111111111", 12, "year must be 1970-2199,"
         " found 1111111111111111...");
}


static int64_t
seconds(const char *text)
{
    int      n, year, month, day, hour, minute, second;
    int64_t  days;

    n = sscanf(text, "%d-%d-%dT%d:%d:%d", &year, &month, &day, &hour,
               &minute, &second);
    assert_int_equal(n, 6);

    for (days = 0, n = 1970; n < year; n++) {
        days += n % 4 == 0 && (n % 100 != 0 || n % 400 == 0) ? 366 : 365;
    }

    for (n = 1; n < month; n++) {
        days += n == 2 ? 28 + (year % 4 == 0 && (year % 100 != 0
                                                 || year % 400 == 0))
                       : 30 + (n + n / 8) % 2;
    }

    return (days + day - 1) * 86400 + hour * 3600 + minute * 60 + second;
}


/* want is a list of times in UTC, one blank apart; "" is never */

static void
fires(const char *expr, const char *want)
{
    int64_t      at;
    jr_cron_t    cron;
    const char  *p;

    assert_int_equal(jr_cron_parse(expr, strlen(expr), &cron, NULL), JR_OK);

    at = NOON;

    for (p = want; *p != '\0'; p += strcspn(p, " ")) {
        p += *p == ' ';

        assert_int_equal(jr_cron_next(&cron, at, &at), JR_OK);

        if (at != seconds(p)) {
            fail_msg("%s: %" PRId64 " and not %.19s", expr, at, p);
        }
    }

    if (*want == '\0') {
        assert_int_equal(jr_cron_next(&cron, at, &at), JR_INVALID);
    }
}


static void
times_of_day(void **state)
{
    (void) state;

    fires("* * * * * ?", "2026-04-30T12:00:01 2026-04-30T12:00:02");
    fires("0 0 12 * * ?", "2026-05-01T12:00:00 2026-05-02T12:00:00");
    fires("1 0 12 * * ?", "2026-04-30T12:00:01 2026-05-01T12:00:01");
    fires("30/15 59 23 * * ?", "2026-04-30T23:59:30 2026-04-30T23:59:45"
          " 2026-05-01T23:59:30");
    fires("0 20/25 12-13 * * ?", "2026-04-30T12:20:00 2026-04-30T12:45:00"
          " 2026-04-30T13:20:00 2026-04-30T13:45:00 2026-05-01T12:20:00");
    fires("0 0 22-1 * * ?", "2026-04-30T22:00:00 2026-04-30T23:00:00"
          " 2026-05-01T00:00:00 2026-05-01T01:00:00 2026-05-01T22:00:00");
    fires("50-10/5 0 0 * * ?", "2026-05-01T00:00:00 2026-05-01T00:00:05"
          " 2026-05-01T00:00:10 2026-05-01T00:00:50 2026-05-01T00:00:55");
}


static void
days_of_month(void **state)
{
    (void) state;

    fires("0 0 0 L * ?", "2026-05-31T00:00:00 2026-06-30T00:00:00"
          " 2026-07-31T00:00:00");
    fires("0 0 0 L FEB ?", "2027-02-28T00:00:00 2028-02-29T00:00:00");
    fires("0 0 0 L-3 * ?", "2026-05-28T00:00:00 2026-06-27T00:00:00");
    fires("0 0 0 L-30 * ?", "2026-05-01T00:00:00 2026-07-01T00:00:00");
    fires("0 0 0 LW * ?", "2026-05-29T00:00:00 2026-06-30T00:00:00"
          " 2026-07-31T00:00:00 2026-08-31T00:00:00");
    fires("0 0 0 L-1W * ?", "2026-05-29T00:00:00 2026-06-29T00:00:00");
    fires("0 0 0 1W * ?", "2026-05-01T00:00:00 2026-06-01T00:00:00"
          " 2026-07-01T00:00:00 2026-08-03T00:00:00");
    fires("0 0 0 16W MAY ?", "2026-05-15T00:00:00 2027-05-17T00:00:00");
    fires("0 0 0 31W 4,5 ?", "2026-05-29T00:00:00 2027-05-31T00:00:00");
    fires("0 0 0 15,L * ?", "2026-05-15T00:00:00 2026-05-31T00:00:00"
          " 2026-06-15T00:00:00");
    fires("0 0 0 31 * ?", "2026-05-31T00:00:00 2026-07-31T00:00:00");
    fires("0 0 0 30-2 * ?", "2026-05-01T00:00:00 2026-05-02T00:00:00"
          " 2026-05-30T00:00:00 2026-05-31T00:00:00 2026-06-01T00:00:00");
    fires("0 0 0 29 2 ?", "2028-02-29T00:00:00 2032-02-29T00:00:00");
    fires("0 0 0 30 2 ?", "");
}


static void
days_of_week(void **state)
{
    (void) state;

    fires("0 0 0 ? * MON-FRI", "2026-05-01T00:00:00 2026-05-04T00:00:00");
    fires("0 0 0 ? * 7-1", "2026-05-02T00:00:00 2026-05-03T00:00:00"
          " 2026-05-09T00:00:00");
    fires("0 0 0 ? * L", "2026-05-02T00:00:00 2026-05-09T00:00:00");
    fires("0 0 0 ? * 6L", "2026-05-29T00:00:00 2026-06-26T00:00:00");
    fires("0 0 0 ? MAY 2L", "2026-05-25T00:00:00 2027-05-31T00:00:00");
    fires("0 0 0 ? * SUN#1", "2026-05-03T00:00:00 2026-06-07T00:00:00");
    fires("0 0 0 ? * 6#5", "2026-05-29T00:00:00 2026-07-31T00:00:00");
    fires("0 0 0 ? * 2/2", "2026-05-01T00:00:00 2026-05-04T00:00:00"
          " 2026-05-06T00:00:00 2026-05-08T00:00:00");
}


static void
months_and_years(void **state)
{
    (void) state;

    fires("0 0 0 1 NOV-FEB ?", "2026-11-01T00:00:00 2026-12-01T00:00:00"
          " 2027-01-01T00:00:00 2027-02-01T00:00:00 2027-11-01T00:00:00");
    fires("0 0 0 1 1 ? 2030/50", "2030-01-01T00:00:00 2080-01-01T00:00:00"
          " 2130-01-01T00:00:00 2180-01-01T00:00:00");
    fires("0 0 0 1 1 ? 1970/100", "2070-01-01T00:00:00 2170-01-01T00:00:00");
    fires("59 59 23 31 12 ? 2199", "2199-12-31T23:59:59");
    fires("0 0 0 1 1 ? 2025", "");
    fires("0 0 0 29 2 ? 2100", "");
    fires("0 0 0 29 2 ? 2096-2104/2", "2096-02-29T00:00:00"
          " 2104-02-29T00:00:00");
}


static void
what_quartz_drops_behind_a_name(void **state)
{
    jr_cron_t    cron;
    const char  *expr;

    (void) state;

    fires("0 0 0 1 JAN/3 ?", "2027-01-01T00:00:00 2028-01-01T00:00:00");
    fires("0 0 0 1 NOV-FEB/2 ?", "2026-11-01T00:00:00 2026-12-01T00:00:00"
          " 2027-01-01T00:00:00 2027-02-01T00:00:00 2027-11-01T00:00:00");
    fires("0 0 0 ? * MON/2", "2026-05-04T00:00:00 2026-05-11T00:00:00");
    fires("0 0 0 ? * MON-FRI/2", "2026-05-01T00:00:00 2026-05-04T00:00:00"
          " 2026-05-05T00:00:00 2026-05-06T00:00:00");

    /* names in full; a range between two begins with three letters only */

    fires("0 0 0 1 September ?", "2026-09-01T00:00:00 2027-09-01T00:00:00");
    fires("0 0 0 1 SEPT ?", "2026-09-01T00:00:00 2027-09-01T00:00:00");
    fires("0 0 0 1 SEPT-NOV ?", "2026-09-01T00:00:00 2027-09-01T00:00:00");
    fires("0 0 0 ? * THURS", "2026-05-07T00:00:00 2026-05-14T00:00:00");
    fires("0 0 0 ? * MON-FRIDAY", "2026-05-01T00:00:00"
          " 2026-05-04T00:00:00");
    fires("0 0 0 ? * MONDAY-FRIDAY", "2026-05-04T00:00:00"
          " 2026-05-11T00:00:00");
    fires("0 0 0 ? * MONDAY#2", "2026-05-04T00:00:00 2026-05-11T00:00:00");
    fires("0 0 0 ? * MONDAYL", "2026-05-04T00:00:00 2026-05-11T00:00:00");

    expr = "0 0 0 ? JAN/3,MAY MON-FRI/2";
    assert_int_equal(jr_cron_parse(expr, strlen(expr), &cron, NULL), JR_OK);
    assert_int_equal(cron.ndropped, 2);
    assert_int_equal(cron.dropped[0].item, 8);
    assert_int_equal(cron.dropped[0].offset, 11);
    assert_int_equal(cron.dropped[0].end, 13);
    assert_int_equal(cron.dropped[1].item, 18);
    assert_int_equal(cron.dropped[1].offset, 25);
    assert_int_equal(cron.dropped[1].end, 27);

    expr = "0 0 0 ? JANUARY/3 MONDAY-FRIDAY";
    assert_int_equal(jr_cron_parse(expr, strlen(expr), &cron, NULL), JR_OK);
    assert_int_equal(cron.ndropped, 2);
    assert_int_equal(cron.dropped[0].offset, 15);
    assert_int_equal(cron.dropped[1].offset, 24);

    /* whatever there is of them, no more than there is room for */

    expr = "0 0 0 ? * MON/2,MON/2,MON/2,MON/2,MON/2,MON/2,MON/2,MON/2,MON/2";
    assert_int_equal(jr_cron_parse(expr, strlen(expr), &cron, NULL), JR_OK);
    assert_int_equal(cron.ndropped, JR_CRON_DROPPED);

    expr = "0 0 0 ? SEPTEMBER MON-FRIDAY,2-6/2";
    assert_int_equal(jr_cron_parse(expr, strlen(expr), &cron, NULL), JR_OK);
    assert_int_equal(cron.ndropped, 0);
}


static void
the_ends_of_time(void **state)
{
    int64_t    at;
    jr_cron_t  cron;

    (void) state;

    assert_int_equal(jr_cron_parse("* * * * * ?", 11, &cron, NULL), JR_OK);

    assert_int_equal(jr_cron_next(&cron, INT64_MIN, &at), JR_OK);
    assert_int_equal(at, 0);
    assert_int_equal(jr_cron_next(&cron, INT64_MAX, &at), JR_INVALID);
    assert_int_equal(jr_cron_next(&cron, seconds("2199-12-31T23:59:58"),
                                  &at), JR_OK);
    assert_int_equal(jr_cron_next(&cron, at, &at), JR_INVALID);
}


int
main(void)
{
    const struct CMUnitTest  tests[] = {
        cmocka_unit_test(vectors),
        cmocka_unit_test(messages_name_field_item_and_rule),
        cmocka_unit_test(times_of_day),
        cmocka_unit_test(days_of_month),
        cmocka_unit_test(days_of_week),
        cmocka_unit_test(months_and_years),
        cmocka_unit_test(what_quartz_drops_behind_a_name),
        cmocka_unit_test(the_ends_of_time)
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
