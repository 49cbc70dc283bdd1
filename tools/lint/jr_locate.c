/* SPDX-License-Identifier: BSD-2-Clause
 *
 * A walk over JSON text that writes the pointer of each value it meets, with
 * the same words as the report did, until it meets the one it looks for.
 */

#include <stdlib.h>
#include <string.h>

#include "jr_json_token.h"
#include "jr_locate.h"
#include "jr_str.h"


typedef struct {
    jr_json_parser_t      parser;
    jr_str_t              wanted;
    const unsigned char  *found;        /* the deepest match so far */
    int                   exact;
} jr_locate_t;


static jr_status_e jr_locate_value(jr_locate_t *l, const jr_place_t *place);
static jr_status_e jr_locate_object(jr_locate_t *l, const jr_place_t *place);
static jr_status_e jr_locate_array(jr_locate_t *l, const jr_place_t *place);
static void jr_locate_compare(jr_locate_t *l, const jr_place_t *place);


jr_status_e
jr_locate(const char *text, size_t len, const jr_report_t *report,
    size_t entry, size_t *line, size_t *column)
{
    jr_place_t            top;
    jr_locate_t           l;
    jr_status_e           rc;
    jr_json_error_t       err;
    const unsigned char  *p;

    memset(&l, 0, sizeof(jr_locate_t));
    memset(&top, 0, sizeof(jr_place_t));

    l.parser.start = (const unsigned char *) text;
    l.parser.pos = l.parser.start;
    l.parser.end = l.parser.start + len;
    l.parser.err = &err;
    l.found = l.parser.start;

    /* strings are decoded at their own place in a copy */

    l.parser.copy = malloc(len + 1);
    if (l.parser.copy == NULL) {
        return JR_NO_MEMORY;
    }

    l.wanted.data = report->text + report->entry[entry].start;
    l.wanted.len = report->entry[entry].pointer;

    if (report->entry[entry].missing) {
        while (l.wanted.len && l.wanted.data[--l.wanted.len] != '/') {
            /* cut the member off: what it is missing in is wanted */
        }
    }

    rc = jr_locate_value(&l, &top);

    free(l.parser.copy);

    if (rc != JR_OK) {
        return rc;
    }

    *line = 1;
    *column = 1;

    for (p = l.parser.start; p < l.found; p++) {
        (*column)++;

        if (*p == '\n') {
            (*line)++;
            *column = 1;
        }
    }

    return JR_OK;
}


static jr_status_e
jr_locate_value(jr_locate_t *l, const jr_place_t *place)
{
    jr_value_t  string;

    jr_json_skip_blanks(&l->parser);

    if (l->parser.pos == l->parser.end) {
        return JR_INVALID;
    }

    jr_locate_compare(l, place);

    if (l->exact) {
        return JR_OK;
    }

    switch (*l->parser.pos) {

    case '{':
        return jr_locate_object(l, place);

    case '[':
        return jr_locate_array(l, place);

    case '"':
        return jr_json_token_string(&l->parser, &string);

    default:
        while (l->parser.pos < l->parser.end
               && strchr(",]} \t\r\n", *l->parser.pos) == NULL)
        {
            l->parser.pos++;
        }

        return JR_OK;
    }
}


static jr_status_e
jr_locate_object(jr_locate_t *l, const jr_place_t *place)
{
    jr_place_t         member;
    jr_value_t         name;
    jr_status_e        rc;
    jr_json_parser_t  *p;

    p = &l->parser;

    for ( ;; ) {
        p->pos++;
        jr_json_skip_blanks(p);

        if (p->pos < p->end && *p->pos == '}') {
            break;
        }

        rc = jr_json_token_string(p, &name);
        if (rc != JR_OK) {
            return rc;
        }

        jr_json_skip_blanks(p);
        p->pos++;

        member.up = place;
        member.key = jr_string(&name);
        member.len = jr_string_len(&name);
        member.index = 0;

        rc = jr_locate_value(l, &member);

        if (rc != JR_OK || l->exact) {
            return rc;
        }

        jr_json_skip_blanks(p);

        if (p->pos == p->end || *p->pos != ',') {
            break;
        }
    }

    p->pos++;

    return JR_OK;
}


static jr_status_e
jr_locate_array(jr_locate_t *l, const jr_place_t *place)
{
    jr_place_t         item;
    jr_status_e        rc;
    jr_json_parser_t  *p;

    p = &l->parser;

    item.up = place;
    item.key = NULL;
    item.len = 0;

    for (item.index = 0; /* void */ ; item.index++) {
        p->pos++;
        jr_json_skip_blanks(p);

        if (p->pos < p->end && *p->pos == ']') {
            break;
        }

        rc = jr_locate_value(l, &item);

        if (rc != JR_OK || l->exact) {
            return rc;
        }

        jr_json_skip_blanks(p);

        if (p->pos == p->end || *p->pos != ',') {
            break;
        }
    }

    p->pos++;

    return JR_OK;
}


/* a pointer that the wanted one begins with is a better place than none */

static void
jr_locate_compare(jr_locate_t *l, const jr_place_t *place)
{
    char       buf[JR_PLACE_TEXT + 4];
    size_t     len;
    jr_text_t  t;

    jr_text_init(&t, buf, sizeof(buf));
    jr_place_write(&t, place);

    len = (size_t) (t.pos - t.start);

    if (len > l->wanted.len || memcmp(buf, l->wanted.data, len) != 0) {
        return;
    }

    l->exact = (len == l->wanted.len);

    if (l->exact || l->wanted.data[len] == '/') {
        l->found = l->parser.pos;
    }
}
