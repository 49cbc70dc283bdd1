/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Dates of HTTP headers: IMF-fixdate (RFC 9110, 5.6.7).
 */

#ifndef JR_HTTP_DATE_H_INCLUDED
#define JR_HTTP_DATE_H_INCLUDED

#include <stdint.h>

#include "jr_status.h"
#include "jr_str.h"


/* "Fri, 27 Nov 2026 03:30:52 GMT" */
#define JR_HTTP_DATE_LEN  29


/*
 * Seconds since 1970 of such a date, to *time.  The name of the day has to be
 * one, but not the date's: Oracle's own example of a signed request has a wrong
 * one.  A leap second (60) is the one behind it.  JR_INVALID: it is another
 * form, or not a day of the calendar.
 */
jr_status_e jr_http_date_read(jr_str_t text, int64_t *time);

/*
 * Writes the JR_HTTP_DATE_LEN characters of a time of the years 0 to 9999, any
 * other as the nearest of these; zone is of three letters, "GMT" in a header.
 * No NUL; returns the end.
 */
char *jr_http_date_write(int64_t time, const char *zone, char *dst);

/*
 * Seconds since 1970 of an RFC 3339 date-time in UTC, "2026-11-27T03:30:52Z",
 * of which a fraction is dropped.  JR_INVALID: it is not such a one.
 */
jr_status_e jr_http_date_read_rfc3339(jr_str_t text, int64_t *time);


#endif /* JR_HTTP_DATE_H_INCLUDED */
