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

#include "jr_body.h"
#include "jr_cron.h"
#include "jr_embedded.h"
#include "jr_locate.h"


#define LINT_VALID    0
#define LINT_INVALID  1
#define LINT_FAILED   2         /* could not look: usage, file, memory */

/* the gateway's own bound (client_max_body_size) */
#define LINT_BODY_MAX  (16 * 1024 * 1024)

#define LINT_FIRES     5


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
          "schedule, the next five fire times in UTC.\n"
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


/* the next fire times as text, one after the other in out[] */

static size_t
lint_fires(const char *expr, size_t len, char out[LINT_FIRES][32],
    jr_cron_error_t *err)
{
    size_t     i;
    int64_t    at;
    time_t     t;
    jr_cron_t  cron;
    struct tm  tm;

    if (jr_cron_parse(expr, len, &cron, err) != JR_OK) {
        return 0;
    }

    at = (int64_t) time(NULL);

    for (i = 0; i < LINT_FIRES; i++) {

        if (jr_cron_next(&cron, at, &at) != JR_OK) {
            break;
        }

        t = (time_t) at;

        if (gmtime_r(&t, &tm) == NULL
            || strftime(out[i], sizeof(out[i]), "%Y-%m-%dT%H:%M:%SZ", &tm)
               == 0)
        {
            break;
        }
    }

    return i;
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


static void
lint_print_fires(char fires[LINT_FIRES][32], size_t n)
{
    size_t  i;

    printf(n ? "next fire times (UTC, whatever timezoneId says):\n"
             : "never fires again before the end of 2199\n");

    for (i = 0; i < n; i++) {
        printf("  %s\n", fires[i]);
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
    char             fires[LINT_FIRES][32];
    size_t           n;
    jr_cron_t        cron;
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

    n = lint_fires(options->cron, strlen(options->cron), fires, &err);

    if (options->json) {
        return lint_print_json(json_pack("{sb, so}", "valid", 1, "fires",
                                         lint_fires_json(fires, n)),
                               LINT_VALID);
    }

    lint_print_fires(fires, n);

    return LINT_VALID;
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
                                    entry + e->pointer + 2,
                                    e->end - e->start - e->pointer - 2));

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
    char               fires[LINT_FIRES][32];
    size_t             n;
    jr_cron_error_t    err;
    const jr_value_t  *expr;

    expr = jr_object_get(jr_object_get(value, "schedule", 8),
                         "quartzCronExpression", 20);
    n = 0;

    if (jr_is_string(expr)) {
        n = lint_fires(jr_string(expr), jr_string_len(expr), fires, &err);
    }

    if (options->json) {
        return lint_print_json(json_pack("{sb, s[], so}", "valid", 1,
                                         "violations", "fires",
                                         lint_fires_json(fires, n)),
                               LINT_VALID);
    }

    printf("%s: valid\n", options->body);

    if (jr_is_string(expr)) {
        lint_print_fires(fires, n);
    }

    return LINT_VALID;
}


static int
lint_invalid(const lint_options_t *options, const char *text, size_t len,
    const jr_report_t *report, const jr_json_error_t *err)
{
    int      rc;
    json_t  *list;

    list = json_array();

    if (report->count) {
        rc = lint_report(options, text, len, report, list);

    } else {
        rc = LINT_INVALID;

        if (options->json) {
            json_array_append_new(list,
                     lint_violation(err->line, err->column, "", 0, err->text,
                                    strlen(err->text)));

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

    switch (jr_body_check(schema, text, len, options->flags, &err, report,
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

    jr_body_done(schema);

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
