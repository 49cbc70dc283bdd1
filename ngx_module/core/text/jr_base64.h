/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Base64 (RFC 4648).
 *
 * A text that another text decodes to as well would let a signed value be
 * spelled in two ways, so what is verified is read in its one canonical form
 * (3.5): no blanks, no other alphabet, padding as it must be, and no bits
 * behind the last byte.
 */

#ifndef JR_BASE64_H_INCLUDED
#define JR_BASE64_H_INCLUDED

#include <stddef.h>

#include "jr_status.h"
#include "jr_str.h"


/* characters of n bytes, with padding */
#define jr_base64_len(n)  (((n) + 2) / 3 * 4)


typedef enum {
    JR_BASE64_PADDED = 0,   /* "+", "/", padding "=" */
    JR_BASE64_URL,          /* "-", "_", no padding (RFC 7515, 2) */
    JR_BASE64_ANY           /* of what nobody verifies: either alphabet, any
                               padding or none, any bits behind */
} jr_base64_form_e;


/*
 * Decodes text into size bytes at dst; *len is how many there are.  JR_INVALID:
 * text is not of that form, or decodes to more; what is at dst is then
 * undefined.
 */
jr_status_e jr_base64_decode(jr_str_t text, jr_base64_form_e form,
    unsigned char *dst, size_t size, size_t *len);

/* Writes jr_base64_len(n) characters, no NUL; returns the end. */
char *jr_base64_encode(const unsigned char *src, size_t n, char *dst);


#endif /* JR_BASE64_H_INCLUDED */
