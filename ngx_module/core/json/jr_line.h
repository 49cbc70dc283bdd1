/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Writes JSON text into a buffer of fixed size: error bodies and audit
 * records.
 *
 * Whatever bytes go in, what comes out is one line of valid JSON in UTF-8:
 * bytes that are no UTF-8, and whatever could end a line, drive a terminal
 * or reorder the text around it are escaped, and a value that does not fit
 * is cut at a character, never in the middle of one.
 */

#ifndef JR_LINE_H_INCLUDED
#define JR_LINE_H_INCLUDED

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "jr_str.h"


typedef struct {
    char      *start;           /* the caller's buffer */
    char      *last;            /* end of what is written */
    char      *end;             /* of the buffer, less room for closing */
    unsigned   depth;           /* objects and arrays open */
    unsigned   lost;            /* of those that did not fit, with all that
                                   is in them */
    size_t     most;            /* bytes of one string, escaped; 0: as many
                                   as fit */
    unsigned   comma:1;         /* a member stands before */
    unsigned   cut:1;           /* something did not fit */
} jr_line_t;


/* the least a buffer can be */
#define JR_LINE_MIN    64

/* objects and arrays that can be open at once */
#define JR_LINE_DEPTH  16


/* Begins a line in size bytes (at least JR_LINE_MIN) at buf. */
void jr_line_init(jr_line_t *line, char *buf, size_t size);

/*
 * From now on a string has at most that many bytes between its quotes as it
 * is written, escapes included, and is cut at a character.  0: no such bound.
 */
static inline void jr_line_most(jr_line_t *line, size_t most);

/*
 * Members.  name is a C string of ours, NULL inside an array or at the top;
 * jr_line_string() writes null for a value whose data is NULL.
 */
static inline void jr_line_object(jr_line_t *line, const char *name);
static inline void jr_line_array(jr_line_t *line, const char *name);
void jr_line_close(jr_line_t *line, char bracket);
static inline void jr_line_string(jr_line_t *line, const char *name,
    jr_str_t value);
static inline void jr_line_integer(jr_line_t *line, const char *name,
    int64_t value);
static inline void jr_line_boolean(jr_line_t *line, const char *name,
    int value);

/*
 * Members that are JSON already, with commas between them and none around
 * them.  Also objects and arrays that are closed in it.
 */
void jr_line_members(jr_line_t *line, const char *text, size_t len);

#define jr_line_literal(line, text)                                          \
    jr_line_members(line, text, sizeof(text) - 1)

/* bytes written so far */
#define jr_line_len(line)  ((size_t) ((line)->last - (line)->start))


/*
 * The same with the length of the name, which the compiler knows where the
 * name is a literal.
 */
void jr_line_open_n(jr_line_t *line, const char *name, size_t len,
    char bracket);
void jr_line_string_n(jr_line_t *line, const char *name, size_t len,
    jr_str_t value);
void jr_line_integer_n(jr_line_t *line, const char *name, size_t len,
    int64_t value);
void jr_line_word_n(jr_line_t *line, const char *name, size_t len,
    const char *word, size_t n);

#define jr_line_name_len(name)  ((name) ? strlen(name) : 0)


static inline void
jr_line_most(jr_line_t *line, size_t most)
{
    line->most = most;
}


static inline void
jr_line_object(jr_line_t *line, const char *name)
{
    jr_line_open_n(line, name, jr_line_name_len(name), '{');
}


static inline void
jr_line_array(jr_line_t *line, const char *name)
{
    jr_line_open_n(line, name, jr_line_name_len(name), '[');
}


static inline void
jr_line_string(jr_line_t *line, const char *name, jr_str_t value)
{
    jr_line_string_n(line, name, jr_line_name_len(name), value);
}


static inline void
jr_line_integer(jr_line_t *line, const char *name, int64_t value)
{
    jr_line_integer_n(line, name, jr_line_name_len(name), value);
}


static inline void
jr_line_boolean(jr_line_t *line, const char *name, int value)
{
    jr_line_word_n(line, name, jr_line_name_len(name),
                   value ? "true" : "false", value ? 4 : 5);
}


#endif /* JR_LINE_H_INCLUDED */
