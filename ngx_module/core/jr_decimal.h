/*
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
    char    digits[JR_DECIMAL_LEN];
    size_t  i;

    i = sizeof(digits);

    do {
        digits[--i] = (char) ('0' + n % 10);
        n /= 10;
    } while (n);

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
