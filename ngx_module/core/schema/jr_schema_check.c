/*
 * Walking a value with the set of nodes that apply to it.
 *
 * Members are visited in the order of the text, so violations are found in
 * the order in which a person reads.
 *
 * Outside of trials each value is visited once, so the work is linear in
 * the value.  A trial (a branch of anyOf or oneOf, or not) visits it again,
 * and trials inside trials multiply, so their work is counted and bounded.
 */

#include <string.h>

#include "jr_json.h"
#include "jr_schema_check.h"


static void jr_check_one(jr_check_t *c, jr_set_t set, const jr_value_t *value,
    const jr_place_t *place);
static int jr_check_limits(jr_check_t *c, const jr_place_t *place);
static void jr_check_range(jr_check_t *c, jr_set_t set, const jr_value_t *value,
    const jr_place_t *place);
static int jr_check_type(jr_check_t *c, jr_set_t set, const jr_value_t *value,
    const jr_place_t *place);
static void jr_check_array(jr_check_t *c, jr_set_t set, const jr_value_t *array,
    const jr_place_t *place);
static void jr_check_trials(jr_check_t *c, const jr_node_t *node,
    const jr_value_t *value, const jr_place_t *place);
static size_t jr_check_branches(jr_check_t *c, const jr_nodes_t *nodes,
    const jr_value_t *value, const jr_place_t *place, size_t enough);
static int jr_check_trial(jr_check_t *c, const jr_node_t *node,
    const jr_value_t *value, const jr_place_t *place);


jr_status_e
jr_schema_check(const jr_schema_t *schema, jr_work_t *work,
    const jr_value_t *value, unsigned flags, jr_report_t *report)
{
    jr_check_t  c;
    jr_place_t  top;

    if (work == NULL) {
        work = schema->work;
    }

    c.schema = schema;
    c.scratch = work;
    c.flags = flags;
    c.used = 0;
    c.depth = 0;
    c.work = 0;
    c.trials = 0;
    c.failed = 0;
    c.exhausted = 0;

    jr_matcher_reset(work->matcher);
    jr_report_begin(&c, report);

    memset(&top, 0, sizeof(jr_place_t));

    jr_check_value(&c, schema->root->flat, value, &top);

    jr_report_end(&c);

    return c.failed ? JR_INVALID : JR_OK;
}


void
jr_check_value(jr_check_t *c, jr_set_t set, const jr_value_t *value,
    const jr_place_t *place)
{
    if (set.n == 0) {
        if (jr_check_nuls(c)) {
            jr_check_rest(c, value, place);
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
        jr_violation_forced(c, place, "too much work to check against this"
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
        && jr_check_string(c, set, value, place))
    {
        return;
    }

    if (!jr_check_type(c, set, value, place)) {
        return;
    }

    for (i = 0; i < set.n; i++) {
        jr_check_scalar(c, set.nodes[i], value, place);
        jr_check_trials(c, set.nodes[i], value, place);
    }

    if (jr_is_object(value)) {
        jr_check_object(c, set, value, place);

    } else if (jr_is_array(value)) {
        jr_check_array(c, set, value, place);
    }
}


int
jr_check_string(jr_check_t *c, jr_set_t set, const jr_value_t *value,
    const jr_place_t *place)
{
    const char  *text;

    if (jr_is(value, JR_KIND_OUT_OF_RANGE)) {
        if (jr_check_type(c, set, value, place)) {
            jr_check_range(c, set, value, place);
        }

        return 1;
    }

    text = jr_string(value);

    if (text != NULL
        && jr_check_nuls(c)
        && memchr(text, '\0', jr_string_len(value)))
    {
        jr_violation(c, place, "must not hold U+0000");
        return 1;
    }

    return 0;
}


/* A number out of range, in the words of the format that asks for less. */

static void
jr_check_range(jr_check_t *c, jr_set_t set, const jr_value_t *value,
    const jr_place_t *place)
{
    size_t        i, len;
    jr_text_t    *t;
    const char   *text;
    jr_format_e   format;

    format = JR_FORMAT_NONE;

    for (i = 0; i < set.n; i++) {
        if (set.nodes[i]->format == JR_FORMAT_INT32
            || set.nodes[i]->format == JR_FORMAT_INT64)
        {
            format = set.nodes[i]->format;
        }
    }

    t = jr_violation_begin(c, place);
    if (t == NULL) {
        return;
    }

    text = value->u.text;
    len = value->len;

    if (format == JR_FORMAT_NONE && memchr(text, '.', len) == NULL
        && memchr(text, 'e', len) == NULL && memchr(text, 'E', len) == NULL)
    {
        format = JR_FORMAT_INT64;
    }

    if (format == JR_FORMAT_NONE) {
        jr_text_str(t, "must be a double-precision number (to about"
                    " 1.8e308)");
        jr_text_value(t, value);

    } else {
        jr_format_explain(format, value, t);
    }

    jr_violation_end(c);
}


/* One message for all nodes, not one for each branch of an allOf. */

static int
jr_check_type(jr_check_t *c, jr_set_t set, const jr_value_t *value,
    const jr_place_t *place)
{
    size_t      i;
    unsigned    types;
    jr_text_t  *t;

    types = JR_TYPE_ANY;

    for (i = 0; i < set.n; i++) {
        types &= set.nodes[i]->types;
    }

    if (types & jr_value_type(value)) {
        return 1;
    }

    t = jr_violation_begin(c, place);
    if (t == NULL) {
        return 0;
    }

    if (types == 0) {
        jr_text_str(t, "is not allowed here");

    } else {
        jr_text_str(t, "must be ");
        jr_text_types(t, types);
    }

    jr_text_value(t, value);
    jr_violation_end(c);

    return 0;
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
        jr_check_value(c, items, jr_array_item(array, i), &below);
    }

    c->used = used;
}


/* Adds the nodes that hold where this one does, each once. */

int
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
        t = jr_violation_begin(c, place);

        if (t != NULL) {
            jr_text_str(t, "matches none of the ");
            jr_text_size(t, node->any.n);
            jr_text_str(t, " forms that are allowed here");
            jr_text_value(t, value);
            jr_violation_end(c);
        }
    }

    if (node->one.n > 0) {
        n = jr_check_branches(c, &node->one, value, place, 2);
        t = n == 1 ? NULL : jr_violation_begin(c, place);

        if (t != NULL) {
            jr_text_str(t, n == 0 ? "matches none of the "
                                  : "matches more than one of the ");
            jr_text_size(t, node->one.n);
            jr_text_str(t, " forms of which exactly one is allowed here");
            jr_text_value(t, value);
            jr_violation_end(c);
        }
    }

    if (node->not != NULL && jr_check_trial(c, node->not, value, place)) {
        t = jr_violation_begin(c, place);

        if (t != NULL) {
            jr_text_str(t, "has a form that is not allowed here");
            jr_text_value(t, value);
            jr_violation_end(c);
        }
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

    jr_check_value(c, node->flat, value, place);

    c->trials--;
    matches = !c->failed;

    c->failed = failed || c->exhausted;

    return matches;
}
