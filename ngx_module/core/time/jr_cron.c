/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Parsing a cron expression: fields, lists, and the rules between fields.
 */

#include <string.h>

#include "jr_cron_field.h"


static size_t jr_cron_split(const char *text, size_t len,
    jr_cron_item_t *fields);
static jr_status_e jr_cron_count(jr_cron_parser_t *p, size_t n);
static jr_status_e jr_cron_days(jr_cron_parser_t *p,
    const jr_cron_item_t *fields);
static jr_status_e jr_cron_list(jr_cron_parser_t *p, jr_cron_item_t field);
static jr_status_e jr_cron_item(jr_cron_parser_t *p, jr_cron_item_t item,
    int alone);
static int jr_cron_is_question(jr_cron_item_t item);


const jr_cron_field_t  jr_cron_fields[JR_CRON_FIELDS] = {

    { "second", 0, 59, 59, 2, "", "must be 0-59" },

    { "minute", 0, 59, 59, 2, "", "must be 0-59" },

    { "hour", 0, 23, 23, 2, "", "must be 0-23" },

    { "day-of-month", 1, 31, 31, 2, "",
      "must be 1-31, L, LW, L-1 to L-30, 1W to 31W or ?" },

    { "month", 1, 12, 12, 2,
      "JANUARY FEBRUARY MARCH APRIL MAY JUNE JULY AUGUST SEPTEMBER OCTOBER "
      "NOVEMBER DECEMBER ",
      "must be 1-12 or JAN-DEC" },

    { "day-of-week", 1, 7, 7, 2,
      "SUNDAY MONDAY TUESDAY WEDNESDAY THURSDAY FRIDAY SATURDAY ",
      "must be 1-7 or SUN-SAT (1 is Sunday), L, 1L to 7L, 1#1 to 7#5 or ?" },

    { "year", JR_CRON_YEAR_MIN, JR_CRON_YEAR_MAX,
      JR_CRON_YEAR_MAX - JR_CRON_YEAR_MIN, 4, "", "must be 1970-2199" }
};


jr_status_e
jr_cron_parse(const char *text, size_t len, jr_cron_t *cron,
    jr_cron_error_t *err)
{
    size_t            i, n;
    uint64_t         *masks[JR_CRON_FIELDS];
    jr_status_e       rc;
    jr_cron_item_t    fields[JR_CRON_FIELDS];
    jr_cron_parser_t  p;

    memset(cron, 0, sizeof(jr_cron_t));

    p.text = text;
    p.field = NULL;
    p.cron = cron;
    p.mask = NULL;
    p.err = err;

    n = jr_cron_split(text, len, fields);

    rc = jr_cron_count(&p, n);
    if (rc != JR_OK) {
        return rc;
    }

    masks[0] = &cron->seconds;
    masks[1] = &cron->minutes;
    masks[2] = &cron->hours;
    masks[3] = &cron->days;
    masks[4] = &cron->months;
    masks[5] = &cron->weekdays;
    masks[6] = cron->years;

    if (n < JR_CRON_FIELDS) {
        memset(cron->years, 0xff, sizeof(cron->years));
    }

    for (i = 0; i < n; i++) {
        p.field = &jr_cron_fields[i];
        p.mask = masks[i];

        rc = jr_cron_list(&p, fields[i]);
        if (rc != JR_OK) {
            return rc;
        }
    }

    return jr_cron_days(&p, fields);
}


/*
 * Splits at blanks, which are spaces and tabs only.  Fields after the last
 * that fits are counted, not kept.
 */

static size_t
jr_cron_split(const char *text, size_t len, jr_cron_item_t *fields)
{
    size_t  i, n, from;

    n = 0;
    i = 0;

    for ( ;; ) {

        while (i < len && (text[i] == ' ' || text[i] == '\t')) {
            i++;
        }

        if (i == len) {
            return n;
        }

        from = i;

        while (i < len && text[i] != ' ' && text[i] != '\t') {
            i++;
        }

        if (n < JR_CRON_FIELDS) {
            fields[n].data = text + from;
            fields[n].len = i - from;
        }

        n++;
    }
}


static jr_status_e
jr_cron_count(jr_cron_parser_t *p, size_t n)
{
    jr_text_t  t;

    if (n == 6 || n == 7) {
        return JR_OK;
    }

    if (p->err != NULL) {
        p->err->offset = 0;

        jr_text_init(&t, p->err->text, sizeof(p->err->text));
        jr_text_str(&t, "must have 6 or 7 fields (second minute hour"
                    " day-of-month month day-of-week, and perhaps year),"
                    " found ");
        jr_text_size(&t, n);
    }

    return JR_INVALID;
}


/* Each of the two names days, so one must leave it to the other. */

static jr_status_e
jr_cron_days(jr_cron_parser_t *p, const jr_cron_item_t *fields)
{
    int        day, weekday;
    jr_text_t  t;

    day = jr_cron_is_question(fields[JR_CRON_DAY]);
    weekday = jr_cron_is_question(fields[JR_CRON_WEEKDAY]);

    if (day != weekday) {
        p->cron->by_weekday = day;
        return JR_OK;
    }

    if (p->err != NULL) {
        p->err->offset = (size_t) (fields[JR_CRON_DAY].data - p->text);

        jr_text_init(&t, p->err->text, sizeof(p->err->text));
        jr_text_str(&t, "exactly one of day-of-month and day-of-week must be"
                    " ?, found ");
        jr_text_escape(&t, fields[JR_CRON_DAY].data,
                       fields[JR_CRON_DAY].len, 16, JR_TEXT_ASCII);
        jr_text_str(&t, " and ");
        jr_text_escape(&t, fields[JR_CRON_WEEKDAY].data,
                       fields[JR_CRON_WEEKDAY].len, 16, JR_TEXT_ASCII);
    }

    return JR_INVALID;
}


static jr_status_e
jr_cron_list(jr_cron_parser_t *p, jr_cron_item_t field)
{
    int              alone;
    size_t           left;
    jr_status_e      rc;
    const char      *comma;
    jr_cron_item_t   item;

    if (jr_cron_is_question(field)) {

        if (p->field == &jr_cron_fields[JR_CRON_DAY]
            || p->field == &jr_cron_fields[JR_CRON_WEEKDAY])
        {
            return JR_OK;
        }

        return jr_cron_field_wrong(p, field);
    }

    item.data = field.data;
    left = field.len;
    alone = memchr(field.data, ',', field.len) == NULL;

    for ( ;; ) {
        comma = memchr(item.data, ',', left);
        item.len = comma != NULL ? (size_t) (comma - item.data) : left;

        rc = jr_cron_item(p, item, alone);
        if (rc != JR_OK) {
            return rc;
        }

        if (comma == NULL) {
            return JR_OK;
        }

        left -= item.len + 1;
        item.data = comma + 1;
    }
}


static jr_status_e
jr_cron_item(jr_cron_parser_t *p, jr_cron_item_t item, int alone)
{
    int          special;
    jr_status_e  rc;

    special = 0;
    rc = JR_OK;

    if (item.len == 0) {
        return jr_cron_field_fail(p, "must not have an empty item", item);
    }

    if (p->field == &jr_cron_fields[JR_CRON_DAY]) {
        rc = jr_cron_field_day(p, item, alone, &special);

    } else if (p->field == &jr_cron_fields[JR_CRON_WEEKDAY]) {
        rc = jr_cron_field_weekday(p, item, alone, &special);
    }

    if (rc != JR_OK || special) {
        return rc;
    }

    return jr_cron_field_value(p, item);
}


static int
jr_cron_is_question(jr_cron_item_t item)
{
    return item.len == 1 && item.data[0] == '?';
}
