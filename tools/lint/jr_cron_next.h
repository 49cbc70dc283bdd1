/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Fire times of a cron expression.
 */

#ifndef JR_CRON_NEXT_H_INCLUDED
#define JR_CRON_NEXT_H_INCLUDED

#include <stdint.h>

#include "jr_cron.h"


/*
 * The first second after "after" (seconds since 1970 in UTC, as *next) that
 * the expression names, read in UTC.  JR_INVALID: none until the end of
 * 2199.  Work is bounded: at most one look at each day until then.
 */
jr_status_e jr_cron_next(const jr_cron_t *cron, int64_t after,
    int64_t *next);


#endif /* JR_CRON_NEXT_H_INCLUDED */
