/* SPDX-License-Identifier: BSD-2-Clause
 *
 * date-time of RFC 3339, section 5.6: calendar, offset and leap seconds.
 */

#include "jr_format.h"


typedef struct {
    unsigned  year;
    unsigned  month;
    unsigned  day;
    unsigned  hour;
    unsigned  minute;
    unsigned  second;
} jr_date_time_t;


static int jr_date_time_digits(const char **p, const char *end, size_t n,
    unsigned *value);
static int jr_date_time_expect(const char **p, const char *end,
    const char *one_of);
static int jr_date_time_fields(const char **p, const char *end,
    jr_date_time_t *dt);
static int jr_date_time_calendar(const jr_date_time_t *dt);
static int jr_date_time_offset(const char **p, const char *end,
    int *minutes);


int
jr_date_time_check(const char *data, size_t len)
{
    int              offset, utc;
    const char      *p, *end;
    jr_date_time_t   dt;

    p = data;
    end = data + len;

    if (!jr_date_time_fields(&p, end, &dt)
        || !jr_date_time_calendar(&dt)
        || !jr_date_time_offset(&p, end, &offset)
        || p != end)
    {
        return 0;
    }

    if (dt.second < 60) {
        return 1;
    }

    /* a leap second is the last of a day in UTC */

    utc = (int) (dt.hour * 60 + dt.minute) - offset;

    return (utc + 2 * 1440) % 1440 == 1439;
}


static int
jr_date_time_fields(const char **p, const char *end, jr_date_time_t *dt)
{
    unsigned  digit;

    if (!jr_date_time_digits(p, end, 4, &dt->year)
        || !jr_date_time_expect(p, end, "-")
        || !jr_date_time_digits(p, end, 2, &dt->month)
        || !jr_date_time_expect(p, end, "-")
        || !jr_date_time_digits(p, end, 2, &dt->day)
        || !jr_date_time_expect(p, end, "Tt")
        || !jr_date_time_digits(p, end, 2, &dt->hour)
        || !jr_date_time_expect(p, end, ":")
        || !jr_date_time_digits(p, end, 2, &dt->minute)
        || !jr_date_time_expect(p, end, ":")
        || !jr_date_time_digits(p, end, 2, &dt->second))
    {
        return 0;
    }

    if (!jr_date_time_expect(p, end, ".")) {
        return 1;
    }

    if (!jr_date_time_digits(p, end, 1, &digit)) {
        return 0;
    }

    while (jr_date_time_digits(p, end, 1, &digit)) { /* void */ }

    return 1;
}


static int
jr_date_time_calendar(const jr_date_time_t *dt)
{
    unsigned  days;

    static const unsigned  month[] = {
        31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31
    };

    if (dt->month < 1 || dt->month > 12 || dt->hour > 23 || dt->minute > 59
        || dt->second > 60)
    {
        return 0;
    }

    days = month[dt->month - 1];

    if (dt->month == 2 && dt->year % 4 == 0
        && (dt->year % 100 != 0 || dt->year % 400 == 0))
    {
        days = 29;
    }

    return dt->day >= 1 && dt->day <= days;
}


static int
jr_date_time_offset(const char **p, const char *end, int *minutes)
{
    int       sign;
    unsigned  hour, minute;

    *minutes = 0;

    if (jr_date_time_expect(p, end, "Zz")) {
        return 1;
    }

    sign = *p < end && **p == '-' ? -1 : 1;

    if (!jr_date_time_expect(p, end, "+-")
        || !jr_date_time_digits(p, end, 2, &hour)
        || !jr_date_time_expect(p, end, ":")
        || !jr_date_time_digits(p, end, 2, &minute)
        || hour > 23 || minute > 59)
    {
        return 0;
    }

    *minutes = sign * (int) (hour * 60 + minute);

    return 1;
}


static int
jr_date_time_digits(const char **p, const char *end, size_t n,
    unsigned *value)
{
    size_t  i;

    if ((size_t) (end - *p) < n) {
        return 0;
    }

    *value = 0;

    for (i = 0; i < n; i++) {
        if ((*p)[i] < '0' || (*p)[i] > '9') {
            return 0;
        }

        *value = *value * 10 + (unsigned) ((*p)[i] - '0');
    }

    *p += n;

    return 1;
}


static int
jr_date_time_expect(const char **p, const char *end, const char *one_of)
{
    if (*p == end) {
        return 0;
    }

    for ( /* void */ ; *one_of != '\0'; one_of++) {
        if (**p == *one_of) {
            (*p)++;
            return 1;
        }
    }

    return 0;
}
