/* SPDX-License-Identifier: BSD-2-Clause
 *
 * jobruns-lint: fire times on the clock of a time zone.
 *
 * The rules are those of the machine's tzdata, read by the C library.  The
 * gateway itself knows ids only.
 */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "jobruns_lint_zone.h"
#include "jr_cron_next.h"
#include "jr_timezone.h"


#define LINT_ZONES  "/usr/share/zoneinfo"
#define LINT_DAY    86400


typedef struct {
    const char  *id;
    const char  *zone;
} lint_short_t;


static int lint_zone_offset(const char *id, size_t len, char *rule);
static int lint_zone_region(const char *id, size_t len, char *rule);
static int64_t lint_at(int64_t wall);
static int64_t lint_offset(int64_t at);
static size_t lint_text(int64_t at, lint_fires_t *fires, size_t n);


/* java.time.ZoneId.SHORT_IDS; tzdata has other rules for some of them */

static const lint_short_t  lint_shorts[] = {
    { "ACT", "Australia/Darwin" },
    { "AET", "Australia/Sydney" },
    { "AGT", "America/Argentina/Buenos_Aires" },
    { "ART", "Africa/Cairo" },
    { "AST", "America/Anchorage" },
    { "BET", "America/Sao_Paulo" },
    { "BST", "Asia/Dhaka" },
    { "CAT", "Africa/Harare" },
    { "CNT", "America/St_Johns" },
    { "CST", "America/Chicago" },
    { "CTT", "Asia/Shanghai" },
    { "EAT", "Africa/Addis_Ababa" },
    { "ECT", "Europe/Paris" },
    { "EST", "Etc/GMT+5" },
    { "HST", "Etc/GMT+10" },
    { "IET", "America/Indiana/Indianapolis" },
    { "IST", "Asia/Kolkata" },
    { "JST", "Asia/Tokyo" },
    { "MIT", "Pacific/Apia" },
    { "MST", "Etc/GMT+7" },
    { "NET", "Asia/Yerevan" },
    { "NST", "Pacific/Auckland" },
    { "PLT", "Asia/Karachi" },
    { "PNT", "America/Phoenix" },
    { "PRT", "America/Puerto_Rico" },
    { "PST", "America/Los_Angeles" },
    { "SST", "Pacific/Guadalcanal" },
    { "VST", "Asia/Ho_Chi_Minh" },
    { NULL, NULL }
};


int
lint_zone_set(const char *id, size_t len)
{
    int   known;
    char  rule[sizeof(LINT_ZONES) + 128];

    known = len < 64 && jr_timezone_check(id, len) == JR_OK
            && (lint_zone_offset(id, len, rule)
                || lint_zone_region(id, len, rule));

    if (setenv("TZ", known ? rule : "UTC0", 1) != 0) {
        return 0;
    }

    tzset();

    return known;
}


/* "GMT+5:30" as POSIX has it, where what is ahead of UTC is negative */

static int
lint_zone_offset(const char *id, size_t len, char *rule)
{
    char     full[JR_TIMEZONE_OFFSET];
    size_t   n;

    if (len == 1 || (len <= 3 && strncmp(id, "UTC", len) == 0)
        || (len == 3 && strncmp(id, "GMT", len) == 0))
    {
        memcpy(rule, "UTC0", sizeof("UTC0"));
        return 1;
    }

    n = jr_timezone_offset(id, len, full);

    if (n == 0) {
        return 0;
    }

    sprintf(rule, "<JRZ>%c%s", full[n - 6] == '+' ? '-' : '+', full + n - 5);

    return 1;
}


static int
lint_zone_region(const char *id, size_t len, char *rule)
{
    int                  n;
    const char          *file;
    const lint_short_t  *s;

    n = (int) len;

    for (s = lint_shorts; s->id != NULL; s++) {
        if (len == 3 && strncmp(s->id, id, 3) == 0) {
            id = s->zone;
            n = (int) strlen(id);
            break;
        }
    }

    sprintf(rule, ":" LINT_ZONES "/%.*s", n, id);
    file = rule + 1;

    return access(file, R_OK) == 0;
}


void
lint_fires(const jr_cron_t *cron, time_t now, lint_fires_t *fires)
{
    int64_t  at, last, wall;

    fires->n = 0;

    last = (int64_t) now;

    /* an hour that is shown twice may have begun already */

    wall = last + lint_offset(last) - LINT_DAY;

    while (fires->n < LINT_FIRES && jr_cron_next(cron, wall, &wall) == JR_OK)
    {
        at = lint_at(wall);

        /* what a clock that is put forward does not show may be the same
           as what follows */

        if (at <= last) {
            continue;
        }

        if (!lint_text(at, fires, fires->n)) {
            break;
        }

        fires->n++;
        last = at;
    }
}


/*
 * When a clock shows that time, as java.util.Calendar has it: of two, the
 * later; if never, as long after the clock is put forward as it would have
 * been.
 */

static int64_t
lint_at(int64_t wall)
{
    int64_t  after, before;

    before = wall - lint_offset(wall - LINT_DAY);
    after = wall - lint_offset(wall + LINT_DAY);

    return after + lint_offset(after) == wall ? after : before;
}


/* of local time from UTC, in seconds */

static int64_t
lint_offset(int64_t at)
{
    time_t     t;
    struct tm  tm;

    t = (time_t) at;

    return localtime_r(&t, &tm) != NULL ? (int64_t) tm.tm_gmtoff : 0;
}


static size_t
lint_text(int64_t at, lint_fires_t *fires, size_t n)
{
    char      *p;
    size_t     len;
    time_t     t;
    struct tm  tm;

    t = (time_t) at;

    if (gmtime_r(&t, &tm) == NULL
        || strftime(fires->utc[n], sizeof(fires->utc[n]),
                    "%Y-%m-%dT%H:%M:%SZ", &tm) == 0
        || localtime_r(&t, &tm) == NULL)
    {
        return 0;
    }

    /* RFC 3339 has a colon in the offset, strftime() none */

    p = fires->local[n];
    len = strftime(p, sizeof(fires->local[n]) - 1, "%Y-%m-%dT%H:%M:%S%z",
                   &tm);
    if (len < 2) {
        return 0;
    }

    memmove(p + len - 1, p + len - 2, 3);
    p[len - 2] = ':';

    return len;
}
