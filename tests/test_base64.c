/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Base64 and base64url: one text for each value, unless a reader asks for less.
 */

/* strdup() */
#define _GNU_SOURCE

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "jr_base64.h"
#include "lib_signer.h"


#define LEN(a)  (sizeof(a) / sizeof((a)[0]))


static void
base64_has_one_form(void **state)
{
    char            *text, encoded[400];
    size_t           i, k, len;
    unsigned char    bytes[256], back[256];

    static const char *const  bad[] = {
        "A", "AA", "AAA", "A===", "AA=", "AB==", "AAB=", "=", "==", "====",
        "AAAA=", "AAAA====", "A=AA", "AA=A", "AA A", "AAA\n", "AA-A", "AA_A",
        "AAAA\n", " AAAA", "AA\x80" "A"
    };

    static const char *const  loose[] = {
        "+/8", "-_8", "+_8=", "-/8==", "+/9", "-_8===="
    };

    static const char *const  bad_url[] = {
        "A", "AB", "AAB", "AA==", "AAA=", "AA+A", "AA/A", "AA A", "AAAAA"
    };

    (void) state;

    for (i = 0; i < 256; i++) {
        bytes[i] = (unsigned char) (i * 37 + 11);
    }

    for (i = 0; i <= 256; i++) {
        text = signer_base64(bytes, i, 0);
        assert_ptr_equal(jr_base64_encode(bytes, i, encoded),
                         encoded + jr_base64_len(i));
        assert_int_equal(strlen(text), jr_base64_len(i));
        assert_memory_equal(encoded, text, strlen(text));
        assert_int_equal(jr_base64_decode((jr_str_t) { strlen(text), text },
                                          JR_BASE64_PADDED, back, i, &len),
                         JR_OK);
        assert_int_equal(len, i);
        assert_memory_equal(back, bytes, i);

        if (i) {
            assert_int_equal(jr_base64_decode((jr_str_t) { strlen(text),
                                                           text },
                                              JR_BASE64_PADDED, back, i - 1,
                                              &len), JR_INVALID);
        }

        free(text);

        text = signer_base64(bytes, i, 1);
        assert_int_equal(jr_base64_decode((jr_str_t) { strlen(text), text },
                                          JR_BASE64_URL, back, i, &len),
                         JR_OK);
        assert_int_equal(len, i);
        assert_memory_equal(back, bytes, i);
        free(text);
    }

    for (i = 0; i < LEN(bad); i++) {
        text = strdup(bad[i]);
        assert_int_equal(jr_base64_decode((jr_str_t) { strlen(text), text },
                                          JR_BASE64_PADDED, back, sizeof(back),
                                          &len),
                         JR_INVALID);
        free(text);
    }

    for (i = 0; i < LEN(bad_url); i++) {
        assert_int_equal(jr_base64_decode((jr_str_t) { strlen(bad_url[i]),
                                                       bad_url[i] },
                                          JR_BASE64_URL, back, sizeof(back),
                                          &len),
                         JR_INVALID);
    }

    /* of all texts of two digits, each byte has one */

    for (i = 0, k = 0; i < 65536; i++) {
        encoded[0] = (char) (i >> 8);
        encoded[1] = (char) i;
        k += jr_base64_decode((jr_str_t) { 2, encoded }, JR_BASE64_URL, back,
                              1, &len)
             == JR_OK;
    }

    assert_int_equal(k, 256);

    /* but for what nobody verifies, where no client is to be lost */

    for (i = 0; i < LEN(loose); i++) {
        assert_int_equal(jr_base64_decode((jr_str_t) { strlen(loose[i]),
                                                       loose[i] },
                                          JR_BASE64_ANY, back, sizeof(back),
                                          &len),
                         JR_OK);
        assert_int_equal(len, 2);
        assert_memory_equal(back, "\xfb\xff", 2);
    }

    assert_int_equal(jr_base64_decode((jr_str_t) jr_str("+/ "), JR_BASE64_ANY,
                                      back, sizeof(back), &len), JR_INVALID);
}


/* each byte at each of the four places: the digits alone, and at the last the
   padding */

static void
sixty_four_bytes_are_digits(void **state)
{
    int              ch;
    char             text[4];
    size_t           i, k, len;
    unsigned char    back[3];

    (void) state;

    for (i = 0; i < 4; i++) {

        for (ch = 0, k = 0; ch < 256; ch++) {
            memset(text, 'A', 4);
            text[i] = (char) ch;
            k += jr_base64_decode((jr_str_t) { 4, text }, JR_BASE64_PADDED,
                                  back, 3, &len)
                 == JR_OK;
        }

        assert_int_equal(k, i < 3 ? 64 : 65);
    }
}


int
main(void)
{
    const struct CMUnitTest  tests[] = {
        cmocka_unit_test(base64_has_one_form),
        cmocka_unit_test(sixty_four_bytes_are_digits)
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
