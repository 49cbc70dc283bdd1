/* SPDX-License-Identifier: BSD-2-Clause
 *
 * What is checked of a value without going down into it by its schemas.
 */

#include <stdint.h>
#include <string.h>

#include "jr_check_scalar.h"
#include "jr_report.h"
#include "jr_utf8.h"


static void jr_scalar_range(jr_check_t *c, jr_set_t set,
    const jr_value_t *value, const jr_place_t *place);
static void jr_scalar_choice(jr_check_t *c, const jr_node_t *node,
    const jr_value_t *value, const jr_place_t *place);
static void jr_scalar_text(jr_check_t *c, const jr_node_t *node,
    const jr_value_t *value, const jr_place_t *place);
static void jr_scalar_pattern(jr_check_t *c, const jr_node_t *node,
    const jr_value_t *value, const jr_place_t *place);
static void jr_scalar_number(jr_check_t *c, const jr_node_t *node,
    const jr_value_t *value, const jr_place_t *place);
static void jr_scalar_size(jr_check_t *c, const char *what, size_t min,
    size_t max, size_t size, const jr_place_t *place);
static void jr_scalar_bound(jr_check_t *c, const char *what,
    const jr_value_t *bound, const jr_value_t *value, const jr_place_t *place);


int
jr_check_scalar_string(jr_check_t *c, jr_set_t set, const jr_value_t *value,
    const jr_place_t *place)
{
    const char  *text;

    if (jr_is(value, JR_KIND_OUT_OF_RANGE)) {
        if (jr_check_scalar_type(c, set, value, place)) {
            jr_scalar_range(c, set, value, place);
        }

        return 1;
    }

    text = jr_string(value);

    if (text != NULL
        && jr_check_nuls(c)
        && memchr(text, '\0', jr_string_len(value)))
    {
        jr_report_text(c, place, "must not hold U+0000");
        return 1;
    }

    return 0;
}


/* A number out of range, in the words of the format that asks for less. */

static void
jr_scalar_range(jr_check_t *c, jr_set_t set, const jr_value_t *value,
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

    t = jr_report_violation(c, place);
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
        jr_report_value(t, value);

    } else {
        jr_format_explain(format, value, t);
    }

    jr_report_violated(c);
}


/* One message for all nodes, not one for each branch of an allOf. */

int
jr_check_scalar_type(jr_check_t *c, jr_set_t set, const jr_value_t *value,
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

    t = jr_report_violation(c, place);
    if (t == NULL) {
        return 0;
    }

    if (types == 0) {
        jr_text_str(t, "is not allowed here");

    } else {
        jr_text_str(t, "must be ");
        jr_report_types(t, types);
    }

    jr_report_value(t, value);
    jr_report_violated(c);

    return 0;
}


void
jr_check_scalar_rest(jr_check_t *c, const jr_value_t *value,
    const jr_place_t *place)
{
    size_t             i;
    jr_place_t         below;
    const jr_value_t  *name;

    static const jr_set_t  none = { NULL, 0 };

    if (jr_is_string(value) || jr_is(value, JR_KIND_OUT_OF_RANGE)) {
        (void) jr_check_scalar_string(c, none, value, place);
        return;
    }

    below.up = place;
    below.key = NULL;
    below.len = 0;
    below.index = 0;

    for (i = 0; i < jr_array_size(value); i++) {
        below.index = i;
        jr_check_scalar_rest(c, jr_array_item(value, i), &below);
    }

    for (i = 0; i < jr_object_size(value); i++) {
        name = jr_object_name(value, i);

        below.key = name->u.text;
        below.len = name->len;

        jr_check_scalar_name(c, below.key, below.len, place);
        jr_check_scalar_rest(c, jr_object_member(value, i), &below);
    }
}


/* said of the object, since no pointer can show such a name well */

void
jr_check_scalar_name(jr_check_t *c, const char *key, size_t len,
    const jr_place_t *place)
{
    jr_text_t  *t;

    if (!jr_check_nuls(c) || memchr(key, '\0', len) == NULL) {
        return;
    }

    t = jr_report_violation(c, place);

    if (t != NULL) {
        jr_text_str(t, "a member name must not hold U+0000, found ");
        jr_text_found(t, key, len);
        jr_report_violated(c);
    }
}


void
jr_check_scalar(jr_check_t *c, const jr_node_t *node, const jr_value_t *value,
    const jr_place_t *place)
{
    jr_text_t  *t;

    if (node->choices != NULL || node->only != NULL) {
        jr_scalar_choice(c, node, value, place);
    }

    if (jr_is_string(value)) {
        jr_scalar_text(c, node, value, place);

    } else if (jr_is_number(value)) {
        jr_scalar_number(c, node, value, place);

    } else if (jr_is_array(value)) {
        jr_scalar_size(c, "item", node->min_items, node->max_items,
                       jr_array_size(value), place);
    }

    if (node->format == JR_FORMAT_NONE
        || jr_format_check(node->format, value))
    {
        return;
    }

    t = jr_report_violation(c, place);

    if (t != NULL) {
        jr_format_explain(node->format, value, t);
        jr_report_violated(c);
    }
}


static void
jr_scalar_choice(jr_check_t *c, const jr_node_t *node, const jr_value_t *value,
    const jr_place_t *place)
{
    size_t  i, n;

    n = jr_array_size(node->choices);

    for (i = 0; i < n; i++) {
        if (jr_value_equal(jr_array_item(node->choices, i), value)) {
            break;
        }
    }

    if (node->choices != NULL && i == n) {
        jr_scalar_bound(c, "must be ", node->choices, value, place);
    }

    if (node->only != NULL && !jr_value_equal(node->only, value)) {
        jr_scalar_bound(c, "must be ", node->only, value, place);
    }
}


static void
jr_scalar_text(jr_check_t *c, const jr_node_t *node, const jr_value_t *value,
    const jr_place_t *place)
{
    size_t  len;

    if (node->min_length > 0 || node->max_length < SIZE_MAX) {
        len = jr_utf8_count(jr_string(value), jr_string_len(value));

        jr_scalar_size(c, "character", node->min_length, node->max_length,
                       len, place);
    }

    if (node->pattern != NULL) {
        jr_scalar_pattern(c, node, value, place);
    }
}


static void
jr_scalar_pattern(jr_check_t *c, const jr_node_t *node, const jr_value_t *value,
    const jr_place_t *place)
{
    jr_text_t     *t;
    jr_pattern_e   rc;

    rc = jr_pattern_match(c->scratch->matcher, node->pattern,
                          jr_string(value), jr_string_len(value));

    if (rc == JR_PATTERN_MATCH) {
        return;
    }

    t = jr_report_violation(c, place);
    if (t == NULL) {
        return;
    }

    jr_text_str(t, rc == JR_PATTERN_NO_MATCH ? "must match "
                                   : "takes too much work to match against ");
    jr_text_escape(t, jr_string(node->pattern_text),
                   jr_string_len(node->pattern_text), 100, 0);
    jr_report_value(t, value);
    jr_report_violated(c);
}


static void
jr_scalar_number(jr_check_t *c, const jr_node_t *node, const jr_value_t *value,
    const jr_place_t *place)
{
    if (node->minimum != NULL
        && jr_value_compare(value, node->minimum) < 0)
    {
        jr_scalar_bound(c, "must be at least ", node->minimum, value, place);
    }

    if (node->maximum != NULL
        && jr_value_compare(value, node->maximum) > 0)
    {
        jr_scalar_bound(c, "must be at most ", node->maximum, value, place);
    }

    if (node->above != NULL && jr_value_compare(value, node->above) <= 0) {
        jr_scalar_bound(c, "must be more than ", node->above, value, place);
    }

    if (node->below != NULL && jr_value_compare(value, node->below) >= 0) {
        jr_scalar_bound(c, "must be less than ", node->below, value, place);
    }
}


static void
jr_scalar_bound(jr_check_t *c, const char *what, const jr_value_t *bound,
    const jr_value_t *value, const jr_place_t *place)
{
    jr_text_t  *t;

    t = jr_report_violation(c, place);

    if (t != NULL) {
        jr_text_str(t, what);
        jr_report_choices(t, bound);
        jr_report_value(t, value);
        jr_report_violated(c);
    }
}


static void
jr_scalar_size(jr_check_t *c, const char *what, size_t min, size_t max,
    size_t size, const jr_place_t *place)
{
    size_t      bound;
    jr_text_t  *t;

    if (size >= min && size <= max) {
        return;
    }

    t = jr_report_violation(c, place);
    if (t == NULL) {
        return;
    }

    bound = size < min ? min : max;

    jr_text_str(t, size < min ? "must have at least " : "must have at most ");
    jr_text_size(t, bound);
    jr_text_str(t, " ");
    jr_text_str(t, what);
    jr_text_str(t, bound == 1 ? ", found " : "s, found ");
    jr_text_size(t, size);
    jr_report_violated(c);
}
