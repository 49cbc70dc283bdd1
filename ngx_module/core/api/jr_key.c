/*
 * Names of keys in Redis.
 */

#include "jr_digest.h"
#include "jr_key.h"


static const jr_str_t  jr_key_kinds[JR_KEY_KINDS] = {
    jr_str("}:v1:rate:"),
    jr_str("}:v1:quota:"),
    jr_str("}:v1:slots:"),
    jr_str("}:v1:token:"),
    jr_str("}:v1:attempt:"),
    jr_str("}:limits")
};


static void jr_key_read_limit(jr_key_t *key);
static jr_str_t jr_key_cut(jr_str_t *text);


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
jr_key_read(jr_str_t text, jr_str_t prefix, jr_key_t *key)
{
    int          kind;
    jr_str_t     rest;
    const char  *end;

    if (text.len < prefix.len + 1
        || memcmp(text.data, prefix.data, prefix.len) != 0
        || text.data[prefix.len] != '{')
    {
        return JR_INVALID;
    }

    rest.data = text.data + prefix.len + 1;
    rest.len = text.len - prefix.len - 1;

    end = rest.len ? memchr(rest.data, '}', rest.len) : NULL;

    if (end == NULL) {
        return JR_INVALID;
    }

    memset(key, 0, sizeof(*key));

    key->prefix = prefix;
    key->tenant.data = rest.data;
    key->tenant.len = (size_t) (end - rest.data);

    rest.len -= key->tenant.len;
    rest.data = end;

    for (kind = 0; kind < JR_KEY_KINDS; kind++) {
        if (rest.len >= jr_key_kinds[kind].len
            && memcmp(rest.data, jr_key_kinds[kind].data,
                      jr_key_kinds[kind].len)
               == 0)
        {
            break;
        }
    }

    if (kind == JR_KEY_KINDS) {
        return JR_INVALID;
    }

    key->kind = (jr_key_kind_e) kind;
    key->name.data = rest.data + jr_key_kinds[kind].len;
    key->name.len = rest.len - jr_key_kinds[kind].len;

    if (kind <= JR_KEY_SLOTS) {
        jr_key_read_limit(key);
    }

    return JR_OK;
}


/* names of limits and windows have no colon; what they count by may */

static void
jr_key_read_limit(jr_key_t *key)
{
    jr_str_t  rest;

    rest = key->name;
    key->name = jr_key_cut(&rest);

    if (key->kind == JR_KEY_QUOTA) {
        key->window = jr_key_cut(&rest);
    }

    key->by = rest;
}


/* the part in front of a colon, or all; text is what is behind it */

static jr_str_t
jr_key_cut(jr_str_t *text)
{
    jr_str_t     part;
    const char  *colon;

    part = *text;
    colon = part.len ? memchr(part.data, ':', part.len) : NULL;

    if (colon != NULL) {
        part.len = (size_t) (colon - part.data);
    }

    text->data = part.data + part.len + (colon != NULL);
    text->len -= part.len + (colon != NULL);

    return part;
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
