/* SPDX-License-Identifier: BSD-2-Clause
 *
 * A text that grows, of which a test may hold some at once.
 */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "lib_text.h"


#define TEXTS  8


text_t
text_begin(void)
{
    static int   n;
    static char  texts[TEXTS][TEXT_MAX];

    n = (n + 1) % TEXTS;
    texts[n][0] = '\0';

    return (text_t) { texts[n], 0 };
}


void
text_add(text_t *text, const char *format, ...)
{
    va_list  args;

    va_start(args, format);
    text->len += (size_t) vsnprintf(text->text + text->len,
                                    TEXT_MAX - text->len, format, args);
    va_end(args);

    assert_true(text->len < TEXT_MAX);
}


void
text_str(text_t *text, jr_str_t s)
{
    if (s.len == 0) {
        text_add(text, "\"\"");

    } else {
        text_add(text, "%.*s", (int) s.len, s.data);
    }
}
