/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Walking a value with the set of nodes that apply to it.
 *
 * Members are visited in the order of the text, so violations are found in
 * the order in which a person reads.
 *
 * Outside of trials each value is visited once, so the work is linear in
 * the value.  A trial (a branch of anyOf or oneOf, or not) visits it again,
 * and trials inside trials multiply, so their work is counted and bounded.
 */

#include <stdint.h>
#include <string.h>

#include "jr_check_object.h"
#include "jr_check_scalar.h"
#include "jr_report.h"


static int jr_check_limits(jr_check_t *c, const jr_place_t *place);
static void jr_check_one(jr_check_t *c, jr_set_t set, const jr_value_t *value,
    const jr_place_t *place);
static void jr_check_array(jr_check_t *c, jr_set_t set, const jr_value_t *array,
    const jr_place_t *place);
static void jr_check_members(jr_check_t *c, jr_set_t set,
    const jr_value_t *object, const jr_place_t *place);
static void jr_check_member(jr_check_t *c, jr_set_t set,
    const jr_value_t *value, const jr_place_t *place);
static int jr_check_gather_member(jr_check_t *c, size_t from,
    const jr_node_t *node, const jr_place_t *place);
static int jr_check_gather(jr_check_t *c, size_t from, const jr_node_t *node,
    const jr_place_t *place);
static void jr_check_trials(jr_check_t *c, const jr_node_t *node,
    const jr_value_t *value, const jr_place_t *place);
static size_t jr_check_branches(jr_check_t *c, const jr_nodes_t *nodes,
    const jr_value_t *value, const jr_place_t *place, size_t enough);
static int jr_check_trial(jr_check_t *c, const jr_node_t *node,
    const jr_value_t *value, const jr_place_t *place);


void
jr_check(jr_check_t *c, jr_set_t set, const jr_value_t *value,
    const jr_place_t *place)
{
    if (set.n == 0) {
        if (jr_check_nuls(c)) {
            jr_check_scalar_rest(c, value, place);
        }

        return;
    }

    if (!jr_check_limits(c, place)) {
        return;
    }

    c->depth++;
    jr_check_one(c, set, value, place);
    c->depth--;
}


static int
jr_check_limits(jr_check_t *c, const jr_place_t *place)
{
    if (c->trials > 0) {
        c->work++;
    }

    if (c->work < JR_SCHEMA_WORK && c->depth < JR_SCHEMA_DEPTH) {
        return 1;
    }

    c->failed = 1;

    if (!c->exhausted) {
        c->exhausted = 1;
        jr_report_forced(c, place, "too much work to check against this"
                            " schema");
    }

    return 0;
}


static void
jr_check_one(jr_check_t *c, jr_set_t set, const jr_value_t *value,
    const jr_place_t *place)
{
    size_t  i;

    if ((jr_is_string(value) || jr_is(value, JR_KIND_OUT_OF_RANGE))
        && jr_check_scalar_string(c, set, value, place))
    {
        return;
    }

    if (!jr_check_scalar_type(c, set, value, place)) {
        return;
    }

    for (i = 0; i < set.n; i++) {
        jr_check_scalar(c, set.nodes[i], value, place);
        jr_check_trials(c, set.nodes[i], value, place);
    }

    if (jr_is_object(value)) {
        jr_check_members(c, set, value, place);

    } else if (jr_is_array(value)) {
        jr_check_array(c, set, value, place);
    }
}


static void
jr_check_array(jr_check_t *c, jr_set_t set, const jr_value_t *array,
    const jr_place_t *place)
{
    size_t      i, n, used;
    jr_set_t    items;
    jr_place_t  below;

    used = c->used;
    items.nodes = c->scratch->sets + used;

    for (i = 0; i < set.n; i++) {
        if (set.nodes[i]->items != NULL
            && !jr_check_gather(c, used, set.nodes[i]->items, place))
        {
            return;
        }
    }

    items.n = c->used - used;
    n = jr_array_size(array);

    below.up = place;
    below.key = NULL;
    below.len = 0;

    if (items.n == 0 && !jr_check_nuls(c)) {
        n = 0;
    }

    for (i = 0; i < n && !jr_check_decided(c); i++) {
        below.index = i;
        jr_check(c, items, jr_array_item(array, i), &below);
    }

    c->used = used;
}


static void
jr_check_members(jr_check_t *c, jr_set_t set, const jr_value_t *object,
    const jr_place_t *place)
{
    int                closed, deep;
    size_t             i;
    jr_place_t         below;
    const jr_value_t  *name;

    jr_check_object_required(c, set, object, place);

    closed = (c->flags & JR_SCHEMA_REJECT_UNKNOWN) && c->trials == 0
             && jr_check_object_has_members(set);
    deep = closed || jr_check_nuls(c);

    for (i = 0; i < set.n; i++) {
        deep |= set.nodes[i]->deep;
    }

    if (!deep) {
        return;
    }

    below.up = place;
    below.index = 0;

    for (i = 0; i < jr_object_size(object) && !jr_check_decided(c); i++) {

        name = jr_object_name(object, i);

        below.key = name->u.text;
        below.len = name->len;

        jr_check_scalar_name(c, below.key, below.len, place);

        if (closed && !jr_check_object_declares(c, set, &below)) {
            jr_report_text(c, &below, "unknown member");
            continue;
        }

        jr_check_member(c, set, jr_object_member(object, i), &below);
    }
}


static void
jr_check_member(jr_check_t *c, jr_set_t set, const jr_value_t *value,
    const jr_place_t *place)
{
    size_t    i, used;
    jr_set_t  member;

    used = c->used;
    member.nodes = c->scratch->sets + used;

    for (i = 0; i < set.n; i++) {
        if (set.nodes[i]->deep
            && !jr_check_gather_member(c, used, set.nodes[i], place))
        {
            c->used = used;
            return;
        }
    }

    member.n = c->used - used;

    if (!(jr_is_null(value) && (c->flags & JR_SCHEMA_NULL_IS_ABSENT))) {
        jr_check(c, member, value, place);

    } else if (member.n > 0) {
        /* what no schema speaks of is any value, null as well; the arena
           that values are in is not constant */
        ((jr_value_t *) (uintptr_t) value)->len = 1;
    }

    c->used = used;
}


/* False where there is nothing more to say about the member. */

static int
jr_check_gather_member(jr_check_t *c, size_t from, const jr_node_t *node,
    const jr_place_t *place)
{
    int                 declared;
    size_t              i;
    jr_node_t          *member;
    jr_pattern_e        rc;
    const jr_node_t    *rest;
    const jr_member_t  *pattern;

    member = jr_node_member(node, place->key, place->len);
    declared = member != NULL;

    if (declared && !jr_check_gather(c, from, member, place)) {
        return 0;
    }

    for (i = 0; i < node->patterns.n; i++) {

        pattern = &node->patterns.list[i];

        rc = jr_pattern_match(c->scratch->matcher, pattern->pattern,
                              place->key, place->len);

        if (rc == JR_PATTERN_TOO_COSTLY) {
            jr_report_text(c, place, "the name takes too much work to check");
            return 0;
        }

        if (rc == JR_PATTERN_NO_MATCH) {
            continue;
        }

        declared = 1;

        if (!jr_check_gather(c, from, pattern->node, place)) {
            return 0;
        }
    }

    rest = declared ? NULL : node->additional;

    if (rest == NULL) {
        return 1;
    }

    if (rest->types == 0) {
        jr_report_text(c, place, "unknown member");
        return 0;
    }

    return jr_check_gather(c, from, rest, place);
}


/* Adds the nodes that hold where this one does, each once. */

static int
jr_check_gather(jr_check_t *c, size_t from, const jr_node_t *node,
    const jr_place_t *place)
{
    size_t             i, k;
    const jr_node_t  **sets;

    sets = c->scratch->sets;

    if (node->flat.n > JR_SCHEMA_SETS - c->used) {
        c->depth += JR_SCHEMA_DEPTH;
        (void) jr_check_limits(c, place);
        c->depth -= JR_SCHEMA_DEPTH;
        c->used = from;

        return 0;
    }

    for (i = 0; i < node->flat.n; i++) {

        for (k = from; k < c->used; k++) {
            if (sets[k] == node->flat.nodes[i]) {
                break;
            }
        }

        if (k == c->used) {
            sets[c->used++] = node->flat.nodes[i];
        }
    }

    return 1;
}


static void
jr_check_trials(jr_check_t *c, const jr_node_t *node, const jr_value_t *value,
    const jr_place_t *place)
{
    size_t      n;
    jr_text_t  *t;

    if (node->any.n > 0
        && jr_check_branches(c, &node->any, value, place, 1) == 0)
    {
        t = jr_report_violation(c, place);

        if (t != NULL) {
            jr_text_str(t, "matches none of the ");
            jr_text_size(t, node->any.n);
            jr_text_str(t, " forms that are allowed here");
            jr_report_value(t, value);
            jr_report_violated(c);
        }
    }

    if (node->one.n > 0) {
        n = jr_check_branches(c, &node->one, value, place, 2);
        t = n == 1 ? NULL : jr_report_violation(c, place);

        if (t != NULL) {
            jr_text_str(t, n == 0 ? "matches none of the "
                                  : "matches more than one of the ");
            jr_text_size(t, node->one.n);
            jr_text_str(t, " forms of which exactly one is allowed here");
            jr_report_value(t, value);
            jr_report_violated(c);
        }
    }

    if (node->not != NULL && jr_check_trial(c, node->not, value, place)) {
        jr_report_found(c, place, "has a form that is not allowed here", value);
    }
}


/* Branches that match, counted up to enough. */

static size_t
jr_check_branches(jr_check_t *c, const jr_nodes_t *nodes,
    const jr_value_t *value, const jr_place_t *place, size_t enough)
{
    size_t  i, n;

    n = 0;

    for (i = 0; i < nodes->n && n < enough; i++) {
        n += (size_t) jr_check_trial(c, nodes->nodes[i], value, place);
    }

    return n;
}


static int
jr_check_trial(jr_check_t *c, const jr_node_t *node, const jr_value_t *value,
    const jr_place_t *place)
{
    unsigned  failed, matches;

    failed = c->failed;

    c->failed = 0;
    c->trials++;

    jr_check(c, node->flat, value, place);

    c->trials--;
    matches = !c->failed;

    c->failed = failed || c->exhausted;

    return matches;
}
