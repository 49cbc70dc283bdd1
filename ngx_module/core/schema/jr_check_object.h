/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Objects: the members they must have, and those they may have.
 */

#ifndef JR_CHECK_OBJECT_H_INCLUDED
#define JR_CHECK_OBJECT_H_INCLUDED

#include "jr_check.h"


/* Reports the required members that are missing, each once. */
void jr_check_object_required(jr_check_t *c, jr_set_t set,
    const jr_value_t *object, const jr_place_t *place);

/* Whether any member is named: an object of which none is may hold all. */
int jr_check_object_has_members(jr_set_t set);

/* Whether the member at this place is one that the schemas know. */
int jr_check_object_declares(jr_check_t *c, jr_set_t set,
    const jr_place_t *place);


#endif /* JR_CHECK_OBJECT_H_INCLUDED */
