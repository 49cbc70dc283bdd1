/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Objects: the members they must have, and those they may have.
 */

#include <string.h>

#include "jr_check_object.h"
#include "jr_report.h"


static int jr_check_object_before(jr_set_t set, size_t n,
    const jr_value_t *name);
static int jr_check_object_branches(jr_check_t *c, const jr_nodes_t *nodes,
    const jr_place_t *place);


void
jr_check_object_required(jr_check_t *c, jr_set_t set, const jr_value_t *object,
    const jr_place_t *place)
{
    size_t             i, k;
    jr_text_t         *t;
    jr_place_t         below;
    const jr_value_t  *name, *value;

    below.up = place;
    below.index = 0;

    for (i = 0; i < set.n; i++) {

        for (k = 0; k < jr_array_size(set.nodes[i]->required); k++) {
            name = jr_array_item(set.nodes[i]->required, k);
            value = jr_object_get(object, name->u.text, name->len);

            if (value != NULL
                && !(jr_is_null(value)
                     && (c->flags & JR_SCHEMA_NULL_IS_ABSENT)))
            {
                continue;
            }

            if (jr_check_object_before(set, i, name)) {
                continue;
            }

            below.key = name->u.text;
            below.len = name->len;

            t = jr_report_violation(c, &below);

            if (t != NULL) {
                jr_text_str(t, value == NULL ? "required"
                                             : "required, found null");
                c->report->entry[c->report->entries].missing = value == NULL;
                jr_report_violated(c);
            }
        }
    }
}


/* whether another node of the set has asked for the member already */

static int
jr_check_object_before(jr_set_t set, size_t n, const jr_value_t *name)
{
    size_t             i, k;
    const jr_value_t  *other;

    for (i = 0; i < n; i++) {

        for (k = 0; k < jr_array_size(set.nodes[i]->required); k++) {
            other = jr_array_item(set.nodes[i]->required, k);

            if (other->len == name->len
                && memcmp(other->u.text, name->u.text, name->len) == 0)
            {
                return 1;
            }
        }
    }

    return 0;
}


/* An object of which no schema names any member is free to hold all. */

int
jr_check_object_has_members(jr_set_t set)
{
    size_t            i;
    const jr_node_t  *node;

    for (i = 0; i < set.n; i++) {
        node = set.nodes[i];

        if (node->members.n > 0 || node->patterns.n > 0
            || node->additional != NULL)
        {
            return 1;
        }
    }

    return 0;
}


int
jr_check_object_declares(jr_check_t *c, jr_set_t set, const jr_place_t *place)
{
    size_t            i, k;
    const jr_node_t  *node;

    for (i = 0; i < set.n; i++) {
        node = set.nodes[i];

        if (jr_node_member(node, place->key, place->len) != NULL
            || (node->additional != NULL && node->additional->types != 0))
        {
            return 1;
        }

        for (k = 0; k < node->patterns.n; k++) {
            if (jr_pattern_match(c->scratch->matcher,
                                 node->patterns.list[k].pattern,
                                 place->key, place->len)
                == JR_PATTERN_MATCH)
            {
                return 1;
            }
        }

        if (jr_check_object_branches(c, &node->any, place)
            || jr_check_object_branches(c, &node->one, place))
        {
            return 1;
        }
    }

    return 0;
}


/* a branch of anyOf or oneOf declares for all, chosen or not */

static int
jr_check_object_branches(jr_check_t *c, const jr_nodes_t *nodes,
    const jr_place_t *place)
{
    size_t  i;

    for (i = 0; i < nodes->n; i++) {
        if (jr_check_object_declares(c, nodes->nodes[i]->flat, place)) {
            return 1;
        }
    }

    return 0;
}
