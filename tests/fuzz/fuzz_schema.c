/*
 * A schema of an operator: it compiles, or it is told why not; what compiles
 * can check whatever comes.  The input is the schema, a zero byte, a value.
 */

#include "fuzz.h"
#include "jr_json.h"
#include "jr_schema.h"


int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char              what[512];
    json_t           *value;
    size_t            len;
    const char       *text, *rest;
    jr_status_e       rc;
    jr_schema_t      *schema;
    jr_json_error_t   err;

    static jr_report_t  report;

    text = (const char *) data;
    rest = size ? memchr(text, '\0', size) : NULL;
    len = rest ? (size_t) (rest - text) : size;

    what[0] = '\0';

    rc = jr_schema_compile(text, len, what, sizeof(what), &schema);

    if (rc != JR_OK) {
        fuzz_holds(rc == JR_INVALID);
        fuzz_holds(what[0] != '\0');
        fuzz_holds(memchr(what, '\0', sizeof(what)) != NULL);
        return 0;
    }

    if (rest && jr_json_parse(rest + 1, size - len - 1, &err, &value)
                == JR_OK)
    {
        rc = jr_schema_check(schema, value, 0, &report);

        fuzz_holds((rc == JR_OK) == (report.count == 0));
        fuzz_holds(fuzz_is_plain(report.text, report.len));

        (void) jr_schema_check(schema, value, JR_SCHEMA_GATEWAY
                               |JR_SCHEMA_REJECT_UNKNOWN, &report);
        json_decref(value);
    }

    jr_schema_free(schema);

    return 0;
}
