/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Reading the counters of one key, as admit.lua writes them: jr_script.h has
 * their layout.
 */

#ifndef JR_COUNTER_READ_H_INCLUDED
#define JR_COUNTER_READ_H_INCLUDED

#include "jr_limit.h"


typedef struct {
    jr_limit_kind_e  kind;      /* JR_LIMIT_LAST: of a later release */
    jr_str_t         name;
    char             window;    /* its first letter; '-': none */
    int64_t          end;       /* when nothing is left, ms */
    int64_t          since;     /* of a rate us, of a quota s */
    int64_t          count;     /* backlog, or used */
} jr_counter_t;


/* Takes the format off the beginning of *rest.  JR_INVALID: not counters. */
jr_status_e jr_counter_begin(jr_str_t *rest);

/* Takes the next one off.  JR_INVALID: what is left is corrupt. */
jr_status_e jr_counter_next(jr_str_t *rest, jr_counter_t *counter);

/* What is used of it at a time in ms: of a rate requests, which are worked off
   evenly until its end. */
double jr_counter_used(const jr_counter_t *counter, int64_t now);


#endif /* JR_COUNTER_READ_H_INCLUDED */
