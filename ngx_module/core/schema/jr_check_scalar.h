/* SPDX-License-Identifier: BSD-2-Clause
 *
 * What is checked of a value without going down into it by its schemas.
 */

#ifndef JR_CHECK_SCALAR_H_INCLUDED
#define JR_CHECK_SCALAR_H_INCLUDED

#include "jr_check.h"


/* the keywords of one node that look at one value alone */
void jr_check_scalar(jr_check_t *c, const jr_node_t *node,
    const jr_value_t *value, const jr_place_t *place);

/* false: it has none of the types, which was reported */
int jr_check_scalar_type(jr_check_t *c, jr_set_t set, const jr_value_t *value,
    const jr_place_t *place);

/* Strings and numbers that no schema accepts: true where one was reported. */
int jr_check_scalar_string(jr_check_t *c, jr_set_t set,
    const jr_value_t *value, const jr_place_t *place);

/* the same of all in a value that no schema looks at, and of a member's name */
void jr_check_scalar_rest(jr_check_t *c, const jr_value_t *value,
    const jr_place_t *place);
void jr_check_scalar_name(jr_check_t *c, const char *key, size_t len,
    const jr_place_t *place);


#endif /* JR_CHECK_SCALAR_H_INCLUDED */
