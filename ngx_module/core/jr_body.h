/*
 * A request body from its bytes to a verdict: the JSON, then the schema.
 */

#ifndef JR_BODY_H_INCLUDED
#define JR_BODY_H_INCLUDED

#include "jr_json.h"
#include "jr_schema.h"


/*
 * JR_OK: the body is valid, and *value is a new reference to it.
 *
 * JR_INVALID with report->count 0: it is not JSON, and *err says why.  With
 * report->count above 0: *report says what is wrong; *value is a new
 * reference where jr_json_parse() accepts the body (a number out of range
 * it does not), and NULL otherwise.
 *
 * JR_NO_MEMORY: *value is NULL.
 *
 * flags should hold JR_SCHEMA_GATEWAY: without it, a number out of range is
 * an error only where the schema looks.
 */
jr_status_e jr_body_check(const jr_schema_t *schema, const char *text,
    size_t len, unsigned flags, jr_json_error_t *err, jr_report_t *report,
    json_t **value);


#endif /* JR_BODY_H_INCLUDED */
