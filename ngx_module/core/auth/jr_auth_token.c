/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Session tokens.
 *
 * The order is that of cost: sizes, the header, the claims, RSA.  A claim
 * counts for nothing before the token's signature is verified, but for refusing
 * it; and of a forged token not even the key is read.
 */

#include <string.h>

#include <jansson.h>

#include "jr_auth_keys_read.h"
#include "jr_auth_token.h"
#include "jr_base64.h"
#include "jr_identity.h"


/* the parts of a JWT in its compact form (RFC 7515, 7.1) */
typedef struct {
    jr_str_t  signed_part;      /* header and payload with the dot between */
    jr_str_t  header;
    jr_str_t  payload;
    jr_str_t  signature;
} jr_auth_token_parts_t;


static jr_auth_reason_e jr_auth_token_cut(jr_str_t jwt,
    jr_auth_token_parts_t *parts, jr_auth_failure_t *failure);
static jr_auth_reason_e jr_auth_token_json(jr_str_t encoded, size_t most,
    json_t **json, jr_auth_failure_t *failure);
static jr_auth_reason_e jr_auth_token_header(const json_t *header,
    jr_auth_failure_t *failure);
static jr_auth_reason_e jr_auth_token_issuer(const json_t *claims,
    const jr_auth_issuer_t *issuers, size_t n,
    const jr_auth_issuer_t **issuer, jr_auth_failure_t *failure);
static int jr_auth_token_is_for(const json_t *claims, jr_str_t audience);
static jr_auth_reason_e jr_auth_token_key(const json_t *header,
    const jr_auth_issuer_t *issuer, unsigned min_bits, int64_t now,
    jr_auth_key_t **key, jr_auth_failure_t *failure);
static jr_auth_reason_e jr_auth_token_times(const json_t *claims, int64_t now,
    jr_auth_token_t *token, jr_auth_failure_t *failure);
static jr_auth_reason_e jr_auth_token_owner(const json_t *claims,
    jr_auth_token_t *token, jr_auth_failure_t *failure);
static int jr_auth_token_take(const json_t *claims, const char *name,
    char *buf, jr_str_t *out);
static jr_auth_reason_e jr_auth_token_jwk(const json_t *claims,
    unsigned min_bits, jr_auth_token_t *token, jr_auth_failure_t *failure);
static jr_auth_reason_e jr_auth_token_signature(
    const jr_auth_token_parts_t *parts, jr_auth_key_t *key,
    jr_auth_failure_t *failure);
static jr_auth_reason_e jr_auth_token_claims(
    const jr_auth_token_parts_t *parts, const json_t *header,
    const json_t *claims, const jr_auth_issuer_t *issuers, size_t n,
    unsigned min_bits, int64_t now, jr_auth_token_t *token,
    jr_auth_failure_t *failure);
static jr_str_t jr_auth_token_string(const json_t *object, const char *name);


jr_auth_reason_e
jr_auth_token_verify(jr_str_t jwt, const jr_auth_issuer_t *issuers, size_t n,
    unsigned min_bits, int64_t now, jr_auth_token_t *token,
    jr_auth_failure_t *failure)
{
    json_t                 *header, *claims;
    jr_auth_reason_e        rc;
    jr_auth_token_parts_t   parts;

    memset(failure, 0, sizeof(*failure));

    if (n == 0) {
        return jr_auth_reason_fail(failure, JR_AUTH_TOKEN_ISSUER, "");
    }

    rc = jr_auth_token_cut(jwt, &parts, failure);

    if (rc != JR_AUTH_OK) {
        return rc;
    }

    rc = jr_auth_token_json(parts.header, JR_AUTH_TOKEN_HEADER, &header,
                            failure);

    if (rc != JR_AUTH_OK) {
        return rc;
    }

    claims = NULL;
    rc = jr_auth_token_header(header, failure);

    if (rc == JR_AUTH_OK) {
        rc = jr_auth_token_json(parts.payload, JR_AUTH_TOKEN_PAYLOAD, &claims,
                                failure);
    }

    if (rc == JR_AUTH_OK) {
        rc = jr_auth_token_claims(&parts, header, claims, issuers, n, min_bits,
                                  now, token, failure);
    }

    json_decref(claims);
    json_decref(header);

    return rc;
}


static jr_auth_reason_e
jr_auth_token_claims(const jr_auth_token_parts_t *parts, const json_t *header,
    const json_t *claims, const jr_auth_issuer_t *issuers, size_t n,
    unsigned min_bits, int64_t now, jr_auth_token_t *token,
    jr_auth_failure_t *failure)
{
    jr_auth_key_t           *key;
    const jr_auth_issuer_t  *issuer;

    if (jr_auth_token_issuer(claims, issuers, n, &issuer, failure)
        != JR_AUTH_OK
        || jr_auth_token_times(claims, now, token, failure) != JR_AUTH_OK
        || jr_auth_token_key(header, issuer, min_bits, now, &key, failure)
           != JR_AUTH_OK
        || jr_auth_token_owner(claims, token, failure) != JR_AUTH_OK
        || jr_auth_token_signature(parts, key, failure) != JR_AUTH_OK
        || jr_auth_token_jwk(claims, min_bits, token, failure) != JR_AUTH_OK)
    {
        return failure->reason;
    }

    if (key->not_after && (double) key->not_after < token->until) {
        token->until = (double) key->not_after;
    }

    return JR_AUTH_OK;
}


static jr_auth_reason_e
jr_auth_token_cut(jr_str_t jwt, jr_auth_token_parts_t *parts,
    jr_auth_failure_t *failure)
{
    const char  *one, *two, *end;

    if (jwt.len > JR_AUTH_TOKEN_MOST) {
        return jr_auth_reason_fail(failure, JR_AUTH_TOKEN_MALFORMED,
                                   "too long");
    }

    end = jwt.data + jwt.len;
    one = jwt.len ? memchr(jwt.data, '.', jwt.len) : NULL;
    two = one ? memchr(one + 1, '.', (size_t) (end - one - 1)) : NULL;

    if (two == NULL || memchr(two + 1, '.', (size_t) (end - two - 1)) != NULL)
    {
        return jr_auth_reason_fail(failure, JR_AUTH_TOKEN_MALFORMED, "parts");
    }

    parts->header.data = jwt.data;
    parts->header.len = (size_t) (one - jwt.data);
    parts->payload.data = one + 1;
    parts->payload.len = (size_t) (two - one - 1);
    parts->signature.data = two + 1;
    parts->signature.len = (size_t) (end - two - 1);
    parts->signed_part.data = jwt.data;
    parts->signed_part.len = (size_t) (two - jwt.data);

    return JR_AUTH_OK;
}


static jr_auth_reason_e
jr_auth_token_json(jr_str_t encoded, size_t most, json_t **json,
    jr_auth_failure_t *failure)
{
    size_t         len;
    json_t        *read;
    json_error_t   error;
    unsigned char  text[JR_AUTH_TOKEN_PAYLOAD];

    if (jr_base64_decode(encoded, JR_BASE64_URL, text, most, &len) != JR_OK) {
        return jr_auth_reason_fail(failure, JR_AUTH_TOKEN_MALFORMED, "base64");
    }

    read = json_loadb((const char *) text, len, JSON_REJECT_DUPLICATES,
                      &error);

    if (read == NULL
        && json_error_code(&error) == json_error_out_of_memory)
    {
        return jr_auth_reason_fail(failure, JR_AUTH_UNAVAILABLE, "memory");
    }

    if (!json_is_object(read)) {
        json_decref(read);
        return jr_auth_reason_fail(failure, JR_AUTH_TOKEN_MALFORMED, "JSON");
    }

    *json = read;

    return JR_AUTH_OK;
}


/* The one algorithm that there is: a token does not choose it ("none", or
   HS256 with a public key for its secret).  What "crit" lists has to be
   understood (RFC 7515, 4.1.11), and nothing is. */

static jr_auth_reason_e
jr_auth_token_header(const json_t *header, jr_auth_failure_t *failure)
{
    if (!jr_str_eq(jr_auth_token_string(header, "alg"), "RS256", 5)) {
        return jr_auth_reason_fail(failure, JR_AUTH_TOKEN_ALGORITHM, "");
    }

    if (json_object_get(header, "crit") != NULL) {
        return jr_auth_reason_fail(failure, JR_AUTH_TOKEN_MALFORMED, "crit");
    }

    return JR_AUTH_OK;
}


static jr_auth_reason_e
jr_auth_token_issuer(const json_t *claims, const jr_auth_issuer_t *issuers,
    size_t n, const jr_auth_issuer_t **issuer, jr_auth_failure_t *failure)
{
    size_t    i;
    jr_str_t  iss;

    iss = jr_auth_token_string(claims, "iss");

    for (i = 0; i < n && iss.len; i++) {

        if (!jr_str_eq(issuers[i].name, iss.data, iss.len)) {
            continue;
        }

        if (issuers[i].audience.len
            && !jr_auth_token_is_for(claims, issuers[i].audience))
        {
            return jr_auth_reason_fail(failure, JR_AUTH_TOKEN_AUDIENCE, "");
        }

        *issuer = &issuers[i];

        return JR_AUTH_OK;
    }

    return jr_auth_reason_fail(failure, JR_AUTH_TOKEN_ISSUER, "");
}


/* aud is a string, or an array of strings (RFC 7519, 4.1.3) */

static int
jr_auth_token_is_for(const json_t *claims, jr_str_t audience)
{
    size_t         i;
    const json_t  *aud, *one;

    aud = json_object_get(claims, "aud");

    for (i = 0; i == 0 || i < json_array_size(aud); i++) {
        one = json_is_array(aud) ? json_array_get(aud, i) : aud;

        if (json_is_string(one)
            && jr_str_eq(audience, json_string_value(one),
                         json_string_length(one)))
        {
            return 1;
        }
    }

    return 0;
}


static jr_auth_reason_e
jr_auth_token_times(const json_t *claims, int64_t now,
    jr_auth_token_t *token, jr_auth_failure_t *failure)
{
    const json_t  *exp, *nbf;

    /* they may have a fraction (RFC 7519, 2), and be of any size */

    exp = json_object_get(claims, "exp");
    nbf = json_object_get(claims, "nbf");

    if (!json_is_number(exp)) {
        return jr_auth_reason_fail(failure, JR_AUTH_TOKEN_MALFORMED, "exp");
    }

    if (nbf != NULL && !json_is_number(nbf)) {
        return jr_auth_reason_fail(failure, JR_AUTH_TOKEN_MALFORMED, "nbf");
    }

    token->until = json_number_value(exp) + JR_AUTH_TOKEN_LEEWAY;
    token->from = nbf != NULL ? json_number_value(nbf) - JR_AUTH_TOKEN_LEEWAY
                              : 0;

    if ((double) now >= token->until) {
        return jr_auth_reason_fail(failure, JR_AUTH_TOKEN_EXPIRED, "");
    }

    if ((double) now < token->from) {
        return jr_auth_reason_fail(failure, JR_AUTH_TOKEN_EARLY, "");
    }

    return JR_AUTH_OK;
}


static jr_auth_reason_e
jr_auth_token_key(const json_t *header, const jr_auth_issuer_t *issuer,
    unsigned min_bits, int64_t now, jr_auth_key_t **key,
    jr_auth_failure_t *failure)
{
    jr_auth_key_t  *found;

    if (issuer->keys == NULL) {
        return jr_auth_reason_fail(failure, JR_AUTH_UNAVAILABLE, "issuer");
    }

    found = jr_auth_keys_find(issuer->keys,
                              jr_auth_token_string(header, "kid"));

    if (found == NULL) {
        return jr_auth_reason_fail(failure, JR_AUTH_TOKEN_KEY, "unknown");
    }

    if (!found->active) {
        return jr_auth_reason_fail(failure, JR_AUTH_TOKEN_KEY, "inactive");
    }

    if (found->not_after && now >= found->not_after) {
        return jr_auth_reason_fail(failure, JR_AUTH_TOKEN_KEY, "expired");
    }

    if (found->bits < min_bits) {
        return jr_auth_reason_fail(failure, JR_AUTH_TOKEN_KEY, "weak");
    }

    *key = found;

    return JR_AUTH_OK;
}


/* the claims in the order of jr_identity_read() */

static jr_auth_reason_e
jr_auth_token_owner(const json_t *claims, jr_auth_token_t *token,
    jr_auth_failure_t *failure)
{
    if (!jr_auth_token_take(claims, "res_tenant", token->tenancy_buf,
                            &token->tenancy)
        && !jr_auth_token_take(claims, "tenant", token->tenancy_buf,
                               &token->tenancy)
        && !jr_auth_token_take(claims, "opc-tenant", token->tenancy_buf,
                               &token->tenancy))
    {
        return jr_auth_reason_fail(failure, JR_AUTH_TOKEN_MALFORMED, "tenant");
    }

    if (!jr_auth_token_take(claims, "sub", token->subject_buf,
                            &token->subject))
    {
        return jr_auth_reason_fail(failure, JR_AUTH_TOKEN_MALFORMED, "sub");
    }

    return JR_AUTH_OK;
}


static int
jr_auth_token_take(const json_t *claims, const char *name, char *buf,
    jr_str_t *out)
{
    return jr_identity_take(jr_auth_token_string(claims, name), buf, out);
}


/* Oracle's issuer writes the key as a string of JSON. */

static jr_auth_reason_e
jr_auth_token_jwk(const json_t *claims, unsigned min_bits,
    jr_auth_token_t *token, jr_auth_failure_t *failure)
{
    json_t        *read;
    jr_str_t       text;
    EVP_PKEY      *pkey;
    const char    *what;
    jr_status_e    rc;
    const json_t  *jwk;
    json_error_t   error;

    jwk = json_object_get(claims, "jwk");
    text = jr_auth_token_string(claims, "jwk");
    read = NULL;

    if (text.len) {
        read = json_loadb(text.data, text.len, JSON_REJECT_DUPLICATES, &error);
        jwk = read;

        if (read == NULL
            && json_error_code(&error) == json_error_out_of_memory)
        {
            return jr_auth_reason_fail(failure, JR_AUTH_UNAVAILABLE, "memory");
        }
    }

    if (!json_is_object(jwk)) {
        json_decref(read);
        return jr_auth_reason_fail(failure, JR_AUTH_TOKEN_JWK, "JSON");
    }

    rc = jr_auth_keys_read_jwk(jwk, &pkey, &what);

    json_decref(read);

    if (rc == JR_NO_MEMORY) {
        return jr_auth_reason_fail(failure, JR_AUTH_UNAVAILABLE, "memory");
    }

    if (rc != JR_OK) {
        return jr_auth_reason_fail(failure, JR_AUTH_TOKEN_JWK, "key");
    }

    if (jr_rsa_bits(pkey) < min_bits) {
        EVP_PKEY_free(pkey);
        return jr_auth_reason_fail(failure, JR_AUTH_TOKEN_JWK, "weak");
    }

    token->pkey = pkey;

    return JR_AUTH_OK;
}


static jr_auth_reason_e
jr_auth_token_signature(const jr_auth_token_parts_t *parts,
    jr_auth_key_t *key, jr_auth_failure_t *failure)
{
    size_t          len;
    jr_digest_t     md;
    jr_status_e     rc;
    unsigned char   signature[JR_RSA_BYTES];

    if (jr_base64_decode(parts->signature, JR_BASE64_URL, signature,
                         sizeof(signature), &len)
        != JR_OK)
    {
        return jr_auth_reason_fail(failure, JR_AUTH_TOKEN_MALFORMED, "base64");
    }

    rc = jr_digest(parts->signed_part.data, parts->signed_part.len, &md);

    if (rc == JR_OK) {
        rc = jr_auth_keys_verify(key, &md, signature, len);
    }

    if (rc == JR_NO_MEMORY) {
        return jr_auth_reason_fail(failure, JR_AUTH_UNAVAILABLE, "memory");
    }

    return rc == JR_OK ? JR_AUTH_OK
                       : jr_auth_reason_fail(failure, JR_AUTH_TOKEN_SIGNATURE,
                                             "");
}


/* len 0: there is none, or it is not a string */

static jr_str_t
jr_auth_token_string(const json_t *object, const char *name)
{
    jr_str_t       text;
    const json_t  *value;

    value = json_object_get(object, name);

    text.data = json_string_value(value);
    text.len = json_string_length(value);

    return text;
}
