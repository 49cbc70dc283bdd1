/* SPDX-License-Identifier: BSD-2-Clause
 *
 * SHA-256 (FIPS 180-4) from libcrypto, which NGINX is linked with anyway.
 */

#ifndef JR_DIGEST_H_INCLUDED
#define JR_DIGEST_H_INCLUDED

#include <stddef.h>

#include "jr_status.h"
#include "jr_str.h"


#define JR_DIGEST_LEN  32
#define JR_DIGEST_HEX  64


typedef struct {
    unsigned char  bytes[JR_DIGEST_LEN];
} jr_digest_t;

typedef struct jr_hasher_s  jr_hasher_t;


/* SHA-256 of one buffer. */
jr_status_e jr_digest(const void *data, size_t len, jr_digest_t *md);

/* Writes JR_DIGEST_HEX lower-case digits, no NUL; returns the end. */
char *jr_digest_hex(const jr_digest_t *md, char *dst);

/*
 * SHA-256 of parts, each behind its length and a colon, so that no two lists
 * of parts give the same bytes.
 */
jr_status_e jr_digest_parts(const jr_str_t *parts, size_t n,
    jr_digest_t *md);

/*
 * The same piece by piece.  jr_digest_final() fills *md and frees the
 * hasher, whatever it returns; jr_digest_abort() only frees (NULL is fine).
 */
jr_status_e jr_digest_begin(jr_hasher_t **hasher);
jr_status_e jr_digest_update(jr_hasher_t *hasher, const void *data,
    size_t len);
jr_status_e jr_digest_final(jr_hasher_t *hasher, jr_digest_t *md);
void jr_digest_abort(jr_hasher_t *hasher);


#endif /* JR_DIGEST_H_INCLUDED */
