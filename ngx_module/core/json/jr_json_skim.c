/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Steps from string to string and counts brackets in between.
 */

#include <string.h>

#include "jr_json_skim.h"


static const char *jr_json_skim_end(const char *p, const char *end);
static const char *jr_json_skim_blanks(const char *p, const char *end);


jr_str_t
jr_json_skim_string(jr_str_t text, jr_str_t name)
{
    jr_str_t  value;

    value = jr_json_skim_spelled(text, name);

    if (value.len && memchr(value.data, '\\', value.len) != NULL) {
        return (jr_str_t) { 0, NULL };
    }

    return value;
}


jr_str_t
jr_json_skim_spelled(jr_str_t text, jr_str_t name)
{
    size_t       depth;
    const char  *p, *begin, *end, *close;

    p = text.data;
    end = text.data + text.len;
    depth = 0;

    for (p = jr_json_skim_blanks(p, end); p < end; p++) {

        if (*p == '{' || *p == '[') {
            depth++;
            continue;
        }

        if (*p == '}' || *p == ']') {

            if (depth <= 1) {
                break;
            }

            depth--;
            continue;
        }

        if (*p != '"') {

            if (depth == 0) {
                break;
            }

            continue;
        }

        begin = p + 1;

        p = jr_json_skim_end(begin, end);
        if (p == NULL) {
            break;
        }

        if (depth != 1
            || (size_t) (p - begin) != name.len
            || memcmp(begin, name.data, name.len) != 0)
        {
            continue;
        }

        /* a name, and not a value, if a colon follows */

        begin = jr_json_skim_blanks(p + 1, end);

        if (begin == end || *begin != ':') {
            continue;
        }

        begin = jr_json_skim_blanks(begin + 1, end);

        if (begin == end || *begin != '"') {
            break;
        }

        begin++;

        close = jr_json_skim_end(begin, end);

        if (close == NULL) {
            break;
        }

        return (jr_str_t) { close - begin, begin };
    }

    return (jr_str_t) { 0, NULL };
}


/* the quotation mark that ends the string whose characters begin at p */

static const char *
jr_json_skim_end(const char *p, const char *end)
{
    const char  *quote, *back;

    for ( ;; ) {

        quote = memchr(p, '"', end - p);
        if (quote == NULL) {
            return NULL;
        }

        for (back = quote; back > p && back[-1] == '\\'; back--) {
            /* void */
        }

        if ((quote - back) % 2 == 0) {
            return quote;
        }

        /* escaped; the backslash is used up */

        p = quote + 1;
    }
}


static const char *
jr_json_skim_blanks(const char *p, const char *end)
{
    while (p < end
           && (*p == ' ' || *p == '\n' || *p == '\r' || *p == '\t'))
    {
        p++;
    }

    return p;
}


int
jr_json_skim_ends(jr_str_t text)
{
    int     string;
    char    c;
    size_t  i, depth;

    string = 0;
    depth = 0;

    for (i = 0; i < text.len; i++) {
        c = text.data[i];

        if (string) {
            if (c == '\\') {
                i++;

            } else if (c == '"') {
                string = 0;
            }

            continue;
        }

        if (c == '{' || c == '[') {
            depth++;

        } else if (c == ' ' || c == '\t' || c == '\r' || c == '\n') {
            continue;

        } else if (depth == 0) {
            return 0;

        } else if (c == '"') {
            string = 1;

        } else if ((c == '}' || c == ']') && --depth == 0) {
            break;
        }
    }

    if (i >= text.len) {
        return 0;
    }

    for (i++; i < text.len; i++) {
        c = text.data[i];

        if (c != ' ' && c != '\t' && c != '\r' && c != '\n') {
            return 0;
        }
    }

    return 1;
}
