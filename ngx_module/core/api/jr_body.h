/* SPDX-License-Identifier: BSD-2-Clause
 *
 * A request body from its bytes to a verdict: the JSON, then the schema.
 */

#ifndef JR_BODY_H_INCLUDED
#define JR_BODY_H_INCLUDED

#include "jr_digest.h"
#include "jr_json.h"
#include "jr_schema.h"


/* bytes of a job key that are handed on: more than any record shows */
#define JR_BODY_JOB_KEY  1024


/* all that is wanted of a body; points nowhere */
typedef struct {
    jr_status_e      status;
    jr_json_error_t  err;       /* JR_INVALID, report.count 0: not JSON */
    jr_report_t      report;    /* JR_INVALID, report.count above 0 */
    unsigned         json:1;    /* digest: of the canonical text, and not of
                                   the bytes of what is not JSON */
    jr_digest_t      digest;
    size_t           job_key_len;
    char             job_key[JR_BODY_JOB_KEY];  /* cut where it is longer */
} jr_body_t;


/*
 * Reads a body: parses and checks it as jr_body_check() does, and takes from
 * it what a request is known by.  body->digest is set for JR_OK, and with
 * dry_run for JR_INVALID as well.  JR_NO_MEMORY: nothing else is set.
 *
 * Threads may call it at the same time with the same schema, each with a work
 * of its own; NULL: the schema's, one call at a time.  Its memory, for len
 * bytes: the text once more, and what JR_JSON_VALUES values take, which is 48
 * MB at most for reading them and 16 MB for sorting names.
 */
void jr_body_read(const jr_schema_t *schema, jr_work_t *work,
    const char *text, size_t len, unsigned flags, int dry_run,
    jr_body_t *body);

/*
 * JR_OK: the body is valid, and *value is what it holds.
 *
 * JR_INVALID with report->count 0: it is not JSON, and *err says why.  With
 * report->count above 0: *report says what is wrong; *value is what the
 * body holds where jr_json_parse() accepts it (a number out of range it
 * does not), and NULL otherwise.
 *
 * *value is in the work memory, as that of jr_body_read(): it is to be read
 * only, never dropped, and lives until jr_body_done() or the next check in
 * this memory.
 *
 * JR_NO_MEMORY: *value is NULL.
 *
 * flags should hold JR_SCHEMA_GATEWAY: without it, a number out of range is
 * an error only where the schema looks.
 */
jr_status_e jr_body_check(const jr_schema_t *schema, jr_work_t *work,
    const char *text, size_t len, unsigned flags, jr_json_error_t *err,
    jr_report_t *report, const jr_value_t **value);

/* Gives back the memory of the last body; 32 KB are kept for the next. */
void jr_body_done(const jr_schema_t *schema, jr_work_t *work);


#endif /* JR_BODY_H_INCLUDED */
