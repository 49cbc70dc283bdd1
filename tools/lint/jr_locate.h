/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Finds a JSON Pointer of a report in the text that was checked.
 */

#ifndef JR_LOCATE_H_INCLUDED
#define JR_LOCATE_H_INCLUDED

#include <stddef.h>

#include "jr_schema.h"


/*
 * Sets *line and *column (from 1, the column in bytes) to where the value
 * of a report's entry begins; for a missing member, the object it is
 * missing in.  text must be what the report is about: JSON that
 * jr_body_check() has read.  A pointer that the report had to cut is found
 * as far as it goes.  Time is linear in len.
 */
jr_status_e jr_locate(const char *text, size_t len, const jr_report_t *report,
    size_t entry, size_t *line, size_t *column);


#endif /* JR_LOCATE_H_INCLUDED */
