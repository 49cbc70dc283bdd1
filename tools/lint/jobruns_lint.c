/* SPDX-License-Identifier: BSD-2-Clause
 *
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

#include "jobruns_lint_body.h"
#include "jobruns_lint_schedule.h"
#include "jr_embedded.h"
#include "jr_nearest.h"
#include "jr_version.h"


/* the gateway's own bound (client_max_body_size) */
#define LINT_BODY_MAX  (16 * 1024 * 1024)


static char *lint_read_stream(FILE *in, size_t *len);


static const struct option  lint_long[] = {
    { "schema", required_argument, NULL, 's' },
    { "cron", required_argument, NULL, 'c' },
    { "reject-unknown", no_argument, NULL, 'u' },
    { "json", no_argument, NULL, 'j' },
    { "help", no_argument, NULL, 'h' },
    { "version", no_argument, NULL, 'v' },
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
          "gateway does, and prints every error with its line and "
          "column; for a\n"
          "schedule also the next five fire times in UTC and in its time "
          "zone.\n"
          "\n"
          "  --schema FILE     a JSON Schema to use instead of the API's\n"
          "  --reject-unknown  as \"jobruns_unknown_properties reject\"\n"
          "  --cron EXPR       checks one Quartz cron expression\n"
          "  --json            prints one JSON object\n"
          "  --version         prints the version\n"
          "\n"
          "Exit status: 0 valid, 1 invalid, 2 could not be checked.\n",
          out);

    return LINT_FAILED;
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
    char            text[512];
    lint_options_t  options;

    memset(&options, 0, sizeof(lint_options_t));

    options.body = "-";
    options.flags = JR_SCHEMA_GATEWAY;

    opterr = 0;

    while ((ch = getopt_long(argc, argv, ":h", lint_long, NULL)) != -1) {

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

        case 'v':
            puts("jobruns-lint (jobruns gateway) " JR_VERSION);
            return fflush(stdout) == 0
                   ? LINT_VALID : lint_fail("standard output", strerror(errno));

        case ':':
            return lint_fail(argv[optind - 1], "needs a value");

        default:
            jr_nearest_say(text, sizeof(text), "option", argv[optind - 1],
                           lint_long, sizeof(struct option));
            fprintf(stderr, "jobruns-lint: %s\n", text);
            return LINT_FAILED;
        }
    }

    if (argc - optind > (options.cron == NULL)) {
        return lint_usage(stderr);
    }

    if (optind < argc) {
        options.body = argv[optind];
    }

    rc = options.cron ? lint_schedule_cron(&options)
                      : lint_with_schema(&options);

    /* output that did not get out is not a verdict */

    if (fflush(stdout) != 0) {
        return lint_fail("standard output", strerror(errno));
    }

    return rc;
}


char *
lint_read(const char *name, size_t *len)
{
    int    err;
    char  *text;
    FILE  *in;

    if (strcmp(name, "-") == 0) {
        return lint_read_stream(stdin, len);
    }

    in = fopen(name, "rb");
    if (in == NULL) {
        return NULL;
    }

    text = lint_read_stream(in, len);

    err = errno;
    (void) fclose(in);
    errno = err;

    return text;
}


/* NULL after setting errno; the stream stays the caller's to close */

static char *
lint_read_stream(FILE *in, size_t *len)
{
    char    *text, *more;
    size_t   n, size;

    text = NULL;
    size = 0;
    *len = 0;

    do {
        if (*len == size) {
            size = size ? size * 2 : 65536;

            more = size <= 2 * LINT_BODY_MAX ? realloc(text, size) : NULL;
            if (more == NULL) {
                free(text);
                errno = size <= 2 * LINT_BODY_MAX ? ENOMEM : EFBIG;
                return NULL;
            }

            text = more;
        }

        n = fread(text + *len, 1, size - *len, in);
        *len += n;

    } while (n > 0);

    if (ferror(in) || *len > LINT_BODY_MAX) {
        free(text);
        errno = ferror(in) ? EIO : EFBIG;
        return NULL;
    }

    return text;
}


int
lint_fail(const char *what, const char *why)
{
    fprintf(stderr, "jobruns-lint: %s: %s\n", what, why);

    return LINT_FAILED;
}


int
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
