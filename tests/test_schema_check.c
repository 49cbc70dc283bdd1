/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Checking values: verdicts by the vectors, and every kind of message.
 */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "jr_body.h"
#include "lib_rules.h"
#include "lib_schema.h"


static void
says(const char *schema_text, const char *text, const char *want)
{
    jr_schema_t  *schema;

    schema = compiled(schema_text);

    checked(schema, text, 0);
    assert_string_equal(report.text, want);

    jr_schema_free(schema);
}


static void
vectors(void **state)
{
    corpus_t  corpus;

    (void) state;

    vectors_run(&corpus, "schema.jsonl", rule_schema, NULL);
    corpus_end(&corpus);
    assert_int_equal(corpus.outside, 0);
}


static void
each_rule_has_its_words(void **state)
{
    (void) state;

    says("{\"type\":\"string\"}", "1",
         "the request body: must be a string, found 1");
    says("{\"type\":[\"object\",\"null\",\"number\"]}", "\"x\"",
         "the request body: must be an object, a number or null, found \"x\"");
    says("{\"type\":\"integer\"}", "1.5",
         "the request body: must be an integer, found 1.5");
    says("{\"type\":\"boolean\"}", "{}",
         "the request body: must be true or false, found an object");
    says("{\"type\":\"object\"}", "[]",
         "the request body: must be an object, found an"
         " array");
    says("{\"items\":{\"type\":\"null\"}}", "[null,true]",
         "/1: must be null, found true");
    says("false", "1", "the request body: is not allowed here, found 1");
    says("{\"enum\":[\"a\",1,null,true,{}]}", "\"b\"",
         "the request body: must be \"a\", 1,"
         " null, true or a certain object, found \"b\"");
    says("{\"const\":\"a\"}", "[]",
         "the request body: must be \"a\", found an array");
    says("{\"minLength\":2}", "\"\xc3\xa9\"",
         "the request body: must have at least 2 characters, found 1");
    says("{\"maxLength\":1}", "\"ab\"",
         "the request body: must have at most 1 character, found 2");
    says("{\"minItems\":1}", "[]",
         "the request body: must have at least 1 item, found 0");
    says("{\"maxItems\":2}", "[1,2,3]",
         "the request body: must have at most 2 items, found 3");
    says("{\"minimum\":2}", "1",
         "the request body: must be at least 2, found 1");
    says("{\"maximum\":0.5}", "1",
         "the request body: must be at most 0.5, found 1");
    says("{\"exclusiveMinimum\":2}", "2",
         "the request body: must be more than 2, found 2");
    says("{\"exclusiveMaximum\":2}", "2",
         "the request body: must be less than 2, found 2");
    says("{\"pattern\":\"^[\\\\w\\\\-.]+$\"}", "\"a b\"",
         "the request body: must match ^[\\w\\-.]+$, found \"a b\"");
    says("{\"required\":[\"a\",\"b/c\"]}", "{}",
         "/a: required; /b~1c: required");
    says("{\"additionalProperties\":false}", "{\"a\":1}",
         "/a: unknown member");
    says("{\"anyOf\":[{\"type\":\"null\"},{\"type\":\"array\"}]}", "1",
         "the request body: matches none of the 2 forms that are allowed"
         " here, found 1");
    says("{\"oneOf\":[{\"type\":\"null\"},{\"type\":\"array\"}]}", "1",
         "the request body: matches none of the 2 forms of which exactly"
         " one is allowed"
         " here, found 1");
    says("{\"oneOf\":[true,{},{\"type\":\"array\"}]}", "1",
         "the request body: matches more"
         " than one of the 3 forms of which exactly one is allowed here,"
         " found 1");
    says("{\"not\":{\"type\":\"integer\"}}", "1",
         "the request body: has a form that is not allowed here, found 1");
    says("{\"format\":\"int32\"}", "2147483648",
         "the request body: must be a 32-bit integer"
         " (-2147483648 to 2147483647), found 2147483648");
    says("{\"format\":\"int64\"}", "1e19",
         "the request body: must be a 64-bit integer"
         " (-9223372036854775808 to 9223372036854775807), found 1e+19");
    says("{\"format\":\"date-time\"}", "\"today\"",
         "the request body: must be a date-time"
         " of RFC 3339 such as 2026-04-30T12:00:00Z, found \"today\"");
    says("{\"format\":\"quartz-cron\"}", "\"0 0 25 * * ?\"",
         "the request body: hour must be 0-23, found 25 at \"0 0 25 * * ?\"");
    says("{\"format\":\"java-timezone-id\"}", "\"US/Pacfic\"",
         "the request body: must be a"
         " Java time zone id such as US/Pacific, UTC or GMT+05:30, found"
         " \"US/Pacfic\", did you mean US/Pacific?");
    says("{\"type\":\"string\",\"maxLength\":0}", "\"x\"",
         "the request body: must have at most 0 characters, found 1");
}


static void
one_type_error_for_an_allof(void **state)
{
    (void) state;

    says("{\"allOf\":[{\"type\":\"object\",\"required\":[\"a\"]},"
         "{\"type\":\"object\",\"required\":[\"a\",\"b\"]}]}", "1",
         "the request body: must be an object, found 1");
    says("{\"allOf\":[{\"type\":\"object\",\"required\":[\"a\"]},"
         "{\"type\":\"object\",\"required\":[\"a\",\"b\"]}]}", "{}",
         "/a: required; /b: required");
}


static void
entries_follow_the_text(void **state)
{
    (void) state;

    says("{\"allOf\":[{\"properties\":{\"b\":{\"type\":\"string\"},"
         "\"x\":{\"properties\":{\"q\":false}}}},"
         "{\"properties\":{\"a\":{\"type\":\"string\"},"
         "\"x\":{\"properties\":{\"p\":false}}}}]}",
         "{\"a\":1,\"x\":{\"p\":1,\"q\":1},\"b\":1}",
         "/a: must be a string, found 1; /x/p: is not allowed here, found 1;"
         " /x/q: is not allowed here, found 1; /b: must be a string, found"
         " 1");
}


static void
values_are_cut_and_escaped(void **state)
{
    char  text[512], want[512];

    (void) state;

    sprintf(text, "\"%0100d\"", 0);
    sprintf(want,
            "the request body: must be an integer, found \"%064d...\"", 0);
    says("{\"type\":\"integer\"}", text, want);

    sprintf(text, "\"%064d\"", 0);
    sprintf(want, "the request body: must be an integer, found \"%064d\"", 0);
    says("{\"type\":\"integer\"}", text, want);

    says("{\"type\":\"integer\"}", "\"\\u0000\\u001b[31m\\n\\\"\\\\\xc2\x85"
         "\xe2\x80\xa8\xe2\x80\xae\x7f\xc3\xa9\xf0\x9f\x98\x80\"",
         "the request body: "
         "must be an integer, found \"\\u0000\\u001b[31m\\u000a\\\"\\\\"
         "\\u0085\\u2028\\u202e\\u007f\xc3\xa9\xf0\x9f\x98\x80\"");

    says("{\"additionalProperties\":{\"type\":\"integer\"}}",
         "{\"a~/\\n\\u0000\":\"x\"}",
         "/a~0~1\\u000a\\u0000: must be an integer, found \"x\"");
}


static void
twenty_entries_then_a_number(void **state)
{
    char          text[1024], *p;
    size_t        i;
    const char   *tail;
    jr_schema_t  *schema;

    (void) state;

    schema = compiled("{\"items\":{\"type\":\"string\"}}");

    p = text;

    for (i = 0; i < 20; i++) {
        p += sprintf(p, "%c%zu", i == 0 ? '[' : ',', i);
    }

    strcpy(p, "]");
    assert_int_equal(checked(schema, text, 0), JR_INVALID);
    assert_int_equal(report.count, 20);
    assert_int_equal(report.entries, 20);
    assert_null(strstr(report.text, "more"));

    strcpy(p, ",1,2,3]");
    assert_int_equal(checked(schema, text, 0), JR_INVALID);
    assert_int_equal(report.count, 23);
    assert_int_equal(report.entries, 20);

    tail = "/19: must be a string, found 19; and 3 more";
    assert_string_equal(report.text + report.len - strlen(tail), tail);

    jr_schema_free(schema);
}


static void
the_longest_report_fits(void **state)
{
    char          *text, *p;
    size_t         i, k;
    jr_schema_t   *schema;

    (void) state;

    schema = compiled("{\"additionalProperties\":{\"enum\":["
                      "\"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
                      "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\",\"bbbb"
                      "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"
                      "bbbbbbbbbbbbbbbbb\",\"cccccccccccccccccccccccccccccccc"
                      "cccccccccccccccccccccccccccccccccccccccccccccccccccc\","
                      "\"dddddddddddddddddddddddddddddddddddddddddddddddddddd"
                      "dddddddddddddddddddddddddddddddd\",\"eeeeeeeeeeeeeeeee"
                      "eeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeee\""
                      "]}}");

    text = malloc(400000);
    assert_non_null(text);

    p = text;

    for (i = 0; i < 25; i++) {
        p += sprintf(p, "%c\"%zu", i == 0 ? '{' : ',', i);

        for (k = 0; k < 1000; k++) {
            p += sprintf(p, "\\u0001");
        }

        p += sprintf(p, "\":\"");

        for (k = 0; k < 1000; k++) {
            p += sprintf(p, "\\u0002");
        }

        p += sprintf(p, "\"");
    }

    strcpy(p, "}");

    assert_int_equal(checked(schema, text, 0), JR_INVALID);
    assert_int_equal(report.count, 25);
    assert_int_equal(report.entries, 20);
    assert_string_equal(report.text + report.len - 12, "; and 5 more");

    for (i = 0; i < report.entries; i++) {
        assert_true(report.entry[i].end > report.entry[i].start
                                          + report.entry[i].message);
    }

    free(text);
    jr_schema_free(schema);
}


static void
entries_are_told_apart(void **state)
{
    jr_schema_t  *schema;

    (void) state;

    schema = compiled("{\"required\":[\"a\"],\"properties\":{\"b\":"
                      "{\"type\":\"null\"}}}");

    checked(schema, "{\"b\":\"; /x: y\"}", 0);

    assert_int_equal(report.entries, 2);
    assert_true(report.entry[0].missing);
    assert_int_equal(report.entry[0].start, 0);
    assert_int_equal(report.entry[0].pointer, 2);
    assert_int_equal(report.entry[0].end, strlen("/a: required"));
    assert_false(report.entry[1].missing);
    assert_int_equal(report.entry[1].start, strlen("/a: required; "));
    assert_int_equal(report.entry[1].end, report.len);

    jr_schema_free(schema);
}


static void
null_is_absent_where_asked(void **state)
{
    jr_schema_t  *schema;

    (void) state;

    schema = compiled("{\"required\":[\"a\"],\"properties\":{\"a\":"
                      "{\"type\":\"string\"},\"b\":{\"type\":\"string\"},"
                      "\"c\":{\"items\":{\"type\":\"string\"}}}}");

    checked(schema, "{\"a\":null,\"b\":null,\"c\":[null]}", 0);
    assert_string_equal(report.text, "/a: must be a string, found null; /b:"
                        " must be a string, found null; /c/0: must be a"
                        " string, found null");

    checked(schema, "{\"a\":null,\"b\":null,\"c\":[null]}",
            JR_SCHEMA_NULL_IS_ABSENT);
    assert_string_equal(report.text, "/a: required, found null; /c/0: must"
                        " be a string, found null");
    assert_false(report.entry[0].missing);

    jr_schema_free(schema);
}


static void
nul_is_refused_where_asked(void **state)
{
    jr_schema_t  *schema;

    (void) state;

    schema = compiled("{\"properties\":{\"a\":{\"anyOf\":[{\"type\":"
                      "\"string\"}]}}}");

    assert_int_equal(checked(schema, "{\"a\":\"\\u0000\",\"b\":"
                             "[{\"c\\u0000\":\"\\u0000\"}]}", 0), JR_OK);

    checked(schema, "{\"a\":\"\\u0000\",\"b\":[{\"c\\u0000\":\"\\u0000\"}]}",
            JR_SCHEMA_REJECT_NUL);
    assert_string_equal(report.text, "/a: must not hold U+0000; /b/0: a"
                        " member name must not hold U+0000, found"
                        " \"c\\u0000\"; /b/0/c\\u0000: must not hold"
                        " U+0000");

    jr_schema_free(schema);
}


static void
unknown_members_where_asked(void **state)
{
    jr_schema_t  *schema;

    (void) state;

    schema = compiled("{\"allOf\":[{\"properties\":{\"a\":{}}},"
                      "{\"patternProperties\":{\"^x-\":{}}}],"
                      "\"anyOf\":[{\"properties\":{\"b\":{}}},true],"
                      "\"properties\":{\"free\":{\"type\":\"object\"},"
                      "\"map\":{\"additionalProperties\":{\"properties\":"
                      "{\"k\":{}}}},"
                      "\"list\":{\"items\":{\"properties\":{\"k\":{}}}}}}");

    assert_int_equal(checked(schema, "{\"z\":1}", 0), JR_OK);
    assert_int_equal(checked(schema, "{\"a\":1,\"b\":1,\"x-y\":1,\"free\":"
                             "{\"z\":{\"z\":1}},\"map\":{\"z\":{\"k\":1}},"
                             "\"list\":[{\"k\":1}]}",
                             JR_SCHEMA_REJECT_UNKNOWN), JR_OK);

    checked(schema, "{\"z\":1,\"map\":{\"z\":{\"y\":1}},\"list\":[{},"
            "{\"w\":null}]}",
            JR_SCHEMA_REJECT_UNKNOWN|JR_SCHEMA_NULL_IS_ABSENT);
    assert_string_equal(report.text, "/z: unknown member; /map/z/y: unknown"
                        " member; /list/1/w: unknown member");

    jr_schema_free(schema);
}


int
main(void)
{
    const struct CMUnitTest  tests[] = {
        cmocka_unit_test(vectors),
        cmocka_unit_test(each_rule_has_its_words),
        cmocka_unit_test(one_type_error_for_an_allof),
        cmocka_unit_test(entries_follow_the_text),
        cmocka_unit_test(values_are_cut_and_escaped),
        cmocka_unit_test(twenty_entries_then_a_number),
        cmocka_unit_test(the_longest_report_fits),
        cmocka_unit_test(entries_are_told_apart),
        cmocka_unit_test(null_is_absent_where_asked),
        cmocka_unit_test(nul_is_refused_where_asked),
        cmocka_unit_test(unknown_members_where_asked)
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
