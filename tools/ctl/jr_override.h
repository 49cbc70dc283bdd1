/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Overrides of limits, as they stand in Redis; admit.lua reads them by the
 * same rules.
 *
 *   20000                    a number, "50r/s" or "none"
 *   20000 until 1795824000   likewise, in force before that second of Redis'
 *                            clock
 */

#ifndef JR_OVERRIDE_H_INCLUDED
#define JR_OVERRIDE_H_INCLUDED

#include <stdint.h>

#include "jr_status.h"
#include "jr_str.h"


/* seconds since 1970; "until" has at most 11 digits */
#define JR_OVERRIDE_UNTIL_MAX  INT64_C(99999999999)


/*
 * Takes the end off a value, which is the rest of text and need not be valid.
 * until: seconds since 1970; 0: it has no end.  JR_INVALID: its end is none.
 */
jr_status_e jr_override_read(jr_str_t text, jr_str_t *value, int64_t *until);

/*
 * Until when something is to be in force that begins now, in seconds since
 * 1970: "today" (the next midnight in UTC, at which days of quotas end), "+4h"
 * (s, m, h or d), or "2026-11-28T12:00:00Z".  JR_INVALID: it is none of these,
 * or not in the future.
 */
jr_status_e jr_override_until(jr_str_t text, int64_t now, int64_t *until);


#endif /* JR_OVERRIDE_H_INCLUDED */
