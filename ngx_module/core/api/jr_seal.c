/*
 * Seals.
 *
 * Whoever verifies the header may read it in another way than we do, so what
 * is sealed takes in every reading: each text that is or may be a keyId, to
 * the latest end that it may have.  A sender who is known to the verifier by
 * one of them cannot leave it out.
 */

#include <string.h>

#include "jr_jwt.h"
#include "jr_seal.h"


/* keyIds that are looked at one by one; genuine headers have one */
#define JR_SEAL_KEYS  8


static jr_status_e jr_seal_keys(jr_str_t scheme, jr_str_t params,
    jr_digest_t *seal);
static int jr_seal_next_key(jr_str_t *rest, jr_str_t *key);
static jr_str_t jr_seal_value(const char *p, const char *end);
static jr_status_e jr_seal_bearer(jr_str_t scheme, jr_str_t token,
    jr_digest_t *seal);
static jr_status_e jr_seal_parts(const char *kind, jr_str_t one, jr_str_t two,
    jr_digest_t *seal);
static jr_str_t jr_seal_skip(const char *p, const char *end);


jr_status_e
jr_seal(jr_str_t authorization, jr_digest_t *seal)
{
    jr_str_t     scheme, rest;
    const char  *p, *end;

    p = authorization.data;
    end = p + authorization.len;

    rest = jr_seal_skip(p, end);
    p = rest.data;

    scheme.data = p;

    while (p < end && *p != ' ' && *p != '\t') {
        p++;
    }

    scheme.len = (size_t) (p - scheme.data);
    rest = jr_seal_skip(p, end);

    if (jr_str_is(scheme, "signature")) {
        return jr_seal_keys(scheme, rest, seal);
    }

    if (jr_str_is(scheme, "bearer")) {
        return jr_seal_bearer(scheme, rest, seal);
    }

    return jr_seal_parts("credentials", scheme, rest, seal);
}


/* A Signature without a keyId is a scheme of somebody's own. */

static jr_status_e
jr_seal_keys(jr_str_t scheme, jr_str_t params, jr_digest_t *seal)
{
    size_t     n;
    jr_str_t   rest, parts[1 + JR_SEAL_KEYS];

    rest = params;

    for (n = 1; jr_seal_next_key(&rest, &parts[n]); n++) {
        if (n == JR_SEAL_KEYS) {
            return jr_seal_parts("credentials", scheme, params, seal);
        }
    }

    if (n == 1) {
        return jr_seal_parts("credentials", scheme, params, seal);
    }

    parts[0] = (jr_str_t) jr_str("keyid");

    return jr_digest_parts(parts, n, seal);
}


/*
 * The value behind the next "keyId=" in any case and with blanks around the
 * "=", also within quotes or another name: a reader of its own may see one
 * there.  The search goes on behind the "=", not behind the value, whose end
 * is in doubt.
 */

static int
jr_seal_next_key(jr_str_t *rest, jr_str_t *key)
{
    jr_str_t     word;
    const char  *p, *end;

    p = rest->data;
    end = p + rest->len;

    for ( /* void */ ; end - p > 5; p++) {

        word.data = p;
        word.len = 5;

        if ((*p | 0x20) != 'k' || !jr_str_is(word, "keyid")) {
            continue;
        }

        word = jr_seal_skip(p + 5, end);

        if (word.len == 0 || *word.data != '=') {
            continue;
        }

        *rest = jr_seal_skip(word.data + 1, end);
        *key = jr_seal_value(rest->data, end);

        return 1;
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


static jr_status_e
jr_seal_bearer(jr_str_t scheme, jr_str_t token, jr_digest_t *seal)
{
    jr_str_t           iss, sub;
    jr_arena_t        *arena;
    jr_status_e        rc;
    const jr_value_t  *claims;

    arena = jr_arena_create();
    if (arena == NULL) {
        return JR_NO_MEMORY;
    }

    rc = jr_jwt_claims(arena, token, &claims);

    if (rc == JR_OK) {
        iss = jr_jwt_claim(claims, "iss");
        sub = jr_jwt_claim(claims, "sub");

        rc = iss.len && sub.len ? jr_seal_parts("jwt", iss, sub, seal)
                                : JR_INVALID;
    }

    if (rc == JR_INVALID) {
        rc = jr_seal_parts("credentials", scheme, token, seal);
    }

    jr_arena_free(arena);

    return rc;
}


static jr_status_e
jr_seal_parts(const char *kind, jr_str_t one, jr_str_t two, jr_digest_t *seal)
{
    char      scheme[64];
    size_t    i;
    jr_str_t  parts[3];

    parts[0].data = kind;
    parts[0].len = strlen(kind);
    parts[1] = one;
    parts[2] = two;

    /* a scheme is the same in any case (RFC 9110, 11.1) */

    if (strcmp(kind, "credentials") == 0 && one.len <= sizeof(scheme)) {

        for (i = 0; i < one.len; i++) {
            scheme[i] = one.data[i] >= 'A' && one.data[i] <= 'Z'
                        ? (char) (one.data[i] | 0x20) : one.data[i];
        }

        parts[1].data = scheme;
    }

    return jr_digest_parts(parts, 3, seal);
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
