/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Request bodies from bytes to a verdict, with the API's schema.  The last
 * byte chooses the flags.
 */

#include "fuzz.h"
#include "jr_body.h"
#include "jr_embedded.h"


#define ALL_FLAGS                                                             \
    (JR_SCHEMA_REJECT_UNKNOWN|JR_SCHEMA_NULL_IS_ABSENT|JR_SCHEMA_REJECT_NUL)


static jr_schema_t  *schema;

static void compile_once(void);
static void is_a_report(const jr_report_t *report);


int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char              *text;
    unsigned           flags;
    jr_status_e        rc, strict;
    jr_json_error_t    err;
    const jr_value_t  *value;

    static jr_report_t  report;

    compile_once();

    flags = size ? data[--size] & ALL_FLAGS : 0;
    text = fuzz_copy(data, size);

    value = NULL;
    rc = jr_body_check(schema, NULL, text, size, flags, &err, &report, &value);
    fuzz_holds(rc == JR_OK || rc == JR_INVALID);

    if (rc == JR_OK) {
        fuzz_holds(value != NULL);
        fuzz_holds(report.count == 0);

    } else if (report.count == 0) {
        fuzz_holds(value == NULL);
        fuzz_holds(fuzz_is_plain(err.text, strlen(err.text)));

    } else {
        is_a_report(&report);
    }

    /* one verdict, in one step or in two */

    if (value != NULL) {
        fuzz_holds(jr_schema_check(schema, NULL, value, flags, &report) == rc);
    }

    /* what is accepted strictly is accepted leniently */

    strict = jr_body_check(schema, NULL, text, size,
                           flags|JR_SCHEMA_REJECT_UNKNOWN, &err, &report,
                           &value);
    fuzz_holds(strict == rc || strict == JR_INVALID);

    jr_body_done(schema, NULL);
    free(text);

    return 0;
}


static void
compile_once(void)
{
    char  err[1024];

    if (schema != NULL) {
        return;
    }

    fuzz_holds(jr_schema_compile(jr_embedded_create_job_run_details_json,
                                 jr_embedded_create_job_run_details_json_len,
                                 err, sizeof(err), &schema) == JR_OK);
}


static void
is_a_report(const jr_report_t *report)
{
    size_t  i;

    fuzz_holds(report->entries >= 1 && report->entries <= JR_REPORT_MAX);
    fuzz_holds(report->entries <= report->count);
    fuzz_holds(report->len == strlen(report->text));
    fuzz_holds(fuzz_is_plain(report->text, report->len));

    for (i = 0; i < report->entries; i++) {
        fuzz_holds(report->entry[i].start + report->entry[i].message
                   <= report->entry[i].end);
        fuzz_holds(report->entry[i].end <= report->len);
        fuzz_holds(i == 0
                   || report->entry[i].start >= report->entry[i - 1].end);
    }
}
