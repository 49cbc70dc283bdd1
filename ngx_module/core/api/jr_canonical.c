/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Canonical text of a JSON value, in pieces as it comes.
 *
 * Recursion follows the nesting of the value, which jr_json_parse() bounds.
 */

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "jr_canonical.h"
#include "jr_decimal.h"
#include "jr_run.h"
#include "jr_text.h"
#include "jr_written.h"


/* members of an object that are sorted on the stack, by insertion */
#define JR_CANONICAL_FEW  16


/* Where the text goes: chunk collects small pieces; a full one is put. */
typedef struct {
    jr_canonical_put_pt   put;
    void                 *data;         /* of put */
    size_t                used;         /* of chunk */
    char                  chunk[1024];
} jr_sink_t;


static jr_status_e jr_canonical_value(jr_sink_t *s, const jr_value_t *value);
static jr_status_e jr_canonical_object(jr_sink_t *s, const jr_value_t *object);
static int jr_canonical_absent(const jr_value_t *value);
static void jr_canonical_sort(const jr_value_t **names, size_t n);
static jr_status_e jr_canonical_members(jr_sink_t *s,
    const jr_value_t **names, size_t n);
static jr_status_e jr_canonical_array(jr_sink_t *s, const jr_value_t *array);
static jr_status_e jr_canonical_string(jr_sink_t *s, const char *data,
    size_t len);
static jr_status_e jr_canonical_escape(jr_sink_t *s, char ch);
static jr_status_e jr_canonical_number(jr_sink_t *s, const jr_value_t *value);
static jr_status_e jr_canonical_real(jr_sink_t *s, const jr_value_t *value);
static jr_status_e jr_canonical_written(jr_sink_t *s, const jr_written_t *w);
static int jr_canonical_compare(const void *one, const void *two);
static inline jr_status_e jr_sink_put(jr_sink_t *s, const char *data,
    size_t len);
static jr_status_e jr_sink_put_full(jr_sink_t *s, const char *data,
    size_t len);
static jr_status_e jr_canonical_hash(void *data, const char *text, size_t len);


jr_status_e
jr_canonical_write(const jr_value_t *value, jr_canonical_put_pt put,
    void *data)
{
    jr_sink_t    sink;
    jr_status_e  rc;

    sink.put = put;
    sink.data = data;
    sink.used = 0;

    rc = jr_canonical_value(&sink, value);

    return rc == JR_OK ? put(data, sink.chunk, sink.used) : rc;
}


jr_status_e
jr_canonical_digest(const jr_value_t *value, jr_digest_t *md)
{
    jr_digest_t   digest;
    jr_hasher_t  *hasher;
    jr_status_e   rc;

    rc = jr_digest_begin(&hasher);
    if (rc != JR_OK) {
        return rc;
    }

    rc = jr_canonical_write(value, jr_canonical_hash, hasher);

    if (rc != JR_OK) {
        jr_digest_abort(hasher);
        return rc;
    }

    rc = jr_digest_final(hasher, &digest);
    if (rc == JR_OK) {
        *md = digest;
    }

    return rc;
}


static jr_status_e
jr_canonical_hash(void *data, const char *text, size_t len)
{
    return jr_digest_update(data, text, len);
}


static jr_status_e
jr_canonical_value(jr_sink_t *s, const jr_value_t *value)
{
    switch (value->kind) {

    case JR_KIND_OBJECT:
        return jr_canonical_object(s, value);

    case JR_KIND_ARRAY:
        return jr_canonical_array(s, value);

    case JR_KIND_STRING:
        return jr_canonical_string(s, jr_string(value),
                                   jr_string_len(value));

    case JR_KIND_INTEGER:
    case JR_KIND_REAL:
        return jr_canonical_number(s, value);

    case JR_KIND_TRUE:
        return jr_sink_put(s, "true", 4);

    case JR_KIND_FALSE:
        return jr_sink_put(s, "false", 5);

    default:
        return jr_sink_put(s, "null", 4);
    }
}


static jr_status_e
jr_canonical_object(jr_sink_t *s, const jr_value_t *object)
{
    size_t             i, n, size;
    jr_status_e        rc;
    const jr_value_t  *few[JR_CANONICAL_FEW], **names;

    size = jr_object_size(object);

    names = few;

    if (size > JR_CANONICAL_FEW) {
        names = malloc(size * sizeof(jr_value_t *));
        if (names == NULL) {
            return JR_NO_MEMORY;
        }
    }

    for (i = 0, n = 0; i < size; i++) {
        if (!jr_canonical_absent(jr_object_member(object, i))) {
            names[n++] = jr_object_name(object, i);
        }
    }

    if (n > JR_CANONICAL_FEW) {
        qsort(names, n, sizeof(jr_value_t *), jr_canonical_compare);

    } else {
        jr_canonical_sort(names, n);
    }

    rc = jr_canonical_members(s, names, n);

    if (names != few) {
        free(names);
    }

    return rc;
}


static int
jr_canonical_absent(const jr_value_t *value)
{
    return value->kind == JR_KIND_NULL && value->len;
}


static void
jr_canonical_sort(const jr_value_t **names, size_t n)
{
    size_t             i, k;
    const jr_value_t  *name;

    for (i = 1; i < n; i++) {
        name = names[i];

        for (k = i; k > 0; k--) {
            if (jr_canonical_compare(&names[k - 1], &name) <= 0) {
                break;
            }

            names[k] = names[k - 1];
        }

        names[k] = name;
    }
}


/* a member stands behind its name: see jr_value.h */

static jr_status_e
jr_canonical_members(jr_sink_t *s, const jr_value_t **names, size_t n)
{
    size_t       i;
    jr_status_e  rc;

    for (i = 0; i < n; i++) {

        rc = jr_sink_put(s, i == 0 ? "{" : ",", 1);

        if (rc == JR_OK) {
            rc = jr_canonical_string(s, names[i]->u.text, names[i]->len);
        }

        if (rc == JR_OK) {
            rc = jr_sink_put(s, ":", 1);
        }

        if (rc == JR_OK) {
            rc = jr_canonical_value(s, names[i] + 1);
        }

        if (rc != JR_OK) {
            return rc;
        }
    }

    return n > 0 ? jr_sink_put(s, "}", 1) : jr_sink_put(s, "{}", 2);
}


static int
jr_canonical_compare(const void *one, const void *two)
{
    int                rc;
    size_t             len;
    const jr_value_t  *a, *b;

    a = *(const jr_value_t *const *) one;
    b = *(const jr_value_t *const *) two;

    len = a->len < b->len ? a->len : b->len;

    rc = memcmp(a->u.text, b->u.text, len);
    if (rc != 0) {
        return rc;
    }

    return (a->len > b->len) - (a->len < b->len);
}


static jr_status_e
jr_canonical_array(jr_sink_t *s, const jr_value_t *array)
{
    size_t       i, n;
    jr_status_e  rc;

    n = jr_array_size(array);

    rc = jr_sink_put(s, "[", 1);

    for (i = 0; i < n && rc == JR_OK; i++) {

        if (i > 0) {
            rc = jr_sink_put(s, ",", 1);
        }

        if (rc == JR_OK) {
            rc = jr_canonical_value(s, jr_array_item(array, i));
        }
    }

    if (rc != JR_OK) {
        return rc;
    }

    return jr_sink_put(s, "]", 1);
}


static jr_status_e
jr_canonical_string(jr_sink_t *s, const char *data, size_t len)
{
    char        *p;
    size_t       n;
    jr_status_e  rc;

    n = jr_run_utf8(data, len);

    /* nearly every one: nothing to escape, and there is room */

    if (n == len && len + 2 <= sizeof(s->chunk) - s->used) {
        p = s->chunk + s->used;

        *p++ = '"';
        memcpy(p, data, len);
        p[len] = '"';

        s->used += len + 2;

        return JR_OK;
    }

    rc = jr_sink_put(s, "\"", 1);

    while (rc == JR_OK) {

        rc = jr_sink_put(s, data, n);

        if (n == len || rc != JR_OK) {
            break;
        }

        rc = jr_canonical_escape(s, data[n]);

        data += n + 1;
        len -= n + 1;
        n = jr_run_utf8(data, len);
    }

    return rc == JR_OK ? jr_sink_put(s, "\"", 1) : rc;
}


static jr_status_e
jr_canonical_escape(jr_sink_t *s, char ch)
{
    char         esc[6];
    const char  *letter;

    static const char  hex[] = "0123456789abcdef";
    static const char  special[] = "\"\\\b\f\n\r\t";
    static const char  letters[] = "\"\\bfnrt";

    esc[0] = '\\';

    letter = ch == '\0' ? NULL : strchr(special, ch);

    if (letter != NULL) {
        esc[1] = letters[letter - special];
        return jr_sink_put(s, esc, 2);
    }

    esc[1] = 'u';
    esc[2] = '0';
    esc[3] = '0';
    esc[4] = hex[(unsigned char) ch >> 4];
    esc[5] = hex[(unsigned char) ch & 0xf];

    return jr_sink_put(s, esc, 6);
}


static jr_status_e
jr_canonical_number(jr_sink_t *s, const jr_value_t *value)
{
    char       buf[64];
    jr_text_t  t;

    if (jr_is_real(value)) {
        return jr_canonical_real(s, value);
    }

    jr_text_init(&t, buf, sizeof(buf));
    jr_text_int(&t, jr_integer(value));

    return jr_sink_put(s, buf, (size_t) (t.pos - t.start));
}


/* The form follows from the number as it is written, and says that number. */

static jr_status_e
jr_canonical_real(jr_sink_t *s, const jr_value_t *value)
{
    char          buf[64], few[32];
    double        d;
    jr_text_t     t;
    jr_written_t  written, printed;

    d = jr_real(value);

    jr_text_init(&t, buf, sizeof(buf));
    jr_text_real(&t, d);

    jr_written_read(&printed, buf, (size_t) (t.pos - t.start));

    if (value->len) {
        jr_written_read(&written, value->u.written->text,
                        value->u.written->len);

    } else {
        /* it had DBL_DIG digits at most, so these are they */
        jr_written_read(&written, few, jr_written_print(few, sizeof(few), d));
    }

    if (!jr_written_equal(&written, &printed)) {
        return jr_canonical_written(s, &written);
    }

    if (d <= JR_REAL_EXACT && d >= -JR_REAL_EXACT
        && jr_real_is_integral(d))
    {
        /* beyond, it is not known to be the integer that was meant */
        jr_text_init(&t, buf, sizeof(buf));
        jr_text_int(&t, (int64_t) d);
    }

    return jr_sink_put(s, buf, (size_t) (t.pos - t.start));
}


static jr_status_e
jr_canonical_written(jr_sink_t *s, const jr_written_t *w)
{
    char         buf[1 + JR_DECIMAL_LEN], *end;
    size_t       i;
    jr_status_e  rc;

    if (w->vast) {
        return jr_sink_put(s, w->text, w->len);
    }

    rc = w->minus ? jr_sink_put(s, "-", 1) : JR_OK;

    for (i = w->first; i <= w->last && rc == JR_OK; i++) {
        if (w->text[i] != '.') {
            rc = jr_sink_put(s, &w->text[i], 1);
        }
    }

    if (rc != JR_OK) {
        return rc;
    }

    buf[0] = 'e';
    end = jr_decimal_signed(buf + 1, w->exponent);

    return jr_sink_put(s, buf, (size_t) (end - buf));
}


static inline jr_status_e
jr_sink_put(jr_sink_t *s, const char *data, size_t len)
{
    if (len > sizeof(s->chunk) - s->used) {
        return jr_sink_put_full(s, data, len);
    }

    memcpy(s->chunk + s->used, data, len);
    s->used += len;

    return JR_OK;
}


static jr_status_e
jr_sink_put_full(jr_sink_t *s, const char *data, size_t len)
{
    jr_status_e  rc;

    rc = s->put(s->data, s->chunk, s->used);
    if (rc != JR_OK) {
        return rc;
    }

    s->used = 0;

    if (len > sizeof(s->chunk)) {
        return s->put(s->data, data, len);
    }

    memcpy(s->chunk, data, len);
    s->used = len;

    return JR_OK;
}
