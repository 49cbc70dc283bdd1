/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The text of violations.
 */

#include <string.h>

#include "jr_report.h"


/* bytes of an enumeration that a message repeats */
#define JR_CHOICES_TEXT  320


typedef struct {
    unsigned     types;
    const char  *name;
} jr_report_type_t;


static void jr_report_scalar(jr_text_t *t, const jr_value_t *value);


static const jr_report_type_t  jr_report_type_names[] = {
    { JR_TYPE_OBJECT,  "an object" },
    { JR_TYPE_ARRAY,   "an array" },
    { JR_TYPE_STRING,  "a string" },
    { JR_TYPE_NUMBER,  "a number" },
    { JR_TYPE_INTEGER, "an integer" },
    { JR_TYPE_BOOLEAN, "true or false" },
    { JR_TYPE_NULL,    "null" },
    { 0,               NULL }
};


void
jr_report_begin(jr_check_t *c, jr_report_t *report)
{
    report->count = 0;
    report->entries = 0;
    report->len = 0;

    c->report = report;

    jr_text_init(&c->text, report->text, sizeof(report->text));
}


void
jr_report_end(jr_check_t *c)
{
    if (c->report->count > JR_REPORT_MAX) {
        jr_text_str(&c->text, "; and ");
        jr_text_size(&c->text, c->report->count - JR_REPORT_MAX);
        jr_text_str(&c->text, " more");
    }

    c->report->len = (size_t) (c->text.pos - c->text.start);
}


jr_text_t *
jr_report_violation(jr_check_t *c, const jr_place_t *place)
{
    jr_report_entry_t  *entry;

    c->failed = 1;

    if (c->trials > 0 || c->report->count++ >= JR_REPORT_MAX) {
        return NULL;
    }

    if (c->report->count > 1) {
        jr_text_str(&c->text, "; ");
    }

    jr_text_init(&c->entry, c->buf, sizeof(c->buf));
    jr_place_write(&c->entry, place);

    entry = &c->report->entry[c->report->entries];
    entry->start = (size_t) (c->text.pos - c->text.start);
    entry->pointer = (size_t) (c->entry.pos - c->entry.start);
    entry->missing = 0;

    /* the pointer of the document itself is empty, which tells people
       nothing */

    jr_text_str(&c->entry, entry->pointer ? ": " : "the request body: ");
    entry->message = (size_t) (c->entry.pos - c->entry.start);

    return &c->entry;
}


void
jr_report_violated(jr_check_t *c)
{
    jr_report_t  *report;

    report = c->report;

    jr_text_str(&c->text, c->buf);
    report->entry[report->entries++].end = (size_t) (c->text.pos
                                                     - c->text.start);
}


void
jr_report_text(jr_check_t *c, const jr_place_t *place, const char *text)
{
    jr_text_t  *t;

    t = jr_report_violation(c, place);

    if (t != NULL) {
        jr_text_str(t, text);
        jr_report_violated(c);
    }
}


void
jr_report_found(jr_check_t *c, const jr_place_t *place, const char *text,
    const jr_value_t *value)
{
    jr_text_t  *t;

    t = jr_report_violation(c, place);

    if (t != NULL) {
        jr_text_str(t, text);
        jr_report_value(t, value);
        jr_report_violated(c);
    }
}


void
jr_report_forced(jr_check_t *c, const jr_place_t *place, const char *text)
{
    unsigned  trials;

    trials = c->trials;

    c->trials = 0;
    jr_report_text(c, place, text);
    c->trials = trials;
}


/* every message has its rule first, and quotes nothing of the body before
   ", found " */

size_t
jr_report_rule(const char *text, size_t len)
{
    size_t  i;

    static const char  found[] = ", found ";

    for (i = 0; i + sizeof(found) - 1 <= len; i++) {
        if (memcmp(text + i, found, sizeof(found) - 1) == 0) {
            return i;
        }
    }

    return len;
}


size_t
jr_report_redact(const jr_report_t *report, char *dst)
{
    char                     *p;
    size_t                    i, len, message;
    const char               *text;
    const jr_report_entry_t  *entry;

    p = dst;

    for (i = 0; i < report->entries; i++) {

        if (i > 0) {
            *p++ = ';';
            *p++ = ' ';
        }

        /* the pointer is made of names, which may hold any text */

        entry = &report->entry[i];
        text = report->text + entry->start;
        message = entry->message;

        len = message + jr_report_rule(text + message,
                                       entry->end - entry->start - message);

        memcpy(p, text, len);
        p += len;
    }

    return (size_t) (p - dst);
}


void
jr_report_value(jr_text_t *t, const jr_value_t *value)
{
    jr_text_str(t, ", found ");

    switch (value->kind) {

    case JR_KIND_OBJECT:
        jr_text_str(t, "an object");
        break;

    case JR_KIND_ARRAY:
        jr_text_str(t, "an array");
        break;

    default:
        jr_report_scalar(t, value);
    }
}


static void
jr_report_scalar(jr_text_t *t, const jr_value_t *value)
{
    switch (value->kind) {

    case JR_KIND_STRING:
        jr_text_found(t, value->u.text, value->len);
        break;

    case JR_KIND_OUT_OF_RANGE:
        jr_text_escape(t, value->u.text, value->len, JR_TEXT_FOUND, 0);
        break;

    case JR_KIND_INTEGER:
        jr_text_int(t, jr_integer(value));
        break;

    case JR_KIND_REAL:
        jr_text_real(t, jr_real(value));
        break;

    case JR_KIND_TRUE:
        jr_text_str(t, "true");
        break;

    case JR_KIND_FALSE:
        jr_text_str(t, "false");
        break;

    case JR_KIND_NULL:
        jr_text_str(t, "null");
        break;

    case JR_KIND_OBJECT:
        jr_text_str(t, "a certain object");
        break;

    case JR_KIND_ARRAY:
        jr_text_str(t, "a certain array");
        break;
    }
}


void
jr_report_types(jr_text_t *t, unsigned types)
{
    int                    first;
    const jr_report_type_t  *name;

    first = 1;

    for (name = jr_report_type_names; name->name != NULL; name++) {

        /* "number" stands for both kinds, so it takes both bits */

        if ((types & name->types) != name->types) {
            continue;
        }

        types &= ~name->types;

        jr_text_str(t, first ? "" : types ? ", " : " or ");
        jr_text_str(t, name->name);
        first = 0;
    }
}


void
jr_report_choices(jr_text_t *t, const jr_value_t *choices)
{
    char       buf[JR_CHOICES_TEXT];
    size_t     i, n;
    jr_text_t  list;

    if (choices->kind != JR_KIND_ARRAY) {
        jr_report_scalar(t, choices);
        return;
    }

    jr_text_init(&list, buf, sizeof(buf));
    n = choices->len;

    for (i = 0; i < n; i++) {
        jr_text_str(&list, i == 0 ? "" : i + 1 < n ? ", " : " or ");
        jr_report_scalar(&list, &choices->u.items[i]);
    }

    jr_text_str(t, buf);

    if (list.full) {
        jr_text_str(t, "...");
    }
}
