/*
 * The tokens of JSON text: what jr_json.c is built on.  Internal.
 */

#ifndef JR_JSON_TOKEN_H_INCLUDED
#define JR_JSON_TOKEN_H_INCLUDED

#include "jr_json.h"
#include "jr_place.h"


typedef struct {
    const unsigned char  *start;
    const unsigned char  *pos;
    const unsigned char  *end;
    size_t                depth;
    const jr_place_t     *place;        /* of the value that is read */
    int                   any_number;   /* stand-ins are wanted */
    jr_json_error_t      *err;
} jr_json_parser_t;


/*
 * The characters of a string.  Where the text has no escape they are the
 * text itself; else owned is the buffer they were put into, which whoever
 * asked for them free()s.
 */
typedef struct {
    const char  *data;
    size_t       len;
    char        *owned;
} jr_json_chars_t;


void jr_json_skip_blanks(jr_json_parser_t *p);

/* p->pos is at the opening quotation mark */
jr_status_e jr_json_chars(jr_json_parser_t *p, jr_json_chars_t *chars);

/* p->pos is at a minus or a digit */
jr_status_e jr_json_number(jr_json_parser_t *p, json_t **value);

/*
 * The number from begin to p->pos is out of range: a stand-in where those
 * are wanted, else an error.
 */
jr_status_e jr_json_out_of_range(jr_json_parser_t *p,
    const unsigned char *begin, const char *rule, json_t **value);

/* All fill in *p->err; the first two return JR_INVALID. */
jr_status_e jr_json_fail(jr_json_parser_t *p, const unsigned char *at,
    const char *text);
jr_status_e jr_json_unexpected(jr_json_parser_t *p, const char *expected);
jr_status_e jr_json_no_memory(jr_json_parser_t *p);


#endif /* JR_JSON_TOKEN_H_INCLUDED */
