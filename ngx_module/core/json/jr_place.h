/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Where a walk over a JSON value is, as links on the stack from the value
 * back to the top, and as a JSON Pointer (RFC 6901).
 */

#ifndef JR_PLACE_H_INCLUDED
#define JR_PLACE_H_INCLUDED

#include <stddef.h>

#include "jr_text.h"


/* bytes of a pointer that a message repeats */
#define JR_PLACE_TEXT  256


typedef struct jr_place_s  jr_place_t;

struct jr_place_s {
    const jr_place_t  *up;      /* NULL: the top, "" */
    const char        *key;     /* NULL: an item of an array */
    size_t             len;
    size_t             index;
};


/* Adds the pointer, cut with "..." where it is longer than JR_PLACE_TEXT. */
void jr_place_write(jr_text_t *t, const jr_place_t *place);


#endif /* JR_PLACE_H_INCLUDED */
