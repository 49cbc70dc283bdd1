/*
 * A writer that cannot fail: room for the closing brackets is set aside at
 * the start, a member is written whole or, if it is a string, cut.
 */

#include <stdio.h>

#include "jr_line.h"


/* a string may be cut to this; a member with less room is left out */
#define JR_LINE_STRING_LEAST  16


static void jr_line_open(jr_line_t *line, const char *name,
    const char *bracket);
static int jr_line_begin(jr_line_t *line, const char *name, size_t need);
static size_t jr_line_utf8(const char *p, size_t len);
static void jr_line_put(jr_line_t *line, const char *text, size_t len);


void
jr_line_init(jr_line_t *line, char *buf, size_t size)
{
    line->start = buf;
    line->last = buf;
    line->end = buf + size - JR_LINE_DEPTH - 1;
    line->depth = 0;
    line->lost = 0;
    line->comma = 0;
    line->cut = 0;
}


void
jr_line_object(jr_line_t *line, const char *name)
{
    jr_line_open(line, name, "{");
}


void
jr_line_array(jr_line_t *line, const char *name)
{
    jr_line_open(line, name, "[");
}


static void
jr_line_open(jr_line_t *line, const char *name, const char *bracket)
{
    if (line->depth == JR_LINE_DEPTH || !jr_line_begin(line, name, 1)) {
        line->cut = 1;
        line->lost++;
        return;
    }

    jr_line_put(line, bracket, 1);

    line->depth++;
    line->comma = 0;
}


void
jr_line_close(jr_line_t *line, char bracket)
{
    if (line->lost) {
        line->lost--;
        return;
    }

    /* into the room set aside by jr_line_init() */

    *line->last++ = bracket;

    line->depth--;
    line->comma = 1;
}


void
jr_line_string(jr_line_t *line, const char *name, jr_str_t value)
{
    int          n;
    char         escape[8];
    size_t       i, len;
    const char  *put;

    if (value.data == NULL) {
        jr_line_null(line, name);
        return;
    }

    if (!jr_line_begin(line, name, JR_LINE_STRING_LEAST)) {
        return;
    }

    jr_line_put(line, "\"", 1);

    for (i = 0; i < value.len; i += len) {

        len = jr_line_utf8(value.data + i, value.len - i);

        if (len == 0) {
            /* no UTF-8: the replacement character stands for the byte */
            put = "\\ufffd";
            n = 6;
            len = 1;

        } else if (value.data[i] == '"' || value.data[i] == '\\') {
            escape[0] = '\\';
            escape[1] = value.data[i];
            put = escape;
            n = 2;

        } else if ((unsigned char) value.data[i] < 0x20
                   || value.data[i] == 0x7f)
        {
            n = snprintf(escape, sizeof(escape), "\\u%04x",
                         (unsigned) (unsigned char) value.data[i]);
            put = escape;

        } else {
            put = value.data + i;
            n = (int) len;
        }

        if (line->end - line->last < n + 1) {
            line->cut = 1;
            break;
        }

        jr_line_put(line, put, n);
    }

    jr_line_put(line, "\"", 1);
}


void
jr_line_integer(jr_line_t *line, const char *name, int64_t value)
{
    int   len;
    char  text[24];

    len = snprintf(text, sizeof(text), "%lld", (long long) value);

    if (jr_line_begin(line, name, len)) {
        jr_line_put(line, text, len);
    }
}


void
jr_line_boolean(jr_line_t *line, const char *name, int value)
{
    if (jr_line_begin(line, name, 5)) {
        jr_line_put(line, value ? "true" : "false", value ? 4 : 5);
    }
}


void
jr_line_null(jr_line_t *line, const char *name)
{
    if (jr_line_begin(line, name, 4)) {
        jr_line_put(line, "null", 4);
    }
}


/* writes the comma and the name if they and need bytes fit */

static int
jr_line_begin(jr_line_t *line, const char *name, size_t need)
{
    size_t  len;

    if (line->lost) {
        return 0;
    }

    len = name ? strlen(name) : 0;

    if ((size_t) (line->end - line->last) < need + len + 4) {
        line->cut = 1;
        return 0;
    }

    if (line->comma) {
        jr_line_put(line, ",", 1);
    }

    if (name) {
        jr_line_put(line, "\"", 1);
        jr_line_put(line, name, len);
        jr_line_put(line, "\":", 2);
    }

    line->comma = 1;

    return 1;
}


static void
jr_line_put(jr_line_t *line, const char *text, size_t len)
{
    memcpy(line->last, text, len);
    line->last += len;
}


/* length of the well-formed UTF-8 character at p (RFC 3629), or 0 */

static size_t
jr_line_utf8(const char *p, size_t len)
{
    size_t         i, n;
    unsigned char  c, low, high;

    c = (unsigned char) p[0];

    if (c < 0x80) {
        return 1;
    }

    low = 0x80;
    high = 0xbf;

    if (c >= 0xc2 && c <= 0xdf) {
        n = 2;

    } else if (c >= 0xe0 && c <= 0xef) {
        n = 3;
        low = c == 0xe0 ? 0xa0 : 0x80;
        high = c == 0xed ? 0x9f : 0xbf;

    } else if (c >= 0xf0 && c <= 0xf4) {
        n = 4;
        low = c == 0xf0 ? 0x90 : 0x80;
        high = c == 0xf4 ? 0x8f : 0xbf;

    } else {
        return 0;
    }

    if (len < n) {
        return 0;
    }

    for (i = 1; i < n; i++) {
        c = (unsigned char) p[i];

        if (c < low || c > high) {
            return 0;
        }

        low = 0x80;
        high = 0xbf;
    }

    return n;
}
