/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Who asks, verified.
 */

#include <string.h>

#include "jr_auth.h"
#include "jr_signing.h"


static int jr_auth_token_of(const jr_signature_t *s, jr_str_t *jwt);
static jr_auth_reason_e jr_auth_key(const jr_auth_policy_t *policy,
    const jr_signature_t *s, int64_t now, jr_auth_key_t **key,
    jr_auth_failure_t *failure);
static jr_auth_reason_e jr_auth_verify_key(const jr_auth_policy_t *policy,
    const jr_signature_t *s, const jr_digest_t *md, int64_t now,
    jr_auth_identity_t *identity, jr_auth_failure_t *failure);
static jr_auth_reason_e jr_auth_verify_token(const jr_auth_policy_t *policy,
    const jr_signature_t *s, const jr_digest_t *md, jr_str_t jwt, int64_t now,
    jr_auth_identity_t *identity, jr_auth_failure_t *failure);
static jr_auth_reason_e jr_auth_verify_once(const jr_auth_policy_t *policy,
    const jr_signature_t *s, const jr_digest_t *md, jr_str_t jwt, int64_t now,
    jr_auth_identity_t *identity, jr_auth_failure_t *failure);
static jr_auth_reason_e jr_auth_verify_cached(const jr_auth_policy_t *policy,
    const jr_signature_t *s, const jr_digest_t *md,
    const jr_auth_cached_t *token, jr_auth_identity_t *identity,
    jr_auth_failure_t *failure);
static jr_auth_reason_e jr_auth_signature(jr_status_e rc,
    jr_auth_failure_t *failure);
static jr_auth_reason_e jr_auth_tenant(const jr_auth_policy_t *policy,
    jr_str_t tenancy, jr_auth_failure_t *failure);
static void jr_auth_is(jr_auth_identity_t *identity, jr_str_t type,
    jr_str_t tenancy, jr_str_t principal);
static jr_str_t jr_auth_copy(char *buf, jr_str_t value);


jr_auth_reason_e
jr_auth_check(const jr_auth_policy_t *policy, jr_signature_t *s,
    const jr_signature_request_t *rq, int64_t now, jr_auth_failure_t *failure)
{
    jr_str_t        jwt;
    jr_auth_key_t  *key;

    if (jr_signature_check(s, rq, now, policy->skew, failure) != JR_AUTH_OK) {
        return failure->reason;
    }

    if (!jr_auth_token_of(s, &jwt)) {
        return jr_auth_key(policy, s, now, &key, failure);
    }

    if (policy->nissuers == 0) {
        return jr_auth_reason_fail(failure, JR_AUTH_TOKEN_ISSUER, "");
    }

    if (jwt.len > JR_AUTH_TOKEN_MOST) {
        return jr_auth_reason_fail(failure, JR_AUTH_TOKEN_MALFORMED,
                                   "too long");
    }

    return JR_AUTH_OK;
}


/* whether the keyId is a session token */

static int
jr_auth_token_of(const jr_signature_t *s, jr_str_t *jwt)
{
    if (s->key_id.len < 3 || memcmp(s->key_id.data, "ST$", 3) != 0) {
        return 0;
    }

    jwt->data = s->key_id.data + 3;
    jwt->len = s->key_id.len - 3;

    return 1;
}


static jr_auth_reason_e
jr_auth_key(const jr_auth_policy_t *policy, const jr_signature_t *s,
    int64_t now, jr_auth_key_t **key, jr_auth_failure_t *failure)
{
    jr_auth_key_t  *found;

    if (!policy->users) {
        return jr_auth_reason_fail(failure, JR_AUTH_KEY_UNKNOWN, "");
    }

    if (policy->keys == NULL) {
        return jr_auth_reason_fail(failure, JR_AUTH_UNAVAILABLE, "keys");
    }

    found = jr_auth_keys_find(policy->keys, s->key_id);

    if (found == NULL) {
        return jr_auth_reason_fail(failure, JR_AUTH_KEY_UNKNOWN, "");
    }

    if (!found->active) {
        return jr_auth_reason_fail(failure, JR_AUTH_KEY_INACTIVE, "");
    }

    if (found->not_after && now >= found->not_after) {
        return jr_auth_reason_fail(failure, JR_AUTH_KEY_EXPIRED, "");
    }

    if (found->bits < policy->min_bits) {
        return jr_auth_reason_fail(failure, JR_AUTH_KEY_WEAK, "");
    }

    *key = found;

    return jr_auth_tenant(policy, found->tenancy, failure);
}


static jr_auth_reason_e
jr_auth_tenant(const jr_auth_policy_t *policy, jr_str_t tenancy,
    jr_auth_failure_t *failure)
{
    size_t  i;

    for (i = 0; i < policy->ntenants; i++) {
        if (jr_str_eq(tenancy, policy->tenants[i].data,
                      policy->tenants[i].len))
        {
            return JR_AUTH_OK;
        }
    }

    return policy->ntenants ? jr_auth_reason_fail(failure, JR_AUTH_TENANT, "")
                            : JR_AUTH_OK;
}


jr_auth_reason_e
jr_auth_verify(const jr_auth_policy_t *policy, const jr_signature_t *s,
    const jr_signature_request_t *rq, int64_t length, int64_t now,
    jr_auth_identity_t *identity, jr_auth_failure_t *failure)
{
    jr_str_t     jwt;
    jr_digest_t  md;

    memset(failure, 0, sizeof(*failure));

    if (jr_signing_digest(s, rq, length, &md) != JR_OK) {
        return jr_auth_reason_fail(failure, JR_AUTH_UNAVAILABLE, "memory");
    }

    return jr_auth_token_of(s, &jwt)
           ? jr_auth_verify_token(policy, s, &md, jwt, now, identity, failure)
           : jr_auth_verify_key(policy, s, &md, now, identity, failure);
}


static jr_auth_reason_e
jr_auth_verify_key(const jr_auth_policy_t *policy, const jr_signature_t *s,
    const jr_digest_t *md, int64_t now, jr_auth_identity_t *identity,
    jr_auth_failure_t *failure)
{
    jr_auth_key_t  *key;

    key = NULL;

    /* without one, failure has its reason */

    if (jr_auth_key(policy, s, now, &key, failure) != JR_AUTH_OK
        || key == NULL
        || jr_auth_signature(jr_auth_keys_verify(key, md, s->signature,
                                                 s->signature_len), failure)
           != JR_AUTH_OK)
    {
        return failure->reason;
    }

    jr_auth_is(identity, (jr_str_t) jr_str("key"), key->tenancy, key->user);

    return JR_AUTH_OK;
}


static jr_auth_reason_e
jr_auth_verify_token(const jr_auth_policy_t *policy, const jr_signature_t *s,
    const jr_digest_t *md, jr_str_t jwt, int64_t now,
    jr_auth_identity_t *identity, jr_auth_failure_t *failure)
{
    jr_digest_t              digest;
    jr_auth_token_t          token;
    jr_auth_reason_e         rc;
    const jr_auth_cached_t  *cached;
    jr_auth_cache_rules_t    rules;

    if (policy->cache == NULL) {
        return jr_auth_verify_once(policy, s, md, jwt, now, identity, failure);
    }

    if (jr_digest(jwt.data, jwt.len, &digest) != JR_OK) {
        return jr_auth_reason_fail(failure, JR_AUTH_UNAVAILABLE, "memory");
    }

    rules.policy = policy;
    rules.generation = policy->generation;

    cached = jr_auth_cache_find(policy->cache, &digest, &rules, now);

    if (cached == NULL) {
        rc = jr_auth_token_verify(jwt, policy->issuers, policy->nissuers,
                                  policy->min_bits, now, &token, failure);

        if (rc != JR_AUTH_OK) {
            return rc;
        }

        cached = jr_auth_cache_put(policy->cache, &digest, &rules, &token);

        if (cached == NULL) {
            EVP_PKEY_free(token.pkey);
            return jr_auth_reason_fail(failure, JR_AUTH_UNAVAILABLE, "memory");
        }
    }

    return jr_auth_verify_cached(policy, s, md, cached, identity, failure);
}


static jr_auth_reason_e
jr_auth_verify_once(const jr_auth_policy_t *policy, const jr_signature_t *s,
    const jr_digest_t *md, jr_str_t jwt, int64_t now,
    jr_auth_identity_t *identity, jr_auth_failure_t *failure)
{
    jr_auth_token_t   token;
    jr_auth_cached_t  one;
    jr_auth_reason_e  rc;

    rc = jr_auth_token_verify(jwt, policy->issuers, policy->nissuers,
                              policy->min_bits, now, &token, failure);

    if (rc != JR_AUTH_OK) {
        return rc;
    }

    one.tenancy = token.tenancy;
    one.subject = token.subject;
    one.verifier = jr_rsa_verifier(token.pkey);

    rc = one.verifier != NULL
         ? jr_auth_verify_cached(policy, s, md, &one, identity, failure)
         : jr_auth_reason_fail(failure, JR_AUTH_UNAVAILABLE, "memory");

    EVP_PKEY_CTX_free(one.verifier);
    EVP_PKEY_free(token.pkey);

    return rc;
}


static jr_auth_reason_e
jr_auth_verify_cached(const jr_auth_policy_t *policy, const jr_signature_t *s,
    const jr_digest_t *md, const jr_auth_cached_t *token,
    jr_auth_identity_t *identity, jr_auth_failure_t *failure)
{
    if (jr_auth_tenant(policy, token->tenancy, failure) != JR_AUTH_OK
        || jr_auth_signature(jr_rsa_verify(token->verifier, md, s->signature,
                                           s->signature_len), failure)
           != JR_AUTH_OK)
    {
        return failure->reason;
    }

    jr_auth_is(identity, (jr_str_t) jr_str("token"), token->tenancy,
               token->subject);

    return JR_AUTH_OK;
}


static jr_auth_reason_e
jr_auth_signature(jr_status_e rc, jr_auth_failure_t *failure)
{
    switch (rc) {

    case JR_OK:
        return JR_AUTH_OK;

    case JR_INVALID:
        return jr_auth_reason_fail(failure, JR_AUTH_SIGNATURE, "");

    default:
        return jr_auth_reason_fail(failure, JR_AUTH_UNAVAILABLE, "memory");
    }
}


static void
jr_auth_is(jr_auth_identity_t *identity, jr_str_t type, jr_str_t tenancy,
    jr_str_t principal)
{
    identity->type = type;
    identity->tenancy = jr_auth_copy(identity->tenancy_buf, tenancy);
    identity->principal = jr_auth_copy(identity->principal_buf, principal);
}


/* both names are of at most 255 bytes */

static jr_str_t
jr_auth_copy(char *buf, jr_str_t value)
{
    memcpy(buf, value.data, value.len);

    value.data = buf;

    return value;
}
