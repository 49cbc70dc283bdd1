/* SPDX-License-Identifier: BSD-2-Clause
 *
 * What a test says in words, as the scripts get it packed.
 */

#ifndef LIB_PACKED_H_INCLUDED
#define LIB_PACKED_H_INCLUDED

#include "jr_limit.h"
#include "jr_pack.h"


#define OWNER_LEN   16
#define LIMITS_MAX  16


typedef struct {
    size_t      n;
    size_t      slots;          /* of a concurrency */
    jr_limit_t  limit[LIMITS_MAX];
    char        text[LIMITS_MAX][2][64];
} limits_t;


/* one of which no more is known */
jr_limit_t limit_of(jr_limit_kind_e kind, const char *name);

/* "KIND NAME N N N MODE" of each limit, with ", " between them; MODE is
   "enforce", "dry_run", "awaited" or "delay=<ms>" */
void limits_of(const char *text, limits_t *limits);

/* the bytes that an owner "a" is: filled up with dots */
const char *owner_of(const char *owner);

/* "1:f00d": version, and bytes filled up with "0" */
void fingerprint_of(const char *text, jr_pack_t *version, jr_pack_t *bytes);

/* the letter that settle.lua takes for "created" and so on */
jr_str_t settle_letter_of(const char *outcome);

/* the tail of a record that is done; returns its length */
size_t done_tail(const char *answer, const char *location,
    const char *run_key, char *dst);

/* values at dst, which has room for them */
jr_str_t packed(char *dst, const char *format, const jr_pack_t *v);


#endif /* LIB_PACKED_H_INCLUDED */
