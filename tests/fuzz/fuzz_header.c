/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The values of request headers, and the numbers and names of limits.
 */

#include "fuzz.h"
#include "jr_header.h"
#include "jr_decimal.h"
#include "jr_limit.h"


static void told(jr_status_e rc, const char *what);
static void limits(jr_str_t value);


int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    int          flag;
    char        *text;
    size_t       i;
    jr_str_t     all, value, again;
    const char  *what;
    jr_status_e  rc, strict, lenient, replace;

    text = fuzz_copy(data, size);

    all.data = text;
    all.len = size;

    value = jr_header_trim(all);
    fuzz_holds(fuzz_within(value, text, size));

    again = jr_header_trim(value);
    fuzz_holds(again.len == value.len);

    what = NULL;
    rc = jr_header_retry_token(value, &what);
    told(rc, what);

    if (jr_header_retry_token(value, &what) == JR_OK) {
        fuzz_holds(value.len >= 1 && value.len <= JR_RETRY_TOKEN_MAX);
        fuzz_holds(fuzz_is_plain(value.data, value.len));
    }

    what = NULL;
    strict = jr_header_request_id(value, JR_REQUEST_ID_STRICT, &what);
    told(strict, what);

    lenient = jr_header_request_id(value, JR_REQUEST_ID_LENIENT, &what);
    fuzz_holds(strict != JR_OK || lenient == JR_OK);

    replace = jr_header_request_id(value, JR_REQUEST_ID_REPLACE, &what);
    fuzz_holds(strict == replace);

    if (strict == JR_OK) {
        for (i = 0; i < value.len; i++) {
            fuzz_holds(strchr("ABCDEFGHIJKLMNOPQRSTUVWXYZ"
                              "abcdefghijklmnopqrstuvwxyz0123456789_-",
                              value.data[i])
                       != NULL);
        }
    }

    if (lenient == JR_OK) {
        fuzz_holds(value.len >= 1 && value.len <= JR_REQUEST_ID_MAX);
    }

    what = NULL;
    rc = jr_header_boolean(value, &flag, &what);
    told(rc, what);

    what = NULL;
    rc = jr_header_content_type(value, &what);
    told(rc, what);

    limits(value);

    free(text);

    return 0;
}


static void
told(jr_status_e rc, const char *what)
{
    fuzz_holds(rc == JR_OK || rc == JR_INVALID);
    fuzz_holds(rc == JR_OK || (what != NULL && what[0] != '\0'));
}


static void
limits(jr_str_t value)
{
    char     partition[13];
    int64_t  count, period;

    if (jr_limit_rate(value, &count, &period) == JR_OK) {
        fuzz_holds(count >= 1 && count <= JR_RATE_MAX);
        fuzz_holds(period >= 1 && period <= JR_PERIOD_MAX);
    }

    if (jr_decimal_read(value, JR_QUOTA_MAX, &count) == JR_OK) {
        fuzz_holds(count >= 0 && count <= JR_QUOTA_MAX);
    }

    (void) jr_limit_window(value);

    if (jr_limit_name(value) == JR_OK) {
        fuzz_holds(value.len >= 1 && value.len <= JR_LIMIT_NAME_MAX);
    }

    fuzz_holds(jr_limit_partition(value, partition) == JR_OK);
    fuzz_holds(strlen(partition) == 12);
}
