/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Authorization: Signature keyId="...",headers="...",...
 *
 * Every size is bounded before anything is decoded, since all of it comes
 * from a client that nobody has verified.
 */

#include "jr_alnum.h"
#include "jr_digest.h"
#include "jr_identity.h"
#include "jr_jwt.h"
#include "jr_parameter.h"


/* the payload of a session token, decoded; real ones are below 3 KB */
#define JR_IDENTITY_TOKEN  8192


/* what stands in keys as it is */
static const unsigned char  jr_identity_in_key[256] = {
    JR_ALNUM, ['.'] = 1, ['_'] = 1, [':'] = 1, ['-'] = 1
};


static int jr_identity_holds(jr_str_t text, int first, const char *name);
static int jr_identity_parameters(jr_str_t value, jr_identity_t *identity,
    jr_str_t *key);
static jr_status_e jr_identity_key(jr_str_t key, jr_identity_t *identity);
static jr_status_e jr_identity_token(jr_str_t token, jr_identity_t *identity);
static jr_status_e jr_identity_claims(const jr_value_t *claims,
    jr_identity_t *identity);
static int jr_identity_cut(jr_str_t *rest, jr_str_t *part);


jr_status_e
jr_identity_read(jr_str_t authorization, jr_identity_t *identity)
{
    jr_str_t  key;

    /* whoever verifies might take the other of two */

    if (jr_identity_parameters(authorization, identity, &key) != 1) {
        return JR_INVALID;
    }

    if (key.len > 3 && memcmp(key.data, "ST$", 3) == 0) {
        identity->auth_type = (jr_str_t) jr_str("token");
        identity->credential = (jr_str_t) jr_str("ST$");

        key.data += 3;
        key.len -= 3;

        return jr_identity_token(key, identity);
    }

    return jr_identity_key(key, identity);
}


int
jr_identity_header_signs(jr_str_t authorization, const char *name)
{
    jr_str_t       key;
    jr_identity_t  identity;

    if (!jr_identity_holds(authorization, name[0], name)
        && !jr_identity_holds(authorization, name[0] & ~0x20, name))
    {
        return 0;
    }

    (void) jr_identity_parameters(authorization, &identity, &key);

    return jr_identity_signs(&identity, name);
}


/* Is name somewhere in text, beginning with first?  This costs a tenth of
   reading the parameters, and most signatures do not have the name. */

static int
jr_identity_holds(jr_str_t text, int first, const char *name)
{
    size_t       len;
    jr_str_t     at;
    const char  *end;

    len = strlen(name);

    at.data = text.data;
    end = text.data + text.len;

    while ((size_t) (end - at.data) >= len) {
        at.len = end - at.data - len + 1;
        at.data = memchr(at.data, first, at.len);

        if (at.data == NULL) {
            return 0;
        }

        at.len = len;

        if (jr_str_is(at, name)) {
            return 1;
        }

        at.data++;
    }

    return 0;
}


/* initialises *identity and finds in it what needs no decoding; the number of
   keyIds, the last of which is *key, or -1 if it is no Signature */

static int
jr_identity_parameters(jr_str_t value, jr_identity_t *identity, jr_str_t *key)
{
    int       rc, keys;
    jr_str_t  name, text;

    static const char  scheme[] = "signature ";

    memset(identity, 0, offsetof(jr_identity_t, tenancy_buf));
    identity->auth_type = (jr_str_t) jr_str("");

    if (value.len < sizeof(scheme) - 1 || value.len > JR_AUTHORIZATION_MAX) {
        return -1;
    }

    text.data = value.data;
    text.len = sizeof(scheme) - 1;

    if (!jr_str_is(text, scheme)) {
        return -1;
    }

    value.data += text.len;
    value.len -= text.len;

    keys = 0;
    *key = (jr_str_t) jr_str("");

    while ((rc = jr_parameter_next(&value, &name, &text)) > 0) {

        if (jr_str_is(name, "keyid")) {
            keys++;
            *key = text;

        } else if (jr_str_is(name, "headers")
                   && identity->signed_headers.len == 0)
        {
            identity->signed_headers = text;
        }
    }

    return rc < 0 ? -1 : keys;
}


static jr_status_e
jr_identity_key(jr_str_t key, jr_identity_t *identity)
{
    jr_str_t  rest, first, second, third;

    rest = key;

    if (!jr_identity_cut(&rest, &first) || !jr_identity_cut(&rest, &second)) {
        return JR_INVALID;
    }

    if (jr_str_eq(first, "resource", 8)) {

        /* resource/v2.1 names no tenancy */

        if (!(jr_str_eq(second, "v2.1.1", 6) || jr_str_eq(second, "v2.1.2", 6))
            || !jr_identity_cut(&rest, &third))
        {
            return JR_INVALID;
        }

        identity->auth_type = (jr_str_t) jr_str("resource");
        first = third;
        second = rest;

    } else {
        identity->auth_type = (jr_str_t) jr_str("key");

        /* of "t/idp/ann/f" nobody knows where the user ends, and "idp" would
           be one principal for all of its users */

        if (rest.len && memchr(rest.data, '/', rest.len) != NULL) {
            return JR_INVALID;
        }
    }

    if (rest.len == 0
        || !jr_identity_take(first, identity->tenancy_buf,
                             &identity->tenancy)
        || !jr_identity_take(second, identity->principal_buf,
                             &identity->principal))
    {
        identity->tenancy.len = 0;
        identity->principal.len = 0;
        return JR_INVALID;
    }

    identity->credential = key;

    return JR_OK;
}


/* cuts the part before the next "/" off; 0 if there is no "/" */

static int
jr_identity_cut(jr_str_t *rest, jr_str_t *part)
{
    const char  *slash;

    slash = memchr(rest->data, '/', rest->len);
    if (slash == NULL) {
        return 0;
    }

    part->data = rest->data;
    part->len = slash - rest->data;

    rest->len -= part->len + 1;
    rest->data = slash + 1;

    return 1;
}


int
jr_identity_take(jr_str_t value, char *buf, jr_str_t *out)
{
    size_t         i;
    unsigned char  c;

    if (value.len == 0 || value.len > JR_IDENTITY_MAX) {
        return 0;
    }

    for (i = 0; i < value.len; i++) {
        c = (unsigned char) value.data[i];

        if (c < 0x20 || c == 0x7f) {
            return 0;
        }
    }

    memcpy(buf, value.data, value.len);

    out->data = buf;
    out->len = value.len;

    return 1;
}


static jr_status_e
jr_identity_token(jr_str_t token, jr_identity_t *identity)
{
    jr_arena_t        *arena;
    jr_status_e        rc;
    const jr_value_t  *claims;

    arena = jr_arena_create();
    if (arena == NULL) {
        return JR_NO_MEMORY;
    }

    rc = jr_jwt_claims(arena, token, JR_IDENTITY_TOKEN, &claims);

    if (rc == JR_OK) {
        rc = jr_identity_claims(claims, identity);
    }

    jr_arena_free(arena);

    return rc;
}


static jr_status_e
jr_identity_claims(const jr_value_t *claims, jr_identity_t *identity)
{
    size_t  i;

    /* a resource principal's token carries its resource's tenancy in
       res_tenant; tenant may then be the service's own */

    static const char *const  tenants[] = {
        "res_tenant", "tenant", "opc-tenant"
    };

    for (i = 0; i < sizeof(tenants) / sizeof(tenants[0]); i++) {

        if (jr_identity_take(jr_jwt_claim(claims, tenants[i]),
                             identity->tenancy_buf, &identity->tenancy))
        {
            break;
        }
    }

    (void) jr_identity_take(jr_jwt_claim(claims, "sub"),
                            identity->principal_buf, &identity->principal);

    return identity->tenancy.len ? JR_OK : JR_INVALID;
}


int
jr_identity_signs(const jr_identity_t *identity, const char *name)
{
    jr_str_t     list, one;
    const char  *blank;

    list = identity->signed_headers;

    while (list.len) {
        blank = memchr(list.data, ' ', list.len);

        one.data = list.data;
        one.len = blank ? (size_t) (blank - list.data) : list.len;

        if (jr_str_is(one, name)) {
            return 1;
        }

        list.data += one.len;
        list.len -= one.len;

        if (blank) {
            list.data++;
            list.len--;
        }
    }

    return 0;
}


jr_status_e
jr_identity_name(jr_str_t value, char buf[JR_NAME_DIGEST], jr_str_t *name)
{
    size_t       i;
    jr_digest_t  md;
    jr_status_e  rc;

    for (i = 0; i < value.len; i++) {
        if (!jr_identity_in_key[(unsigned char) value.data[i]]) {
            break;
        }
    }

    if (i == value.len && i > 0 && i <= JR_NAME_MAX) {
        *name = value;
        return JR_OK;
    }

    rc = jr_digest(value.data, value.len, &md);
    if (rc != JR_OK) {
        return rc;
    }

    buf[0] = '~';
    jr_digest_hex(&md, buf + 1);

    name->data = buf;
    name->len = JR_NAME_DIGEST;

    return JR_OK;
}
