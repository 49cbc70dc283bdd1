/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The second half of compiling: $ref to the node it names, then, for every
 * node, the set of nodes that hold for the same value.
 */

#ifndef JR_LINK_H_INCLUDED
#define JR_LINK_H_INCLUDED

#include "jr_compile.h"


jr_status_e jr_link(jr_compiler_t *c);


#endif /* JR_LINK_H_INCLUDED */
