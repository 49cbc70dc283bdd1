/* SPDX-License-Identifier: BSD-2-Clause
 *
 * JSON text of a request body to a value, as strictly as RFC 8259 read
 * together with the service's own parser demands.
 *
 * Two parsers that read one body differently are an attack, so whatever is
 * ambiguous is refused: a byte order mark, a raw NUL (some parsers swallow
 * one behind a number or a literal), invalid UTF-8, lone surrogates,
 * duplicate keys, text behind the value, nesting deeper than JR_JSON_DEPTH,
 * integers beyond int64 and reals beyond double.  And whatever is out of
 * proportion: more than JR_JSON_VALUES values and names.
 */

#ifndef JR_JSON_H_INCLUDED
#define JR_JSON_H_INCLUDED

#include <stddef.h>

#include "jr_arena.h"
#include "jr_status.h"
#include "jr_value.h"


/* StreamReadConstraints.DEFAULT_MAX_DEPTH of Jackson, the service's parser */
#define JR_JSON_DEPTH  1000

/* values and names of members: one of two bytes takes up to 48 while it is
   read */
#define JR_JSON_VALUES  1000000

/* room for a JSON Pointer and an explanation */
#define JR_JSON_ERROR_TEXT  512


typedef struct {
    size_t  offset;             /* of the offending byte, from 0 */
    size_t  line;               /* from 1 */
    size_t  column;             /* in bytes, from 1 */
    char    text[JR_JSON_ERROR_TEXT];   /* what is wrong; NUL-terminated
                                           UTF-8, no control character */

    /*
     * The text is JSON, but one number is out of range, so it is the value
     * that is wrong and not the text.  text then reads like an entry of a
     * jr_report_t, and pointer is the length of the JSON Pointer that it
     * begins with.
     */
    unsigned  range;
    size_t    pointer;
} jr_json_error_t;


/*
 * Parses len bytes at text, at most UINT32_MAX.  On JR_OK *value is in the
 * arena, as are its strings: the text is not needed any more.  On
 * JR_INVALID *err is filled in.  *err is also filled in on JR_NO_MEMORY
 * (text only).  What else was allocated in the arena stays there.
 */
jr_status_e jr_json_parse(jr_arena_t *arena, const char *text, size_t len,
    jr_json_error_t *err, const jr_value_t **value);

/*
 * The same, but a number out of range becomes a value of that kind, which no
 * schema accepts, for jr_schema_check() to report it along with everything
 * else that is wrong.
 */
jr_status_e jr_json_parse_any_number(jr_arena_t *arena, const char *text,
    size_t len, jr_json_error_t *err, const jr_value_t **value);


#endif /* JR_JSON_H_INCLUDED */
