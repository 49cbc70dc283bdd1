/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Who asks, verified: what a location lets in, and whom a request is from.
 *
 * Behind jr_signature_read() and jr_signature_field() of each header:
 *
 *   jr_auth_check()    all that costs next to nothing
 *   jr_auth_verify()   RSA: once for a key, twice for a session token
 *
 * Both at once, or, where the signature waits for the body's length
 * (jr_signature_t.waits), the second when that is there.  Nothing is held from
 * one to the other, so keys may be exchanged between them: what counts is what
 * is there at the second.
 */

#ifndef JR_AUTH_H_INCLUDED
#define JR_AUTH_H_INCLUDED

#include "jr_auth_cache.h"
#include "jr_auth_keys.h"
#include "jr_auth_reason.h"
#include "jr_auth_token.h"
#include "jr_signature.h"


/* belongs to the caller, with all it points to */
typedef struct {
    const jr_auth_keys_t    *keys;      /* of users; NULL: could not be read */
    unsigned                 users:1;   /* can be verified; 0: each of their
                                           keys is unknown */
    const jr_auth_issuer_t  *issuers;
    size_t                   nissuers;
    jr_auth_cache_t         *cache;     /* of their tokens; NULL: none */
    uint64_t                 generation;    /* of their keys: another one means
                                               that these were exchanged */
    const jr_str_t          *tenants;   /* none but these tenancies */
    size_t                   ntenants;  /* 0: all */
    unsigned                 min_bits;
    int64_t                  skew;      /* seconds */
} jr_auth_policy_t;


typedef struct {
    jr_str_t  type;             /* "key" or "token" */
    jr_str_t  tenancy;          /* into the arrays below */
    jr_str_t  principal;
    char      tenancy_buf[JR_AUTH_KEYS_NAME];
    char      principal_buf[JR_AUTH_KEYS_NAME];
} jr_auth_identity_t;


/*
 * jr_signature_check(), and whether there is a key, a valid one.  Of a token
 * only whether any could be verified.  Anything but JR_AUTH_OK: failure says
 * why; JR_AUTH_UNAVAILABLE is for a 503.
 */
jr_auth_reason_e jr_auth_check(const jr_auth_policy_t *policy,
    jr_signature_t *s, const jr_signature_request_t *rq, int64_t now,
    jr_auth_failure_t *failure);

/*
 * Whether the signature is one of its key; length is that of the body, if
 * s->waits.  JR_AUTH_OK: *identity is set.
 */
jr_auth_reason_e jr_auth_verify(const jr_auth_policy_t *policy,
    const jr_signature_t *s, const jr_signature_request_t *rq, int64_t length,
    int64_t now, jr_auth_identity_t *identity, jr_auth_failure_t *failure);


#endif /* JR_AUTH_H_INCLUDED */
