/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Session tokens: keyId="ST$<JWT>", of instances, resources and people who
 * signed in.  The token's issuer says by its own signature who it is for, and
 * which key that one signs requests with.
 */

#ifndef JR_AUTH_TOKEN_H_INCLUDED
#define JR_AUTH_TOKEN_H_INCLUDED

#include "jr_auth_keys.h"
#include "jr_auth_reason.h"


/* bytes: of the JWT, of its header and payload decoded */
#define JR_AUTH_TOKEN_MOST     12288
#define JR_AUTH_TOKEN_HEADER   1024
#define JR_AUTH_TOKEN_PAYLOAD  8192

/* bytes of a tenancy and a subject */
#define JR_AUTH_TOKEN_NAME     255

/* seconds that the clocks of the issuer and the gateway may differ by */
#define JR_AUTH_TOKEN_LEEWAY   60


typedef struct {
    jr_str_t               name;        /* the claim iss */
    jr_str_t               audience;    /* the claim aud; len 0: any */
    const jr_auth_keys_t  *keys;
} jr_auth_issuer_t;


typedef struct {
    EVP_PKEY  *pkey;            /* of the token's owner; the caller's, for
                                   EVP_PKEY_free() */
    double     from;            /* it is valid from here, seconds since 1970, */
    double     until;           /* and before there, by its own claims, the
                                   end of its issuer's key and the leeway */
    jr_str_t   tenancy;         /* into the arrays below */
    jr_str_t   subject;
    char       tenancy_buf[JR_AUTH_TOKEN_NAME];
    char       subject_buf[JR_AUTH_TOKEN_NAME];
} jr_auth_token_t;


/*
 * Verifies a JWT: RS256, with a kid of one of n issuers; exp and nbf by now;
 * and takes its owner's tenancy, subject and key.  min_bits goes for both keys.
 * Memory is bounded by JR_AUTH_TOKEN_MOST, and is given back.
 *
 * JR_AUTH_OK: *token is set.  Else failure says why, and there is nothing to
 * free.
 */
jr_auth_reason_e jr_auth_token_verify(jr_str_t jwt,
    const jr_auth_issuer_t *issuers, size_t n, unsigned min_bits, int64_t now,
    jr_auth_token_t *token, jr_auth_failure_t *failure);


#endif /* JR_AUTH_TOKEN_H_INCLUDED */
