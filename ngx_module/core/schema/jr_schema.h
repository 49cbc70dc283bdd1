/* SPDX-License-Identifier: BSD-2-Clause
 *
 * A JSON Schema, compiled once into a tree and walked for each request.
 *
 * Compiling refuses any keyword, format or shape it does not implement,
 * naming its place, so that nothing in a schema is silently not checked.
 * Checking a valid body allocates nothing.
 */

#ifndef JR_SCHEMA_H_INCLUDED
#define JR_SCHEMA_H_INCLUDED

#include <stddef.h>

#include "jr_status.h"
#include "jr_value.h"


/* violations spelled out in a report; more are only counted */
#define JR_REPORT_MAX   20

/* bytes of text a report can grow to, NUL included */
#define JR_REPORT_TEXT  16384


typedef struct jr_schema_s  jr_schema_t;
typedef struct jr_work_s    jr_work_t;


/*
 * jr_schema_check() flags.  Without any, a check means what JSON Schema
 * 2020-12 means.
 *
 * JR_SCHEMA_REJECT_UNKNOWN: a member that its object's schema does not
 * declare is an error, wherever the schema declares any.
 *
 * JR_SCHEMA_NULL_IS_ABSENT: a member whose value is null counts as not
 * there, so an optional one passes and a required one is missing.  A null
 * in an array stays a value.
 *
 * JR_SCHEMA_REJECT_NUL: U+0000 in any string or member name is an error,
 * since one reader of the body would end the string there and another not.
 */
#define JR_SCHEMA_REJECT_UNKNOWN  0x1
#define JR_SCHEMA_NULL_IS_ABSENT  0x2
#define JR_SCHEMA_REJECT_NUL      0x4

/* what the gateway asks for always */
#define JR_SCHEMA_GATEWAY  (JR_SCHEMA_NULL_IS_ABSENT|JR_SCHEMA_REJECT_NUL)


/* One entry of a report's text: "<pointer>: <explanation>"; of the document
   itself, whose pointer is empty, "the request body: <explanation>". */
typedef struct {
    size_t    start;            /* of the pointer, in text */
    size_t    pointer;          /* bytes of it */
    size_t    message;          /* of the explanation, from start */
    size_t    end;              /* of the entry, in text */
    unsigned  missing;          /* a required member that is not there; one
                                   that is null is wrong, not missing */
} jr_report_entry_t;


/*
 * What a check found.  Owned by the caller, who need not initialise it.
 *
 * text reads "<JSON Pointer>: <what was expected and found>", the entries
 * in document order, joined by "; ", and ends in "; and N more" where there
 * were more than JR_REPORT_MAX.  It holds no control character.
 */
typedef struct {
    size_t  count;              /* violations found, text or not */
    size_t  entries;            /* of these, spelled out; 1 at least */
    size_t  len;                /* of text, without its NUL */
    char    text[JR_REPORT_TEXT];

    jr_report_entry_t  entry[JR_REPORT_MAX];
} jr_report_t;


/*
 * Compiles len bytes of schema text.  On JR_OK *schema is to be freed with
 * jr_schema_free().  Otherwise err (errlen bytes, NUL-terminated) says what
 * is wrong and where ("/properties/jobKey: keyword \"foo\" is not
 * supported; ...").
 */
jr_status_e jr_schema_compile(const char *text, size_t len, char *err,
    size_t errlen, jr_schema_t **schema);

void jr_schema_free(jr_schema_t *schema);


/*
 * Checks a value parsed by jr_json_parse().  JR_OK: it holds (report->count
 * is 0).  JR_INVALID: *report says why.
 *
 * Work memory serves one check at a time and any schema: threads that each
 * bring their own may use one schema at the same time.  NULL: the schema's,
 * which serves any number of callers, one at a time.
 */
jr_status_e jr_schema_check(const jr_schema_t *schema, jr_work_t *work,
    const jr_value_t *value, unsigned flags, jr_report_t *report);

/* NULL: no memory.  Some 130 KB, and what a body takes until it is freed or
   used for the next. */
jr_work_t *jr_schema_work_create(void);
void jr_schema_work_free(jr_work_t *work);

/*
 * The text of a report without what was found, for a log that must not hold
 * values: pointers and rules only.  dst: report->len bytes are enough.
 * Returns how many were written.
 */
size_t jr_report_redact(const jr_report_t *report, char *dst);

/* The same of one message: how many bytes of it stand before what was
   found. */
size_t jr_report_rule(const char *text, size_t len);


#endif /* JR_SCHEMA_H_INCLUDED */
