/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Java's time zone ids.
 *
 * Valid is what java.time.ZoneId.of() or java.util.TimeZone accepts: the
 * ids of regions, also old ones ("US/Pacific"), the short ids ("PST"), and
 * offsets in the forms of either class ("UTC+2", "+05:30", "GMT+5:30").
 * Ids are case-sensitive, as in Java.
 */

#ifndef JR_TIMEZONE_H_INCLUDED
#define JR_TIMEZONE_H_INCLUDED

#include <stddef.h>

#include "jr_status.h"
#include "jr_text.h"


/* no id is longer, and a wrong one that is means none of them */
#define JR_TIMEZONE_LEN  48


jr_status_e jr_timezone_check(const char *id, size_t len);

/*
 * The id that somebody who wrote this one probably meant, or NULL.  Work is
 * bounded: an id longer than any that exists is not looked at.
 */
const char *jr_timezone_nearest(const char *id, size_t len);

/* bytes of an offset in full, "UTC+05:30" */
#define JR_TIMEZONE_OFFSET  10

/*
 * An offset in whichever form people write ("utc +5:30", "GMT+0530") in the
 * one that all of Java takes; its length, or 0 if id is no such offset.
 * dst is then undefined.
 */
size_t jr_timezone_offset(const char *id, size_t len,
    char dst[JR_TIMEZONE_OFFSET]);

/* Adds "must be a Java time zone id, found ..., did you mean ...?". */
void jr_timezone_explain(const char *id, size_t len, jr_text_t *t);


#endif /* JR_TIMEZONE_H_INCLUDED */
