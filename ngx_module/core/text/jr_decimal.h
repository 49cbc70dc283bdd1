/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Whole numbers in decimal, where a record or a header has so many of them
 * that printf() would cost more than all the rest.
 */

#ifndef JR_DECIMAL_H_INCLUDED
#define JR_DECIMAL_H_INCLUDED

#include <stdint.h>
#include <string.h>


/* digits of a uint64_t, or a minus and those of an int64_t */
#define JR_DECIMAL_LEN  20


/* writes n at p, up to JR_DECIMAL_LEN bytes; returns the end */

static inline char *
jr_decimal(char *p, uint64_t n)
{
    char      digits[JR_DECIMAL_LEN];
    size_t    i;
    unsigned  two;

    static const char  pairs[] =
        "00010203040506070809101112131415161718192021222324"
        "25262728293031323334353637383940414243444546474849"
        "50515253545556575859606162636465666768697071727374"
        "75767778798081828384858687888990919293949596979899";

    for (i = sizeof(digits); n >= 10; n /= 100) {
        two = (unsigned) (n % 100);
        digits[--i] = pairs[2 * two + 1];
        digits[--i] = pairs[2 * two];
    }

    if (n || i == sizeof(digits)) {
        digits[--i] = (char) ('0' + n);
    }

    memcpy(p, digits + i, sizeof(digits) - i);

    return p + (sizeof(digits) - i);
}


static inline char *
jr_decimal_signed(char *p, int64_t n)
{
    if (n >= 0) {
        return jr_decimal(p, (uint64_t) n);
    }

    *p++ = '-';

    return jr_decimal(p, 0 - (uint64_t) n);
}


#endif /* JR_DECIMAL_H_INCLUDED */
