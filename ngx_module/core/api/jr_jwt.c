/*
 * Claims of a token.
 *
 * Every size is bounded before anything is decoded, since all of it comes
 * from a client that nobody has verified.
 */

#include <string.h>

#include "jr_json.h"
#include "jr_jwt.h"


static int jr_jwt_base64url(jr_str_t in, char *out);


jr_status_e
jr_jwt_claims(jr_arena_t *arena, jr_str_t token, size_t max,
    const jr_value_t **claims)
{
    int               len;
    char             *text;
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

    len = jr_jwt_base64url(payload, text);

    return len > 0 ? jr_json_parse(arena, text, (size_t) len, &err, claims)
                   : JR_INVALID;
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


/* returns the decoded length, or -1; out is at least as long as in */

static int
jr_jwt_base64url(jr_str_t in, char *out)
{
    int           ch, len, bits;
    size_t        i;
    unsigned int  acc;

    while (in.len && in.data[in.len - 1] == '=') {
        in.len--;
    }

    if (in.len % 4 == 1) {
        return -1;
    }

    acc = 0;
    bits = 0;
    len = 0;

    for (i = 0; i < in.len; i++) {
        ch = (unsigned char) in.data[i];

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
