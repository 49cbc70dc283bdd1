/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Attempts: a record ".begin" and a record ".end" with the same attempt's
 * id.  An attempt is forgotten once both were seen, in whatever order the
 * files came.
 */

/* twalk_r(), tdestroy() */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif

#include <search.h>
#include <stdlib.h>
#include <string.h>

#include "jr_verify_state.h"


static void jr_verify_attempt_report(const void *node, VISIT which,
    void *data);
static int jr_verify_attempt_compare(const void *one, const void *two);
static void jr_verify_attempt_fill(jr_verify_attempt_t *attempt,
    jr_verify_t *v, const jr_chain_link_t *link, jr_str_t time,
    jr_str_t request_id);


jr_status_e
jr_verify_attempt_add(jr_verify_t *v, const char *line, size_t len,
    const jr_chain_link_t *link, int placed)
{
    void                 *node;
    jr_str_t              id, time, request_id;
    unsigned              ended;
    jr_verify_attempt_t  *attempt;

    static const char  begin[] = JR_CHAIN_RECORD
                        "com.oraclecloud.aidataplatform.CreateJobRun.begin\"";
    static const char  end[] = JR_CHAIN_RECORD
                        "com.oraclecloud.aidataplatform.CreateJobRun.end\"";

    if (len > sizeof(begin)
        && memcmp(line, begin, sizeof(begin) - 1) == 0)
    {
        ended = 0;
        v->count.begun++;

    } else if (len > sizeof(end) && memcmp(line, end, sizeof(end) - 1) == 0) {
        ended = 1;
        v->count.ended++;

    } else {
        return JR_OK;
    }

    id = jr_verify_member(line, len, "eventGroupingId");

    if (id.len != JR_CHAIN_ID) {
        return JR_OK;
    }

    node = tfind(id.data, &v->attempts, jr_verify_attempt_compare);

    if (node != NULL) {
        attempt = *(jr_verify_attempt_t **) node;

        if (attempt->ended != ended) {
            (void) tdelete(attempt, &v->attempts, jr_verify_attempt_compare);
            free(attempt);
        }

        return JR_OK;
    }

    if (!placed) {
        return JR_OK;
    }

    request_id = jr_verify_member(line, len, "request\":{\"id");
    time = jr_verify_member(line, len, "eventTime");

    if (request_id.len > JR_VERIFY_ID) {
        request_id.len = JR_VERIFY_ID;
    }

    attempt = malloc(sizeof(jr_verify_attempt_t) + request_id.len);
    if (attempt == NULL) {
        return JR_NO_MEMORY;
    }

    memcpy(attempt->id, id.data, JR_CHAIN_ID);
    attempt->ended = ended;
    jr_verify_attempt_fill(attempt, v, link, time, request_id);

    if (tsearch(attempt, &v->attempts, jr_verify_attempt_compare) == NULL) {
        free(attempt);
        return JR_NO_MEMORY;
    }

    return JR_OK;
}


static void
jr_verify_attempt_fill(jr_verify_attempt_t *attempt, jr_verify_t *v,
    const jr_chain_link_t *link, jr_str_t time, jr_str_t request_id)
{
    attempt->place = v->place;
    attempt->seq = link->seq;
    memcpy(attempt->chain, link->id.data, JR_CHAIN_ID);

    attempt->time_len = time.len < JR_VERIFY_TIME ? time.len
                                                  : JR_VERIFY_TIME;
    attempt->request_id_len = request_id.len;

    if (attempt->time_len) {
        memcpy(attempt->time, time.data, attempt->time_len);
    }

    if (request_id.len) {
        memcpy(attempt->request_id, request_id.data, request_id.len);
    }
}


static int
jr_verify_attempt_compare(const void *one, const void *two)
{
    return memcmp(one, two, JR_CHAIN_ID);
}


void
jr_verify_attempts_end(jr_verify_t *v)
{
    twalk_r(v->attempts, jr_verify_attempt_report, v);
}


static void
jr_verify_attempt_report(const void *node, VISIT which, void *data)
{
    jr_verify_t          *v;
    jr_verify_attempt_t  *attempt;
    jr_verify_finding_t   finding;

    if (which != postorder && which != leaf) {
        return;
    }

    v = data;
    attempt = *(jr_verify_attempt_t *const *) node;

    if (attempt->ended && v->partial) {
        /* it may have begun in a file that is not given */
        return;
    }

    memset(&finding, 0, sizeof(jr_verify_finding_t));

    finding.place = attempt->place;
    finding.chain = (jr_str_t) { JR_CHAIN_ID, attempt->chain };
    finding.seq = attempt->seq;
    finding.attempt = (jr_str_t) { JR_CHAIN_ID, attempt->id };
    finding.time = (jr_str_t) { attempt->time_len, attempt->time };
    finding.request_id = (jr_str_t) { attempt->request_id_len,
                                      attempt->request_id };

    jr_verify_found(v, &finding, attempt->ended ? JR_VERIFY_UNBEGUN
                                                : JR_VERIFY_UNENDED);
}


void
jr_verify_attempts_free(jr_verify_t *v)
{
    tdestroy(v->attempts, free);
}


/* records are written without blanks, and a quote inside a string is
   escaped, so the text of a member stands nowhere else */

jr_str_t
jr_verify_member(const char *line, size_t len, const char *name)
{
    size_t       n;
    const char  *p, *end, *from;

    end = line + len;
    n = strlen(name);

    for (from = line;
         (p = jr_chain_find(from, end - from, name, n)) != NULL;
         from = p + 1)
    {
        if (p > line && p[-1] == '"' && end - p > (ptrdiff_t) n + 3
            && memcmp(p + n, "\":\"", 3) == 0)
        {
            p += n + 3;

            for (from = p; p < end && *p != '"'; p++) {
                if (*p == '\\') {
                    p++;
                }
            }

            if (p >= end) {
                break;
            }

            return (jr_str_t) { (size_t) (p - from), from };
        }
    }

    return (jr_str_t) { 0, NULL };
}
