/*
 * Doubles, without libm: nothing else in core/ would need it.
 */

#ifndef JR_NUMBER_H_INCLUDED
#define JR_NUMBER_H_INCLUDED

#include <stdint.h>


/* every double from here on is integral, and below, fits int64 */
#define JR_NUMBER_EXACT  9007199254740992.0


/* Whether a finite double has no fraction. */

static inline int
jr_number_is_integral(double d)
{
    return d >= JR_NUMBER_EXACT || d <= -JR_NUMBER_EXACT
           || d == (double) (int64_t) d;
}


#endif /* JR_NUMBER_H_INCLUDED */
