/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Compiling and matching with PCRE2, within limits.
 */

#define PCRE2_CODE_UNIT_WIDTH  8

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <pcre2.h>

#include "jr_pattern.h"
#include "jr_pattern_translate.h"


/* backtracking steps of one match: enough for any text a linear pattern
   sees, and a few milliseconds for one that explodes */
#define JR_MATCH_STEPS      100000
#define JR_MATCH_STEPS_BYTE 8

/* kilobytes of backtracking memory */
#define JR_MATCH_HEAP       8192

/* matches that may run into a limit before all others are given up too */
#define JR_MATCH_COSTLY     4

#define JR_PATTERN_LEN      65536


/*
 * A pattern "^[...]+$" asks for nothing but characters of one class.  PCRE2
 * is asked once for each character of ASCII, and no more for a text of them.
 */
struct jr_pattern_s {
    pcre2_code            *code;
    unsigned               one_class:1;
    unsigned char          in_class[128];
};

struct jr_matcher_s {
    pcre2_match_data      *data;
    pcre2_match_context   *context;
    size_t                 costly;
};


static jr_status_e jr_pattern_code(const char *translated, size_t size,
    const char *text, size_t len, jr_text_t *why, pcre2_code **code);
static int jr_pattern_is_class(const char *text, size_t len);
static void jr_pattern_tabulate(jr_matcher_t *matcher, jr_pattern_t *pattern);
static jr_pattern_e jr_pattern_run(jr_matcher_t *matcher,
    const jr_pattern_t *pattern, const char *text, size_t len);


jr_status_e
jr_pattern_matcher_create(jr_matcher_t **matcher)
{
    jr_matcher_t  *m;

    m = calloc(1, sizeof(jr_matcher_t));
    if (m == NULL) {
        return JR_NO_MEMORY;
    }

    m->data = pcre2_match_data_create(1, NULL);
    m->context = pcre2_match_context_create(NULL);

    if (m->data == NULL || m->context == NULL) {
        jr_pattern_matcher_free(m);
        return JR_NO_MEMORY;
    }

    (void) pcre2_set_heap_limit(m->context, JR_MATCH_HEAP);

    *matcher = m;

    return JR_OK;
}


void
jr_pattern_matcher_free(jr_matcher_t *matcher)
{
    if (matcher == NULL) {
        return;
    }

    pcre2_match_data_free(matcher->data);
    pcre2_match_context_free(matcher->context);
    free(matcher);
}


void
jr_pattern_matcher_reset(jr_matcher_t *matcher)
{
    matcher->costly = 0;
}


jr_status_e
jr_pattern_compile(jr_matcher_t *matcher, const char *text, size_t len,
    jr_text_t *why, jr_pattern_t **pattern)
{
    char          *translated;
    size_t         size;
    jr_status_e    rc;
    jr_pattern_t  *p;

    if (len > JR_PATTERN_LEN) {
        jr_text_str(why, "longer than 65536 bytes");
        return JR_INVALID;
    }

    rc = jr_pattern_translate(text, len, why, &translated, &size);
    if (rc != JR_OK) {
        return rc;
    }

    p = calloc(1, sizeof(jr_pattern_t));

    rc = p == NULL ? JR_NO_MEMORY
                   : jr_pattern_code(translated, size, text, len, why,
                                     &p->code);
    free(translated);

    /* the first match grows the work memory */

    if (rc == JR_OK
        && jr_pattern_match(matcher, p, "", 0) == JR_PATTERN_TOO_COSTLY)
    {
        rc = JR_NO_MEMORY;
    }

    if (rc != JR_OK) {
        jr_pattern_free(p);
        return rc;
    }

    if (jr_pattern_is_class(text, len)) {
        jr_pattern_tabulate(matcher, p);
    }

    *pattern = p;

    return JR_OK;
}


/*
 * "$" is the very end of the text, and \u is read, as in ECMA-262.  Nothing
 * asks what a group has matched.
 */

static jr_status_e
jr_pattern_code(const char *translated, size_t size, const char *text,
    size_t len, jr_text_t *why, pcre2_code **code)
{
    int                     err;
    PCRE2_UCHAR             message[128];
    PCRE2_SIZE              offset;
    pcre2_compile_context  *context;

    context = pcre2_compile_context_create(NULL);
    if (context == NULL) {
        return JR_NO_MEMORY;
    }

    (void) pcre2_set_compile_extra_options(context, PCRE2_EXTRA_ALT_BSUX);

    *code = pcre2_compile((PCRE2_SPTR) translated, size,
                          PCRE2_UTF|PCRE2_NO_UTF_CHECK|PCRE2_ALT_BSUX
                          |PCRE2_DOLLAR_ENDONLY|PCRE2_NEVER_BACKSLASH_C
                          |PCRE2_ALLOW_EMPTY_CLASS|PCRE2_NO_AUTO_CAPTURE,
                          &err, &offset, context);

    pcre2_compile_context_free(context);

    if (*code != NULL) {
        return JR_OK;
    }

    if (err == PCRE2_ERROR_HEAP_FAILED) {
        return JR_NO_MEMORY;
    }

    (void) pcre2_get_error_message(err, message, sizeof(message));

    jr_text_str(why, (const char *) message);
    jr_text_str(why, " at offset ");
    jr_text_size(why, jr_pattern_translate_offset(text, len, offset));

    return JR_INVALID;
}


void
jr_pattern_free(jr_pattern_t *pattern)
{
    if (pattern == NULL) {
        return;
    }

    pcre2_code_free(pattern->code);
    free(pattern);
}


/* "^[...]+$", and no bracket ends the class before that */

static int
jr_pattern_is_class(const char *text, size_t len)
{
    size_t  i;

    if (len < 6 || text[0] != '^' || text[1] != '[' || text[2] == '^'
        || memcmp(text + len - 3, "]+$", 3) != 0)
    {
        return 0;
    }

    for (i = 2; i < len - 3; i++) {

        if (text[i] == ']') {
            return 0;
        }

        if (text[i] == '\\') {
            i++;
        }
    }

    /* not behind a bracket that is escaped */

    return i == len - 3;
}


static void
jr_pattern_tabulate(jr_matcher_t *matcher, jr_pattern_t *pattern)
{
    int   i;
    char  ch;

    for (i = 0; i < 128; i++) {
        ch = (char) i;

        pattern->in_class[i] = jr_pattern_run(matcher, pattern, &ch, 1)
                               == JR_PATTERN_MATCH;
    }

    pattern->one_class = 1;
}


jr_pattern_e
jr_pattern_match(jr_matcher_t *matcher, const jr_pattern_t *pattern,
    const char *text, size_t len)
{
    size_t         i;
    unsigned char  ch;

    if (matcher->costly == JR_MATCH_COSTLY) {
        return JR_PATTERN_TOO_COSTLY;
    }

    if (!pattern->one_class) {
        return jr_pattern_run(matcher, pattern, text, len);
    }

    for (i = 0; i < len; i++) {
        ch = (unsigned char) text[i];

        if (ch >= 0x80) {
            return jr_pattern_run(matcher, pattern, text, len);
        }

        if (!pattern->in_class[ch]) {
            return JR_PATTERN_NO_MATCH;
        }
    }

    return len ? JR_PATTERN_MATCH : JR_PATTERN_NO_MATCH;
}


static jr_pattern_e
jr_pattern_run(jr_matcher_t *matcher, const jr_pattern_t *pattern,
    const char *text, size_t len)
{
    int       rc;
    uint64_t  steps;

    steps = JR_MATCH_STEPS + (uint64_t) len * JR_MATCH_STEPS_BYTE;

    (void) pcre2_set_match_limit(matcher->context, steps > UINT32_MAX
                                 ? UINT32_MAX : (uint32_t) steps);

    rc = pcre2_match(pattern->code, (PCRE2_SPTR) text, len, 0,
                     PCRE2_NO_UTF_CHECK, matcher->data, matcher->context);

    if (rc >= 0) {
        return JR_PATTERN_MATCH;
    }

    if (rc == PCRE2_ERROR_NOMATCH) {
        return JR_PATTERN_NO_MATCH;
    }

    matcher->costly++;

    return JR_PATTERN_TOO_COSTLY;
}
