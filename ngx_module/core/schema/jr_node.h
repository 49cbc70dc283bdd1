/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The tree a schema is compiled into.  Internal to this folder, and to
 * jr_body.c for the work memory.
 *
 * A node is one schema object.  What holds for the same value at once (the
 * node itself, the target of its $ref, the branches of its allOf, and so on
 * down) is flattened when compiling, so that a check walks the value once,
 * in the order of its text, with the set of all nodes that apply to it:
 *
 *     value            set of nodes
 *     /                {root}
 *     /states/0        {items -> allOf[0] -> State, allOf[1], allOf[2]}
 *     /states/0/status {State.properties.status}
 *
 * Everything belongs to the jr_schema_t and is freed with it.
 */

#ifndef JR_NODE_H_INCLUDED
#define JR_NODE_H_INCLUDED

#include "jr_arena.h"
#include "jr_format.h"
#include "jr_pattern.h"
#include "jr_place.h"
#include "jr_schema.h"


/* limits of a schema, against an operator's mistake */
#define JR_SCHEMA_NODES    4096     /* schema objects */
#define JR_SCHEMA_NESTING  64       /* schemas that apply to one value,
                                       one inside the other */
#define JR_SCHEMA_FLAT     65536    /* entries of all flattened sets */

/* limits of a check, against a value made to be expensive */
#define JR_SCHEMA_SETS     16384    /* nodes that apply along one path */
#define JR_SCHEMA_DEPTH    4096     /* values inside each other, counted
                                       again for anyOf, oneOf and not */
#define JR_SCHEMA_WORK     1000000  /* values looked at in anyOf, oneOf
                                       and not */


typedef struct jr_node_s  jr_node_t;

typedef struct {
    const char        *name;    /* inside the schema's text value */
    size_t             len;
    jr_pattern_t      *pattern; /* of patternProperties: the name as one */
    jr_node_t         *node;
} jr_member_t;

typedef struct {
    jr_member_t       *list;    /* malloc()ed, in the order of names */
    size_t             n;
} jr_members_t;

typedef struct {
    jr_node_t        **nodes;
    size_t             n;
} jr_nodes_t;

typedef struct {
    const jr_node_t  **nodes;
    size_t             n;
} jr_set_t;


struct jr_node_s {
    const jr_value_t     *source;       /* the schema object */

    unsigned              types;        /* 0: nothing is valid */
    jr_format_e           format;
    unsigned              plain:1;      /* checks nothing by itself */
    unsigned              deep:1;       /* looks at members or items */

    size_t                min_length;
    size_t                max_length;
    size_t                min_items;
    size_t                max_items;

    const jr_value_t     *minimum;      /* NULL: none */
    const jr_value_t     *maximum;
    const jr_value_t     *above;        /* exclusiveMinimum */
    const jr_value_t     *below;        /* exclusiveMaximum */

    const jr_value_t     *choices;      /* enum */
    const jr_value_t     *only;         /* const */
    jr_pattern_t         *pattern;
    const jr_value_t     *pattern_text;

    const jr_value_t     *required;     /* an array of strings */

    jr_members_t          members;
    jr_members_t          patterns;
    jr_node_t            *additional;
    jr_node_t            *items;

    const jr_value_t     *ref_text;
    jr_node_t            *ref;
    jr_nodes_t            all;
    jr_nodes_t            any;
    jr_nodes_t            one;
    jr_node_t            *not;

    jr_set_t              flat;         /* what holds at once, plain nodes
                                           left out */
    unsigned              mark;         /* of a walk over the tree */
    size_t                nesting;
};


/* what one check at a time writes to, apart from the tree: whoever has one
   of its own may check while others do */
struct jr_work_s {
    jr_arena_t           *arena;        /* of the body that is checked */
    jr_matcher_t         *matcher;      /* work memory of all patterns */
    const jr_node_t     **sets;         /* JR_SCHEMA_SETS of them */
};


/* all but the work memory stays as it is once it is compiled */
struct jr_schema_s {
    jr_arena_t           *text_arena;   /* of the schema's own text */
    const jr_value_t     *text;         /* names and values point into it */
    jr_node_t            *root;
    jr_node_t           **nodes;
    size_t                nnodes;
    jr_work_t            *work;         /* of checks that bring none */
};


/* a node that accepts everything, appended to schema->nodes; NULL: no
   memory */
jr_node_t *jr_node_create(jr_schema_t *schema, const jr_value_t *source);
void jr_node_free(jr_node_t *node);

/* the member's schema, or NULL */
jr_node_t *jr_node_member(const jr_node_t *node, const char *key,
    size_t len);

/* the order of members->list, for qsort() */
int jr_node_order(const void *one, const void *two);


#endif /* JR_NODE_H_INCLUDED */
