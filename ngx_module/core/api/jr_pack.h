/* SPDX-License-Identifier: BSD-2-Clause
 *
 * What struct.pack() of Redis' Lua packs, for the formats of jr_script.h: a
 * format is the same string in both.
 *
 *   >     numbers are big-endian; what each begins with
 *   B, I2, I4, I7   a number of so many bytes, not negative
 *   c16   a text of so many bytes
 *   Bc0   a text, and its length in front: one value, not two
 */

#ifndef JR_PACK_H_INCLUDED
#define JR_PACK_H_INCLUDED

#include <stdint.h>

#include "jr_status.h"
#include "jr_str.h"


/* all numbers are below this, so that they are exact in Lua */
#define JR_PACK_MAX  (INT64_C(1) << 53)


/* a number or a text, as the format says */
typedef struct {
    int64_t   number;
    jr_str_t  text;
} jr_pack_t;


/* bytes that jr_pack_write() writes */
size_t jr_pack_size(const char *format, const jr_pack_t *values);

/* writes them; returns the end.  A text is as long as its format says. */
char *jr_pack_write(char *dst, const char *format, const jr_pack_t *values);

/*
 * Reads the values from the beginning of *rest, and takes them off there; texts
 * point into it.  JR_INVALID: it is too short, or a number too large; then
 * nothing is taken off.
 */
jr_status_e jr_pack_read(jr_str_t *rest, const char *format,
    jr_pack_t *values);


#endif /* JR_PACK_H_INCLUDED */
