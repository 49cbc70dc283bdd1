/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The canonical form of a JSON value, and its SHA-256.
 *
 * A retry whose body was serialised anew must still be recognised as the
 * same request: keys sorted by their bytes, no blanks, strings by code
 * point with the shortest escapes, integral reals within +-2^53 printed as
 * integers, other reals as %.17g where that is the very number, else as their
 * digits and a power of ten (1e-1), so that different numbers never are equal.
 * A null that jr_schema_check() took for absent is left out.
 */

#ifndef JR_CANONICAL_H_INCLUDED
#define JR_CANONICAL_H_INCLUDED

#include <stddef.h>

#include "jr_digest.h"
#include "jr_status.h"
#include "jr_value.h"


/* takes a piece of the text; another return than JR_OK ends the writing */
typedef jr_status_e (*jr_canonical_put_pt)(void *data, const char *text,
    size_t len);


/*
 * Writes the canonical form of value: gives its pieces in their order to
 * put(), with data.  Returns what put() returned, or JR_NO_MEMORY.
 */
jr_status_e jr_canonical_write(const jr_value_t *value,
    jr_canonical_put_pt put, void *data);

/* SHA-256 of the canonical form, without building it as a whole. */
jr_status_e jr_canonical_digest(const jr_value_t *value, jr_digest_t *md);


#endif /* JR_CANONICAL_H_INCLUDED */
