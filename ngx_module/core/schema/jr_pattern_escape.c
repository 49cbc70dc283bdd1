/*
 * Escapes of ECMA-262 regular expressions (u flag), as PCRE2 writes them.
 */

#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "jr_pattern_escape.h"


typedef struct {
    const char  *from;
    const char  *to;
} jr_rename_t;


static jr_status_e jr_escape_letter(jr_translator_t *tr, int in_class);
static jr_status_e jr_escape_number(jr_translator_t *tr, int in_class);
static jr_status_e jr_escape_control(jr_translator_t *tr);
static jr_status_e jr_escape_unicode(jr_translator_t *tr);
static jr_status_e jr_escape_property(jr_translator_t *tr);
static jr_status_e jr_escape_name(jr_translator_t *tr);
static size_t jr_escape_hex(const char *p, const char *end, size_t max,
    uint32_t *cp);
static void jr_escape_code_point(jr_translator_t *tr, uint32_t cp);


/* WhiteSpace and LineTerminator of ECMA-262, sections 12.2 and 12.3 */

#define JR_SPACES                                                            \
    "\\t-\\r \\x{a0}\\x{1680}\\x{2000}-\\x{200a}\\x{2028}\\x{2029}"          \
    "\\x{202f}\\x{205f}\\x{3000}\\x{feff}"

#define JR_NOT_SPACES                                                        \
    "\\x{00}-\\x{08}\\x{0e}-\\x{1f}!-\\x{9f}\\x{a1}-\\x{167f}"               \
    "\\x{1681}-\\x{1fff}\\x{200b}-\\x{2027}\\x{202a}-\\x{202e}"              \
    "\\x{2030}-\\x{205e}\\x{2060}-\\x{2fff}\\x{3001}-\\x{fefe}"              \
    "\\x{ff00}-\\x{10ffff}"


/* General_Category has long names, which PCRE2 does not know */

static const jr_rename_t  jr_categories[] = {
    { "Letter",                "L"  },
    { "Cased_Letter",          "L&" },
    { "LC",                    "L&" },
    { "Uppercase_Letter",      "Lu" },
    { "Lowercase_Letter",      "Ll" },
    { "Titlecase_Letter",      "Lt" },
    { "Modifier_Letter",       "Lm" },
    { "Other_Letter",          "Lo" },
    { "Mark",                  "M"  },
    { "Combining_Mark",        "M"  },
    { "Nonspacing_Mark",       "Mn" },
    { "Spacing_Mark",          "Mc" },
    { "Enclosing_Mark",        "Me" },
    { "Number",                "N"  },
    { "Decimal_Number",        "Nd" },
    { "digit",                 "Nd" },
    { "Letter_Number",         "Nl" },
    { "Other_Number",          "No" },
    { "Punctuation",           "P"  },
    { "punct",                 "P"  },
    { "Connector_Punctuation", "Pc" },
    { "Dash_Punctuation",      "Pd" },
    { "Open_Punctuation",      "Ps" },
    { "Close_Punctuation",     "Pe" },
    { "Initial_Punctuation",   "Pi" },
    { "Final_Punctuation",     "Pf" },
    { "Other_Punctuation",     "Po" },
    { "Symbol",                "S"  },
    { "Math_Symbol",           "Sm" },
    { "Currency_Symbol",       "Sc" },
    { "Modifier_Symbol",       "Sk" },
    { "Other_Symbol",          "So" },
    { "Separator",             "Z"  },
    { "Space_Separator",       "Zs" },
    { "Line_Separator",        "Zl" },
    { "Paragraph_Separator",   "Zp" },
    { "Other",                 "C"  },
    { "Control",               "Cc" },
    { "cntrl",                 "Cc" },
    { "Format",                "Cf" },
    { "Surrogate",             "Cs" },
    { "Private_Use",           "Co" },
    { "Unassigned",            "Cn" },
    { NULL,                    NULL }
};


jr_status_e
jr_translate_escape(jr_translator_t *tr, int in_class)
{
    char  c;

    if (tr->end - tr->pos < 2) {
        return jr_translate_refuse(tr, "a backslash at the end");
    }

    c = tr->pos[1];

    if (c >= '0' && c <= '9') {
        return jr_escape_number(tr, in_class);
    }

    if ((c | 0x20) >= 'a' && (c | 0x20) <= 'z') {
        return jr_escape_letter(tr, in_class);
    }

    /* the u flag allows fewer, but "\-" is common outside of classes, and
       none of these has another meaning anywhere */

    if (c != '\0' && strchr("^$\\.*+?()[]{}|/-_ #&,:;<=>@!\"%'`~", c)) {
        jr_translate_copy(tr, 2);
        return JR_OK;
    }

    return jr_translate_refuse(tr, "an escape that ECMA-262 does not have");
}


static jr_status_e
jr_escape_letter(jr_translator_t *tr, int in_class)
{
    switch (tr->pos[1]) {

    case 'd': case 'D': case 'w': case 'W':
    case 't': case 'n': case 'f': case 'r':
        /* without PCRE2_UCP these are about ASCII, as in ECMA-262 */
        jr_translate_copy(tr, 2);
        return JR_OK;

    case 's':
        jr_translate_put(tr, in_class ? JR_SPACES : "[" JR_SPACES "]");
        break;

    case 'S':
        jr_translate_put(tr, in_class ? JR_NOT_SPACES
                                      : "[" JR_NOT_SPACES "]");
        break;

    case 'v':
        jr_translate_put(tr, "\\x{0b}");
        break;

    case 'b':
        if (!in_class) {
            tr->quantifiable = 0;
        }

        jr_translate_put(tr, in_class ? "\\x{08}" : "\\b");
        break;

    case 'B':
        if (in_class) {
            return jr_translate_refuse(tr, "\\B in a class");
        }

        tr->quantifiable = 0;
        jr_translate_put(tr, "\\B");
        break;

    case 'c':
        return jr_escape_control(tr);

    case 'x':
    case 'u':
        return jr_escape_unicode(tr);

    case 'p':
    case 'P':
        return jr_escape_property(tr);

    case 'k':
        if (!in_class) {
            return jr_escape_name(tr);
        }

        /* fall through */

    default:
        return jr_translate_refuse(tr, "an escape that ECMA-262 does not"
                                   " have");
    }

    tr->pos += 2;

    return JR_OK;
}


/* "\0" is U+0000; other numbers are groups. */

static jr_status_e
jr_escape_number(jr_translator_t *tr, int in_class)
{
    const char  *p;

    p = tr->pos + 1;

    while (p < tr->end && *p >= '0' && *p <= '9') {
        p++;
    }

    if (tr->pos[1] == '0' && p == tr->pos + 2) {
        jr_translate_put(tr, "\\x{00}");
        tr->pos = p;
        return JR_OK;
    }

    if (tr->pos[1] == '0' || in_class || p - tr->pos > 5) {
        return jr_translate_refuse(tr, "an escape that ECMA-262 does not"
                                   " have");
    }

    /* \g{n} cannot run into a digit that follows */

    jr_translate_put(tr, "\\g{");
    tr->pos++;
    jr_translate_copy(tr, (size_t) (p - tr->pos));
    jr_translate_put(tr, "}");

    return JR_OK;
}


static jr_status_e
jr_escape_control(jr_translator_t *tr)
{
    char  c;

    c = tr->end - tr->pos > 2 ? (char) (tr->pos[2] | 0x20) : '\0';

    if (c < 'a' || c > 'z') {
        return jr_translate_refuse(tr, "\\c without a letter");
    }

    jr_escape_code_point(tr, (uint32_t) c & 0x1f);
    tr->pos += 3;

    return JR_OK;
}


/* \xHH, \uHHHH, two of these for a pair of surrogates, or \u{H...} */

static jr_status_e
jr_escape_unicode(jr_translator_t *tr)
{
    size_t       n;
    uint32_t     cp, low;
    const char  *p;

    p = tr->pos + 2;

    if (tr->pos[1] == 'x') {
        n = jr_escape_hex(p, tr->end, 2, &cp) == 2 ? 2 : 0;

    } else if (p < tr->end && *p == '{') {
        p++;
        n = jr_escape_hex(p, tr->end, 8, &cp);
        n = n > 0 && p + n < tr->end && p[n] == '}' ? n + 1 : 0;

    } else {
        n = jr_escape_hex(p, tr->end, 4, &cp) == 4 ? 4 : 0;
    }

    if (n == 0 || cp > 0x10ffff) {
        return jr_translate_refuse(tr, "a wrong \\x or \\u");
    }

    p += n;

    if (cp >= 0xd800 && cp <= 0xdbff && tr->end - p >= 6 && p[0] == '\\'
        && p[1] == 'u' && jr_escape_hex(p + 2, tr->end, 4, &low) == 4
        && low >= 0xdc00 && low <= 0xdfff)
    {
        cp = 0x10000 + ((cp - 0xd800) << 10) + (low - 0xdc00);
        p += 6;
    }

    if (cp >= 0xd800 && cp <= 0xdfff) {
        return jr_translate_refuse(tr, "a lone surrogate");
    }

    jr_escape_code_point(tr, cp);
    tr->pos = p;

    return JR_OK;
}


/* \p{Letter}, \p{gc=Lu}, \p{Script=Greek}, \p{Alphabetic} */

static jr_status_e
jr_escape_property(jr_translator_t *tr)
{
    char                name[64], out[80];
    size_t              n;
    const char         *p, *equals;
    const jr_rename_t  *c;

    p = tr->pos + 3;
    n = 0;

    while (p + n < tr->end && p[n] != '}' && n < sizeof(name) - 1) {
        name[n] = p[n];
        n++;
    }

    name[n] = '\0';

    if (n == 0 || tr->pos[2] != '{' || p + n == tr->end || p[n] != '}'
        || strspn(name, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvw"
                        "xyz0123456789_=") != n)
    {
        return jr_translate_refuse(tr, "a wrong \\p");
    }

    equals = strchr(name, '=');

    for (c = jr_categories; c->from != NULL; c++) {
        if (strcmp(c->from, equals ? equals + 1 : name) == 0) {
            break;
        }
    }

    if (equals == NULL || memcmp(name, "gc=", 3) == 0
        || memcmp(name, "General_Category=", 17) == 0)
    {
        snprintf(out, sizeof(out), "\\%c{%s}", tr->pos[1],
                 c->from ? c->to : equals ? equals + 1 : name);

    } else {
        /* PCRE2 calls the two script properties what ECMA-262 does */
        snprintf(out, sizeof(out), "\\%c{%.*s:%s}", tr->pos[1],
                 (int) (equals - name), name, equals + 1);
    }

    jr_translate_put(tr, out);
    tr->pos = p + n + 1;

    return JR_OK;
}


static jr_status_e
jr_escape_name(jr_translator_t *tr)
{
    if (tr->end - tr->pos < 5 || tr->pos[2] != '<') {
        return jr_translate_refuse(tr, "\\k without a name");
    }

    jr_translate_copy(tr, 2);

    return JR_OK;
}


static size_t
jr_escape_hex(const char *p, const char *end, size_t max, uint32_t *cp)
{
    char    c;
    size_t  n;

    *cp = 0;

    for (n = 0; n < max && p + n < end; n++) {
        c = p[n];

        if (c >= '0' && c <= '9') {
            *cp = *cp << 4 | (uint32_t) (c - '0');
            continue;
        }

        c |= 0x20;

        if (c < 'a' || c > 'f') {
            break;
        }

        *cp = *cp << 4 | (uint32_t) (c - 'a' + 10);
    }

    return n;
}


static void
jr_escape_code_point(jr_translator_t *tr, uint32_t cp)
{
    char  buf[16];

    snprintf(buf, sizeof(buf), "\\x{%02x}", (unsigned) cp);
    jr_translate_put(tr, buf);
}


void
jr_translate_put(jr_translator_t *tr, const char *text)
{
    size_t  len;

    len = strlen(text);

    memcpy(tr->dst, text, len);
    tr->dst += len;
}


void
jr_translate_copy(jr_translator_t *tr, size_t n)
{
    memcpy(tr->dst, tr->pos, n);
    tr->dst += n;
    tr->pos += n;
}


jr_status_e
jr_translate_refuse(jr_translator_t *tr, const char *what)
{
    jr_text_str(tr->why, what);
    jr_text_str(tr->why, " at \"");
    jr_text_escape(tr->why, tr->pos, (size_t) (tr->end - tr->pos), 16,
                   JR_TEXT_QUOTES);
    jr_text_str(tr->why, "\"");

    return JR_INVALID;
}
