/*
 * Two readings of a path.
 *
 * The plain one is exact: literals byte for byte, no dot segment, no
 * encoded slash, no matrix parameter, no trailing slash.  Everything else
 * goes through the loose one, which undoes whatever some server in the chain
 * might undo (percent-encoding before or after splitting, ";params", "\",
 * "//", "." and "..", case) and asks whether a createJobRun comes out.
 * Servers differ in what they undo, and undoing more can hide an operation
 * as well as show it, so each way is tried with each other.
 */

#include "jr_path.h"


/* segments the loose reading looks at; createJobRun has 6 */
#define JR_PATH_SEGMENTS  6


/* ways of the loose reading; none: split, then undo everything */
#define JR_PATH_DECODE_FIRST     0x01   /* an encoded "/" splits too */
#define JR_PATH_KEEP_BACKSLASH   0x02   /* "\" does not split */
#define JR_PATH_KEEP_EMPTY       0x04   /* ".." of "a//.." is the empty one */
#define JR_PATH_KEEP_PARAMS      0x08   /* "..;x" is no ".." */
#define JR_PATH_KEEP_DOTS        0x10   /* ".." is a name like another */
#define JR_PATH_WAYS             0x20


/* a stack of segments, each a range of the text */
typedef struct {
    jr_str_t       seg[JR_PATH_SEGMENTS];
    size_t         depth;       /* may exceed the array: then no match */
    size_t         pushed;      /* empty ones that are kept included */
    unsigned char  real[JR_PATH_MAX / 8 + 1];   /* a bit each: not empty */
} jr_path_stack_t;


static int jr_path_plain(jr_str_t raw, jr_path_t *path);
static int jr_path_plain_key(jr_str_t *rest, jr_str_t *key);
static int jr_path_literal(jr_str_t *rest, const char *text, size_t len);
static int jr_path_version(jr_str_t version);
static jr_str_t jr_path_cut(jr_str_t text);
static int jr_path_any_way(jr_str_t text);
static unsigned jr_path_ways(jr_str_t text);
static int jr_path_loose(jr_str_t text, unsigned way);
static int jr_path_splits(int ch, unsigned way);
static void jr_path_push(jr_path_stack_t *stack, jr_str_t seg, unsigned way);
static void jr_path_pop(jr_path_stack_t *stack);
static int jr_path_is_version(jr_str_t seg);
static int jr_path_same(jr_str_t seg, const char *literal, int params);
static int jr_path_next(jr_str_t *text, int decode);
static int jr_hex(int ch);


#define jr_path_literal_is(rest, text)                                       \
    jr_path_literal(rest, text, sizeof(text) - 1)


jr_path_e
jr_path_classify(jr_str_t raw, jr_str_t uri, jr_path_t *path)
{
    const char  *query;

    query = memchr(raw.data, '?', raw.len);
    if (query != NULL) {
        raw.len = query - raw.data;
    }

    if (jr_path_plain(raw, path)) {
        return JR_PATH_CREATE;
    }

    /*
     * What is not plain is not forwarded when any reading finds the
     * operation in it: segments split before they are decoded, as Java
     * servers do; decoded before they are split, as NGINX does; and the URI
     * that NGINX would send if a rewrite changed it.
     */

    if (raw.len > JR_PATH_MAX || uri.len > JR_PATH_MAX) {
        return JR_PATH_OTHER;
    }

    if (jr_path_any_way(raw) || jr_path_any_way(uri)
        || jr_path_any_way(jr_path_cut(raw))
        || jr_path_any_way(jr_path_cut(uri)))
    {
        return JR_PATH_SUSPECT;
    }

    return JR_PATH_OTHER;
}


static int
jr_path_plain(jr_str_t raw, jr_path_t *path)
{
    jr_str_t  rest;

    rest = raw;

    if (rest.len < 10 || rest.data[0] != '/' || rest.data[9] != '/') {
        return 0;
    }

    path->version.data = rest.data + 1;
    path->version.len = 8;

    if (!jr_path_version(path->version)) {
        return 0;
    }

    rest.data += 9;
    rest.len -= 9;

    if (jr_path_literal_is(&rest, "/aiDataPlatforms/")) {
        path->family = (jr_str_t) jr_str("aiDataPlatforms");

    } else if (jr_path_literal_is(&rest, "/dataLakes/")) {
        path->family = (jr_str_t) jr_str("dataLakes");

    } else {
        return 0;
    }

    return jr_path_plain_key(&rest, &path->raw_platform)
           && jr_path_literal_is(&rest, "/workspaces/")
           && jr_path_plain_key(&rest, &path->raw_workspace)
           && jr_path_literal_is(&rest, "/jobRuns")
           && rest.len == 0;
}


/* cuts a key off the rest; 0 if another server could read it differently */

static int
jr_path_plain_key(jr_str_t *rest, jr_str_t *key)
{
    int     ch, hi, lo, dots;
    size_t  i;

    dots = 1;

    for (i = 0; i < rest->len && rest->data[i] != '/'; i++) {

        ch = (unsigned char) rest->data[i];

        if (ch == '%') {
            if (rest->len - i < 3) {
                return 0;
            }

            hi = jr_hex(rest->data[i + 1]);
            lo = jr_hex(rest->data[i + 2]);

            if (hi < 0 || lo < 0) {
                return 0;
            }

            ch = hi * 16 + lo;
            i += 2;

            if (ch == '/' || ch == '\\') {
                return 0;
            }

        } else if (ch == ';' || ch == '#' || ch == '\\') {
            /* encoded they are part of the key: parameters and fragments
               are cut before decoding */
            return 0;
        }

        if (ch != '.') {
            dots = 0;
        }
    }

    if (i == 0 || dots) {
        /* "." and ".." are no keys; "..." is refused along with them */
        return 0;
    }

    key->data = rest->data;
    key->len = i;

    rest->data += i;
    rest->len -= i;

    return 1;
}


static int
jr_path_literal(jr_str_t *rest, const char *text, size_t len)
{
    if (rest->len < len || memcmp(rest->data, text, len) != 0) {
        return 0;
    }

    rest->data += len;
    rest->len -= len;

    return 1;
}


static int
jr_path_version(jr_str_t version)
{
    size_t  i;

    for (i = 0; i < version.len; i++) {
        if (version.data[i] < '0' || version.data[i] > '9') {
            return 0;
        }
    }

    return 1;
}


/* what a server is left with that decodes first and then looks for a query;
   nothing where it finds none */

static jr_str_t
jr_path_cut(jr_str_t text)
{
    int       ch;
    jr_str_t  rest;

    for (rest = text; rest.len; /* void */) {
        text.len = rest.data - text.data;
        ch = jr_path_next(&rest, 1);

        if (ch == '?' || ch == '#') {
            return text;
        }
    }

    text.len = 0;

    return text;
}


static int
jr_path_any_way(jr_str_t text)
{
    unsigned  way, ways;

    ways = jr_path_ways(text);

    for (way = 0; way < JR_PATH_WAYS; way++) {
        if ((way & ~ways) == 0 && jr_path_loose(text, way)) {
            return 1;
        }
    }

    return 0;
}


/* the ways that can make a difference: for most paths none */

static unsigned
jr_path_ways(jr_str_t text)
{
    char      ch, before;
    size_t    i;
    unsigned  ways;

    ways = 0;
    before = '/';

    for (i = 0; i < text.len; i++) {
        ch = text.data[i];

        if (ch == '%') {
            /* anything may be behind it */
            return JR_PATH_WAYS - 1;
        }

        if (ch == '\\') {
            ways |= JR_PATH_KEEP_BACKSLASH|JR_PATH_KEEP_EMPTY;

        } else if (ch == ';') {
            ways |= JR_PATH_KEEP_PARAMS;

        } else if (ch == '/' && before == '/' && i > 0) {
            ways |= JR_PATH_KEEP_EMPTY;

        } else if (ch == '.' && (before == '/' || before == '\\')) {
            ways |= JR_PATH_KEEP_DOTS;
        }

        before = ch;
    }

    return ways;
}


static int
jr_path_loose(jr_str_t text, unsigned way)
{
    int              decode;
    jr_str_t         rest, seg;
    jr_path_stack_t  stack;

    stack.depth = 0;
    stack.pushed = 0;

    decode = way & JR_PATH_DECODE_FIRST;
    rest = text;

    if (rest.len && rest.data[0] == '/') {
        rest.data++;
        rest.len--;
    }

    while (rest.len) {
        seg.data = rest.data;
        seg.len = 0;

        while (rest.len && !jr_path_splits(jr_path_next(&rest, decode), way)) {
            seg.len = rest.data - seg.data;
        }

        jr_path_push(&stack, seg, way);
    }

    return stack.depth == JR_PATH_SEGMENTS
           && jr_path_is_version(stack.seg[0])
           && (jr_path_same(stack.seg[1], "aidataplatforms", 0)
               || jr_path_same(stack.seg[1], "datalakes", 0))
           && jr_path_same(stack.seg[3], "workspaces", 0)
           && jr_path_same(stack.seg[5], "jobruns", 0);
}


static int
jr_path_splits(int ch, unsigned way)
{
    return ch == '/' || (ch == '\\' && !(way & JR_PATH_KEEP_BACKSLASH));
}


static void
jr_path_push(jr_path_stack_t *stack, jr_str_t seg, unsigned way)
{
    int     params;
    size_t  n;

    if (seg.len == 0 && !(way & JR_PATH_KEEP_EMPTY)) {
        return;
    }

    params = way & JR_PATH_KEEP_PARAMS;

    if (seg.len && !(way & JR_PATH_KEEP_DOTS)) {

        if (jr_path_same(seg, ".", params)) {
            return;
        }

        if (jr_path_same(seg, "..", params)) {
            jr_path_pop(stack);
            return;
        }
    }

    n = stack->pushed++;

    if (n % 8 == 0) {
        stack->real[n / 8] = 0;
    }

    if (seg.len == 0) {
        stack->real[n / 8] &= ~(1u << n % 8);
        return;
    }

    stack->real[n / 8] |= 1u << n % 8;

    if (stack->depth < JR_PATH_SEGMENTS) {
        stack->seg[stack->depth] = seg;
    }

    stack->depth++;
}


static void
jr_path_pop(jr_path_stack_t *stack)
{
    size_t  n;

    if (stack->pushed == 0) {
        return;
    }

    n = --stack->pushed;

    if (stack->real[n / 8] & 1u << n % 8) {
        stack->depth--;
    }
}


/* eight digits; an encoded one counts as the digit */

static int
jr_path_is_version(jr_str_t seg)
{
    int     ch;
    size_t  n;

    for (n = 0; seg.len && n < 9; n++) {
        ch = jr_path_next(&seg, 1);

        if (ch == ';') {
            break;
        }

        if (ch < '0' || ch > '9') {
            return 0;
        }
    }

    return n == 8;
}


/* compares a decoded segment, whatever its case, without its ";params" unless
   they are to count */

static int
jr_path_same(jr_str_t seg, const char *literal, int params)
{
    int  ch;

    while (seg.len) {
        ch = jr_path_next(&seg, 1);

        if (ch == ';' && !params) {
            break;
        }

        if (ch >= 'A' && ch <= 'Z') {
            ch |= 0x20;
        }

        if (*literal == '\0' || ch != *literal++) {
            return 0;
        }
    }

    return *literal == '\0';
}


/* takes one byte, or one percent-encoded byte, off the text */

static int
jr_path_next(jr_str_t *text, int decode)
{
    int  ch, hi, lo;

    ch = (unsigned char) text->data[0];

    if (decode && ch == '%' && text->len >= 3) {
        hi = jr_hex(text->data[1]);
        lo = jr_hex(text->data[2]);

        if (hi >= 0 && lo >= 0) {
            text->data += 3;
            text->len -= 3;
            return hi * 16 + lo;
        }
    }

    text->data++;
    text->len--;

    return ch;
}


static int
jr_hex(int ch)
{
    if (ch >= '0' && ch <= '9') {
        return ch - '0';
    }

    ch |= 0x20;

    return (ch >= 'a' && ch <= 'f') ? ch - 'a' + 10 : -1;
}


static jr_status_e
jr_path_decode(jr_str_t raw, char *buf, jr_str_t *key)
{
    int     ch;
    size_t  len;

    for (len = 0; raw.len; len++) {

        ch = jr_path_next(&raw, 1);

        if (len == JR_KEY_MAX || ch < 0x20 || ch == 0x7f) {
            return JR_INVALID;
        }

        buf[len] = (char) ch;
    }

    key->data = buf;
    key->len = len;

    return JR_OK;
}


jr_status_e
jr_path_keys(jr_path_t *path, const char **what)
{
    static const char  prefix[] = "ocid1.";

    path->platform.data = NULL;
    path->platform.len = 0;
    path->workspace.data = NULL;
    path->workspace.len = 0;

    if (jr_path_decode(path->raw_platform, path->platform_buf,
                       &path->platform)
        != JR_OK)
    {
        *what = "aiDataPlatformId in the path must be 1 to 255 bytes without "
                "control characters";
        return JR_INVALID;
    }

    if (jr_path_decode(path->raw_workspace, path->workspace_buf,
                       &path->workspace)
        != JR_OK)
    {
        *what = "workspaceKey in the path must be 1 to 255 bytes without "
                "control characters";
        return JR_INVALID;
    }

    if (path->platform.len < sizeof(prefix) - 1
        || memcmp(path->platform.data, prefix, sizeof(prefix) - 1) != 0)
    {
        *what = "aiDataPlatformId in the path must be an OCID, which begins "
                "with \"ocid1.\"";
        return JR_INVALID;
    }

    return JR_OK;
}
