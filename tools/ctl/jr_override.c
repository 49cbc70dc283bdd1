/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Overrides of limits: their values and ends.
 */

#include <string.h>

#include "jr_decimal.h"
#include "jr_http_date.h"
#include "jr_limit.h"
#include "jr_override.h"


#define JR_OVERRIDE_DAY  86400


static const char  jr_override_word[] = " until ";


jr_status_e
jr_override_read(jr_str_t text, jr_str_t *value, int64_t *until)
{
    size_t    i, len;
    jr_str_t  end;

    len = sizeof(jr_override_word) - 1;

    *value = text;
    *until = 0;

    for (i = 0; i + len <= text.len; i++) {
        if (memcmp(text.data + i, jr_override_word, len) == 0) {
            break;
        }
    }

    if (i + len > text.len) {
        return JR_OK;
    }

    value->len = i;
    end.data = text.data + i + len;
    end.len = text.len - i - len;

    /* an end of 0 would be none */

    return end.len <= 11
           && jr_decimal_read(end, JR_OVERRIDE_UNTIL_MAX, until) == JR_OK
           && *until > 0 ? JR_OK : JR_INVALID;
}


/* "+4h" */

static jr_status_e
jr_override_after(jr_str_t text, int64_t *seconds)
{
    int64_t      unit;
    const char  *p;

    static const char     units[] = "smhd";
    static const int64_t  in_seconds[] = { 1, 60, 3600, JR_OVERRIDE_DAY };

    if (text.len < 3 || text.data[0] != '+') {
        return JR_INVALID;
    }

    p = memchr(units, text.data[text.len - 1], sizeof(units) - 1);

    if (p == NULL) {
        return JR_INVALID;
    }

    unit = in_seconds[p - units];
    text.data++;
    text.len -= 2;

    if (jr_decimal_read(text, JR_OVERRIDE_UNTIL_MAX / unit, seconds) != JR_OK)
    {
        return JR_INVALID;
    }

    *seconds *= unit;

    return JR_OK;
}


jr_status_e
jr_override_until(jr_str_t text, int64_t now, int64_t *until)
{
    int64_t  seconds;

    if (jr_str_eq(text, "today", 5)) {
        *until = now - now % JR_OVERRIDE_DAY + JR_OVERRIDE_DAY;

    } else if (jr_override_after(text, &seconds) == JR_OK) {
        *until = now + seconds;

    } else if (jr_http_date_read_rfc3339(text, until) != JR_OK) {
        return JR_INVALID;
    }

    return *until > now && *until <= JR_OVERRIDE_UNTIL_MAX ? JR_OK
                                                           : JR_INVALID;
}
