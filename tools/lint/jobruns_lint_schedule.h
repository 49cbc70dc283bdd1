/* SPDX-License-Identifier: BSD-2-Clause
 *
 * jobruns-lint: what is said of a schedule.
 */

#ifndef JOBRUNS_LINT_SCHEDULE_H_INCLUDED
#define JOBRUNS_LINT_SCHEDULE_H_INCLUDED

#include <jansson.h>

#include "jobruns_lint.h"
#include "jobruns_lint_zone.h"
#include "jr_cron.h"


/* Looks at one expression alone and prints what is to be said of it; returns
   an exit status. */
int lint_schedule_cron(const lint_options_t *options);

/* Adds what is to be said of a schedule to a result.  zone: its time zone, NULL
   where the rules of that are not known.  Not 0: out of memory. */
int lint_schedule_json(json_t *result, const char *expr,
    const jr_cron_t *cron, const char *zone, const lint_fires_t *fires);

/* The same as text. */
void lint_schedule_print(const char *expr, const jr_cron_t *cron,
    const char *zone, const lint_fires_t *fires);


#endif /* JOBRUNS_LINT_SCHEDULE_H_INCLUDED */
