/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Which requests are a createJobRun.
 *
 * The plain reading is exact: literals byte for byte, no dot segment, no
 * encoded slash, no matrix parameter, no trailing slash.  What is not plain
 * is not forwarded when any reading of it finds the operation
 * (jr_path_reading.c).
 */

#include "jr_alnum.h"
#include "jr_hex.h"
#include "jr_path.h"
#include "jr_path_reading.h"


static jr_str_t jr_path_of(jr_str_t target);
static int jr_path_plain(jr_str_t raw, jr_path_t *path);
static int jr_path_plain_key(jr_str_t *rest, jr_str_t *key);
static int jr_path_literal(jr_str_t *rest, const char *text, size_t len);
static int jr_path_version(jr_str_t version);
static int jr_path_next(jr_str_t *text);
static jr_status_e jr_path_decode(jr_str_t raw, char *buf, jr_str_t *key);


/* letters, digits, "-" and "_", which every server reads as they are */

static const unsigned char  jr_path_ordinary[256] = {
    JR_ALNUM, ['-'] = 1, ['_'] = 1
};


#define jr_path_literal_is(rest, text)                                       \
    jr_path_literal(rest, text, sizeof(text) - 1)


jr_path_e
jr_path_classify(jr_str_t raw, jr_str_t uri, jr_path_t *path)
{
    jr_path_e  kind;

    kind = jr_path_classify_target(raw, path);

    if (kind != JR_PATH_OTHER) {
        return kind;
    }

    /* NGINX sends the URI where a rewrite changed it or proxy_pass has one */

    if (uri.len > JR_PATH_MAX || jr_path_reading_may_create(uri)) {
        return JR_PATH_SUSPECT;
    }

    return JR_PATH_OTHER;
}


jr_path_e
jr_path_classify_target(jr_str_t target, jr_path_t *path)
{
    jr_str_t  raw;

    raw = jr_path_of(target);

    if (raw.len > JR_PATH_MAX) {
        return JR_PATH_SUSPECT;
    }

    if (jr_path_plain(raw, path)) {
        return JR_PATH_CREATE;
    }

    return jr_path_reading_may_create(raw) ? JR_PATH_SUSPECT : JR_PATH_OTHER;
}


/* without the query */

static jr_str_t
jr_path_of(jr_str_t target)
{
    const char  *query;

    query = target.len ? memchr(target.data, '?', target.len) : NULL;

    if (query != NULL) {
        target.len = query - target.data;
    }

    return target;
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
    int     ch, hi, lo, dots, before;
    size_t  i, run;

    dots = 1;
    before = 0;

    for (i = 0; /* void */ ; i++) {

        run = i;

        while (i < rest->len
               && jr_path_ordinary[(unsigned char) rest->data[i]])
        {
            /* nearly all of a key: nothing to look at */
            i++;
        }

        if (i != run) {
            dots = 0;
            before = 0;
        }

        if (i == rest->len || rest->data[i] == '/') {
            break;
        }

        ch = (unsigned char) rest->data[i];

        if (ch == '%') {
            if (rest->len - i < 3) {
                return 0;
            }

            hi = jr_hex_digit(rest->data[i + 1]);
            lo = jr_hex_digit(rest->data[i + 2]);

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

        /* overlong UTF-8: some decode it to "/" and the like */

        if (ch == 0xc0 || ch == 0xc1
            || (before == 0xe0 && ch >= 0x80 && ch < 0xa0)
            || (before == 0xf0 && ch >= 0x80 && ch < 0x90))
        {
            return 0;
        }

        before = ch;
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


/* takes one byte, or one percent-encoded byte, off the text */

static int
jr_path_next(jr_str_t *text)
{
    int  ch, hi, lo;

    ch = (unsigned char) text->data[0];

    if (ch == '%' && text->len >= 3) {
        hi = jr_hex_digit(text->data[1]);
        lo = jr_hex_digit(text->data[2]);

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


/* a key where it stands in the path, or in buf if it is escaped there */

static jr_status_e
jr_path_decode(jr_str_t raw, char *buf, jr_str_t *key)
{
    size_t         i;
    unsigned char  ch;

    if (memchr(raw.data, '%', raw.len) != NULL) {

        for (i = 0; raw.len; i++) {

            if (i == JR_KEY_MAX) {
                return JR_INVALID;
            }

            buf[i] = (char) jr_path_next(&raw);
        }

        raw.data = buf;
        raw.len = i;
    }

    if (raw.len > JR_KEY_MAX) {
        return JR_INVALID;
    }

    for (i = 0; i < raw.len; i++) {
        ch = (unsigned char) raw.data[i];

        if (ch < 0x20 || ch == 0x7f) {
            return JR_INVALID;
        }
    }

    *key = raw;

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
