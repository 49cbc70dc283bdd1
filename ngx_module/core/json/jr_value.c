/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Values as JSON Schema compares them (core, section 4.2.2): numbers by
 * their mathematical value, objects without order.
 */

#include <stdint.h>
#include <string.h>

#include "jr_value.h"


typedef struct {
    const char  *name;
    unsigned     types;
} jr_value_name_t;


static int jr_value_compare_mixed(int64_t n, double d);
static int jr_value_equal_objects(const jr_value_t *one, const jr_value_t *two);
static int jr_value_equal_arrays(const jr_value_t *one, const jr_value_t *two);


static const jr_value_name_t  jr_value_names[] = {
    { "object",  JR_TYPE_OBJECT },
    { "array",   JR_TYPE_ARRAY },
    { "string",  JR_TYPE_STRING },
    { "integer", JR_TYPE_INTEGER },
    { "number",  JR_TYPE_NUMBER },
    { "boolean", JR_TYPE_BOOLEAN },
    { "null",    JR_TYPE_NULL },
    { NULL,      0 }
};


unsigned
jr_value_type_named(const jr_value_t *name)
{
    const jr_value_name_t  *t;

    if (!jr_is_string(name)) {
        return 0;
    }

    for (t = jr_value_names; t->name != NULL; t++) {
        if (strcmp(t->name, jr_string(name)) == 0) {
            break;
        }
    }

    return t->types;
}


unsigned
jr_value_type(const jr_value_t *value)
{
    switch (value->kind) {

    case JR_KIND_OBJECT:
        return JR_TYPE_OBJECT;

    case JR_KIND_ARRAY:
        return JR_TYPE_ARRAY;

    case JR_KIND_STRING:
        return JR_TYPE_STRING;

    case JR_KIND_OUT_OF_RANGE:
    case JR_KIND_INTEGER:
        return JR_TYPE_INTEGER;

    case JR_KIND_REAL:
        return jr_real_is_integral(jr_real(value))
               ? JR_TYPE_INTEGER : JR_TYPE_FRACTION;

    case JR_KIND_NULL:
        return JR_TYPE_NULL;

    default:
        return JR_TYPE_BOOLEAN;
    }
}


int
jr_value_compare(const jr_value_t *one, const jr_value_t *two)
{
    double     a, b;
    int64_t    m, n;

    if (jr_is_integer(one) && jr_is_integer(two)) {
        m = jr_integer(one);
        n = jr_integer(two);

        return (m > n) - (m < n);
    }

    if (jr_is_integer(one)) {
        return jr_value_compare_mixed(jr_integer(one), jr_real(two));
    }

    if (jr_is_integer(two)) {
        return -jr_value_compare_mixed(jr_integer(two), jr_real(one));
    }

    a = jr_real(one);
    b = jr_real(two);

    return (a > b) - (a < b);
}


/* Without rounding the integer: 2^63 - 1 is less than the double 2^63. */

static int
jr_value_compare_mixed(int64_t n, double d)
{
    int64_t  m;

    if (d >= 9223372036854775808.0) {
        return -1;
    }

    if (d < -9223372036854775808.0) {
        return 1;
    }

    m = (int64_t) d;

    if (n != m) {
        return n < m ? -1 : 1;
    }

    /* the conversion has cut the fraction, if there was one */

    return (d < (double) m) - (d > (double) m);
}


int
jr_value_equal(const jr_value_t *one, const jr_value_t *two)
{
    if (jr_is_number(one) && jr_is_number(two)) {
        return jr_value_compare(one, two) == 0;
    }

    if (one->kind != two->kind) {
        return 0;
    }

    switch (one->kind) {

    case JR_KIND_STRING:
        return jr_string_len(one) == jr_string_len(two)
               && memcmp(jr_string(one), jr_string(two),
                         jr_string_len(one)) == 0;

    case JR_KIND_OBJECT:
        return jr_value_equal_objects(one, two);

    case JR_KIND_ARRAY:
        return jr_value_equal_arrays(one, two);

    default:
        return 1;
    }
}


static int
jr_value_equal_objects(const jr_value_t *one, const jr_value_t *two)
{
    size_t             i;
    const jr_value_t  *name, *value;

    if (jr_object_size(one) != jr_object_size(two)) {
        return 0;
    }

    for (i = 0; i < jr_object_size(one); i++) {
        name = jr_object_name(one, i);
        value = jr_object_get(two, name->u.text, name->len);

        if (value == NULL
            || !jr_value_equal(jr_object_member(one, i), value))
        {
            return 0;
        }
    }

    return 1;
}


static int
jr_value_equal_arrays(const jr_value_t *one, const jr_value_t *two)
{
    size_t  i, n;

    n = jr_array_size(one);

    if (n != jr_array_size(two)) {
        return 0;
    }

    for (i = 0; i < n; i++) {
        if (!jr_value_equal(jr_array_item(one, i), jr_array_item(two, i)))
        {
            return 0;
        }
    }

    return 1;
}
