/* SPDX-License-Identifier: BSD-2-Clause
 *
 * A writer that cannot fail: room for the closing brackets is set aside at
 * the start, a member is written whole or, if it is a string, cut.
 */

#include <stdio.h>

#include "jr_decimal.h"
#include "jr_line.h"
#include "jr_run.h"
#include "jr_text.h"
#include "jr_utf8.h"


/* a string may be cut to this; a member with less room is left out */
#define JR_LINE_STRING_LEAST  16


static void jr_line_escaped(jr_line_t *line, jr_str_t value);
static inline int jr_line_begin(jr_line_t *line, const char *name,
    size_t len, size_t need);
static void jr_line_put(jr_line_t *line, const char *text, size_t len);


void
jr_line_init(jr_line_t *line, char *buf, size_t size)
{
    line->start = buf;
    line->last = buf;
    line->end = buf + size - JR_LINE_DEPTH - 1;
    line->depth = 0;
    line->lost = 0;
    line->most = 0;
    line->comma = 0;
    line->cut = 0;
}


void
jr_line_open_n(jr_line_t *line, const char *name, size_t len, char bracket)
{
    if (line->depth == JR_LINE_DEPTH || !jr_line_begin(line, name, len, 1)) {
        line->cut = 1;
        line->lost++;
        return;
    }

    *line->last++ = bracket;

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
jr_line_string_n(jr_line_t *line, const char *name, size_t len,
    jr_str_t value)
{
    char  *end;

    if (value.data == NULL) {
        jr_line_word_n(line, name, len, "null", 4);
        return;
    }

    if (!jr_line_begin(line, name, len, JR_LINE_STRING_LEAST)) {
        return;
    }

    *line->last++ = '"';

    end = line->end;

    if (line->most && line->most < (size_t) (end - line->last)) {
        /* a byte more, for the closing quote */
        line->end = line->last + line->most + 1;
    }

    if (value.len < (size_t) (line->end - line->last)
        && jr_run_ascii(value.data, value.len, 1) == value.len)
    {
        jr_line_put(line, value.data, value.len);

    } else {
        jr_line_escaped(line, value);
    }

    line->end = end;

    *line->last++ = '"';
}


/* what has to be escaped, or cut */

static void
jr_line_escaped(jr_line_t *line, jr_str_t value)
{
    int          n;
    char         escape[16];
    size_t       i, len, room;
    uint32_t     cp;
    const char  *put;

    for (i = 0; i < value.len; i += len) {

        put = value.data + i;
        len = jr_run_ascii(put, value.len - i, 1);

        if (len) {
            room = line->end - line->last - 1;

            if (len > room) {
                jr_line_put(line, put, room);
                line->cut = 1;
                break;
            }

            jr_line_put(line, put, len);
            continue;
        }

        cp = 0;

        len = jr_utf8_next((const unsigned char *) put,
                           (const unsigned char *) value.data + value.len);

        if (len) {
            cp = jr_utf8_decode(put, len);
        }

        if (len == 0) {
            /* no UTF-8: the replacement character stands for the byte */
            put = "\\ufffd";
            n = 6;
            len = 1;

        } else if (cp == '"' || cp == '\\') {
            escape[0] = '\\';
            escape[1] = (char) cp;
            put = escape;
            n = 2;

        } else if (jr_text_is_hazard(cp)) {
            n = snprintf(escape, sizeof(escape), "\\u%04x", (unsigned) cp);
            put = escape;

        } else {
            n = (int) len;
        }

        if (line->end - line->last < n + 1) {
            line->cut = 1;
            break;
        }

        jr_line_put(line, put, n);
    }
}


void
jr_line_integer_n(jr_line_t *line, const char *name, size_t len,
    int64_t value)
{
    char    text[JR_DECIMAL_LEN];
    size_t  n;

    n = jr_decimal_signed(text, value) - text;

    jr_line_word_n(line, name, len, text, n);
}


void
jr_line_word_n(jr_line_t *line, const char *name, size_t len,
    const char *word, size_t n)
{
    if (jr_line_begin(line, name, len, n)) {
        jr_line_put(line, word, n);
    }
}


void
jr_line_members(jr_line_t *line, const char *text, size_t len)
{
    if (jr_line_begin(line, NULL, 0, len)) {
        jr_line_put(line, text, len);
    }
}


/* writes the comma and the name if they and need bytes fit */

static inline int
jr_line_begin(jr_line_t *line, const char *name, size_t len, size_t need)
{
    char  *p;

    if (line->lost) {
        return 0;
    }

    /* a bracket that was closed may stand behind the end already */

    if (line->last >= line->end
        || (size_t) (line->end - line->last) < need + len + 4)
    {
        line->cut = 1;
        return 0;
    }

    p = line->last;

    if (line->comma) {
        *p++ = ',';
    }

    if (name) {
        *p++ = '"';
        memcpy(p, name, len);
        p += len;
        *p++ = '"';
        *p++ = ':';
    }

    line->last = p;
    line->comma = 1;

    return 1;
}


static void
jr_line_put(jr_line_t *line, const char *text, size_t len)
{
    memcpy(line->last, text, len);
    line->last += len;
}
