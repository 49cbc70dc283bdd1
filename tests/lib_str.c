/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Strings with a length, where a test has C's.
 */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "lib_str.h"


jr_str_t
str(const char *text)
{
    return (jr_str_t) { strlen(text), text };
}


void
str_is(jr_str_t got, const char *want)
{
    if (got.len != strlen(want)
        || (got.len && memcmp(got.data, want, got.len) != 0))
    {
        fail_msg("\"%.*s\" is not \"%s\"", (int) got.len,
                 got.len ? got.data : "", want);
    }
}
