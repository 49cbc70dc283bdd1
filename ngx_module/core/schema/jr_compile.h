/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Compiling schema text into the tree.
 *
 * A keyword that is not known is an error, as is one whose value has the
 * wrong shape: what is written in a schema is checked, or refused.
 */

#ifndef JR_COMPILE_H_INCLUDED
#define JR_COMPILE_H_INCLUDED

#include "jr_node.h"


typedef struct {
    jr_schema_t  *schema;
    jr_text_t     err;          /* complaints, joined by "; " */
    size_t        errors;
} jr_compiler_t;


/*
 * Makes *node of one schema, and those below it.  JR_OK also where it
 * complained, so that one run finds all that is wrong; JR_INVALID where going
 * on makes no sense.
 */
jr_status_e jr_compile(jr_compiler_t *c, const jr_value_t *source,
    const jr_place_t *place, jr_node_t **node);

/* Begins a complaint with its place; false: there are too many already. */
int jr_compile_begin(jr_compiler_t *c, const jr_place_t *place);
void jr_compile_complain(jr_compiler_t *c, const jr_place_t *place,
    const char *text);


#endif /* JR_COMPILE_H_INCLUDED */
