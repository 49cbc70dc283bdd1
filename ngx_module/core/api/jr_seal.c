/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Seals.
 *
 * Whoever verifies the header may read it in another way than we do, so what
 * is sealed takes in every reading: each text that is or may be a keyId, to
 * the latest end that it may have.  A sender who is known to the verifier by
 * one of them cannot leave it out.
 */

#include <string.h>

#include "jr_decimal.h"
#include "jr_jwt.h"
#include "jr_seal.h"


/* the payload of a token, decoded; in a header that is beyond what
   jr_identity_read() takes, too */
#define JR_SEAL_TOKEN  32768


/* the keyIds of a header, in the order in which they begin */
typedef struct {
    const char  *p;             /* behind the last "=" */
    const char  *end;
    const char  *covered;       /* end of the last one without quotes */
} jr_seal_keys_t;


static jr_status_e jr_seal_header(jr_hasher_t *hasher, jr_str_t value);
static jr_status_e jr_seal_signature(jr_hasher_t *hasher, jr_str_t scheme,
    jr_str_t params);
static int jr_seal_next_key(jr_seal_keys_t *keys, jr_str_t *key);
static jr_status_e jr_seal_token(jr_hasher_t *hasher, jr_str_t token);
static jr_status_e jr_seal_credentials(jr_hasher_t *hasher, jr_str_t scheme,
    jr_str_t credentials);
static jr_status_e jr_seal_params(jr_hasher_t *hasher, jr_str_t scheme,
    jr_str_t params);
static int jr_seal_next_param(jr_str_t *rest, jr_str_t *name,
    jr_str_t *value, jr_str_t *param);
static int jr_seal_is_new(jr_str_t name, jr_str_t value);
static jr_str_t jr_seal_value(const char *p, const char *end);
static jr_status_e jr_seal_scheme(jr_hasher_t *hasher, jr_str_t scheme);
static jr_status_e jr_seal_add(jr_hasher_t *hasher, jr_str_t part);
static jr_str_t jr_seal_skip(const char *p, const char *end);


jr_status_e
jr_seal(jr_str_t authorization, jr_digest_t *seal)
{
    jr_status_e   rc;
    jr_hasher_t  *hasher;

    rc = jr_digest_begin(&hasher);
    if (rc != JR_OK) {
        return rc;
    }

    rc = jr_seal_header(hasher, authorization);
    if (rc != JR_OK) {
        jr_digest_abort(hasher);
        return rc;
    }

    return jr_digest_final(hasher, seal);
}


static jr_status_e
jr_seal_header(jr_hasher_t *hasher, jr_str_t value)
{
    jr_str_t     scheme, rest;
    const char  *p, *end;
    jr_status_e  rc;

    end = value.data + value.len;

    rest = jr_seal_skip(value.data, end);

    for (p = rest.data; p < end && *p != ' ' && *p != '\t'; p++) {
        /* void */
    }

    scheme.data = rest.data;
    scheme.len = (size_t) (p - rest.data);

    rest = jr_seal_skip(p, end);

    if (jr_str_is(scheme, "signature")) {
        return jr_seal_signature(hasher, scheme, rest);
    }

    if (jr_str_is(scheme, "basic")) {
        return jr_seal_credentials(hasher, scheme, rest);
    }

    if (jr_str_is(scheme, "bearer")) {
        rc = jr_seal_token(hasher, rest);

        return rc == JR_INVALID ? jr_seal_credentials(hasher, scheme, rest)
                                : rc;
    }

    return jr_seal_params(hasher, scheme, rest);
}


static jr_status_e
jr_seal_signature(jr_hasher_t *hasher, jr_str_t scheme, jr_str_t params)
{
    size_t          n;
    jr_str_t        key, token;
    jr_status_e     rc;
    jr_seal_keys_t  keys;

    keys.p = params.data;
    keys.end = params.data + params.len;
    keys.covered = params.data;

    for (n = 0; jr_seal_next_key(&keys, &key); n++) {

        rc = JR_INVALID;

        if (key.len > 3 && memcmp(key.data, "ST$", 3) == 0) {
            token.data = key.data + 3;
            token.len = key.len - 3;

            rc = jr_seal_token(hasher, token);
        }

        if (rc == JR_INVALID) {
            rc = jr_seal_add(hasher, (jr_str_t) jr_str("keyid"));

            if (rc == JR_OK) {
                rc = jr_seal_add(hasher, key);
            }
        }

        if (rc != JR_OK) {
            return rc;
        }
    }

    return n ? JR_OK : jr_seal_params(hasher, scheme, params);
}


/*
 * The value behind the next "keyId=" in any case and with blanks around the
 * "=", also within quotes or another name: a reader of its own may see one
 * there.  The search goes on behind the "=", not behind the value, whose end
 * is in doubt.
 *
 * Linear: no two quoted values overlap, since one begins at a quote that ends
 * the other at the latest, and one without quotes that begins within another
 * ends where that does: it is a part of what is sealed and is passed over.
 */

static int
jr_seal_next_key(jr_seal_keys_t *keys, jr_str_t *key)
{
    jr_str_t     word;
    const char  *p;

    for (p = keys->p; keys->end - p > 5; p++) {

        word.data = p;
        word.len = 5;

        if ((*p | 0x20) != 'k' || !jr_str_is(word, "keyid")) {
            continue;
        }

        word = jr_seal_skip(p + 5, keys->end);

        if (word.len == 0 || *word.data != '=') {
            continue;
        }

        word = jr_seal_skip(word.data + 1, keys->end);

        if (word.len == 0 || *word.data != '"') {

            if (word.data < keys->covered) {
                continue;
            }

            *key = jr_seal_value(word.data, keys->end);
            keys->covered = key->data + key->len;

        } else {
            *key = jr_seal_value(word.data, keys->end);
        }

        keys->p = word.data;

        return 1;
    }

    return 0;
}


/* JR_INVALID: nothing was added */

static jr_status_e
jr_seal_token(jr_hasher_t *hasher, jr_str_t token)
{
    jr_str_t           iss, sub;
    jr_arena_t        *arena;
    jr_status_e        rc;
    const jr_value_t  *claims;

    if (token.len == 0 || memchr(token.data, '.', token.len) == NULL) {
        return JR_INVALID;
    }

    arena = jr_arena_create();
    if (arena == NULL) {
        return JR_NO_MEMORY;
    }

    rc = jr_jwt_claims(arena, token, JR_SEAL_TOKEN, &claims);

    if (rc == JR_OK) {
        iss = jr_jwt_claim(claims, "iss");
        sub = jr_jwt_claim(claims, "sub");

        rc = JR_INVALID;

        if (iss.len && sub.len) {
            rc = jr_seal_add(hasher, (jr_str_t) jr_str("jwt"));

            if (rc == JR_OK) {
                rc = jr_seal_add(hasher, iss);
            }

            if (rc == JR_OK) {
                rc = jr_seal_add(hasher, sub);
            }
        }
    }

    jr_arena_free(arena);

    return rc;
}


static jr_status_e
jr_seal_credentials(jr_hasher_t *hasher, jr_str_t scheme,
    jr_str_t credentials)
{
    jr_status_e  rc;

    rc = jr_seal_scheme(hasher, scheme);

    return rc == JR_OK ? jr_seal_add(hasher, credentials) : rc;
}


/* A list of parameters, or what is none: each piece of it is one then. */

static jr_status_e
jr_seal_params(jr_hasher_t *hasher, jr_str_t scheme, jr_str_t params)
{
    size_t       n;
    jr_str_t     rest, name, value, param;
    jr_status_e  rc;

    n = 0;
    rest = params;
    rc = jr_seal_scheme(hasher, scheme);

    while (rc == JR_OK && jr_seal_next_param(&rest, &name, &value, &param)) {

        if (!jr_seal_is_new(name, value)) {
            rc = jr_seal_add(hasher, param);
            n++;
        }
    }

    return rc == JR_OK && n == 0 ? jr_seal_add(hasher, params) : rc;
}


/* *value is from its quote to its quote, where it has some, and empty where
   there is no "=" */

static int
jr_seal_next_param(jr_str_t *rest, jr_str_t *name, jr_str_t *value,
    jr_str_t *param)
{
    int          named;
    jr_str_t     word;
    const char  *p, *end;

    p = rest->data;
    end = p + rest->len;

    while (p < end && (*p == ' ' || *p == '\t' || *p == ',')) {
        p++;
    }

    name->data = p;
    param->data = p;

    while (p < end && *p != '=' && *p != ' ' && *p != '\t' && *p != ','
           && *p != '"')
    {
        p++;
    }

    name->len = (size_t) (p - name->data);

    word = jr_seal_skip(p, end);
    named = word.len && *word.data == '=';

    if (named) {
        p = jr_seal_skip(word.data + 1, end).data;
    }

    value->data = p;

    if (p < end && (named || *p == '"')) {
        word = jr_seal_value(p, end);

        p = word.data + word.len;
        p += *value->data == '"' && p < end;
    }

    value->len = named ? (size_t) (p - value->data) : 0;
    param->len = (size_t) (p - param->data);

    rest->data = p;
    rest->len = (size_t) (end - p);

    return param->len != 0;
}


/*
 * Does a signer make it anew at each try?  A value whose end readers may see
 * in different places is sealed all the same, lest a name hides in it.
 */

static int
jr_seal_is_new(jr_str_t name, jr_str_t value)
{
    size_t  i;

    static const char *const  names[] = {
        "signature", "created", "expires",              /* HTTP signatures */
        "nonce", "cnonce", "nc", "response",            /* Digest */
        "ts", "mac",                                    /* MAC, Hawk */
        "oauth_nonce", "oauth_timestamp", "oauth_signature"
    };

    if (value.len == 0) {
        return 0;
    }

    if (value.data[0] == '"') {

        if (value.len == 1 || value.data[value.len - 1] != '"') {
            return 0;
        }

        value.data++;
        value.len -= 2;
    }

    for (i = 0; i < value.len; i++) {
        if (value.data[i] == '\\' || value.data[i] == '"') {
            return 0;
        }
    }

    for (i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        if (jr_str_is(name, names[i])) {
            return 1;
        }
    }

    return 0;
}


/* A quoted value ends at the first quote without a "\" before it, for those
   who know no "\" at an earlier one. */

static jr_str_t
jr_seal_value(const char *p, const char *end)
{
    jr_str_t  value;

    value.data = p;

    if (p < end && *p == '"') {
        value.data = ++p;

        while (p < end && *p != '"') {
            p += *p == '\\' && end - p > 1 ? 2 : 1;
        }

    } else {
        while (p < end && *p != ',' && *p != ' ' && *p != '\t') {
            p++;
        }
    }

    value.len = (size_t) (p - value.data);

    return value;
}


/* a scheme is the same in any case (RFC 9110, 11.1) */

static jr_status_e
jr_seal_scheme(jr_hasher_t *hasher, jr_str_t scheme)
{
    char         lower[64];
    size_t       i;
    jr_status_e  rc;

    if (scheme.len <= sizeof(lower)) {

        for (i = 0; i < scheme.len; i++) {
            lower[i] = scheme.data[i] >= 'A' && scheme.data[i] <= 'Z'
                       ? (char) (scheme.data[i] | 0x20) : scheme.data[i];
        }

        scheme.data = lower;
    }

    rc = jr_seal_add(hasher, (jr_str_t) jr_str("credentials"));

    return rc == JR_OK ? jr_seal_add(hasher, scheme) : rc;
}


/* as jr_digest_parts() does, so that no two lists of parts are one */

static jr_status_e
jr_seal_add(jr_hasher_t *hasher, jr_str_t part)
{
    char         len[JR_DECIMAL_LEN + 1], *p;
    jr_status_e  rc;

    p = jr_decimal(len, part.len);
    *p++ = ':';

    rc = jr_digest_update(hasher, len, (size_t) (p - len));

    if (rc == JR_OK && part.len) {
        rc = jr_digest_update(hasher, part.data, part.len);
    }

    return rc;
}


/* what is left behind blanks */

static jr_str_t
jr_seal_skip(const char *p, const char *end)
{
    jr_str_t  rest;

    while (p < end && (*p == ' ' || *p == '\t')) {
        p++;
    }

    rest.data = p;
    rest.len = (size_t) (end - p);

    return rest;
}
