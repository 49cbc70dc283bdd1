/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The parser: what it accepts, where it sees errors, and that it reads what
 * jansson reads.
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

#include "jr_json_names.h"
#include "lib_rules.h"
#include "lib_value.h"

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
    const jr_value_t  *value;

    assert_int_equal(parse_value(text, strlen(text), &err, &value),
                     JR_INVALID);
    assert_string_equal(err.text, why);
    assert_int_equal(err.line, line);
    assert_int_equal(err.column, column);
    assert_int_equal(err.offset, offset);
}


/* n times the text of an item, in an array */

static char *
items(size_t n, const char *item)
{
    char    *text, *p;
    size_t   i;

    text = malloc(n * (strlen(item) + 1) + 2);
    assert_non_null(text);

    p = text;

    for (i = 0; i < n; i++) {
        p += sprintf(p, "%c%s", i ? ',' : '[', item);
    }

    strcpy(p, "]");

    return text;
}


static void
values_are_counted(void **state)
{
    char              *text;
    const jr_value_t  *value;

    (void) state;

    text = items(JR_JSON_VALUES, "0");
    assert_int_equal(parse_value(text, strlen(text), &err, &value), JR_OK);
    assert_int_equal(value->len, JR_JSON_VALUES);
    free(text);

    text = items(JR_JSON_VALUES + 1, "0");
    refused(text, 1, 2 * JR_JSON_VALUES + 3, 2 * JR_JSON_VALUES + 2,
            "more than 1000000 values and names");
    free(text);

    /* an item, a name and a value */

    text = items(JR_JSON_VALUES / 3, "{\"\":0}");
    assert_int_equal(parse_value(text, strlen(text), &err, &value), JR_OK);
    free(text);

    text = items(JR_JSON_VALUES / 3 + 1, "{\"\":0}");
    assert_int_equal(parse_value(text, strlen(text), &err, &value),
                     JR_INVALID);
    assert_string_equal(err.text, "more than 1000000 values and names");
    free(text);

    /* nothing is closed in time */

    text = items(2 * JR_JSON_VALUES, "0");
    text[strlen(text) - 1] = ' ';
    assert_int_equal(parse_value(text, strlen(text), &err, &value),
                     JR_INVALID);
    assert_string_equal(err.text, "more than 1000000 values and names");
    free(text);
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
    const jr_value_t  *value;

    (void) state;

    assert_int_equal(parse_value("[1\0]", 4, &err, &value), JR_INVALID);
    assert_string_equal(err.text, "raw NUL byte");
    assert_int_equal(err.offset, 2);

    assert_int_equal(parse_value("[\"a\0\"]", 6, &err, &value), JR_INVALID);
    assert_string_equal(err.text, "raw NUL byte in a string");
    assert_int_equal(err.offset, 3);
}


static void
numbers_out_of_range_have_a_pointer(void **state)
{
    const jr_value_t  *value;

    (void) state;

    refused("{\"a\": [0, {\"b/c\": 9223372036854775808}]}", 1, 19, 18,
            "/a/1/b~1c: must be a 64-bit integer (-9223372036854775808 to"
            " 9223372036854775807), found 9223372036854775808");
    assert_true(err.range);
    assert_int_equal(err.pointer, 9);

    refused("-1e400", 1, 1, 0,
            "the request body: must be a double-precision number (to"
            " about 1.8e308), found -1e400");
    assert_true(err.range);
    assert_int_equal(err.pointer, 0);

    refused("[", 1, 2, 1, "expected a value, found the end of the text");
    assert_false(err.range);

    assert_int_equal(parse_value("[-9223372036854775808]", 22, &err,
                                 &value), JR_OK);
    assert_true(jr_integer(jr_array_item(value, 0)) == INT64_MIN);
}


static void
any_number_where_wanted(void **state)
{
    const jr_value_t  *value;

    (void) state;

    assert_int_equal(parse_any_number("[1e999,\"1e999\",1]", 17, &err, &value),
                     JR_OK);

    assert_true(jr_is(jr_array_item(value, 0), JR_KIND_OUT_OF_RANGE));
    assert_int_equal(jr_array_item(value, 0)->len, 5);
    assert_string_equal(jr_array_item(value, 0)->u.text, "1e999");

    assert_true(jr_is_string(jr_array_item(value, 1)));
    assert_true(jr_is_integer(jr_array_item(value, 2)));

    /* the whole text, with nothing behind it */

    assert_int_equal(parse_any_number("-1e999", 6, &err, &value), JR_OK);
    assert_string_equal(value->u.text, "-1e999");
}


static void
strings_are_unescaped(void **state)
{
    const char        *text;
    const jr_value_t  *value;

    static const char  want[] = "\"\\/\b\f\n\r\t\0A\xc3\xa9\xe2\x82\xac"
                                "\xf0\x9f\x98\x80";

    (void) state;

    text = "\"\\\"\\\\\\/\\b\\f\\n\\r\\t\\u0000\\u0041\\u00e9\\u20AC"
           "\\ud83d\\uDE00\"";

    assert_int_equal(parse_value(text, strlen(text), &err, &value), JR_OK);
    assert_int_equal(jr_string_len(value), sizeof(want) - 1);
    assert_memory_equal(jr_string(value), want, sizeof(want) - 1);

}


static void
members_keep_their_order(void **state)
{
    int                i;
    char               name[8], text[4096], *p;
    const jr_value_t  *value;

    (void) state;

    p = text;

    for (i = 0; i < 200; i++) {
        p += sprintf(p, "%c\"k%d\":%d", i == 0 ? '{' : ',', i * 7919 % 1000,
                     i);
    }

    strcpy(p, "}");

    assert_int_equal(parse_value(text, strlen(text), &err, &value), JR_OK);

    assert_int_equal(jr_object_size(value), 200);

    for (i = 0; i < 200; i++) {
        sprintf(name, "k%d", i * 7919 % 1000);
        assert_string_equal(jr_object_name(value, i)->u.text, name);
        assert_int_equal(jr_integer(jr_object_member(value, i)), i);
        assert_int_equal(jr_integer(jr_object_get(value, name, strlen(name))),
                         i);
    }

}


/*
 * Names that have one and the same hash (see jr_names_hash()), as somebody
 * who knows it can make them: the second eight bytes undo what the first
 * eight did.
 */

static void
colliding_name(char name[16], uint64_t number)
{
    uint64_t  h;

    memcpy(name, &number, 8);

    h = ((16 * 0x9e3779b97f4a7c15u) ^ number) * 0xff51afd7ed558ccdu;
    h ^= h >> 32;

    memcpy(name + 8, &h, 8);
}


static void
a_name_is_not_there_twice(void **state)
{
    char        names[3000][16];
    size_t      i, n, again;
    jr_value_t  members[2 * 3000];

    static const size_t  sizes[] = { 2, 8, 9, 17, 100, 3000 };

    (void) state;

    for (int collide = 0; collide < 2; collide++) {
        for (i = 0; i < 3000; i++) {

            if (collide) {
                colliding_name(names[i], i);

            } else {
                snprintf(names[i], 16, "member-%08zu", i);
            }

            members[2 * i].kind = JR_KIND_STRING;
            members[2 * i].len = 16;
            members[2 * i].u.text = names[i];
        }

        for (i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
            n = sizes[i];

            assert_int_equal(jr_json_names_unique(members, n, &again), JR_OK);

            /* the last but one again, and then the first */

            members[2 * (n - 1)].u.text = names[n - 2];
            assert_int_equal(jr_json_names_unique(members, n, &again),
                             JR_INVALID);
            assert_int_equal(again, n - 1);

            members[2 * (n / 2)].u.text = names[0];
            assert_int_equal(jr_json_names_unique(members, n, &again),
                             JR_INVALID);
            assert_int_equal(again, n / 2);

            members[2 * (n - 1)].u.text = names[n - 1];
            members[2 * (n / 2)].u.text = names[n / 2];
        }
    }

    assert_int_equal(jr_json_names_unique(members, 0, &again), JR_OK);
    assert_int_equal(jr_json_names_unique(members, 1, &again), JR_OK);
}


static void
values_outlive_their_text(void **state)
{
    char              *text;
    const jr_value_t  *value;

    (void) state;

    text = strdup("{\"a\":[\"b\\n\",\"c\"]}");
    assert_non_null(text);

    assert_int_equal(parse_value(text, strlen(text), &err, &value), JR_OK);
    free(text);

    value = jr_object_get(value, "a", 1);
    assert_int_equal(jr_array_size(value), 2);
    assert_string_equal(jr_string(jr_array_item(value, 0)), "b\n");
    assert_string_equal(jr_string(jr_array_item(value, 1)), "c");
    assert_null(jr_array_item(value, 2));
    assert_null(jr_object_get(value, "a", 1));
}


/*
 * Against jansson: texts made by changing a few bytes of a good one are
 * accepted by both with the same value, or refused by both; or jansson is
 * the laxer, which it is known to be about NUL only.
 */

static void
agrees_with_jansson(void **state)
{
    int                accepted;
    char               text[256];
    size_t             i, k, n, len;
    json_t            *ours, *theirs;
    jr_status_e        rc;
    unsigned long      seed;
    const jr_value_t  *value;

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

        rc = parse_value(text, len, &err, &value);
        theirs = json_loadb(text, len, JSON_REJECT_DUPLICATES|JSON_DECODE_ANY
                                       |JSON_ALLOW_NUL, NULL);

        assert_int_equal(rc == JR_OK, theirs != NULL);

        if (theirs != NULL) {
            ours = value_to_jansson(value);
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
        cmocka_unit_test(values_are_counted),
        cmocka_unit_test(errors_have_a_place),
        cmocka_unit_test(raw_nul_is_named),
        cmocka_unit_test(numbers_out_of_range_have_a_pointer),
        cmocka_unit_test(any_number_where_wanted),
        cmocka_unit_test(strings_are_unescaped),
        cmocka_unit_test(members_keep_their_order),
        cmocka_unit_test(a_name_is_not_there_twice),
        cmocka_unit_test(values_outlive_their_text),
        cmocka_unit_test(agrees_with_jansson)
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
