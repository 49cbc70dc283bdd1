/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The formats a schema can name.  Another one fails its compilation.
 */

#ifndef JR_FORMAT_H_INCLUDED
#define JR_FORMAT_H_INCLUDED

#include <stddef.h>

#include "jr_text.h"
#include "jr_value.h"


typedef enum {
    JR_FORMAT_NONE = 0,
    JR_FORMAT_INT32,
    JR_FORMAT_INT64,
    JR_FORMAT_DATE_TIME,        /* RFC 3339 */
    JR_FORMAT_QUARTZ_CRON,
    JR_FORMAT_JAVA_TIMEZONE_ID,
    JR_FORMAT_UNKNOWN
} jr_format_e;


jr_format_e jr_format_find(const char *name, size_t len);

/* Whether the value has the format; one of another type always has. */
int jr_format_check(jr_format_e format, const jr_value_t *value);

/* Adds what was expected and found to the message on a value that has not. */
void jr_format_explain(jr_format_e format, const jr_value_t *value,
    jr_text_t *t);


#endif /* JR_FORMAT_H_INCLUDED */
