/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Whole numbers in decimal: written where a record or a header has so many of
 * them that printf() would cost more than all the rest, and read.
 */

#ifndef JR_DECIMAL_H_INCLUDED
#define JR_DECIMAL_H_INCLUDED

#include <stdint.h>
#include <string.h>

#include "jr_status.h"
#include "jr_str.h"


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


/* a number from 0 to most, of digits alone; JR_INVALID leaves *value alone */

static inline jr_status_e
jr_decimal_read(jr_str_t text, int64_t most, int64_t *value)
{
    size_t   i;
    int64_t  n;

    /* 18 digits are within int64_t */

    if (text.len == 0 || text.len > 18) {
        return JR_INVALID;
    }

    n = 0;

    for (i = 0; i < text.len; i++) {
        if (text.data[i] < '0' || text.data[i] > '9') {
            return JR_INVALID;
        }

        n = n * 10 + (text.data[i] - '0');
    }

    if (n > most) {
        return JR_INVALID;
    }

    *value = n;

    return JR_OK;
}


#endif /* JR_DECIMAL_H_INCLUDED */
