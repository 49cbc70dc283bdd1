/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Verifying line by line.
 *
 * A line is one record as a rule.  Where it is not, a record was torn by a
 * full disk or a crash, and the next one, perhaps of another worker, may
 * stand right behind the torn piece: the line is cut wherever a record
 * begins, and each part is looked at by itself.
 */

#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "jr_verify_state.h"


static jr_status_e jr_verify_parts(jr_verify_t *v, const char *line,
    size_t len);
static jr_status_e jr_verify_part(jr_verify_t *v, const char *part,
    size_t len);
static jr_status_e jr_verify_record(jr_verify_t *v, const char *line,
    size_t len, const jr_chain_link_t *link, int right);
static uint64_t jr_verify_folded(const char *line, size_t len);
static int jr_verify_is_torn(const char *part, size_t len);
static void jr_verify_at(jr_verify_t *v, const jr_chain_link_t *link,
    jr_verify_kind_e kind);


static const char  jr_record[] = JR_CHAIN_RECORD;

#define JR_RECORD_LEN  (sizeof(jr_record) - 1)


jr_status_e
jr_verify_create(int partial, jr_verify_report_pt report, void *data,
    jr_verify_t **verify)
{
    jr_verify_t  *v;

    v = calloc(1, sizeof(jr_verify_t));
    if (v == NULL) {
        return JR_NO_MEMORY;
    }

    v->partial = partial ? 1 : 0;
    v->report = report;
    v->data = data;

    *verify = v;

    return JR_OK;
}


void
jr_verify_file(jr_verify_t *verify, unsigned file)
{
    verify->place.file = file;
    verify->place.line = 0;
}


jr_status_e
jr_verify_line(jr_verify_t *verify, const char *line, size_t len)
{
    jr_status_e      rc;
    jr_chain_link_t  link;

    verify->place.line++;

    if (len == 0) {
        /* a line end that was written to end a torn line */
        return JR_OK;
    }

    if (jr_chain_read(line, len, &link) != JR_OK) {
        return jr_verify_parts(verify, line, len);
    }

    rc = jr_verify_hash(verify, line, len, &link);

    return rc == JR_OK ? jr_verify_record(verify, line, len, &link, 1)
         : rc == JR_INVALID ? jr_verify_parts(verify, line, len)
         : rc;
}


static jr_status_e
jr_verify_parts(jr_verify_t *v, const char *line, size_t len)
{
    const char   *next, *end;
    jr_status_e   rc;

    end = line + len;
    rc = JR_OK;

    while (line < end && *line == '\0') {
        /* what a crash of the machine may leave of a block */
        line++;
    }

    if (line > end - len) {
        jr_verify_at(v, NULL, JR_VERIFY_TORN);
    }

    for ( /* void */ ; line < end && rc == JR_OK; line = next) {

        next = jr_chain_find(line + 1, end - line - 1, jr_record,
                             JR_RECORD_LEN);
        if (next == NULL) {
            next = end;
        }

        rc = jr_verify_part(v, line, next - line);
    }

    return rc;
}


static jr_status_e
jr_verify_part(jr_verify_t *v, const char *part, size_t len)
{
    jr_status_e      rc;
    jr_chain_link_t  link;

    if (jr_chain_read(part, len, &link) != JR_OK) {
        jr_verify_at(v, NULL, jr_verify_is_torn(part, len)
                              ? JR_VERIFY_TORN : JR_VERIFY_FOREIGN);
        return JR_OK;
    }

    rc = jr_verify_hash(v, part, len, &link);

    if (rc == JR_NO_MEMORY) {
        return rc;
    }

    if (rc == JR_INVALID) {
        jr_verify_at(v, &link, JR_VERIFY_CHANGED);
    }

    /* a changed record still has its place in the chain: one fault is told
       once, and the next one too */

    return jr_verify_record(v, part, len, &link, rc == JR_OK);
}


static jr_status_e
jr_verify_record(jr_verify_t *v, const char *line, size_t len,
    const jr_chain_link_t *link, int right)
{
    int          placed;
    jr_status_e  rc;

    v->count.records++;
    v->count.folded += jr_verify_folded(line, len);

    rc = jr_verify_chain_add(v, line, len, link, right, &placed);

    if (link->lost) {
        jr_verify_at(v, link, JR_VERIFY_LOST);
    }

    return rc == JR_OK ? jr_verify_attempt_add(v, line, len, link, placed)
                       : rc;
}


/* how many refusals a record stands for that have none of their own */

static uint64_t
jr_verify_folded(const char *line, size_t len)
{
    uint64_t     n;
    const char  *p, *end;

    static const char  type[] = JR_CHAIN_REFUSALS;
    static const char  count[] = "\"refusals\":";

    if (len < sizeof(type) || memcmp(line, type, sizeof(type) - 1) != 0) {
        return 0;
    }

    end = line + len;

    p = jr_chain_find(line, len, count, sizeof(count) - 1);
    if (p == NULL) {
        return 0;
    }

    n = 0;

    for (p += sizeof(count) - 1; p < end && *p >= '0' && *p <= '9'; p++) {

        if (n > UINT32_MAX) {
            /* not of one second */
            return 0;
        }

        n = n * 10 + (uint64_t) (*p - '0');
    }

    return n;
}


/* the beginning of a record, which is no JSON; anything else was not written
   by a gateway */

static int
jr_verify_is_torn(const char *part, size_t len)
{
    json_t  *value;

    if (memcmp(part, jr_record, len < JR_RECORD_LEN ? len : JR_RECORD_LEN)
        != 0)
    {
        return 0;
    }

    /* whole is whatever closes its braces: a name twice or a NUL in a string
       is not a record cut short */

    value = json_loadb(part, len, JSON_ALLOW_NUL, NULL);
    json_decref(value);

    return value == NULL;
}


static void
jr_verify_at(jr_verify_t *v, const jr_chain_link_t *link,
    jr_verify_kind_e kind)
{
    jr_verify_finding_t  finding;

    memset(&finding, 0, sizeof(jr_verify_finding_t));

    finding.place = v->place;

    if (link != NULL) {
        finding.chain = link->id;
        finding.seq = link->seq;
        finding.lost = link->lost;
    }

    jr_verify_found(v, &finding, kind);
}


void
jr_verify_found(jr_verify_t *v, jr_verify_finding_t *finding,
    jr_verify_kind_e kind)
{
    finding->kind = kind;
    v->count.found[kind]++;

    v->report(v->data, finding);
}


jr_status_e
jr_verify_end(jr_verify_t *verify)
{
    jr_verify_chains_end(verify);
    jr_verify_attempts_end(verify);

    return JR_OK;
}


const jr_verify_count_t *
jr_verify_count(const jr_verify_t *verify)
{
    return &verify->count;
}


void
jr_verify_free(jr_verify_t *verify)
{
    if (verify != NULL) {
        jr_verify_chains_free(verify);
        jr_verify_attempts_free(verify);
        free(verify);
    }
}
