/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Times as people give them, turned into the form that records have.
 */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "jobruns_audit.h"

#include "jr_date_time.h"


/* longest span that is taken, in its unit: no file is that old */
#define AUDIT_SPAN_MOST  1000000


static void audit_time_write(int64_t ms, char *out);
static int audit_time_day(const char *text, int64_t *ms);
static int audit_time_rfc3339(const char *text, int64_t *ms);
static int audit_time_span(const char *text, int64_t *ms);


int
audit_time(const char *text, int64_t now, char *out)
{
    int64_t  ms, day;

    day = (int64_t) 86400 * 1000;

    if (strcmp(text, "now") == 0) {
        ms = now;

    } else if (strcmp(text, "today") == 0) {
        ms = now - now % day;

    } else if (strcmp(text, "yesterday") == 0) {
        ms = now - now % day - day;

    } else if (audit_time_span(text, &ms)) {
        ms = now - ms;

    } else if (!audit_time_day(text, &ms) && !audit_time_rfc3339(text, &ms)) {
        return 0;
    }

    if (ms < 0) {
        /* before all records, and not to be written with a sign */
        ms = 0;
    }

    audit_time_write(ms, out);

    return 1;
}


static void
audit_time_write(int64_t ms, char *out)
{
    char       text[64];
    time_t     seconds;
    struct tm  tm;

    seconds = (time_t) (ms / 1000);

    (void) gmtime_r(&seconds, &tm);

    /* no year has more than four digits here: see audit_time_rfc3339() */

    snprintf(text, sizeof(text), "%04d-%02d-%02dT%02d:%02d:%02d.%03dZ",
             tm.tm_year + 1900, tm.tm_mon + 1, tm.tm_mday, tm.tm_hour,
             tm.tm_min, tm.tm_sec, (int) (ms % 1000));

    memcpy(out, text, AUDIT_TIME);
    out[AUDIT_TIME - 1] = '\0';
}


/* 2026-06-10: its beginning, UTC */

static int
audit_time_day(const char *text, int64_t *ms)
{
    char  whole[AUDIT_TIME];

    if (strlen(text) != sizeof("2026-06-10") - 1) {
        return 0;
    }

    snprintf(whole, sizeof(whole), "%sT00:00:00Z", text);

    return audit_time_rfc3339(whole, ms);
}


static int
audit_time_rfc3339(const char *text, int64_t *ms)
{
    int          offset, scale;
    struct tm    tm;
    const char  *p;

    if (!jr_date_time_check(text, strlen(text))) {
        return 0;
    }

    /* all digits stand where they belong */

    memset(&tm, 0, sizeof(struct tm));

    tm.tm_year = atoi(text) - 1900;
    tm.tm_mon = atoi(text + 5) - 1;
    tm.tm_mday = atoi(text + 8);
    tm.tm_hour = atoi(text + 11);
    tm.tm_min = atoi(text + 14);
    tm.tm_sec = atoi(text + 17);

    *ms = (int64_t) timegm(&tm) * 1000;

    p = text + 19;

    if (*p == '.') {
        scale = 100;

        for (p++; *p >= '0' && *p <= '9'; p++) {
            *ms += (*p - '0') * scale;
            scale /= 10;
        }
    }

    if (*p == '+' || *p == '-') {
        offset = atoi(p + 1) * 60 + atoi(p + 4);
        *ms -= (int64_t) (*p == '-' ? -offset : offset) * 60 * 1000;
    }

    return 1;
}


/* -1h or 1h: so long ago */

static int
audit_time_span(const char *text, int64_t *ms)
{
    char    *end;
    long     n;
    size_t   i;

    static const struct {
        char     unit;
        int64_t  ms;
    } units[] = {
        { 's', 1000 }, { 'm', 60 * 1000 }, { 'h', 3600 * 1000 },
        { 'd', 86400 * 1000 }, { 'w', (int64_t) 7 * 86400 * 1000 }
    };

    if (*text == '-') {
        text++;
    }

    if (*text < '0' || *text > '9') {
        return 0;
    }

    n = strtol(text, &end, 10);

    if (n > AUDIT_SPAN_MOST) {
        return 0;
    }

    for (i = 0; i < sizeof(units) / sizeof(units[0]); i++) {
        if (end[0] == units[i].unit && end[1] == '\0') {
            *ms = n * units[i].ms;
            return 1;
        }
    }

    return 0;
}
