/* SPDX-License-Identifier: BSD-2-Clause
 *
 * A number as it is written: its digits and a power of ten, without regard to
 * what a double would make of it.
 */

#ifndef JR_WRITTEN_H_INCLUDED
#define JR_WRITTEN_H_INCLUDED

#include <stddef.h>
#include <stdint.h>


typedef struct {
    const char  *text;
    size_t       len;
    size_t       first;         /* digit that is not 0; len: all are 0 */
    size_t       last;          /* digit that is not 0 */
    int64_t      exponent;      /* of the last */
    unsigned     minus:1;
    unsigned     vast:1;        /* exponent beyond +-10^15, which is not read */
} jr_written_t;


/* text is a number of RFC 8259, and stays */
void jr_written_read(jr_written_t *w, const char *text, size_t len);

/* whether both are one number; vast ones are not compared and differ */
int jr_written_equal(const jr_written_t *one, const jr_written_t *two);

/* d with DBL_DIG digits, with a point whatever the locale; returns the length,
   below size, which is 32 at least */
size_t jr_written_print(char *buf, size_t size, double d);


#endif /* JR_WRITTEN_H_INCLUDED */
