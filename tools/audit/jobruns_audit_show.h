/* SPDX-License-Identifier: BSD-2-Clause
 *
 * jobruns-audit show: what it shows, and what of a record it looks at.
 */

#ifndef JOBRUNS_AUDIT_SHOW_H_INCLUDED
#define JOBRUNS_AUDIT_SHOW_H_INCLUDED

#include <jansson.h>

#include "jobruns_audit.h"


/* How a record is read: no gateway writes a name twice, and what others do may
   be read in two ways. */
#define SHOW_JSON  (JSON_ALLOW_NUL | JSON_REJECT_DUPLICATES)


typedef enum {
    show_table = 0,
    show_json,
    show_lines
} show_format_e;


typedef struct {
    const char     *tenant;
    const char     *outcome;
    char            since[AUDIT_TIME];      /* "": none */
    char            until[AUDIT_TIME];
    const char     *request_id;
    const char     *token;
    const char     *run_key;
    const char     *attempt;
    int             chains;
    show_format_e   format;
    uint64_t        shown;
    audit_join_t   *join;       /* NULL: each record passes by itself */
} show_t;


/* a record's members that filters and the table look at; "" where one is not
   there */
typedef struct {
    const json_t   *details;
    const char     *type;
    const char     *time;
    const char     *outcome;
    const char     *status;
    const char     *tenant;
    const char     *principal;
    const char     *platform;
    const char     *workspace;
    const char     *request_id;
    const char     *original_id;
    const char     *token;
    const char     *run_key;
    const char     *attempt;
    json_int_t      total;      /* ms; -1: not ended */
} show_record_t;


/* The record in a line, which may stand behind a torn one: then line and len
   become its own.  NULL: there is none; else to be given to json_decref(). */
json_t *show_record(const char **line, size_t *len);

/* The strings stay the record's. */
void show_take(const json_t *value, show_record_t *record);

/* What both records of an attempt say: ".end" has less of who asks. */
void show_merge(const show_record_t *begin, show_record_t *end);

/* Has an attempt two records, of which this is one? */
int show_is_half(const show_record_t *record, int *ended);

/* Filters: by the time of a record, and by what the attempt was. */
int show_in_time(const show_t *show, const show_record_t *record);
int show_passes(const show_t *show, const show_record_t *record);


#endif /* JOBRUNS_AUDIT_SHOW_H_INCLUDED */
