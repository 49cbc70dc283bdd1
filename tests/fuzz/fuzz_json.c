/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Request bodies as JSON: our reading against jansson's own, the canonical
 * form against itself, and one member found without reading.
 */

/* memmem() */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif

#include <jansson.h>

#include "fuzz.h"
#include "jr_json.h"
#include "jr_json_skim.h"
#include "lib_canonical.h"


#define FLAGS  (JSON_DECODE_ANY|JSON_REJECT_DUPLICATES|JSON_ALLOW_NUL)


/* of the values of one input */

static jr_arena_t  *arena;

static void agrees_with_jansson(const char *text, size_t len,
    const jr_value_t *value, const jr_json_error_t *err);
static char *of_jansson(const json_t *value, size_t *len);
static void is_canonical(const jr_value_t *value);
static void skim_agrees(const char *text, size_t len, const jr_value_t *value);


int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char              *text;
    jr_status_e        rc;
    jr_json_error_t    err;
    const jr_value_t  *value;

    arena = jr_arena_create();
    fuzz_holds(arena != NULL);

    text = fuzz_copy(data, size);
    value = NULL;

    rc = jr_json_parse(arena, text, size, &err, &value);
    fuzz_holds(rc == JR_OK || rc == JR_INVALID);

    if (rc == JR_INVALID) {
        fuzz_holds(value == NULL);
        fuzz_holds(err.offset <= size && err.line >= 1 && err.column >= 1);
        fuzz_holds(err.text[0] != '\0');
        fuzz_holds(fuzz_is_plain(err.text, strlen(err.text)));

    } else {
        is_canonical(value);
    }

    agrees_with_jansson(text, size, value, &err);
    skim_agrees(text, size, value);

    /* with numbers of any range: nothing else is read */

    rc = jr_json_parse_any_number(arena, text, size, &err, &value);
    fuzz_holds(rc == JR_OK || rc == JR_INVALID);

    jr_arena_free(arena);
    free(text);

    return 0;
}


/*
 * What we read, jansson reads too, and as the same value; but it has no
 * member names with U+0000, which we leave to the schema's check.  What
 * jansson reads we refuse only for the limits that jr_json.h names: a raw
 * NUL, the depth, and numbers out of range.
 *
 * A real is a double to jansson, to us what is written: so the canonical
 * form, which keeps that, goes through jansson as well.
 */

static void
agrees_with_jansson(const char *text, size_t len, const jr_value_t *value,
    const jr_json_error_t *err)
{
    char    *canonical, *first, *second;
    size_t   size, n, m;
    json_t  *other;

    other = json_loadb(text, len, FLAGS, NULL);

    if (value != NULL) {
        fuzz_holds(other != NULL || memmem(text, len, "\\u0000", 6) != NULL);

    } else if (other != NULL) {
        fuzz_holds(memchr(text, '\0', len) != NULL || err->range
                   || len > JR_JSON_DEPTH);
    }

    if (value != NULL && other != NULL) {
        first = of_jansson(other, &n);

        fuzz_holds(canonical_text(value, &canonical, &size) == JR_OK);
        json_decref(other);
        other = json_loadb(canonical, size, FLAGS, NULL);
        fuzz_holds(other != NULL);

        second = of_jansson(other, &m);
        fuzz_holds(n == m && memcmp(first, second, n) == 0);

        free(canonical);
        free(first);
        free(second);
    }

    json_decref(other);
}


/* the canonical form of what jansson has read; the caller frees it */

static char *
of_jansson(const json_t *value, size_t *len)
{
    char              *dump, *text;
    jr_json_error_t    ignored;
    const jr_value_t  *again;

    dump = json_dumps(value, JSON_ENCODE_ANY);
    fuzz_holds(dump != NULL);
    fuzz_holds(jr_json_parse(arena, dump, strlen(dump), &ignored, &again)
               == JR_OK);
    fuzz_holds(canonical_text(again, &text, len) == JR_OK);

    free(dump);

    return text;
}


/* read again, the canonical form is the same text; its digest is that */

static void
is_canonical(const jr_value_t *value)
{
    char              *first, *second;
    size_t             len, again;
    jr_digest_t        whole, pieces;
    jr_json_error_t    err;
    const jr_value_t  *back;

    fuzz_holds(canonical_text(value, &first, &len) == JR_OK);
    fuzz_holds(jr_json_parse(arena, first, len, &err, &back) == JR_OK);
    fuzz_holds(canonical_text(back, &second, &again) == JR_OK);
    fuzz_holds(len == again && memcmp(first, second, len) == 0);

    fuzz_holds(jr_digest(first, len, &whole) == JR_OK);
    fuzz_holds(jr_canonical_digest(value, &pieces) == JR_OK);
    fuzz_holds(memcmp(&whole, &pieces, sizeof(whole)) == 0);

    free(first);
    free(second);
}


static void
skim_agrees(const char *text, size_t len, const jr_value_t *value)
{
    jr_str_t           found, all, name = jr_str("key");
    const jr_value_t  *member;

    all.data = text;
    all.len = len;

    found = jr_json_skim_string(all, name);
    fuzz_holds(fuzz_within(found, text, len));

    if (value == NULL || found.len == 0) {
        return;
    }

    member = jr_object_get(value, "key", 3);
    fuzz_holds(jr_is_string(member));
    fuzz_holds(jr_str_eq(found, jr_string(member), jr_string_len(member)));
}
