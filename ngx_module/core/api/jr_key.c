/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Names of keys in Redis.
 */

#include "jr_digest.h"
#include "jr_key.h"


static const jr_str_t  jr_key_parts[] = {
    jr_str("}:v1:token:"),
    jr_str("}:v1:attempt:"),
    jr_str("}:limits"),
    jr_str("}:v1:counters"),
    jr_str("}:v1:slots:")
};

_Static_assert(sizeof(jr_key_parts) / sizeof(jr_key_parts[0])
               == JR_KEY_LAST, "a part for each kind of key");


jr_str_t
jr_key_part(jr_key_kind_e kind)
{
    return jr_key_parts[kind];
}


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
           + jr_key_part(key->kind).len + key->name.len
           + (key->by.len ? 1 + key->by.len : 0);
}


char *
jr_key_write(const jr_key_t *key, char *dst)
{
    dst = jr_key_put(dst, key->prefix);
    *dst++ = '{';
    dst = jr_key_put(dst, key->tenant);
    dst = jr_key_put(dst, jr_key_part(key->kind));
    dst = jr_key_put(dst, key->name);

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
