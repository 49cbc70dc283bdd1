/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Reading what the gateway has written: keys in Redis, and names in them.
 */

#include <string.h>

#include "jr_identity.h"
#include "jr_key_read.h"


jr_status_e
jr_key_read(jr_str_t text, jr_str_t prefix, jr_key_t *key)
{
    int          kind;
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

    for (kind = 0; kind < JR_KEY_LAST; kind++) {
        part = jr_key_part((jr_key_kind_e) kind);

        if (rest.len >= part.len
            && memcmp(rest.data, part.data, part.len) == 0)
        {
            break;
        }
    }

    if (kind == JR_KEY_LAST) {
        return JR_INVALID;
    }

    key->kind = (jr_key_kind_e) kind;
    key->name.data = rest.data + part.len;
    key->name.len = rest.len - part.len;

    if (kind != JR_KEY_COUNTERS && kind != JR_KEY_SLOTS) {
        return JR_OK;
    }

    /* names of limits have no colon; what they count by may */

    end = key->name.len ? memchr(key->name.data, ':', key->name.len) : NULL;

    if (end != NULL) {
        key->by.data = end + 1;
        key->by.len = (size_t) (key->name.data + key->name.len - end) - 1;
        key->name.len = (size_t) (end - key->name.data);
    }

    return (kind == JR_KEY_COUNTERS) == (key->name.len == 0) ? JR_OK
                                                             : JR_INVALID;
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
