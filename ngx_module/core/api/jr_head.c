/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The head of an HTTP/1 request, in one walk over its lines.
 */

#include "jr_head.h"

#include <stdint.h>
#include <string.h>


#define JR_HEAD_VERSION  (sizeof(" HTTP/1.1") - 1)

/* the bit of small letters in each byte of a word */
#define JR_HEAD_LOWER    0x2020202020202020ULL


/* name is a literal with its colon */

#define jr_head_named(line, name)                                            \
    jr_head_is(line, name, sizeof(name) - 1)

#define jr_head_take_named(head, field, line, name)                          \
    if (jr_head_named(line, name)) {                                         \
        jr_head_take(head, field, jr_head_value(line, sizeof(name) - 1));    \
    }


static inline jr_status_e jr_head_line(const char **pos, const char *end,
    jr_str_t *line);
static jr_status_e jr_head_request_line(jr_str_t line, jr_head_t *head);
static void jr_head_field(jr_str_t line, jr_head_t *head);
static inline int jr_head_is(jr_str_t line, const char *name, size_t len);
static inline int jr_head_is_word(const char *text, const char *name);
static jr_str_t jr_head_value(jr_str_t line, size_t name);
static void jr_head_take(jr_head_t *head, jr_head_field_e field,
    jr_str_t value);
static int jr_head_has_post(jr_str_t value);


jr_status_e
jr_head_read(jr_str_t text, jr_head_t *head)
{
    jr_str_t     line;
    const char  *pos, *end;

    memset(head, 0, sizeof(jr_head_t));

    pos = text.data;
    end = text.data + text.len;

    if (jr_head_line(&pos, end, &line) != JR_OK
        || jr_head_request_line(line, head) != JR_OK)
    {
        return JR_INVALID;
    }

    for ( ;; ) {

        if (jr_head_line(&pos, end, &line) != JR_OK) {
            return JR_INVALID;
        }

        if (line.len == 0) {
            return pos == end ? JR_OK : JR_INVALID;
        }

        jr_head_field(line, head);
    }
}


/* the next line without its CRLF; any other CR or LF is one that somebody may
   take for the end of a line */

static inline jr_status_e
jr_head_line(const char **pos, const char *end, jr_str_t *line)
{
    size_t       left;
    const char  *lf;

    left = end - *pos;

    lf = left ? memchr(*pos, '\n', left) : NULL;

    if (lf == NULL || lf == *pos) {
        return JR_INVALID;
    }

    line->data = *pos;
    line->len = lf - *pos - 1;

    if (memchr(*pos, '\r', line->len + 1) != lf - 1) {
        return JR_INVALID;
    }

    *pos = lf + 1;

    return JR_OK;
}


/* spaces within the target stay part of it: servers differ about them */

static jr_status_e
jr_head_request_line(jr_str_t line, jr_head_t *head)
{
    const char  *space, *version;

    if (line.len < JR_HEAD_VERSION) {
        return JR_INVALID;
    }

    version = line.data + line.len - JR_HEAD_VERSION;

    if (memcmp(version, " HTTP/1.", JR_HEAD_VERSION - 1) != 0
        || (version[JR_HEAD_VERSION - 1] != '0'
            && version[JR_HEAD_VERSION - 1] != '1'))
    {
        return JR_INVALID;
    }

    space = memchr(line.data, ' ', line.len);

    if (space == line.data || space >= version) {
        return JR_INVALID;
    }

    head->method.data = line.data;
    head->method.len = space - line.data;

    head->target.data = space + 1;
    head->target.len = version - space - 1;

    return JR_OK;
}


/* the first letter tells most lines from all names here, and where the colon
   stands nearly all others */

static void
jr_head_field(jr_str_t line, jr_head_t *head)
{
    switch (line.data[0] | 0x20) {

    case 'h':
        jr_head_take_named(head, JR_HEAD_HOST, line, "host:");
        return;

    case 'a':
        jr_head_take_named(head, JR_HEAD_AUTHORIZATION, line,
                           "authorization:");
        return;

    case 'c':
        jr_head_take_named(head, JR_HEAD_CONTENT_LENGTH, line,
                           "content-length:");
        return;

    case 'o':
        jr_head_take_named(head, JR_HEAD_RETRY_TOKEN, line,
                           "opc-retry-token:");
        return;

    case 't':
        if (jr_head_named(line, "transfer-encoding:")) {
            head->chunked = 1;
        }

        return;

    case 'x':
        /* what frameworks read a method from */

        if ((jr_head_named(line, "x-http-method:")
             || jr_head_named(line, "x-method-override:")
             || jr_head_named(line, "x-http-method-override:"))
            && jr_head_has_post(line))
        {
            head->override = 1;
        }

        return;
    }
}


/* whatever the case of the line; the name is in lower case, and its length is
   known to the compiler, as are the words that it is compared by */

static inline int
jr_head_is(jr_str_t line, const char *name, size_t len)
{
    size_t  i;

    if (line.len < len || line.data[len - 1] != ':') {
        return 0;
    }

    if (len < sizeof(uint64_t)) {
        for (i = 0; i < len - 1; i++) {
            if ((line.data[i] | 0x20) != name[i]) {
                return 0;
            }
        }

        return 1;
    }

    for (i = 0; i + sizeof(uint64_t) < len; i += sizeof(uint64_t)) {
        if (!jr_head_is_word(line.data + i, name + i)) {
            return 0;
        }
    }

    /* the last word overlaps the one before it */

    return jr_head_is_word(line.data + len - sizeof(uint64_t),
                           name + len - sizeof(uint64_t));
}


/* letters get lower; "-" and ":" stay what they are, and what else would
   become a "-" is a CR, which no line has */

static inline int
jr_head_is_word(const char *text, const char *name)
{
    uint64_t  one, two;

    memcpy(&one, text, sizeof(uint64_t));
    memcpy(&two, name, sizeof(uint64_t));

    return (one | JR_HEAD_LOWER) == two;
}


static jr_str_t
jr_head_value(jr_str_t line, size_t name)
{
    line.data += name;
    line.len -= name;

    while (line.len && (line.data[0] == ' ' || line.data[0] == '\t')) {
        line.data++;
        line.len--;
    }

    while (line.len && (line.data[line.len - 1] == ' '
                        || line.data[line.len - 1] == '\t'))
    {
        line.len--;
    }

    return line;
}


static void
jr_head_take(jr_head_t *head, jr_head_field_e field, jr_str_t value)
{
    if (head->fields[field].count++ == 0) {
        head->fields[field].value = value;
    }
}


static int
jr_head_has_post(jr_str_t value)
{
    size_t  i;

    for (i = 0; i + 4 <= value.len; i++) {
        if ((value.data[i] | 0x20) == 'p' && (value.data[i + 1] | 0x20) == 'o'
            && (value.data[i + 2] | 0x20) == 's'
            && (value.data[i + 3] | 0x20) == 't')
        {
            return 1;
        }
    }

    return 0;
}
