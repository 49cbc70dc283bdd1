/*
 * A writer that cannot fail: room for the closing brackets is set aside at
 * the start, a member is written whole or, if it is a string, cut.
 */

#include <stdio.h>

#include "jr_decimal.h"
#include "jr_line.h"
#include "jr_text.h"
#include "jr_utf8.h"


/* a string may be cut to this; a member with less room is left out */
#define JR_LINE_STRING_LEAST  16


static void jr_line_open(jr_line_t *line, const char *name,
    const char *bracket);
static int jr_line_begin(jr_line_t *line, const char *name, size_t need);
static size_t jr_line_plain(const char *p, size_t len);
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
    char         escape[16];
    size_t       i, len, room;
    uint32_t     cp;
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

        put = value.data + i;
        len = jr_line_plain(put, value.len - i);

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
            n = snprintf(escape, sizeof(escape), "\\%c", (int) cp);
            put = escape;

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

    jr_line_put(line, "\"", 1);
}


/*
 * How many characters at p stand for themselves in a JSON string.  Records
 * are long and nearly all plain, so eight bytes are looked at at a time: the
 * top bit of a byte of odd tells that it may be below a blank, a quotation
 * mark, a backslash or beyond '~' (a borrow may tell of one too many).
 */

#define JR_LINE_EACH(byte)  (0x0101010101010101ULL * (byte))
#define JR_LINE_IS(word, byte)                                               \
    (((word) ^ JR_LINE_EACH(byte)) - JR_LINE_EACH(1))

static size_t
jr_line_plain(const char *p, size_t len)
{
    size_t         i;
    uint64_t       word, odd;
    unsigned char  c;

    for (i = 0; len - i >= sizeof(word); i += sizeof(word)) {

        memcpy(&word, p + i, sizeof(word));

        odd = word | (word - JR_LINE_EACH(0x20)) | JR_LINE_IS(word, '"')
              | JR_LINE_IS(word, '\\') | JR_LINE_IS(word, 0x7f);

        if (odd & JR_LINE_EACH(0x80)) {
            break;
        }
    }

    for ( /* void */ ; i < len; i++) {
        c = (unsigned char) p[i];

        if (c < 0x20 || c >= 0x7f || c == '"' || c == '\\') {
            break;
        }
    }

    return i;
}


void
jr_line_integer(jr_line_t *line, const char *name, int64_t value)
{
    char    text[JR_DECIMAL_LEN];
    size_t  len;

    len = jr_decimal_signed(text, value) - text;

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

    /* a bracket that was closed may stand behind the end already */

    if (line->last >= line->end
        || (size_t) (line->end - line->last) < need + len + 4)
    {
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
