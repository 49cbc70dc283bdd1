/* SPDX-License-Identifier: BSD-2-Clause
 *
 * jobruns-lint: what is said of a body.
 */

#ifndef JOBRUNS_LINT_BODY_H_INCLUDED
#define JOBRUNS_LINT_BODY_H_INCLUDED

#include "jobruns_lint.h"
#include "jr_schema.h"


/* Reads and checks options->body and prints the verdict; returns an exit
   status. */
int lint_body(const lint_options_t *options, const jr_schema_t *schema);


#endif /* JOBRUNS_LINT_BODY_H_INCLUDED */
