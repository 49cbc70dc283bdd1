/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The secret in a file: its first line, or why there is none.
 */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "jr_secret.h"


#define S(text)  { sizeof(text) - 1, text }


static void
the_first_line_is_the_secret(void **state)
{
    size_t    i;
    jr_str_t  secret;

    static const struct {
        jr_str_t     text;
        const char  *secret;
    } cases[] = {
        { S("word"), "word" },
        { S("word\n"), "word" },
        { S("word\r\n"), "word" },
        { S("word\r"), "word" },
        { S("word\nsecond"), "word" },
        { S("word\r\nsecond\r\n"), "word" },
        { S("word\n\n"), "word" },
        { S("word\n\0"), "word" },
        { S(" wo rd "), " wo rd " },
        { S("wo\rrd\n"), "wo\rrd" },
        { S("12345678\nx"), "12345678" }
    };

    (void) state;

    for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        assert_null(jr_secret_line(cases[i].text, 4, 8, &secret));
        assert_int_equal(secret.len, strlen(cases[i].secret));
        assert_memory_equal(secret.data, cases[i].secret, secret.len);
        assert_ptr_equal(secret.data, cases[i].text.data);
    }
}


static void
what_is_no_secret_is_refused(void **state)
{
    size_t       i;
    jr_str_t     secret;
    const char  *fault;

    static const struct {
        jr_str_t     text;
        const char  *fault;
    } cases[] = {
        { { 0, NULL }, "empty" },
        { S(""), "empty" },
        { S("\n"), "empty" },
        { S("\r\n"), "empty" },
        { S("\nword"), "empty" },
        { S("wo\0rd"), "NUL" },
        { S("\0word\n"), "NUL" },
        { S("word\0\n"), "NUL" },
        { S("123456789"), "too long" },
        { S("123456789\n"), "too long" },
        { S("123"), "too short" },
        { S("123\nword"), "too short" }
    };

    (void) state;

    for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        fault = jr_secret_line(cases[i].text, 4, 8, &secret);
        assert_non_null(fault);
        assert_non_null(strstr(fault, cases[i].fault));
    }
}


/* what is read of a file is enough to see that a line is too long */

static void
a_part_of_a_file_is_enough(void **state)
{
    char      text[64];
    jr_str_t  secret;

    (void) state;

    memset(text, 'k', sizeof(text));

    assert_non_null(jr_secret_line((jr_str_t) { jr_secret_read_size(8), text },
                                   1, 8, &secret));

    text[8] = '\r';
    text[9] = '\n';

    assert_null(jr_secret_line((jr_str_t) { jr_secret_read_size(8), text }, 1,
                               8, &secret));
    assert_int_equal(secret.len, 8);
}


int
main(void)
{
    const struct CMUnitTest  tests[] = {
        cmocka_unit_test(the_first_line_is_the_secret),
        cmocka_unit_test(what_is_no_secret_is_refused),
        cmocka_unit_test(a_part_of_a_file_is_enough)
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
