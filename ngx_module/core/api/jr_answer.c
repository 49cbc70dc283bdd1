/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Encoding and decoding of kept answers.
 */

#include "jr_answer.h"
#include "jr_decimal.h"
#include "jr_run.h"


/* status and two lengths, each with what follows it */
#define JR_ANSWER_FIRST  (4 + 21 + 21)


static const jr_str_t  jr_answer_names[] = {
    jr_str("content-type"),
    jr_str("content-encoding"),
    jr_str("content-location"),
    jr_str("etag"),
    jr_str("location"),
    jr_str("opc-work-request-id"),
    jr_str("opc-request-id")
};

_Static_assert(sizeof(jr_answer_names) / sizeof(jr_answer_names[0])
               == JR_ANSWER_HEADERS, "a name for each header");


static int jr_answer_number(jr_str_t *rest, char end, size_t *value);
static jr_status_e jr_answer_headers(jr_str_t rest, jr_answer_t *answer);


jr_str_t
jr_answer_header_name(jr_answer_header_e header)
{
    return jr_answer_names[header];
}


size_t
jr_answer_size(const jr_answer_t *answer)
{
    size_t  i, size;

    size = JR_ANSWER_FIRST + answer->body.len + 1;

    for (i = 0; i < JR_ANSWER_HEADERS; i++) {
        size += jr_answer_names[i].len + answer->headers[i].len + 3;
    }

    return size;
}


jr_status_e
jr_answer_encode(const jr_answer_t *answer, char *dst, size_t *len)
{
    char    *p;
    size_t   i, headers;

    headers = 0;

    for (i = 0; i < JR_ANSWER_HEADERS; i++) {

        if (answer->headers[i].data == NULL) {
            continue;
        }

        if (!jr_answer_storable(answer->headers[i])) {
            return JR_INVALID;
        }

        headers += jr_answer_names[i].len + answer->headers[i].len + 3;
    }

    p = jr_decimal(dst, answer->status);
    *p++ = ' ';
    p = jr_decimal(p, headers);
    *p++ = ' ';
    p = jr_decimal(p, answer->body.len);
    *p++ = '\n';

    for (i = 0; i < JR_ANSWER_HEADERS; i++) {

        if (answer->headers[i].data == NULL) {
            continue;
        }

        memcpy(p, jr_answer_names[i].data, jr_answer_names[i].len);
        p += jr_answer_names[i].len;
        *p++ = ':';
        *p++ = ' ';
        memcpy(p, answer->headers[i].data, answer->headers[i].len);
        p += answer->headers[i].len;
        *p++ = '\n';
    }

    if (answer->body.len) {
        memcpy(p, answer->body.data, answer->body.len);
        p += answer->body.len;
    }

    *len = p - dst;

    return JR_OK;
}


jr_status_e
jr_answer_decode(jr_str_t value, jr_answer_t *answer)
{
    size_t       status, headers, body;
    jr_str_t     rest;
    jr_answer_t  read;
    jr_status_e  rc;

    rest = value;

    if (!jr_answer_number(&rest, ' ', &status)
        || !jr_answer_number(&rest, ' ', &headers)
        || !jr_answer_number(&rest, '\n', &body)
        || status < 200 || status > 299
        || headers > rest.len || body != rest.len - headers)
    {
        return JR_INVALID;
    }

    read.status = (unsigned) status;
    read.body.data = rest.data + headers;
    read.body.len = body;

    rest.len = headers;

    rc = jr_answer_headers(rest, &read);

    if (rc == JR_OK) {
        *answer = read;
    }

    return rc;
}


static jr_status_e
jr_answer_headers(jr_str_t rest, jr_answer_t *answer)
{
    size_t       i;
    jr_str_t     line;
    const char  *end;

    memset(answer->headers, 0, sizeof(answer->headers));

    while (rest.len) {

        end = memchr(rest.data, '\n', rest.len);
        if (end == NULL) {
            return JR_INVALID;
        }

        line.data = rest.data;
        line.len = end - rest.data;

        rest.data = end + 1;
        rest.len -= line.len + 1;

        for (i = 0; i < JR_ANSWER_HEADERS; i++) {
            if (line.len >= jr_answer_names[i].len + 2
                && memcmp(line.data, jr_answer_names[i].data,
                          jr_answer_names[i].len) == 0
                && memcmp(line.data + jr_answer_names[i].len, ": ", 2) == 0)
            {
                break;
            }
        }

        /* a header that a later release keeps: not ours to send */

        if (i == JR_ANSWER_HEADERS) {
            continue;
        }

        if (answer->headers[i].data != NULL) {
            return JR_INVALID;
        }

        answer->headers[i].data = line.data + jr_answer_names[i].len + 2;
        answer->headers[i].len = line.len - jr_answer_names[i].len - 2;

        if (!jr_answer_storable(answer->headers[i])) {
            return JR_INVALID;
        }
    }

    return JR_OK;
}


/* a value that ends its line would add headers of its own (RFC 9110, 5.5) */

int
jr_answer_storable(jr_str_t value)
{
    size_t         i;
    unsigned char  c;

    for (i = 0; i < value.len; i++) {

        i += jr_run_ascii(value.data + i, value.len - i, 1);
        if (i == value.len) {
            break;
        }

        c = (unsigned char) value.data[i];

        if ((c < 0x20 && c != '\t') || c == 0x7f) {
            return 0;
        }
    }

    return 1;
}


static int
jr_answer_number(jr_str_t *rest, char end, size_t *value)
{
    size_t  i, n;

    n = 0;

    for (i = 0; i < rest->len && i < 10; i++) {

        if (rest->data[i] == end && i > 0) {
            rest->data += i + 1;
            rest->len -= i + 1;
            *value = n;
            return 1;
        }

        if (rest->data[i] < '0' || rest->data[i] > '9') {
            return 0;
        }

        n = n * 10 + (rest->data[i] - '0');
    }

    return 0;
}
