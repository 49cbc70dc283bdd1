/*
 * The parser: what it accepts, where it sees errors, and that it reads what
 * jansson reads.
 */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "jr_json.h"
#include "lib_rules.h"

static jr_json_error_t  err;


static void
vectors(void **state)
{
    corpus_t  corpus;

    (void) state;

    vectors_run(&corpus, "json.jsonl", rule_json, NULL);
    corpus_end(&corpus);
}


static void
refused(const char *text, size_t line, size_t column, size_t offset,
    const char *why)
{
    json_t  *value;

    assert_int_equal(jr_json_parse(text, strlen(text), &err, &value),
                     JR_INVALID);
    assert_string_equal(err.text, why);
    assert_int_equal(err.line, line);
    assert_int_equal(err.column, column);
    assert_int_equal(err.offset, offset);
}


static void
errors_have_a_place(void **state)
{
    (void) state;

    refused("", 1, 1, 0, "expected a value, found the end of the text");
    refused("{\n  \"a\": 1,\n  \"a\": 2\n}", 3, 3, 14,
            "duplicate member name \"a\"");
    refused("{\"\\u20ac\":1,\"\xe2\x82\xac\":2}", 1, 13, 12,
            "duplicate member name \"\\u20ac\"");
    refused("[1,\r\n2,]", 2, 3, 7, "expected a value, found ']'");
    refused("{\"a\":1,}", 1, 8, 7,
            "expected a member name in quotation marks, found '}'");
    refused("{\"a\" 1}", 1, 6, 5, "expected ':', found '1'");
    refused("[1 2]", 1, 4, 3, "expected ',' or ']', found '2'");
    refused("{\"a\":1 \"b\"", 1, 8, 7, "expected ',' or '}', found '\"'");
    refused("{} x", 1, 4, 3, "expected the end of the text, found 'x'");
    refused("[\"\n\"]", 1, 3, 2, "control character in a string must be"
            " written as an escape");
    refused("[\"a\\q\"]", 1, 4, 3, "invalid escape in a string");
    refused("[\"\\u00g0\"]", 1, 3, 2,
            "\\u must be followed by four hexadecimal digits");
    refused("[\"\\ud800x\"]", 1, 3, 2, "lone surrogate in a string");
    refused("[\"\xff\"]", 1, 3, 2, "invalid UTF-8");
    refused("[01]", 1, 2, 1, "number with a leading zero");
    refused("[-]", 1, 3, 2, "expected a digit, found ']'");
    refused("[1.]", 1, 4, 3, "expected a digit, found ']'");
    refused("\"abc", 1, 5, 4,
            "unexpected end of the text, a string is not closed");
    refused("\xef\xbb\xbf{}", 1, 1, 0, "byte order mark: JSON must not begin"
            " with one (RFC 8259, section 8.1)");
    refused("\xff\xfe", 1, 1, 0,
            "not UTF-8: this looks like UTF-16 or UTF-32");
    refused("[\x01]", 1, 2, 1, "expected a value, found byte 1");
}


static void
raw_nul_is_named(void **state)
{
    json_t  *value;

    (void) state;

    assert_int_equal(jr_json_parse("[1\0]", 4, &err, &value), JR_INVALID);
    assert_string_equal(err.text, "raw NUL byte");
    assert_int_equal(err.offset, 2);

    assert_int_equal(jr_json_parse("[\"a\0\"]", 6, &err, &value), JR_INVALID);
    assert_string_equal(err.text, "raw NUL byte in a string");
    assert_int_equal(err.offset, 3);
}


static void
numbers_out_of_range_have_a_pointer(void **state)
{
    json_t  *value;

    (void) state;

    refused("{\"a\": [0, {\"b/c\": 9223372036854775808}]}", 1, 19, 18,
            "/a/1/b~1c: must be a 64-bit integer (-9223372036854775808 to"
            " 9223372036854775807), found 9223372036854775808");
    assert_true(err.range);
    assert_int_equal(err.pointer, 9);

    refused("-1e400", 1, 1, 0, ": must be a double-precision number (to"
            " about 1.8e308), found -1e400");
    assert_true(err.range);
    assert_int_equal(err.pointer, 0);

    refused("[", 1, 2, 1, "expected a value, found the end of the text");
    assert_false(err.range);

    assert_int_equal(jr_json_parse("[-9223372036854775808]", 22, &err,
                                   &value), JR_OK);
    assert_true(json_integer_value(json_array_get(value, 0)) == INT64_MIN);
    json_decref(value);
}


static void
stand_ins(void **state)
{
    size_t       len;
    json_t      *value;
    const char  *text;

    (void) state;

    assert_int_equal(jr_json_parse_any_number("[1e999,\"1e999\",1]", 17, &err,
                                              &value), JR_OK);

    text = jr_json_stand_in(json_array_get(value, 0), &len);
    assert_non_null(text);
    assert_int_equal(len, 5);
    assert_memory_equal(text, "1e999", 5);

    assert_null(jr_json_stand_in(json_array_get(value, 1), &len));
    assert_null(jr_json_stand_in(json_array_get(value, 2), &len));

    json_decref(value);
}


static void
strings_are_unescaped(void **state)
{
    json_t       *value;
    const char   *text;

    static const char  want[] = "\"\\/\b\f\n\r\t\0A\xc3\xa9\xe2\x82\xac"
                                "\xf0\x9f\x98\x80";

    (void) state;

    text = "\"\\\"\\\\\\/\\b\\f\\n\\r\\t\\u0000\\u0041\\u00e9\\u20AC"
           "\\ud83d\\uDE00\"";

    assert_int_equal(jr_json_parse(text, strlen(text), &err, &value), JR_OK);
    assert_int_equal(json_string_length(value), sizeof(want) - 1);
    assert_memory_equal(json_string_value(value), want, sizeof(want) - 1);

    json_decref(value);
}


static void
members_keep_their_order(void **state)
{
    int          i;
    void        *iter;
    char         name[8], text[4096], *p;
    json_t      *value;

    (void) state;

    p = text;

    for (i = 0; i < 200; i++) {
        p += sprintf(p, "%c\"k%d\":%d", i == 0 ? '{' : ',', i * 7919 % 1000,
                     i);
    }

    strcpy(p, "}");

    assert_int_equal(jr_json_parse(text, strlen(text), &err, &value), JR_OK);

    for (i = 0, iter = json_object_iter(value); iter != NULL;
         i++, iter = json_object_iter_next(value, iter))
    {
        sprintf(name, "k%d", i * 7919 % 1000);
        assert_string_equal(json_object_iter_key(iter), name);
    }

    assert_int_equal(i, 200);

    json_decref(value);
}


/*
 * Against jansson: texts made by changing a few bytes of a good one are
 * accepted by both with the same value, or refused by both; or jansson is
 * the laxer, which it is known to be about NUL only.
 */

static void
agrees_with_jansson(void **state)
{
    int            accepted;
    char           text[256];
    size_t         i, k, n, len;
    json_t        *ours, *theirs;
    jr_status_e    rc;
    unsigned long  seed;

    static const char  good[] = "{\"a\":[1,-2.5e+3,true,false,null,\"x\\n\","
        "{}],\"\\u00e9\":{\"b\":\"\xc3\xa9\",\"c\":0.1,\"d\":[[],[0]]}}";
    static const char  bytes[] = "{}[]\",:\\ 0123456789eE+-.tfnul\xc3\xa9\n";

    (void) state;

    seed = 12345;
    accepted = 0;

    for (i = 0; i < 60000; i++) {

        len = sizeof(good) - 1;
        memcpy(text, good, len);

        seed = seed * 6364136223846793005ul + 1442695040888963407ul;

        for (n = (seed >> 60) % 3 + 1; n > 0; n--) {
            seed = seed * 6364136223846793005ul + 1442695040888963407ul;
            k = (seed >> 33) % len;

            if ((seed >> 20) % 3 == 0) {
                memmove(text + k, text + k + 1, len - k - 1);
                len--;

            } else {
                text[k] = bytes[(seed >> 40) % (sizeof(bytes) - 1)];
            }
        }

        rc = jr_json_parse(text, len, &err, &ours);
        theirs = json_loadb(text, len, JSON_REJECT_DUPLICATES|JSON_DECODE_ANY
                                       |JSON_ALLOW_NUL, NULL);

        assert_int_equal(rc == JR_OK, theirs != NULL);

        if (theirs != NULL) {
            assert_true(json_equal(ours, theirs));
            json_decref(ours);
            json_decref(theirs);
            accepted++;
        }
    }

    assert_in_range(accepted, 1000, 59000);
}


int
main(void)
{
    const struct CMUnitTest  tests[] = {
        cmocka_unit_test(vectors),
        cmocka_unit_test(errors_have_a_place),
        cmocka_unit_test(raw_nul_is_named),
        cmocka_unit_test(numbers_out_of_range_have_a_pointer),
        cmocka_unit_test(stand_ins),
        cmocka_unit_test(strings_are_unescaped),
        cmocka_unit_test(members_keep_their_order),
        cmocka_unit_test(agrees_with_jansson)
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
