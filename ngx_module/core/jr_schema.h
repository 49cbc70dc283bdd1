/*
 * A JSON Schema, compiled once into a tree and walked for each request.
 *
 * Compiling refuses any keyword, format or shape it does not implement,
 * naming its place, so that nothing in a schema is silently not checked.
 * Checking a valid body allocates nothing.
 */

#ifndef JR_SCHEMA_H_INCLUDED
#define JR_SCHEMA_H_INCLUDED

#include <stddef.h>
#include <jansson.h>

#include "jr_status.h"


/* violations spelled out in a report; more are only counted */
#define JR_REPORT_MAX   20

/* bytes of text a report can grow to, NUL included */
#define JR_REPORT_TEXT  8192


typedef struct jr_schema_s  jr_schema_t;


/* jr_schema_check() flags */
#define JR_SCHEMA_REJECT_UNKNOWN  0x1   /* an undeclared member is an error */


/*
 * What a check found.  Owned by the caller, who need not initialise it.
 *
 * text reads "<JSON Pointer>: <what was expected and found>", the entries
 * in document order, joined by "; ", and ends in "; and N more" where there
 * were more than JR_REPORT_MAX.  It holds no control character.
 */
typedef struct {
    size_t  count;              /* violations found, text or not */
    size_t  len;                /* of text, without its NUL */
    char    text[JR_REPORT_TEXT];
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
 * is 0).  JR_INVALID: *report says why.  The schema is not changed, so one
 * schema serves any number of callers, one at a time.
 */
jr_status_e jr_schema_check(const jr_schema_t *schema, const json_t *value,
    unsigned flags, jr_report_t *report);


#endif /* JR_SCHEMA_H_INCLUDED */
