/* SPDX-License-Identifier: BSD-2-Clause
 *
 * What mutators that know the structure of their input share.  util/fuzz links
 * tests/fuzz/mutate_NAME.c to the target NAME where there is one; libFuzzer
 * calls its LLVMFuzzerCustomMutator().
 *
 * One of four inputs is left to libFuzzer's own mutations, and of the others
 * some are mutated so once more: structure must not keep out what has none.
 */

#ifndef MUTATE_H_INCLUDED
#define MUTATE_H_INCLUDED

#include <stddef.h>
#include <stdint.h>
#include <string.h>


/* libFuzzer's own mutation of size bytes at data; the new size */
size_t LLVMFuzzerMutate(uint8_t *data, size_t size, size_t max_size);

size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max_size,
    unsigned seed);


/* what is made is never longer than this, however much libFuzzer allows */
#define MUTATE_MAX  16384

#define mutate_one_of(m, table)                                              \
    table[mutate_below(m, sizeof(table) / sizeof(table[0]))]


typedef struct {
    size_t    len;
    uint64_t  random;
    uint8_t   data[MUTATE_MAX];
} mutate_t;


static inline void
mutate_init(mutate_t *m, unsigned seed)
{
    m->len = 0;
    m->random = seed * 2654435769u + 88172645463325252u;
}


/* a number from 0 to n - 1; n is at least 1 */

static inline size_t
mutate_below(mutate_t *m, size_t n)
{
    m->random ^= m->random << 13;
    m->random ^= m->random >> 7;
    m->random ^= m->random << 17;

    return (size_t) ((m->random >> 11) % n);
}


/* what is beyond MUTATE_MAX is left out */

static inline void
mutate_add(mutate_t *m, const void *data, size_t len)
{
    if (len > MUTATE_MAX - m->len) {
        len = MUTATE_MAX - m->len;
    }

    if (len) {
        memcpy(m->data + m->len, data, len);
        m->len += len;
    }
}


static inline void
mutate_text(mutate_t *m, const char *text)
{
    mutate_add(m, text, strlen(text));
}


/* the result, in the place of the input */

static inline size_t
mutate_end(mutate_t *m, uint8_t *data, size_t max_size)
{
    size_t  len;

    len = m->len < max_size ? m->len : max_size;
    memcpy(data, m->data, len);

    if (len == 0 || mutate_below(m, 8) == 0) {
        return LLVMFuzzerMutate(data, len, max_size);
    }

    return len;
}


#endif /* MUTATE_H_INCLUDED */
