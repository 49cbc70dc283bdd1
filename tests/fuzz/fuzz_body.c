/*
 * A request body from its bytes to its fingerprint.
 *
 * Whatever our reader takes, jansson's own takes as the same value; and the
 * canonical form of a canonical form is itself.
 */

#include "fuzz.h"
#include "jr_body.h"
#include "jr_canonical.h"
#include "jr_embedded.h"


static void
same_for_jansson(const uint8_t *data, size_t size)
{
    json_t           *ours, *theirs;
    jr_json_error_t   err;

    if (jr_json_parse((const char *) data, size, &err, &ours) != JR_OK) {
        fuzz_holds(fuzz_is_plain(err.text, strlen(err.text)));
        fuzz_holds(err.offset <= size);
        return;
    }

    theirs = json_loadb((const char *) data, size, JSON_REJECT_DUPLICATES
                        |JSON_DECODE_ANY|JSON_ALLOW_NUL, NULL);

    fuzz_holds(theirs != NULL);
    fuzz_holds(json_equal(ours, theirs));

    json_decref(ours);
    json_decref(theirs);
}


static void
canonical_is_itself(const json_t *value)
{
    char             *first, *second;
    json_t           *again;
    size_t            len, other;
    jr_digest_t       one, two;
    jr_json_error_t   err;

    fuzz_holds(jr_canonical_text(value, &first, &len) == JR_OK);
    fuzz_holds(jr_json_parse(first, len, &err, &again) == JR_OK);
    fuzz_holds(jr_canonical_text(again, &second, &other) == JR_OK);

    fuzz_holds(len == other && memcmp(first, second, len) == 0);

    fuzz_holds(jr_canonical_digest(value, &one) == JR_OK);
    fuzz_holds(jr_canonical_digest(again, &two) == JR_OK);
    fuzz_holds(memcmp(&one, &two, sizeof(one)) == 0);

    json_decref(again);
    free(first);
    free(second);
}


int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char             what[512];
    json_t          *value;
    jr_status_e      rc;
    jr_json_error_t  err;

    static jr_schema_t  *schema;
    static jr_report_t   report;

    if (schema == NULL) {
        rc = jr_schema_compile(jr_embedded_create_job_run_details_json,
                               jr_embedded_create_job_run_details_json_len,
                               what, sizeof(what), &schema);

        fuzz_holds(rc == JR_OK);
    }

    same_for_jansson(data, size);

    value = NULL;
    rc = jr_body_check(schema, (const char *) data, size, JR_SCHEMA_GATEWAY,
                       &err, &report, &value);

    if (rc == JR_OK) {
        canonical_is_itself(value);

    } else if (report.count && value != NULL) {
        fuzz_holds(fuzz_is_plain(report.text, report.len));
        fuzz_holds(report.len < sizeof(report.text));
    }

    json_decref(value);

    return 0;
}
