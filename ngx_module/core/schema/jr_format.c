/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The formats: their names, checks and explanations.
 */

#include <stdint.h>
#include <string.h>

#include "jr_cron.h"
#include "jr_date_time.h"
#include "jr_format.h"
#include "jr_json.h"
#include "jr_timezone.h"


typedef struct {
    const char   *name;
    jr_format_e   format;
} jr_format_name_t;


static int jr_format_integer(const jr_value_t *value, int64_t min, int64_t max);
static void jr_format_explain_number(const jr_value_t *value, jr_text_t *t);


static const jr_format_name_t  jr_format_names[] = {
    { "int32",            JR_FORMAT_INT32 },
    { "int64",            JR_FORMAT_INT64 },
    { "date-time",        JR_FORMAT_DATE_TIME },
    { "quartz-cron",      JR_FORMAT_QUARTZ_CRON },
    { "java-timezone-id", JR_FORMAT_JAVA_TIMEZONE_ID },
    { NULL,               JR_FORMAT_UNKNOWN }
};


jr_format_e
jr_format_find(const char *name, size_t len)
{
    const jr_format_name_t  *f;

    for (f = jr_format_names; f->name != NULL; f++) {
        if (strlen(f->name) == len && memcmp(f->name, name, len) == 0) {
            break;
        }
    }

    return f->format;
}


int
jr_format_check(jr_format_e format, const jr_value_t *value)
{
    size_t       len;
    jr_cron_t    cron;
    const char  *data;

    if (format == JR_FORMAT_INT32) {
        return jr_format_integer(value, INT32_MIN, INT32_MAX);
    }

    if (format == JR_FORMAT_INT64) {
        return jr_format_integer(value, INT64_MIN, INT64_MAX);
    }

    if (!jr_is_string(value)) {
        return 1;
    }

    data = jr_string(value);
    len = jr_string_len(value);

    switch (format) {

    case JR_FORMAT_DATE_TIME:
        return jr_date_time_check(data, len);

    case JR_FORMAT_QUARTZ_CRON:
        return jr_cron_parse(data, len, &cron, NULL) == JR_OK;

    case JR_FORMAT_JAVA_TIMEZONE_ID:
        return jr_timezone_check(data, len) == JR_OK;

    default:
        return 1;
    }
}


static int
jr_format_integer(const jr_value_t *value, int64_t min, int64_t max)
{
    double  d;

    if (jr_is_integer(value)) {
        return jr_integer(value) >= min
               && jr_integer(value) <= max;
    }

    if (!jr_is_real(value)) {
        return 1;
    }

    d = jr_real(value);

    /* INT64_MAX itself has no double: 2^63 is the least one above */

    return jr_real_is_integral(d) && d >= (double) min
           && (max == INT64_MAX ? d < 9223372036854775808.0
                                : d <= (double) max);
}


void
jr_format_explain(jr_format_e format, const jr_value_t *value, jr_text_t *t)
{
    size_t           len;
    jr_cron_t        cron;
    const char      *data;
    jr_cron_error_t  err;

    data = jr_string(value);
    len = jr_string_len(value);

    switch (format) {

    case JR_FORMAT_INT32:
        jr_text_str(t, "must be a 32-bit integer (-2147483648 to"
                    " 2147483647)");
        jr_format_explain_number(value, t);
        return;

    case JR_FORMAT_INT64:
        jr_text_str(t, "must be a 64-bit integer (-9223372036854775808 to"
                    " 9223372036854775807)");
        jr_format_explain_number(value, t);
        return;

    case JR_FORMAT_DATE_TIME:
        jr_text_str(t, "must be a date-time of RFC 3339 such as"
                    " 2026-04-30T12:00:00Z, found ");
        jr_text_found(t, data, len);
        return;

    case JR_FORMAT_QUARTZ_CRON:
        err.text[0] = '\0';
        (void) jr_cron_parse(data, len, &cron, &err);
        jr_text_str(t, err.text);
        jr_text_str(t, " at ");
        jr_text_found(t, data, len);
        return;

    case JR_FORMAT_JAVA_TIMEZONE_ID:
        jr_timezone_explain(data, len, t);
        return;

    default:
        return;
    }
}


static void
jr_format_explain_number(const jr_value_t *value, jr_text_t *t)
{
    jr_text_str(t, ", found ");

    if (jr_is(value, JR_KIND_OUT_OF_RANGE)) {
        jr_text_escape(t, value->u.text, value->len, JR_TEXT_FOUND, 0);

    } else if (jr_is_integer(value)) {
        jr_text_int(t, jr_integer(value));

    } else {
        jr_text_real(t, jr_real(value));
    }
}
