/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Nodes: made, searched and freed.
 */

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "jr_node.h"


static int jr_node_name(const char *one, size_t onelen, const char *two,
    size_t twolen);


jr_node_t *
jr_node_create(jr_schema_t *schema, const jr_value_t *source)
{
    jr_node_t  *node;

    node = calloc(1, sizeof(jr_node_t));
    if (node == NULL) {
        return NULL;
    }

    node->source = source;
    node->types = JR_TYPE_ANY;
    node->format = JR_FORMAT_NONE;
    node->max_length = SIZE_MAX;
    node->max_items = SIZE_MAX;

    schema->nodes[schema->nnodes++] = node;

    return node;
}


void
jr_node_free(jr_node_t *node)
{
    size_t  i;

    for (i = 0; i < node->patterns.n; i++) {
        jr_pattern_free(node->patterns.list[i].pattern);
    }

    jr_pattern_free(node->pattern);

    free(node->members.list);
    free(node->patterns.list);
    free(node->all.nodes);
    free(node->any.nodes);
    free(node->one.nodes);
    free(node->flat.nodes);
    free(node);
}


jr_node_t *
jr_node_member(const jr_node_t *node, const char *key, size_t len)
{
    int                 rc;
    size_t              low, high, mid;
    const jr_member_t  *member;

    low = 0;
    high = node->members.n;

    while (low < high) {
        mid = (low + high) / 2;

        member = &node->members.list[mid];

        rc = jr_node_name(key, len, member->name, member->len);
        if (rc == 0) {
            return member->node;
        }

        if (rc < 0) {
            high = mid;

        } else {
            low = mid + 1;
        }
    }

    return NULL;
}


int
jr_node_order(const void *one, const void *two)
{
    const jr_member_t  *a, *b;

    a = one;
    b = two;

    return jr_node_name(a->name, a->len, b->name, b->len);
}


/* by length first, which tells most names apart without reading them */

static int
jr_node_name(const char *one, size_t onelen, const char *two,
    size_t twolen)
{
    if (onelen != twolen) {
        return onelen < twolen ? -1 : 1;
    }

    return memcmp(one, two, onelen);
}
