/*
 * Limits: parsing what operators write, wording what clients read.
 */

#include <stdio.h>

#include "jr_limit.h"


/* what a policy may say of one limit, its comma and blank included */
#define JR_LIMIT_ITEM  (JR_LIMIT_NAME_MAX + 96)


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

    if (jr_limit_number(digits, JR_RATE_MAX, &n) != JR_OK || n == 0) {
        return JR_INVALID;
    }

    *count = n;
    *period = us;

    return JR_OK;
}


jr_status_e
jr_limit_number(jr_str_t text, int64_t most, int64_t *value)
{
    size_t   i;
    int64_t  n;

    if (text.len == 0 || text.len > 18) {
        return JR_INVALID;
    }

    n = 0;

    for (i = 0; i < text.len; i++) {
        if (text.data[i] < '0' || text.data[i] > '9') {
            return JR_INVALID;
        }

        n = n * 10 + (text.data[i] - '0');
    }

    if (n > most) {
        return JR_INVALID;
    }

    *value = n;

    return JR_OK;
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
        ch = text.data[i];

        if ((ch >= 'a' && ch <= 'z') || (ch >= 'A' && ch <= 'Z')) {
            continue;
        }

        if (i == 0 || !((ch >= '0' && ch <= '9') || ch == '_' || ch == '-')) {
            return JR_INVALID;
        }
    }

    return JR_OK;
}


/*
 * "tenant_rate";q=41;w=3, "running";q=50;qu="concurrent-requests"
 */

char *
jr_limit_policy(const jr_limit_t *limits, const jr_limit_state_t *states,
    size_t n, char *dst)
{
    char    *p;
    size_t   i;

    p = dst;

    for (i = 0; i < n; i++) {

        if (states[i].state == 3) {
            continue;
        }

        p += snprintf(p, JR_LIMIT_ITEM, "%s\"%.*s\";q=%lld",
                      p == dst ? "" : ", ",
                      (int) limits[i].name.len, limits[i].name.data,
                      (long long) states[i].limit);

        if (limits[i].kind == JR_LIMIT_SLOTS) {
            p += sprintf(p, ";qu=\"concurrent-requests\"");

        } else {
            p += sprintf(p, ";w=%lld", (long long) states[i].window);
        }
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

        if (states[i].state == 3) {
            continue;
        }

        p += snprintf(p, JR_LIMIT_ITEM, "%s\"%.*s\";r=%lld",
                      p == dst ? "" : ", ",
                      (int) limits[i].name.len, limits[i].name.data,
                      (long long) states[i].remaining);

        if (limits[i].kind != JR_LIMIT_SLOTS) {
            p += sprintf(p, ";t=%lld",
                         (long long) (states[i].reset + 999) / 1000);
        }
    }

    return p;
}


size_t
jr_limit_message(const jr_limit_t *limit, const jr_limit_state_t *state,
    int64_t wait, char *dst, size_t size)
{
    int          n, name_len;
    long long    most;
    const char  *name;

    name = limit->name.data;
    name_len = (int) limit->name.len;
    most = state->limit;

    switch (limit->kind) {

    case JR_LIMIT_RATE:
        n = snprintf(dst, size, "Limit %.*s: at most %lld requests in %lld s; "
                     "retry after %lld s.", name_len, name, most,
                     (long long) state->window, (long long) wait);
        break;

    case JR_LIMIT_QUOTA:
        n = snprintf(dst, size, "Limit %.*s: %lld job runs per %.*s (UTC) "
                     "are used up; retry after %lld s, when it is reset.",
                     name_len, name, most, (int) limit->window.len,
                     limit->window.data, (long long) wait);
        break;

    default:
        n = snprintf(dst, size, "Limit %.*s: %lld job runs are being created "
                     "at this moment, which is the most allowed; retry "
                     "after %lld s.", name_len, name, most, (long long) wait);
    }

    return (size_t) n < size ? (size_t) n : size - 1;
}
