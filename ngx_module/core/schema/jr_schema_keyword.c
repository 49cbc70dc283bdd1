/*
 * The keywords of a schema: one function per kind, found by a table.
 */

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "jr_number.h"
#include "jr_schema_compile.h"


typedef jr_status_e (*jr_keyword_pt)(jr_compiler_t *c, jr_node_t *node,
    const jr_keyword_t *keyword, const jr_value_t *value,
    const jr_place_t *place);

struct jr_keyword_s {
    const char     *name;
    jr_keyword_pt   compile;
    size_t          offset;     /* of the node's field, where there is one */
};


static jr_status_e jr_keyword_annotation(jr_compiler_t *c, jr_node_t *node,
    const jr_keyword_t *keyword, const jr_value_t *value,
    const jr_place_t *place);
static jr_status_e jr_keyword_top(jr_compiler_t *c, jr_node_t *node,
    const jr_keyword_t *keyword, const jr_value_t *value,
    const jr_place_t *place);
static jr_status_e jr_keyword_type(jr_compiler_t *c, jr_node_t *node,
    const jr_keyword_t *keyword, const jr_value_t *value,
    const jr_place_t *place);
static jr_status_e jr_keyword_format(jr_compiler_t *c, jr_node_t *node,
    const jr_keyword_t *keyword, const jr_value_t *value,
    const jr_place_t *place);
static jr_status_e jr_keyword_size(jr_compiler_t *c, jr_node_t *node,
    const jr_keyword_t *keyword, const jr_value_t *value,
    const jr_place_t *place);
static jr_status_e jr_keyword_number(jr_compiler_t *c, jr_node_t *node,
    const jr_keyword_t *keyword, const jr_value_t *value,
    const jr_place_t *place);
static jr_status_e jr_keyword_enum(jr_compiler_t *c, jr_node_t *node,
    const jr_keyword_t *keyword, const jr_value_t *value,
    const jr_place_t *place);
static jr_status_e jr_keyword_const(jr_compiler_t *c, jr_node_t *node,
    const jr_keyword_t *keyword, const jr_value_t *value,
    const jr_place_t *place);
static jr_status_e jr_keyword_pattern(jr_compiler_t *c, jr_node_t *node,
    const jr_keyword_t *keyword, const jr_value_t *value,
    const jr_place_t *place);
static jr_status_e jr_keyword_required(jr_compiler_t *c, jr_node_t *node,
    const jr_keyword_t *keyword, const jr_value_t *value,
    const jr_place_t *place);
static jr_status_e jr_keyword_schema(jr_compiler_t *c, jr_node_t *node,
    const jr_keyword_t *keyword, const jr_value_t *value,
    const jr_place_t *place);
static jr_status_e jr_keyword_schemas(jr_compiler_t *c, jr_node_t *node,
    const jr_keyword_t *keyword, const jr_value_t *value,
    const jr_place_t *place);
static jr_status_e jr_keyword_properties(jr_compiler_t *c, jr_node_t *node,
    const jr_keyword_t *keyword, const jr_value_t *value,
    const jr_place_t *place);
static jr_status_e jr_keyword_patterns(jr_compiler_t *c, jr_node_t *node,
    const jr_keyword_t *keyword, const jr_value_t *value,
    const jr_place_t *place);
static jr_status_e jr_keyword_defs(jr_compiler_t *c, jr_node_t *node,
    const jr_keyword_t *keyword, const jr_value_t *value,
    const jr_place_t *place);
static jr_status_e jr_keyword_ref(jr_compiler_t *c, jr_node_t *node,
    const jr_keyword_t *keyword, const jr_value_t *value,
    const jr_place_t *place);


#define jr_field(name)  offsetof(jr_node_t, name)


static const jr_keyword_t  jr_keywords[] = {
    { "title",                jr_keyword_annotation, 0 },
    { "description",          jr_keyword_annotation, 0 },
    { "default",              jr_keyword_annotation, 0 },
    { "$comment",             jr_keyword_annotation, 0 },
    { "$schema",              jr_keyword_top, 0 },
    { "$id",                  jr_keyword_top, 0 },
    { "$defs",                jr_keyword_defs, 0 },
    { "$ref",                 jr_keyword_ref, 0 },
    { "type",                 jr_keyword_type, 0 },
    { "format",               jr_keyword_format, 0 },
    { "minLength",            jr_keyword_size, jr_field(min_length) },
    { "maxLength",            jr_keyword_size, jr_field(max_length) },
    { "minItems",             jr_keyword_size, jr_field(min_items) },
    { "maxItems",             jr_keyword_size, jr_field(max_items) },
    { "minimum",              jr_keyword_number, jr_field(minimum) },
    { "maximum",              jr_keyword_number, jr_field(maximum) },
    { "exclusiveMinimum",     jr_keyword_number, jr_field(above) },
    { "exclusiveMaximum",     jr_keyword_number, jr_field(below) },
    { "enum",                 jr_keyword_enum, 0 },
    { "const",                jr_keyword_const, 0 },
    { "pattern",              jr_keyword_pattern, 0 },
    { "required",             jr_keyword_required, 0 },
    { "properties",           jr_keyword_properties, 0 },
    { "patternProperties",    jr_keyword_patterns, 0 },
    { "additionalProperties", jr_keyword_schema, jr_field(additional) },
    { "items",                jr_keyword_schema, jr_field(items) },
    { "not",                  jr_keyword_schema, jr_field(not) },
    { "allOf",                jr_keyword_schemas, jr_field(all) },
    { "anyOf",                jr_keyword_schemas, jr_field(any) },
    { "oneOf",                jr_keyword_schemas, jr_field(one) },
    { NULL,                   NULL, 0 }
};


jr_status_e
jr_compile_keyword(jr_compiler_t *c, jr_node_t *node, const char *key,
    size_t len, const jr_value_t *value, const jr_place_t *place)
{
    jr_place_t           below;
    const jr_keyword_t  *k;

    for (k = jr_keywords; k->name != NULL; k++) {
        if (strlen(k->name) == len && memcmp(k->name, key, len) == 0) {

            below.up = place;
            below.key = key;
            below.len = len;
            below.index = 0;

            return k->compile(c, node, k, value, &below);
        }
    }

    if (jr_compile_begin(c, place)) {
        jr_text_str(&c->err, "keyword ");
        jr_text_found(&c->err, key, len);
        jr_text_str(&c->err, " is not supported");
    }

    return JR_OK;
}


static jr_status_e
jr_keyword_annotation(jr_compiler_t *c, jr_node_t *node,
    const jr_keyword_t *keyword, const jr_value_t *value,
    const jr_place_t *place)
{
    (void) c;
    (void) node;
    (void) keyword;
    (void) value;
    (void) place;

    return JR_OK;
}


/* Below the top, $id would change what a $ref means. */

static jr_status_e
jr_keyword_top(jr_compiler_t *c, jr_node_t *node, const jr_keyword_t *keyword,
    const jr_value_t *value, const jr_place_t *place)
{
    (void) keyword;
    (void) value;

    if (node->source != c->schema->text) {
        jr_compile_complain(c, place, "is supported at the top only");
    }

    return JR_OK;
}


static jr_status_e
jr_keyword_type(jr_compiler_t *c, jr_node_t *node,
    const jr_keyword_t *keyword, const jr_value_t *value,
    const jr_place_t *place)
{
    size_t    i, n;
    unsigned  type;

    (void) keyword;

    node->types = 0;
    n = jr_is_array(value) ? jr_array_size(value) : 1;

    for (i = 0; i < n; i++) {
        type = jr_type_find(jr_is_array(value) ? jr_array_item(value, i)
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
jr_keyword_format(jr_compiler_t *c, jr_node_t *node,
    const jr_keyword_t *keyword, const jr_value_t *value,
    const jr_place_t *place)
{
    (void) keyword;

    if (!jr_is_string(value)) {
        jr_compile_complain(c, place, "must be a string");
        return JR_OK;
    }

    node->format = jr_format_find(jr_string(value),
                                  jr_string_len(value));

    if (node->format == JR_FORMAT_UNKNOWN && jr_compile_begin(c, place)) {
        jr_text_str(&c->err, "format ");
        jr_text_found(&c->err, jr_string(value),
                      jr_string_len(value));
        jr_text_str(&c->err, " is not supported");
    }

    return JR_OK;
}


static jr_status_e
jr_keyword_size(jr_compiler_t *c, jr_node_t *node,
    const jr_keyword_t *keyword, const jr_value_t *value,
    const jr_place_t *place)
{
    double   d;
    size_t  *field;

    field = (size_t *) (void *) ((char *) node + keyword->offset);
    d = jr_number(value);

    if (!jr_is_number(value) || !jr_number_is_integral(d) || d < 0
        || d > 1e15)
    {
        jr_compile_complain(c, place, "must be an integer, 0 or more");
        return JR_OK;
    }

    *field = (size_t) d;

    return JR_OK;
}


static jr_status_e
jr_keyword_number(jr_compiler_t *c, jr_node_t *node,
    const jr_keyword_t *keyword, const jr_value_t *value,
    const jr_place_t *place)
{
    const jr_value_t  **field;

    field = (const jr_value_t **) (void *) ((char *) node + keyword->offset);

    if (!jr_is_number(value)) {
        jr_compile_complain(c, place, "must be a number");
        return JR_OK;
    }

    *field = value;

    return JR_OK;
}


static jr_status_e
jr_keyword_enum(jr_compiler_t *c, jr_node_t *node,
    const jr_keyword_t *keyword, const jr_value_t *value,
    const jr_place_t *place)
{
    (void) keyword;

    if (!jr_is_array(value)) {
        jr_compile_complain(c, place, "must be an array");
        return JR_OK;
    }

    node->choices = value;

    return JR_OK;
}


static jr_status_e
jr_keyword_const(jr_compiler_t *c, jr_node_t *node,
    const jr_keyword_t *keyword, const jr_value_t *value,
    const jr_place_t *place)
{
    (void) c;
    (void) keyword;
    (void) place;

    node->only = value;

    return JR_OK;
}


static jr_status_e
jr_keyword_pattern(jr_compiler_t *c, jr_node_t *node,
    const jr_keyword_t *keyword, const jr_value_t *value,
    const jr_place_t *place)
{
    (void) keyword;

    if (!jr_is_string(value)) {
        jr_compile_complain(c, place, "must be a string");
        return JR_OK;
    }

    node->pattern_text = value;

    return jr_compile_pattern(c, jr_string(value),
                              jr_string_len(value), place,
                              &node->pattern);
}


static jr_status_e
jr_keyword_required(jr_compiler_t *c, jr_node_t *node,
    const jr_keyword_t *keyword, const jr_value_t *value,
    const jr_place_t *place)
{
    size_t             i, n;
    const jr_value_t  *name;

    (void) keyword;

    n = jr_array_size(value);

    if (!jr_is_array(value)) {
        jr_compile_complain(c, place, "must be an array of strings");
        return JR_OK;
    }

    if (n == 0) {
        return JR_OK;
    }

    node->required = calloc(n, sizeof(jr_name_t));
    if (node->required == NULL) {
        return JR_NO_MEMORY;
    }

    for (i = 0; i < n; i++) {
        name = jr_array_item(value, i);

        if (!jr_is_string(name)) {
            jr_compile_complain(c, place, "must be an array of strings");
            return JR_OK;
        }

        node->required[i].data = jr_string(name);
        node->required[i].len = jr_string_len(name);
        node->nrequired = i + 1;
    }

    return JR_OK;
}


static jr_status_e
jr_keyword_schema(jr_compiler_t *c, jr_node_t *node,
    const jr_keyword_t *keyword, const jr_value_t *value,
    const jr_place_t *place)
{
    jr_node_t  **field;

    field = (jr_node_t **) (void *) ((char *) node + keyword->offset);

    return jr_compile_schema(c, value, place, field);
}


static jr_status_e
jr_keyword_schemas(jr_compiler_t *c, jr_node_t *node,
    const jr_keyword_t *keyword, const jr_value_t *value,
    const jr_place_t *place)
{
    size_t        n;
    jr_status_e   rc;
    jr_place_t    below;
    jr_nodes_t   *list;

    list = (jr_nodes_t *) (void *) ((char *) node + keyword->offset);
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

        rc = jr_compile_schema(c, jr_array_item(value, list->n), &below,
                               &list->nodes[list->n]);
        if (rc != JR_OK) {
            return rc;
        }
    }

    return JR_OK;
}


static jr_status_e
jr_keyword_properties(jr_compiler_t *c, jr_node_t *node,
    const jr_keyword_t *keyword, const jr_value_t *value,
    const jr_place_t *place)
{
    (void) keyword;

    return jr_compile_members(c, value, place, &node->members,
                              &node->nmembers);
}


static jr_status_e
jr_keyword_patterns(jr_compiler_t *c, jr_node_t *node,
    const jr_keyword_t *keyword, const jr_value_t *value,
    const jr_place_t *place)
{
    size_t                i, n;
    jr_status_e           rc;
    jr_member_t          *members;
    jr_pattern_member_t  *p;

    (void) keyword;

    rc = jr_compile_members(c, value, place, &members, &n);

    if (rc != JR_OK || n == 0) {
        return rc;
    }

    node->patterns = calloc(n, sizeof(jr_pattern_member_t));
    if (node->patterns == NULL) {
        rc = JR_NO_MEMORY;
        n = 0;
    }

    for (i = 0; i < n && rc == JR_OK; i++) {
        p = &node->patterns[i];
        p->node = members[i].node;

        rc = jr_compile_pattern(c, members[i].name.data, members[i].name.len,
                                place, &p->pattern);
        node->npatterns = i + 1;
    }

    free(members);

    return rc;
}


/* What $defs holds is compiled whether a $ref leads to it or not. */

static jr_status_e
jr_keyword_defs(jr_compiler_t *c, jr_node_t *node,
    const jr_keyword_t *keyword, const jr_value_t *value,
    const jr_place_t *place)
{
    size_t        n;
    jr_status_e   rc;
    jr_member_t  *members;

    (void) node;
    (void) keyword;

    rc = jr_compile_members(c, value, place, &members, &n);

    if (rc == JR_OK) {
        free(members);
    }

    return rc;
}


static jr_status_e
jr_keyword_ref(jr_compiler_t *c, jr_node_t *node,
    const jr_keyword_t *keyword, const jr_value_t *value,
    const jr_place_t *place)
{
    (void) keyword;

    if (!jr_is_string(value)) {
        jr_compile_complain(c, place, "must be a string");
        return JR_OK;
    }

    node->ref_text = value;

    return JR_OK;
}
