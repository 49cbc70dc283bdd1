/*
 * jobruns-lint: says what the gateway would say of a request body.
 *
 * It is made of the gateway's own core, so what passes here passes there.
 */

#include <errno.h>
#include <getopt.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "jobruns_lint.h"
#include "jr_body.h"
#include "jr_cron.h"
#include "jr_embedded.h"
#include "jr_locate.h"


#define LINT_VALID    0
#define LINT_INVALID  1
#define LINT_FAILED   2         /* could not look: usage, file, memory */

/* the gateway's own bound (client_max_body_size) */
#define LINT_BODY_MAX  (16 * 1024 * 1024)

/* bytes of a warning, the longest expression included */
#define LINT_WARNING  1024


typedef struct {
    const char  *schema;        /* file; NULL: the embedded one */
    const char  *cron;          /* check this expression, not a body */
    const char  *body;          /* file; "-": standard input */
    unsigned     flags;
    int          json;
} lint_options_t;


static const struct option  lint_long[] = {
    { "schema", required_argument, NULL, 's' },
    { "cron", required_argument, NULL, 'c' },
    { "reject-unknown", no_argument, NULL, 'u' },
    { "json", no_argument, NULL, 'j' },
    { "help", no_argument, NULL, 'h' },
    { NULL, 0, NULL, 0 }
};


static int
lint_usage(FILE *out)
{
    fputs("Usage: jobruns-lint [--schema FILE] [--reject-unknown] [--json] "
          "[FILE]\n"
          "       jobruns-lint --cron EXPRESSION [--json]\n"
          "\n"
          "Checks the body of a createJobRun request (FILE, or standard "
          "input) as the\n"
          "gateway does, and prints every violation with its line and "
          "column; of a\n"
          "schedule, the next five fire times in UTC and in its time zone.\n"
          "\n"
          "  --schema FILE     a JSON Schema in place of the API's own\n"
          "  --reject-unknown  as \"jobruns_unknown_properties reject\"\n"
          "  --cron EXPR       checks one Quartz cron expression\n"
          "  --json            prints one JSON object, for machines\n"
          "\n"
          "Exit status: 0 valid, 1 invalid, 2 could not be checked.\n",
          out);

    return LINT_FAILED;
}


/* a whole file; to be free()d.  NULL: *len is 0 and errno says why */

static char *
lint_read(const char *name, size_t *len)
{
    char    *text, *more;
    FILE    *in;
    size_t   n, size;

    in = strcmp(name, "-") == 0 ? stdin : fopen(name, "rb");
    if (in == NULL) {
        return NULL;
    }

    text = NULL;
    size = 0;
    *len = 0;

    do {
        if (*len == size) {
            size = size ? size * 2 : 65536;

            more = size <= 2 * LINT_BODY_MAX ? realloc(text, size) : NULL;
            if (more == NULL) {
                errno = size <= 2 * LINT_BODY_MAX ? ENOMEM : EFBIG;
                goto failed;
            }

            text = more;
        }

        n = fread(text + *len, 1, size - *len, in);
        *len += n;

    } while (n > 0);

    if (ferror(in) || *len > LINT_BODY_MAX) {
        errno = ferror(in) ? EIO : EFBIG;
        goto failed;
    }

    if (in != stdin) {
        fclose(in);
    }

    return text;

failed:

    free(text);

    if (in != stdin) {
        n = (size_t) errno;
        fclose(in);
        errno = (int) n;
    }

    return NULL;
}


static int
lint_fail(const char *what, const char *why)
{
    fprintf(stderr, "jobruns-lint: %s: %s\n", what, why);

    return LINT_FAILED;
}


static json_t *
lint_fires_json(char fires[LINT_FIRES][32], size_t n)
{
    size_t   i;
    json_t  *list;

    list = json_array();

    for (i = 0; i < n; i++) {
        json_array_append_new(list, json_string(fires[i]));
    }

    return list;
}


/* what Quartz takes and does not heed, which is seldom what was meant */

static void
lint_warning(const char *expr, const jr_cron_dropped_t *d, char *text,
    size_t size)
{
    snprintf(text, size, "Quartz ignores \"%.*s\" behind a name: \"%.*s\" "
             "means \"%.*s\"; use numbers or three letters",
             (int) (d->end - d->offset), expr + d->offset,
             (int) (d->end - d->item), expr + d->item,
             (int) (d->offset - d->item), expr + d->item);
}


/* adds what is to be said of a schedule to a result */

static int
lint_schedule_json(json_t *result, const char *expr, const jr_cron_t *cron,
    const char *zone, const lint_fires_t *fires)
{
    int     rc;
    char    text[LINT_WARNING];
    size_t  i;
    json_t  *list;

    list = json_array();

    for (i = 0; i < cron->ndropped; i++) {
        lint_warning(expr, &cron->dropped[i], text, sizeof(text));
        json_array_append_new(list, json_string(text));
    }

    rc = json_object_set_new(result, "fires",
                             lint_fires_json((char (*)[32]) fires->utc,
                                             fires->n));

    if (zone != NULL) {
        rc |= json_object_set_new(result, "timezoneId", json_string(zone));
        rc |= json_object_set_new(result, "localFires",
                                  lint_fires_json((char (*)[32])
                                                  fires->local, fires->n));
    }

    return rc | json_object_set_new(result, "warnings", list);
}


static void
lint_print_schedule(const char *expr, const jr_cron_t *cron,
    const char *zone, const lint_fires_t *fires)
{
    char    text[LINT_WARNING];
    size_t  i;

    for (i = 0; i < cron->ndropped; i++) {
        lint_warning(expr, &cron->dropped[i], text, sizeof(text));
        printf("warning: %s\n", text);
    }

    if (fires->n == 0) {
        printf("never fires again before the end of 2199\n");
        return;
    }

    if (zone == NULL) {
        printf("next fire times (UTC, the rules of timezoneId are not "
               "known here):\n");
    } else if (strcmp(zone, "UTC") == 0) {
        printf("next fire times (UTC):\n");
    } else {
        printf("next fire times (UTC, and %s):\n", zone);
    }

    for (i = 0; i < fires->n; i++) {
        if (zone == NULL || strcmp(zone, "UTC") == 0) {
            printf("  %s\n", fires->utc[i]);
        } else {
            printf("  %s  %s\n", fires->utc[i], fires->local[i]);
        }
    }
}


/* prints and drops a result; LINT_FAILED if it could not be made */

static int
lint_print_json(json_t *result, int status)
{
    if (result == NULL
        || json_dumpf(result, stdout, JSON_COMPACT | JSON_PRESERVE_ORDER)
           != 0)
    {
        json_decref(result);
        return lint_fail("result", "out of memory");
    }

    putchar('\n');
    json_decref(result);

    return status;
}


static int
lint_cron(const lint_options_t *options)
{
    json_t          *result;
    jr_cron_t        cron;
    lint_fires_t     fires;
    jr_cron_error_t  err;

    if (jr_cron_parse(options->cron, strlen(options->cron), &cron, &err)
        != JR_OK)
    {
        if (options->json) {
            return lint_print_json(json_pack("{sb, si, ss}", "valid", 0,
                                             "offset", (int) err.offset,
                                             "message", err.text),
                                   LINT_INVALID);
        }

        printf("character %zu: %s\n", err.offset + 1, err.text);
        return LINT_INVALID;
    }

    (void) lint_zone_set("UTC", 3);
    lint_fires(&cron, time(NULL), &fires);

    if (!options->json) {
        lint_print_schedule(options->cron, &cron, "UTC", &fires);
        return LINT_VALID;
    }

    result = json_pack("{sb}", "valid", 1);

    if (lint_schedule_json(result, options->cron, &cron, NULL, &fires) != 0) {
        json_decref(result);
        result = NULL;
    }

    return lint_print_json(result, LINT_VALID);
}


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
        lint_print_schedule(jr_string(expr), &cron, zone, &fires);
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


static int
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


static int
lint_with_schema(const lint_options_t *options)
{
    int           rc;
    char          err[512], *text;
    size_t        len;
    jr_status_e   status;
    jr_schema_t  *schema;

    if (options->schema == NULL) {
        text = NULL;
        status = jr_schema_compile(jr_embedded_create_job_run_details_json,
                                 jr_embedded_create_job_run_details_json_len,
                                 err, sizeof(err), &schema);
    } else {
        text = lint_read(options->schema, &len);

        if (text == NULL) {
            return lint_fail(options->schema, strerror(errno));
        }

        status = jr_schema_compile(text, len, err, sizeof(err), &schema);
    }

    free(text);

    if (status != JR_OK) {
        return lint_fail(options->schema ? options->schema
                                         : "embedded schema", err);
    }

    rc = lint_body(options, schema);

    jr_schema_free(schema);

    return rc;
}


int
main(int argc, char **argv)
{
    int             ch, rc;
    lint_options_t  options;

    memset(&options, 0, sizeof(lint_options_t));

    options.body = "-";
    options.flags = JR_SCHEMA_GATEWAY;

    while ((ch = getopt_long(argc, argv, "h", lint_long, NULL)) != -1) {

        switch (ch) {

        case 's':
            options.schema = optarg;
            break;

        case 'c':
            options.cron = optarg;
            break;

        case 'u':
            options.flags |= JR_SCHEMA_REJECT_UNKNOWN;
            break;

        case 'j':
            options.json = 1;
            break;

        case 'h':
            (void) lint_usage(stdout);
            return LINT_VALID;

        default:
            return lint_usage(stderr);
        }
    }

    if (argc - optind > (options.cron == NULL)) {
        return lint_usage(stderr);
    }

    if (optind < argc) {
        options.body = argv[optind];
    }

    rc = options.cron ? lint_cron(&options) : lint_with_schema(&options);

    /* output that did not get out is not a verdict */

    if (fflush(stdout) != 0) {
        return lint_fail("standard output", strerror(errno));
    }

    return rc;
}
