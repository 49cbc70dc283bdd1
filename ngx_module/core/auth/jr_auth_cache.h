/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Session tokens that were verified, by their digests, so that an issuer's
 * signature is verified once for a token and not once for each request.
 *
 *                  sets                 ways
 *   digest  ->  +-------+   +---------+---------+---------+---------+
 *               |  ...  |-->| token   | token   | token   | (free)  |
 *               +-------+   +---------+---------+---------+---------+
 *
 * Only what was verified is in it, so that nobody fills it with tokens that he
 * made up.  A token counts for the policy by which it was verified and for as
 * long as that has the same keys (its generation): one whose issuer's key was
 * taken away is verified again, and fails.  In a full set the one that was not
 * used for longest gives way.
 */

#ifndef JR_AUTH_CACHE_H_INCLUDED
#define JR_AUTH_CACHE_H_INCLUDED

#include "jr_auth_token.h"
#include "jr_digest.h"


#define JR_AUTH_CACHE_SETS  64
#define JR_AUTH_CACHE_WAYS  4


typedef struct jr_auth_cache_s  jr_auth_cache_t;


/* by whose rules a token was verified */
typedef struct {
    const void  *policy;
    uint64_t     generation;
} jr_auth_cache_rules_t;


/* what is known of a token; lives until the next put() */
typedef struct {
    jr_str_t       tenancy;     /* into token */
    jr_str_t       subject;
    EVP_PKEY_CTX  *verifier;    /* of its owner's key */
} jr_auth_cached_t;


/* NULL: no memory.  Some 200 KB, and 3 KB for each token that is in it. */
jr_auth_cache_t *jr_auth_cache_create(void);

/* NULL is fine. */
void jr_auth_cache_free(jr_auth_cache_t *cache);

/* NULL: it is not there, or not valid by now. */
const jr_auth_cached_t *jr_auth_cache_find(jr_auth_cache_t *cache,
    const jr_digest_t *md, const jr_auth_cache_rules_t *rules, int64_t now);

/* Takes a token that was verified, also its key, and returns it as find()
   does.  NULL: no memory, and the key is the caller's. */
const jr_auth_cached_t *jr_auth_cache_put(jr_auth_cache_t *cache,
    const jr_digest_t *md, const jr_auth_cache_rules_t *rules,
    const jr_auth_token_t *token);


#endif /* JR_AUTH_CACHE_H_INCLUDED */
