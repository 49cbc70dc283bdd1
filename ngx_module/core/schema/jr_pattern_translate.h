/* SPDX-License-Identifier: BSD-2-Clause
 *
 * From the regular expressions of ECMA-262 (u flag) to those of PCRE2, for
 * the constructs that both have.
 */

#ifndef JR_PATTERN_TRANSLATE_H_INCLUDED
#define JR_PATTERN_TRANSLATE_H_INCLUDED

#include <stddef.h>

#include "jr_status.h"
#include "jr_text.h"


/*
 * The pattern as PCRE2 reads it with PCRE2_UTF, PCRE2_ALT_BSUX, its extra
 * option of that name, and PCRE2_ALLOW_EMPTY_CLASS; *out is malloc()ed.
 * JR_INVALID: *why names the construct that is refused, its offset in bytes,
 * and what to write.
 */
jr_status_e jr_pattern_translate(const char *text, size_t len,
    jr_text_t *why, char **out, size_t *outlen);

/* The offset in the pattern of an offset in its translation. */
size_t jr_pattern_translate_offset(const char *text, size_t len,
    size_t offset);


#endif /* JR_PATTERN_TRANSLATE_H_INCLUDED */
