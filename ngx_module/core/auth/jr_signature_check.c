/* SPDX-License-Identifier: BSD-2-Clause
 *
 * What of a signed request is right or wrong without a key, in the order of
 * cost: names, what was sent, the date, the other values.
 */

#include "jr_base64.h"
#include "jr_decimal.h"
#include "jr_http_date.h"
#include "jr_signature.h"


static jr_auth_reason_e jr_signature_check_names(const jr_signature_t *s,
    const jr_signature_request_t *rq, jr_auth_failure_t *failure);
static jr_auth_reason_e jr_signature_check_sent(jr_signature_t *s,
    jr_auth_failure_t *failure);
static jr_auth_reason_e jr_signature_check_date(const jr_signature_t *s,
    int64_t now, int64_t skew, jr_auth_failure_t *failure);
static jr_auth_reason_e jr_signature_check_values(jr_signature_t *s,
    const jr_signature_request_t *rq, jr_auth_failure_t *failure);
static int jr_signature_breaks(jr_str_t text);


jr_auth_reason_e
jr_signature_check(jr_signature_t *s, const jr_signature_request_t *rq,
    int64_t now, int64_t skew, jr_auth_failure_t *failure)
{
    if (jr_signature_check_names(s, rq, failure) != JR_AUTH_OK
        || jr_signature_check_sent(s, failure) != JR_AUTH_OK
        || jr_signature_check_date(s, now, skew, failure) != JR_AUTH_OK)
    {
        return failure->reason;
    }

    return jr_signature_check_values(s, rq, failure);
}


static jr_auth_reason_e
jr_signature_check_names(const jr_signature_t *s,
    const jr_signature_request_t *rq, jr_auth_failure_t *failure)
{
    size_t                 i, n;
    jr_signature_header_e  date;

    static const jr_signature_header_e  needed[] = {
        JR_SIGNATURE_TARGET, JR_SIGNATURE_HOST, JR_SIGNATURE_CONTENT_LENGTH,
        JR_SIGNATURE_CONTENT_TYPE, JR_SIGNATURE_CONTENT_SHA256
    };

    n = rq->body ? sizeof(needed) / sizeof(needed[0]) : 2;

    for (i = 0; i < n; i++) {
        if (!s->signs[needed[i]]) {
            return jr_auth_reason_fail(failure, JR_AUTH_NOT_SIGNED,
                                       jr_signature_headers[needed[i]].data);
        }
    }

    /* where both are sent, the service goes by x-date */

    date = s->sent[JR_SIGNATURE_X_DATE] || s->signs[JR_SIGNATURE_X_DATE]
           ? JR_SIGNATURE_X_DATE : JR_SIGNATURE_DATE;

    if (!s->signs[date]) {
        return jr_auth_reason_fail(failure, JR_AUTH_NOT_SIGNED,
                                   jr_signature_headers[date].data);
    }

    return JR_AUTH_OK;
}


/* Each signed header was sent, the known ones once.  Of dates also one that is
   not signed: nobody is to wonder which of two counts. */

static jr_auth_reason_e
jr_signature_check_sent(jr_signature_t *s, jr_auth_failure_t *failure)
{
    unsigned                    i;
    const jr_signature_line_t  *line;

    for (i = JR_SIGNATURE_HOST; i < JR_SIGNATURE_KNOWN; i++) {

        if (s->sent[i] > 1
            && (s->signs[i] || i == JR_SIGNATURE_DATE
                || i == JR_SIGNATURE_X_DATE))
        {
            return jr_auth_reason_fail(failure, JR_AUTH_MALFORMED,
                                       jr_signature_headers[i].data);
        }
    }

    if (s->excess) {
        return jr_auth_reason_fail(failure, JR_AUTH_MALFORMED,
                                   "too many signed headers");
    }

    for (i = 0; i < s->nlines; i++) {
        line = &s->lines[i];

        if (line->first || line->header == JR_SIGNATURE_TARGET) {
            continue;
        }

        if (line->header != JR_SIGNATURE_CONTENT_LENGTH) {
            return jr_auth_reason_fail(failure, JR_AUTH_NOT_SENT,
                                       line->name.data);
        }

        s->waits = 1;
    }

    return JR_AUTH_OK;
}


static jr_auth_reason_e
jr_signature_check_date(const jr_signature_t *s, int64_t now, int64_t skew,
    jr_auth_failure_t *failure)
{
    int64_t                date;
    jr_signature_header_e  header;

    header = s->signs[JR_SIGNATURE_X_DATE] ? JR_SIGNATURE_X_DATE
                                           : JR_SIGNATURE_DATE;

    if (jr_http_date_read(s->known[header], &date) != JR_OK) {
        return jr_auth_reason_fail(failure, JR_AUTH_MALFORMED,
                                   jr_signature_headers[header].data);
    }

    if (date < now - skew || date > now + skew) {
        failure->date = date;
        failure->now = now;
        failure->skew = skew;

        return jr_auth_reason_fail(failure, JR_AUTH_SKEW, "");
    }

    return JR_AUTH_OK;
}


static jr_auth_reason_e
jr_signature_check_values(jr_signature_t *s, const jr_signature_request_t *rq,
    jr_auth_failure_t *failure)
{
    size_t    len;
    unsigned  i;

    if (rq->method.len == 0 || rq->method.len > JR_SIGNATURE_METHOD
        || jr_signature_breaks(rq->method))
    {
        return jr_auth_reason_fail(failure, JR_AUTH_MALFORMED, "method");
    }

    if (rq->target.len == 0 || jr_signature_breaks(rq->target)) {
        return jr_auth_reason_fail(failure, JR_AUTH_MALFORMED,
                                   "request target");
    }

    /* a line end would make of one signed line two */

    for (i = 0; i < s->nvalues; i++) {
        if (jr_signature_breaks(s->values[i].text)) {
            return jr_auth_reason_fail(failure, JR_AUTH_MALFORMED,
                                       "line end in a header");
        }
    }

    if (s->sent[JR_SIGNATURE_CONTENT_LENGTH]
        && s->signs[JR_SIGNATURE_CONTENT_LENGTH]
        && jr_decimal_read(s->known[JR_SIGNATURE_CONTENT_LENGTH], INT64_MAX,
                           &s->body.length)
           != JR_OK)
    {
        return jr_auth_reason_fail(failure, JR_AUTH_MALFORMED,
                                   "content-length");
    }

    if (rq->body
        && (jr_base64_decode(s->known[JR_SIGNATURE_CONTENT_SHA256],
                             JR_BASE64_PADDED, s->body.digest.bytes,
                             sizeof(s->body.digest.bytes), &len)
            != JR_OK
            || len != sizeof(s->body.digest.bytes)))
    {
        return jr_auth_reason_fail(failure, JR_AUTH_MALFORMED,
                                   "x-content-sha256");
    }

    if (jr_base64_decode(s->encoded, JR_BASE64_PADDED, s->signature,
                         sizeof(s->signature), &s->signature_len)
        != JR_OK)
    {
        return jr_auth_reason_fail(failure, JR_AUTH_MALFORMED, "signature");
    }

    return JR_AUTH_OK;
}


static int
jr_signature_breaks(jr_str_t text)
{
    return text.len && (memchr(text.data, '\n', text.len) != NULL
                        || memchr(text.data, '\r', text.len) != NULL
                        || memchr(text.data, '\0', text.len) != NULL);
}
