/*
 * The strict parser: one pass over the text, building jansson values.
 *
 * It never reads a byte twice but those of a string with escapes and of a
 * real number, and recurses no deeper than JR_JSON_DEPTH, so its time is
 * linear and its stack bounded whatever the text is.
 */

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "jr_json.h"
#include "jr_json_token.h"
#include "jr_text.h"


static jr_status_e jr_json_text(const char *text, size_t len, int any_number,
    jr_json_error_t *err, json_t **value);
static jr_status_e jr_json_value(jr_json_parser_t *p, json_t **value);
static jr_status_e jr_json_object(jr_json_parser_t *p, json_t **value);
static jr_status_e jr_json_member(jr_json_parser_t *p, json_t *object);
static jr_status_e jr_json_array(jr_json_parser_t *p, json_t **value);
static jr_status_e jr_json_string(jr_json_parser_t *p, json_t **value);
static jr_status_e jr_json_literal(jr_json_parser_t *p, json_t **value);
static jr_status_e jr_json_enter(jr_json_parser_t *p);
static jr_status_e jr_json_encoding(jr_json_parser_t *p);
static jr_status_e jr_json_duplicate(jr_json_parser_t *p,
    const unsigned char *at, const jr_json_chars_t *key);


jr_status_e
jr_json_parse(const char *text, size_t len, jr_json_error_t *err,
    json_t **value)
{
    return jr_json_text(text, len, 0, err, value);
}


jr_status_e
jr_json_parse_any_number(const char *text, size_t len, jr_json_error_t *err,
    json_t **value)
{
    return jr_json_text(text, len, 1, err, value);
}


static jr_status_e
jr_json_text(const char *text, size_t len, int any_number,
    jr_json_error_t *err, json_t **value)
{
    json_t            *root;
    jr_place_t         top;
    jr_status_e        rc;
    jr_json_parser_t   parser;

    err->text[0] = '\0';
    err->offset = 0;
    err->line = 1;
    err->column = 1;
    err->range = 0;
    err->pointer = 0;

    memset(&top, 0, sizeof(jr_place_t));

    parser.start = (const unsigned char *) text;
    parser.pos = parser.start;
    parser.end = parser.start + len;
    parser.depth = 0;
    parser.any_number = any_number;
    parser.place = &top;
    parser.err = err;

    rc = jr_json_encoding(&parser);
    if (rc != JR_OK) {
        return rc;
    }

    jr_json_skip_blanks(&parser);

    rc = jr_json_value(&parser, &root);
    if (rc != JR_OK) {
        return rc;
    }

    jr_json_skip_blanks(&parser);

    if (parser.pos != parser.end) {
        json_decref(root);
        return jr_json_unexpected(&parser, "the end of the text");
    }

    *value = root;

    return JR_OK;
}


/* A wrong encoding deserves a better word than "unexpected byte". */

static jr_status_e
jr_json_encoding(jr_json_parser_t *p)
{
    size_t  len;

    len = (size_t) (p->end - p->start);

    if (len >= 3 && memcmp(p->start, "\xef\xbb\xbf", 3) == 0) {
        return jr_json_fail(p, p->start, "byte order mark: JSON must not"
                            " begin with one (RFC 8259, section 8.1)");
    }

    if (len >= 2
        && (memcmp(p->start, "\xff\xfe", 2) == 0
            || memcmp(p->start, "\xfe\xff", 2) == 0
            || (p->start[0] == '\0') != (p->start[1] == '\0')))
    {
        return jr_json_fail(p, p->start, "not UTF-8: this looks like UTF-16"
                            " or UTF-32");
    }

    return JR_OK;
}


static jr_status_e
jr_json_value(jr_json_parser_t *p, json_t **value)
{
    if (p->pos == p->end) {
        return jr_json_unexpected(p, "a value");
    }

    switch (*p->pos) {

    case '{':
        return jr_json_object(p, value);

    case '[':
        return jr_json_array(p, value);

    case '"':
        return jr_json_string(p, value);

    case '-':
    case '0': case '1': case '2': case '3': case '4':
    case '5': case '6': case '7': case '8': case '9':
        return jr_json_number(p, value);

    default:
        return jr_json_literal(p, value);
    }
}


static jr_status_e
jr_json_object(jr_json_parser_t *p, json_t **value)
{
    json_t       *object;
    jr_status_e   rc;

    rc = jr_json_enter(p);
    if (rc != JR_OK) {
        return rc;
    }

    object = json_object();
    if (object == NULL) {
        return jr_json_no_memory(p);
    }

    if (p->pos < p->end && *p->pos == '}') {
        goto done;
    }

    for ( ;; ) {
        rc = jr_json_member(p, object);
        if (rc != JR_OK) {
            goto failed;
        }

        jr_json_skip_blanks(p);

        if (p->pos < p->end && *p->pos == '}') {
            goto done;
        }

        if (p->pos == p->end || *p->pos != ',') {
            rc = jr_json_unexpected(p, "',' or '}'");
            goto failed;
        }

        p->pos++;
        jr_json_skip_blanks(p);
    }

done:

    p->pos++;
    p->depth--;
    *value = object;

    return JR_OK;

failed:

    json_decref(object);

    return rc;
}


static jr_status_e
jr_json_member(jr_json_parser_t *p, json_t *object)
{
    json_t               *value;
    size_t                size;
    jr_place_t            place;
    jr_status_e           rc;
    jr_json_chars_t       key;
    const unsigned char  *at;

    at = p->pos;

    if (p->pos == p->end || *p->pos != '"') {
        return jr_json_unexpected(p, "a member name in quotation marks");
    }

    rc = jr_json_chars(p, &key);
    if (rc != JR_OK) {
        return rc;
    }

    jr_json_skip_blanks(p);

    if (p->pos == p->end || *p->pos != ':') {
        rc = jr_json_unexpected(p, "':'");
        goto done;
    }

    p->pos++;
    jr_json_skip_blanks(p);

    place.up = p->place;
    place.key = key.data;
    place.len = key.len;
    place.index = 0;

    p->place = &place;
    rc = jr_json_value(p, &value);
    p->place = place.up;

    if (rc != JR_OK) {
        goto done;
    }

    /* an object that does not grow had the key already: one look-up less
       than asking first */

    size = json_object_size(object);

    if (json_object_setn_new_nocheck(object, key.data, key.len, value) != 0) {
        rc = jr_json_no_memory(p);

    } else if (json_object_size(object) == size) {
        rc = jr_json_duplicate(p, at, &key);
    }

done:

    free(key.owned);

    return rc;
}


static jr_status_e
jr_json_duplicate(jr_json_parser_t *p, const unsigned char *at,
    const jr_json_chars_t *key)
{
    char       text[JR_JSON_ERROR_TEXT];
    jr_text_t  t;

    jr_text_init(&t, text, sizeof(text));
    jr_text_str(&t, "duplicate member name \"");
    jr_text_escape(&t, key->data, key->len, 16,
                   JR_TEXT_ASCII|JR_TEXT_QUOTES);
    jr_text_str(&t, "\"");

    return jr_json_fail(p, at, text);
}


static jr_status_e
jr_json_array(jr_json_parser_t *p, json_t **value)
{
    json_t       *array, *item;
    jr_place_t    place;
    jr_status_e   rc;

    rc = jr_json_enter(p);
    if (rc != JR_OK) {
        return rc;
    }

    array = json_array();
    if (array == NULL) {
        return jr_json_no_memory(p);
    }

    place.up = p->place;
    place.key = NULL;
    place.len = 0;

    if (p->pos < p->end && *p->pos == ']') {
        goto done;
    }

    for (place.index = 0; /* void */ ; place.index++) {

        p->place = &place;
        rc = jr_json_value(p, &item);
        p->place = place.up;

        if (rc != JR_OK) {
            goto failed;
        }

        if (json_array_append_new(array, item) != 0) {
            rc = jr_json_no_memory(p);
            goto failed;
        }

        jr_json_skip_blanks(p);

        if (p->pos < p->end && *p->pos == ']') {
            goto done;
        }

        if (p->pos == p->end || *p->pos != ',') {
            rc = jr_json_unexpected(p, "',' or ']'");
            goto failed;
        }

        p->pos++;
        jr_json_skip_blanks(p);
    }

done:

    p->pos++;
    p->depth--;
    *value = array;

    return JR_OK;

failed:

    json_decref(array);

    return rc;
}


/* Steps over the opening bracket of one more level. */

static jr_status_e
jr_json_enter(jr_json_parser_t *p)
{
    if (p->depth == JR_JSON_DEPTH) {
        return jr_json_fail(p, p->pos, "nested deeper than 1000 levels");
    }

    p->depth++;
    p->pos++;

    jr_json_skip_blanks(p);

    return JR_OK;
}


static jr_status_e
jr_json_string(jr_json_parser_t *p, json_t **value)
{
    json_t           *string;
    jr_status_e       rc;
    jr_json_chars_t   chars;

    rc = jr_json_chars(p, &chars);
    if (rc != JR_OK) {
        return rc;
    }

    string = json_stringn_nocheck(chars.data, chars.len);

    free(chars.owned);

    if (string == NULL) {
        return jr_json_no_memory(p);
    }

    *value = string;

    return JR_OK;
}


static jr_status_e
jr_json_literal(jr_json_parser_t *p, json_t **value)
{
    size_t  left;

    left = (size_t) (p->end - p->pos);

    if (left >= 4 && memcmp(p->pos, "true", 4) == 0) {
        p->pos += 4;
        *value = json_true();

    } else if (left >= 5 && memcmp(p->pos, "false", 5) == 0) {
        p->pos += 5;
        *value = json_false();

    } else if (left >= 4 && memcmp(p->pos, "null", 4) == 0) {
        p->pos += 4;
        *value = json_null();

    } else {
        return jr_json_unexpected(p, "a value");
    }

    return JR_OK;
}
