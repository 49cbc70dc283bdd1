/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Reading what the gateway has written: keys in Redis, and names in them.
 */

#ifndef JR_KEY_READ_H_INCLUDED
#define JR_KEY_READ_H_INCLUDED

#include "jr_key.h"


/*
 * Takes a key apart; the parts point into text.  JR_INVALID: it is not a key
 * of the gateway.
 */
jr_status_e jr_key_read(jr_str_t text, jr_str_t prefix, jr_key_t *key);

/*
 * 1: the name is in the form of a digest, as an operator finds it in Redis.
 * A request's value is never taken for one.
 */
int jr_key_read_digest(jr_str_t name);


#endif /* JR_KEY_READ_H_INCLUDED */
