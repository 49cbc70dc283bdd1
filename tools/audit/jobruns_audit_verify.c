/* SPDX-License-Identifier: BSD-2-Clause
 *
 * jobruns-audit verify.
 */

#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "jobruns_audit.h"

#include "jr_body.h"
#include "jr_mac.h"
#include "jr_secret.h"
#include "jr_text.h"
#include "jr_verify.h"


/* findings of a kind that are printed; the rest is counted */
#define VERIFY_SHOWN  100


typedef struct {
    char             **files;
    int                nfiles;
    const char        *keys[JR_VERIFY_KEYS];
    int                nkeys;
    const char        *schema_file;
    int                partial;
    int                unkeyed;
    int                quiet;

    jr_mac_t          *macs[JR_VERIFY_KEYS];
    jr_schema_t       *schema;
    jr_report_t       *report;
    jr_verify_t       *verify;
    unsigned           file;    /* being read */
    uint64_t           line;
    uint64_t           misfits; /* records that do not fit the schema */
} verify_t;


static const struct option  verify_long[] = {
    { "key", required_argument, NULL, 'k' },
    { "unkeyed", no_argument, NULL, 'u' },
    { "partial", no_argument, NULL, 'p' },
    { "schema", required_argument, NULL, 's' },
    { "quiet", no_argument, NULL, 'q' },
    { "help", no_argument, NULL, 'h' },
    { NULL, 0, NULL, 0 }
};


static int
verify_usage(FILE *out)
{
    fputs("Usage: jobruns-audit verify [OPTION]... FILE...\n"
          "\n"
          "Checks the chains of audit records over all FILEs, given in any "
          "order:\n"
          "give a file together with its rotated ones.  Prints a line "
          "for each\n"
          "finding, then a summary.\n"
          "\n"
          "  --key FILE     a key of \"jobruns_audit_key\", may be given "
          "several times: a chain\n"
          "                 names its own; without it, only the order of "
          "chains with a key is checked\n"
          "  --unkeyed      accepts chains without a key beside chains "
          "with one (a key that a\n"
          "                 reload introduced needs no --unkeyed)\n"
          "  --partial      accepts chains that begin in an older file "
          "that is not given\n"
          "  --schema FILE  also checks every record against a JSON Schema\n"
          "  --quiet        prints only errors; see the exit status\n"
          "\n"
          "Exit status:\n"
          "  0  intact\n"
          "  1  a record was changed, removed, moved or added, or does not "
          "match the schema\n"
          "  2  something could not be checked: a file, or a chain whose key "
          "is not given\n"
          "  3  intact, but there are attempts without an end, torn records, "
          "or records\n"
          "     that the gateway could not write\n"
          "\n"
          "If the end of a chain that was never closed is cut off, this "
          "looks like a\n"
          "crash, or like a running gateway: such chains are reported, but "
          "do not\n"
          "change the exit status.\n",
          out);

    return AUDIT_FAILED;
}


/* what a file holds may be anybody's: nothing of it drives the terminal */

static const char *
verify_clean(char *buf, size_t size, jr_str_t text)
{
    jr_text_t  t;

    jr_text_init(&t, buf, size);
    jr_text_escape(&t, text.data, text.len, text.len, JR_TEXT_ASCII);

    return buf;
}


static void
verify_explain(const jr_verify_finding_t *f)
{
    char  id[1100], time[64];

    switch (f->kind) {

    case JR_VERIFY_FOREIGN:
        printf("no record of the gateway");
        return;

    case JR_VERIFY_CHANGED:
        printf("changed, or sealed with another key");
        return;

    case JR_VERIFY_LINK:
        printf("does not continue the record before it: one of the two was "
               "replaced");
        return;

    case JR_VERIFY_MISSING:
        printf("records %" PRIu64 " to %" PRIu64 " are missing before it",
               f->from, f->to);
        return;

    case JR_VERIFY_ORDER:
        printf("moved or doubled: record %" PRIu64 " was to follow", f->from);
        return;

    case JR_VERIFY_HEAD:
        printf("records 0 to %" PRIu64 " of its chain are missing; if they "
               "are in an older file, give it too, or --partial", f->to);
        return;

    case JR_VERIFY_CLOSED:
        printf("stands behind the end of its chain");
        return;

    case JR_VERIFY_COUNT:
        printf("closes its chain with another count or hash than it has");
        return;

    case JR_VERIFY_UNKEYED:
        printf("hashed without a key: forged, or written before there was "
               "one (which --unkeyed allows)");
        return;

    case JR_VERIFY_UNBEGUN:
        printf("the end of attempt %.*s, which has no beginning",
               (int) f->attempt.len, f->attempt.data);
        return;

    case JR_VERIFY_KEY:
        printf("cannot be checked without its key%s%.*s (--key FILE)",
               f->key.len ? " " : "", (int) f->key.len, f->key.data);
        return;

    case JR_VERIFY_OTHER_KEY:
        printf("sealed with key %.*s, which is not among those given: forged, "
               "or give that key too (--key FILE)", (int) f->key.len,
               f->key.data);
        return;

    case JR_VERIFY_BEFORE_KEY:
        printf("hashed without a key, since there was none: its records "
               "prove nothing against who could write the file");
        return;

    case JR_VERIFY_UNENDED:
        printf("attempt %.*s (opc-request-id %s, %s) has no end: look for "
               "its job run", (int) f->attempt.len, f->attempt.data,
               verify_clean(id, sizeof(id), f->request_id),
               verify_clean(time, sizeof(time), f->time));
        return;

    case JR_VERIFY_TORN:
        printf("a record that was not written whole");
        return;

    case JR_VERIFY_LOST:
        printf("%" PRIu64 " records before it could not be written; error.log "
               "says why", f->lost);
        return;

    case JR_VERIFY_UNCLOSED:
        printf("last of a chain that is not closed: its worker is running or "
               "was killed, or what followed was cut off");
        return;

    case JR_VERIFY_KINDS:
        return;
    }
}


static void
verify_report(void *data, const jr_verify_finding_t *f)
{
    verify_t                 *v = data;
    const jr_verify_count_t  *count;

    if (v->quiet) {
        return;
    }

    count = jr_verify_count(v->verify);

    if (count->found[f->kind] > VERIFY_SHOWN) {
        return;
    }

    printf("%s:%" PRIu64 ": ", v->files[f->place.file], f->place.line);

    if (f->chain.data != NULL) {
        printf("record %" PRIu64 " of chain %.*s: ", f->seq,
               (int) f->chain.len, f->chain.data);
    }

    verify_explain(f);

    putchar('\n');
}


/* AUDIT_FAILED: out of memory */

static int
verify_fit(verify_t *v, const char *line, size_t len)
{
    jr_status_e        rc;
    jr_json_error_t    err;
    const jr_value_t  *value;

    rc = jr_body_check(v->schema, NULL, line, len, 0, &err, v->report, &value);

    jr_body_done(v->schema, NULL);

    if (rc == JR_NO_MEMORY) {
        return audit_fail("schema", "out of memory");
    }

    if (rc == JR_OK) {
        return AUDIT_OK;
    }

    if (v->misfits++ < VERIFY_SHOWN && !v->quiet) {
        printf("%s:%" PRIu64 ": does not fit the schema: %s\n",
               v->files[v->file], v->line,
               v->report->count ? v->report->text : err.text);
    }

    return AUDIT_OK;
}


static int
verify_line(void *data, const char *line, size_t len)
{
    verify_t         *v = data;
    jr_chain_link_t   link;

    v->line++;

    if (jr_verify_line(v->verify, line, len) != JR_OK) {
        return audit_fail("verify", "out of memory");
    }

    /* what is no record is told already */

    if (v->schema != NULL && jr_chain_read(line, len, &link) == JR_OK) {
        return verify_fit(v, line, len);
    }

    return AUDIT_OK;
}


static int
verify_files(verify_t *v)
{
    int               i, rc;
    audit_progress_t  progress;

    audit_progress_begin(&progress, v->files, v->nfiles);

    rc = AUDIT_OK;

    for (i = 0; i < v->nfiles && rc == AUDIT_OK; i++) {
        v->file = (unsigned) i;
        v->line = 0;

        jr_verify_file(v->verify, (unsigned) i);
        rc = audit_read(v->files[i], &progress, verify_line, v);
    }

    audit_progress_end(&progress);

    return rc;
}


static int
verify_verdict(verify_t *v)
{
    int                       kind, rc;
    uint64_t                  faults;
    const jr_verify_count_t  *count;

    count = jr_verify_count(v->verify);
    faults = v->misfits;

    for (kind = 0; kind < JR_VERIFY_FAULTS; kind++) {
        faults += count->found[kind];
    }

    rc = faults ? AUDIT_BAD
         : count->found[JR_VERIFY_KEY] ? AUDIT_FAILED
         : count->found[JR_VERIFY_UNENDED] + count->found[JR_VERIFY_TORN]
           + count->found[JR_VERIFY_LOST] ? AUDIT_LOOK
         : AUDIT_OK;

    if (v->quiet) {
        return rc;
    }

    for (kind = 0; kind < JR_VERIFY_KINDS; kind++) {
        if (count->found[kind] > VERIFY_SHOWN) {
            printf("... and %" PRIu64 " more of the kind\n",
                   count->found[kind] - VERIFY_SHOWN);
        }
    }

    printf("%" PRIu64 " records in %" PRIu64 " chains (%" PRIu64 " not "
           "closed); %" PRIu64 " attempts begun, %" PRIu64 " without end: ",
           count->records, count->chains, count->found[JR_VERIFY_UNCLOSED],
           count->begun, count->found[JR_VERIFY_UNENDED]);

    if (count->folded) {
        printf("%" PRIu64 " refusals folded, ", count->folded);
    }

    if (faults) {
        printf("%" PRIu64 " faults\n", faults);

    } else {
        puts(rc == AUDIT_FAILED ? "not checked without the key" : "whole");
    }

    return rc;
}


/* AUDIT_FAILED after saying why; *mac is to be freed */

int
audit_key(const char *name, jr_mac_t **mac)
{
    int          rc;
    char        *text;
    size_t       len;
    char         why[128];
    jr_str_t     key;
    const char  *fault;

    text = audit_slurp(name, &len);
    if (text == NULL) {
        return AUDIT_FAILED;
    }

    fault = jr_secret_line((jr_str_t) { len, text }, JR_MAC_KEY_LEAST,
                           JR_MAC_KEY_MOST, &key);

    if (fault != NULL) {
        (void) snprintf(why, sizeof(why), "%s: write %d to %d bytes there",
                        fault, JR_MAC_KEY_LEAST, JR_MAC_KEY_MOST);
    }

    rc = fault != NULL
         ? audit_fail(name, why)
         : jr_mac_create(key, mac) != JR_OK
         ? audit_fail(name, "libcrypto refuses HMAC-SHA-256")
         : AUDIT_OK;

    free(text);

    return rc;
}


static int
verify_prepare(verify_t *v)
{
    int          i;
    char        *text, err[512];
    size_t       len;
    jr_status_e  status;

    if (jr_verify_create(v->partial, verify_report, v, &v->verify) != JR_OK) {
        return audit_fail("verify", "out of memory");
    }

    if (v->unkeyed) {
        jr_verify_unkeyed(v->verify);
    }

    for (i = 0; i < v->nkeys; i++) {
        if (audit_key(v->keys[i], &v->macs[i]) != AUDIT_OK) {
            return AUDIT_FAILED;
        }

        if (jr_verify_key(v->verify, v->macs[i]) != JR_OK) {
            return audit_fail("verify", "out of memory");
        }
    }

    if (v->schema_file != NULL) {
        text = audit_slurp(v->schema_file, &len);
        if (text == NULL) {
            return AUDIT_FAILED;
        }

        status = jr_schema_compile(text, len, err, sizeof(err), &v->schema);
        free(text);

        if (status != JR_OK) {
            return audit_fail(v->schema_file, err);
        }

        v->report = malloc(sizeof(jr_report_t));
        if (v->report == NULL) {
            return audit_fail(v->schema_file, "out of memory");
        }
    }

    return AUDIT_OK;
}


int
audit_verify(int argc, char **argv)
{
    int       ch, rc, i;
    verify_t  v;

    memset(&v, 0, sizeof(verify_t));

    opterr = 0;

    while ((ch = getopt_long(argc, argv, ":h", verify_long, NULL)) != -1) {

        switch (ch) {

        case 'k':
            if (v.nkeys == JR_VERIFY_KEYS) {
                return audit_fail(optarg, "more than 64 keys");
            }

            v.keys[v.nkeys++] = optarg;
            break;

        case 'u':
            v.unkeyed = 1;
            break;

        case 'p':
            v.partial = 1;
            break;

        case 's':
            v.schema_file = optarg;
            break;

        case 'q':
            v.quiet = 1;
            break;

        case 'h':
            (void) verify_usage(stdout);
            return AUDIT_OK;

        case ':':
            return audit_fail(argv[optind - 1], "needs a value");

        default:
            return audit_unknown("option", argv[optind - 1], verify_long,
                                 sizeof(struct option));
        }
    }

    v.files = argv + optind;
    v.nfiles = argc - optind;

    if (v.nfiles == 0) {
        return verify_usage(stderr);
    }

    rc = verify_prepare(&v);

    if (rc == AUDIT_OK) {
        rc = verify_files(&v);
    }

    if (rc == AUDIT_OK) {
        jr_verify_end(v.verify);
        rc = verify_verdict(&v);
    }

    jr_verify_free(v.verify);
    jr_schema_free(v.schema);
    free(v.report);

    for (i = 0; i < v.nkeys; i++) {
        jr_mac_free(v.macs[i]);
    }

    return rc;
}
