/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Whether an object has a name twice.
 *
 * Few names are compared with each other, many by a table of their hashes.
 * Whoever knows the hash can make names that collide, so the steps that a
 * table takes are bounded, and what takes more is sorted.
 */

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "jr_json_names.h"


/* names that are compared with each other */
#define JR_NAMES_FEW    8

/* steps a name that a table may take on average; a good hash takes 1.5 */
#define JR_NAMES_STEPS  8


static jr_status_e jr_names_few(const jr_value_t *members, size_t n,
    size_t *again);
static jr_status_e jr_names_table(const jr_value_t *members, size_t n,
    size_t *again, int *collide);
static jr_status_e jr_names_sort(const jr_value_t *members, size_t n,
    size_t *again);
static uint32_t jr_names_hash(const jr_value_t *name);
static int jr_names_equal(const jr_value_t *one, const jr_value_t *two);
static int jr_names_compare(const void *one, const void *two);


jr_status_e
jr_json_names_unique(const jr_value_t *members, size_t n, size_t *again)
{
    int          collide;
    jr_status_e  rc;

    if (n <= JR_NAMES_FEW) {
        return jr_names_few(members, n, again);
    }

    collide = 0;

    rc = jr_names_table(members, n, again, &collide);

    return collide ? jr_names_sort(members, n, again) : rc;
}


static jr_status_e
jr_names_few(const jr_value_t *members, size_t n, size_t *again)
{
    size_t  i, k;

    for (i = 1; i < n; i++) {

        for (k = 0; k < i; k++) {
            if (jr_names_equal(&members[2 * k], &members[2 * i])) {
                *again = i;
                return JR_INVALID;
            }
        }
    }

    return JR_OK;
}


/* Open addressing; a slot holds the number of a member, from 1, and the
   upper half of its hash, which spares most looks at the member. */

static jr_status_e
jr_names_table(const jr_value_t *members, size_t n, size_t *again,
    int *collide)
{
    size_t       i, at, size, steps;
    uint32_t     hash;
    uint64_t    *table, slot;
    jr_status_e  rc;

    for (size = 16; size < 2 * n; size *= 2) {
        /* a power of two */
    }

    table = calloc(size, sizeof(uint64_t));
    if (table == NULL) {
        return JR_NO_MEMORY;
    }

    steps = 0;
    rc = JR_OK;

    for (i = 0; i < n && rc == JR_OK && !*collide; i++) {

        hash = jr_names_hash(&members[2 * i]);

        for (at = hash & (size - 1); table[at] != 0;
             at = (at + 1) & (size - 1))
        {
            slot = table[at];

            if (slot >> 32 == hash
                && jr_names_equal(&members[2 * ((slot & UINT32_MAX) - 1)],
                                  &members[2 * i]))
            {
                *again = i;
                rc = JR_INVALID;
                break;
            }

            if (++steps > JR_NAMES_STEPS * n) {
                *collide = 1;
                break;
            }
        }

        table[at] = (uint64_t) hash << 32 | (i + 1);
    }

    free(table);

    return rc;
}


static uint32_t
jr_names_hash(const jr_value_t *name)
{
    size_t       len;
    uint64_t     h, word;
    const char  *p;

    h = name->len * 0x9e3779b97f4a7c15u;
    p = name->u.text;

    for (len = name->len; len > 0; len -= len < 8 ? len : 8, p += 8) {
        word = 0;
        memcpy(&word, p, len < 8 ? len : 8);

        h = (h ^ word) * 0xff51afd7ed558ccdu;
        h ^= h >> 32;
    }

    return (uint32_t) (h * 0xc4ceb9fe1a85ec53u >> 32);
}


static int
jr_names_equal(const jr_value_t *one, const jr_value_t *two)
{
    return one->len == two->len
           && memcmp(one->u.text, two->u.text, one->len) == 0;
}


/* Equal names lie beside each other then, in the order of the text. */

static jr_status_e
jr_names_sort(const jr_value_t *members, size_t n, size_t *again)
{
    size_t              i, first;
    const jr_value_t  **names;

    names = malloc(n * sizeof(jr_value_t *));
    if (names == NULL) {
        return JR_NO_MEMORY;
    }

    for (i = 0; i < n; i++) {
        names[i] = &members[2 * i];
    }

    qsort(names, n, sizeof(jr_value_t *), jr_names_compare);

    first = n;

    for (i = 1; i < n; i++) {
        if (jr_names_equal(names[i - 1], names[i])
            && (size_t) (names[i] - members) / 2 < first)
        {
            first = (size_t) (names[i] - members) / 2;
        }
    }

    free(names);

    if (first == n) {
        return JR_OK;
    }

    *again = first;

    return JR_INVALID;
}


static int
jr_names_compare(const void *one, const void *two)
{
    int                rc;
    const jr_value_t  *a, *b;

    a = *(const jr_value_t *const *) one;
    b = *(const jr_value_t *const *) two;

    if (a->len != b->len) {
        return a->len < b->len ? -1 : 1;
    }

    rc = memcmp(a->u.text, b->u.text, a->len);

    return rc != 0 ? rc : (a > b) - (a < b);
}
