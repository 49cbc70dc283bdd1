/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The canonical form of a JSON value as a whole, which the module never has.
 */

#ifndef LIB_CANONICAL_H_INCLUDED
#define LIB_CANONICAL_H_INCLUDED

#include "jr_canonical.h"


/* *text is to be free()d and has *len bytes, without a NUL behind them */
jr_status_e canonical_text(const jr_value_t *value, char **text, size_t *len);


#endif /* LIB_CANONICAL_H_INCLUDED */
