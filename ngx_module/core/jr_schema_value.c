/*
 * Values as JSON Schema compares them (core, section 4.2.2): numbers by
 * their mathematical value, objects without order.
 */

#include <stdint.h>
#include <string.h>

#include "jr_json.h"
#include "jr_number.h"
#include "jr_schema_tree.h"


static int jr_number_compare_mixed(int64_t n, double d);
static int jr_object_equal(const json_t *one, const json_t *two);
static int jr_array_equal(const json_t *one, const json_t *two);


unsigned
jr_value_type(const json_t *value)
{
    size_t  len;

    switch (json_typeof(value)) {

    case JSON_OBJECT:
        return JR_TYPE_OBJECT;

    case JSON_ARRAY:
        return JR_TYPE_ARRAY;

    case JSON_STRING:
        return jr_json_stand_in(value, &len) != NULL ? JR_TYPE_INTEGER
                                                     : JR_TYPE_STRING;

    case JSON_INTEGER:
        return JR_TYPE_INTEGER;

    case JSON_REAL:
        return jr_number_is_integral(json_real_value(value))
               ? JR_TYPE_INTEGER : JR_TYPE_FRACTION;

    case JSON_NULL:
        return JR_TYPE_NULL;

    default:
        return JR_TYPE_BOOLEAN;
    }
}


int
jr_number_compare(const json_t *one, const json_t *two)
{
    double     a, b;
    json_int_t  m, n;

    if (json_is_integer(one) && json_is_integer(two)) {
        m = json_integer_value(one);
        n = json_integer_value(two);

        return (m > n) - (m < n);
    }

    if (json_is_integer(one)) {
        return jr_number_compare_mixed(json_integer_value(one),
                                       json_real_value(two));
    }

    if (json_is_integer(two)) {
        return -jr_number_compare_mixed(json_integer_value(two),
                                        json_real_value(one));
    }

    a = json_real_value(one);
    b = json_real_value(two);

    return (a > b) - (a < b);
}


/* Without rounding the integer: 2^63 - 1 is less than the double 2^63. */

static int
jr_number_compare_mixed(int64_t n, double d)
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
jr_value_equal(const json_t *one, const json_t *two)
{
    if (json_is_number(one) && json_is_number(two)) {
        return jr_number_compare(one, two) == 0;
    }

    if (json_typeof(one) != json_typeof(two)) {
        return 0;
    }

    switch (json_typeof(one)) {

    case JSON_STRING:
        return json_string_length(one) == json_string_length(two)
               && memcmp(json_string_value(one), json_string_value(two),
                         json_string_length(one)) == 0;

    case JSON_OBJECT:
        return jr_object_equal(one, two);

    case JSON_ARRAY:
        return jr_array_equal(one, two);

    default:
        return 1;
    }
}


static int
jr_object_equal(const json_t *one, const json_t *two)
{
    void    *iter;
    json_t  *o, *value;

    if (json_object_size(one) != json_object_size(two)) {
        return 0;
    }

    /* jansson's iteration takes no const */
    o = (json_t *) (uintptr_t) one;

    for (iter = json_object_iter(o); iter != NULL;
         iter = json_object_iter_next(o, iter))
    {
        value = json_object_getn(two, json_object_iter_key(iter),
                                 json_object_iter_key_len(iter));

        if (value == NULL
            || !jr_value_equal(json_object_iter_value(iter), value))
        {
            return 0;
        }
    }

    return 1;
}


static int
jr_array_equal(const json_t *one, const json_t *two)
{
    size_t  i, n;

    n = json_array_size(one);

    if (n != json_array_size(two)) {
        return 0;
    }

    for (i = 0; i < n; i++) {
        if (!jr_value_equal(json_array_get(one, i), json_array_get(two, i)))
        {
            return 0;
        }
    }

    return 1;
}
