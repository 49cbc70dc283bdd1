/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Bodies.
 */

#include <string.h>

#include "jr_body.h"
#include "jr_canonical.h"
#include "jr_node.h"


static int jr_body_has_nul(const char *text, size_t len);
static jr_status_e jr_body_check_numbers(const jr_schema_t *schema,
    jr_work_t *work, const char *text, size_t len, unsigned flags,
    jr_json_error_t *err, jr_report_t *report);
static void jr_body_take_job_key(jr_body_t *body, const jr_value_t *value);


void
jr_body_read(const jr_schema_t *schema, jr_work_t *work, const char *text,
    size_t len, unsigned flags, int dry_run, jr_body_t *body)
{
    jr_status_e        rc;
    const jr_value_t  *value;

    body->json = 0;
    body->job_key_len = 0;

    body->status = jr_body_check(schema, work, text, len, flags, &body->err,
                                 &body->report, &value);

    if (body->status == JR_OK || (body->status == JR_INVALID && dry_run)) {

        body->json = (value != NULL);

        rc = value ? jr_canonical_digest(value, &body->digest)
                   : jr_digest(text, len, &body->digest);

        if (rc != JR_OK) {
            body->status = rc;
        }
    }

    jr_body_take_job_key(body, value);

    jr_body_done(schema, work);
}


/* not there in a body that is invalid, maybe */

static void
jr_body_take_job_key(jr_body_t *body, const jr_value_t *value)
{
    size_t             len;
    const jr_value_t  *key;

    if (value == NULL) {
        return;
    }

    key = jr_object_get(value, "jobKey", 6);

    if (!jr_is_string(key)) {
        return;
    }

    len = jr_string_len(key);

    body->job_key_len = len < JR_BODY_JOB_KEY ? len : JR_BODY_JOB_KEY;
    memcpy(body->job_key, jr_string(key), body->job_key_len);
}


jr_status_e
jr_body_check(const jr_schema_t *schema, jr_work_t *work, const char *text,
    size_t len, unsigned flags, jr_json_error_t *err, jr_report_t *report,
    const jr_value_t **value)
{
    jr_status_e        rc;
    const jr_value_t  *body;

    if (work == NULL) {
        work = schema->work;
    }

    *value = NULL;
    report->count = 0;
    report->entries = 0;
    report->len = 0;
    report->text[0] = '\0';

    jr_arena_reset(work->arena);

    rc = jr_json_parse(work->arena, text, len, err, &body);

    if (rc == JR_INVALID && err->range) {
        return jr_body_check_numbers(schema, work, text, len, flags, err,
                                     report);
    }

    if (rc != JR_OK) {
        return rc;
    }

    *value = body;

    if (!jr_body_has_nul(text, len)) {
        /* spares a walk over what no schema looks at */
        flags &= ~(unsigned) JR_SCHEMA_REJECT_NUL;
    }

    return jr_schema_check(schema, work, body, flags, report);
}


void
jr_body_done(const jr_schema_t *schema, jr_work_t *work)
{
    jr_arena_reset(work ? work->arena : schema->work->arena);
}


/* U+0000 can only come from its escape, since jr_json_parse() lets no raw
   one through. */

static int
jr_body_has_nul(const char *text, size_t len)
{
    const char  *p, *end;

    end = text + len;

    for (p = text; end - p >= 6; p++) {

        p = memchr(p, '\\', (size_t) (end - p - 5));
        if (p == NULL) {
            return 0;
        }

        if (memcmp(p + 1, "u0000", 5) == 0) {
            return 1;
        }
    }

    return 0;
}


/*
 * Once more, to find all that is wrong and not only the first number.  What
 * is no JSON further on is the graver fault, and is reported then.
 */

static jr_status_e
jr_body_check_numbers(const jr_schema_t *schema, jr_work_t *work,
    const char *text, size_t len, unsigned flags, jr_json_error_t *err,
    jr_report_t *report)
{
    jr_status_e        rc;
    jr_json_error_t    number;
    const jr_value_t  *body;

    number = *err;

    jr_arena_reset(work->arena);

    rc = jr_json_parse_any_number(work->arena, text, len, err, &body);
    if (rc != JR_OK) {
        return rc;
    }

    rc = jr_schema_check(schema, work, body, flags, report);

    if (rc == JR_OK) {
        /* where no schema looks, it is a number that no parser agrees on */
        *err = number;
    }

    return JR_INVALID;
}
