/*
 * jobruns-audit show.
 */

#include <getopt.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <jansson.h>

#include "jobruns_audit.h"

#include "jr_chain.h"
#include "jr_digest.h"
#include "jr_text.h"


typedef enum {
    show_table = 0,
    show_json,
    show_lines
} show_format_e;


typedef struct {
    const char     *tenant;
    const char     *outcome;
    const char     *since;
    const char     *until;
    const char     *request_id;
    const char     *token;
    const char     *run_key;
    const char     *attempt;
    int             chains;
    show_format_e   format;
    uint64_t        shown;
} show_t;


/* a record's members that filters and the table look at; "" where one is not
   there */
typedef struct {
    const json_t   *details;
    const char     *type;
    const char     *time;
    const char     *outcome;
    const char     *status;
    const char     *tenant;
    const char     *principal;
    const char     *platform;
    const char     *workspace;
    const char     *request_id;
    const char     *original_id;
    const char     *token;
    const char     *run_key;
    const char     *attempt;
    json_int_t      total;      /* ms; -1: not ended */
} show_record_t;


static const struct option  show_long[] = {
    { "tenant", required_argument, NULL, 't' },
    { "outcome", required_argument, NULL, 'o' },
    { "since", required_argument, NULL, 's' },
    { "until", required_argument, NULL, 'u' },
    { "request-id", required_argument, NULL, 'r' },
    { "token", required_argument, NULL, 'k' },
    { "run-key", required_argument, NULL, 'n' },
    { "attempt", required_argument, NULL, 'a' },
    { "chains", no_argument, NULL, 'c' },
    { "json", no_argument, NULL, 'j' },
    { "lines", no_argument, NULL, 'l' },
    { "help", no_argument, NULL, 'h' },
    { NULL, 0, NULL, 0 }
};


static int
show_usage(FILE *out)
{
    fputs("Usage: jobruns-audit show [OPTION]... FILE...\n"
          "\n"
          "Prints the audit records of FILEs that pass all filters, as a "
          "table.  It does not\n"
          "verify them: see \"jobruns-audit verify\".\n"
          "\n"
          "  --tenant ID       of that tenant\n"
          "  --outcome NAME    that ended so: created, replayed, limited, "
          "unknown ...\n"
          "  --since TIME      not before TIME, UTC: 2026-06-10, or "
          "2026-06-10T12:00\n"
          "  --until TIME      before TIME\n"
          "  --request-id ID   with that opc-request-id, or replaying it\n"
          "  --token TOKEN     with that opc-retry-token, or its SHA-256 of "
          "a record\n"
          "  --run-key KEY     about that job run\n"
          "  --attempt ID      of that attempt\n"
          "  --chains          the opening and closing of chains too\n"
          "\n"
          "  --json            each record as indented JSON\n"
          "  --lines           each record as the line it is\n"
          "\n"
          "Exit status: 0 some record was shown, 1 none, 2 could not look.\n",
          out);

    return AUDIT_FAILED;
}


static const char *
show_text(const json_t *object, const char *name)
{
    const char  *text;

    text = json_string_value(json_object_get(object, name));

    return text ? text : "";
}


static void
show_take(const json_t *value, show_record_t *record)
{
    const json_t  *data, *request, *identity, *headers, *total;

    data = json_object_get(value, "data");
    request = json_object_get(data, "request");
    identity = json_object_get(data, "identity");
    headers = json_object_get(request, "headers");

    record->details = json_object_get(data, "additionalDetails");
    record->type = show_text(value, "eventType");
    record->time = show_text(value, "eventTime");
    record->outcome = show_text(record->details, "outcome");
    record->status = show_text(json_object_get(data, "response"), "status");
    record->tenant = show_text(identity, "tenantId");
    record->principal = show_text(identity, "principalId");
    record->platform = show_text(record->details, "aiDataPlatformId");
    record->workspace = show_text(record->details, "workspaceKey");
    record->request_id = show_text(request, "id");
    record->original_id = show_text(record->details, "originalRequestId");
    record->run_key = show_text(data, "resourceId");
    record->attempt = show_text(data, "eventGroupingId");

    record->token = json_string_value(json_array_get(
                       json_object_get(headers, "opc-retry-token-sha256"),
                       0));
    if (record->token == NULL) {
        record->token = "";
    }

    total = json_object_get(json_object_get(record->details, "durationsMs"),
                            "total");
    record->total = json_is_integer(total) ? json_integer_value(total) : -1;
}


/* a record holds the hash of its token within its scope, see
   jobruns_token_hash in docs/directives.md */

static int
show_token(const char *token, const show_record_t *record)
{
    char         hex[JR_DIGEST_HEX];
    jr_str_t     parts[5];
    jr_digest_t  md;

    if (strlen(record->token) != JR_DIGEST_HEX) {
        return 0;
    }

    if (strcmp(record->token, token) == 0) {
        return 1;
    }

    parts[0] = (jr_str_t) { strlen(record->tenant), record->tenant };
    parts[1] = (jr_str_t) { strlen(record->principal), record->principal };
    parts[2] = (jr_str_t) { strlen(record->platform), record->platform };
    parts[3] = (jr_str_t) { strlen(record->workspace), record->workspace };
    parts[4] = (jr_str_t) { strlen(token), token };

    if (jr_digest_parts(parts, 5, &md) != JR_OK) {
        return 0;
    }

    (void) jr_digest_hex(&md, hex);

    return memcmp(record->token, hex, JR_DIGEST_HEX) == 0;
}


static int
show_is(const char *wanted, const char *value)
{
    return wanted == NULL || strcmp(wanted, value) == 0;
}


static int
show_passes(const show_t *show, const show_record_t *record)
{
    /* times are written alike, so they compare as text */

    return show_is(show->tenant, record->tenant)
           && show_is(show->outcome, record->outcome)
           && (show->since == NULL || strcmp(record->time, show->since) >= 0)
           && (show->until == NULL || strcmp(record->time, show->until) < 0)
           && (show_is(show->request_id, record->request_id)
               || show_is(show->request_id, record->original_id))
           && show_is(show->run_key, record->run_key)
           && show_is(show->attempt, record->attempt)
           && (show->chains
               || strncmp(record->type, "jobruns-gateway.", 16) != 0)
           && (show->token == NULL || show_token(show->token, record));
}


/* a column: cut, and nothing in it drives the terminal */

static void
show_column(const char *text, int width)
{
    char       buf[512];
    jr_text_t  t;

    jr_text_init(&t, buf, sizeof(buf));
    jr_text_escape(&t, *text ? text : "-", *text ? strlen(text) : 1, 60,
                   JR_TEXT_ASCII);

    printf("%-*s  ", width, buf);
}


static void
show_row(const show_record_t *record)
{
    char         total[32];
    const char  *moment;

    moment = strrchr(record->type, '.');
    moment = moment && strcmp(moment, ".CreateJobRun") != 0 ? moment + 1
                                                             : "only";

    snprintf(total, sizeof(total), "%lld", (long long) record->total);

    show_column(record->time, 24);
    show_column(moment, 5);
    show_column(record->outcome, 17);
    show_column(record->status, 6);
    show_column(record->total < 0 ? "" : total, 7);
    show_column(record->request_id, 32);
    show_column(record->run_key, 36);
    show_column(record->tenant, 1);

    putchar('\n');
}


static int
show_json_dump(const json_t *value, size_t flags)
{
    if (json_dumpf(value, stdout, flags | JSON_PRESERVE_ORDER
                                  | JSON_ENSURE_ASCII)
        != 0)
    {
        return audit_fail("show", "out of memory, or output is closed");
    }

    putchar('\n');

    return AUDIT_OK;
}


static int
show_print(show_t *show, const json_t *value, const show_record_t *record,
    const char *line, size_t len)
{
    if (show->shown++ == 0 && show->format == show_table) {
        printf("%-24s  %-5s  %-17s  %-6s  %-7s  %-32s  %-36s  %s\n", "TIME",
               "PART", "OUTCOME", "STATUS", "MS", "OPC-REQUEST-ID", "JOB RUN",
               "TENANT");
    }

    switch (show->format) {

    case show_json:
        return show_json_dump(value, JSON_INDENT(2));

    case show_lines:

        if (isatty(STDOUT_FILENO)) {
            return show_json_dump(value, JSON_COMPACT);
        }

        fwrite(line, 1, len, stdout);
        putchar('\n');
        break;

    case show_table:
        show_row(record);
    }

    return AUDIT_OK;
}


static int
show_line(void *data, const char *line, size_t len)
{
    int             rc;
    show_t         *show = data;
    json_t         *value;
    const char     *p, *end;
    show_record_t   record;

    static const char  begin[] = JR_CHAIN_RECORD;

    value = json_loadb(line, len, JSON_ALLOW_NUL, NULL);

    /* a record may stand behind a torn one */

    end = line + len;

    for (p = line; value == NULL && p < end; /* void */ ) {

        p = jr_chain_find(p + 1, end - p - 1, begin, sizeof(begin) - 1);
        if (p == NULL) {
            return AUDIT_OK;
        }

        value = json_loadb(p, end - p, JSON_ALLOW_NUL, NULL);

        if (value != NULL) {
            line = p;
            len = end - p;
        }
    }

    rc = AUDIT_OK;

    if (json_is_object(value)) {
        show_take(value, &record);

        if (show_passes(show, &record)) {
            rc = show_print(show, value, &record, line, len);
        }
    }

    json_decref(value);

    return rc;
}


static int
show_option(show_t *show, int ch)
{
    switch (ch) {

    case 't':
        show->tenant = optarg;
        break;

    case 'o':
        show->outcome = optarg;
        break;

    case 's':
        show->since = optarg;
        break;

    case 'u':
        show->until = optarg;
        break;

    case 'r':
        show->request_id = optarg;
        break;

    case 'k':
        show->token = optarg;
        break;

    case 'n':
        show->run_key = optarg;
        break;

    case 'a':
        show->attempt = optarg;
        break;

    case 'c':
        show->chains = 1;
        break;

    case 'j':
        show->format = show_json;
        break;

    case 'l':
        show->format = show_lines;
        break;

    default:
        return 0;
    }

    return 1;
}


int
audit_show(int argc, char **argv)
{
    int               ch, rc;
    show_t            show;
    audit_progress_t  progress;

    memset(&show, 0, sizeof(show_t));

    while ((ch = getopt_long(argc, argv, "h", show_long, NULL)) != -1) {

        if (ch == 'h') {
            (void) show_usage(stdout);
            return AUDIT_OK;
        }

        if (!show_option(&show, ch)) {
            return show_usage(stderr);
        }
    }

    if (optind == argc) {
        return show_usage(stderr);
    }

    audit_progress_begin(&progress, argv + optind, argc - optind);

    /* records and progress on one terminal would disturb each other */

    if (isatty(STDOUT_FILENO)) {
        progress.start = 0;
    }

    for (rc = AUDIT_OK; optind < argc && rc == AUDIT_OK; optind++) {
        rc = audit_read(argv[optind], &progress, show_line, &show);
    }

    audit_progress_end(&progress);

    return rc != AUDIT_OK ? rc : show.shown ? AUDIT_OK : AUDIT_BAD;
}
