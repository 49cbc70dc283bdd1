/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The state of parsing a cron expression.  Internal to jr_cron.c and
 * jr_cron_field.c.
 */

#ifndef JR_CRON_FIELD_H_INCLUDED
#define JR_CRON_FIELD_H_INCLUDED

#include "jr_cron.h"
#include "jr_text.h"


#define JR_CRON_DAY      3
#define JR_CRON_WEEKDAY  5
#define JR_CRON_YEAR     6
#define JR_CRON_FIELDS   7


typedef struct {
    const char        *data;
    size_t             len;
} jr_cron_item_t;

typedef struct {
    const char        *name;
    unsigned           min;
    unsigned           max;
    unsigned           step;        /* largest increment */
    unsigned           digits;
    const char        *names;       /* for min and up, a blank after each */
    const char        *values;      /* as a message puts it */
} jr_cron_field_t;

typedef struct {
    const char             *text;
    const jr_cron_field_t  *field;
    jr_cron_t              *cron;
    uint64_t               *mask;   /* of the field */
    jr_cron_error_t        *err;    /* or NULL */
} jr_cron_parser_t;


extern const jr_cron_field_t  jr_cron_fields[JR_CRON_FIELDS];


/* One item of a list: "*", "5", "MON-FRI", "0/15", "10-20/2", ... */
jr_status_e jr_cron_field_value(jr_cron_parser_t *p, jr_cron_item_t item);

/*
 * Items that only day-of-month (L, LW, L-3, L-3W, 15W) or day-of-week (L,
 * 6L, 6#3) has.  *special says whether this is one; alone, whether it is
 * the whole field.
 */
jr_status_e jr_cron_field_day(jr_cron_parser_t *p, jr_cron_item_t item,
    int alone, int *special);
jr_status_e jr_cron_field_weekday(jr_cron_parser_t *p, jr_cron_item_t item,
    int alone, int *special);

/* "<field> <rule>, found <item>"; returns JR_INVALID */
jr_status_e jr_cron_field_fail(jr_cron_parser_t *p, const char *rule,
    jr_cron_item_t item);
/* the same, with the values of the field for a rule */
jr_status_e jr_cron_field_wrong(jr_cron_parser_t *p, jr_cron_item_t item);


#endif /* JR_CRON_FIELD_H_INCLUDED */
