/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Bodies: verdicts by the vectors, and what is returned beside them.
 */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "jr_body.h"
#include "lib_rules.h"

static void
vectors(void **state)
{
    corpus_t      corpus;
    jr_schema_t  *schema;

    (void) state;

    schema = load_schema("CreateJobRunDetails.json");

    vectors_run(&corpus, "bodies.jsonl", rule_body, schema);
    corpus_end(&corpus);
    assert_int_equal(corpus.outside, 0);

    jr_schema_free(schema);
}


static void
what_is_returned(void **state)
{
    jr_schema_t       *schema;
    jr_report_t        report;
    jr_json_error_t    err;
    const jr_value_t  *value;

    (void) state;

    schema = load_schema("CreateJobRunDetails.json");

    assert_int_equal(jr_body_check(schema, NULL, "{\"jobKey\":\"x\"}", 14,
                                   JR_SCHEMA_GATEWAY, &err, &report, &value),
                     JR_OK);
    assert_int_equal(jr_object_size(value), 1);
    assert_int_equal(report.count, 0);
    jr_body_done(schema, NULL);

    assert_int_equal(jr_body_check(schema, NULL, "{\"jobKey\":1}", 12,
                                   JR_SCHEMA_GATEWAY, &err, &report, &value),
                     JR_INVALID);
    assert_int_equal(jr_object_size(value), 1);
    assert_string_equal(report.text, "/jobKey: must be a string, found 1");
    jr_body_done(schema, NULL);

    assert_int_equal(jr_body_check(schema, NULL, "{\"jobKey\":1", 11,
                                   JR_SCHEMA_GATEWAY, &err, &report, &value),
                     JR_INVALID);
    assert_null(value);
    assert_int_equal(report.count, 0);
    assert_string_equal(err.text,
                        "expected ',' or '}', found the end of the text");

    jr_schema_free(schema);
}


static void
numbers_out_of_range_stand_with_the_rest(void **state)
{
    const char        *text;
    jr_schema_t       *schema;
    jr_report_t        report;
    jr_json_error_t    err;
    const jr_value_t  *value;

    (void) state;

    schema = load_schema("CreateJobRunDetails.json");

    text = "{\"key\":18446744073709551616,\"repairHistory\":[{\"key\":"
           "-1e999,\"endTime\":9223372036854775808}],\"z\":1e400}";

    assert_int_equal(jr_body_check(schema, NULL, text, strlen(text),
                                   JR_SCHEMA_GATEWAY, &err, &report, &value),
                     JR_INVALID);
    assert_null(value);
    assert_string_equal(report.text, "/jobKey: required; /key: must be a"
                        " string, found 18446744073709551616;"
                        " /repairHistory/0/key: must be a 32-bit integer"
                        " (-2147483648 to 2147483647), found -1e999;"
                        " /repairHistory/0/endTime: must be a 64-bit integer"
                        " (-9223372036854775808 to 9223372036854775807),"
                        " found 9223372036854775808; /z: must be a"
                        " double-precision number (to about 1.8e308), found"
                        " 1e400");

    /* where no rule of the gateway looks, it is still no valid body */

    text = "{\"jobKey\":\"x\",\"z\":[1e400]}";

    assert_int_equal(jr_body_check(schema, NULL, text, strlen(text), 0, &err,
                                   &report, &value), JR_INVALID);
    assert_null(value);
    assert_int_equal(report.count, 0);
    assert_true(err.range);

    jr_schema_free(schema);
}


static void
answers_of_the_service(void **state)
{
    const char        *text;
    jr_schema_t       *schema;
    jr_report_t        report;
    jr_json_error_t    err;
    const jr_value_t  *value;

    (void) state;

    schema = load_schema("JobRun.json");

    text = "{\"key\":\"k\",\"jobKey\":\"j\",\"name\":\"n\",\"timeCreated\":"
           "\"2026-06-10T08:00:00.123Z\",\"timeoutSeconds\":0,\"state\":"
           "{\"status\":\"PENDING\"},\"launched\":\"MANUAL\",\"tasks\":"
           "[{\"taskKey\":\"t\",\"type\":\"NOTEBOOK_TASK\",\"runIf\":"
           "\"ALL_SUCCESS\"}],\"newer\":1}";

    assert_int_equal(jr_body_check(schema, NULL, text, strlen(text), 0, &err,
                                   &report, &value), JR_OK);
    jr_body_done(schema, NULL);

    text = "{\"key\":\"k\",\"jobKey\":\"j\",\"timeCreated\":\"now\","
           "\"timeoutSeconds\":59,\"maxConcurrentRuns\":1001,\"tasks\":"
           "[{\"taskKey\":\"\"}]}";

    assert_int_equal(jr_body_check(schema, NULL, text, strlen(text), 0, &err,
                                   &report, &value), JR_INVALID);
    assert_int_equal(report.count, 7);
    jr_body_done(schema, NULL);

    jr_schema_free(schema);

    schema = load_schema("Error.json");

    text = "{\"code\":\"InvalidParameter\"}";

    assert_int_equal(jr_body_check(schema, NULL, text, strlen(text), 0, &err,
                                   &report, &value), JR_INVALID);
    assert_string_equal(report.text, "/message: required");
    jr_body_done(schema, NULL);

    jr_schema_free(schema);
}


int
main(void)
{
    const struct CMUnitTest  tests[] = {
        cmocka_unit_test(vectors),
        cmocka_unit_test(what_is_returned),
        cmocka_unit_test(numbers_out_of_range_stand_with_the_rest),
        cmocka_unit_test(answers_of_the_service)
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
