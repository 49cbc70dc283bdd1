/*
 * What the keywords of a schema are made of: objects of schemas, patterns,
 * type names, and complaints.
 */

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "jr_schema_compile.h"


#define JR_COMPILE_ERRORS  10


typedef struct {
    const char  *name;
    unsigned     types;
} jr_type_name_t;


static const jr_type_name_t  jr_type_names[] = {
    { "object",  JR_TYPE_OBJECT },
    { "array",   JR_TYPE_ARRAY },
    { "string",  JR_TYPE_STRING },
    { "integer", JR_TYPE_INTEGER },
    { "number",  JR_TYPE_NUMBER },
    { "boolean", JR_TYPE_BOOLEAN },
    { "null",    JR_TYPE_NULL },
    { NULL,      0 }
};


jr_status_e
jr_compile_members(jr_compiler_t *c, const jr_value_t *value,
    const jr_place_t *place, jr_member_t **members, size_t *n)
{
    size_t             i, size;
    jr_place_t         below;
    jr_status_e        rc;
    jr_member_t       *list;
    const jr_value_t  *name;

    *members = NULL;
    *n = 0;

    if (!jr_is_object(value)) {
        jr_compile_complain(c, place, "must be an object of schemas");
        return JR_OK;
    }

    size = jr_object_size(value);
    if (size == 0) {
        return JR_OK;
    }

    list = calloc(size, sizeof(jr_member_t));
    if (list == NULL) {
        return JR_NO_MEMORY;
    }

    below.up = place;
    below.index = 0;

    for (i = 0; i < size; i++) {
        name = jr_object_name(value, i);

        below.key = name->u.text;
        below.len = name->len;

        list[i].name.data = below.key;
        list[i].name.len = below.len;

        rc = jr_compile_schema(c, jr_object_member(value, i), &below,
                               &list[i].node);
        if (rc != JR_OK) {
            free(list);
            return rc;
        }
    }

    qsort(list, size, sizeof(jr_member_t), jr_member_compare);

    *members = list;
    *n = size;

    return JR_OK;
}


jr_status_e
jr_compile_pattern(jr_compiler_t *c, const char *text, size_t len,
    const jr_place_t *place, jr_pattern_t **pattern)
{
    char         why[256];
    jr_text_t    t;
    jr_status_e  rc;

    jr_text_init(&t, why, sizeof(why));

    rc = jr_pattern_compile(c->schema->work->matcher, text, len, &t, pattern);

    if (rc != JR_INVALID) {
        return rc;
    }

    if (jr_compile_begin(c, place)) {
        jr_text_str(&c->err, "pattern ");
        jr_text_found(&c->err, text, len);
        jr_text_str(&c->err, ": ");
        jr_text_str(&c->err, why);
    }

    return JR_OK;
}


unsigned
jr_type_find(const jr_value_t *name)
{
    const jr_type_name_t  *t;

    if (!jr_is_string(name)) {
        return 0;
    }

    for (t = jr_type_names; t->name != NULL; t++) {
        if (strcmp(t->name, jr_string(name)) == 0) {
            break;
        }
    }

    return t->types;
}


void
jr_compile_complain(jr_compiler_t *c, const jr_place_t *place,
    const char *text)
{
    if (jr_compile_begin(c, place)) {
        jr_text_str(&c->err, text);
    }
}


int
jr_compile_begin(jr_compiler_t *c, const jr_place_t *place)
{
    if (++c->errors > JR_COMPILE_ERRORS) {
        return 0;
    }

    if (c->errors > 1) {
        jr_text_str(&c->err, "; ");
    }

    jr_place_write(&c->err, place);
    jr_text_str(&c->err, ": ");

    return 1;
}
