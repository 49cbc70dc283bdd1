/* SPDX-License-Identifier: BSD-2-Clause
 *
 * jobruns-audit show.
 */

#include <getopt.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "jobruns_audit_show.h"

#include "jr_chain.h"
#include "jr_outcome.h"
#include "jr_text.h"


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
          "Prints the audit records of FILEs whose attempt matches all "
          "filters, as a table.  It\n"
          "does not verify them: see \"jobruns-audit verify\".\n"
          "\n"
          "  --tenant ID       records of that tenant\n"
          "  --outcome NAME    with that outcome: created, replayed, limited, "
          "unknown ...\n"
          "  --since TIME      not before TIME: 2026-06-10T12:00:00Z (any "
          "RFC 3339), 2026-06-10,\n"
          "                    now, today, yesterday (UTC), or an age: "
          "30s, 5m, 1h, 2d, 1w\n"
          "  --until TIME      before TIME\n"
          "  --request-id ID   with that opc-request-id, and its replays\n"
          "  --token TOKEN     with that opc-retry-token, or its SHA-256 in "
          "the records\n"
          "  --run-key KEY     about that job run\n"
          "  --attempt ID      of that attempt\n"
          "  --chains          also the start and end of chains, and "
          "the counts of\n"
          "                    folded refusals\n"
          "\n"
          "  --json            each record as indented JSON\n"
          "  --lines           each record as the line in the file\n"
          "\n"
          "Exit status: 0 some records were shown, 1 none, 2 a "
          "file could not be read.\n",
          out);

    return AUDIT_FAILED;
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


/* a pair, as audit_join_t has it */

static int
show_pair(void *data, const audit_pair_t *pair)
{
    int            i, rc;
    json_t        *value[2];
    show_t        *show = data;
    show_record_t  record[2], joined;

    memset(value, 0, sizeof(value));
    memset(record, 0, sizeof(record));

    for (i = 0; i < 2; i++) {
        if (pair->line[i] != NULL) {
            value[i] = json_loadb(pair->line[i], pair->len[i],
                                  SHOW_JSON, NULL);
            show_take(value[i], &record[i]);
        }
    }

    joined = record[pair->line[1] != NULL];

    if (pair->line[0] != NULL && pair->line[1] != NULL) {
        show_merge(&record[0], &joined);
    }

    rc = AUDIT_OK;

    for (i = 0; i < 2 && show_passes(show, &joined) && rc == AUDIT_OK; i++) {
        if (pair->line[i] != NULL && show_in_time(show, &record[i])) {
            rc = show_print(show, value[i], &record[i], pair->line[i],
                            pair->len[i]);
        }
    }

    json_decref(value[0]);
    json_decref(value[1]);

    return rc;
}


static int
show_line(void *data, const char *line, size_t len)
{
    int             rc, ended;
    show_t         *show = data;
    json_t         *value;
    show_record_t   record;

    value = show_record(&line, &len);
    rc = AUDIT_OK;

    if (json_is_object(value)) {
        show_take(value, &record);

        if (show->join != NULL && show_is_half(&record, &ended)) {
            rc = audit_join_add(show->join, record.attempt, ended, line, len);

        } else if (show_in_time(show, &record) && show_passes(show, &record))
        {
            rc = show_print(show, value, &record, line, len);
        }
    }

    json_decref(value);

    return rc;
}


static int
show_time(const char *option, const char *text, char *out)
{
    struct timespec  now;

    (void) clock_gettime(CLOCK_REALTIME, &now);

    if (audit_time(text, (int64_t) now.tv_sec * 1000 + now.tv_nsec / 1000000,
                   out))
    {
        return AUDIT_OK;
    }

    fprintf(stderr, "jobruns-audit: %s \"%s\" is not a time; give RFC 3339 "
            "(2026-06-10T12:00:00Z), a date (2026-06-10), now, today, "
            "yesterday, or how long ago (30s, 5m, 1h, 2d, 1w)\n", option,
            text);

    return AUDIT_FAILED;
}


/* a misspelt filter shows nothing, as though there were nothing */

static int
show_check(const show_t *show)
{
    int       i;
    jr_str_t  name;

    if (show->attempt != NULL
        && (strlen(show->attempt) != JR_CHAIN_ID
            || strspn(show->attempt, "0123456789abcdef") != JR_CHAIN_ID))
    {
        return audit_fail("--attempt", "an id has 32 hex digits, lower case");
    }

    if (show->since[0] != '\0' && show->until[0] != '\0'
        && strcmp(show->since, show->until) >= 0)
    {
        return audit_fail("--since", "is not before --until");
    }

    for (i = 1; show->outcome != NULL && i < JR_OUTCOME_LAST; i++) {
        name = jr_outcome_name((jr_outcome_e) i);

        if (jr_str_eq(name, show->outcome, strlen(show->outcome))) {
            return AUDIT_OK;
        }
    }

    if (show->outcome == NULL) {
        return AUDIT_OK;
    }

    fprintf(stderr, "jobruns-audit: --outcome \"%s\" is not an outcome; there "
            "are", show->outcome);

    for (i = 1; i < JR_OUTCOME_LAST; i++) {
        name = jr_outcome_name((jr_outcome_e) i);
        fprintf(stderr, "%s %.*s", i > 1 ? "," : "", (int) name.len,
                name.data);
    }

    fputc('\n', stderr);

    return AUDIT_FAILED;
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
        return show_time("--since", optarg, show->since);

    case 'u':
        return show_time("--until", optarg, show->until);

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
        return show_usage(stderr);
    }

    return AUDIT_OK;
}


int
audit_show(int argc, char **argv)
{
    int               ch, rc;
    show_t            show;
    audit_progress_t  progress;

    memset(&show, 0, sizeof(show_t));

    opterr = 0;

    while ((ch = getopt_long(argc, argv, ":h", show_long, NULL)) != -1) {

        if (ch == '?') {
            return audit_unknown("option", argv[optind - 1], show_long,
                                 sizeof(struct option));
        }

        if (ch == ':') {
            return audit_fail(argv[optind - 1], "needs a value");
        }

        if (ch == 'h') {
            (void) show_usage(stdout);
            return AUDIT_OK;
        }

        rc = show_option(&show, ch);

        if (rc != AUDIT_OK) {
            return rc;
        }
    }

    rc = show_check(&show);

    if (rc != AUDIT_OK) {
        return rc;
    }

    if (optind == argc) {
        return show_usage(stderr);
    }

    /* these are in one of the two records of an attempt */

    if (show.outcome != NULL || show.token != NULL || show.run_key != NULL) {
        show.join = audit_join_create(show_pair, &show);

        if (show.join == NULL) {
            return audit_fail("show", "out of memory");
        }
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

    if (rc == AUDIT_OK && show.join != NULL) {
        rc = audit_join_end(show.join);
    }

    audit_join_free(show.join);

    return rc != AUDIT_OK ? rc : show.shown ? AUDIT_OK : AUDIT_BAD;
}
