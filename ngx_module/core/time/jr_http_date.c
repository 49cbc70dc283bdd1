/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Dates of HTTP headers.
 *
 * Days are counted by the Gregorian calendar in years that begin in March, so
 * that a leap day is the last of its year.
 */

#include "jr_http_date.h"


#define JR_HTTP_DATE_DAY    86400

/* from March 1st of the year 0 to 1970 */
#define JR_HTTP_DATE_EPOCH  719468

/* of the years 0 to 9999 */
#define JR_HTTP_DATE_FIRST  (-62167219200LL)
#define JR_HTTP_DATE_LAST   253402300799LL


typedef struct {
    unsigned  year;
    unsigned  month;            /* from 1 */
    unsigned  day;
    unsigned  hour;
    unsigned  minute;
    unsigned  second;
} jr_http_date_t;


static const char  jr_http_date_days[] = "SunMonTueWedThuFriSat";
static const char  jr_http_date_months[] =
    "JanFebMarAprMayJunJulAugSepOctNovDec";


static jr_status_e jr_http_date_time(const jr_http_date_t *date,
    int64_t *time);
static int jr_http_date_digits(const char *p, size_t n, unsigned *value);
static int jr_http_date_clock(const char *p, jr_http_date_t *date);
static unsigned jr_http_date_name(const char *p, const char *names,
    unsigned n);
static char *jr_http_date_two(char *dst, unsigned value);


jr_status_e
jr_http_date_read(jr_str_t text, int64_t *time)
{
    const char      *p;
    jr_http_date_t   date;

    p = text.data;

    if (text.len != JR_HTTP_DATE_LEN
        || jr_http_date_name(p, jr_http_date_days, 7) == 0
        || memcmp(p + 3, ", ", 2) != 0
        || !jr_http_date_digits(p + 5, 2, &date.day)
        || p[7] != ' ' || p[11] != ' '
        || !jr_http_date_digits(p + 12, 4, &date.year)
        || p[16] != ' '
        || !jr_http_date_clock(p + 17, &date)
        || memcmp(p + 25, " GMT", 4) != 0)
    {
        return JR_INVALID;
    }

    date.month = jr_http_date_name(p + 8, jr_http_date_months, 12);

    return jr_http_date_time(&date, time);
}


jr_status_e
jr_http_date_read_rfc3339(jr_str_t text, int64_t *time)
{
    size_t           i;
    const char      *p;
    jr_http_date_t   date;

    p = text.data;

    if (text.len < sizeof("2026-11-27T03:30:52Z") - 1
        || !jr_http_date_digits(p, 4, &date.year) || p[4] != '-'
        || !jr_http_date_digits(p + 5, 2, &date.month) || p[7] != '-'
        || !jr_http_date_digits(p + 8, 2, &date.day) || p[10] != 'T'
        || !jr_http_date_clock(p + 11, &date))
    {
        return JR_INVALID;
    }

    i = 19;

    if (p[i] == '.') {

        for (i++; i < text.len && p[i] >= '0' && p[i] <= '9'; i++) {
            /* void */
        }

        if (i == 20) {
            return JR_INVALID;
        }
    }

    text.data += i;
    text.len -= i;

    return jr_str_eq(text, "Z", 1) || jr_str_eq(text, "+00:00", 6)
           ? jr_http_date_time(&date, time) : JR_INVALID;
}


static jr_status_e
jr_http_date_time(const jr_http_date_t *date, int64_t *time)
{
    int       leap;
    int64_t   year, days;
    unsigned  month;

    static const unsigned char  lengths[] = {
        31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31
    };

    leap = date->year % 4 == 0
           && (date->year % 100 != 0 || date->year % 400 == 0);

    if (date->month < 1 || date->month > 12
        || date->day < 1
        || date->day > lengths[date->month - 1]
                       + (unsigned) (date->month == 2 && leap))
    {
        return JR_INVALID;
    }

    /* January and February belong to the year before; 400 more years, so
       that no division rounds a negative one */

    month = (date->month + 9) % 12;
    year = (int64_t) date->year - (date->month < 3) + 400;

    days = year * 365 + year / 4 - year / 100 + year / 400
           + (153 * month + 2) / 5 + date->day - 1
           - JR_HTTP_DATE_EPOCH - 146097;

    *time = days * JR_HTTP_DATE_DAY + date->hour * 3600 + date->minute * 60
            + date->second;

    return JR_OK;
}


static int
jr_http_date_digits(const char *p, size_t n, unsigned *value)
{
    *value = 0;

    for ( /* void */ ; n; n--, p++) {

        if (*p < '0' || *p > '9') {
            return 0;
        }

        *value = *value * 10 + (unsigned) (*p - '0');
    }

    return 1;
}


/* "03:30:52" */

static int
jr_http_date_clock(const char *p, jr_http_date_t *date)
{
    return jr_http_date_digits(p, 2, &date->hour) && date->hour < 24
           && p[2] == ':'
           && jr_http_date_digits(p + 3, 2, &date->minute)
           && date->minute < 60
           && p[5] == ':'
           && jr_http_date_digits(p + 6, 2, &date->second)
           && date->second <= 60;
}


/* the place of three letters among n names, from 1; 0: it is none of them */

static unsigned
jr_http_date_name(const char *p, const char *names, unsigned n)
{
    unsigned  i;

    for (i = 0; i < n; i++) {
        if (memcmp(p, names + 3 * i, 3) == 0) {
            return i + 1;
        }
    }

    return 0;
}


char *
jr_http_date_write(int64_t time, const char *zone, char *dst)
{
    int64_t   days, day, year;
    unsigned  second, month;

    time = time < JR_HTTP_DATE_FIRST ? JR_HTTP_DATE_FIRST : time;
    time = time > JR_HTTP_DATE_LAST ? JR_HTTP_DATE_LAST : time;

    /* 400 years of 146097 days, so that none is negative */

    time += (JR_HTTP_DATE_EPOCH + 146097LL) * JR_HTTP_DATE_DAY;
    days = time / JR_HTTP_DATE_DAY;
    second = (unsigned) (time % JR_HTTP_DATE_DAY);

    /* the day of its 400 years, then the year in these, the day in that */

    day = days % 146097;
    year = (day - day / 1460 + day / 36524 - day / 146096) / 365;
    day -= year * 365 + year / 4 - year / 100;
    month = (unsigned) (5 * day + 2) / 153;

    year += days / 146097 * 400 - 400 + (month >= 10);
    day -= (153 * month + 2) / 5;
    month = (month + 2) % 12;

    /* March 1st of the year 0 was a Wednesday */

    memcpy(dst, jr_http_date_days + 3 * ((days + 3) % 7), 3);
    dst[3] = ',';
    dst[4] = ' ';
    dst = jr_http_date_two(dst + 5, (unsigned) day + 1);
    *dst++ = ' ';
    memcpy(dst, jr_http_date_months + 3 * month, 3);
    dst[3] = ' ';
    dst = jr_http_date_two(dst + 4, (unsigned) (year / 100));
    dst = jr_http_date_two(dst, (unsigned) (year % 100));
    *dst++ = ' ';
    dst = jr_http_date_two(dst, second / 3600);
    *dst++ = ':';
    dst = jr_http_date_two(dst, second / 60 % 60);
    *dst++ = ':';
    dst = jr_http_date_two(dst, second % 60);
    *dst++ = ' ';
    *dst++ = zone[0];
    *dst++ = zone[1];
    *dst++ = zone[2];

    return dst;
}


static char *
jr_http_date_two(char *dst, unsigned value)
{
    *dst++ = (char) ('0' + value / 10);
    *dst++ = (char) ('0' + value % 10);

    return dst;
}
