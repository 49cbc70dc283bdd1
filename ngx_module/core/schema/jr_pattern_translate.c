/*
 * From the regular expressions of ECMA-262 (u flag) to those of PCRE2.
 *
 * What both mean alike is copied.  What PCRE2 takes for something else is
 * rewritten (".", "\s", "\v", "\u0041", "\p{Letter}", "[" in a class).
 * What ECMA-262 does not have (inline options, verbs, possessive
 * quantifiers, "\A", POSIX classes) is refused, so that a pattern means the
 * same here as to any other validator.
 */

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "jr_pattern.h"
#include "jr_pattern_escape.h"
#include "jr_utf8.h"


static jr_status_e jr_translate_one(jr_translator_t *tr);
static jr_status_e jr_translate_group(jr_translator_t *tr);
static jr_status_e jr_translate_class(jr_translator_t *tr);
static jr_status_e jr_translate_quantifier(jr_translator_t *tr);
static size_t jr_translate_braces(const char *pos, const char *end);


jr_status_e
jr_pattern_translate(const char *text, size_t len, jr_text_t *why,
    char **out, size_t *outlen)
{
    jr_status_e      rc;
    jr_translator_t  tr;

    tr.pos = text;
    tr.end = text + len;
    tr.why = why;
    tr.quantifiable = 0;
    tr.size = len * JR_TRANSLATE_GROWTH + 1;

    tr.start = malloc(tr.size);
    if (tr.start == NULL) {
        return JR_NO_MEMORY;
    }

    tr.dst = tr.start;
    rc = JR_OK;

    while (tr.pos < tr.end && rc == JR_OK) {
        rc = jr_translate_one(&tr);
    }

    if (rc != JR_OK) {
        free(tr.start);
        return rc;
    }

    *out = tr.start;
    *outlen = (size_t) (tr.dst - tr.start);

    return JR_OK;
}


static jr_status_e
jr_translate_one(jr_translator_t *tr)
{
    switch (*tr->pos) {

    case '\\':
        tr->quantifiable = 1;
        return jr_translate_escape(tr, 0);

    case '(':
        return jr_translate_group(tr);

    case '[':
        return jr_translate_class(tr);

    case '*':
    case '+':
    case '?':
    case '{':
        return jr_translate_quantifier(tr);

    case '.':
        tr->pos++;
        tr->quantifiable = 1;
        jr_translate_put(tr, "[^\\n\\r\\x{2028}\\x{2029}]");
        return JR_OK;

    case ']':
    case '}':
        return jr_translate_refuse(tr, "a lone ] or }");

    case '^':
    case '$':
    case '|':
        tr->quantifiable = 0;
        jr_translate_copy(tr, 1);
        return JR_OK;

    default:
        tr->quantifiable = 1;
        jr_translate_copy(tr, 1);
        return JR_OK;
    }
}


static jr_status_e
jr_translate_group(jr_translator_t *tr)
{
    size_t                len, n;
    const char *const    *kind;

    static const char *const  kinds[] = {
        "(?:", "(?=", "(?!", "(?<=", "(?<!", NULL
    };

    len = (size_t) (tr->end - tr->pos);
    tr->quantifiable = 0;

    if (len > 1 && tr->pos[1] == '*') {
        return jr_translate_refuse(tr, "a group that begins with *");
    }

    if (len < 2 || tr->pos[1] != '?') {
        jr_translate_copy(tr, 1);
        return JR_OK;
    }

    for (kind = kinds; *kind != NULL; kind++) {
        n = strlen(*kind);

        if (len >= n && memcmp(tr->pos, *kind, n) == 0) {
            jr_translate_copy(tr, n);
            return JR_OK;
        }
    }

    if (len > 3 && tr->pos[2] == '<') {
        jr_translate_copy(tr, 3);
        return JR_OK;
    }

    return jr_translate_refuse(tr, "a kind of group that ECMA-262 does not"
                               " have");
}


/*
 * "[" has no meaning in a class, but PCRE2 would take "[:" for the start of
 * a POSIX class.
 */

static jr_status_e
jr_translate_class(jr_translator_t *tr)
{
    jr_status_e  rc;

    tr->quantifiable = 1;
    jr_translate_copy(tr, 1);

    if (tr->pos < tr->end && *tr->pos == '^') {
        jr_translate_copy(tr, 1);
    }

    while (tr->pos < tr->end) {

        switch (*tr->pos) {

        case ']':
            jr_translate_copy(tr, 1);
            return JR_OK;

        case '[':
            jr_translate_put(tr, "\\[");
            tr->pos++;
            break;

        case '\\':
            rc = jr_translate_escape(tr, 1);
            if (rc != JR_OK) {
                return rc;
            }

            break;

        default:
            jr_translate_copy(tr, 1);
        }
    }

    return jr_translate_refuse(tr, "a class that is not closed");
}


/* "a++" is possessive in PCRE2 and an error in ECMA-262. */

static jr_status_e
jr_translate_quantifier(jr_translator_t *tr)
{
    size_t  n;

    n = *tr->pos == '{' ? jr_translate_braces(tr->pos, tr->end) : 1;

    if (!tr->quantifiable || n == 0) {
        return jr_translate_refuse(tr, "a quantifier with nothing to"
                                   " repeat");
    }

    jr_translate_copy(tr, n);

    if (tr->pos < tr->end && *tr->pos == '?') {
        jr_translate_copy(tr, 1);
    }

    tr->quantifiable = 0;

    return JR_OK;
}


/* Bytes of {n}, {n,} or {n,m}; 0: it is none of these. */

static size_t
jr_translate_braces(const char *pos, const char *end)
{
    size_t       digits;
    const char  *p;

    digits = 0;

    for (p = pos + 1; p < end && *p >= '0' && *p <= '9'; p++) {
        digits++;
    }

    if (digits == 0) {
        return 0;
    }

    if (p < end && *p == ',') {
        p++;
    }

    while (p < end && *p >= '0' && *p <= '9') {
        p++;
    }

    return p < end && *p == '}' ? (size_t) (p + 1 - pos) : 0;
}
