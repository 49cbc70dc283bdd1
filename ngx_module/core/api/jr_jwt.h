/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The claims of a JSON Web Token (RFC 7519) in its compact form.
 *
 * Nothing here verifies a signature: the claims are whatever the sender of
 * the token has written.
 */

#ifndef JR_JWT_H_INCLUDED
#define JR_JWT_H_INCLUDED

#include "jr_arena.h"
#include "jr_status.h"
#include "jr_str.h"
#include "jr_value.h"


/*
 * Decodes the payload, the part between the first two dots, and parses it
 * into the arena, where *claims lives as long as the arena.  max is the most
 * that the payload may have, decoded, in bytes.
 *
 * JR_INVALID: it has no such part, a longer one, or one that is not JSON.
 * JR_NO_MEMORY is told from that, because a caller who fell back to something
 * else for want of memory would make another token of a retry.
 */
jr_status_e jr_jwt_claims(jr_arena_t *arena, jr_str_t token, size_t max,
    const jr_value_t **claims);

/* A claim that is a string; len 0 where it is not there or something else. */
jr_str_t jr_jwt_claim(const jr_value_t *claims, const char *name);


#endif /* JR_JWT_H_INCLUDED */
