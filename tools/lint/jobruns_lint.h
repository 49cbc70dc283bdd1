/* SPDX-License-Identifier: BSD-2-Clause
 *
 * jobruns-lint: what its files share.
 */

#ifndef JOBRUNS_LINT_H_INCLUDED
#define JOBRUNS_LINT_H_INCLUDED

#include <jansson.h>
#include <stddef.h>


#define LINT_VALID    0
#define LINT_INVALID  1
#define LINT_FAILED   2         /* could not look: usage, file, memory */


typedef struct {
    const char  *schema;        /* file; NULL: the embedded one */
    const char  *cron;          /* check this expression, not a body */
    const char  *body;          /* file; "-": standard input */
    unsigned     flags;
    int          json;
} lint_options_t;


/* A whole file, "-" for standard input, to be free()d.  NULL: *len is 0 and
   errno says why. */
char *lint_read(const char *name, size_t *len);

/* Says "jobruns-lint: WHAT: WHY"; returns LINT_FAILED. */
int lint_fail(const char *what, const char *why);

/* Prints and drops a result, returns status; LINT_FAILED after saying so where
   result is NULL, because it could not be made. */
int lint_print_json(json_t *result, int status);


#endif /* JOBRUNS_LINT_H_INCLUDED */
