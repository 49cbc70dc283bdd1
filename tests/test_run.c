/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Runs of plain characters, each byte at each place of texts that end at,
 * before and behind the words in which they are read; digits of hex.
 */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <cmocka.h>

#include "jr_hex.h"
#include "jr_run.h"


#define TEXT  50


static int
plain(unsigned ch, int high, int del)
{
    return ch >= 0x20 && ch != '"' && ch != '\\' && (high || ch < 0x80)
           && (!del || ch != 0x7f);
}


static void
test_one_byte_differs(void **state)
{
    char      text[TEXT];
    size_t    len, at;
    unsigned  ch;

    (void) state;

    memset(text, 'a', sizeof(text));

    for (len = 0; len <= TEXT; len++) {
        assert_int_equal(jr_run_ascii(text, len, 1), len);

        for (at = 0; at < len; at++) {

            for (ch = 0; ch < 256; ch++) {
                text[at] = (char) ch;

                assert_int_equal(jr_run_ascii(text, len, 0),
                                 plain(ch, 0, 0) ? len : at);
                assert_int_equal(jr_run_ascii(text, len, 1),
                                 plain(ch, 0, 1) ? len : at);
                assert_int_equal(jr_run_utf8(text, len),
                                 plain(ch, 1, 0) ? len : at);
            }

            text[at] = 'a';
        }
    }
}


/* the first of several ends the run, whatever stands behind it */

static void
test_first_of_several(void **state)
{
    char    text[TEXT];
    size_t  at;

    (void) state;

    memset(text, '"', sizeof(text));

    for (at = 0; at < TEXT; at++) {
        assert_int_equal(jr_run_ascii(text, TEXT, 1), at);
        assert_int_equal(jr_run_utf8(text, TEXT), at);
        text[at] = '!';
    }
}


static void
test_hex(void **state)
{
    char           want[9], digits[8];
    unsigned       i;
    unsigned char  bytes[4];

    (void) state;

    for (i = 0; i < 256; i++) {
        bytes[0] = (unsigned char) i;
        bytes[1] = (unsigned char) (i + 1);
        bytes[2] = (unsigned char) (i * 7);
        bytes[3] = (unsigned char) (255 - i);

        snprintf(want, sizeof(want), "%02x%02x%02x%02x", bytes[0], bytes[1],
                 bytes[2], bytes[3]);
        assert_ptr_equal(jr_hex(digits, bytes, 4, JR_HEX_LOWER), digits + 8);
        assert_memory_equal(digits, want, 8);

        snprintf(want, sizeof(want), "%02X%02X%02X%02X", bytes[0], bytes[1],
                 bytes[2], bytes[3]);
        (void) jr_hex(digits, bytes, 4, JR_HEX_UPPER);
        assert_memory_equal(digits, want, 8);
    }
}


int
main(void)
{
    const struct CMUnitTest  tests[] = {
        cmocka_unit_test(test_one_byte_differs),
        cmocka_unit_test(test_first_of_several),
        cmocka_unit_test(test_hex)
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
