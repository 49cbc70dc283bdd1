/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Numbers of JSON text (RFC 8259, section 6).
 *
 * An integer is an int64 and a real a finite double; whatever fits neither
 * is refused, because one parser would round it, another clamp it and a
 * third keep it.
 */

#include <float.h>
#include <locale.h>
#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "jr_json_number.h"
#include "jr_text.h"


/* longest real that needs no memory of its own */
#define JR_JSON_REAL  64


static size_t jr_json_digits(jr_json_parser_t *p);
static jr_status_e jr_json_integer(jr_json_parser_t *p,
    const unsigned char *begin, jr_value_t *value);
static jr_status_e jr_json_real(jr_json_parser_t *p,
    const unsigned char *begin, jr_value_t *value);
static jr_status_e jr_json_written(jr_json_parser_t *p,
    const unsigned char *begin, double d, jr_value_t *value);
static double jr_json_convert(const char *data, size_t len, char *buf);
static jr_status_e jr_json_out_of_range(jr_json_parser_t *p,
    const unsigned char *begin, const char *rule, jr_value_t *value);


jr_status_e
jr_json_number(jr_json_parser_t *p, jr_value_t *value)
{
    int                   real;
    const unsigned char  *begin, *digits;

    begin = p->pos;

    if (*p->pos == '-') {
        p->pos++;
    }

    digits = p->pos;

    if (jr_json_digits(p) == 0) {
        return jr_json_token_unexpected(p, "a digit");
    }

    if (*digits == '0' && p->pos - digits > 1) {
        return jr_json_token_fail(p, begin, "number with a leading zero");
    }

    real = 0;

    if (p->pos < p->end && *p->pos == '.') {
        real = 1;
        p->pos++;

        if (jr_json_digits(p) == 0) {
            return jr_json_token_unexpected(p, "a digit");
        }
    }

    if (p->pos < p->end && (*p->pos == 'e' || *p->pos == 'E')) {
        real = 1;
        p->pos++;

        if (p->pos < p->end && (*p->pos == '+' || *p->pos == '-')) {
            p->pos++;
        }

        if (jr_json_digits(p) == 0) {
            return jr_json_token_unexpected(p, "a digit");
        }
    }

    return real ? jr_json_real(p, begin, value)
                : jr_json_integer(p, begin, value);
}


static size_t
jr_json_digits(jr_json_parser_t *p)
{
    const unsigned char  *begin;

    begin = p->pos;

    while (p->pos < p->end && *p->pos >= '0' && *p->pos <= '9') {
        p->pos++;
    }

    return (size_t) (p->pos - begin);
}


static jr_status_e
jr_json_integer(jr_json_parser_t *p, const unsigned char *begin,
    jr_value_t *value)
{
    int64_t               n;
    uint64_t              limit, digit, sum;
    const unsigned char  *c;

    limit = *begin == '-' ? (uint64_t) INT64_MAX + 1 : (uint64_t) INT64_MAX;
    sum = 0;

    for (c = begin + (*begin == '-'); c < p->pos; c++) {
        digit = (uint64_t) (*c - '0');

        if (sum > (limit - digit) / 10) {
            return jr_json_out_of_range(p, begin, "must be a 64-bit integer"
                                        " (-9223372036854775808 to"
                                        " 9223372036854775807)", value);
        }

        sum = sum * 10 + digit;
    }

    /* -(INT64_MAX + 1) has no positive counterpart */

    n = *begin == '-' && sum > 0 ? -(int64_t) (sum - 1) - 1 : (int64_t) sum;

    value->kind = JR_KIND_INTEGER;
    value->len = 0;
    value->u.integer = n;

    return JR_OK;
}


static jr_status_e
jr_json_real(jr_json_parser_t *p, const unsigned char *begin, jr_value_t *value)
{
    char          buf[JR_JSON_REAL], *mem;
    size_t        len, size;
    double        d;

    len = (size_t) (p->pos - begin);
    size = len + strlen(localeconv()->decimal_point) + 1;
    mem = NULL;

    if (size > sizeof(buf)) {
        mem = malloc(size);
        if (mem == NULL) {
            return jr_json_token_no_memory(p);
        }
    }

    d = jr_json_convert((const char *) begin, len, mem ? mem : buf);

    free(mem);

    if (!isfinite(d)) {
        return jr_json_out_of_range(p, begin, "must be a double-precision"
                                    " number (to about 1.8e308)", value);
    }

    value->kind = JR_KIND_REAL;
    value->len = 0;
    value->u.real = d;

    /* up to DBL_DIG digits come back from a double, but near its limits */

    if (len <= DBL_DIG && ((d > 1e-290 && d < 1e290)
                           || (d < -1e-290 && d > -1e290)))
    {
        return JR_OK;
    }

    return jr_json_written(p, begin, d, value);
}


/* keeps the text, too, where a string would be kept */

static jr_status_e
jr_json_written(jr_json_parser_t *p, const unsigned char *begin, double d,
    jr_value_t *value)
{
    char            *text;
    jr_real_text_t  *written;

    written = jr_arena_alloc(p->arena, sizeof(jr_real_text_t));
    if (written == NULL) {
        return jr_json_token_no_memory(p);
    }

    text = p->copy + (begin - p->start);

    written->real = d;
    written->len = (size_t) (p->pos - begin);
    written->text = memcpy(text, begin, written->len);

    value->len = 1;
    value->u.written = written;

    return JR_OK;
}


/* strtod() wants a NUL and the decimal point of the locale, which another
   module in the same process may have set */

static double
jr_json_convert(const char *data, size_t len, char *buf)
{
    char        *dst;
    size_t       head;
    const char  *dot, *point;

    dot = memchr(data, '.', len);

    if (dot == NULL) {
        memcpy(buf, data, len);
        buf[len] = '\0';

        return strtod(buf, NULL);
    }

    head = (size_t) (dot - data);
    point = localeconv()->decimal_point;

    memcpy(buf, data, head);
    dst = buf + head;

    while (*point != '\0') {
        *dst++ = *point++;
    }

    memcpy(dst, dot + 1, len - head - 1);
    dst[len - head - 1] = '\0';

    return strtod(buf, NULL);
}


/* The number from begin to p->pos, as it is where that is wanted, or an
   error. */

static jr_status_e
jr_json_out_of_range(jr_json_parser_t *p, const unsigned char *begin,
    const char *rule, jr_value_t *value)
{
    char       *dst, buf[JR_JSON_ERROR_TEXT];
    size_t      len;
    jr_text_t   t;

    len = (size_t) (p->pos - begin);

    if (p->any_number) {

        /* one more than is shown, so that a message tells it was cut */

        len = len > JR_TEXT_FOUND ? JR_TEXT_FOUND + 1 : len;

        dst = p->copy + (begin - p->start);
        memcpy(dst, begin, len);
        dst[len] = '\0';

        value->kind = JR_KIND_OUT_OF_RANGE;
        value->len = (uint32_t) len;
        value->u.text = dst;

        return JR_OK;
    }

    jr_text_init(&t, buf, sizeof(buf));
    jr_place_write(&t, p->place);

    p->err->range = 1;
    p->err->pointer = (size_t) (t.pos - t.start);

    jr_text_str(&t, p->err->pointer ? ": " : "the request body: ");
    jr_text_str(&t, rule);
    jr_text_str(&t, ", found ");
    jr_text_escape(&t, (const char *) begin, len, JR_TEXT_FOUND, 0);

    return jr_json_token_fail(p, begin, buf);
}
