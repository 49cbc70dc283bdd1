/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Parsing for tests.
 */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "lib_value.h"


static jr_arena_t *clean_arena(void);


/* the last one is kept, as what is still reachable at the end */

static jr_arena_t  *arena;


jr_status_e
parse_value(const char *text, size_t len, jr_json_error_t *err,
    const jr_value_t **value)
{
    return jr_json_parse(clean_arena(), text, len, err, value);
}


jr_status_e
parse_any_number(const char *text, size_t len, jr_json_error_t *err,
    const jr_value_t **value)
{
    return jr_json_parse_any_number(clean_arena(), text, len, err, value);
}


/* a new one each time: the sanitizer then sees who looks at the last */

static jr_arena_t *
clean_arena(void)
{
    jr_arena_free(arena);

    arena = jr_arena_create();
    assert_non_null(arena);

    return arena;
}


json_t *
value_to_jansson(const jr_value_t *value)
{
    size_t   i;
    json_t  *json;

    switch (value->kind) {

    case JR_KIND_NULL:
        return json_null();

    case JR_KIND_FALSE:
        return json_false();

    case JR_KIND_TRUE:
        return json_true();

    case JR_KIND_INTEGER:
        return json_integer(value->u.integer);

    case JR_KIND_REAL:
        return json_real(jr_real(value));

    case JR_KIND_STRING:
        return json_stringn(value->u.text, value->len);

    case JR_KIND_ARRAY:
        json = json_array();

        for (i = 0; i < value->len; i++) {
            json_array_append_new(json,
                                  value_to_jansson(jr_array_item(value, i)));
        }

        return json;

    case JR_KIND_OBJECT:
        json = json_object();

        for (i = 0; i < value->len; i++) {
            json_object_setn_new(json, jr_object_name(value, i)->u.text,
                                 jr_object_name(value, i)->len,
                                 value_to_jansson(jr_object_member(value,
                                                                   i)));
        }

        return json;

    default:
        fail_msg("no value of JSON");
        return NULL;
    }
}
