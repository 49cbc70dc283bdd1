/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Cron expressions of Quartz: the documented grammar, nothing else.
 *
 * Quartz's own parser also takes much that its documentation does not have
 * ("10am", "**", "0,,5"); what such an expression means there is an
 * accident, so it is refused here.  Two things people do write are taken as
 * Quartz takes them: names that are spelled out (it reads three letters of
 * MONDAY), and what it then drops without a word (the step of MON-FRI/2, the
 * end of MONDAY-FRIDAY).  Years are 1970 to 2199: a range to
 * 2147483647 makes Quartz run out of memory.
 */

#ifndef JR_CRON_H_INCLUDED
#define JR_CRON_H_INCLUDED

#include <stddef.h>
#include <stdint.h>

#include "jr_status.h"


#define JR_CRON_YEAR_MIN  1970
#define JR_CRON_YEAR_MAX  2199

#define JR_CRON_ERROR_TEXT  256

/* pieces of an expression that are named as dropped */
#define JR_CRON_DROPPED  8


/* A piece that Quartz takes and does not heed: "/3" of JAN/3. */
typedef struct {
    size_t    item;             /* offset of the item that it ends */
    size_t    offset;           /* of the piece */
    size_t    end;              /* of both */
} jr_cron_dropped_t;

/*
 * What an expression means.  Bit n of a mask stands for the value n; of
 * years, for 1970 + n.
 */
typedef struct {
    uint64_t  seconds;
    uint64_t  minutes;
    uint64_t  hours;
    uint64_t  days;             /* of the month */
    uint64_t  months;
    uint64_t  weekdays;         /* 1 is Sunday */
    uint64_t  years[4];

    uint64_t  last;             /* bit n: L-n, the n-th day before the last */
    uint64_t  last_workday;     /* bit n: L-nW, the workday nearest to it */
    unsigned  workday;          /* nW, or 0 */
    unsigned  last_weekday;     /* nL, or 0 */
    unsigned  nth_weekday;      /* n of n#k, or 0 */
    unsigned  nth;              /* k of n#k */

    unsigned  by_weekday:1;     /* day-of-month is "?" */

    unsigned           ndropped;            /* the first of them */
    jr_cron_dropped_t  dropped[JR_CRON_DROPPED];
} jr_cron_t;

typedef struct {
    size_t    offset;           /* of the item that breaks a rule */
    char      text[JR_CRON_ERROR_TEXT];     /* "hour must be 0-23, found
                                               25" */
} jr_cron_error_t;


/*
 * Linear in len, allocates nothing.  On JR_INVALID *cron is undefined and
 * *err, unless NULL, filled in.
 */
jr_status_e jr_cron_parse(const char *text, size_t len, jr_cron_t *cron,
    jr_cron_error_t *err);


#endif /* JR_CRON_H_INCLUDED */
