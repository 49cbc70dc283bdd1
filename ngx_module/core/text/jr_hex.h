/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Bytes as hex digits: records and keys are full of them.
 */

#ifndef JR_HEX_H_INCLUDED
#define JR_HEX_H_INCLUDED

#include <stddef.h>
#include <stdint.h>


/* what a digit from ten on lies above '0' + 10 */
#define JR_HEX_LOWER  ('a' - '0' - 10)
#define JR_HEX_UPPER  ('A' - '0' - 10)


/*
 * Writes 2 * n digits at dst, no NUL; returns the end.  n is even: the four
 * digits of two bytes are made at once, each in a byte of a word, and 6 added
 * to a nibble carries into its fifth bit from ten on.
 */

static inline char *
jr_hex(char *dst, const unsigned char *src, size_t n, unsigned letters)
{
    size_t    i;
    uint32_t  word, ten;

    for (i = 0; i + 1 < n; i += 2) {

        word = (uint32_t) src[i] >> 4 | (uint32_t) (src[i] & 0xf) << 8
               | (uint32_t) src[i + 1] >> 4 << 16
               | (uint32_t) (src[i + 1] & 0xf) << 24;

        ten = (word + 0x06060606) >> 4 & 0x01010101;

        word += 0x30303030 + ten * letters;

        *dst++ = (char) word;
        *dst++ = (char) (word >> 8);
        *dst++ = (char) (word >> 16);
        *dst++ = (char) (word >> 24);
    }

    return dst;
}


/* the value of a digit of any case, -1 if it is none */

static inline int
jr_hex_digit(int ch)
{
    if (ch >= '0' && ch <= '9') {
        return ch - '0';
    }

    ch |= 0x20;

    return (ch >= 'a' && ch <= 'f') ? ch - 'a' + 10 : -1;
}


#endif /* JR_HEX_H_INCLUDED */
