/* SPDX-License-Identifier: BSD-2-Clause
 *
 * A counted string that belongs to somebody else.
 *
 * The layout is ngx_str_t's order of members, but core/ knows no NGINX type.
 */

#ifndef JR_STR_H_INCLUDED
#define JR_STR_H_INCLUDED

#include <stddef.h>
#include <string.h>


typedef struct {
    size_t       len;
    const char  *data;          /* not NUL-terminated; may hold any byte */
} jr_str_t;


#define jr_str(literal)  { sizeof(literal) - 1, literal }


static inline int
jr_str_eq(jr_str_t s, const char *text, size_t len)
{
    return s.len == len && memcmp(s.data, text, len) == 0;
}


/* compares without the case of ASCII letters; want is in lower case */

static inline int
jr_str_is(jr_str_t s, const char *want)
{
    size_t  i;

    if (s.len != strlen(want)) {
        return 0;
    }

    for (i = 0; i < s.len; i++) {
        if (s.data[i] != want[i]
            && !(s.data[i] >= 'A' && s.data[i] <= 'Z'
                 && (s.data[i] | 0x20) == want[i]))
        {
            return 0;
        }
    }

    return 1;
}


#endif /* JR_STR_H_INCLUDED */
