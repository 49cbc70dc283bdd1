/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Strings with a length, where a test has C's.
 */

#ifndef LIB_STR_H_INCLUDED
#define LIB_STR_H_INCLUDED

#include "jr_str.h"


/* a text without its end */
jr_str_t str(const char *text);

/* fails the test where got is another */
void str_is(jr_str_t got, const char *want);


#endif /* LIB_STR_H_INCLUDED */
