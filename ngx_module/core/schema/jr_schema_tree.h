/*
 * The tree a schema is compiled into.  Internal to jr_schema_*.c.
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

#ifndef JR_SCHEMA_TREE_H_INCLUDED
#define JR_SCHEMA_TREE_H_INCLUDED

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


/* types of values; a number is a fraction or an integer */
#define JR_TYPE_OBJECT    0x01
#define JR_TYPE_ARRAY     0x02
#define JR_TYPE_STRING    0x04
#define JR_TYPE_INTEGER   0x08
#define JR_TYPE_FRACTION  0x10
#define JR_TYPE_BOOLEAN   0x20
#define JR_TYPE_NULL      0x40

#define JR_TYPE_NUMBER    (JR_TYPE_INTEGER|JR_TYPE_FRACTION)
#define JR_TYPE_ANY       0x7f


typedef struct jr_node_s  jr_node_t;

typedef struct {
    const char        *data;    /* inside the schema's text value */
    size_t             len;
} jr_name_t;

typedef struct {
    jr_name_t          name;
    jr_node_t         *node;
} jr_member_t;

typedef struct {
    jr_pattern_t      *pattern;
    jr_node_t         *node;
} jr_pattern_member_t;

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

    jr_name_t            *required;
    size_t                nrequired;

    jr_member_t          *members;      /* sorted, see jr_node_member() */
    size_t                nmembers;
    jr_pattern_member_t  *patterns;
    size_t                npatterns;
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


/* jr_schema_tree.c */

jr_schema_t *jr_schema_create(void);

/* a node that accepts everything, appended to schema->nodes; NULL: no
   memory */
jr_node_t *jr_node_create(jr_schema_t *schema, const jr_value_t *source);

/* the member's schema, or NULL */
jr_node_t *jr_node_member(const jr_node_t *node, const char *key,
    size_t len);
int jr_member_compare(const void *one, const void *two);


/*
 * jr_schema_value.c
 *
 * Equality and order as JSON Schema has it: 1 and 1.0 are the same number.
 */

int jr_value_equal(const jr_value_t *one, const jr_value_t *two);
int jr_number_compare(const jr_value_t *one, const jr_value_t *two);
unsigned jr_value_type(const jr_value_t *value);


#endif /* JR_SCHEMA_TREE_H_INCLUDED */
