/* SPDX-License-Identifier: BSD-2-Clause
 *
 * What checking a value may cost, whatever schema and value are.
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
#include "lib_value.h"


/* a pattern of one class and those that look like one */

static void
patterns_of_one_class(void **state)
{
    size_t        i;
    jr_schema_t  *schema;

    static const struct {
        const char  *schema;
        const char  *text;
        jr_status_e  want;
    } cases[] = {
        { "{\"pattern\":\"^[a\\\\]b]+$\"}", "\"]ab\"", JR_OK },
        { "{\"pattern\":\"^[a\\\\]b]+$\"}", "\"a[\"", JR_INVALID },
        { "{\"pattern\":\"^[a-c]+$\"}", "\"abc\"", JR_OK },
        { "{\"pattern\":\"^[a-c]+$\"}", "\"\"", JR_INVALID },
        { "{\"pattern\":\"^[a-c]+$\"}", "\"abcd\"", JR_INVALID },
        { "{\"pattern\":\"^[a-c]+$\"}", "\"ab\\n\"", JR_INVALID },
        { "{\"pattern\":\"^[a\xc3\xa9]+$\"}", "\"a\xc3\xa9\"", JR_OK },
        { "{\"pattern\":\"^[a\xc3\xa9]+$\"}", "\"a\xc3\xa8\"", JR_INVALID },
        { "{\"pattern\":\"^[a\xc3\xa9]+$\"}", "\"b\xc3\xa9\"", JR_INVALID },
        { "{\"pattern\":\"^[^a]+$\"}", "\"b\xc3\xa9\"", JR_OK },
        { "{\"pattern\":\"^[a]|[b]+$\"}", "\"axb\"", JR_OK },
        { "{\"pattern\":\"^[a]|[b]+$\"}", "\"x\"", JR_INVALID }
    };

    (void) state;

    for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        schema = compiled(cases[i].schema);
        assert_int_equal(checked(schema, cases[i].text, 0), cases[i].want);
        jr_schema_free(schema);
    }
}


static void
pathological_patterns_give_up(void **state)
{
    char          text[256], *p;
    size_t        i;
    jr_schema_t  *schema;

    (void) state;

    schema = compiled("{\"items\":{\"pattern\":\"^(a|a?)+$\"}}");

    /* the fifth is given up without another try, though it would match */

    for (i = 0, p = text; i < 4; i++) {
        p += sprintf(p, "%c\"%040d\"", i == 0 ? '[' : ',', 0);
        memset(p - 41, 'a', 39);
    }

    strcpy(p, ",\"aaa\"]");

    checked(schema, text, 0);
    assert_int_equal(report.count, 5);
    assert_non_null(strstr(report.text, "/0: takes too much work to match"
                           " against ^(a|a?)+$, found \"aaa"));
    assert_non_null(strstr(report.text, "/4: takes too much work to match"
                           " against ^(a|a?)+$, found \"aaa\""));

    /* the next check begins anew */

    assert_int_equal(checked(schema, "[\"aaa\"]", 0), JR_OK);

    jr_schema_free(schema);

    schema = compiled("{\"patternProperties\":{\"^(a|a?)+$\":true}}");

    sprintf(text, "{\"%060d\":1}", 0);
    memset(text + 2, 'a', 59);

    checked(schema, text, 0);
    assert_non_null(strstr(report.text, ": the name takes too much work to"
                           " check"));

    jr_schema_free(schema);
}


static void
trials_inside_trials_give_up(void **state)
{
    char         *text, *p;
    size_t        i;
    jr_schema_t  *schema;

    (void) state;

    schema = compiled("{\"anyOf\":[{\"properties\":{\"a\":{\"$ref\":\"#\"},"
                      "\"b\":false}},{\"properties\":{\"a\":{\"$ref\":"
                      "\"#\"},\"c\":false}}]}");

    text = malloc(20000);
    assert_non_null(text);

    p = text;

    for (i = 0; i < 900; i++) {
        p += sprintf(p, "{\"a\":");
    }

    p += sprintf(p, "{\"b\":1,\"c\":1}");
    memset(p, '}', 900);
    p[900] = '\0';

    assert_int_equal(checked(schema, text, 0), JR_INVALID);
    assert_int_equal(report.entries, report.count);
    assert_non_null(strstr(report.text, "too much work to check against this"
                           " schema"));

    free(text);
    jr_schema_free(schema);
}


/*
 * AddressSanitizer tells of every allocation, so the test can count them;
 * without it there is nothing to ask.
 */

int __sanitizer_install_malloc_and_free_hooks(
    void (*on_malloc)(const volatile void *, size_t),
    void (*on_free)(const volatile void *)) __attribute__((weak));

static size_t  allocations;


static void
on_malloc(const volatile void *p, size_t size)
{
    (void) p;
    (void) size;

    allocations++;
}


static void
on_free(const volatile void *p)
{
    (void) p;
}


static void
a_valid_body_allocates_nothing(void **state)
{
    size_t             before, after;
    const char        *text;
    jr_schema_t       *schema;
    jr_status_e        rc;
    jr_json_error_t    err;
    const jr_value_t  *value;

    (void) state;

    if (__sanitizer_install_malloc_and_free_hooks == NULL
        || !__sanitizer_install_malloc_and_free_hooks(on_malloc, on_free))
    {
        skip();
    }

    text = "{\"jobKey\":\"x\",\"parameters\":[{\"name\":\"a.b-c_d\"}],"
           "\"schedule\":{\"quartzCronExpression\":\"0 0 12 ? * MON-FRI\","
           "\"timezoneId\":\"US/Pacific\"},\"repairHistory\":[{"
           "\"lifecycleStates\":[{\"status\":\"FAILED\",\"endTime\":1}],"
           "\"taskToTaskRunMap\":{\"a\":\"b\"}}]}";

    schema = load_schema("CreateJobRunDetails.json");
    assert_int_equal(parse_value(text, strlen(text), &err, &value), JR_OK);
    assert_true(allocations > 0);

    before = allocations;
    rc = jr_schema_check(schema, NULL, value, JR_SCHEMA_GATEWAY, &report);
    after = allocations;

    assert_int_equal(rc, JR_OK);
    assert_int_equal(before, after);

    jr_schema_free(schema);
}


int
main(void)
{
    const struct CMUnitTest  tests[] = {
        cmocka_unit_test(patterns_of_one_class),
        cmocka_unit_test(pathological_patterns_give_up),
        cmocka_unit_test(trials_inside_trials_give_up),
        cmocka_unit_test(a_valid_body_allocates_nothing)
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
