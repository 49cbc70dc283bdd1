/* SPDX-License-Identifier: BSD-2-Clause
 *
 * UTF-8 as RFC 3629 defines it: no overlong forms, no surrogates, nothing
 * beyond U+10FFFF.
 */

#ifndef JR_UTF8_H_INCLUDED
#define JR_UTF8_H_INCLUDED

#include <stddef.h>
#include <stdint.h>


/*
 * Bytes of the well-formed sequence at p (1 to 4), or 0 where there is
 * none.  p must be before end.
 */
size_t jr_utf8_next(const unsigned char *p, const unsigned char *end);

/* Code points in text that is known to be well-formed. */
size_t jr_utf8_count(const char *text, size_t len);

/* The code point of a well-formed sequence of n bytes. */
uint32_t jr_utf8_decode(const char *text, size_t n);

/* Writes the 1 to 4 bytes of a code point; returns how many. */
size_t jr_utf8_encode(uint32_t cp, char *dst);


#endif /* JR_UTF8_H_INCLUDED */
