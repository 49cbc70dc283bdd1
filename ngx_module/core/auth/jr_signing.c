/* SPDX-License-Identifier: BSD-2-Clause
 *
 * What was signed.
 */

#include "jr_decimal.h"
#include "jr_signing.h"


/* gathered so that most requests are one or two pieces to libcrypto */
#define JR_SIGNING_GATHER  1024


typedef struct {
    jr_hasher_t  *hasher;
    size_t        len;
    char          text[JR_SIGNING_GATHER];
} jr_signing_gather_t;


static jr_status_e jr_signing_target(const jr_signature_request_t *rq,
    jr_signing_put_pt put, void *data);
static jr_str_t jr_signing_origin(jr_str_t target);
static jr_status_e jr_signing_gather(void *data, const char *text,
    size_t len);


jr_status_e
jr_signing_line(const jr_signature_t *s, const jr_signature_request_t *rq,
    unsigned i, int64_t length, jr_signing_put_pt put, void *data)
{
    char                        number[JR_DECIMAL_LEN];
    unsigned                    v;
    jr_status_e                 rc;
    const jr_signature_line_t  *line;

    line = &s->lines[i];

    rc = put(data, line->name.data, line->name.len);

    if (rc == JR_OK) {
        rc = put(data, ": ", 2);
    }

    if (rc != JR_OK) {
        return rc;
    }

    if (line->header == JR_SIGNATURE_TARGET) {
        return jr_signing_target(rq, put, data);
    }

    if (line->first == 0) {
        return put(data, number,
                   (size_t) (jr_decimal(number, (uint64_t) length) - number));
    }

    for (v = line->first; v && rc == JR_OK; v = s->values[v - 1].next) {

        if (v != line->first) {
            rc = put(data, ", ", 2);
        }

        if (rc == JR_OK && s->values[v - 1].text.len) {
            rc = put(data, s->values[v - 1].text.data,
                     s->values[v - 1].text.len);
        }
    }

    return rc;
}


static jr_status_e
jr_signing_target(const jr_signature_request_t *rq,
    jr_signing_put_pt put, void *data)
{
    char         method[JR_SIGNATURE_METHOD + 1];
    size_t       i;
    jr_str_t     target;
    jr_status_e  rc;

    for (i = 0; i < rq->method.len && i < JR_SIGNATURE_METHOD; i++) {
        method[i] = rq->method.data[i] >= 'A' && rq->method.data[i] <= 'Z'
                    ? (char) (rq->method.data[i] | 0x20) : rq->method.data[i];
    }

    method[i++] = ' ';

    rc = put(data, method, i);

    target = jr_signing_origin(rq->target);

    if (rc == JR_OK
        && (target.len == 0
            || (target.data[0] != '/' && target.data[0] != '*')))
    {
        rc = put(data, "/", 1);
    }

    return rc == JR_OK && target.len ? put(data, target.data, target.len)
                                     : rc;
}


/* of "https://host:port/path?query" what is behind the port */

static jr_str_t
jr_signing_origin(jr_str_t target)
{
    size_t  i;

    static const char  mark[] = "://";

    if (target.data[0] == '/') {
        return target;
    }

    for (i = 0; i < target.len && target.data[i] != ':'; i++) {
        if (target.data[i] == '/' || target.data[i] == '?') {
            return target;
        }
    }

    if (target.len - i < sizeof(mark) - 1
        || memcmp(target.data + i, mark, sizeof(mark) - 1) != 0)
    {
        return target;
    }

    for (i += sizeof(mark) - 1; i < target.len; i++) {
        if (target.data[i] == '/' || target.data[i] == '?') {
            break;
        }
    }

    target.data += i;
    target.len -= i;

    return target;
}


jr_status_e
jr_signing_digest(const jr_signature_t *s, const jr_signature_request_t *rq,
    int64_t length, jr_digest_t *md)
{
    unsigned               i;
    jr_status_e            rc;
    jr_signing_gather_t  gather;

    rc = jr_digest_begin(&gather.hasher);

    if (rc != JR_OK) {
        return rc;
    }

    gather.len = 0;

    for (i = 0; i < s->nlines && rc == JR_OK; i++) {

        if (i) {
            rc = jr_signing_gather(&gather, "\n", 1);
        }

        if (rc == JR_OK) {
            rc = jr_signing_line(s, rq, i, length, jr_signing_gather,
                                   &gather);
        }
    }

    if (rc == JR_OK) {
        rc = jr_digest_update(gather.hasher, gather.text, gather.len);
    }

    if (rc != JR_OK) {
        jr_digest_abort(gather.hasher);
        return rc;
    }

    return jr_digest_final(gather.hasher, md);
}


static jr_status_e
jr_signing_gather(void *data, const char *text, size_t len)
{
    jr_status_e             rc;
    jr_signing_gather_t  *gather;

    gather = data;

    if (len <= sizeof(gather->text) - gather->len) {
        memcpy(gather->text + gather->len, text, len);
        gather->len += len;
        return JR_OK;
    }

    rc = jr_digest_update(gather->hasher, gather->text, gather->len);
    gather->len = 0;

    return rc == JR_OK ? jr_digest_update(gather->hasher, text, len) : rc;
}
