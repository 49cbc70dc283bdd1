/*
 * Objects: required members, then each member with what applies to it.
 */

#include <stdint.h>
#include <string.h>

#include "jr_schema_check.h"


static void jr_check_required(jr_check_t *c, jr_set_t set,
    const jr_value_t *object, const jr_place_t *place);
static int jr_check_required_before(jr_set_t set, size_t n,
    const jr_name_t *name);
static void jr_check_missing(jr_check_t *c, const jr_value_t *value,
    const jr_place_t *place);
static void jr_check_member(jr_check_t *c, jr_set_t set,
    const jr_value_t *value, const jr_place_t *place);
static int jr_check_gather_member(jr_check_t *c, size_t from,
    const jr_node_t *node, const jr_place_t *place);
static int jr_check_declares(jr_check_t *c, jr_set_t set,
    const jr_place_t *place);
static int jr_check_declares_in(jr_check_t *c, const jr_nodes_t *nodes,
    const jr_place_t *place);
static int jr_check_has_members(jr_set_t set);


void
jr_check_object(jr_check_t *c, jr_set_t set, const jr_value_t *object,
    const jr_place_t *place)
{
    int                closed, deep;
    size_t             i;
    jr_place_t         below;
    const jr_value_t  *name;

    jr_check_required(c, set, object, place);

    closed = (c->flags & JR_SCHEMA_REJECT_UNKNOWN) && c->trials == 0
             && jr_check_has_members(set);
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

        jr_check_nul_in_name(c, below.key, below.len, place);

        if (closed && !jr_check_declares(c, set, &below)) {
            jr_violation(c, &below, "unknown member");
            continue;
        }

        jr_check_member(c, set, jr_object_member(object, i), &below);
    }
}


static void
jr_check_required(jr_check_t *c, jr_set_t set, const jr_value_t *object,
    const jr_place_t *place)
{
    size_t             i, k;
    jr_place_t         below;
    const jr_name_t   *name;
    const jr_value_t  *value;

    below.up = place;
    below.index = 0;

    for (i = 0; i < set.n; i++) {

        for (k = 0; k < set.nodes[i]->nrequired; k++) {
            name = &set.nodes[i]->required[k];
            value = jr_object_get(object, name->data, name->len);

            if (value != NULL
                && !(jr_is_null(value)
                     && (c->flags & JR_SCHEMA_NULL_IS_ABSENT)))
            {
                continue;
            }

            if (jr_check_required_before(set, i, name)) {
                continue;
            }

            below.key = name->data;
            below.len = name->len;

            jr_check_missing(c, value, &below);
        }
    }
}


/* whether another node of the set has asked for the member already */

static int
jr_check_required_before(jr_set_t set, size_t n, const jr_name_t *name)
{
    size_t            i, k;
    const jr_name_t  *other;

    for (i = 0; i < n; i++) {

        for (k = 0; k < set.nodes[i]->nrequired; k++) {
            other = &set.nodes[i]->required[k];

            if (other->len == name->len
                && memcmp(other->data, name->data, name->len) == 0)
            {
                return 1;
            }
        }
    }

    return 0;
}


static void
jr_check_missing(jr_check_t *c, const jr_value_t *value,
    const jr_place_t *place)
{
    jr_text_t  *t;

    t = jr_violation_begin(c, place);

    if (t != NULL) {
        jr_text_str(t, value == NULL ? "required" : "required, found null");
        c->report->entry[c->report->entries].missing = value == NULL;
        jr_violation_end(c);
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
        jr_check_value(c, member, value, place);

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
    int               declared;
    size_t            i;
    jr_node_t        *member;
    jr_pattern_e      rc;
    const jr_node_t  *rest;

    member = jr_node_member(node, place->key, place->len);
    declared = member != NULL;

    if (declared && !jr_check_gather(c, from, member, place)) {
        return 0;
    }

    for (i = 0; i < node->npatterns; i++) {

        rc = jr_pattern_match(c->scratch->matcher, node->patterns[i].pattern,
                              place->key, place->len);

        if (rc == JR_PATTERN_TOO_COSTLY) {
            jr_violation(c, place, "the name takes too much work to check");
            return 0;
        }

        if (rc == JR_PATTERN_NO_MATCH) {
            continue;
        }

        declared = 1;

        if (!jr_check_gather(c, from, node->patterns[i].node, place)) {
            return 0;
        }
    }

    rest = declared ? NULL : node->additional;

    if (rest == NULL) {
        return 1;
    }

    if (rest->types == 0) {
        jr_violation(c, place, "unknown member");
        return 0;
    }

    return jr_check_gather(c, from, rest, place);
}


/* An object of which no schema names any member is free to hold all. */

static int
jr_check_has_members(jr_set_t set)
{
    size_t            i;
    const jr_node_t  *node;

    for (i = 0; i < set.n; i++) {
        node = set.nodes[i];

        if (node->nmembers > 0 || node->npatterns > 0
            || node->additional != NULL)
        {
            return 1;
        }
    }

    return 0;
}


static int
jr_check_declares(jr_check_t *c, jr_set_t set, const jr_place_t *place)
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

        for (k = 0; k < node->npatterns; k++) {
            if (jr_pattern_match(c->scratch->matcher,
                                 node->patterns[k].pattern, place->key,
                                 place->len)
                == JR_PATTERN_MATCH)
            {
                return 1;
            }
        }

        if (jr_check_declares_in(c, &node->any, place)
            || jr_check_declares_in(c, &node->one, place))
        {
            return 1;
        }
    }

    return 0;
}


/* a branch of anyOf or oneOf declares for all, chosen or not */

static int
jr_check_declares_in(jr_check_t *c, const jr_nodes_t *nodes,
    const jr_place_t *place)
{
    size_t  i;

    for (i = 0; i < nodes->n; i++) {
        if (jr_check_declares(c, nodes->nodes[i]->flat, place)) {
            return 1;
        }
    }

    return 0;
}


void
jr_check_rest(jr_check_t *c, const jr_value_t *value, const jr_place_t *place)
{
    size_t             i;
    jr_place_t         below;
    const jr_value_t  *name;

    static const jr_set_t  none = { NULL, 0 };

    if (jr_is_string(value) || jr_is(value, JR_KIND_OUT_OF_RANGE)) {
        (void) jr_check_string(c, none, value, place);
        return;
    }

    below.up = place;
    below.key = NULL;
    below.len = 0;
    below.index = 0;

    for (i = 0; i < jr_array_size(value); i++) {
        below.index = i;
        jr_check_rest(c, jr_array_item(value, i), &below);
    }

    for (i = 0; i < jr_object_size(value); i++) {
        name = jr_object_name(value, i);

        below.key = name->u.text;
        below.len = name->len;

        jr_check_nul_in_name(c, below.key, below.len, place);
        jr_check_rest(c, jr_object_member(value, i), &below);
    }
}


/* said of the object, since no pointer can show such a name well */

void
jr_check_nul_in_name(jr_check_t *c, const char *key, size_t len,
    const jr_place_t *place)
{
    jr_text_t  *t;

    if (!jr_check_nuls(c) || memchr(key, '\0', len) == NULL) {
        return;
    }

    t = jr_violation_begin(c, place);

    if (t != NULL) {
        jr_text_str(t, "a member name must not hold U+0000, found ");
        jr_text_found(t, key, len);
        jr_violation_end(c);
    }
}
