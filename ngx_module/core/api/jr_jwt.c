/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Claims of a token.
 *
 * Every size is bounded before anything is decoded, since all of it comes
 * from a client that nobody has verified.
 */

#include <string.h>

#include "jr_base64.h"
#include "jr_json.h"
#include "jr_jwt.h"


jr_status_e
jr_jwt_claims(jr_arena_t *arena, jr_str_t token, size_t max,
    const jr_value_t **claims)
{
    char             *text;
    size_t            len;
    jr_str_t          payload;
    const char       *dot, *end;
    jr_json_error_t   err;

    dot = token.len ? memchr(token.data, '.', token.len) : NULL;
    if (dot == NULL) {
        return JR_INVALID;
    }

    payload.data = dot + 1;
    payload.len = (size_t) (token.data + token.len - payload.data);

    end = memchr(payload.data, '.', payload.len);
    if (end == NULL) {
        return JR_INVALID;
    }

    payload.len = (size_t) (end - payload.data);

    if (payload.len == 0 || payload.len * 3 / 4 > max) {
        return JR_INVALID;
    }

    text = jr_arena_alloc(arena, payload.len);
    if (text == NULL) {
        return JR_NO_MEMORY;
    }

    if (jr_base64_decode(payload, JR_BASE64_ANY, (unsigned char *) text,
                         payload.len, &len)
        != JR_OK
        || len == 0)
    {
        return JR_INVALID;
    }

    return jr_json_parse(arena, text, len, &err, claims);
}


jr_str_t
jr_jwt_claim(const jr_value_t *claims, const char *name)
{
    jr_str_t           value;
    const jr_value_t  *claim;

    claim = jr_object_get(claims, name, strlen(name));

    value.data = jr_string(claim);
    value.len = jr_string_len(claim);

    return value;
}
