/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Parameters of an Authorization header: name="value", name=value.
 *
 * One reader for all: what is verified and what is counted by must be one
 * text.
 */

#ifndef JR_PARAMETER_H_INCLUDED
#define JR_PARAMETER_H_INCLUDED

#include "jr_str.h"


/*
 * Cuts the next parameter of a list off *rest, blanks allowed around the
 * commas and the "=" (RFC 9110, 11.2).  1, 0 at the end, -1 if it is not such
 * a list.  A quoted value with a "\" is not one: keyId, headers and signature
 * are of a narrower alphabet, and readers differ in what it means.
 */
int jr_parameter_next(jr_str_t *rest, jr_str_t *name, jr_str_t *value);


#endif /* JR_PARAMETER_H_INCLUDED */
