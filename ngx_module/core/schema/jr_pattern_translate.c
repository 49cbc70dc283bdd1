/* SPDX-License-Identifier: BSD-2-Clause
 *
 * From the regular expressions of ECMA-262 (u flag) to those of PCRE2.
 *
 * A whitelist: what is known to mean the same to both is copied, a few
 * constructs that PCRE2 writes otherwise are replaced, and all else is
 * refused, so that a pattern means the same here as to any other validator
 * (docs/adr/0142-patterns-that-mean-the-same.md).  What is out of order
 * within these constructs (a group or class that is not closed, a range that
 * goes backwards) is left to PCRE2.
 */

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "jr_hex.h"
#include "jr_pattern_translate.h"


/* "\S" is two bytes and becomes the longest text */
#define JR_TRANSLATE_GROWTH  96


/* WhiteSpace and LineTerminator of ECMA-262, sections 12.2 and 12.3.  PCRE2's
   "\s" is those of ASCII; "-" beside it is an error, and no range. */

#define JR_SPACES                                                            \
    "\\s\\xa0\\u1680\\u2000-\\u200a\\u2028\\u2029\\u202f\\u205f\\u3000"      \
    "\\ufeff"

#define JR_NOT_SPACES                                                        \
    "\\x00-\\x08\\x0e-\\x1f!-\\x9f\\xa1-\\u167f\\u1681-\\u1fff"              \
    "\\u200b-\\u2027\\u202a-\\u202e\\u2030-\\u205e\\u2060-\\u2fff"           \
    "\\u3001-\\ufefe\\uff00-\\u{10ffff}"


typedef struct {
    const char  *from;
    const char  *to;            /* NULL: as it is */
    const char  *in_class;
} jr_rewrite_t;

typedef struct {
    const char  *first;         /* one of these characters, */
    const char  *second;        /* and one of these behind it; NULL: any */
    const char  *what;
    const char  *remedy;
} jr_refusal_t;

typedef struct {
    const char  *pos;
    const char  *end;
    char        *dst;
    unsigned     in_class:1;
    unsigned     repeats:1;     /* what stands before can be repeated */
} jr_translator_t;


static size_t jr_translate_next(jr_translator_t *tr);
static size_t jr_translate_token(jr_translator_t *tr);
static size_t jr_translate_class(jr_translator_t *tr);
static size_t jr_translate_group(const char *p, const char *end);
static size_t jr_translate_repeat(const char *p, const char *end);
static size_t jr_translate_escape(jr_translator_t *tr);
static size_t jr_translate_unicode(const char *p, const char *end);
static size_t jr_translate_property(const char *p, const char *end);
static void jr_translate_refuse(const jr_translator_t *tr, const char *text,
    jr_text_t *why);


static const jr_rewrite_t  jr_rewrites[] = {
    { ".",                "[^\\n\\r\\u2028\\u2029]", NULL },
    { "[",                NULL,                  "\\[" },
    { "\\s",              "[" JR_SPACES "]",     JR_SPACES },
    { "\\S",              "[^" JR_SPACES "]",    JR_NOT_SPACES },
    { "\\v",              "\\x0b",               "\\x0b" },
    { "\\0",              "\\x00",               "\\x00" },
    { "\\p{Letter}",      "\\p{L}",              "\\p{L}" },
    { "\\P{Letter}",      "\\P{L}",              "\\P{L}" },
    { "\\p{Number}",      "\\p{N}",              "\\p{N}" },
    { "\\P{Number}",      "\\P{N}",              "\\P{N}" },
    { "\\p{Punctuation}", "\\p{P}",              "\\p{P}" },
    { "\\P{Punctuation}", "\\P{P}",              "\\P{P}" },
    { NULL,               NULL,                  NULL }
};


/* the first that fits is what is said */

static const jr_refusal_t  jr_refusals[] = {

    { "*+?{", NULL, "a quantifier with nothing to repeat",
      "write a backslash before it to mean the character" },

    { "]}", NULL, "a lone ] or }",
      "write a backslash before it to mean the character" },

    { "(", NULL, "a group of an unknown kind",
      "supported are (...), (?:...), (?=...), (?!...), (?<=...) and"
      " (?<!...)" },

    { "\\", "123456789k", "a reference to a group",
      "write out what the group holds" },

    { "\\", "pP", "an unknown property",
      "supported are categories such as \\p{L} and \\p{Lu}, \\p{Letter},"
      " \\p{Number}, \\p{Punctuation} and scripts such as \\p{Script=Greek}" },

    { "\\", "0cux", "an incomplete escape, or half a character",
      "write \\xHH, \\uHHHH, \\u{H...}, or \\c and a letter" },

    { "\\", NULL, "an unknown escape",
      "write the character itself" }
};


jr_status_e
jr_pattern_translate(const char *text, size_t len, jr_text_t *why,
    char **out, size_t *outlen)
{
    jr_translator_t  tr;

    memset(&tr, 0, sizeof(jr_translator_t));

    *out = malloc(len * JR_TRANSLATE_GROWTH + 1);
    if (*out == NULL) {
        return JR_NO_MEMORY;
    }

    tr.pos = text;
    tr.end = text + len;
    tr.dst = *out;

    while (tr.pos < tr.end) {
        if (jr_translate_next(&tr) == 0) {
            jr_translate_refuse(&tr, text, why);
            free(*out);
            return JR_INVALID;
        }
    }

    *outlen = (size_t) (tr.dst - *out);

    return JR_OK;
}


size_t
jr_pattern_translate_offset(const char *text, size_t len, size_t offset)
{
    size_t           done;
    char             buf[2 * JR_TRANSLATE_GROWTH];
    jr_translator_t  tr;

    memset(&tr, 0, sizeof(jr_translator_t));

    tr.pos = text;
    tr.end = text + len;

    for (done = 0; tr.pos < tr.end && done < offset; /* void */) {
        tr.dst = buf;

        if (jr_translate_next(&tr) == 0) {
            break;
        }

        done += (size_t) (tr.dst - buf);
    }

    return (size_t) (tr.pos - text);
}


/* Takes one construct.  0: it is refused, and tr->pos is where it begins. */

static size_t
jr_translate_next(jr_translator_t *tr)
{
    size_t               n, size;
    unsigned             in_class;
    const char          *to;
    const jr_rewrite_t  *r;

    in_class = tr->in_class;

    n = in_class ? jr_translate_class(tr) : jr_translate_token(tr);

    for (r = jr_rewrites; n > 0 && r->from != NULL; r++) {

        if (strlen(r->from) != n || memcmp(r->from, tr->pos, n) != 0) {
            continue;
        }

        to = in_class ? r->in_class : r->to;

        if (to != NULL) {
            size = strlen(to);
            memcpy(tr->dst, to, size);
            tr->dst += size;
            tr->pos += n;

            return n;
        }
    }

    memcpy(tr->dst, tr->pos, n);
    tr->dst += n;
    tr->pos += n;

    return n;
}


/* Bytes of the construct at tr->pos, outside of a class; 0: refused. */

static size_t
jr_translate_token(jr_translator_t *tr)
{
    unsigned  repeats;

    repeats = tr->repeats;
    tr->repeats = 0;

    switch (*tr->pos) {

    case '^':
    case '$':
    case '|':
        return 1;

    case '(':
        return jr_translate_group(tr->pos, tr->end);

    case '*':
    case '+':
    case '?':
    case '{':
        /* "a++" is possessive in PCRE2 and an error in ECMA-262 */
        return repeats ? jr_translate_repeat(tr->pos, tr->end) : 0;

    case ']':
    case '}':
        return 0;

    case '[':
        tr->in_class = 1;
        return 1;

    case '\\':
        return jr_translate_escape(tr);

    default:
        tr->repeats = 1;
        return 1;
    }
}


/* The same in a class, where only an escape is more than a character. */

static size_t
jr_translate_class(jr_translator_t *tr)
{
    if (*tr->pos == '\\') {
        return jr_translate_escape(tr);
    }

    if (*tr->pos == ']') {
        tr->in_class = 0;
        tr->repeats = 1;
    }

    return 1;
}


static size_t
jr_translate_group(const char *p, const char *end)
{
    size_t  i, n;

    static const char *const  kinds[] = {
        "(?:", "(?=", "(?!", "(?<=", "(?<!"
    };

    for (i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
        n = strlen(kinds[i]);

        if ((size_t) (end - p) >= n && memcmp(p, kinds[i], n) == 0) {
            return n;
        }
    }

    return end - p > 1 && (p[1] == '?' || p[1] == '*') ? 0 : 1;
}


/* "*", "+", "?", {n}, {n,} or {n,m}, and a "?" behind it */

static size_t
jr_translate_repeat(const char *p, const char *end)
{
    size_t  n, left, digits;

    n = 1;
    left = (size_t) (end - p);

    if (*p == '{') {
        for (digits = 0; n < left && p[n] >= '0' && p[n] <= '9'; n++) {
            digits++;
        }

        if (digits > 0 && n < left && p[n] == ',') {
            for (n++; n < left && p[n] >= '0' && p[n] <= '9'; n++) {
                digits++;
            }
        }

        if (digits == 0 || digits > 10 || n == left || p[n] != '}') {
            return 0;
        }

        n++;
    }

    return n < left && p[n] == '?' ? n + 1 : n;
}


static size_t
jr_translate_escape(jr_translator_t *tr)
{
    char         c;
    size_t       left;
    const char  *p;

    p = tr->pos;
    left = (size_t) (tr->end - p);
    c = left > 1 ? p[1] : '\0';

    tr->repeats = 1;

    switch (c) {

    case 'd': case 'D': case 'w': case 'W': case 's': case 'S':
    case 't': case 'n': case 'v': case 'f': case 'r':
        /* without PCRE2_UCP these are about ASCII, as in ECMA-262 */
        return 2;

    case 'b':
    case 'B':
        tr->repeats = 0;
        return tr->in_class && c == 'B' ? 0 : 2;

    case '0':
        return left > 2 && p[2] >= '0' && p[2] <= '9' ? 0 : 2;

    case 'c':
        return left > 2 && (p[2] | 0x20) >= 'a' && (p[2] | 0x20) <= 'z'
               ? 3 : 0;

    case 'x':
    case 'u':
        return jr_translate_unicode(p, tr->end);

    case 'p':
    case 'P':
        return jr_translate_property(p, tr->end);

    default:
        /* the u flag allows fewer, but "\-" is common outside of classes, and
           none of these has another meaning anywhere */

        return c != '\0' && strchr("^$\\.*+?()[]{}|/-_ #&,:;<=>@!\"%'`~", c)
               ? 2 : 0;
    }
}


/* \xHH, \uHHHH or \u{H...}; of no half of a surrogate pair */

static size_t
jr_translate_unicode(const char *p, const char *end)
{
    size_t    from, n, left, most;
    uint32_t  cp;

    cp = 0;
    left = (size_t) (end - p);

    from = left > 2 && p[1] == 'u' && p[2] == '{' ? 3 : 2;
    most = p[1] == 'x' ? 2 : from == 3 ? 6 : 4;

    for (n = from; n < left && n - from < most && jr_hex_digit(p[n]) >= 0;
         n++)
    {
        cp = cp << 4 | (uint32_t) jr_hex_digit(p[n]);
    }

    if (cp >= 0xd800 && cp <= 0xdfff) {
        return 0;
    }

    if (from == 2) {
        return n - from == most ? n : 0;
    }

    return n > from && n < left && p[n] == '}' ? n + 1 : 0;
}


/* \p{Lu}, \p{Letter} or \p{Script=Greek} */

static size_t
jr_translate_property(const char *p, const char *end)
{
    char         name[64];
    size_t       i, n, letters;
    const char  *close;

    static const char *const  known[] = {
        "C", "Cc", "Cf", "Cn", "Co", "Cs", "L", "Ll", "Lm", "Lo", "Lt", "Lu",
        "M", "Mc", "Me", "Mn", "N", "Nd", "Nl", "No", "P", "Pc", "Pd", "Pe",
        "Pf", "Pi", "Po", "Ps", "S", "Sc", "Sk", "Sm", "So", "Z", "Zl", "Zp",
        "Zs", "Letter", "Number", "Punctuation"
    };

    static const char *const  scripts[] = {
        "Script=", "sc=", "Script_Extensions=", "scx="
    };

    close = memchr(p, '}', (size_t) (end - p));

    if (close == NULL || p[2] != '{' || close - p - 3 >= (int) sizeof(name)) {
        return 0;
    }

    n = (size_t) (close - p - 3);

    memcpy(name, p + 3, n);
    name[n] = '\0';

    for (i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
        if (strcmp(name, known[i]) == 0) {
            return n + 4;
        }
    }

    for (i = 0; i < sizeof(scripts) / sizeof(scripts[0]); i++) {
        letters = strlen(scripts[i]);

        if (strncmp(name, scripts[i], letters) == 0
            && strspn(name + letters, "ABCDEFGHIJKLMNOPQRSTUVWXYZ_"
                                      "abcdefghijklmnopqrstuvwxyz")
               == n - letters)
        {
            return n + 4;
        }
    }

    return 0;
}


static void
jr_translate_refuse(const jr_translator_t *tr, const char *text,
    jr_text_t *why)
{
    char                 c;
    const jr_refusal_t  *r;

    c = tr->end - tr->pos > 1 ? tr->pos[1] : '\0';

    for (r = jr_refusals; strchr(r->first, *tr->pos) == NULL
                          || (r->second != NULL
                              && (c == '\0' || !strchr(r->second, c)));
         r++)
    {
        /* void */
    }

    jr_text_str(why, r->what);
    jr_text_str(why, " at offset ");
    jr_text_size(why, (size_t) (tr->pos - text));
    jr_text_str(why, ", \"");
    jr_text_escape(why, tr->pos, (size_t) (tr->end - tr->pos), 16,
                   JR_TEXT_QUOTES);
    jr_text_str(why, "\"; ");
    jr_text_str(why, r->remedy);
}
