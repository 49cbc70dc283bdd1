/*
 * A request body from its bytes to a verdict: the JSON, then the schema.
 */

#ifndef JR_BODY_H_INCLUDED
#define JR_BODY_H_INCLUDED

#include "jr_json.h"
#include "jr_schema.h"


/*
 * JR_OK: the body is valid, and *value is what it holds.
 *
 * JR_INVALID with report->count 0: it is not JSON, and *err says why.  With
 * report->count above 0: *report says what is wrong; *value is what the
 * body holds where jr_json_parse() accepts it (a number out of range it
 * does not), and NULL otherwise.
 *
 * *value is in the schema's work memory: it is to be read only, never
 * dropped, and lives until jr_body_done() or the next check with this
 * schema.
 *
 * JR_NO_MEMORY: *value is NULL.
 *
 * flags should hold JR_SCHEMA_GATEWAY: without it, a number out of range is
 * an error only where the schema looks.
 */
jr_status_e jr_body_check(const jr_schema_t *schema, const char *text,
    size_t len, unsigned flags, jr_json_error_t *err, jr_report_t *report,
    const jr_value_t **value);

/* Gives back the memory of the last body; 32 KB are kept for the next. */
void jr_body_done(const jr_schema_t *schema);


#endif /* JR_BODY_H_INCLUDED */
