/* SPDX-License-Identifier: BSD-2-Clause
 *
 * jobruns-lint: fire times on the clock of a time zone.
 */

#ifndef JOBRUNS_LINT_ZONE_H_INCLUDED
#define JOBRUNS_LINT_ZONE_H_INCLUDED

#include <stddef.h>
#include <time.h>

#include "jr_cron.h"


#define LINT_FIRES  5


typedef struct {
    size_t  n;
    char    utc[LINT_FIRES][32];
    char    local[LINT_FIRES][32];      /* with the offset of that time */
} lint_fires_t;


/*
 * Makes the C library's local time that of a Java time zone id.  0: the id
 * is none, or this machine has no rules for it; local time is then UTC.
 */
int lint_zone_set(const char *id, size_t len);

/* The next fire times after now, as the clock of local time shows them. */
void lint_fires(const jr_cron_t *cron, time_t now, lint_fires_t *fires);


#endif /* JOBRUNS_LINT_ZONE_H_INCLUDED */
