/*
 * Making, searching and freeing the tree.
 */

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "jr_schema_tree.h"


static void jr_node_free(jr_node_t *node);
static int jr_name_compare(const char *one, size_t onelen, const char *two,
    size_t twolen);


jr_schema_t *
jr_schema_create(void)
{
    jr_schema_t  *schema;

    schema = calloc(1, sizeof(jr_schema_t));
    if (schema == NULL) {
        return NULL;
    }

    schema->nodes = calloc(JR_SCHEMA_NODES, sizeof(jr_node_t *));
    schema->text_arena = jr_arena_create();
    schema->work = jr_work_create();

    if (schema->nodes == NULL || schema->text_arena == NULL
        || schema->work == NULL)
    {
        jr_work_free(schema->work);
        jr_arena_free(schema->text_arena);
        free(schema->nodes);
        free(schema);
        return NULL;
    }

    return schema;
}


void
jr_schema_free(jr_schema_t *schema)
{
    size_t  i;

    if (schema == NULL) {
        return;
    }

    for (i = 0; i < schema->nnodes; i++) {
        jr_node_free(schema->nodes[i]);
    }

    jr_work_free(schema->work);
    jr_arena_free(schema->text_arena);
    free(schema->nodes);
    free(schema);
}


jr_work_t *
jr_work_create(void)
{
    jr_work_t  *work;

    work = calloc(1, sizeof(jr_work_t));
    if (work == NULL) {
        return NULL;
    }

    work->sets = calloc(JR_SCHEMA_SETS, sizeof(jr_node_t *));
    work->arena = jr_arena_create();

    if (work->sets == NULL || work->arena == NULL
        || jr_matcher_create(&work->matcher) != JR_OK)
    {
        jr_work_free(work);
        return NULL;
    }

    return work;
}


void
jr_work_free(jr_work_t *work)
{
    if (work == NULL) {
        return;
    }

    jr_matcher_free(work->matcher);
    jr_arena_free(work->arena);
    free(work->sets);
    free(work);
}


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


static void
jr_node_free(jr_node_t *node)
{
    size_t  i;

    for (i = 0; i < node->npatterns; i++) {
        jr_pattern_free(node->patterns[i].pattern);
    }

    jr_pattern_free(node->pattern);

    free(node->required);
    free(node->members);
    free(node->patterns);
    free(node->all.nodes);
    free(node->any.nodes);
    free(node->one.nodes);
    free(node->flat.nodes);
    free(node);
}


jr_node_t *
jr_node_member(const jr_node_t *node, const char *key, size_t len)
{
    int     rc;
    size_t  low, high, mid;

    low = 0;
    high = node->nmembers;

    while (low < high) {
        mid = (low + high) / 2;

        rc = jr_name_compare(key, len, node->members[mid].name.data,
                             node->members[mid].name.len);
        if (rc == 0) {
            return node->members[mid].node;
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
jr_member_compare(const void *one, const void *two)
{
    const jr_member_t  *a, *b;

    a = one;
    b = two;

    return jr_name_compare(a->name.data, a->name.len, b->name.data,
                           b->name.len);
}


/* by length first, which tells most names apart without reading them */

static int
jr_name_compare(const char *one, size_t onelen, const char *two,
    size_t twolen)
{
    if (onelen != twolen) {
        return onelen < twolen ? -1 : 1;
    }

    return memcmp(one, two, onelen);
}
