/*
 * The state of compiling a schema.  Internal to jr_schema_compile*.c,
 * jr_schema_keyword.c and jr_schema_link.c.
 */

#ifndef JR_SCHEMA_COMPILE_H_INCLUDED
#define JR_SCHEMA_COMPILE_H_INCLUDED

#include "jr_schema_tree.h"


typedef struct {
    jr_schema_t  *schema;
    jr_text_t     err;          /* complaints, joined by "; " */
    size_t        errors;
} jr_compiler_t;

typedef struct jr_keyword_s  jr_keyword_t;


/*
 * A compile function returns JR_OK also where it complained, so that one
 * run finds all that is wrong; JR_INVALID where going on makes no sense.
 */
jr_status_e jr_compile_schema(jr_compiler_t *c, const jr_value_t *source,
    const jr_place_t *place, jr_node_t **node);

/* One keyword of a schema (jr_schema_keyword.c). */
jr_status_e jr_compile_keyword(jr_compiler_t *c, jr_node_t *node,
    const char *key, size_t len, const jr_value_t *value,
    const jr_place_t *place);

/* An object of schemas, sorted by name; *members is malloc()ed or NULL. */
jr_status_e jr_compile_members(jr_compiler_t *c, const jr_value_t *value,
    const jr_place_t *place, jr_member_t **members, size_t *n);

jr_status_e jr_compile_pattern(jr_compiler_t *c, const char *text,
    size_t len, const jr_place_t *place, jr_pattern_t **pattern);

/* Begins a complaint with its place; false: there are too many already. */
int jr_compile_begin(jr_compiler_t *c, const jr_place_t *place);
void jr_compile_complain(jr_compiler_t *c, const jr_place_t *place,
    const char *text);

/* The JR_TYPE_ bits of a type's name, 0 if it is none. */
unsigned jr_type_find(const jr_value_t *name);

/* Resolves every $ref, refuses cycles, flattens (jr_schema_link.c). */
jr_status_e jr_schema_link(jr_compiler_t *c);


#endif /* JR_SCHEMA_COMPILE_H_INCLUDED */
