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
 * Writes 2 * n digits at dst, no NUL; returns the end.  n is a multiple of 4:
 * the eight digits of four bytes are made at once.  A nibble is spread to a
 * byte of a word, and 6 added to it carries into its fifth bit from ten on.
 */

static inline char *
jr_hex(char *dst, const unsigned char *src, size_t n, unsigned letters)
{
    size_t    i;
    uint64_t  word, ten;

    for (i = 0; i + 3 < n; i += 4) {

        word = (uint32_t) src[i] << 24 | (uint32_t) src[i + 1] << 16
               | (uint32_t) src[i + 2] << 8 | (uint32_t) src[i + 3];

        word = (word << 16 | word) & 0x0000ffff0000ffff;
        word = (word << 8 | word) & 0x00ff00ff00ff00ff;
        word = (word << 4 | word) & 0x0f0f0f0f0f0f0f0f;

        ten = (word + 0x0606060606060606) >> 4 & 0x0101010101010101;

        word += 0x3030303030303030 + ten * letters;

        *dst++ = (char) (word >> 56);
        *dst++ = (char) (word >> 48);
        *dst++ = (char) (word >> 40);
        *dst++ = (char) (word >> 32);
        *dst++ = (char) (word >> 24);
        *dst++ = (char) (word >> 16);
        *dst++ = (char) (word >> 8);
        *dst++ = (char) word;
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
