/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Counters of one key.
 */

#include "jr_counter_read.h"
#include "jr_pack.h"
#include "jr_script.h"


jr_status_e
jr_counter_begin(jr_str_t *rest)
{
    if (rest->len == 0 || rest->data[0] != JR_SCRIPT_FORMAT[0]) {
        return JR_INVALID;
    }

    rest->data++;
    rest->len--;

    return JR_OK;
}


jr_status_e
jr_counter_next(jr_str_t *rest, jr_counter_t *counter)
{
    int        kind;
    jr_str_t   left;
    jr_pack_t  tag[3], v[JR_COUNTER_LAST];

    left = *rest;

    if (jr_pack_read(&left, ">c1c1Bc0", tag) != JR_OK
        || jr_pack_read(&left, JR_COUNTER, v) != JR_OK)
    {
        return JR_INVALID;
    }

    for (kind = 0; kind < JR_LIMIT_LAST; kind++) {
        if (jr_limit_kinds[kind].code[0] == tag[0].text.data[0]) {
            break;
        }
    }

    counter->kind = (jr_limit_kind_e) kind;
    counter->window = tag[1].text.data[0];
    counter->name = tag[2].text;
    counter->end = v[JR_COUNTER_END].number;
    counter->since = v[JR_COUNTER_SINCE].number;
    counter->count = v[JR_COUNTER_COUNT].number;

    *rest = left;

    return JR_OK;
}


double
jr_counter_used(const jr_counter_t *counter, int64_t now)
{
    double  left, since_ms, end_ms;

    if (counter->end <= now) {
        return 0;
    }

    if (counter->kind != JR_LIMIT_RATE) {
        return (double) counter->count;
    }

    left = (double) counter->count / (double) JR_RATE_REQUEST;
    since_ms = (double) now - (double) counter->since / 1000;
    end_ms = (double) (counter->end - now);

    return since_ms > 0 ? left * end_ms / (end_ms + since_ms) : left;
}
