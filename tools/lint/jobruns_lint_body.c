/* SPDX-License-Identifier: BSD-2-Clause
 *
 * jobruns-lint: a body's verdict, each violation with its line and column.
 */

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "jobruns_lint_body.h"
#include "jobruns_lint_schedule.h"
#include "jr_body.h"
#include "jr_locate.h"


static json_t *
lint_violation(size_t line, size_t column, const char *pointer, size_t plen,
    const char *message, size_t mlen)
{
    return json_pack("{sI, sI, ss%, ss%}", "line", (json_int_t) line,
                     "column", (json_int_t) column, "pointer", pointer, plen,
                     "message", message, mlen);
}


/* every entry of a report, as lines or into a list */

static int
lint_report(const lint_options_t *options, const char *text, size_t len,
    const jr_report_t *report, json_t *list)
{
    size_t                    i, line, column;
    const char               *entry;
    const jr_report_entry_t  *e;

    for (i = 0; i < report->entries; i++) {
        e = &report->entry[i];
        entry = report->text + e->start;

        if (jr_locate(text, len, report, i, &line, &column) != JR_OK) {
            return lint_fail("body", "out of memory");
        }

        if (options->json) {
            json_array_append_new(list,
                     lint_violation(line, column, entry, e->pointer,
                                    entry + e->message,
                                    e->end - e->start - e->message));

        } else {
            printf("%s:%zu:%zu: %.*s\n", options->body, line, column,
                   (int) (e->end - e->start), entry);
        }
    }

    if (!options->json && report->count > report->entries) {
        printf("%s: and %zu more\n", options->body,
               report->count - report->entries);
    }

    return LINT_INVALID;
}


static int
lint_valid(const lint_options_t *options, const jr_value_t *value)
{
    json_t            *result;
    jr_cron_t          cron;
    const char        *zone;
    lint_fires_t       fires;
    const jr_value_t  *expr, *id, *schedule;

    schedule = jr_object_get(value, "schedule", 8);
    expr = jr_object_get(schedule, "quartzCronExpression", 20);
    id = jr_object_get(schedule, "timezoneId", 10);

    /* another schema may let anything pass */

    if (!jr_is_string(expr)
        || jr_cron_parse(jr_string(expr), jr_string_len(expr), &cron, NULL)
           != JR_OK)
    {
        if (options->json) {
            return lint_print_json(json_pack("{sb, s[], s[]}", "valid", 1,
                                             "violations", "fires"),
                                   LINT_VALID);
        }

        printf("%s: valid\n", options->body);
        return LINT_VALID;
    }

    zone = jr_is_string(id)
           && lint_zone_set(jr_string(id), jr_string_len(id))
           ? jr_string(id) : NULL;

    if (zone == NULL) {
        (void) lint_zone_set("UTC", 3);
    }

    lint_fires(&cron, time(NULL), &fires);

    if (!options->json) {
        printf("%s: valid\n", options->body);
        lint_schedule_print(jr_string(expr), &cron, zone, &fires);
        return LINT_VALID;
    }

    result = json_pack("{sb, s[]}", "valid", 1, "violations");

    if (lint_schedule_json(result, jr_string(expr), &cron, zone, &fires)
        != 0)
    {
        json_decref(result);
        result = NULL;
    }

    return lint_print_json(result, LINT_VALID);
}


static int
lint_invalid(const lint_options_t *options, const char *text, size_t len,
    const jr_report_t *report, const jr_json_error_t *err)
{
    int          rc;
    json_t      *list;
    const char  *message;

    list = json_array();

    if (report->count) {
        rc = lint_report(options, text, len, report, list);

    } else {
        rc = LINT_INVALID;
        message = len ? err->text : "the request body is empty";

        if (options->json) {
            json_array_append_new(list,
                     lint_violation(err->line, err->column, "", 0, message,
                                    strlen(message)));

        } else if (len == 0) {
            printf("%s:1:1: %s\n", options->body, message);

        } else {
            printf("%s:%zu:%zu: not valid JSON: %s (byte %zu)\n",
                   options->body, err->line, err->column, err->text,
                   err->offset);
        }
    }

    if (rc != LINT_INVALID || !options->json) {
        json_decref(list);
        return rc;
    }

    return lint_print_json(json_pack("{sb, sI, so}", "valid", 0, "count",
                                     (json_int_t) (report->count
                                                   ? report->count : 1),
                                     "violations", list),
                           LINT_INVALID);
}


int
lint_body(const lint_options_t *options, const jr_schema_t *schema)
{
    int                rc;
    char              *text;
    size_t             len;
    jr_report_t       *report;
    jr_json_error_t    err;
    const jr_value_t  *value;

    text = lint_read(options->body, &len);
    report = malloc(sizeof(jr_report_t));

    if (text == NULL || report == NULL) {
        rc = lint_fail(options->body, strerror(errno));
        goto done;
    }

    value = NULL;

    switch (jr_body_check(schema, NULL, text, len, options->flags, &err, report,
                          &value))
    {
    case JR_OK:
        rc = lint_valid(options, value);
        break;

    case JR_INVALID:
        rc = lint_invalid(options, text, len, report, &err);
        break;

    default:
        rc = lint_fail(options->body, "out of memory");
    }

    jr_body_done(schema, NULL);

done:

    free(report);
    free(text);

    return rc;
}
