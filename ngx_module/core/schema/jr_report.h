/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The text of violations.
 *
 * A violation is text added to what jr_report_violation() returns, then
 * jr_report_violated().  NULL: nobody wants the text, which also spares the
 * work of writing it.
 */

#ifndef JR_REPORT_H_INCLUDED
#define JR_REPORT_H_INCLUDED

#include "jr_check.h"


void jr_report_begin(jr_check_t *c, jr_report_t *report);
void jr_report_end(jr_check_t *c);

jr_text_t *jr_report_violation(jr_check_t *c, const jr_place_t *place);
void jr_report_violated(jr_check_t *c);

/* all of it: the text; and with it what was found */
void jr_report_text(jr_check_t *c, const jr_place_t *place, const char *text);
void jr_report_found(jr_check_t *c, const jr_place_t *place, const char *text,
    const jr_value_t *value);

/* one that is reported even in a trial */
void jr_report_forced(jr_check_t *c, const jr_place_t *place,
    const char *text);

/* ", found " and the value, or its type where it is not a scalar */
void jr_report_value(jr_text_t *t, const jr_value_t *value);
/* "an object or a string" */
void jr_report_types(jr_text_t *t, unsigned types);
/* "a", "b" or "c"; cut where it is long */
void jr_report_choices(jr_text_t *t, const jr_value_t *choices);


#endif /* JR_REPORT_H_INCLUDED */
