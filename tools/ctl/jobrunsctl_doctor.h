/* SPDX-License-Identifier: BSD-2-Clause
 *
 * What the files of `jobrunsctl doctor` share: its rows, and what it has
 * measured of all masters.
 */

#ifndef JOBRUNSCTL_DOCTOR_H_INCLUDED
#define JOBRUNSCTL_DOCTOR_H_INCLUDED

#include "jobrunsctl.h"


typedef struct {
    json_t     *rows;
    int         faults;
    long        tokens;         /* measured */
    long long   bytes;          /* of them */
    long long   maxmemory;      /* of all masters */
    long long   machine;        /* memory of theirs */
    unsigned    unlimited:1;    /* one has no maxmemory */
    unsigned    memoryless:1;   /* one does not tell */
    unsigned    unmeasured:1;   /* MEMORY USAGE is refused */
} ctl_doctor_t;


/* adds what was found; remedy is shown where it is not ok, which counts */
void ctl_doctor_row(ctl_doctor_t *d, const char *check, int ok,
    const char *found, const char *remedy);

/* whether the user may not ask: that is a row of its own, and the rest goes
   on; the reply is still the caller's */
int ctl_doctor_refused(ctl_doctor_t *d, const char *check,
    redisReply *reply);

/* the row of the room for a day of creations, when all masters were asked */
int ctl_doctor_forecast(ctl_t *ctl, ctl_doctor_t *d);


#endif /* JOBRUNSCTL_DOCTOR_H_INCLUDED */
