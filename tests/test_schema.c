/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Compiling schemas: what is refused, and how the place is named.
 */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "lib_rules.h"

static void
refused(const char *text, const char *why)
{
    char          err[1024];
    jr_schema_t  *schema;

    assert_int_equal(jr_schema_compile(text, strlen(text), err, sizeof(err),
                                       &schema), JR_INVALID);
    assert_string_equal(err, why);
}


static void
accepted(const char *text)
{
    char          err[1024];
    jr_schema_t  *schema;

    if (jr_schema_compile(text, strlen(text), err, sizeof(err), &schema)
        != JR_OK)
    {
        fail_msg("%s: %s", text, err);
    }

    jr_schema_free(schema);
}


static void
shipped_schemas_compile(void **state)
{
    (void) state;

    jr_schema_free(load_schema("CreateJobRunDetails.json"));
    jr_schema_free(load_schema("JobRun.json"));
    jr_schema_free(load_schema("Error.json"));
    jr_schema_free(NULL);
}


static void
unknown_keywords_are_named(void **state)
{
    (void) state;

    refused("{\"properties\":{\"jobKey\":{\"foo\":1}}}",
            "/properties/jobKey: keyword \"foo\" is not supported");
    refused("{\"items\":{\"multipleOf\":2},\"if\":{}}",
            "/items: keyword \"multipleOf\" is not supported; keyword"
            " \"if\" is not supported");
    refused("{\"$defs\":{\"a/b\":{\"format\":\"email\"}}}",
            "/$defs/a~1b/format: format \"email\" is not supported");
    refused("{\"items\":{\"$id\":\"x\"}}",
            "/items/$id: is supported at the top only");
    refused("{\"allOf\":[{},{\"x\\n\":1}]}",
            "/allOf/1: keyword \"x\\u000a\" is not supported");
}


static void
wrong_shapes_are_named(void **state)
{
    (void) state;

    refused("[]", "a schema must be an object or a boolean");
    refused("{\"type\":\"strin\"}", "/type: must be object, array, string,"
            " integer, number, boolean or null");
    refused("{\"type\":[]}", "/type: must not be empty");
    refused("{\"minLength\":-1}", "/minLength: must be an integer, 0 or"
            " more");
    refused("{\"maxItems\":1.5}", "/maxItems: must be an integer, 0 or"
            " more");
    refused("{\"maximum\":\"1\"}", "/maximum: must be a number");
    refused("{\"enum\":1}", "/enum: must be an array");
    refused("{\"pattern\":1}", "/pattern: must be a string");
    refused("{\"required\":[\"a\",1]}", "/required: must be an array of"
            " strings");
    refused("{\"properties\":[]}", "/properties: must be an object of"
            " schemas");
    refused("{\"properties\":{\"a\":1}}", "/properties/a: a schema must be"
            " an object or a boolean");
    refused("{\"allOf\":[]}", "/allOf: must be an array of schemas, not"
            " empty");
    refused("{\"$ref\":1}", "/$ref: must be a string");
    refused("{\"format\":1}", "/format: must be a string");
    refused("{\"type\":\"string\",}", "line 1, column 18: expected a member"
            " name in quotation marks, found '}'");
    refused("{\"type\":1,\"type\":2}", "line 1, column 11: duplicate member"
            " name \"type\"");
}


static void
references_must_lead_somewhere(void **state)
{
    (void) state;

    refused("{\"$ref\":\"#/$defs/no\"}", "$ref \"#/$defs/no\" leads to no"
            " schema in this text; only a JSON Pointer such as #/$defs/Name"
            " is supported");
    refused("{\"$ref\":\"http://example.com/x\"}", "$ref"
            " \"http://example.com/x\" leads to no schema in this text; only"
            " a JSON Pointer such as #/$defs/Name is supported");
    refused("{\"$ref\":\"#/enum/0\",\"enum\":[{}]}", "$ref \"#/enum/0\""
            " leads to no schema in this text; only a JSON Pointer such as"
            " #/$defs/Name is supported");

    accepted("{\"allOf\":[{\"$ref\":\"#/$defs/a%22b\"}],"
             "\"$defs\":{\"a\\\"b\":{\"$ref\":\"#/items\"}},\"items\":{}}");
    accepted("{\"properties\":{\"a\":{\"$ref\":\"#\"}}}");
}


static void
cycles_are_refused(void **state)
{
    (void) state;

    refused("{\"$ref\":\"#\"}", "a $ref leads back to itself without going"
            " down into a member or an item");
    refused("{\"$ref\":\"#/$defs/a\",\"$defs\":{\"a\":{\"anyOf\":[{\"not\":"
            "{\"$ref\":\"#/$defs/b\"}}]},\"b\":{\"allOf\":[{\"$ref\":"
            "\"#/$defs/a\"}]}}}", "a $ref leads back to itself without"
            " going down into a member or an item");

    accepted("{\"items\":{\"anyOf\":[{\"$ref\":\"#\"},{\"type\":\"null\"}]}}");
}


static void
nesting_is_bounded(void **state)
{
    char    text[4096], *p;
    size_t  i;

    (void) state;

    p = text;

    for (i = 0; i < 70; i++) {
        p += sprintf(p, "{\"not\":");
    }

    p += sprintf(p, "{}");
    memset(p, '}', 70);
    p[70] = '\0';

    refused(text, "more than 64 schemas inside each other for one value");
}


static void
too_many_schemas(void **state)
{
    char    *text, *p;
    size_t   i;

    (void) state;

    text = malloc(5000 * 8);
    assert_non_null(text);

    p = text + sprintf(text, "{\"allOf\":[{}");

    for (i = 0; i < 5000; i++) {
        p += sprintf(p, ",{}");
    }

    strcpy(p, "]}");

    refused(text, "/allOf/4095: more than 4096 schemas");
    free(text);
}


static void
patterns_of_other_dialects_are_refused(void **state)
{
    size_t       i;
    char         text[128], err[512];
    jr_schema_t  *schema;

    static const char *const  bad[] = {
        "a++", "a*+", "a?+", "a{2}+", "(?i)a", "(?>a)", "(?#a)", "(?P<n>a)",
        "(*UTF)a", "\\\\A", "\\\\Z", "\\\\z", "\\\\a", "\\\\e", "\\\\Qa",
        "\\\\h", "\\\\R", "\\\\X", "\\\\K", "\\\\G", "\\\\N", "\\\\C", "*a",
        "a**", "{1}", "a{", "]", "}", "(", ")", "[a", "[b-a]", "\\\\",
        "\\\\x1", "\\\\u12", "\\\\u{110000}", "\\\\ud800", "\\\\01",
        "\\\\c1", "\\\\p{L", "\\\\pL", "\\\\p{Foo}", "\\\\k", "[\\\\B]",
        "[\\\\1]", "\\\\1", "^*", "a|*"
    };

    (void) state;

    for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        snprintf(text, sizeof(text), "{\"pattern\":\"%s\"}", bad[i]);

        if (jr_schema_compile(text, strlen(text), err, sizeof(err), &schema)
            != JR_INVALID)
        {
            fail_msg("accepted: %s", text);
        }

        assert_memory_equal(err, "/pattern: pattern \"", 19);
    }
}


/* with the construct, where it is, and what to write */

static void
refused_patterns_are_explained(void **state)
{
    size_t  i;
    char    text[128], err[512];

    static const char *const  bad[][2] = {
        { "ab++", "a quantifier with nothing to repeat at offset 3, \"+\";"
          " write a backslash before it to mean the character" },
        { "a]", "a lone ] or } at offset 1, \"]\"; write a backslash before"
          " it to mean the character" },
        { "x(?i)a", "a group of an unknown kind at offset 1, \"(?i)a\";"
          " supported are (...), (?:...), (?=...), (?!...), (?<=...) and"
          " (?<!...)" },
        { "(?<n>x)", "a group of an unknown kind at offset 0, \"(?<n>x)\";"
          " supported are (...), (?:...), (?=...), (?!...), (?<=...) and"
          " (?<!...)" },
        { "^(a)|b\\\\1$", "a reference to a group at offset 6, \"\\\\1$\";"
          " write out what the group holds" },
        { "x\\\\k<n>", "a reference to a group at offset 1, \"\\\\k<n>\";"
          " write out what the group holds" },
        { "\\\\p{gc=Nd}", "an unknown property at offset 0, \"\\\\p{gc=Nd}\";"
          " supported are categories such as \\p{L} and \\p{Lu},"
          " \\p{Letter}, \\p{Number}, \\p{Punctuation} and scripts such as"
          " \\p{Script=Greek}" },
        { "a\\\\ud83d", "an incomplete escape, or half a character at offset 1,"
          " \"\\\\ud83d\"; write \\xHH, \\uHHHH, \\u{H...}, or \\c and a letter"
        },
        { "\\\\Aa", "an unknown escape at offset 0, \"\\\\Aa\"; write the"
          " character itself" },
        { "\\\\s.(a", "missing closing parenthesis at offset 5" },
        { ".\\\\s[b-a]", "range out of order in character class at offset 6" }
    };

    (void) state;

    for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        snprintf(text, sizeof(text), "{\"pattern\":\"%s\"}", bad[i][0]);
        snprintf(err, sizeof(err), "/pattern: pattern \"%s\": %s", bad[i][0],
                 bad[i][1]);
        refused(text, err);
    }

    refused("{\"patternProperties\":{\"(?i)x\":{}}}",
            "/patternProperties: pattern \"(?i)x\": a group of an unknown kind"
            " at offset 0, \"(?i)x\"; supported are (...), (?:...), (?=...),"
            " (?!...), (?<=...) and (?<!...)");
}


static void
many_complaints_are_cut(void **state)
{
    char          err[64], text[1024], *p;
    size_t        i;
    jr_schema_t  *schema;

    (void) state;

    p = text;

    for (i = 0; i < 40; i++) {
        p += sprintf(p, "%c\"k%zu\":1", i == 0 ? '{' : ',', i);
    }

    strcpy(p, "}");

    assert_int_equal(jr_schema_compile(text, strlen(text), err, sizeof(err),
                                       &schema), JR_INVALID);
    assert_true(strlen(err) < sizeof(err));
    assert_memory_equal(err, "keyword \"k0\" is not supported", 29);
}


int
main(void)
{
    const struct CMUnitTest  tests[] = {
        cmocka_unit_test(shipped_schemas_compile),
        cmocka_unit_test(unknown_keywords_are_named),
        cmocka_unit_test(wrong_shapes_are_named),
        cmocka_unit_test(references_must_lead_somewhere),
        cmocka_unit_test(cycles_are_refused),
        cmocka_unit_test(nesting_is_bounded),
        cmocka_unit_test(too_many_schemas),
        cmocka_unit_test(patterns_of_other_dialects_are_refused),
        cmocka_unit_test(refused_patterns_are_explained),
        cmocka_unit_test(many_complaints_are_cut)
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
