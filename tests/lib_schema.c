/* SPDX-License-Identifier: BSD-2-Clause
 *
 * What the tests of schemas share.
 */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "lib_schema.h"
#include "lib_value.h"


jr_report_t  report;


jr_schema_t *
compiled(const char *text)
{
    char          err[512];
    jr_schema_t  *schema;

    schema = NULL;

    if (jr_schema_compile(text, strlen(text), err, sizeof(err), &schema)
        != JR_OK)
    {
        fail_msg("%s: %s", text, err);
    }

    return schema;
}


jr_status_e
checked(const jr_schema_t *schema, const char *text, unsigned flags)
{
    jr_status_e        rc;
    jr_json_error_t    err;
    const jr_value_t  *value;

    if (parse_value(text, strlen(text), &err, &value) != JR_OK) {
        fail_msg("%s: %s", text, err.text);
    }

    rc = jr_schema_check(schema, NULL, value, flags, &report);

    assert_int_equal(report.len, strlen(report.text));
    assert_int_equal(rc == JR_OK, report.count == 0);

    return rc;
}
