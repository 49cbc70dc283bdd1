/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Strings, blanks and errors of JSON text (RFC 8259, sections 2 and 7).
 */

#include <stdint.h>
#include <string.h>

#include "jr_json_token.h"
#include "jr_run.h"
#include "jr_text.h"
#include "jr_utf8.h"


static jr_status_e jr_json_scan(jr_json_parser_t *p, int *escapes);
static jr_status_e jr_json_escape(jr_json_parser_t *p);
static jr_status_e jr_json_surrogates(jr_json_parser_t *p,
    const unsigned char *at, uint32_t high);
static int jr_json_hex4(const unsigned char *p, const unsigned char *end,
    uint32_t *cp);
static size_t jr_json_unescape(const unsigned char *p,
    const unsigned char *end, char *dst);


jr_status_e
jr_json_token_string(jr_json_parser_t *p, jr_value_t *value)
{
    int                   escapes;
    char                 *dst;
    size_t                len;
    jr_status_e           rc;
    const unsigned char  *begin;

    begin = p->pos + 1;

    rc = jr_json_scan(p, &escapes);
    if (rc != JR_OK) {
        return rc;
    }

    dst = p->copy + (begin - p->start);
    len = (size_t) (p->pos - 1 - begin);

    if (escapes) {
        len = jr_json_unescape(begin, p->pos - 1, dst);

    } else {
        memcpy(dst, begin, len);
    }

    /* no further than the closing quotation mark */
    dst[len] = '\0';

    value->kind = JR_KIND_STRING;
    value->len = (uint32_t) len;
    value->u.text = dst;

    return JR_OK;
}


/* Checks a string and steps over it; says whether it holds escapes. */

static jr_status_e
jr_json_scan(jr_json_parser_t *p, int *escapes)
{
    size_t       n;
    jr_status_e  rc;

    *escapes = 0;
    p->pos++;

    while (p->pos < p->end) {

        p->pos += jr_run_ascii((const char *) p->pos,
                               (size_t) (p->end - p->pos), 0);
        if (p->pos == p->end) {
            break;
        }

        if (*p->pos == '"') {
            p->pos++;
            return JR_OK;
        }

        if (*p->pos == '\\') {
            *escapes = 1;

            rc = jr_json_escape(p);
            if (rc != JR_OK) {
                return rc;
            }

            continue;
        }

        if (*p->pos < 0x20) {
            return jr_json_token_fail(p, p->pos, *p->pos == '\0'
                                      ? "raw NUL byte in a string"
                                      : "control character in a string must be"
                                        " written as an escape");
        }

        n = jr_utf8_next(p->pos, p->end);
        if (n == 0) {
            return jr_json_token_fail(p, p->pos, "invalid UTF-8");
        }

        p->pos += n;
    }

    return jr_json_token_fail(p, p->pos, "unexpected end of the text, a string"
                              " is not closed");
}


static jr_status_e
jr_json_escape(jr_json_parser_t *p)
{
    uint32_t              cp;
    const unsigned char  *at;

    at = p->pos++;

    if (p->pos < p->end && *p->pos != '\0'
        && strchr("\"\\/bfnrt", *p->pos) != NULL)
    {
        p->pos++;
        return JR_OK;
    }

    if (p->pos == p->end || *p->pos != 'u') {
        return jr_json_token_fail(p, at, "invalid escape in a string");
    }

    if (!jr_json_hex4(p->pos + 1, p->end, &cp)) {
        return jr_json_token_fail(p, at, "\\u must be followed by four"
                                  " hexadecimal digits");
    }

    p->pos += 5;

    return jr_json_surrogates(p, at, cp);
}


/*
 * A surrogate must be the first of a pair: parsers turn a lone one into
 * different things, or into bytes that are no UTF-8.
 */

static jr_status_e
jr_json_surrogates(jr_json_parser_t *p, const unsigned char *at,
    uint32_t high)
{
    uint32_t  low;

    if (high < 0xd800 || high > 0xdfff) {
        return JR_OK;
    }

    if (high < 0xdc00
        && p->end - p->pos >= 6 && p->pos[0] == '\\' && p->pos[1] == 'u'
        && jr_json_hex4(p->pos + 2, p->end, &low)
        && low >= 0xdc00 && low <= 0xdfff)
    {
        p->pos += 6;
        return JR_OK;
    }

    return jr_json_token_fail(p, at, "lone surrogate in a string");
}


static int
jr_json_hex4(const unsigned char *p, const unsigned char *end, uint32_t *cp)
{
    int            i;
    unsigned char  c;

    if (end - p < 4) {
        return 0;
    }

    *cp = 0;

    for (i = 0; i < 4; i++) {
        c = p[i];

        if (c >= '0' && c <= '9') {
            c -= '0';

        } else if ((c | 0x20) >= 'a' && (c | 0x20) <= 'f') {
            c = (unsigned char) ((c | 0x20) - 'a' + 10);

        } else {
            return 0;
        }

        *cp = *cp << 4 | c;
    }

    return 1;
}


/* The text has been checked, so nothing can be wrong here. */

static size_t
jr_json_unescape(const unsigned char *p, const unsigned char *end, char *dst)
{
    char      *begin;
    uint32_t   cp, low;

    /* set by jr_json_hex4() always, which gcc 14 does not see */

    cp = 0;
    low = 0;
    begin = dst;

    while (p < end) {

        if (*p != '\\') {
            *dst++ = (char) *p++;
            continue;
        }

        p += 2;

        switch (p[-1]) {

        case 'b':
            *dst++ = '\b';
            break;

        case 'f':
            *dst++ = '\f';
            break;

        case 'n':
            *dst++ = '\n';
            break;

        case 'r':
            *dst++ = '\r';
            break;

        case 't':
            *dst++ = '\t';
            break;

        case 'u':
            (void) jr_json_hex4(p, end, &cp);
            p += 4;

            if (cp >= 0xd800 && cp <= 0xdbff) {
                (void) jr_json_hex4(p + 2, end, &low);
                p += 6;
                cp = 0x10000 + ((cp - 0xd800) << 10) + (low - 0xdc00);
            }

            dst += jr_utf8_encode(cp, dst);
            break;

        default:
            *dst++ = (char) p[-1];
        }
    }

    return (size_t) (dst - begin);
}


jr_status_e
jr_json_token_fail(jr_json_parser_t *p, const unsigned char *at,
    const char *text)
{
    jr_text_t             t;
    const unsigned char  *c;

    p->err->offset = (size_t) (at - p->start);
    p->err->line = 1;
    p->err->column = 1;

    for (c = p->start; c < at; c++) {
        p->err->column++;

        if (*c == '\n') {
            p->err->line++;
            p->err->column = 1;
        }
    }

    jr_text_init(&t, p->err->text, sizeof(p->err->text));
    jr_text_str(&t, text);

    return JR_INVALID;
}


jr_status_e
jr_json_token_unexpected(jr_json_parser_t *p, const char *expected)
{
    char           text[JR_JSON_ERROR_TEXT];
    jr_text_t      t;
    unsigned char  c;

    jr_text_init(&t, text, sizeof(text));
    jr_text_str(&t, "expected ");
    jr_text_str(&t, expected);

    if (p->pos == p->end) {
        jr_text_str(&t, ", found the end of the text");
        return jr_json_token_fail(p, p->pos, text);
    }

    c = *p->pos;

    if (c == '\0') {
        return jr_json_token_fail(p, p->pos, "raw NUL byte");
    }

    jr_text_str(&t, ", found ");

    if (c > 0x20 && c < 0x7f) {
        jr_text_str(&t, "'");
        jr_text_add(&t, (const char *) p->pos, 1);
        jr_text_str(&t, "'");

    } else {
        jr_text_str(&t, "byte ");
        jr_text_size(&t, c);
    }

    return jr_json_token_fail(p, p->pos, text);
}


jr_status_e
jr_json_token_no_memory(jr_json_parser_t *p)
{
    jr_text_t  t;

    jr_text_init(&t, p->err->text, sizeof(p->err->text));
    jr_text_str(&t, "out of memory");

    return JR_NO_MEMORY;
}
