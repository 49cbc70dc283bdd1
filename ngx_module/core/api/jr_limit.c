/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Limits: parsing what operators write, wording what clients read.  What
 * differs by kind stands in jr_limit_kind.c.
 */

#include <stdio.h>

#include "jr_decimal.h"
#include "jr_digest.h"
#include "jr_limit.h"
#include "jr_pack.h"
#include "jr_script.h"


_Static_assert(JR_DELAY_MAX <= JR_DELAY_MOST,
               "the scripts know the turns of all delays");
_Static_assert(JR_LIMIT_KEY == 0, "the key is the first byte of a limit");


static void jr_limit_fields(const jr_limit_t *limit, unsigned key,
    jr_pack_t v[JR_LIMIT_FIELDS]);
static char *jr_limit_item(char *p, int first, const jr_limit_t *limit,
    const char *what, int64_t value);
static char *jr_limit_item_partition(char *p, const jr_limit_t *limit);
static char *jr_limit_put(char *p, const char *text);


size_t
jr_limit_packed_size(const jr_limit_t *limit)
{
    jr_pack_t  v[JR_LIMIT_FIELDS];

    jr_limit_fields(limit, 0, v);

    return jr_pack_size(JR_LIMIT, v);
}


char *
jr_limit_pack(const jr_limit_t *limit, unsigned key, char *dst)
{
    jr_pack_t  v[JR_LIMIT_FIELDS];

    jr_limit_fields(limit, key, v);

    return jr_pack_write(dst, JR_LIMIT, v);
}


char *
jr_limit_packed(const jr_limit_t *limit, unsigned key, char *dst)
{
    memcpy(dst, limit->packed.data, limit->packed.len);

    dst[JR_LIMIT_KEY] = (char) key;

    return dst + limit->packed.len;
}


static void
jr_limit_fields(const jr_limit_t *limit, unsigned key,
    jr_pack_t v[JR_LIMIT_FIELDS])
{
    v[JR_LIMIT_KEY].number = key;
    v[JR_LIMIT_MODE].number = limit->dry_run ? JR_MODE_DRY_RUN
                              : limit->awaited ? JR_MODE_AWAITED
                                               : JR_MODE_ENFORCE;
    v[JR_LIMIT_COUNT].number = limit->count;
    v[JR_LIMIT_PERIOD].number = limit->period;
    v[JR_LIMIT_BURST].number = limit->burst;
    v[JR_LIMIT_DELAY].number = limit->dry_run ? 0 : limit->delay;

    v[JR_LIMIT_KIND].text.data = jr_limit_kinds[limit->kind].code;
    v[JR_LIMIT_KIND].text.len = 1;

    v[JR_LIMIT_WINDOW].text.data = limit->window.len ? limit->window.data
                                                     : "-";
    v[JR_LIMIT_WINDOW].text.len = 1;

    v[JR_LIMIT_NAME].text = limit->name;
}


/* the bounds are those within which jr_limit_kind.c computes */

jr_status_e
jr_limit_in_force(const jr_limit_t *limit, jr_str_t *rest,
    jr_limit_state_t *state)
{
    jr_pack_t  v[JR_IN_FORCE_LAST];

    if (jr_pack_read(rest, JR_IN_FORCE, v) != JR_OK
        || v[JR_IN_FORCE_COUNT].number > JR_QUOTA_MAX
        || v[JR_IN_FORCE_PERIOD].number > JR_PERIOD_MAX
        || v[JR_IN_FORCE_BURST].number > JR_BURST_MAX
        || v[JR_IN_FORCE_END].number > JR_RESET_MAX)
    {
        return JR_INVALID;
    }

    state->count = v[JR_IN_FORCE_COUNT].number;
    state->period = v[JR_IN_FORCE_PERIOD].number;
    state->burst = v[JR_IN_FORCE_BURST].number;
    state->reset = v[JR_IN_FORCE_END].number;

    if (limit->kind == JR_LIMIT_RATE
        && (state->period == 0 || state->count > JR_RATE_MAX))
    {
        return JR_INVALID;
    }

    return JR_OK;
}


jr_status_e
jr_limit_measure(const jr_limit_t *limit, jr_str_t *rest,
    jr_limit_state_t *state)
{
    int64_t    end;
    jr_pack_t  v[JR_MEASURE_LAST];

    if (jr_pack_read(rest, JR_MEASURE, v) != JR_OK
        || v[JR_MEASURE_STATE].number >= JR_LIMIT_STATE_LAST
        || v[JR_MEASURE_USED].number > JR_USED_MAX)
    {
        return JR_INVALID;
    }

    end = state->reset;

    state->state = (jr_limit_state_e) v[JR_MEASURE_STATE].number;
    state->remaining = 0;
    state->reset = 0;

    if (state->state != JR_LIMIT_LIFTED) {
        jr_limit_kinds[limit->kind].measure(state,
                                            v[JR_MEASURE_USED].number, end);
    }

    return JR_OK;
}


jr_status_e
jr_limit_rate(jr_str_t text, int64_t *count, int64_t *period)
{
    int64_t   n, us;
    jr_str_t  digits;

    if (text.len < 4 || memcmp(text.data + text.len - 3, "r/", 2) != 0) {
        return JR_INVALID;
    }

    switch (text.data[text.len - 1]) {

    case 's':
        us = 1000000;
        break;

    case 'm':
        us = 60 * 1000000;
        break;

    case 'h':
        us = (int64_t) 3600 * 1000000;
        break;

    default:
        return JR_INVALID;
    }

    digits.data = text.data;
    digits.len = text.len - 3;

    if (jr_decimal_read(digits, JR_RATE_MAX, &n) != JR_OK || n == 0) {
        return JR_INVALID;
    }

    *count = n;
    *period = us;

    return JR_OK;
}


jr_status_e
jr_limit_delay(jr_str_t text, int64_t *ms)
{
    size_t   n, unit;
    int64_t  value, scale, last, sum;

    sum = 0;
    last = 1001;

    while (text.len) {

        for (n = 0; n < text.len && text.data[n] >= '0'
                    && text.data[n] <= '9'; n++)
        {
            /* void */
        }

        if (jr_decimal_read((jr_str_t) { n, text.data }, JR_DELAY_MAX, &value)
            != JR_OK)
        {
            return JR_INVALID;
        }

        text.data += n;
        text.len -= n;

        unit = text.len < 2 ? text.len : 2;
        scale = 1000;

        if (unit == 2 && memcmp(text.data, "ms", 2) == 0) {
            scale = 1;

        } else if (unit) {
            unit = 1;

            if (text.data[0] != 's') {
                return JR_INVALID;
            }
        }

        text.data += unit;
        text.len -= unit;

        sum += value * scale;

        /* seconds come first, as in ngx_parse_time() */

        if (scale >= last || sum > JR_DELAY_MAX) {
            return JR_INVALID;
        }

        last = scale;
    }

    if (sum == 0) {
        return JR_INVALID;
    }

    *ms = sum;

    return JR_OK;
}


int64_t
jr_limit_turn(const jr_limit_state_t *state)
{
    int64_t  each, turn;

    /* what remains is told as of behind this request: one later than it */

    each = state->count > 0 ? state->period / state->count / 1000 : 0;
    turn = state->reset - each;

    return turn > 0 ? turn : 1;
}


jr_status_e
jr_limit_window(jr_str_t text)
{
    return (jr_str_eq(text, "hour", 4) || jr_str_eq(text, "day", 3)
            || jr_str_eq(text, "month", 5)) ? JR_OK : JR_INVALID;
}


jr_status_e
jr_limit_name(jr_str_t text)
{
    int     ch;
    size_t  i;

    if (text.len == 0 || text.len > JR_LIMIT_NAME_MAX) {
        return JR_INVALID;
    }

    for (i = 0; i < text.len; i++) {
        ch = (unsigned char) text.data[i];

        if ((ch >= 'a' && ch <= 'z') || (ch >= 'A' && ch <= 'Z')) {
            continue;
        }

        if (i == 0 || !((ch >= '0' && ch <= '9') || ch == '_' || ch == '-')) {
            return JR_INVALID;
        }
    }

    return JR_OK;
}


jr_status_e
jr_limit_partition(jr_str_t by, char partition[13])
{
    int           i;
    jr_digest_t   md;
    jr_status_e   rc;
    unsigned int  bits;

    static const char  alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
                                    "abcdefghijklmnopqrstuvwxyz0123456789+/";

    rc = jr_digest(by.data, by.len, &md);
    if (rc != JR_OK) {
        return rc;
    }

    /* 9 bytes are 12 digits without padding */

    for (i = 0; i < 12; i += 4) {
        bits = (unsigned int) md.bytes[i / 4 * 3] << 16
               | (unsigned int) md.bytes[i / 4 * 3 + 1] << 8
               | md.bytes[i / 4 * 3 + 2];

        partition[i] = alphabet[bits >> 18];
        partition[i + 1] = alphabet[bits >> 12 & 63];
        partition[i + 2] = alphabet[bits >> 6 & 63];
        partition[i + 3] = alphabet[bits & 63];
    }

    partition[12] = '\0';

    return JR_OK;
}


/* "tenant_rate";q=41;w=3, "running";q=50;qu="concurrent-requests" */

char *
jr_limit_policy(const jr_limit_t *limits, const jr_limit_state_t *states,
    size_t n, char *dst)
{
    char                    *p;
    size_t                   i;
    int64_t                  count, seconds;
    const jr_limit_kind_t   *kind;
    const jr_limit_state_t  *s;

    p = dst;

    for (i = 0; i < n; i++) {
        s = &states[i];
        kind = &jr_limit_kinds[limits[i].kind];

        if (s->state == JR_LIMIT_LIFTED) {
            continue;
        }

        kind->policy(s, &count, &seconds);

        p = jr_limit_item(p, p == dst, &limits[i], "q", count);

        if (kind->unit != NULL) {
            p = jr_limit_put(p, ";qu=\"");
            p = jr_limit_put(p, kind->unit);
            *p++ = '"';

        } else {
            p = jr_limit_put(p, ";w=");
            p = jr_decimal_signed(p, seconds);
        }

        p = jr_limit_item_partition(p, &limits[i]);
    }

    return p;
}


/* "tenant_rate";r=40;t=1, "running";r=49 */

char *
jr_limit_remaining(const jr_limit_t *limits, const jr_limit_state_t *states,
    size_t n, char *dst)
{
    char    *p;
    size_t   i;

    p = dst;

    for (i = 0; i < n; i++) {

        if (states[i].state == JR_LIMIT_LIFTED) {
            continue;
        }

        p = jr_limit_item(p, p == dst, &limits[i], "r", states[i].remaining);

        if (jr_limit_kinds[limits[i].kind].unit == NULL) {
            p = jr_limit_put(p, ";t=");
            p = jr_decimal_signed(p, (states[i].reset + 999) / 1000);
        }

        p = jr_limit_item_partition(p, &limits[i]);
    }

    return p;
}


static char *
jr_limit_item(char *p, int first, const jr_limit_t *limit, const char *what,
    int64_t value)
{
    p = jr_limit_put(p, first ? "\"" : ", \"");

    memcpy(p, limit->name.data, limit->name.len);

    p = jr_limit_put(p + limit->name.len, "\";");
    p = jr_limit_put(p, what);
    *p++ = '=';

    return jr_decimal_signed(p, value);
}


static char *
jr_limit_item_partition(char *p, const jr_limit_t *limit)
{
    if (limit->partition[0] != '\0') {
        p = jr_limit_put(p, ";pk=:");
        p = jr_limit_put(p, limit->partition);
        *p++ = ':';
    }

    return p;
}


/* these headers are on every answer: sprintf() would be a tenth of its cost */

static char *
jr_limit_put(char *p, const char *text)
{
    size_t  len;

    len = strlen(text);
    memcpy(p, text, len);

    return p + len;
}


const char *
jr_limit_code(const jr_limit_t *limits, const jr_limit_state_t *states,
    size_t n)
{
    size_t       i;
    const char  *code;

    for (i = 0; i < n; i++) {
        code = jr_limit_kinds[limits[i].kind].exceeded;

        if (code != NULL && states[i].state == JR_LIMIT_REFUSES
            && states[i].reset > JR_LIMIT_RETRIED)
        {
            return code;
        }
    }

    return NULL;
}


size_t
jr_limit_message(const jr_limit_t *limit, const jr_limit_state_t *state,
    int64_t wait, char *dst, size_t size)
{
    int  n;

    if (state->count == 0) {
        n = snprintf(dst, size, "Limit %.*s is 0 at the moment: no job run "
                     "may be created; retry after %lld s.",
                     (int) limit->name.len, limit->name.data,
                     (long long) wait);

    } else {
        n = jr_limit_kinds[limit->kind].refusal(limit, state, wait, dst,
                                                size);
    }

    return (size_t) n < size ? (size_t) n : size - 1;
}
