/* SPDX-License-Identifier: BSD-2-Clause
 *
 * One check of a value.  Internal to this folder.
 */

#ifndef JR_CHECK_H_INCLUDED
#define JR_CHECK_H_INCLUDED

#include "jr_node.h"


/* bytes of one entry of a report: pointer, what was expected and found */
#define JR_ENTRY_TEXT  800


typedef struct {
    jr_work_t          *scratch;
    unsigned            flags;

    size_t              used;           /* of scratch->sets */
    size_t              depth;
    size_t              work;           /* done in trials */
    unsigned            trials;         /* anyOf, oneOf or not around us: only
                                           whether, not why */
    unsigned            failed:1;       /* in this trial, or at all */
    unsigned            exhausted:1;    /* a limit was hit, and said so */

    jr_report_t        *report;
    jr_text_t           text;           /* of the report */
    jr_text_t           entry;
    char                buf[JR_ENTRY_TEXT];
} jr_check_t;


/* not in a trial: the walk outside of trials comes by every value */
#define jr_check_nuls(c)                                                     \
    (((c)->flags & JR_SCHEMA_REJECT_NUL) && (c)->trials == 0)


/* a trial needs no second reason to fail */
#define jr_check_decided(c)  ((c)->trials > 0 && (c)->failed)


/* the value against all nodes of the set at once */
void jr_check(jr_check_t *c, jr_set_t set, const jr_value_t *value,
    const jr_place_t *place);


#endif /* JR_CHECK_H_INCLUDED */
