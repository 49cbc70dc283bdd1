/*
 * Compiling and matching with PCRE2, within limits.
 */

#define PCRE2_CODE_UNIT_WIDTH  8

#include <stdint.h>
#include <stdlib.h>

#include <pcre2.h>

#include "jr_pattern.h"


/* backtracking steps of one match: enough for any text a linear pattern
   sees, and a few milliseconds for one that explodes */
#define JR_MATCH_STEPS      100000
#define JR_MATCH_STEPS_BYTE 8

/* kilobytes of backtracking memory */
#define JR_MATCH_HEAP       8192

/* matches that may run into a limit before all others are given up too */
#define JR_MATCH_COSTLY     4

#define JR_PATTERN_LEN      65536


struct jr_pattern_s {
    pcre2_code            *code;
};

struct jr_matcher_s {
    pcre2_match_data      *data;
    pcre2_match_context   *context;
    size_t                 costly;
};


jr_status_e
jr_matcher_create(jr_matcher_t **matcher)
{
    jr_matcher_t  *m;

    m = calloc(1, sizeof(jr_matcher_t));
    if (m == NULL) {
        return JR_NO_MEMORY;
    }

    m->data = pcre2_match_data_create(1, NULL);
    m->context = pcre2_match_context_create(NULL);

    if (m->data == NULL || m->context == NULL) {
        jr_matcher_free(m);
        return JR_NO_MEMORY;
    }

    (void) pcre2_set_heap_limit(m->context, JR_MATCH_HEAP);

    *matcher = m;

    return JR_OK;
}


void
jr_matcher_free(jr_matcher_t *matcher)
{
    if (matcher == NULL) {
        return;
    }

    pcre2_match_data_free(matcher->data);
    pcre2_match_context_free(matcher->context);
    free(matcher);
}


void
jr_matcher_reset(jr_matcher_t *matcher)
{
    matcher->costly = 0;
}


jr_status_e
jr_pattern_compile(jr_matcher_t *matcher, const char *text, size_t len,
    jr_text_t *why, jr_pattern_t **pattern)
{
    int            code;
    char          *translated;
    size_t         size;
    jr_status_e    rc;
    PCRE2_UCHAR    message[128];
    PCRE2_SIZE     offset;
    jr_pattern_t  *p;

    if (len > JR_PATTERN_LEN) {
        jr_text_str(why, "longer than 65536 bytes");
        return JR_INVALID;
    }

    rc = jr_pattern_translate(text, len, why, &translated, &size);
    if (rc != JR_OK) {
        return rc;
    }

    p = malloc(sizeof(jr_pattern_t));
    if (p == NULL) {
        free(translated);
        return JR_NO_MEMORY;
    }

    /* "$" is the very end of the text and a reference to a group that has
       not taken part matches the empty text, as in ECMA-262 */

    p->code = pcre2_compile((PCRE2_SPTR) translated, size,
                            PCRE2_UTF|PCRE2_NO_UTF_CHECK
                            |PCRE2_DOLLAR_ENDONLY|PCRE2_NEVER_BACKSLASH_C
                            |PCRE2_ALLOW_EMPTY_CLASS
                            |PCRE2_MATCH_UNSET_BACKREF,
                            &code, &offset, NULL);
    free(translated);

    if (p->code == NULL) {
        free(p);

        if (code == PCRE2_ERROR_HEAP_FAILED) {
            return JR_NO_MEMORY;
        }

        (void) pcre2_get_error_message(code, message, sizeof(message));
        jr_text_str(why, (const char *) message);

        return JR_INVALID;
    }

    if (jr_pattern_match(matcher, p, "", 0) == JR_PATTERN_TOO_COSTLY) {
        jr_pattern_free(p);
        return JR_NO_MEMORY;
    }

    *pattern = p;

    return JR_OK;
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


jr_pattern_e
jr_pattern_match(jr_matcher_t *matcher, const jr_pattern_t *pattern,
    const char *text, size_t len)
{
    int       rc;
    uint64_t  steps;

    if (matcher->costly == JR_MATCH_COSTLY) {
        return JR_PATTERN_TOO_COSTLY;
    }

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
