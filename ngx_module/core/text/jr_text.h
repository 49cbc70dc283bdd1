/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Messages for people, written into buffers that never overflow.
 *
 * What a client sent is quoted in messages and logs, so it is cut, and
 * whatever could move a cursor, end a line or reorder the text around it
 * is written as an escape.
 */

#ifndef JR_TEXT_H_INCLUDED
#define JR_TEXT_H_INCLUDED

#include <stddef.h>
#include <stdint.h>


/* code points of a found value that a message repeats */
#define JR_TEXT_FOUND  64


/*
 * A piece is written whole or, where it no longer fits, not at all; then
 * nothing more is, so that a text is always a clean beginning.
 */
typedef struct {
    char  *start;
    char  *pos;
    char  *last;                /* keeps room for the NUL */
    int    full;
} jr_text_t;


/* size must be at least 1; the buffer holds a NUL-terminated text always */
void jr_text_init(jr_text_t *t, char *buf, size_t size);

void jr_text_add(jr_text_t *t, const char *data, size_t len);
void jr_text_str(jr_text_t *t, const char *str);
void jr_text_int(jr_text_t *t, int64_t n);
void jr_text_size(jr_text_t *t, size_t n);

/* %.17g, with a point whatever the locale */
void jr_text_real(jr_text_t *t, double d);

/* control characters (Cc), separators that end a line, and the controls of
   the bidirectional algorithm, which can make a log line lie */
int jr_text_is_hazard(uint32_t cp);

/* jr_text_escape() flags */
#define JR_TEXT_ASCII   0x1     /* nothing but printable ASCII */
#define JR_TEXT_QUOTES  0x2     /* also " and \, as inside a JSON string */

/*
 * Adds UTF-8 text, at most max code points of it and "..." if there is
 * more.  Bytes that are no UTF-8 are written as \xHH.
 */
void jr_text_escape(jr_text_t *t, const char *data, size_t len, size_t max,
    unsigned flags);

/* the same between quotation marks, cut to JR_TEXT_FOUND code points */
void jr_text_found(jr_text_t *t, const char *data, size_t len);


#endif /* JR_TEXT_H_INCLUDED */
