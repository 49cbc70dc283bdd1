/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The secret in a file: a password of Redis, the key of the audit's chains.
 * The gateway and its tools read such a file by these rules, so that they
 * mean the same by it; the callers do the reading.
 */

#ifndef JR_SECRET_H_INCLUDED
#define JR_SECRET_H_INCLUDED

#include <stddef.h>

#include "jr_str.h"


/* bytes of a password of Redis */
#define JR_SECRET_PASSWORD_MOST  1024

/* so many bytes of a file tell of a secret of at most so many bytes: there
   may be CR LF behind it, or a byte too much */
#define jr_secret_read_size(most)  ((most) + 2)


/*
 * The secret is the first line of text, without its LF or CR LF.  NULL: it has
 * least to most bytes, none of them NUL, and *secret points to it in text.
 * Else what is wrong, to be said behind the name of the file: "has ...".
 */
const char *jr_secret_line(jr_str_t text, size_t least, size_t most,
    jr_str_t *secret);


#endif /* JR_SECRET_H_INCLUDED */
