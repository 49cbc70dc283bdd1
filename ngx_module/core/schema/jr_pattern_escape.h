/*
 * The state of translating a pattern, and its escapes.  Internal to
 * jr_pattern_translate.c and jr_pattern_escape.c.
 */

#ifndef JR_PATTERN_ESCAPE_H_INCLUDED
#define JR_PATTERN_ESCAPE_H_INCLUDED

#include "jr_pattern.h"


/* "\S" is two bytes and becomes the longest text, 175 bytes */
#define JR_TRANSLATE_GROWTH  96


typedef struct {
    const char  *pos;
    const char  *end;
    char        *start;         /* malloc()ed, never outgrown */
    char        *dst;
    size_t       size;
    jr_text_t   *why;
    int          quantifiable;  /* something stands before that can be
                                   repeated */
} jr_translator_t;


/* tr->pos is at a backslash */
jr_status_e jr_translate_escape(jr_translator_t *tr, int in_class);

void jr_translate_put(jr_translator_t *tr, const char *text);
void jr_translate_copy(jr_translator_t *tr, size_t n);
jr_status_e jr_translate_refuse(jr_translator_t *tr, const char *what);


#endif /* JR_PATTERN_ESCAPE_H_INCLUDED */
