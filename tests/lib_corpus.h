/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Lines of JSON to run the rules against: the project's own vectors, and
 * larger corpora that need not be there.
 */

#ifndef LIB_CORPUS_H_INCLUDED
#define LIB_CORPUS_H_INCLUDED

#include <stddef.h>
#include <jansson.h>


/* lines of disagreement that are printed */
#define CORPUS_SHOWN  20


typedef struct {
    const char  *name;
    size_t       lines;
    size_t       agree;
    size_t       outside;       /* of what the rules are about; see why */
    size_t       disagree;
} corpus_t;

/* line is NULL where jansson does not read the text */
typedef void (*corpus_line_pt)(corpus_t *corpus, const json_t *line,
    const char *text, size_t len, void *data);


/*
 * Calls fn for each line of $JR_SUITES/name (default ../shared/suites), or
 * says that it is skipped and returns 0 where there is no such file.
 */
int corpus_run(corpus_t *corpus, const char *name, corpus_line_pt fn,
    void *data);

/* the same with tests/vectors/name, which must be there */
void vectors_run(corpus_t *corpus, const char *name, corpus_line_pt fn,
    void *data);

/* counts a line; id and detail are printed where it does not agree */
void corpus_count(corpus_t *corpus, int agrees, const char *id,
    const char *detail);
void corpus_outside(corpus_t *corpus);

/* prints the figures, and fails the test if a line did not agree */
void corpus_end(corpus_t *corpus);


/* "" where the member is not there or no string */
const char *line_string(const json_t *line, const char *key);
int line_is(const json_t *line, const char *key, const char *value);

/*
 * The bytes of a line's "body", "b64"/"body_b64" or "body_gen" {prefix,
 * unit, count, suffix}; to be free()d.
 */
char *line_body(const json_t *line, size_t *len);

/* a whole file, NUL-terminated, to be free()d; fails the test without */
char *read_file(const char *path, size_t *len);


#endif /* LIB_CORPUS_H_INCLUDED */
