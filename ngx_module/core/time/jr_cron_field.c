/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Parsing one item of a field of a cron expression.
 */

#include <string.h>

#include "jr_cron_field.h"


static jr_status_e jr_cron_head(jr_cron_parser_t *p, jr_cron_item_t item,
    jr_cron_item_t head, unsigned *low, unsigned *high, size_t *heeded);
static jr_status_e jr_cron_range(jr_cron_parser_t *p, jr_cron_item_t item,
    jr_cron_item_t rest, unsigned low, size_t named, unsigned *high);
static jr_status_e jr_cron_step(jr_cron_parser_t *p, jr_cron_item_t step,
    unsigned *n);
static void jr_cron_mark(jr_cron_parser_t *p, unsigned low, unsigned high,
    unsigned step);
static int jr_cron_field_read(const jr_cron_field_t *field,
    jr_cron_item_t *item, unsigned *value, size_t *named);
static int jr_cron_field_letter(jr_cron_item_t item, char letter);
static int jr_cron_number(jr_cron_item_t *item, unsigned max,
    unsigned *value);
static size_t jr_cron_name(const jr_cron_field_t *field,
    jr_cron_item_t *item, unsigned *value);
static void jr_cron_drop(jr_cron_parser_t *p, jr_cron_item_t item,
    size_t heeded);


jr_status_e
jr_cron_field_value(jr_cron_parser_t *p, jr_cron_item_t item)
{
    size_t           heeded;
    unsigned         low, high, step;
    jr_status_e      rc;
    const char      *slash;
    jr_cron_item_t   head, tail;

    head = item;
    tail = item;
    step = 1;
    heeded = item.len;

    slash = memchr(item.data, '/', item.len);

    if (slash != NULL) {
        head.len = (size_t) (slash - item.data);
        tail.data = slash + 1;
        tail.len = item.len - head.len - 1;
    }

    rc = jr_cron_head(p, item, head, &low, &high, &heeded);

    if (rc == JR_OK && slash != NULL) {
        rc = jr_cron_step(p, tail, &step);
    }

    if (rc != JR_OK) {
        return rc;
    }

    if (heeded < item.len) {
        jr_cron_drop(p, item, heeded);
        step = 1;
    }

    jr_cron_mark(p, low, high, step);

    return JR_OK;
}


/*
 * What stands before the slash, if there is one, as a range.  *heeded is set
 * where Quartz heeds only so many bytes of the item: it reads three letters
 * of a name and, if a dash is next, of another; the rest may be anything.
 */

static jr_status_e
jr_cron_head(jr_cron_parser_t *p, jr_cron_item_t item, jr_cron_item_t head,
    unsigned *low, unsigned *high, size_t *heeded)
{
    size_t       len, named;
    jr_status_e  rc;

    *low = p->field->min;
    *high = p->field->max;
    len = head.len;

    if (len == 0 || (len == 1 && head.data[0] == '*')) {
        return JR_OK;
    }

    if (!jr_cron_field_read(p->field, &head, low, &named)
        || *low < p->field->min || *low > p->field->max)
    {
        return jr_cron_field_wrong(p, item);
    }

    if (named) {
        *heeded = len;
    }

    if (head.len > 0) {
        rc = jr_cron_range(p, item, head, *low, named, high);

        if (rc == JR_OK && named > 3) {
            *heeded = named;
            *high = *low;
        }

        return rc;
    }

    /* "5/10" goes on to the end, "5" and "JAN/3" do not */

    if (len == item.len || named) {
        *high = *low;
    }

    return JR_OK;
}


/* rest is what follows the first value, and should be "-" and another */

static jr_status_e
jr_cron_range(jr_cron_parser_t *p, jr_cron_item_t item, jr_cron_item_t rest,
    unsigned low, size_t named, unsigned *high)
{
    char    dash;
    size_t  also;

    dash = *rest.data++;
    rest.len--;

    if (dash != '-'
        || !jr_cron_field_read(p->field, &rest, high, &also) || rest.len > 0
        || *high < p->field->min || *high > p->field->max)
    {
        return jr_cron_field_wrong(p, item);
    }

    if (!named != !also) {
        return jr_cron_field_fail(p, "range must have names or numbers at both"
                                  " ends", item);
    }

    if (low > *high && p->field == &jr_cron_fields[JR_CRON_YEAR]) {
        return jr_cron_field_fail(p, "range must not run backwards", item);
    }

    return JR_OK;
}


static jr_status_e
jr_cron_step(jr_cron_parser_t *p, jr_cron_item_t step, unsigned *n)
{
    char             rule[48];
    jr_text_t        t;
    jr_cron_item_t   rest;

    rest = step;

    if (jr_cron_number(&rest, p->field->step > 99 ? 3 : 2, n)
        && rest.len == 0 && *n >= 1 && *n <= p->field->step)
    {
        return JR_OK;
    }

    jr_text_init(&t, rule, sizeof(rule));
    jr_text_str(&t, "step must be 1-");
    jr_text_size(&t, p->field->step);

    return jr_cron_field_fail(p, rule, step);
}


/* A range may run over the end of its field: 22-2 is 22, 23, 0, 1, 2. */

static void
jr_cron_mark(jr_cron_parser_t *p, unsigned low, unsigned high, unsigned step)
{
    unsigned  v, bit, base, size;

    size = p->field->max - p->field->min + 1;
    base = p->field == &jr_cron_fields[JR_CRON_YEAR] ? p->field->min : 0;

    if (high < low) {
        high += size;
    }

    for (v = low; v <= high; v += step) {
        bit = (v > p->field->max ? v - size : v) - base;

        p->mask[bit / 64] |= (uint64_t) 1 << bit % 64;
    }
}


jr_status_e
jr_cron_field_day(jr_cron_parser_t *p, jr_cron_item_t item, int alone,
    int *special)
{
    unsigned         n;
    jr_cron_item_t   rest;

    rest = item;

    if (!jr_cron_field_letter(item, 'L')) {

        if (!jr_cron_number(&rest, 2, &n) || !jr_cron_field_letter(rest, 'W')
            || rest.len > 1)
        {
            return JR_OK;
        }

        *special = 1;

        if (n < 1 || n > 31) {
            return jr_cron_field_wrong(p, item);
        }

        if (!alone) {
            return jr_cron_field_fail(p, "must not have W beside other days",
                                      item);
        }

        p->cron->workday = n;

        return JR_OK;
    }

    *special = 1;

    rest.data++;
    rest.len--;
    n = 0;

    if (rest.len > 0 && rest.data[0] == '-') {
        rest.data++;
        rest.len--;

        if (!jr_cron_number(&rest, 2, &n) || n < 1 || n > 30) {
            return jr_cron_field_wrong(p, item);
        }
    }

    if (rest.len == 0) {
        p->cron->last |= (uint64_t) 1 << n;

    } else if (rest.len == 1 && jr_cron_field_letter(rest, 'W')) {
        p->cron->last_workday |= (uint64_t) 1 << n;

    } else {
        return jr_cron_field_wrong(p, item);
    }

    return JR_OK;
}


jr_status_e
jr_cron_field_weekday(jr_cron_parser_t *p, jr_cron_item_t item, int alone,
    int *special)
{
    size_t           named;
    unsigned         n;
    jr_cron_item_t   rest;

    if (item.len == 1 && jr_cron_field_letter(item, 'L')) {
        *special = 1;
        p->cron->weekdays |= (uint64_t) 1 << 7;

        return alone ? JR_OK : jr_cron_field_fail(p, "must not have L beside"
                                                  " other days", item);
    }

    rest = item;

    if (!jr_cron_field_read(p->field, &rest, &n, &named) || n < 1 || n > 7
        || rest.len == 0 || (rest.data[0] != '#' && !jr_cron_field_letter(rest,
                                                                          'L')))
    {
        return JR_OK;
    }

    *special = 1;

    if (!alone) {
        return jr_cron_field_fail(p, "must not have L or # beside other days",
                                  item);
    }

    if (rest.data[0] != '#' && rest.len != 1) {
        return jr_cron_field_wrong(p, item);
    }

    if (rest.data[0] == '#'
        && (rest.len != 2 || rest.data[1] < '1' || rest.data[1] > '5'))
    {
        return jr_cron_field_fail(p, "# must be followed by 1-5", item);
    }

    /* to Quartz, MONDAY#2 is every Monday */

    if (named > 3) {
        p->cron->weekdays |= (uint64_t) 1 << n;
        jr_cron_drop(p, item, named);

        return JR_OK;
    }

    if (rest.data[0] != '#') {
        p->cron->last_weekday = n;

        return JR_OK;
    }

    p->cron->nth_weekday = n;
    p->cron->nth = (unsigned) (rest.data[1] - '0');

    return JR_OK;
}


/*
 * Reads a number or a name from the start of item, which it shortens.  *named
 * is 0, 3 or the letters of a name that is longer (SEPT).
 */

static int
jr_cron_field_read(const jr_cron_field_t *field, jr_cron_item_t *item,
    unsigned *value, size_t *named)
{
    *named = jr_cron_name(field, item, value);

    return *named || jr_cron_number(item, field->digits, value);
}


static int
jr_cron_number(jr_cron_item_t *item, unsigned max, unsigned *value)
{
    size_t  n;

    *value = 0;

    for (n = 0; n < item->len; n++) {

        if (item->data[n] < '0' || item->data[n] > '9') {
            break;
        }

        if (n == max) {
            return 0;
        }

        *value = *value * 10 + (unsigned) (item->data[n] - '0');
    }

    item->data += n;
    item->len -= n;

    return n > 0;
}


/*
 * The letters of a name that is at least three of them long, and 0 if there
 * is none.  Names are of ASCII, whatever Java's toUpperCase() makes of
 * others.
 */

static size_t
jr_cron_name(const jr_cron_field_t *field, jr_cron_item_t *item,
    unsigned *value)
{
    size_t       n;
    const char  *name;

    *value = field->min;

    for (name = field->names; *name != '\0'; name += n + 1) {

        for (n = 0; n < item->len && name[n] != ' '; n++) {
            if ((item->data[n] | 0x20) != (name[n] | 0x20)) {
                break;
            }
        }

        if (n >= 3) {
            item->data += n;
            item->len -= n;

            return n;
        }

        n += strcspn(name + n, " ");
        (*value)++;
    }

    return 0;
}


/* Behind so many bytes of an item nothing has a meaning to Quartz. */

static void
jr_cron_drop(jr_cron_parser_t *p, jr_cron_item_t item, size_t heeded)
{
    jr_cron_dropped_t  *dropped;

    if (p->cron->ndropped < JR_CRON_DROPPED) {
        dropped = &p->cron->dropped[p->cron->ndropped++];

        dropped->item = (size_t) (item.data - p->text);
        dropped->offset = dropped->item + heeded;
        dropped->end = dropped->item + item.len;
    }
}


static int
jr_cron_field_letter(jr_cron_item_t item, char letter)
{
    return item.len > 0 && (item.data[0] == letter
                            || item.data[0] == (letter | 0x20));
}


jr_status_e
jr_cron_field_wrong(jr_cron_parser_t *p, jr_cron_item_t item)
{
    return jr_cron_field_fail(p, p->field->values, item);
}


jr_status_e
jr_cron_field_fail(jr_cron_parser_t *p, const char *rule, jr_cron_item_t item)
{
    jr_text_t  t;

    if (p->err == NULL) {
        return JR_INVALID;
    }

    p->err->offset = (size_t) (item.data - p->text);

    jr_text_init(&t, p->err->text, sizeof(p->err->text));
    jr_text_str(&t, p->field->name);
    jr_text_str(&t, " ");
    jr_text_str(&t, rule);

    if (item.len == 0) {
        return JR_INVALID;
    }

    jr_text_str(&t, ", found ");
    jr_text_escape(&t, item.data, item.len, 16, 0);

    return JR_INVALID;
}
