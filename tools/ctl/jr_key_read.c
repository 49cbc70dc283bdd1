/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Reading what the gateway has written: keys in Redis, and names in them.
 */

#include <string.h>

#include "jr_identity.h"
#include "jr_key_read.h"


static void jr_key_read_limit(jr_key_t *key);
static jr_str_t jr_key_cut(jr_str_t *text);


jr_status_e
jr_key_read(jr_str_t text, jr_str_t prefix, jr_key_t *key)
{
    int          kind, limit;
    jr_str_t     rest, part;
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

    for (kind = 0, limit = 0; kind < JR_KEY_LAST; /* void */) {
        part = jr_key_part((jr_key_kind_e) kind, (jr_limit_kind_e) limit);

        if (rest.len >= part.len
            && memcmp(rest.data, part.data, part.len) == 0)
        {
            break;
        }

        if (kind != JR_KEY_LIMIT || ++limit == JR_LIMIT_LAST) {
            kind++;
        }
    }

    if (kind == JR_KEY_LAST) {
        return JR_INVALID;
    }

    key->kind = (jr_key_kind_e) kind;
    key->limit = (jr_limit_kind_e) limit;
    key->name.data = rest.data + part.len;
    key->name.len = rest.len - part.len;

    if (kind == JR_KEY_LIMIT) {
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

    if (jr_limit_kinds[key->limit].windowed) {
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


int
jr_key_read_digest(jr_str_t name)
{
    int     ch;
    size_t  i;

    if (name.len != JR_NAME_DIGEST || name.data[0] != '~') {
        return 0;
    }

    for (i = 1; i < name.len; i++) {
        ch = (unsigned char) name.data[i];

        if (!((ch >= '0' && ch <= '9') || (ch >= 'a' && ch <= 'f'))) {
            return 0;
        }
    }

    return 1;
}
