/* SPDX-License-Identifier: BSD-2-Clause
 *
 * What the tests of schemas share.
 */

#ifndef LIB_SCHEMA_H_INCLUDED
#define LIB_SCHEMA_H_INCLUDED

#include "jr_schema.h"


/* of the last check */
extern jr_report_t  report;


jr_schema_t *compiled(const char *text);
jr_status_e checked(const jr_schema_t *schema, const char *text,
    unsigned flags);


#endif /* LIB_SCHEMA_H_INCLUDED */
