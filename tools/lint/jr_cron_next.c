/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Fire times of a cron expression in UTC, by the proleptic Gregorian
 * calendar.
 */

#include "jr_cron_next.h"


#define JR_SECONDS_PER_DAY  86400


typedef struct {
    unsigned  days;             /* in the month */
    unsigned  first;            /* weekday of its first day, 1 is Sunday */
} jr_cron_month_t;


static int64_t jr_cron_day_number(unsigned year, unsigned month,
    unsigned day);
static int jr_cron_in_month(const jr_cron_t *cron, unsigned year,
    unsigned month, int64_t from, int64_t *next);
static unsigned jr_cron_weekday_of(int64_t day);
static void jr_cron_month(unsigned year, unsigned month,
    jr_cron_month_t *m);
static uint64_t jr_cron_days_of(const jr_cron_t *cron,
    const jr_cron_month_t *m);
static uint64_t jr_cron_weekdays_of(const jr_cron_t *cron,
    const jr_cron_month_t *m);
static unsigned jr_cron_workday(const jr_cron_month_t *m, unsigned day);
static int jr_cron_time(const jr_cron_t *cron, int64_t from,
    int64_t *second);
static int jr_cron_first(uint64_t mask, unsigned from, unsigned *bit);


jr_status_e
jr_cron_next(const jr_cron_t *cron, int64_t after, int64_t *next)
{
    int64_t   from;
    unsigned  year, month, y;

    from = after < 0 ? 0 : after;
    from += after >= 0 && after < INT64_MAX;

    for (year = JR_CRON_YEAR_MIN; year <= JR_CRON_YEAR_MAX; year++) {
        y = year - JR_CRON_YEAR_MIN;

        if (!(cron->years[y / 64] >> y % 64 & 1)
            || jr_cron_day_number(year + 1, 1, 1) * JR_SECONDS_PER_DAY
               <= from)
        {
            continue;
        }

        for (month = 1; month <= 12; month++) {
            if ((cron->months >> month & 1)
                && jr_cron_in_month(cron, year, month, from, next))
            {
                return JR_OK;
            }
        }
    }

    return JR_INVALID;
}


/* The first second of a month, at or after from, that fits. */

static int
jr_cron_in_month(const jr_cron_t *cron, unsigned year, unsigned month,
    int64_t from, int64_t *next)
{
    int64_t          start, second;
    uint64_t         days;
    unsigned         day;
    jr_cron_month_t  m;

    jr_cron_month(year, month, &m);
    days = jr_cron_days_of(cron, &m);

    for (day = 1; jr_cron_first(days, day, &day); day++) {
        start = jr_cron_day_number(year, month, day) * JR_SECONDS_PER_DAY;

        if (from - start < JR_SECONDS_PER_DAY
            && jr_cron_time(cron, from > start ? from - start : 0, &second))
        {
            *next = start + second;
            return 1;
        }
    }

    return 0;
}


/* Days since 1970-01-01, counting years from March, so that the day that a
   leap year adds is the last. */

static int64_t
jr_cron_day_number(unsigned year, unsigned month, unsigned day)
{
    unsigned  y, m;

    y = month > 2 ? year : year - 1;
    m = month > 2 ? month - 3 : month + 9;

    return (int64_t) y * 365 + y / 4 - y / 100 + y / 400
           + (153 * m + 2) / 5 + day - 1 - 719468;
}


/* 1970-01-01 was a Thursday */

static unsigned
jr_cron_weekday_of(int64_t day)
{
    return (unsigned) ((day + 4) % 7) + 1;
}


static void
jr_cron_month(unsigned year, unsigned month, jr_cron_month_t *m)
{
    int64_t   first, next;

    first = jr_cron_day_number(year, month, 1);
    next = month < 12 ? jr_cron_day_number(year, month + 1, 1)
                      : jr_cron_day_number(year + 1, 1, 1);

    m->days = (unsigned) (next - first);
    m->first = jr_cron_weekday_of(first);
}


static uint64_t
jr_cron_days_of(const jr_cron_t *cron, const jr_cron_month_t *m)
{
    unsigned  n;
    uint64_t  days;

    if (cron->by_weekday) {
        return jr_cron_weekdays_of(cron, m);
    }

    days = cron->days;

    for (n = 0; n < m->days; n++) {

        if (cron->last >> n & 1) {
            days |= (uint64_t) 1 << (m->days - n);
        }

        if (cron->last_workday >> n & 1) {
            days |= (uint64_t) 1 << jr_cron_workday(m, m->days - n);
        }
    }

    if (cron->workday > 0 && cron->workday <= m->days) {
        days |= (uint64_t) 1 << jr_cron_workday(m, cron->workday);
    }

    return days & (((uint64_t) 2 << m->days) - 2);
}


static uint64_t
jr_cron_weekdays_of(const jr_cron_t *cron, const jr_cron_month_t *m)
{
    unsigned  day, weekday;
    uint64_t  days;

    days = 0;

    for (day = 1; day <= m->days; day++) {
        weekday = (m->first - 1 + day - 1) % 7 + 1;

        if ((cron->weekdays >> weekday & 1)
            || (weekday == cron->last_weekday && day + 7 > m->days)
            || (weekday == cron->nth_weekday && (day + 6) / 7 == cron->nth))
        {
            days |= (uint64_t) 1 << day;
        }
    }

    return days;
}


/* The Monday to Friday nearest to a day, without leaving its month. */

static unsigned
jr_cron_workday(const jr_cron_month_t *m, unsigned day)
{
    unsigned  weekday;

    weekday = (m->first - 1 + day - 1) % 7 + 1;

    if (weekday == 7) {
        return day == 1 ? day + 2 : day - 1;
    }

    if (weekday == 1) {
        return day == m->days ? day - 2 : day + 1;
    }

    return day;
}


/* The first second of a day, at or after from, that fits. */

static int
jr_cron_time(const jr_cron_t *cron, int64_t from, int64_t *second)
{
    unsigned  h, m, s, hour, minute;

    hour = (unsigned) (from / 3600);
    minute = (unsigned) (from / 60 % 60);

    for (h = hour; jr_cron_first(cron->hours, h, &h); h++) {

        /* past the first hour, any minute is late enough */

        m = h == hour ? minute : 0;

        for ( /* void */ ; jr_cron_first(cron->minutes, m, &m); m++) {

            s = h == hour && m == minute ? (unsigned) (from % 60) : 0;

            if (jr_cron_first(cron->seconds, s, &s)) {
                *second = (int64_t) h * 3600 + m * 60 + s;
                return 1;
            }
        }
    }

    return 0;
}


/* The lowest bit that is set, not below from. */

static int
jr_cron_first(uint64_t mask, unsigned from, unsigned *bit)
{
    for ( /* void */ ; from < 64; from++) {
        if (mask >> from & 1) {
            *bit = from;
            return 1;
        }
    }

    return 0;
}
