/* SPDX-License-Identifier: BSD-2-Clause
 *
 * What a JSON text holds: 16 bytes a value, in an arena, never changed.
 *
 * Arrays and objects are arrays of values, so that a walk over one reads
 * memory in order.  An object's are its names and what they name in turns,
 * in the order of the text.
 *
 * All functions take any value, and NULL: what is not of the kind they ask
 * for is empty, or 0.
 */

#ifndef JR_VALUE_H_INCLUDED
#define JR_VALUE_H_INCLUDED

#include <stddef.h>
#include <stdint.h>
#include <string.h>


typedef enum {
    JR_KIND_NULL = 0,
    JR_KIND_FALSE,
    JR_KIND_TRUE,
    JR_KIND_INTEGER,
    JR_KIND_REAL,
    JR_KIND_OUT_OF_RANGE,       /* a number, by its text */
    JR_KIND_STRING,
    JR_KIND_ARRAY,
    JR_KIND_OBJECT
} jr_kind_e;


/* types as JSON Schema counts them; a number is a fraction or an integer */
#define JR_TYPE_OBJECT    0x01
#define JR_TYPE_ARRAY     0x02
#define JR_TYPE_STRING    0x04
#define JR_TYPE_INTEGER   0x08
#define JR_TYPE_FRACTION  0x10
#define JR_TYPE_BOOLEAN   0x20
#define JR_TYPE_NULL      0x40

#define JR_TYPE_NUMBER    (JR_TYPE_INTEGER|JR_TYPE_FRACTION)
#define JR_TYPE_ANY       0x7f

/* every double from here on is integral, and below, fits int64 */
#define JR_REAL_EXACT  9007199254740992.0


typedef struct jr_value_s  jr_value_t;

/* a real whose decimal may not follow from its double */
typedef struct {
    double                real;
    size_t                len;
    const char           *text;     /* as it is written */
} jr_real_text_t;

struct jr_value_s {
    uint32_t              kind;
    uint32_t              len;      /* bytes, items or members; of a real, 1:
                                       written; of a null, 1: the schema takes
                                       it for absent (jr_schema_check()) */

    union {
        const char       *text;     /* UTF-8, and a NUL behind it */
        int64_t           integer;
        double            real;
        const jr_real_text_t *written;
        const jr_value_t *items;
    } u;
};


#define jr_is(value, k)         ((value) != NULL && (value)->kind == (k))

#define jr_is_null(value)       jr_is(value, JR_KIND_NULL)
#define jr_is_true(value)       jr_is(value, JR_KIND_TRUE)
#define jr_is_integer(value)    jr_is(value, JR_KIND_INTEGER)
#define jr_is_real(value)       jr_is(value, JR_KIND_REAL)
#define jr_is_string(value)     jr_is(value, JR_KIND_STRING)
#define jr_is_array(value)      jr_is(value, JR_KIND_ARRAY)
#define jr_is_object(value)     jr_is(value, JR_KIND_OBJECT)
#define jr_is_boolean(value)                                                 \
    (jr_is_true(value) || jr_is(value, JR_KIND_FALSE))
#define jr_is_number(value)     (jr_is_integer(value) || jr_is_real(value))


static inline const char *
jr_string(const jr_value_t *value)
{
    return jr_is_string(value) ? value->u.text : NULL;
}


static inline size_t
jr_string_len(const jr_value_t *value)
{
    return jr_is_string(value) ? value->len : 0;
}


static inline int64_t
jr_integer(const jr_value_t *value)
{
    return jr_is_integer(value) ? value->u.integer : 0;
}


static inline double
jr_real(const jr_value_t *value)
{
    if (!jr_is_real(value)) {
        return 0;
    }

    return value->len ? value->u.written->real : value->u.real;
}


/* Whether a finite double has no fraction; without libm, which nothing else in
   core/ would need. */

static inline int
jr_real_is_integral(double d)
{
    return d >= JR_REAL_EXACT || d <= -JR_REAL_EXACT
           || d == (double) (int64_t) d;
}


/* of either kind; an integer beyond 2^53 is rounded */

static inline double
jr_number(const jr_value_t *value)
{
    return jr_is_integer(value) ? (double) value->u.integer : jr_real(value);
}


static inline size_t
jr_array_size(const jr_value_t *value)
{
    return jr_is_array(value) ? value->len : 0;
}


static inline const jr_value_t *
jr_array_item(const jr_value_t *value, size_t i)
{
    return i < jr_array_size(value) ? &value->u.items[i] : NULL;
}


static inline size_t
jr_object_size(const jr_value_t *value)
{
    return jr_is_object(value) ? value->len : 0;
}


/* i is below jr_object_size() */

static inline const jr_value_t *
jr_object_name(const jr_value_t *object, size_t i)
{
    return &object->u.items[2 * i];
}


static inline const jr_value_t *
jr_object_member(const jr_value_t *object, size_t i)
{
    return &object->u.items[2 * i + 1];
}


/* The member of that name, or NULL; looks at one after the other. */

static inline const jr_value_t *
jr_object_get(const jr_value_t *object, const char *name, size_t len)
{
    size_t             i, n;
    const jr_value_t  *v;

    n = jr_object_size(object);

    for (i = 0; i < n; i++) {
        v = jr_object_name(object, i);

        if (v->len == len && memcmp(v->u.text, name, len) == 0) {
            return jr_object_member(object, i);
        }
    }

    return NULL;
}


/*
 * Equality and order as JSON Schema has it (core, section 4.2.2): numbers by
 * their mathematical value, 1 and 1.0 alike, and objects without order.
 */
int jr_value_equal(const jr_value_t *one, const jr_value_t *two);

/* of numbers: below, equal to or above 0 */
int jr_value_compare(const jr_value_t *one, const jr_value_t *two);

/* the JR_TYPE_ bit of a value; and those of a type's name, 0 if it is none */
unsigned jr_value_type(const jr_value_t *value);
unsigned jr_value_type_named(const jr_value_t *name);


#endif /* JR_VALUE_H_INCLUDED */
