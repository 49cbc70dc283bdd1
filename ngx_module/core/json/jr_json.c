/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The strict parser: one pass over the text, building values.
 *
 * It never reads a byte twice but those of a string with escapes and of a
 * real number, and recurses no deeper than JR_JSON_DEPTH, so its time is
 * linear and its stack bounded whatever the text is.
 */

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "jr_json.h"
#include "jr_json_names.h"
#include "jr_json_number.h"
#include "jr_json_token.h"
#include "jr_text.h"


static jr_status_e jr_json_text(jr_arena_t *arena, const char *text,
    size_t len, int any_number, jr_json_error_t *err,
    const jr_value_t **value);
static jr_status_e jr_json_top(jr_json_parser_t *p, jr_value_t *value);
static jr_status_e jr_json_value(jr_json_parser_t *p, jr_value_t *value);
static jr_status_e jr_json_object(jr_json_parser_t *p, jr_value_t *value);
static jr_status_e jr_json_member(jr_json_parser_t *p);
static jr_status_e jr_json_array(jr_json_parser_t *p, jr_value_t *value);
static jr_status_e jr_json_literal(jr_json_parser_t *p, jr_value_t *value);
static jr_status_e jr_json_enter(jr_json_parser_t *p);
static jr_status_e jr_json_leave(jr_json_parser_t *p, jr_kind_e kind,
    size_t base, jr_value_t *value);
static jr_status_e jr_json_push(jr_json_parser_t *p, const jr_value_t *value);
static jr_status_e jr_json_too_many(jr_json_parser_t *p);
static jr_status_e jr_json_encoding(jr_json_parser_t *p);
static jr_status_e jr_json_duplicate(jr_json_parser_t *p,
    const jr_value_t *name);


jr_status_e
jr_json_parse(jr_arena_t *arena, const char *text, size_t len,
    jr_json_error_t *err, const jr_value_t **value)
{
    return jr_json_text(arena, text, len, 0, err, value);
}


jr_status_e
jr_json_parse_any_number(jr_arena_t *arena, const char *text, size_t len,
    jr_json_error_t *err, const jr_value_t **value)
{
    return jr_json_text(arena, text, len, 1, err, value);
}


static jr_status_e
jr_json_text(jr_arena_t *arena, const char *text, size_t len, int any_number,
    jr_json_error_t *err, const jr_value_t **value)
{
    jr_value_t       *root;
    jr_place_t        top;
    jr_status_e       rc;
    jr_json_parser_t  parser;

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
    parser.arena = arena;
    parser.stack = NULL;
    parser.used = 0;
    parser.size = 0;
    parser.closed = 0;

    if (len > UINT32_MAX) {
        return jr_json_token_fail(&parser, parser.start, "longer than 4 GB");
    }

    /* one more, for the NUL behind a number out of range */

    parser.copy = jr_arena_alloc(arena, len + 1);
    root = jr_arena_alloc(arena, sizeof(jr_value_t));

    if (parser.copy == NULL || root == NULL) {
        return jr_json_token_no_memory(&parser);
    }

    rc = jr_json_top(&parser, root);

    free(parser.stack);

    if (rc == JR_OK) {
        *value = root;
    }

    return rc;
}


static jr_status_e
jr_json_top(jr_json_parser_t *p, jr_value_t *value)
{
    jr_status_e  rc;

    rc = jr_json_encoding(p);
    if (rc != JR_OK) {
        return rc;
    }

    jr_json_skip_blanks(p);

    rc = jr_json_value(p, value);
    if (rc != JR_OK) {
        return rc;
    }

    jr_json_skip_blanks(p);

    if (p->pos != p->end) {
        return jr_json_token_unexpected(p, "the end of the text");
    }

    return JR_OK;
}


/* A wrong encoding deserves a better word than "unexpected byte". */

static jr_status_e
jr_json_encoding(jr_json_parser_t *p)
{
    size_t  len;

    len = (size_t) (p->end - p->start);

    if (len >= 3 && memcmp(p->start, "\xef\xbb\xbf", 3) == 0) {
        return jr_json_token_fail(p, p->start, "byte order mark: JSON must not"
                                  " begin with one (RFC 8259, section 8.1)");
    }

    if (len >= 2
        && (memcmp(p->start, "\xff\xfe", 2) == 0
            || memcmp(p->start, "\xfe\xff", 2) == 0
            || (p->start[0] == '\0') != (p->start[1] == '\0')))
    {
        return jr_json_token_fail(p, p->start, "not UTF-8: this looks like"
                                  " UTF-16 or UTF-32");
    }

    return JR_OK;
}


static jr_status_e
jr_json_value(jr_json_parser_t *p, jr_value_t *value)
{
    if (p->pos == p->end) {
        return jr_json_token_unexpected(p, "a value");
    }

    switch (*p->pos) {

    case '{':
        return jr_json_object(p, value);

    case '[':
        return jr_json_array(p, value);

    case '"':
        return jr_json_token_string(p, value);

    case '-':
    case '0': case '1': case '2': case '3': case '4':
    case '5': case '6': case '7': case '8': case '9':
        return jr_json_number(p, value);

    default:
        return jr_json_literal(p, value);
    }
}


static jr_status_e
jr_json_object(jr_json_parser_t *p, jr_value_t *value)
{
    size_t       base, n, again;
    jr_status_e  rc;

    base = p->used;

    rc = jr_json_enter(p);
    if (rc != JR_OK) {
        return rc;
    }

    if (p->pos < p->end && *p->pos == '}') {
        return jr_json_leave(p, JR_KIND_OBJECT, base, value);
    }

    for ( ;; ) {
        rc = jr_json_member(p);
        if (rc != JR_OK) {
            return rc;
        }

        jr_json_skip_blanks(p);

        if (p->pos < p->end && *p->pos == '}') {
            break;
        }

        if (p->pos == p->end || *p->pos != ',') {
            return jr_json_token_unexpected(p, "',' or '}'");
        }

        p->pos++;
        jr_json_skip_blanks(p);
    }

    n = (p->used - base) / 2;

    rc = jr_json_names_unique(p->stack + base, n, &again);

    if (rc == JR_INVALID) {
        return jr_json_duplicate(p, &p->stack[base + 2 * again]);
    }

    if (rc != JR_OK) {
        return jr_json_token_no_memory(p);
    }

    return jr_json_leave(p, JR_KIND_OBJECT, base, value);
}


static jr_status_e
jr_json_member(jr_json_parser_t *p)
{
    jr_place_t   place;
    jr_value_t   name, value;
    jr_status_e  rc;

    if (p->pos == p->end || *p->pos != '"') {
        return jr_json_token_unexpected(p, "a member name in quotation marks");
    }

    rc = jr_json_token_string(p, &name);
    if (rc != JR_OK) {
        return rc;
    }

    jr_json_skip_blanks(p);

    if (p->pos == p->end || *p->pos != ':') {
        return jr_json_token_unexpected(p, "':'");
    }

    p->pos++;
    jr_json_skip_blanks(p);

    place.up = p->place;
    place.key = name.u.text;
    place.len = name.len;
    place.index = 0;

    p->place = &place;
    rc = jr_json_value(p, &value);
    p->place = place.up;

    if (rc == JR_OK) {
        rc = jr_json_push(p, &name);
    }

    return rc == JR_OK ? jr_json_push(p, &value) : rc;
}


static jr_status_e
jr_json_duplicate(jr_json_parser_t *p, const jr_value_t *name)
{
    char       text[JR_JSON_ERROR_TEXT];
    jr_text_t  t;

    jr_text_init(&t, text, sizeof(text));
    jr_text_str(&t, "duplicate member name \"");
    jr_text_escape(&t, name->u.text, name->len, 16,
                   JR_TEXT_ASCII|JR_TEXT_QUOTES);
    jr_text_str(&t, "\"");

    /* where it is in the copy, before its first character */

    return jr_json_token_fail(p, p->start + (name->u.text - p->copy) - 1, text);
}


static jr_status_e
jr_json_array(jr_json_parser_t *p, jr_value_t *value)
{
    size_t       base;
    jr_place_t   place;
    jr_value_t   item;
    jr_status_e  rc;

    base = p->used;

    rc = jr_json_enter(p);
    if (rc != JR_OK) {
        return rc;
    }

    if (p->pos < p->end && *p->pos == ']') {
        return jr_json_leave(p, JR_KIND_ARRAY, base, value);
    }

    place.up = p->place;
    place.key = NULL;
    place.len = 0;

    for (place.index = 0; /* void */ ; place.index++) {

        p->place = &place;
        rc = jr_json_value(p, &item);
        p->place = place.up;

        if (rc == JR_OK) {
            rc = jr_json_push(p, &item);
        }

        if (rc != JR_OK) {
            return rc;
        }

        jr_json_skip_blanks(p);

        if (p->pos < p->end && *p->pos == ']') {
            return jr_json_leave(p, JR_KIND_ARRAY, base, value);
        }

        if (p->pos == p->end || *p->pos != ',') {
            return jr_json_token_unexpected(p, "',' or ']'");
        }

        p->pos++;
        jr_json_skip_blanks(p);
    }
}


/* Steps over the opening bracket of one more level. */

static jr_status_e
jr_json_enter(jr_json_parser_t *p)
{
    if (p->depth == JR_JSON_DEPTH) {
        return jr_json_token_fail(p, p->pos, "nested deeper than 1000 levels");
    }

    p->depth++;
    p->pos++;

    jr_json_skip_blanks(p);

    return JR_OK;
}


/* Steps over the closing bracket; what is on the stack from base on becomes
   the value. */

static jr_status_e
jr_json_leave(jr_json_parser_t *p, jr_kind_e kind, size_t base,
    jr_value_t *value)
{
    size_t       n;
    jr_value_t  *items;

    n = p->used - base;
    items = NULL;

    p->closed += n;

    if (p->closed > JR_JSON_VALUES) {
        return jr_json_too_many(p);
    }

    if (n > 0) {
        items = jr_arena_alloc(p->arena, n * sizeof(jr_value_t));
        if (items == NULL) {
            return jr_json_token_no_memory(p);
        }

        memcpy(items, p->stack + base, n * sizeof(jr_value_t));
    }

    p->used = base;
    p->depth--;
    p->pos++;

    value->kind = kind;
    value->len = (uint32_t) (kind == JR_KIND_OBJECT ? n / 2 : n);
    value->u.items = items;

    return JR_OK;
}


static jr_status_e
jr_json_push(jr_json_parser_t *p, const jr_value_t *value)
{
    size_t       size;
    jr_value_t  *stack;

    if (p->used == p->size) {

        if (p->size > JR_JSON_VALUES) {
            return jr_json_too_many(p);
        }

        size = p->size ? 2 * p->size : 64;

        stack = realloc(p->stack, size * sizeof(jr_value_t));
        if (stack == NULL) {
            return jr_json_token_no_memory(p);
        }

        p->stack = stack;
        p->size = size;
    }

    p->stack[p->used++] = *value;

    return JR_OK;
}


static jr_status_e
jr_json_too_many(jr_json_parser_t *p)
{
    return jr_json_token_fail(p, p->pos, "more than 1000000 values and names");
}


static jr_status_e
jr_json_literal(jr_json_parser_t *p, jr_value_t *value)
{
    size_t  left;

    left = (size_t) (p->end - p->pos);

    if (left >= 4 && memcmp(p->pos, "true", 4) == 0) {
        p->pos += 4;
        value->kind = JR_KIND_TRUE;

    } else if (left >= 5 && memcmp(p->pos, "false", 5) == 0) {
        p->pos += 5;
        value->kind = JR_KIND_FALSE;

    } else if (left >= 4 && memcmp(p->pos, "null", 4) == 0) {
        p->pos += 4;
        value->kind = JR_KIND_NULL;

    } else {
        return jr_json_token_unexpected(p, "a value");
    }

    value->len = 0;
    value->u.items = NULL;

    return JR_OK;
}
