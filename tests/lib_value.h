/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Values of our parser for tests, and as jansson has them.
 */

#ifndef LIB_VALUE_H_INCLUDED
#define LIB_VALUE_H_INCLUDED

#include <jansson.h>

#include "jr_json.h"


/*
 * jr_json_parse() of text in an arena that all calls share: a value lives
 * until the next call.
 */
jr_status_e parse_value(const char *text, size_t len, jr_json_error_t *err,
    const jr_value_t **value);

/* the same with jr_json_parse_any_number() */
jr_status_e parse_any_number(const char *text, size_t len,
    jr_json_error_t *err, const jr_value_t **value);

/* the value again in jansson's own form; a new reference */
json_t *value_to_jansson(const jr_value_t *value);


#endif /* LIB_VALUE_H_INCLUDED */
