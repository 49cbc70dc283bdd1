/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The habits, and the table of servers that have them.
 */

#include <ctype.h>
#include <string.h>

#include "lib_readings.h"


typedef struct {
    char    data[READINGS_TARGET_MAX];
    size_t  len;
    int     fold;               /* 1: case is ignored */
} reading_text_t;


const reading_t  readings[] = {
    { "split, then route: nothing is undone",           "?" },
    { "NGINX, merge_slashes on",                        "#?%m." },
    { "NGINX, merge_slashes off",                       "#?%." },
    { "NGINX in front, its URI sent on unencoded",      "#?%m.?%" },
    { "Tomcat 9 and 10",                                "a?;%m." },
    { "Tomcat, encodedSolidusHandling passthrough",     "a?;km." },
    { "Tomcat, ALLOW_BACKSLASH",                        "a?;%\\m." },
    { "Jetty 9",                                        "a#?;.%" },
    { "Jetty 9, compact path",                          "a#?;%.m" },
    { "Jetty 12, ambiguous URIs allowed",               "a#?;.k" },
    { "Undertow",                                       "a?;%ms" },
    { "Undertow, slashes are not decoded",              "a?;k." },
    { "Grizzly and Jersey: split, then decode",         "a?.;%" },
    { "Jersey, empty segments dropped",                 "a?;m.%s" },
    { "Spring's AntPathMatcher",                        "a?;%m.sx" },
    { "Spring's AntPathMatcher, tokens trimmed",        "a?;%m.tsx" },
    { "Spring's PathPatternParser",                     "a?;%s" },
    { "WebLogic: all behind \";\" is cut",              "a?!%m." },
    { "parameters cut after decoding",                  "a?%;m." },
    { "parameters cut before and after decoding",       "a?;%;m." },
    { "all behind \";\" is cut after decoding",         "?%!m." },
    { "Helidon and Netty: decode, then normalise",      "a?%.m" },
    { "Apache httpd, AllowEncodedSlashes On",           "?%.m" },
    { "Apache httpd, NoDecode",                         "?k.m" },
    { "IIS",                                            "?%u\\m.c" },
    { "IIS of old: decodes twice, overlong forms too",  "?%u%o\\m.c" },
    { "ASP.NET Core",                                   "?k\\.cs" },
    { "Express",                                        "a?sc%" },
    { "Express, normalised before",                     "a?%m.sc" },
    { "WHATWG URL parsers",                             "ea#?\\." },
    { "Java's URI.normalize(), then getPath()",         "a#?m.%" },
    { "Go's ServeMux",                                  "a?%m." },
    { "Go's ServeMux over the raw path",                "?m.%" },
    { "Python: unquote, then a regex with $",           "?%et" },
    { "PHP: a front controller with urldecode()",       "?%+tms" },
    { "Rails: a format behind the path",                "?m%sx" },
    { "C strings: the end at a NUL",                    "?%0m." },
    { "control characters dropped",                     "?%em." },
    { "decodes before it looks for a query",            "%?#m." },
    { "decodes twice before it looks for a query",      "%%?#m." },
    { "decodes twice, then splits",                     "?%%m." },
    { "decodes twice, dots between",                    "?%.%m" },
    { "decodes three times",                            "?%%%m.s" },
    { "backslashes before decoding",                    "?\\.%m" },
    { "backslashes after decoding",                     "?%\\.m" },
    { "dots before merging, both before decoding",      "?.m%s" },
    { "dots before and after decoding",                 "?.%.m" },
    { "parameters of dot segments kept",                "?.;%m" },
    { "full width made ASCII",                          "?%wm.c" },
    { "overlong UTF-8",                                 "?%om.;" },
    { "a proxy that decodes, Tomcat behind it",         "?%;%m." },
    { NULL, NULL }
};


static void reading_step(reading_text_t *t, int habit);
static void reading_authority(reading_text_t *t);
static void reading_cut(reading_text_t *t, int ch);
static void reading_parameters(reading_text_t *t);
static void reading_decode(reading_text_t *t, int slashes);
static void reading_decode_u(reading_text_t *t);
static int reading_digits(const char *p, size_t n);
static void reading_ascii(reading_text_t *t, int overlong);
static void reading_merge(reading_text_t *t);
static void reading_dots(reading_text_t *t);
static void reading_trim(reading_text_t *t);
static void reading_suffix(reading_text_t *t);
static int reading_routes(reading_text_t *t);
static int reading_literal(reading_text_t *t, size_t *at, const char *name);
static int reading_variable(reading_text_t *t, size_t *at);


size_t
readings_count(void)
{
    size_t  n;

    for (n = 0; readings[n].server != NULL; n++) {
        /* void */
    }

    return n;
}


int
readings_route(jr_str_t target, const char *first, const char *second)
{
    reading_text_t  t;

    if (target.len > READINGS_TARGET_MAX) {
        return 0;
    }

    if (target.len) {
        memcpy(t.data, target.data, target.len);
    }

    t.len = target.len;
    t.fold = 0;

    for ( /* void */ ; *first; first++) {
        reading_step(&t, *first);
    }

    for ( /* void */ ; second && *second; second++) {
        reading_step(&t, *second);
    }

    return reading_routes(&t);
}


static void
reading_step(reading_text_t *t, int habit)
{
    size_t  i, n;

    switch (habit) {
    case 'a':
        reading_authority(t);
        return;
    case '#':
    case '?':
        reading_cut(t, habit);
        return;
    case '0':
        reading_cut(t, '\0');
        return;
    case '!':
        reading_cut(t, ';');
        return;
    case ';':
        reading_parameters(t);
        return;
    case '%':
    case 'k':
        reading_decode(t, habit == '%');
        return;
    case 'u':
        reading_decode_u(t);
        return;
    case 'o':
    case 'w':
        reading_ascii(t, habit == 'o');
        return;
    case 'm':
        reading_merge(t);
        return;
    case '.':
        reading_dots(t);
        return;
    case 't':
        reading_trim(t);
        return;
    case 'x':
        reading_suffix(t);
        return;
    case 'c':
        t->fold = 1;
        return;
    case 's':
        t->len -= t->len > 1 && t->data[t->len - 1] == '/';
        return;
    }

    for (i = 0, n = 0; i < t->len; i++) {
        char  ch = t->data[i];

        if (habit == 'e' && (unsigned char) ch < 0x20) {
            continue;
        }

        t->data[n++] = habit == '\\' && ch == '\\' ? '/'
                       : habit == '+' && ch == '+' ? ' ' : ch;
    }

    t->len = n;
}


static void
reading_drop(reading_text_t *t, size_t from, size_t n)
{
    memmove(t->data + from, t->data + from + n, t->len - from - n);
    t->len -= n;
}


static void
reading_authority(reading_text_t *t)
{
    size_t  i;

    for (i = 0; i < t->len && isalpha((unsigned char) t->data[i]); i++) {
        /* void */
    }

    if (i) {
        if (i == t->len || t->data[i] != ':') {
            return;
        }

        i++;
    }

    if (t->len - i < 2 || memcmp(t->data + i, "//", 2) != 0) {
        return;
    }

    for (i += 2; i < t->len && !strchr("/?#", t->data[i]); i++) {
        /* void */
    }

    reading_drop(t, 0, i);
}


static void
reading_cut(reading_text_t *t, int ch)
{
    char  *p = memchr(t->data, ch, t->len);

    if (p != NULL) {
        t->len = (size_t) (p - t->data);
    }
}


static void
reading_parameters(reading_text_t *t)
{
    int     inside = 0;
    size_t  i, n;

    for (i = 0, n = 0; i < t->len; i++) {

        if (t->data[i] == '/') {
            inside = 0;

        } else if (t->data[i] == ';') {
            inside = 1;
        }

        if (!inside) {
            t->data[n++] = t->data[i];
        }
    }

    t->len = n;
}


static void
reading_decode(reading_text_t *t, int slashes)
{
    int     code;
    size_t  i, n;

    for (i = 0, n = 0; i < t->len; n++) {

        if (t->data[i] == '%' && t->len - i > 2) {
            code = reading_digits(t->data + i + 1, 2);

            if (code >= 0 && (code != '/' || slashes)) {
                t->data[n] = (char) code;
                i += 3;
                continue;
            }
        }

        t->data[n] = t->data[i++];
    }

    t->len = n;
}


static void
reading_decode_u(reading_text_t *t)
{
    int     code;
    size_t  i, n;

    for (i = 0, n = 0; i < t->len; n++) {

        if (t->data[i] == '%' && t->len - i > 5
            && (t->data[i + 1] == 'u' || t->data[i + 1] == 'U'))
        {
            code = reading_digits(t->data + i + 2, 4);

            if (code >= 0) {
                t->data[n] = (char) (code < 0x100 ? code : '?');
                i += 6;
                continue;
            }
        }

        t->data[n] = t->data[i++];
    }

    t->len = n;
}


static int
reading_digits(const char *p, size_t n)
{
    int          code = 0;
    const char  *digit, *digits = "0123456789abcdef";

    while (n--) {
        digit = *p ? strchr(digits, tolower((unsigned char) *p)) : NULL;
        p++;

        if (digit == NULL) {
            return -1;
        }

        code = code * 16 + (int) (digit - digits);
    }

    return code;
}


/* sequences of two and three bytes that are, or look like, ASCII */

static void
reading_ascii(reading_text_t *t, int overlong)
{
    size_t          i, n;
    unsigned        code;
    unsigned char  *p;

    for (i = 0, n = 0; i < t->len; n++) {
        p = (unsigned char *) t->data + i;

        if (t->len - i > 1 && (p[0] & 0xfe) == 0xc0 && (p[1] & 0xc0) == 0x80
            && overlong)
        {
            t->data[n] = (char) ((p[0] & 1) << 6 | (p[1] & 0x3f));
            i += 2;
            continue;
        }

        if (t->len - i > 2 && (p[0] & 0xf0) == 0xe0 && (p[1] & 0xc0) == 0x80
            && (p[2] & 0xc0) == 0x80)
        {
            code = (p[0] & 0xfu) << 12 | (p[1] & 0x3fu) << 6 | (p[2] & 0x3fu);

            if (overlong ? code < 0x80 : code > 0xff00 && code < 0xff5f) {
                t->data[n] = (char) (overlong ? code : code - 0xff00 + 0x20);
                i += 3;
                continue;
            }
        }

        t->data[n] = t->data[i++];
    }

    t->len = n;
}


static void
reading_merge(reading_text_t *t)
{
    size_t  i, n;

    for (i = 0, n = 0; i < t->len; i++) {
        if (t->data[i] != '/' || n == 0 || t->data[n - 1] != '/') {
            t->data[n++] = t->data[i];
        }
    }

    t->len = n;
}


static void
reading_dots(reading_text_t *t)
{
    int     last;
    size_t  i, n, start;

    if (t->len == 0 || t->data[0] != '/') {
        return;
    }

    for (i = 1, n = 1; i <= t->len; i++) {

        for (start = i; i < t->len && t->data[i] != '/'; i++) {
            /* void */
        }

        last = i == t->len;

        if (i - start == 1 && t->data[start] == '.') {
            continue;
        }

        if (i - start == 2 && memcmp(t->data + start, "..", 2) == 0) {

            if (n > 1) {
                for (n--; t->data[n - 1] != '/'; n--) {
                    /* void */
                }
            }

            continue;
        }

        memmove(t->data + n, t->data + start, i - start);
        n += i - start;

        if (!last) {
            t->data[n++] = '/';
        }
    }

    t->len = n;
}


static void
reading_trim(reading_text_t *t)
{
    size_t  i, end;

    for (i = 0; i <= t->len; i = end + 1) {

        for (end = i; end < t->len && t->data[end] != '/'; end++) {
            /* void */
        }

        while (end > i && isspace((unsigned char) t->data[end - 1])) {
            reading_drop(t, --end, 1);
        }

        while (end > i && isspace((unsigned char) t->data[i])) {
            reading_drop(t, i, 1);
            end--;
        }
    }
}


static void
reading_suffix(reading_text_t *t)
{
    size_t  i;

    for (i = t->len; i > 0 && t->data[i - 1] != '/'; i--) {
        if (t->data[i - 1] == '.') {
            /* "." and ".." have none */
            if (i > 1 && t->data[i - 2] != '/' && t->data[i - 2] != '.') {
                t->len = i - 1;
            }

            return;
        }
    }
}


static int
reading_routes(reading_text_t *t)
{
    size_t  i, at;

    if (t->len < 10 || t->data[0] != '/') {
        return 0;
    }

    for (i = 1; i < 9; i++) {
        if (!isdigit((unsigned char) t->data[i])) {
            return 0;
        }
    }

    at = 9;

    return (reading_literal(t, &at, "/aiDataPlatforms/")
            || reading_literal(t, &at, "/dataLakes/"))
           && reading_variable(t, &at)
           && reading_literal(t, &at, "/workspaces/")
           && reading_variable(t, &at)
           && reading_literal(t, &at, "/jobRuns")
           && at == t->len;
}


static int
reading_literal(reading_text_t *t, size_t *at, const char *name)
{
    size_t  i;

    for (i = 0; name[i] != '\0'; i++) {
        if (*at + i == t->len
            || (t->fold
                ? tolower((unsigned char) t->data[*at + i])
                  != tolower((unsigned char) name[i])
                : t->data[*at + i] != name[i]))
        {
            return 0;
        }
    }

    *at += i;

    return 1;
}


/* at least one byte, up to the next slash */

static int
reading_variable(reading_text_t *t, size_t *at)
{
    size_t  start = *at;

    while (*at < t->len && t->data[*at] != '/') {
        (*at)++;
    }

    return *at > start;
}
