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


/* read without work memory of its own, twice, with nothing left of before */

static void
is_read(const jr_schema_t *schema, const char *text, int dry_run,
    jr_status_e status, const char *digest_of, unsigned json,
    const char *job_key)
{
    int          i;
    jr_body_t    body;
    jr_digest_t  digest;

    for (i = 0; i < 2; i++) {
        memset(&body, 0x55, sizeof(body));
        jr_body_read(schema, NULL, text, strlen(text), JR_SCHEMA_GATEWAY,
                     dry_run, &body);

        assert_int_equal(body.status, status);
        assert_int_equal(body.json, json);

        memset(&digest, 0x55, sizeof(digest));

        if (digest_of != NULL) {
            assert_int_equal(jr_digest(digest_of, strlen(digest_of), &digest),
                             JR_OK);
        }

        assert_memory_equal(&body.digest, &digest, sizeof(digest));

        assert_int_equal(body.job_key_len, strlen(job_key));
        assert_memory_equal(body.job_key, job_key, body.job_key_len);
    }
}


/* a request is compared by the canonical text, or by its bytes where dry_run
   lets through what is no JSON */

static void
what_a_request_is_known_by(void **state)
{
    jr_schema_t  *schema;

    static const char  job[] = "{\"jobKey\":\"j\"}";

    (void) state;

    schema = load_schema("CreateJobRunDetails.json");

    is_read(schema, " { \"jobKey\" : \"\\u006a\" }\n", 0, JR_OK, job, 1, "j");
    is_read(schema, job, 1, JR_OK, job, 1, "j");

    is_read(schema, "{\"jobKey\": 1}", 0, JR_INVALID, NULL, 0, "");
    is_read(schema, "{\"jobKey\": 1}", 1, JR_INVALID, "{\"jobKey\":1}", 1,
            "");
    is_read(schema, "{\"jobKey\":\"j\", \"parameters\": 1}", 0, JR_INVALID,
            NULL, 0, "j");

    is_read(schema, "{\"jobKey\": ", 0, JR_INVALID, NULL, 0, "");
    is_read(schema, "{\"jobKey\": ", 1, JR_INVALID, "{\"jobKey\": ", 0, "");
    is_read(schema, "", 1, JR_INVALID, "", 0, "");
    is_read(schema, "[\"jobKey\"]", 1, JR_INVALID, "[\"jobKey\"]", 1, "");

    /* a number that no parser agrees on */
    is_read(schema, "{\"jobKey\":\"j\",\"z\":1e400}", 1, JR_INVALID,
            "{\"jobKey\":\"j\",\"z\":1e400}", 0, "");

    jr_schema_free(schema);
}


static void
a_long_job_key_is_cut(void **state)
{
    size_t        len;
    char          text[JR_BODY_JOB_KEY + 32];
    jr_body_t     body;
    jr_schema_t  *schema;

    (void) state;

    schema = load_schema("CreateJobRunDetails.json");

    for (len = JR_BODY_JOB_KEY - 2; len <= JR_BODY_JOB_KEY + 2; len++) {
        memset(text, 'k', sizeof(text));
        memcpy(text, "{\"jobKey\":\"", 11);
        memcpy(text + 11 + len, "\"}", 3);

        jr_body_read(schema, NULL, text, strlen(text), JR_SCHEMA_GATEWAY, 0,
                     &body);

        assert_int_equal(body.job_key_len,
                         len < JR_BODY_JOB_KEY ? len : JR_BODY_JOB_KEY);
        assert_memory_equal(body.job_key, text + 11, body.job_key_len);
    }

    jr_schema_free(schema);
}


/* wherever the escape stands, and whatever stands before it */

static void
a_nul_is_found_anywhere(void **state)
{
    size_t        i;
    jr_body_t     body;
    jr_schema_t  *schema;

    static const struct {
        const char   *text;
        jr_status_e   status;
    } cases[] = {
        { "{\"jobKey\":\"j\",\"z\":\"\\u0000\"}", JR_INVALID },
        { "{\"jobKey\":\"j\",\"z\":\"\\n\\t\\u0001\\u0000\"}",
          JR_INVALID },
        { "{\"jobKey\":\"j\",\"z\":\"\\\\\\u0000\"}", JR_INVALID },
        { "{\"jobKey\":\"j\",\"\\u0000\":1}", JR_INVALID },
        { "{\"jobKey\":\"j\",\"z\":\"\\\\u0000\"}", JR_OK },
        { "{\"jobKey\":\"j\",\"z\":\"\\u0001\"}", JR_OK },
        { "{\"jobKey\":\"j\",\"z\":\"u0000\"}", JR_OK }
    };

    (void) state;

    schema = load_schema("CreateJobRunDetails.json");

    for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        jr_body_read(schema, NULL, cases[i].text, strlen(cases[i].text),
                     JR_SCHEMA_GATEWAY | JR_SCHEMA_REJECT_NUL, 0, &body);
        assert_int_equal(body.status, cases[i].status);
    }

    jr_schema_free(schema);
}


int
main(void)
{
    const struct CMUnitTest  tests[] = {
        cmocka_unit_test(vectors),
        cmocka_unit_test(what_is_returned),
        cmocka_unit_test(numbers_out_of_range_stand_with_the_rest),
        cmocka_unit_test(answers_of_the_service),
        cmocka_unit_test(what_a_request_is_known_by),
        cmocka_unit_test(a_long_job_key_is_cut),
        cmocka_unit_test(a_nul_is_found_anywhere)
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
