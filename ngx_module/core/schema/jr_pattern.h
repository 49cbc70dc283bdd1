/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Regular expressions of JSON Schema: ECMA-262 syntax with the u flag,
 * searched for anywhere in the text, run by PCRE2.
 *
 * PCRE2 reads some of that syntax differently, and much beyond it, so only
 * what means the same to both is accepted (jr_pattern_translate.h).
 */

#ifndef JR_PATTERN_H_INCLUDED
#define JR_PATTERN_H_INCLUDED

#include <stddef.h>

#include "jr_status.h"
#include "jr_text.h"


typedef struct jr_pattern_s  jr_pattern_t;
typedef struct jr_matcher_s  jr_matcher_t;


typedef enum {
    JR_PATTERN_MATCH = 0,
    JR_PATTERN_NO_MATCH,
    JR_PATTERN_TOO_COSTLY       /* gave up at a limit */
} jr_pattern_e;


/*
 * The work memory of matching, shared by the patterns of one schema.  It is
 * grown for each pattern when that is compiled, so that an ordinary match
 * allocates nothing.
 */
jr_status_e jr_pattern_matcher_create(jr_matcher_t **matcher);
void jr_pattern_matcher_free(jr_matcher_t *matcher);

/* Begins a new body: what the last one spent on hard matches is forgotten. */
void jr_pattern_matcher_reset(jr_matcher_t *matcher);


/* On JR_INVALID *why says what is wrong with the pattern. */
jr_status_e jr_pattern_compile(jr_matcher_t *matcher, const char *text,
    size_t len, jr_text_t *why, jr_pattern_t **pattern);
void jr_pattern_free(jr_pattern_t *pattern);

/* text must be well-formed UTF-8 */
jr_pattern_e jr_pattern_match(jr_matcher_t *matcher,
    const jr_pattern_t *pattern, const char *text, size_t len);


#endif /* JR_PATTERN_H_INCLUDED */
