/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The tokens of JSON text: what jr_json.c is built on.  Internal.
 */

#ifndef JR_JSON_TOKEN_H_INCLUDED
#define JR_JSON_TOKEN_H_INCLUDED

#include "jr_json.h"
#include "jr_place.h"


typedef struct {
    const unsigned char  *start;
    const unsigned char  *pos;
    const unsigned char  *end;
    size_t                depth;
    const jr_place_t     *place;        /* of the value that is read */
    int                   any_number;   /* of any range is wanted */
    jr_json_error_t      *err;

    /*
     * Where values are made (jr_json.c).  A string is put where it would be
     * in a copy of the text, since it never is longer there; so its place
     * in the text is known.
     */
    jr_arena_t           *arena;
    char                 *copy;

    jr_value_t           *stack;        /* of what is not closed yet */
    size_t                used;
    size_t                size;
    size_t                closed;       /* values that are no more there */
} jr_json_parser_t;


static inline void
jr_json_skip_blanks(jr_json_parser_t *p)
{
    while (p->pos < p->end && *p->pos <= ' '
           && (*p->pos == ' ' || *p->pos == '\n' || *p->pos == '\r'
               || *p->pos == '\t'))
    {
        p->pos++;
    }
}


/* p->pos is at the opening quotation mark; the characters go to p->copy */
jr_status_e jr_json_token_string(jr_json_parser_t *p, jr_value_t *value);

/* All fill in *p->err; the first two return JR_INVALID. */
jr_status_e jr_json_token_fail(jr_json_parser_t *p, const unsigned char *at,
    const char *text);
jr_status_e jr_json_token_unexpected(jr_json_parser_t *p, const char *expected);
jr_status_e jr_json_token_no_memory(jr_json_parser_t *p);


#endif /* JR_JSON_TOKEN_H_INCLUDED */
