/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Rules against lines.
 */

/* memmem(), memrchr() */
#define _GNU_SOURCE

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <strings.h>

#include <cmocka.h>

#include "jr_body.h"
#include "jr_cron.h"
#include "jr_timezone.h"
#include "lib_rules.h"
#include "lib_value.h"


#define PLACES  8192


static int is_outside(const char *err);
static void refused_as_json(corpus_t *corpus, const char *text, size_t len,
    const char *verdict);
static int wants_valid(const json_t *line);
static int is_exempt(const json_t *line);
static int code_agrees(const json_t *line, const char *code);
static int places_agree(const json_t *line, const char *code,
    const jr_report_t *report);
static void add_place(char *places, const char *pointer, size_t len);


jr_schema_t *
load_schema(const char *name)
{
    char          path[256], err[1024], *text;
    size_t        len;
    jr_schema_t  *schema;

    schema = NULL;

    /* the gateway's own, which is embedded, or one of responses */

    snprintf(path, sizeof(path), "ngx_module/schema/%s", name);

    if (access(path, R_OK) != 0) {
        snprintf(path, sizeof(path), "tests/schema/%s", name);
    }

    text = read_file(path, &len);

    if (jr_schema_compile(text, len, err, sizeof(err), &schema) != JR_OK) {
        print_message("# %s: %s\n", path, err);
    }

    free(text);
    assert_non_null(schema);

    return schema;
}


void
rule_json(corpus_t *corpus, const json_t *line, const char *text, size_t len,
    void *data)
{
    int                accepted;
    char              *body;
    size_t             n;
    const char        *want;
    jr_json_error_t    err;
    const jr_value_t  *value;

    (void) text;
    (void) len;
    (void) data;

    assert_non_null(line);

    want = line_is(line, "verdict", "policy")
           ? line_string(line, "recommended") : line_string(line, "verdict");

    body = line_body(line, &n);
    accepted = parse_value(body, n, &err, &value) == JR_OK;
    free(body);

    if (strcmp(want, "accept") != 0 && strcmp(want, "reject") != 0) {
        corpus_count(corpus, strstr(want, "or") != NULL,
                     line_string(line, "name"), want);
        return;
    }

    corpus_count(corpus, accepted == (strcmp(want, "accept") == 0),
                 line_string(line, "name"), accepted ? "accepted" : err.text);
}


void
rule_schema(corpus_t *corpus, const json_t *line, const char *text,
    size_t len, void *data)
{
    int                valid;
    char               err[2048], *schema_text, *data_text;
    jr_schema_t       *schema;
    jr_report_t        report;
    jr_json_error_t    json_err;
    const jr_value_t  *value;

    (void) data;

    if (line == NULL) {
        assert_int_equal(parse_value(text, len, &json_err, &value),
                         JR_INVALID);
        assert_true(json_err.range);
        corpus_outside(corpus);
        return;
    }

    schema_text = json_dumps(json_object_get(line, "schema"),
                             JSON_ENCODE_ANY);
    data_text = json_dumps(json_object_get(line, "data"), JSON_ENCODE_ANY);
    assert_true(schema_text && data_text);

    if (jr_schema_compile(schema_text, strlen(schema_text), err, sizeof(err),
                          &schema)
        != JR_OK)
    {
        if (is_outside(err)) {
            corpus_outside(corpus);

        } else {
            corpus_count(corpus, 0, line_string(line, "id"), err);
        }

    } else {
        assert_int_equal(parse_value(data_text, strlen(data_text), &json_err,
                                     &value), JR_OK);

        valid = jr_schema_check(schema, NULL, value, 0, &report) == JR_OK;

        corpus_count(corpus,
                     valid == json_is_true(json_object_get(line, "valid")),
                     line_string(line, "id"), report.text);

        jr_schema_free(schema);
    }

    free(schema_text);
    free(data_text);
}


/* What the validator says of a schema that asks for more than it does. */

static int
is_outside(const char *err)
{
    return strstr(err, "is not supported") != NULL
           || strstr(err, "is supported at the top only") != NULL
           || strstr(err, "leads to no schema in this text") != NULL;
}


/* A value that no JSON text can hold is refused before any rule is asked. */

static void
refused_as_json(corpus_t *corpus, const char *text, size_t len,
    const char *verdict)
{
    int                refused;
    jr_json_error_t    err;
    const jr_value_t  *value;

    refused = parse_value(text, len, &err, &value) == JR_INVALID;

    corpus_count(corpus, refused && memmem(text, len, verdict,
                                           strlen(verdict)) != NULL,
                 text, "a line that is no JSON");
}


/*
 * Is a value of the expression a month or weekday that is written with more
 * than its first three letters?  Every release of Quartz reads those three.
 */

static int
has_long_name(const char *expr)
{
    size_t       i, len;
    const char  *p;

    static const char *const  names[] = {
        "january", "february", "march", "april", "june", "july", "august",
        "september", "october", "november", "december", "sunday", "monday",
        "tuesday", "wednesday", "thursday", "friday", "saturday"
    };

    for (p = expr; *p; p += len) {
        p += strcspn(p, " ,") == 0;
        len = strcspn(p, " ,");

        for (i = 0; len > 3 && i < sizeof(names) / sizeof(names[0]); i++) {
            if (len <= strlen(names[i])
                && strncasecmp(p, names[i], len) == 0)
            {
                return 1;
            }
        }
    }

    return 0;
}


void
rule_cron(corpus_t *corpus, const json_t *line, const char *text, size_t len,
    void *data)
{
    int               valid, want;
    jr_cron_t         cron;
    const json_t     *expr;
    jr_cron_error_t   err;

    (void) data;

    if (line == NULL) {
        refused_as_json(corpus, text, len, "\"documented\": false");
        return;
    }

    expr = json_object_get(line, "expr");
    err.text[0] = '\0';

    valid = jr_cron_parse(json_string_value(expr), json_string_length(expr),
                          &cron, &err) == JR_OK;

    if (line_is(line, "class", "core")) {
        want = line_is(line, "verdict", "valid");

    } else if (line_is(line, "class", "quirk")) {
        /* of what is not documented, only names spelled out are taken */
        want = json_is_true(json_object_get(line, "documented"))
               || has_long_name(json_string_value(expr));

    } else if (line_is(line, "class", "dos")) {
        want = 0;

    } else {
        corpus_outside(corpus);
        return;
    }

    corpus_count(corpus, valid == want, json_string_value(expr),
                 valid ? "accepted" : err.text);
}


void
rule_timezone(corpus_t *corpus, const json_t *line, const char *text,
    size_t len, void *data)
{
    int            valid;
    const json_t  *id;

    (void) data;

    if (line == NULL) {
        refused_as_json(corpus, text, len, "\"recommended\": \"invalid\"");
        return;
    }

    id = json_object_get(line, "id");

    valid = jr_timezone_check(json_string_value(id), json_string_length(id))
            == JR_OK;

    corpus_count(corpus, valid == line_is(line, "recommended", "valid"),
                 json_string_value(id), valid ? "accepted" : "refused");
}


void
rule_body(corpus_t *corpus, const json_t *line, const char *text, size_t len,
    void *data)
{
    int                agrees;
    char              *body;
    size_t             n;
    const char        *code;
    jr_report_t        report;
    jr_status_e        rc;
    jr_json_error_t    err;
    const jr_value_t  *value;

    (void) text;
    (void) len;

    assert_non_null(line);

    if (is_exempt(line)) {
        corpus_outside(corpus);
        return;
    }

    body = line_body(line, &n);
    rc = jr_body_check(data, NULL, body, n, JR_SCHEMA_GATEWAY, &err, &report,
                       &value);
    free(body);

    code = rc == JR_OK ? NULL
           : report.count == 0 ? "CannotParseRequest"
           : report.entry[0].missing ? "MissingParameter"
           : "InvalidParameter";

    agrees = (code == NULL) == wants_valid(line)
             && code_agrees(line, code)
             && places_agree(line, code, &report);

    corpus_count(corpus, agrees, line_string(line, "id"),
                 report.count > 0 ? report.text : err.text);

    jr_body_done(data, NULL);
}


static int
wants_valid(const json_t *line)
{
    const char  *verdict;

    verdict = line_string(line, "verdict");

    if (strcmp(verdict, "policy") != 0) {
        return strcmp(verdict, "valid") == 0;
    }

    /* "413 above the configured limit, else accept" is about NGINX */

    return strncmp(line_string(line, "recommended"), "reject", 6) != 0;
}


/* Map values may be strings; nesting has a bound of its own. */

static int
is_exempt(const json_t *line)
{
    return line_is(line, "policy", "map-value-type")
           || strncmp(line_string(line, "recommended"), "accept-or-reject",
                      16) == 0;
}


static int
code_agrees(const json_t *line, const char *code)
{
    size_t         i;
    const json_t  *codes;

    codes = json_object_get(line, "expect_code");

    if (code == NULL || codes == NULL) {
        return 1;
    }

    for (i = 0; i < json_array_size(codes); i++) {
        if (strcmp(json_string_value(json_array_get(codes, i)), code) == 0) {
            return 1;
        }
    }

    /* a policy line tells the code of a validator that has no such policy */

    return line_is(line, "verdict", "policy");
}


/*
 * The places of the entries against those of the line, both in order.  A
 * line names the object that a required member is missing from; several
 * violations of one place are one place.
 */

static int
places_agree(const json_t *line, const char *code, const jr_report_t *report)
{
    char                      found[PLACES], want[PLACES];
    size_t                    i, len;
    const char               *pointer, *slash;
    const json_t             *violations, *v;
    const jr_report_entry_t  *e;

    violations = json_object_get(line, "violations");

    if (violations == NULL || code == NULL
        || strcmp(code, "CannotParseRequest") == 0
        || report->count > report->entries)
    {
        return 1;
    }

    found[0] = '\0';
    want[0] = '\0';

    for (i = 0; i < report->entries; i++) {
        e = &report->entry[i];
        pointer = report->text + e->start;
        len = e->pointer;

        if (e->missing) {
            slash = memrchr(pointer, '/', len);
            len = (size_t) (slash - pointer);
        }

        add_place(found, pointer, len);
    }

    for (i = 0; i < json_array_size(violations); i++) {
        v = json_array_get(violations, i);
        pointer = line_string(v, "pointer");

        add_place(want, pointer, strlen(pointer));
    }

    return strcmp(found, want) == 0;
}


static void
add_place(char *places, const char *pointer, size_t len)
{
    char    *end;
    size_t   n;

    /* each place is a line; the last one again is the same place */

    n = strlen(places);
    end = places + n;

    if (n > len && end[-1] == '\n'
        && memcmp(end - 1 - len, pointer, len) == 0
        && (n == len + 1 || end[-2 - (ptrdiff_t) len] == '\n'))
    {
        return;
    }

    assert_true(n + len + 2 < PLACES);

    memcpy(end, pointer, len);
    memcpy(end + len, "\n", 2);
}
