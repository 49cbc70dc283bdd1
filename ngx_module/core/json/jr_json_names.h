/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Names of one object: each once.
 */

#ifndef JR_JSON_NAMES_H_INCLUDED
#define JR_JSON_NAMES_H_INCLUDED

#include "jr_json_token.h"


/*
 * jr_json_names.c: JR_INVALID where a name of n members occurs twice, and
 * *again is the first member whose name has been before.
 */
jr_status_e jr_json_names_unique(const jr_value_t *members, size_t n,
    size_t *again);


#endif /* JR_JSON_NAMES_H_INCLUDED */
