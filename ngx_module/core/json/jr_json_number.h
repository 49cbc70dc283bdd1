/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Numbers of JSON texts.
 */

#ifndef JR_JSON_NUMBER_H_INCLUDED
#define JR_JSON_NUMBER_H_INCLUDED

#include "jr_json_token.h"


/* p->pos is at a minus or a digit */
jr_status_e jr_json_number(jr_json_parser_t *p, jr_value_t *value);


#endif /* JR_JSON_NUMBER_H_INCLUDED */
