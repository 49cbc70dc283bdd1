/*
 * JSON text of a request body to a jansson value, as strictly as RFC 8259
 * read together with the service's own parser demands.
 *
 * Two parsers that read one body differently are an attack, so whatever is
 * ambiguous is refused: a byte order mark, a raw NUL (jansson 2.14 swallows
 * one behind a number or a literal), invalid UTF-8, lone surrogates,
 * duplicate keys, text behind the value, nesting deeper than JR_JSON_DEPTH,
 * integers beyond int64 and reals beyond double.
 */

#ifndef JR_JSON_H_INCLUDED
#define JR_JSON_H_INCLUDED

#include <stddef.h>
#include <jansson.h>

#include "jr_status.h"


/* StreamReadConstraints.DEFAULT_MAX_DEPTH of Jackson, the service's parser */
#define JR_JSON_DEPTH  1000

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
 * Parses len bytes at text.  On JR_OK *value is a new reference that the
 * caller drops with json_decref().  On JR_INVALID *err is filled in.
 * *err is also filled in on JR_NO_MEMORY (text only).
 */
jr_status_e jr_json_parse(const char *text, size_t len, jr_json_error_t *err,
    json_t **value);

/*
 * The same, but a number out of range becomes a stand-in that no schema
 * accepts, for jr_schema_check() to report it along with everything else
 * that is wrong.  A value with a stand-in in it is good for nothing else.
 */
jr_status_e jr_json_parse_any_number(const char *text, size_t len,
    jr_json_error_t *err, json_t **value);

/* The text of the number that a stand-in stands for, or NULL. */
const char *jr_json_stand_in(const json_t *value, size_t *len);


#endif /* JR_JSON_H_INCLUDED */
