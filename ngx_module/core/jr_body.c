/*
 * Bodies.
 */

#include <string.h>

#include "jr_body.h"
#include "jr_schema_tree.h"


static int jr_body_has_nul(const char *text, size_t len);
static jr_status_e jr_body_check_numbers(const jr_schema_t *schema,
    const char *text, size_t len, unsigned flags, jr_json_error_t *err,
    jr_report_t *report);


jr_status_e
jr_body_check(const jr_schema_t *schema, const char *text, size_t len,
    unsigned flags, jr_json_error_t *err, jr_report_t *report,
    const jr_value_t **value)
{
    jr_status_e        rc;
    const jr_value_t  *body;

    *value = NULL;
    report->count = 0;
    report->entries = 0;
    report->len = 0;
    report->text[0] = '\0';

    jr_arena_reset(schema->arena);

    rc = jr_json_parse(schema->arena, text, len, err, &body);

    if (rc == JR_INVALID && err->range) {
        return jr_body_check_numbers(schema, text, len, flags, err, report);
    }

    if (rc != JR_OK) {
        return rc;
    }

    *value = body;

    if (!jr_body_has_nul(text, len)) {
        /* spares a walk over what no schema looks at */
        flags &= ~(unsigned) JR_SCHEMA_REJECT_NUL;
    }

    return jr_schema_check(schema, body, flags, report);
}


void
jr_body_done(const jr_schema_t *schema)
{
    jr_arena_reset(schema->arena);
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
jr_body_check_numbers(const jr_schema_t *schema, const char *text,
    size_t len, unsigned flags, jr_json_error_t *err, jr_report_t *report)
{
    jr_status_e        rc;
    jr_json_error_t    number;
    const jr_value_t  *body;

    number = *err;

    jr_arena_reset(schema->arena);

    rc = jr_json_parse_any_number(schema->arena, text, len, err, &body);
    if (rc != JR_OK) {
        return rc;
    }

    rc = jr_schema_check(schema, body, flags, report);

    if (rc == JR_OK) {
        /* where no schema looks, it is a number that no parser agrees on */
        *err = number;
    }

    return JR_INVALID;
}
