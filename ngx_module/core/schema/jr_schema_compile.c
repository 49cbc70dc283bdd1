/*
 * Compiling schema text into the tree.
 *
 * A keyword that is not known is an error, as is one whose value has the
 * wrong shape: what is written in a schema is checked, or refused.
 */

#include <stdint.h>
#include <string.h>

#include "jr_json.h"
#include "jr_schema_compile.h"


static jr_status_e jr_compile_text(jr_compiler_t *c, const char *text,
    size_t len);
static jr_status_e jr_compile_keywords(jr_compiler_t *c, jr_node_t *node,
    const jr_place_t *place);


jr_status_e
jr_schema_compile(const char *text, size_t len, char *err, size_t errlen,
    jr_schema_t **schema)
{
    jr_status_e    rc;
    jr_compiler_t  c;

    jr_text_init(&c.err, err, errlen);

    c.errors = 0;
    c.schema = jr_schema_create();

    if (c.schema == NULL) {
        jr_text_str(&c.err, "out of memory");
        return JR_NO_MEMORY;
    }

    rc = jr_compile_text(&c, text, len);

    if (rc == JR_OK && c.errors > 0) {
        rc = JR_INVALID;
    }

    if (rc == JR_OK) {
        rc = jr_schema_link(&c);
    }

    if (rc == JR_NO_MEMORY) {
        jr_text_init(&c.err, err, errlen);
        jr_text_str(&c.err, "out of memory");
    }

    if (rc != JR_OK) {
        jr_schema_free(c.schema);
        return rc;
    }

    *schema = c.schema;

    return JR_OK;
}


static jr_status_e
jr_compile_text(jr_compiler_t *c, const char *text, size_t len)
{
    jr_status_e      rc;
    jr_place_t       top;
    jr_json_error_t  err;

    rc = jr_json_parse(c->schema->text_arena, text, len, &err,
                       &c->schema->text);

    if (rc == JR_INVALID) {
        jr_text_str(&c->err, "line ");
        jr_text_size(&c->err, err.line);
        jr_text_str(&c->err, ", column ");
        jr_text_size(&c->err, err.column);
        jr_text_str(&c->err, ": ");
        jr_text_str(&c->err, err.text);
    }

    if (rc != JR_OK) {
        return rc;
    }

    memset(&top, 0, sizeof(jr_place_t));

    return jr_compile_schema(c, c->schema->text, &top, &c->schema->root);
}


jr_status_e
jr_compile_schema(jr_compiler_t *c, const jr_value_t *source,
    const jr_place_t *place, jr_node_t **node)
{
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

    return jr_compile_keywords(c, *node, place);
}


static jr_status_e
jr_compile_keywords(jr_compiler_t *c, jr_node_t *node,
    const jr_place_t *place)
{
    size_t             i;
    jr_status_e        rc;
    const jr_value_t  *name;

    for (i = 0; i < jr_object_size(node->source); i++) {

        name = jr_object_name(node->source, i);

        rc = jr_compile_keyword(c, node, name->u.text, name->len,
                                jr_object_member(node->source, i), place);
        if (rc != JR_OK) {
            return rc;
        }
    }

    return JR_OK;
}
