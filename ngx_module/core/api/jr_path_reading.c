/* SPDX-License-Identifier: BSD-2-Clause
 *
 * All readings of a path at once.
 *
 * Servers differ in what they undo before they route: how often
 * percent-encoding, before or after splitting; "\" and "%2F" as separators;
 * empty segments; ";params"; "." and ".."; case.  Undoing more can hide an
 * operation as well as show it, and a chain of servers mixes habits.  So
 * nothing is decided for a server: each doubtful place of the text is read
 * in all its ways, independently of the others, and the path is suspect when
 * some combination of them routes to createJobRun.  That may be more than
 * any one server does, never less.
 *
 * The text is read once, in four layers:
 *
 *   byte    undoes percent-encoding ("%2F", "%252F", "%%32F", "%u002f")
 *   utf8    undoes overlong forms and full-width letters
 *   char    finds where segments and the path may end
 *   piece   moves the state by one segment (jr_path_piece.c)
 */

#include <stdint.h>

#include "jr_hex.h"
#include "jr_path_piece.h"
#include "jr_path_reading.h"


/* a character beyond ASCII, which some server may take for any one letter:
   case mapping, compatibility forms, best-fit tables of code pages */
#define JR_PATH_ANY       0x100

/* the byte in each byte of a word */
#define JR_PATH_EACH(ch)  (0x0101010101010101ULL * (ch))


static int jr_path_is_ordinary(jr_str_t text);
static int jr_path_is_printable(jr_str_t text);
static int jr_path_has_jobr(jr_str_t text, int first);
static size_t jr_path_run(jr_path_reading_t *p, const char *data, size_t len);
static void jr_path_byte(jr_path_reading_t *p, uint32_t ch, int plain);
static int jr_path_escape(jr_path_reading_t *p, uint32_t ch, uint32_t *code);
static void jr_path_unescaped(jr_path_reading_t *p);
static void jr_path_utf8(jr_path_reading_t *p, uint32_t ch, int plain);
static void jr_path_code(jr_path_reading_t *p, uint32_t code);
static void jr_path_char(jr_path_reading_t *p, uint32_t ch, int plain);
static void jr_path_name(jr_path_reading_t *p, uint32_t ch);
static void jr_path_may_end(jr_path_reading_t *p);
static void jr_path_separator(jr_path_reading_t *p, int plain);


int
jr_path_reading_may_create(jr_str_t text)
{
    size_t             i;
    jr_path_reading_t  p;

    if (jr_path_is_ordinary(text)) {
        return 0;
    }

    p = (jr_path_reading_t) { .at = { 1 } };

    for (i = 0; i < text.len && !p.found; i++) {
        i += jr_path_run(&p, text.data + i, text.len - i);

        if (i == text.len) {
            break;
        }

        jr_path_byte(&p, (unsigned char) text.data[i], 1);
    }

    jr_path_unescaped(&p);

    if (p.missing) {
        p.missing = 0;
        jr_path_char(&p, JR_PATH_ANY, 0);
    }

    jr_path_piece(&p);

    return p.found || (p.at[JR_PATH_SEGMENTS] & 1);
}


/* most paths: nothing in them can be an unusual "jobRuns" */

static int
jr_path_is_ordinary(jr_str_t text)
{
    if (text.len == 0) {
        return 1;
    }

    return jr_path_is_printable(text)
           && memchr(text.data, '%', text.len) == NULL
           && !jr_path_has_jobr(text, 'j')
           && !jr_path_has_jobr(text, 'J');
}


/* 1 if all bytes are 0x20 to 0x7e; looks at eight at a time */

static int
jr_path_is_printable(jr_str_t text)
{
    size_t    i;
    uint64_t  word, bad;

    bad = 0;

    for (i = 0; i < text.len; i += sizeof(word)) {
        word = JR_PATH_EACH(' ');
        memcpy(&word, text.data + i,
               text.len - i < sizeof(word) ? text.len - i : sizeof(word));

        /* below 0x20 a byte borrows, from 0x7f on it carries: both only ever
           reach a neighbour when they are themselves seen */

        bad |= word | (word - JR_PATH_EACH(0x20)) | (word + JR_PATH_EACH(1));
    }

    return (bad & JR_PATH_EACH(0x80)) == 0;
}


static int
jr_path_has_jobr(jr_str_t text, int first)
{
    const char  *p, *end;

    end = text.data + text.len;

    for (p = text.data;
         p < end && (p = memchr(p, first, end - p)) != NULL;
         p++)
    {
        if (end - p >= 4 && (p[1] | 0x20) == 'o' && (p[2] | 0x20) == 'b'
            && (p[3] | 0x20) == 'r')
        {
            return 1;
        }
    }

    return 0;
}


/* adds a run of letters, digits, "-" and "." to the segment, as jr_path_byte()
   would byte by byte; returns its length */

static size_t
jr_path_run(jr_path_reading_t *p, const char *data, size_t len)
{
    int     ch;
    size_t  i, n;

    if (p->nescape || p->missing || p->params || p->blanks) {
        return 0;
    }

    n = p->len;

    for (i = 0; i < len; i++) {
        ch = (unsigned char) data[i];

        if ((ch | 0x20) >= 'a' && (ch | 0x20) <= 'z') {
            ch |= 0x20;

        } else if (ch < '-' || ch > '9' || ch == '/') {
            break;
        }

        if (n + i < JR_PATH_NAME) {
            p->name[n + i] = (unsigned char) ch;
        }
    }

    if (i) {
        p->last = (unsigned char) data[i - 1];
        p->len = n + i;
    }

    return i;
}


/* plain: the byte stands in the text as it is */

static void
jr_path_byte(jr_path_reading_t *p, uint32_t ch, int plain)
{
    uint32_t  code;

    for ( ;; ) {

        if (ch == '%') {
            if (p->nescape == JR_PATH_NESTED) {
                p->found = 1;
                return;
            }

            p->escape[p->nescape++] = '%';
            return;
        }

        if (p->nescape == 0) {
            jr_path_utf8(p, ch, plain);
            return;
        }

        if (ch < 0x20) {
            /* dropped by some, and the escape then goes on */
            return;
        }

        switch (jr_path_escape(p, ch, &code)) {

        case 0:
            /* what did not become a digit ends the escapes before it, too */
            jr_path_unescaped(p);
            jr_path_utf8(p, ch, plain);
            p->broken = p->missing != 0;
            return;

        case 1:
            return;

        default:
            ch = code;
            plain = 0;
        }
    }
}


/* adds to the last escape; 0: not a part of one, 1: added, 2: *code is what
   it stood for */

static int
jr_path_escape(jr_path_reading_t *p, uint32_t ch, uint32_t *code)
{
    size_t  i, start, len;

    for (start = p->nescape - 1; p->escape[start] != '%'; start--) {
        /* void */
    }

    len = p->nescape - start;

    if (ch > 0x7f
        || (jr_hex_digit((int) ch) < 0
            && !(len == 1 && (ch | 0x20) == 'u')))
    {
        return 0;
    }

    if (p->nescape == JR_PATH_NESTED) {
        p->found = 1;
        return 1;
    }

    p->escape[p->nescape++] = (unsigned char) ch;
    len++;

    i = start + 1;

    if ((p->escape[i] | 0x20) == 'u') {
        if (len < 6) {
            return 1;
        }

        i++;

    } else if (len < 3) {
        return 1;
    }

    for (*code = 0; i < p->nescape; i++) {
        *code = *code * 16 + (uint32_t) jr_hex_digit(p->escape[i]);
    }

    p->nescape = start;

    return 2;
}


/* passes on what was no escape after all */

static void
jr_path_unescaped(jr_path_reading_t *p)
{
    size_t  i, n;

    n = p->nescape;
    p->nescape = 0;

    for (i = 0; i < n; i++) {
        jr_path_utf8(p, p->escape[i], 0);
    }
}


static void
jr_path_utf8(jr_path_reading_t *p, uint32_t ch, int plain)
{
    uint32_t  bit;

    if (ch >= 0x80 && ch < 0xc0 && p->missing) {
        p->code = p->code << 6 | (ch & 0x3f);

        if (--p->missing == 0) {
            jr_path_code(p, p->code);
        }

        return;
    }

    if (p->missing) {
        p->missing = 0;
        jr_path_char(p, JR_PATH_ANY, 0);
    }

    if (ch < 0x80) {
        jr_path_char(p, ch, plain);
        return;
    }

    if (ch < 0xc0 || ch > 0xfd) {
        jr_path_code(p, ch);
        return;
    }

    for (bit = 0x40; ch & bit; bit >>= 1) {
        p->missing++;
    }

    p->code = ch & (bit - 1);
}


static void
jr_path_code(jr_path_reading_t *p, uint32_t code)
{
    if (code >= 0xff01 && code <= 0xff5e) {
        code -= 0xff00 - 0x20;          /* full width */
    }

    if (code < 0x80 && (p->broken || code == '%')) {
        /* an escape that is hidden once more: nobody writes so in earnest */
        p->found = 1;
    }

    p->broken = 0;

    jr_path_char(p, code < 0x80 ? code : JR_PATH_ANY, 0);
}


static void
jr_path_char(jr_path_reading_t *p, uint32_t ch, int plain)
{
    if (ch == '/') {
        jr_path_separator(p, plain);
        return;
    }

    if (ch == '\\') {
        jr_path_separator(p, 0);
        return;
    }

    if (ch <= ' ' || ch == ';' || ch == '?' || ch == '#') {
        /* what follows may be cut off */
        jr_path_may_end(p);
    }

    if (ch == ';') {
        p->params = 1;
        p->in_params = 1;

    } else if (!p->params) {
        jr_path_name(p, ch);
    }
}


static void
jr_path_name(jr_path_reading_t *p, uint32_t ch)
{
    if (ch < ' ' || ch == 0x7f) {
        return;
    }

    if (ch == ' ' || ch == '+') {
        p->blanks = p->len != 0;
        return;
    }

    if (p->blanks) {
        /* so it was inside, and the name is not one that is looked for */
        p->blanks = 0;
        jr_path_name(p, '-');
    }

    if (ch >= 'A' && ch <= 'Z') {
        ch |= 0x20;

    } else if (ch == JR_PATH_ANY) {
        ch = 0x80;
    }

    if (p->len < JR_PATH_NAME) {
        p->name[p->len] = (unsigned char) ch;
    }

    p->last = (unsigned char) ch;
    p->len++;
}


/* some server may see the end of the path here */

static void
jr_path_may_end(jr_path_reading_t *p)
{
    jr_path_reading_t  end;

    if (!(p->at[JR_PATH_SEGMENTS - 1] & 1) && !p->at[JR_PATH_SEGMENTS]) {
        return;
    }

    end = *p;
    jr_path_piece(&end);

    p->found |= end.at[JR_PATH_SEGMENTS] & 1;
}


static void
jr_path_separator(jr_path_reading_t *p, int plain)
{
    jr_path_piece(p);

    p->len = 0;
    p->last = 0;
    p->blanks = 0;
    p->params = 0;
    p->joined = !plain;

    if (plain) {
        p->in_params = 0;
    }
}
