/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The canonical form: what is equal, what is not, and the digest.
 */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "lib_canonical.h"
#include "lib_value.h"

static const jr_value_t *
parsed(const char *text)
{
    jr_json_error_t    err;
    const jr_value_t  *value;

    assert_int_equal(parse_value(text, strlen(text), &err, &value), JR_OK);

    return value;
}


static void
becomes(const char *text, const char *want)
{
    char              *out;
    size_t             len;
    jr_digest_t        direct, whole;
    const jr_value_t  *value;

    value = parsed(text);

    assert_int_equal(canonical_text(value, &out, &len), JR_OK);
    assert_int_equal(len, strlen(want));
    assert_memory_equal(out, want, len);

    assert_int_equal(jr_canonical_digest(value, &direct), JR_OK);
    assert_int_equal(jr_digest(out, len, &whole), JR_OK);
    assert_memory_equal(&direct, &whole, sizeof(jr_digest_t));

    free(out);
}


static void
members_are_sorted_by_bytes(void **state)
{
    (void) state;

    becomes(" { \"b\" : 1 , \"a\" : [ ] } ", "{\"a\":[],\"b\":1}");
    becomes("{\"aa\":1,\"a\":2,\"B\":3,\"\":4}",
            "{\"\":4,\"B\":3,\"a\":2,\"aa\":1}");
    becomes("{\"\\u00e9\":1,\"z\":2,\"\\ud83d\\ude00\":3,\"\\uffff\":4}",
            "{\"z\":2,\"\xc3\xa9\":1,\"\xef\xbf\xbf\":4,"
            "\"\xf0\x9f\x98\x80\":3}");
    becomes("{\"a\\u0000b\":1,\"a\":2}", "{\"a\":2,\"a\\u0000b\":1}");
    becomes("[{\"b\":{\"d\":1,\"c\":2},\"a\":{}}]",
            "[{\"a\":{},\"b\":{\"c\":2,\"d\":1}}]");
}


/* few members and many are sorted in different ways: from one to forty */

static void
any_number_of_members_is_sorted(void **state)
{
    char    text[1024], want[1024], *p, *q;
    size_t  n, i;

    (void) state;

    for (n = 1; n <= 40; n++) {
        p = text;
        q = want;

        for (i = 0; i < n; i++) {
            /* 7 and a prime have no common factor: each of 41 once */
            p += sprintf(p, "%c\"k%02zu\":1", i ? ',' : '{',
                         (i + 1) * 7 % 41);
        }

        for (i = 0; i < 41; i++) {
            size_t  k;

            for (k = 0; k < n && (k + 1) * 7 % 41 != i; k++) { /* void */ }

            if (k < n) {
                q += sprintf(q, "%c\"k%02zu\":1", q == want ? '{' : ',', i);
            }
        }

        strcpy(p, "}");
        strcpy(q, "}");
        becomes(text, want);
    }
}


static void
strings_have_one_form(void **state)
{
    (void) state;

    becomes("\"\\u0041\\/\\u00e9\\u2028\\u007f\"",
            "\"A/\xc3\xa9\xe2\x80\xa8\x7f\"");
    becomes("\"\\u0022\\u005c\\u0008\\u000c\\u000a\\u000d\\u0009\"",
            "\"\\\"\\\\\\b\\f\\n\\r\\t\"");
    becomes("\"\\u0000\\u001F\"", "\"\\u0000\\u001f\"");
    becomes("\"\"", "\"\"");
}


static void
numbers_have_one_form(void **state)
{
    (void) state;

    becomes("[1,1.0,1e0,10e-1,0.1e1]", "[1,1,1,1,1]");
    becomes("[0,-0,0.0,-0.0,0e9]", "[0,0,0,0,0]");
    becomes("[1e3,-1.5,0.5]", "[1000,-1.5,0.5]");
    becomes("[9007199254740992.0,-9007199254740992.0]",
            "[9007199254740992,-9007199254740992]");
    becomes("[9007199254740994.0,1e18,1e300]",
            "[9007199254740994,1e+18,1e300]");
    becomes("[9223372036854775807,-9223372036854775808]",
            "[9223372036854775807,-9223372036854775808]");
    becomes("[true,false,null]", "[true,false,null]");
}


static void
reals_stay_what_is_written(void **state)
{
    (void) state;

    becomes("[0.1,0.10,1e-1,0.0000100e4,1E-01]",
            "[1e-1,1e-1,1e-1,1e-1,1e-1]");
    becomes("[1.0000000000000001,1.00000000000000010,1.000000000000000000]",
            "[10000000000000001e-16,10000000000000001e-16,1]");
    becomes("[0.1000000000000000055511151231257827021181583404541015625,"
            "0.10000000000000001]",
            "[1000000000000000055511151231257827021181583404541015625e-55,"
            "0.10000000000000001]");
    becomes("[9007199254740993.0,9007199254740992.0]",
            "[9007199254740993e0,9007199254740992]");
    becomes("[1e-400,-1e-400,2e-400,0e-400,-0.00000000000000000]",
            "[1e-400,-1e-400,2e-400,0,0]");
    becomes("[4.9e-324,5e-324,1e23,100000000000000000000000e0]",
            "[49e-325,5e-324,1e23,1e23]");
    becomes("1e-99999999999999999999", "1e-99999999999999999999");
}


static void
long_values_pass_the_buffer(void **state)
{
    char              *text, *out;
    size_t             len, n;
    json_t            *item, *array;
    jr_digest_t        direct, whole;
    const jr_value_t  *value;

    (void) state;

    array = json_array();

    for (n = 0; n < 3000; n += 37) {
        text = malloc(n + 1);
        assert_non_null(text);
        memset(text, 'a' + (int) (n % 26), n);
        text[n] = '\0';

        item = json_pack("{s:s, s:i}", "value", text, "a", (int) n);
        assert_int_equal(json_array_append_new(array, item), 0);

        free(text);
    }

    text = json_dumps(array, JSON_COMPACT|JSON_SORT_KEYS);
    assert_non_null(text);

    value = parsed(text);

    assert_int_equal(canonical_text(value, &out, &len), JR_OK);
    assert_int_equal(len, strlen(text));
    assert_memory_equal(out, text, len);

    assert_int_equal(jr_canonical_digest(value, &direct), JR_OK);
    assert_int_equal(jr_digest(text, len, &whole), JR_OK);
    assert_memory_equal(&direct, &whole, sizeof(jr_digest_t));

    free(out);
    free(text);
    json_decref(array);
}


int
main(void)
{
    const struct CMUnitTest  tests[] = {
        cmocka_unit_test(members_are_sorted_by_bytes),
        cmocka_unit_test(any_number_of_members_is_sorted),
        cmocka_unit_test(strings_have_one_form),
        cmocka_unit_test(numbers_have_one_form),
        cmocka_unit_test(reals_stay_what_is_written),
        cmocka_unit_test(long_values_pass_the_buffer)
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
