/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Rules of header values against lines.
 */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include <cmocka.h>

#include "jr_header.h"
#include "lib_rules.h"


typedef enum {
    HEADER_TOKEN,
    HEADER_ID,
    HEADER_RECENT,
    HEADER_TYPE,
    HEADER_ENCODING,
    HEADER_OTHER
} header_e;


static const char *const  header_names[] = {
    "opc-retry-token", "opc-request-id", "should-update-recent",
    "content-type", "content-encoding"
};


static header_e header_of(const char *name);
static jr_str_t header_latin1(const json_t *text, char *buf, size_t size);
static jr_status_e header_check(header_e header, jr_str_t value,
    const char **what);


void
rule_header(corpus_t *corpus, const json_t *line, const char *text,
    size_t len, void *data)
{
    char           buf[8192];
    size_t         i, known;
    unsigned       seen;
    header_e       header;
    jr_str_t       value;
    const char    *name, *what, *status;
    const json_t  *headers, *pair;

    (void) text;
    (void) len;
    (void) data;

    assert_non_null(line);

    headers = json_object_get(line, "headers");
    status = "2xx";
    what = "accepted";
    known = 0;
    seen = 0;

    for (i = 0; i < json_array_size(headers); i++) {
        pair = json_array_get(headers, i);
        name = json_string_value(json_array_get(pair, 0));
        header = header_of(name + (name[0] == '-'));

        if (header == HEADER_OTHER) {
            continue;
        }

        known++;
        value = header_latin1(json_array_get(pair, 1), buf, sizeof(buf));

        /* as the handler has it: "-Name" is a header that is not there */

        if (name[0] == '-' || seen & 1u << header
            || header_check(header, jr_header_trim(value), &what) != JR_OK)
        {
            status = header >= HEADER_TYPE ? "415" : "400";
        }

        seen |= 1u << header;
    }

    if (known == 0) {
        corpus_outside(corpus);
        return;
    }

    corpus_count(corpus, strstr(line_string(line, "status"), status) != NULL,
                 line_string(line, "id"), what);
}


static header_e
header_of(const char *name)
{
    int  i;

    for (i = 0; i < HEADER_OTHER; i++) {
        if (strcasecmp(name, header_names[i]) == 0) {
            break;
        }
    }

    return (header_e) i;
}


/* the bytes of a value whose characters are latin-1 */

static jr_str_t
header_latin1(const json_t *text, char *buf, size_t size)
{
    size_t                i, n, len;
    const unsigned char  *p;

    p = (const unsigned char *) json_string_value(text);
    len = json_string_length(text);
    n = 0;

    assert_true(len < size);

    for (i = 0; i < len; i++) {
        if (p[i] < 0x80) {
            buf[n++] = (char) p[i];

        } else {
            assert_true(p[i] <= 0xc3 && i + 1 < len);
            buf[n++] = (char) ((p[i] & 0x3) << 6 | (p[i + 1] & 0x3f));
            i++;
        }
    }

    return (jr_str_t) { n, buf };
}


static jr_status_e
header_check(header_e header, jr_str_t value, const char **what)
{
    int  flag;

    switch (header) {

    case HEADER_TOKEN:
        return jr_header_retry_token(value, what);

    case HEADER_ID:
        return jr_header_request_id(value, JR_REQUEST_ID_STRICT, what);

    case HEADER_RECENT:
        return jr_header_boolean(value, &flag, what);

    case HEADER_TYPE:
        return jr_header_content_type(value, what);

    default:
        /* no encoding of a body is understood */
        return JR_INVALID;
    }
}


void
rule_string(corpus_t *corpus, const json_t *line, const char *text,
    size_t len, void *data)
{
    int            token, id;
    jr_str_t       value;
    const char    *what;
    const json_t  *s;

    (void) text;
    (void) len;
    (void) data;

    assert_non_null(line);

    s = json_object_get(line, "s");
    value.data = json_string_value(s);
    value.len = json_string_length(s);

    if (value.len != jr_header_trim(value).len) {
        /* blanks around a value never are part of it */
        corpus_outside(corpus);
        return;
    }

    what = "accepted";

    token = jr_header_retry_token(value, &what) == JR_OK;
    id = jr_header_request_id(value, JR_REQUEST_ID_STRICT, &what) == JR_OK;

    corpus_count(corpus,
                 token == json_is_true(json_object_get(line,
                                                       "retry_token_ok"))
                 && id == json_is_true(json_object_get(line,
                                                       "request_id_ok")),
                 value.data, what);
}
