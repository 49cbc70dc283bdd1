/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Schemas as nodes, and their keywords: a table of one row each.
 */

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "jr_compile.h"
#include "jr_report.h"


#define JR_COMPILE_ERRORS  10


/*
 * Takes the value of a keyword.  field: where the node keeps what the keyword
 * says, by the table; place: of the value.
 */
typedef jr_status_e (*jr_keyword_pt)(jr_compiler_t *c, jr_node_t *node,
    void *field, const jr_value_t *value, const jr_place_t *place);

typedef struct {
    const char     *name;
    unsigned        types;      /* that its value may have */
    jr_keyword_pt   compile;    /* NULL: says nothing of values */
    size_t          offset;     /* of the field */
} jr_keyword_t;


static jr_status_e jr_compile_keyword(jr_compiler_t *c, jr_node_t *node,
    const jr_value_t *name, const jr_value_t *value, const jr_place_t *place);
static jr_status_e jr_compile_top(jr_compiler_t *c, jr_node_t *node,
    void *field, const jr_value_t *value, const jr_place_t *place);
static jr_status_e jr_compile_value(jr_compiler_t *c, jr_node_t *node,
    void *field, const jr_value_t *value, const jr_place_t *place);
static jr_status_e jr_compile_type(jr_compiler_t *c, jr_node_t *node,
    void *field, const jr_value_t *value, const jr_place_t *place);
static jr_status_e jr_compile_format(jr_compiler_t *c, jr_node_t *node,
    void *field, const jr_value_t *value, const jr_place_t *place);
static jr_status_e jr_compile_size(jr_compiler_t *c, jr_node_t *node,
    void *field, const jr_value_t *value, const jr_place_t *place);
static jr_status_e jr_compile_pattern(jr_compiler_t *c, jr_node_t *node,
    void *field, const jr_value_t *value, const jr_place_t *place);
static jr_status_e jr_compile_expression(jr_compiler_t *c, const char *text,
    size_t len, const jr_place_t *place, jr_pattern_t **pattern);
static jr_status_e jr_compile_required(jr_compiler_t *c, jr_node_t *node,
    void *field, const jr_value_t *value, const jr_place_t *place);
static jr_status_e jr_compile_one(jr_compiler_t *c, jr_node_t *node,
    void *field, const jr_value_t *value, const jr_place_t *place);
static jr_status_e jr_compile_list(jr_compiler_t *c, jr_node_t *node,
    void *field, const jr_value_t *value, const jr_place_t *place);
static jr_status_e jr_compile_members(jr_compiler_t *c, jr_node_t *node,
    void *field, const jr_value_t *value, const jr_place_t *place);
static jr_status_e jr_compile_patterns(jr_compiler_t *c, jr_node_t *node,
    void *field, const jr_value_t *value, const jr_place_t *place);
static jr_status_e jr_compile_defs(jr_compiler_t *c, jr_node_t *node,
    void *field, const jr_value_t *value, const jr_place_t *place);


#define jr_field(name)  offsetof(jr_node_t, name)


static const jr_keyword_t  jr_keywords[] = {
    { "title",                JR_TYPE_ANY, NULL, 0 },
    { "description",          JR_TYPE_ANY, NULL, 0 },
    { "default",              JR_TYPE_ANY, NULL, 0 },
    { "$comment",             JR_TYPE_ANY, NULL, 0 },
    { "$schema",              JR_TYPE_ANY, jr_compile_top, 0 },
    { "$id",                  JR_TYPE_ANY, jr_compile_top, 0 },
    { "$defs",                JR_TYPE_ANY, jr_compile_defs, 0 },
    { "$ref",                 JR_TYPE_STRING,
      jr_compile_value, jr_field(ref_text) },
    { "type",                 JR_TYPE_ANY,
      jr_compile_type, jr_field(types) },
    { "format",               JR_TYPE_STRING,
      jr_compile_format, jr_field(format) },
    { "minLength",            JR_TYPE_ANY,
      jr_compile_size, jr_field(min_length) },
    { "maxLength",            JR_TYPE_ANY,
      jr_compile_size, jr_field(max_length) },
    { "minItems",             JR_TYPE_ANY,
      jr_compile_size, jr_field(min_items) },
    { "maxItems",             JR_TYPE_ANY,
      jr_compile_size, jr_field(max_items) },
    { "minimum",              JR_TYPE_NUMBER,
      jr_compile_value, jr_field(minimum) },
    { "maximum",              JR_TYPE_NUMBER,
      jr_compile_value, jr_field(maximum) },
    { "exclusiveMinimum",     JR_TYPE_NUMBER,
      jr_compile_value, jr_field(above) },
    { "exclusiveMaximum",     JR_TYPE_NUMBER,
      jr_compile_value, jr_field(below) },
    { "enum",                 JR_TYPE_ARRAY,
      jr_compile_value, jr_field(choices) },
    { "const",                JR_TYPE_ANY,
      jr_compile_value, jr_field(only) },
    { "pattern",              JR_TYPE_STRING,
      jr_compile_pattern, jr_field(pattern) },
    { "required",             JR_TYPE_ANY,
      jr_compile_required, jr_field(required) },
    { "properties",           JR_TYPE_ANY,
      jr_compile_members, jr_field(members) },
    { "patternProperties",    JR_TYPE_ANY,
      jr_compile_patterns, jr_field(patterns) },
    { "additionalProperties", JR_TYPE_ANY,
      jr_compile_one, jr_field(additional) },
    { "items",                JR_TYPE_ANY, jr_compile_one, jr_field(items) },
    { "not",                  JR_TYPE_ANY, jr_compile_one, jr_field(not) },
    { "allOf",                JR_TYPE_ANY, jr_compile_list, jr_field(all) },
    { "anyOf",                JR_TYPE_ANY, jr_compile_list, jr_field(any) },
    { "oneOf",                JR_TYPE_ANY, jr_compile_list, jr_field(one) },
    { NULL,                   0, NULL, 0 }
};


jr_status_e
jr_compile(jr_compiler_t *c, const jr_value_t *source,
    const jr_place_t *place, jr_node_t **node)
{
    size_t       i;
    jr_status_e  rc;

    if (c->schema->nnodes == JR_SCHEMA_NODES) {
        jr_compile_complain(c, place, "more than 4096 schemas");
        return JR_INVALID;
    }

    *node = jr_node_create(c->schema, source);
    if (*node == NULL) {
        return JR_NO_MEMORY;
    }

    if (jr_is_boolean(source)) {
        (*node)->types = jr_is_true(source) ? JR_TYPE_ANY : 0;
        return JR_OK;
    }

    if (!jr_is_object(source)) {
        jr_compile_complain(c, place, "a schema must be an object or a"
                            " boolean");
        return JR_OK;
    }

    for (i = 0; i < jr_object_size(source); i++) {
        rc = jr_compile_keyword(c, *node, jr_object_name(source, i),
                                jr_object_member(source, i), place);
        if (rc != JR_OK) {
            return rc;
        }
    }

    return JR_OK;
}


static jr_status_e
jr_compile_keyword(jr_compiler_t *c, jr_node_t *node, const jr_value_t *name,
    const jr_value_t *value, const jr_place_t *place)
{
    jr_place_t           below;
    const jr_keyword_t  *k;

    for (k = jr_keywords; k->name != NULL; k++) {
        if (strlen(k->name) == name->len
            && memcmp(k->name, name->u.text, name->len) == 0)
        {
            break;
        }
    }

    if (k->name == NULL) {
        if (jr_compile_begin(c, place)) {
            jr_text_str(&c->err, "keyword ");
            jr_text_found(&c->err, name->u.text, name->len);
            jr_text_str(&c->err, " is not supported");
        }

        return JR_OK;
    }

    below.up = place;
    below.key = name->u.text;
    below.len = name->len;
    below.index = 0;

    if (!(jr_value_type(value) & k->types)) {
        if (jr_compile_begin(c, &below)) {
            jr_text_str(&c->err, "must be ");
            jr_report_types(&c->err, k->types);
        }

        return JR_OK;
    }

    return k->compile == NULL ? JR_OK
           : k->compile(c, node, (char *) node + k->offset, value, &below);
}


/* Below the top, $id would change what a $ref means. */

static jr_status_e
jr_compile_top(jr_compiler_t *c, jr_node_t *node, void *field,
    const jr_value_t *value, const jr_place_t *place)
{
    (void) field;
    (void) value;

    if (node->source != c->schema->text) {
        jr_compile_complain(c, place, "is supported at the top only");
    }

    return JR_OK;
}


static jr_status_e
jr_compile_value(jr_compiler_t *c, jr_node_t *node, void *field,
    const jr_value_t *value, const jr_place_t *place)
{
    (void) c;
    (void) node;
    (void) place;

    *(const jr_value_t **) field = value;

    return JR_OK;
}


static jr_status_e
jr_compile_type(jr_compiler_t *c, jr_node_t *node, void *field,
    const jr_value_t *value, const jr_place_t *place)
{
    size_t    i, n;
    unsigned  type;

    (void) field;

    node->types = 0;
    n = jr_is_array(value) ? jr_array_size(value) : 1;

    for (i = 0; i < n; i++) {
        type = jr_value_type_named(jr_is_array(value) ? jr_array_item(value, i)
                                                      : value);
        if (type == 0) {
            jr_compile_complain(c, place, "must be object, array, string,"
                                " integer, number, boolean or null");
        }

        node->types |= type;
    }

    if (n == 0) {
        jr_compile_complain(c, place, "must not be empty");
    }

    return JR_OK;
}


static jr_status_e
jr_compile_format(jr_compiler_t *c, jr_node_t *node, void *field,
    const jr_value_t *value, const jr_place_t *place)
{
    (void) field;

    node->format = jr_format_find(jr_string(value), jr_string_len(value));

    if (node->format == JR_FORMAT_UNKNOWN && jr_compile_begin(c, place)) {
        jr_text_str(&c->err, "format ");
        jr_text_found(&c->err, jr_string(value), jr_string_len(value));
        jr_text_str(&c->err, " is not supported");
    }

    return JR_OK;
}


static jr_status_e
jr_compile_size(jr_compiler_t *c, jr_node_t *node, void *field,
    const jr_value_t *value, const jr_place_t *place)
{
    double  d;

    (void) node;

    d = jr_number(value);

    if (!jr_is_number(value) || !jr_real_is_integral(d) || d < 0 || d > 1e15) {
        jr_compile_complain(c, place, "must be an integer, 0 or more");
        return JR_OK;
    }

    *(size_t *) field = (size_t) d;

    return JR_OK;
}


static jr_status_e
jr_compile_pattern(jr_compiler_t *c, jr_node_t *node, void *field,
    const jr_value_t *value, const jr_place_t *place)
{
    (void) field;

    node->pattern_text = value;

    return jr_compile_expression(c, value->u.text, value->len, place,
                                 &node->pattern);
}


static jr_status_e
jr_compile_expression(jr_compiler_t *c, const char *text, size_t len,
    const jr_place_t *place, jr_pattern_t **pattern)
{
    char         why[512];
    jr_text_t    t;
    jr_status_e  rc;

    jr_text_init(&t, why, sizeof(why));

    rc = jr_pattern_compile(c->schema->work->matcher, text, len, &t, pattern);

    if (rc != JR_INVALID) {
        return rc;
    }

    if (jr_compile_begin(c, place)) {
        jr_text_str(&c->err, "pattern ");
        jr_text_found(&c->err, text, len);
        jr_text_str(&c->err, ": ");
        jr_text_str(&c->err, why);
    }

    return JR_OK;
}


static jr_status_e
jr_compile_required(jr_compiler_t *c, jr_node_t *node, void *field,
    const jr_value_t *value, const jr_place_t *place)
{
    size_t  i, n;

    n = jr_array_size(value);

    for (i = 0; i < n && jr_is_string(jr_array_item(value, i)); i++) {
        /* void */
    }

    if (i < n || !jr_is_array(value)) {
        jr_compile_complain(c, place, "must be an array of strings");
        return JR_OK;
    }

    return jr_compile_value(c, node, field, value, place);
}


static jr_status_e
jr_compile_one(jr_compiler_t *c, jr_node_t *node, void *field,
    const jr_value_t *value, const jr_place_t *place)
{
    (void) node;

    return jr_compile(c, value, place, field);
}


static jr_status_e
jr_compile_list(jr_compiler_t *c, jr_node_t *node, void *field,
    const jr_value_t *value, const jr_place_t *place)
{
    size_t        n;
    jr_nodes_t   *list;
    jr_place_t    below;
    jr_status_e   rc;

    (void) node;

    list = field;
    n = jr_array_size(value);

    if (n == 0) {
        jr_compile_complain(c, place, "must be an array of schemas, not"
                            " empty");
        return JR_OK;
    }

    list->nodes = calloc(n, sizeof(jr_node_t *));
    if (list->nodes == NULL) {
        return JR_NO_MEMORY;
    }

    memset(&below, 0, sizeof(jr_place_t));
    below.up = place;

    for (list->n = 0; list->n < n; list->n++) {
        below.index = list->n;

        rc = jr_compile(c, jr_array_item(value, list->n), &below,
                        &list->nodes[list->n]);
        if (rc != JR_OK) {
            return rc;
        }
    }

    return JR_OK;
}


/* An object of schemas, as malloc()ed members sorted by name. */

static jr_status_e
jr_compile_members(jr_compiler_t *c, jr_node_t *node, void *field,
    const jr_value_t *value, const jr_place_t *place)
{
    size_t             i, n;
    jr_place_t         below;
    jr_status_e        rc;
    jr_member_t       *member;
    jr_members_t      *members;
    const jr_value_t  *name;

    (void) node;

    members = field;
    n = jr_object_size(value);

    if (!jr_is_object(value)) {
        jr_compile_complain(c, place, "must be an object of schemas");
    }

    if (n == 0) {
        return JR_OK;
    }

    members->list = calloc(n, sizeof(jr_member_t));
    if (members->list == NULL) {
        return JR_NO_MEMORY;
    }

    below.up = place;
    below.index = 0;

    for (i = 0; i < n; i++) {
        name = jr_object_name(value, i);

        below.key = name->u.text;
        below.len = name->len;

        member = &members->list[i];
        member->name = below.key;
        member->len = below.len;

        rc = jr_compile(c, jr_object_member(value, i), &below, &member->node);
        if (rc != JR_OK) {
            return rc;
        }
    }

    members->n = n;

    qsort(members->list, n, sizeof(jr_member_t), jr_node_order);

    return JR_OK;
}


static jr_status_e
jr_compile_patterns(jr_compiler_t *c, jr_node_t *node, void *field,
    const jr_value_t *value, const jr_place_t *place)
{
    size_t         i;
    jr_status_e    rc;
    jr_member_t   *member;
    jr_members_t  *members;

    members = field;
    rc = jr_compile_members(c, node, members, value, place);

    for (i = 0; i < members->n && rc == JR_OK; i++) {
        member = &members->list[i];
        rc = jr_compile_expression(c, member->name, member->len, place,
                                   &member->pattern);
    }

    return rc;
}


/* What $defs holds is compiled whether a $ref leads to it or not. */

static jr_status_e
jr_compile_defs(jr_compiler_t *c, jr_node_t *node, void *field,
    const jr_value_t *value, const jr_place_t *place)
{
    jr_status_e   rc;
    jr_members_t  members;

    (void) field;

    memset(&members, 0, sizeof(jr_members_t));

    rc = jr_compile_members(c, node, &members, value, place);

    free(members.list);

    return rc;
}


void
jr_compile_complain(jr_compiler_t *c, const jr_place_t *place,
    const char *text)
{
    if (jr_compile_begin(c, place)) {
        jr_text_str(&c->err, text);
    }
}


int
jr_compile_begin(jr_compiler_t *c, const jr_place_t *place)
{
    if (++c->errors > JR_COMPILE_ERRORS) {
        return 0;
    }

    if (c->errors > 1) {
        jr_text_str(&c->err, "; ");
    }

    /* what is wrong with the schema itself has no pointer */

    if (place->up != NULL) {
        jr_place_write(&c->err, place);
        jr_text_str(&c->err, ": ");
    }

    return 1;
}
