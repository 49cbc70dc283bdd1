/* SPDX-License-Identifier: BSD-2-Clause
 *
 * A text that grows, of which a test may hold some at once.
 */

#ifndef LIB_TEXT_H_INCLUDED
#define LIB_TEXT_H_INCLUDED

#include "jr_str.h"


#define TEXT_MAX  8192


typedef struct {
    char    *text;
    size_t   len;
} text_t;


/* an empty one; it is overwritten by the eighth after it */
text_t text_begin(void);

/* adds as printf() does; a text that gets too long fails the test */
void text_add(text_t *text, const char *format, ...);

/* adds a string, "" as two quotes */
void text_str(text_t *text, jr_str_t s);


#endif /* LIB_TEXT_H_INCLUDED */
