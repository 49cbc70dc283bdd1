/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Reading corpora, counting agreement.
 */

/* stpcpy() */
#define _GNU_SOURCE

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "lib_corpus.h"


static void run_text(corpus_t *corpus, char *text, size_t len,
    corpus_line_pt fn, void *data);
static char *read_stream(FILE *f, size_t *len);
static char *decode_base64(const char *text, size_t *len);
static char *generate(const json_t *gen, size_t *len);


int
corpus_run(corpus_t *corpus, const char *name, corpus_line_pt fn, void *data)
{
    FILE        *f;
    char        *text, path[512];
    size_t       len;
    const char  *dir;

    dir = getenv("JR_SUITES");
    if (dir == NULL) {
        dir = "../shared/suites";
    }

    snprintf(path, sizeof(path), "%s/%s", dir, name);
    memset(corpus, 0, sizeof(corpus_t));
    corpus->name = name;

    f = fopen(path, "rb");
    if (f == NULL) {
        fprintf(stderr, "# skip: corpus %s is not here\n", name);
        return 0;
    }

    text = read_stream(f, &len);
    fclose(f);

    run_text(corpus, text, len, fn, data);
    free(text);

    return 1;
}


void
vectors_run(corpus_t *corpus, const char *name, corpus_line_pt fn,
    void *data)
{
    char    *text, path[512];
    size_t   len;

    snprintf(path, sizeof(path), "tests/vectors/%s", name);
    memset(corpus, 0, sizeof(corpus_t));
    corpus->name = name;

    text = read_file(path, &len);
    run_text(corpus, text, len, fn, data);
    free(text);

    assert_true(corpus->lines > 0);
}


static void
run_text(corpus_t *corpus, char *text, size_t len, corpus_line_pt fn,
    void *data)
{
    char    *line, *end, *next;
    json_t  *json;

    end = text + len;

    for (line = text; line < end; line = next + 1) {
        next = memchr(line, '\n', (size_t) (end - line));
        if (next == NULL) {
            next = end;
        }

        if (next == line) {
            continue;
        }

        json = json_loadb(line, (size_t) (next - line),
                          JSON_DECODE_ANY|JSON_ALLOW_NUL, NULL);

        corpus->lines++;
        fn(corpus, json, line, (size_t) (next - line), data);

        json_decref(json);
    }
}


void
corpus_count(corpus_t *corpus, int agrees, const char *id,
    const char *detail)
{
    if (agrees) {
        corpus->agree++;
        return;
    }

    if (corpus->disagree++ < CORPUS_SHOWN) {
        print_message("# %s: %.200s: %.400s\n", corpus->name, id, detail);
    }
}


void
corpus_outside(corpus_t *corpus)
{
    corpus->outside++;
}


void
corpus_end(corpus_t *corpus)
{
    size_t  judged;

    judged = corpus->agree + corpus->disagree;

    /* prove shows what goes here, and keeps the rest to itself */

    fprintf(stderr, "# %s: %zu of %zu lines agree (%.1f%%), %zu of the %zu"
            " lines are outside\n", corpus->name, corpus->agree, judged,
            judged ? 100.0 * (double) corpus->agree / (double) judged : 0.0,
            corpus->outside, corpus->lines);

    assert_int_equal(corpus->lines, judged + corpus->outside);
    assert_true(corpus->agree > 0);
    assert_int_equal(corpus->disagree, 0);
}


const char *
line_string(const json_t *line, const char *key)
{
    const char  *value;

    value = json_string_value(json_object_get(line, key));

    return value != NULL ? value : "";
}


int
line_is(const json_t *line, const char *key, const char *value)
{
    return strcmp(line_string(line, key), value) == 0;
}


char *
line_body(const json_t *line, size_t *len)
{
    char          *copy;
    const json_t  *value;

    value = json_object_get(line, "body");

    if (json_is_string(value)) {
        *len = json_string_length(value);
        copy = malloc(*len + 1);
        assert_non_null(copy);
        memcpy(copy, json_string_value(value), *len);

        return copy;
    }

    value = json_object_get(line, "body_gen");

    if (json_is_object(value)) {
        return generate(value, len);
    }

    value = json_object_get(line, "b64");

    if (value == NULL) {
        value = json_object_get(line, "body_b64");
    }

    assert_true(json_is_string(value));

    return decode_base64(json_string_value(value), len);
}


static char *
generate(const json_t *gen, size_t *len)
{
    char        *text, *p;
    size_t       i, n, unit, count;
    const char  *prefix, *suffix;

    prefix = line_string(gen, "prefix");
    suffix = line_string(gen, "suffix");
    unit = strlen(line_string(gen, "unit"));
    count = (size_t) json_integer_value(json_object_get(gen, "count"));

    n = strlen(prefix) + unit * count + strlen(suffix);

    text = malloc(n + 1);
    assert_non_null(text);

    p = stpcpy(text, prefix);

    for (i = 0; i < count; i++) {
        p = stpcpy(p, line_string(gen, "unit"));
    }

    strcpy(p, suffix);
    *len = n;

    return text;
}


static char *
decode_base64(const char *text, size_t *len)
{
    char        *bytes;
    size_t       n, bits;
    uint32_t     sum;
    const char  *p;

    static const char  alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
        "abcdefghijklmnopqrstuvwxyz0123456789+/";

    bytes = malloc(strlen(text) + 1);
    assert_non_null(bytes);

    n = 0;
    bits = 0;
    sum = 0;

    for ( /* void */ ; *text != '\0' && *text != '='; text++) {
        p = strchr(alphabet, *text);
        assert_non_null(p);

        sum = sum << 6 | (uint32_t) (p - alphabet);
        bits += 6;

        if (bits >= 8) {
            bits -= 8;
            bytes[n++] = (char) (sum >> bits & 0xff);
        }
    }

    *len = n;

    return bytes;
}


char *
read_file(const char *path, size_t *len)
{
    FILE  *f;
    char  *text;

    f = fopen(path, "rb");
    if (f == NULL) {
        print_message("# cannot open %s: tests run from the project's"
                      " root\n", path);
    }

    assert_non_null(f);

    text = read_stream(f, len);
    fclose(f);

    return text;
}


static char *
read_stream(FILE *f, size_t *len)
{
    char    *text, *more;
    size_t   n, size;

    size = 65536;
    *len = 0;

    text = malloc(size);
    assert_non_null(text);

    while ((n = fread(text + *len, 1, size - *len - 1, f)) > 0) {
        *len += n;

        if (size - *len < 2) {
            size *= 2;
            more = realloc(text, size);
            assert_non_null(more);
            text = more;
        }
    }

    text[*len] = '\0';

    return text;
}
