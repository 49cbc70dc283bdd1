/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The second half of compiling: $ref to the node it names, then, for every
 * node, the set of nodes that hold for the same value.
 *
 * A $ref that comes back to where it started without going down into a
 * member or an item would never end, and is refused here, so that a check
 * need not look for it.
 */

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "jr_link.h"


typedef struct {
    jr_compiler_t  *compiler;
    unsigned        mark;       /* of the walk that goes on */
    size_t          flat;       /* entries of all sets */
} jr_linker_t;


static jr_status_e jr_link_ref(jr_compiler_t *c, jr_node_t *node);
static const jr_value_t *jr_link_follow(const jr_value_t *from,
    const char *pointer, size_t len);
static const jr_value_t *jr_link_step(const jr_value_t *from, const char *step,
    size_t len);
static int jr_link_unescape(const char *src, size_t len, char *dst,
    size_t size, size_t *dstlen);
static jr_status_e jr_link_nesting(jr_compiler_t *c, jr_node_t *node);
static jr_status_e jr_link_below(jr_compiler_t *c, jr_node_t *node,
    jr_node_t **nodes, size_t n);
static jr_status_e jr_link_flatten(jr_linker_t *linker, jr_node_t *node);
static size_t jr_link_collect(jr_linker_t *linker, jr_node_t *node,
    const jr_node_t **set, size_t n);
static void jr_link_classify(jr_node_t *node);


#define JR_MARK_OPEN    1       /* on the way down */
#define JR_MARK_CLOSED  2


jr_status_e
jr_link(jr_compiler_t *c)
{
    size_t        i;
    jr_status_e   rc;
    jr_linker_t   linker;
    jr_schema_t  *schema;

    schema = c->schema;

    for (i = 0; i < schema->nnodes; i++) {
        jr_link_classify(schema->nodes[i]);

        rc = jr_link_ref(c, schema->nodes[i]);
        if (rc != JR_OK) {
            return rc;
        }
    }

    if (c->errors > 0) {
        return JR_INVALID;
    }

    for (i = 0; i < schema->nnodes; i++) {
        rc = jr_link_nesting(c, schema->nodes[i]);
        if (rc != JR_OK) {
            return rc;
        }
    }

    linker.compiler = c;
    linker.mark = JR_MARK_CLOSED;
    linker.flat = 0;

    for (i = 0; i < schema->nnodes; i++) {
        rc = jr_link_flatten(&linker, schema->nodes[i]);
        if (rc != JR_OK) {
            return rc;
        }
    }

    return JR_OK;
}


static void
jr_link_classify(jr_node_t *node)
{
    node->deep = node->members.n > 0 || node->patterns.n > 0
                 || node->additional != NULL || node->items != NULL;

    node->plain = !node->deep && node->types == JR_TYPE_ANY
                  && node->format == JR_FORMAT_NONE
                  && node->min_length == 0 && node->max_length == SIZE_MAX
                  && node->min_items == 0 && node->max_items == SIZE_MAX
                  && node->minimum == NULL && node->maximum == NULL
                  && node->above == NULL && node->below == NULL
                  && node->choices == NULL && node->only == NULL
                  && node->pattern == NULL
                  && jr_array_size(node->required) == 0
                  && node->any.n == 0 && node->one.n == 0
                  && node->not == NULL;
}


static jr_status_e
jr_link_ref(jr_compiler_t *c, jr_node_t *node)
{
    size_t             i, len;
    jr_place_t         place;
    const char        *text;
    const jr_value_t  *target;

    if (node->ref_text == NULL) {
        return JR_OK;
    }

    text = jr_string(node->ref_text);
    len = jr_string_len(node->ref_text);
    target = NULL;

    if (len > 0 && text[0] == '#') {
        target = jr_link_follow(c->schema->text, text + 1, len - 1);
    }

    for (i = 0; target != NULL && i < c->schema->nnodes; i++) {
        /* all booleans of one kind are one value, and one schema */

        if (c->schema->nodes[i]->source == target) {
            node->ref = c->schema->nodes[i];
            return JR_OK;
        }
    }

    memset(&place, 0, sizeof(jr_place_t));

    if (jr_compile_begin(c, &place)) {
        jr_text_str(&c->err, "$ref ");
        jr_text_found(&c->err, text, len);
        jr_text_str(&c->err, " leads to no schema in this text; only a JSON"
                    " Pointer such as #/$defs/Name is supported");
    }

    return JR_OK;
}


/* Follows a JSON Pointer written as a URI fragment. */

static const jr_value_t *
jr_link_follow(const jr_value_t *from, const char *pointer, size_t len)
{
    char         step[256];
    size_t       n, size;
    const char  *end, *next;

    end = pointer + len;

    while (from != NULL && pointer < end) {

        if (*pointer++ != '/') {
            return NULL;
        }

        next = memchr(pointer, '/', (size_t) (end - pointer));
        n = (size_t) ((next != NULL ? next : end) - pointer);

        if (!jr_link_unescape(pointer, n, step, sizeof(step), &size)) {
            return NULL;
        }

        from = jr_link_step(from, step, size);
        pointer += n;
    }

    return from;
}


static const jr_value_t *
jr_link_step(const jr_value_t *from, const char *step, size_t len)
{
    size_t  i, index;

    if (jr_is_object(from)) {
        return jr_object_get(from, step, len);
    }

    if (len == 0 || len > 6 || (len > 1 && step[0] == '0')) {
        return NULL;
    }

    index = 0;

    for (i = 0; i < len; i++) {
        if (step[i] < '0' || step[i] > '9') {
            return NULL;
        }

        index = index * 10 + (size_t) (step[i] - '0');
    }

    return jr_array_item(from, index);
}


/* First %XX of the URI (RFC 3986), then ~0 and ~1 of the pointer. */

static int
jr_link_unescape(const char *src, size_t len, char *dst, size_t size,
    size_t *dstlen)
{
    char         hex[3];
    char        *p, *end;
    size_t       i, n;

    if (len > size) {
        return 0;
    }

    n = 0;

    for (i = 0; i < len; i++) {
        dst[n] = src[i];

        if (src[i] == '%') {
            if (len - i < 3) {
                return 0;
            }

            hex[0] = src[i + 1];
            hex[1] = src[i + 2];
            hex[2] = '\0';

            dst[n] = (char) strtoul(hex, &end, 16);
            if (end != hex + 2) {
                return 0;
            }

            i += 2;
        }

        n++;
    }

    p = dst;

    for (i = 0; i < n; i++) {
        *p = dst[i];

        if (dst[i] == '~') {
            if (i + 1 == n || (dst[i + 1] != '0' && dst[i + 1] != '1')) {
                return 0;
            }

            *p = dst[++i] == '0' ? '~' : '/';
        }

        p++;
    }

    *dstlen = (size_t) (p - dst);

    return 1;
}


/*
 * Refuses cycles among what applies to one value, and measures how far it
 * is nested.
 */

static jr_status_e
jr_link_nesting(jr_compiler_t *c, jr_node_t *node)
{
    jr_place_t   top;
    jr_status_e  rc;

    if (node->mark == JR_MARK_CLOSED) {
        return JR_OK;
    }

    memset(&top, 0, sizeof(jr_place_t));

    if (node->mark == JR_MARK_OPEN) {
        jr_compile_complain(c, &top, "a $ref leads back to itself without"
                            " going down into a member or an item");
        return JR_INVALID;
    }

    node->mark = JR_MARK_OPEN;
    node->nesting = 1;

    rc = jr_link_below(c, node, &node->ref, node->ref != NULL);

    if (rc == JR_OK) {
        rc = jr_link_below(c, node, &node->not, node->not != NULL);
    }

    if (rc == JR_OK) {
        rc = jr_link_below(c, node, node->all.nodes, node->all.n);
    }

    if (rc == JR_OK) {
        rc = jr_link_below(c, node, node->any.nodes, node->any.n);
    }

    if (rc == JR_OK) {
        rc = jr_link_below(c, node, node->one.nodes, node->one.n);
    }

    if (rc == JR_OK && node->nesting > JR_SCHEMA_NESTING) {
        jr_compile_complain(c, &top, "more than 64 schemas inside each other"
                            " for one value");
        return JR_INVALID;
    }

    node->mark = JR_MARK_CLOSED;

    return rc;
}


static jr_status_e
jr_link_below(jr_compiler_t *c, jr_node_t *node, jr_node_t **nodes, size_t n)
{
    size_t       i;
    jr_status_e  rc;

    for (i = 0; i < n; i++) {

        rc = jr_link_nesting(c, nodes[i]);
        if (rc != JR_OK) {
            return rc;
        }

        if (nodes[i]->nesting >= node->nesting) {
            node->nesting = nodes[i]->nesting + 1;
        }
    }

    return JR_OK;
}


static jr_status_e
jr_link_flatten(jr_linker_t *linker, jr_node_t *node)
{
    size_t       n;
    jr_place_t   top;

    linker->mark++;
    n = jr_link_collect(linker, node, NULL, 0);

    linker->flat += n;

    if (linker->flat > JR_SCHEMA_FLAT) {
        memset(&top, 0, sizeof(jr_place_t));
        jr_compile_complain(linker->compiler, &top, "too many $ref and"
                            " allOf");
        return JR_INVALID;
    }

    if (n == 0) {
        return JR_OK;
    }

    node->flat.nodes = calloc(n, sizeof(jr_node_t *));
    if (node->flat.nodes == NULL) {
        return JR_NO_MEMORY;
    }

    linker->mark++;
    node->flat.n = jr_link_collect(linker, node, node->flat.nodes, 0);

    return JR_OK;
}


/* Counts, and with a set to put them into, collects. */

static size_t
jr_link_collect(jr_linker_t *linker, jr_node_t *node, const jr_node_t **set,
    size_t n)
{
    size_t  i;

    if (node->mark == linker->mark) {
        return n;
    }

    node->mark = linker->mark;

    if (!node->plain) {
        if (set != NULL) {
            set[n] = node;
        }

        n++;
    }

    if (node->ref != NULL) {
        n = jr_link_collect(linker, node->ref, set, n);
    }

    for (i = 0; i < node->all.n; i++) {
        n = jr_link_collect(linker, node->all.nodes[i], set, n);
    }

    return n;
}
