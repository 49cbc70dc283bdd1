/*
 * Names of keys in Redis.
 */

#include "jr_digest.h"
#include "jr_key.h"


const jr_str_t  jr_key_kinds[JR_KEY_KINDS] = {
    jr_str("}:v1:rate:"),
    jr_str("}:v1:quota:"),
    jr_str("}:v1:slots:"),
    jr_str("}:v1:token:"),
    jr_str("}:v1:attempt:"),
    jr_str("}:limits")
};


static char *
jr_key_put(char *dst, jr_str_t text)
{
    if (text.len) {
        memcpy(dst, text.data, text.len);
    }

    return dst + text.len;
}


size_t
jr_key_size(const jr_key_t *key)
{
    return key->prefix.len + 1 + key->tenant.len
           + jr_key_kinds[key->kind].len + key->name.len
           + (key->kind == JR_KEY_QUOTA ? 1 + key->window.len : 0)
           + (key->by.len ? 1 + key->by.len : 0);
}


char *
jr_key_write(const jr_key_t *key, char *dst)
{
    dst = jr_key_put(dst, key->prefix);
    *dst++ = '{';
    dst = jr_key_put(dst, key->tenant);
    dst = jr_key_put(dst, jr_key_kinds[key->kind]);
    dst = jr_key_put(dst, key->name);

    if (key->kind == JR_KEY_QUOTA) {
        *dst++ = ':';
        dst = jr_key_put(dst, key->window);
    }

    if (key->by.len) {
        *dst++ = ':';
        dst = jr_key_put(dst, key->by);
    }

    return dst;
}


jr_status_e
jr_key_token(jr_str_t tenant, jr_str_t principal, jr_str_t platform,
    jr_str_t workspace, jr_str_t token, char *hex)
{
    jr_str_t     parts[5];
    jr_status_e  rc;
    jr_digest_t  md;

    parts[0] = tenant;
    parts[1] = principal;
    parts[2] = platform;
    parts[3] = workspace;
    parts[4] = token;

    rc = jr_digest_parts(parts, 5, &md);

    if (rc == JR_OK) {
        jr_digest_hex(&md, hex);
    }

    return rc;
}
