/*
 * Authorization: Signature keyId="...",headers="...",...
 *
 * Every size is bounded before anything is decoded, since all of it comes
 * from a client that nobody has verified.
 */

#include <stdlib.h>
#include <jansson.h>

#include "jr_digest.h"
#include "jr_identity.h"
#include "jr_json.h"


/* the payload of a session token, decoded; real ones are below 3 KB */
#define JR_JWT_MAX  8192


static jr_str_t jr_identity_parameter(jr_str_t value, const char *name);
static jr_status_e jr_identity_key(jr_str_t key, jr_identity_t *identity);
static jr_status_e jr_identity_token(jr_str_t token, jr_identity_t *identity);
static jr_status_e jr_identity_claims(json_t *claims,
    jr_identity_t *identity);
static int jr_identity_cut(jr_str_t *rest, jr_str_t *part);
static int jr_identity_take(jr_str_t value, char *buf, jr_str_t *out);
static int jr_identity_base64url(jr_str_t in, char *out);


jr_status_e
jr_identity_read(jr_str_t value, jr_identity_t *identity)
{
    jr_str_t  key;

    static const char  scheme[] = "signature ";

    memset(identity, 0, offsetof(jr_identity_t, tenancy_buf));
    identity->auth_type = (jr_str_t) jr_str("");

    if (value.len < sizeof(scheme) - 1 || value.len > JR_AUTHORIZATION_MAX) {
        return JR_INVALID;
    }

    for (size_t i = 0; i < sizeof(scheme) - 1; i++) {
        if ((value.data[i] | 0x20) != scheme[i]) {
            return JR_INVALID;
        }
    }

    value.data += sizeof(scheme) - 1;
    value.len -= sizeof(scheme) - 1;

    identity->signed_headers = jr_identity_parameter(value, "headers");

    key = jr_identity_parameter(value, "keyid");

    if (key.len > 3 && memcmp(key.data, "ST$", 3) == 0) {
        identity->auth_type = (jr_str_t) jr_str("token");
        identity->credential = (jr_str_t) jr_str("ST$");

        key.data += 3;
        key.len -= 3;

        return jr_identity_token(key, identity);
    }

    return jr_identity_key(key, identity);
}


/*
 * A parameter of the list name="value", in any order, blanks allowed around
 * the commas.  A quoted value holds no quotes (keyId, headers and the
 * signature are all of a narrower alphabet).
 */

static jr_str_t
jr_identity_parameter(jr_str_t value, const char *wanted)
{
    size_t       i, len;
    jr_str_t     found;
    const char  *end;

    len = strlen(wanted);

    for ( ;; ) {

        while (value.len && (*value.data == ' ' || *value.data == '\t'
                             || *value.data == ','))
        {
            value.data++;
            value.len--;
        }

        end = memchr(value.data, '=', value.len);
        if (end == NULL) {
            break;
        }

        for (i = 0; i < len && value.data + i < end; i++) {
            if ((value.data[i] | 0x20) != wanted[i]) {
                break;
            }
        }

        found.data = value.data;
        found.len = (i == len && value.data + i == end);

        value.len -= end + 1 - value.data;
        value.data = end + 1;

        if (value.len && *value.data == '"') {
            value.data++;
            value.len--;
            end = memchr(value.data, '"', value.len);

        } else {
            end = memchr(value.data, ',', value.len);

            if (end == NULL) {
                end = value.data + value.len;
            }
        }

        if (end == NULL) {
            break;
        }

        if (found.len) {
            found.data = value.data;
            found.len = end - value.data;
            return found;
        }

        i = end - value.data;

        if (i < value.len) {
            i++;                        /* the quote or the comma */
        }

        value.data += i;
        value.len -= i;
    }

    found.data = "";
    found.len = 0;

    return found;
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


static int
jr_identity_take(jr_str_t value, char *buf, jr_str_t *out)
{
    if (value.len == 0 || value.len > JR_IDENTITY_MAX) {
        return 0;
    }

    memcpy(buf, value.data, value.len);

    out->data = buf;
    out->len = value.len;

    return 1;
}


static jr_status_e
jr_identity_token(jr_str_t token, jr_identity_t *identity)
{
    int               len;
    char             *text;
    json_t           *claims;
    jr_str_t          payload;
    jr_status_e       rc;
    const char       *dot, *end;
    jr_json_error_t   err;

    dot = memchr(token.data, '.', token.len);
    if (dot == NULL) {
        return JR_INVALID;
    }

    payload.data = dot + 1;
    payload.len = token.data + token.len - payload.data;

    end = memchr(payload.data, '.', payload.len);
    if (end == NULL) {
        return JR_INVALID;
    }

    payload.len = end - payload.data;

    if (payload.len == 0 || payload.len > JR_JWT_MAX / 3 * 4) {
        return JR_INVALID;
    }

    text = malloc(payload.len);
    if (text == NULL) {
        return JR_NO_MEMORY;
    }

    /* our own parser tells want of memory from a broken token: falling back
       to another tenant for that would make another token of a retry */

    len = jr_identity_base64url(payload, text);
    rc = len > 0 ? jr_json_parse(text, len, &err, &claims) : JR_INVALID;

    free(text);

    if (rc != JR_OK) {
        return rc;
    }

    rc = jr_identity_claims(claims, identity);

    json_decref(claims);

    return rc;
}


static jr_status_e
jr_identity_claims(json_t *claims, jr_identity_t *identity)
{
    size_t    i;
    json_t   *claim;
    jr_str_t  value;

    /* a resource principal's token carries its resource's tenancy in
       res_tenant; tenant may then be the service's own */

    static const char *const  tenants[] = {
        "res_tenant", "tenant", "opc-tenant"
    };

    for (i = 0; i < sizeof(tenants) / sizeof(tenants[0]); i++) {

        claim = json_object_get(claims, tenants[i]);
        value.data = json_string_value(claim);
        value.len = json_string_length(claim);

        if (value.data != NULL
            && jr_identity_take(value, identity->tenancy_buf,
                                &identity->tenancy))
        {
            break;
        }
    }

    claim = json_object_get(claims, "sub");
    value.data = json_string_value(claim);
    value.len = json_string_length(claim);

    if (value.data != NULL) {
        (void) jr_identity_take(value, identity->principal_buf,
                                &identity->principal);
    }

    return identity->tenancy.len ? JR_OK : JR_INVALID;
}


/* returns the decoded length, or -1; out is at least as long as in */

static int
jr_identity_base64url(jr_str_t in, char *out)
{
    int           ch, len, bits;
    size_t        i;
    unsigned int  acc;

    while (in.len && in.data[in.len - 1] == '=') {
        in.len--;
    }

    acc = 0;
    bits = 0;
    len = 0;

    for (i = 0; i < in.len; i++) {
        ch = in.data[i];

        if (ch >= 'A' && ch <= 'Z') {
            ch -= 'A';

        } else if (ch >= 'a' && ch <= 'z') {
            ch = ch - 'a' + 26;

        } else if (ch >= '0' && ch <= '9') {
            ch = ch - '0' + 52;

        } else if (ch == '-' || ch == '+') {
            ch = 62;

        } else if (ch == '_' || ch == '/') {
            ch = 63;

        } else {
            return -1;
        }

        acc = (acc << 6 | ch) & 0xffffff;
        bits += 6;

        if (bits >= 8) {
            bits -= 8;
            out[len++] = (char) (acc >> bits & 0xff);
        }
    }

    return len;
}


int
jr_identity_signs(const jr_identity_t *identity, const char *name)
{
    size_t    i, len;
    jr_str_t  list;

    len = strlen(name);
    list = identity->signed_headers;

    while (list.len) {

        for (i = 0; i < list.len && list.data[i] != ' '; i++) {
            /* one name */
        }

        if (i == len) {
            size_t  n;

            for (n = 0; n < len && (list.data[n] | 0x20) == (name[n] | 0x20);
                 n++)
            {
                /* compare without case */
            }

            if (n == len) {
                return 1;
            }
        }

        if (i < list.len) {
            i++;
        }

        list.data += i;
        list.len -= i;
    }

    return 0;
}


jr_status_e
jr_identity_name(jr_str_t value, char buf[64], jr_str_t *name)
{
    int          ch;
    size_t       i;
    jr_digest_t  md;
    jr_status_e  rc;

    for (i = 0; i < value.len; i++) {
        ch = (unsigned char) value.data[i];

        if (!((ch >= 'a' && ch <= 'z') || (ch >= 'A' && ch <= 'Z')
              || (ch >= '0' && ch <= '9')
              || ch == '.' || ch == '_' || ch == ':' || ch == '-'))
        {
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

    jr_digest_hex(&md, buf);

    name->data = buf;
    name->len = JR_DIGEST_HEX;

    return JR_OK;
}
