/*
 * Keywords that look at one value without going down into it.
 */

#include <stdint.h>

#include "jr_schema_check.h"
#include "jr_utf8.h"


static void jr_check_choice(jr_check_t *c, const jr_node_t *node,
    const jr_value_t *value, const jr_place_t *place);
static void jr_check_text(jr_check_t *c, const jr_node_t *node,
    const jr_value_t *value, const jr_place_t *place);
static void jr_check_pattern(jr_check_t *c, const jr_node_t *node,
    const jr_value_t *value, const jr_place_t *place);
static void jr_check_number(jr_check_t *c, const jr_node_t *node,
    const jr_value_t *value, const jr_place_t *place);
static void jr_check_size(jr_check_t *c, const char *what, size_t min,
    size_t max, size_t size, const jr_place_t *place);
static void jr_check_bound(jr_check_t *c, const char *what,
    const jr_value_t *bound, const jr_value_t *value, const jr_place_t *place);


void
jr_check_scalar(jr_check_t *c, const jr_node_t *node, const jr_value_t *value,
    const jr_place_t *place)
{
    jr_text_t  *t;

    if (node->choices != NULL || node->only != NULL) {
        jr_check_choice(c, node, value, place);
    }

    if (jr_is_string(value)) {
        jr_check_text(c, node, value, place);

    } else if (jr_is_number(value)) {
        jr_check_number(c, node, value, place);

    } else if (jr_is_array(value)) {
        jr_check_size(c, "item", node->min_items, node->max_items,
                      jr_array_size(value), place);
    }

    if (node->format == JR_FORMAT_NONE
        || jr_format_check(node->format, value))
    {
        return;
    }

    t = jr_violation_begin(c, place);

    if (t != NULL) {
        jr_format_explain(node->format, value, t);
        jr_violation_end(c);
    }
}


static void
jr_check_choice(jr_check_t *c, const jr_node_t *node, const jr_value_t *value,
    const jr_place_t *place)
{
    size_t      i, n;
    jr_text_t  *t;

    n = jr_array_size(node->choices);

    for (i = 0; i < n; i++) {
        if (jr_value_equal(jr_array_item(node->choices, i), value)) {
            break;
        }
    }

    if (node->choices != NULL && i == n) {
        t = jr_violation_begin(c, place);

        if (t != NULL) {
            jr_text_str(t, "must be ");
            jr_text_choices(t, node->choices);
            jr_text_value(t, value);
            jr_violation_end(c);
        }
    }

    if (node->only == NULL || jr_value_equal(node->only, value)) {
        return;
    }

    t = jr_violation_begin(c, place);

    if (t != NULL) {
        jr_text_str(t, "must be ");
        jr_text_choices(t, node->only);
        jr_text_value(t, value);
        jr_violation_end(c);
    }
}


static void
jr_check_text(jr_check_t *c, const jr_node_t *node, const jr_value_t *value,
    const jr_place_t *place)
{
    size_t  len;

    if (node->min_length > 0 || node->max_length < SIZE_MAX) {
        len = jr_utf8_count(jr_string(value),
                            jr_string_len(value));

        jr_check_size(c, "character", node->min_length, node->max_length,
                      len, place);
    }

    if (node->pattern != NULL) {
        jr_check_pattern(c, node, value, place);
    }
}


static void
jr_check_pattern(jr_check_t *c, const jr_node_t *node, const jr_value_t *value,
    const jr_place_t *place)
{
    jr_text_t     *t;
    jr_pattern_e   rc;

    rc = jr_pattern_match(c->scratch->matcher, node->pattern,
                          jr_string(value),
                          jr_string_len(value));

    if (rc == JR_PATTERN_MATCH) {
        return;
    }

    t = jr_violation_begin(c, place);
    if (t == NULL) {
        return;
    }

    jr_text_str(t, rc == JR_PATTERN_NO_MATCH ? "must match "
                                   : "takes too much work to match against ");
    jr_text_escape(t, jr_string(node->pattern_text),
                   jr_string_len(node->pattern_text), 100, 0);
    jr_text_value(t, value);
    jr_violation_end(c);
}


static void
jr_check_number(jr_check_t *c, const jr_node_t *node, const jr_value_t *value,
    const jr_place_t *place)
{
    if (node->minimum != NULL
        && jr_number_compare(value, node->minimum) < 0)
    {
        jr_check_bound(c, "must be at least ", node->minimum, value, place);
    }

    if (node->maximum != NULL
        && jr_number_compare(value, node->maximum) > 0)
    {
        jr_check_bound(c, "must be at most ", node->maximum, value, place);
    }

    if (node->above != NULL && jr_number_compare(value, node->above) <= 0) {
        jr_check_bound(c, "must be more than ", node->above, value, place);
    }

    if (node->below != NULL && jr_number_compare(value, node->below) >= 0) {
        jr_check_bound(c, "must be less than ", node->below, value, place);
    }
}


static void
jr_check_bound(jr_check_t *c, const char *what, const jr_value_t *bound,
    const jr_value_t *value, const jr_place_t *place)
{
    jr_text_t  *t;

    t = jr_violation_begin(c, place);

    if (t != NULL) {
        jr_text_str(t, what);
        jr_text_choices(t, bound);
        jr_text_value(t, value);
        jr_violation_end(c);
    }
}


static void
jr_check_size(jr_check_t *c, const char *what, size_t min, size_t max,
    size_t size, const jr_place_t *place)
{
    size_t      bound;
    jr_text_t  *t;

    if (size >= min && size <= max) {
        return;
    }

    t = jr_violation_begin(c, place);
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
    jr_violation_end(c);
}
