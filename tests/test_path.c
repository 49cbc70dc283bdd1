/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Which paths are a createJobRun, and which only look like one.
 */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "jr_path.h"
#include "lib_str.h"


#define ID    "ocid1.aidataplatform.oc1.iad.x"
#define HEAD  "/20260430/aiDataPlatforms/" ID
#define KEY   "f3f7f1e2-5a7c-4b1e-9c39-1a2b3c4d5e6f"


/* uri is what NGINX made of it */

static void
classifies(const char *raw, const char *uri, jr_path_e want)
{
    char       *copy;
    size_t      len;
    jr_path_t   path;
    jr_path_e   got;

    /* without a NUL behind it, for the sanitizer to see who reads on */

    len = strlen(raw);
    copy = malloc(len ? len : 1);
    assert_non_null(copy);
    memcpy(copy, raw, len);

    got = jr_path_classify((jr_str_t) { len, copy }, str(uri), &path);

    if (got != want) {
        fail_msg("\"%s\" (\"%s\"): %d, not %d", raw, uri, got, want);
    }

    free(copy);
}


static void
plain_paths_are_creations(void **state)
{
    size_t     i;
    jr_path_t  path;

    static const struct {
        const char  *raw;
        const char  *version;
        const char  *family;
        const char  *platform;
        const char  *workspace;
    } cases[] = {
        { HEAD "/workspaces/" KEY "/jobRuns",
          "20260430", "aiDataPlatforms", ID, KEY },
        { HEAD "/workspaces/" KEY "/jobRuns?a=/b/../c;d",
          "20260430", "aiDataPlatforms", ID, KEY },
        { HEAD "/workspaces/" KEY "/jobRuns?",
          "20260430", "aiDataPlatforms", ID, KEY },
        { "/20240831/dataLakes/" ID "/workspaces/w/jobRuns",
          "20240831", "dataLakes", ID, "w" },
        { "/00000000/dataLakes/a/workspaces/w/jobRuns",
          "00000000", "dataLakes", "a", "w" },
        { "/99999999/aiDataPlatforms/a/workspaces/b/jobRuns",
          "99999999", "aiDataPlatforms", "a", "b" },

        /* keys are opaque */
        { HEAD "/workspaces/jobRuns/jobRuns",
          "20260430", "aiDataPlatforms", ID, "jobRuns" },
        { HEAD "/workspaces/a.b~c_d:e@f!g$h&i'(j)*+,=/jobRuns",
          "20260430", "aiDataPlatforms", ID, "a.b~c_d:e@f!g$h&i'(j)*+,=" },
        { HEAD "/workspaces/.a/jobRuns",
          "20260430", "aiDataPlatforms", ID, ".a" },
        { HEAD "/workspaces/..a/jobRuns",
          "20260430", "aiDataPlatforms", ID, "..a" },
        { HEAD "/workspaces/%41%3b%23%3F%25/jobRuns",
          "20260430", "aiDataPlatforms", ID, "%41%3b%23%3F%25" },
        { HEAD "/workspaces/%00/jobRuns",
          "20260430", "aiDataPlatforms", ID, "%00" },
        { HEAD "/workspaces/\xc3\xa9/jobRuns",
          "20260430", "aiDataPlatforms", ID, "\xc3\xa9" }
    };

    (void) state;

    for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        jr_str_t  raw = str(cases[i].raw);

        classifies(cases[i].raw, cases[i].raw, JR_PATH_CREATE);

        (void) jr_path_classify(raw, raw, &path);

        assert_true(jr_str_eq(path.version, cases[i].version, 8));
        assert_true(jr_str_eq(path.family, cases[i].family,
                              strlen(cases[i].family)));
        assert_true(jr_str_eq(path.raw_platform, cases[i].platform,
                              strlen(cases[i].platform)));
        assert_true(jr_str_eq(path.raw_workspace, cases[i].workspace,
                              strlen(cases[i].workspace)));
    }
}


static void
other_paths_are_not_ours(void **state)
{
    size_t  i;

    static const char *const  paths[] = {
        "", "/", "*", "?", "/?x", "//////", "/..", "/../..", "%", "/%",
        "/20260430", "/20260430/", "/20260430/aiDataPlatforms",
        HEAD "/workspaces/" KEY,
        HEAD "/workspaces/" KEY "/",
        HEAD "/workspaces/" KEY "/jobRun",
        HEAD "/workspaces/" KEY "/jobRunss",
        HEAD "/workspaces/" KEY "/jobRuns/run",
        HEAD "/workspaces/" KEY "/jobRuns/run/actions/cancel",
        HEAD "/workspaces/" KEY "/jobs",
        HEAD "/workspaces/jobRuns",
        HEAD "/workspace/" KEY "/jobRuns",
        HEAD "/jobRuns",
        "/2026043/aiDataPlatforms/" ID "/workspaces/w/jobRuns",
        "/202604300/aiDataPlatforms/" ID "/workspaces/w/jobRuns",
        "/2026O430/aiDataPlatforms/" ID "/workspaces/w/jobRuns",
        "/2026-430/aiDataPlatforms/" ID "/workspaces/w/jobRuns",
        "/v1/aiDataPlatforms/" ID "/workspaces/w/jobRuns",
        "/20260430/aiDataPlatform/" ID "/workspaces/w/jobRuns",
        "/20260430/dataLake/" ID "/workspaces/w/jobRuns",
        "/20260430/dataPlatforms/" ID "/workspaces/w/jobRuns",
        "/api/20260430/aiDataPlatforms/" ID "/workspaces/w/jobRuns",
        "/20260430/aiDataPlatforms/" ID "/x/workspaces/w/jobRuns",

        /* spelled in other ways, but nobody's createJobRun either */
        "/api/;/20260430/aiDataPlatforms/" ID "/workspaces/w/jobRuns",
        "/api//20260430/aiDataPlatforms/" ID "/workspaces/w/jobRuns",
        "http://service/api/20260430/aiDataPlatforms/" ID
            "/workspaces/w/jobRuns",
        HEAD "/workspaces/w/jobRuns/run%2Fx/actions/cancel",
        HEAD "/workspaces/w/jobRuns%2Frun",
        HEAD "/workspaces/w/jobRuns/run;a=b/actions/cancel;c",
        HEAD "/workspaces/w/jobRuns/run/../other",
        HEAD "/workspaces/w/jobRuns/%E2%80%A6",
        HEAD "/workspaces/w/jobRuns/\xc3\xa9",
        HEAD "/workspaces/w/objects/a%2520b%252Fc",
        HEAD "/workspaces/w/jobs/jobRuns",
        HEAD "/workspaces/w/job%20Runs",
        HEAD "/workspaces/w/job%%Runs",
        /* "!" and "~" in full width, the first and the last that there are */
        HEAD "/workspaces/w/job%EF%BC%81uns",
        HEAD "/workspaces/w/job%EF%BD%9Euns",
        HEAD "/workspaces/w/%6a%6f%62",
        "/n/space/b/bucket/o/20260430%2FdataLakes%2Fx%2Fworkspaces%2Fw"
            "%2FjobRuns",
        "/search?q=/20260430/dataLakes/x/workspaces/w/jobRuns"
    };

    (void) state;

    for (i = 0; i < sizeof(paths) / sizeof(paths[0]); i++) {
        classifies(paths[i], paths[i], JR_PATH_OTHER);
    }
}


/* no server may take these for a creation that nobody has checked */

static void
other_spellings_are_suspect(void **state)
{
    size_t  i;

    static const char *const  paths[] = {

        /* slashes */
        HEAD "/workspaces/" KEY "/jobRuns/",
        HEAD "/workspaces/" KEY "/jobRuns//",
        "/" HEAD "/workspaces/" KEY "/jobRuns",
        HEAD "//workspaces/" KEY "/jobRuns",
        HEAD "/workspaces/" KEY "///jobRuns",
        "/20260430//aiDataPlatforms/" ID "/workspaces/w/jobRuns",
        HEAD "/workspaces%2F" KEY "/jobRuns",
        HEAD "%2fworkspaces/" KEY "%2FjobRuns",
        HEAD "/workspaces/" KEY "%2FjobRuns",
        HEAD "/workspaces/" KEY "/jobRuns%2F",
        "%2F20260430/aiDataPlatforms/" ID "/workspaces/w/jobRuns",

        /* a slash inside a key, to those who split first */
        HEAD "/workspaces/a%2Fb/jobRuns",
        "/20260430/aiDataPlatforms/ocid1%2fx/workspaces/w/jobRuns",

        /* backslashes, as separators and as bytes of a key */
        HEAD "/workspaces\\" KEY "\\jobRuns",
        HEAD "/workspaces/a\\b/jobRuns",
        HEAD "/workspaces/a%5Cb/jobRuns",
        HEAD "/workspaces/\\/jobRuns",
        HEAD "/workspaces%5c" KEY "%5CjobRuns",
        HEAD "/workspaces/w/jobRuns\\",

        /* dots */
        "/." HEAD "/workspaces/w/jobRuns",
        "/x/.." HEAD "/workspaces/w/jobRuns",
        "/../.." HEAD "/workspaces/w/jobRuns",
        HEAD "/workspaces/x/../w/jobRuns",
        HEAD "/workspaces/w/./jobRuns",
        HEAD "/workspaces/w/jobRuns/.",
        HEAD "/workspaces/w/jobRuns/x/..",
        HEAD "/workspaces/w/jobRuns/x/y/../..",
        HEAD "/workspaces/w/x/%2e%2E/jobRuns",
        HEAD "/workspaces/w/x/.%2e/jobRuns",
        HEAD "/workspaces/w/%2e/jobRuns",
        HEAD "/workspaces/w/x%2F../jobRuns",
        HEAD "/workspaces/w/x/..%2FjobRuns",
        HEAD "/workspaces/w/x\\..\\jobRuns",
        "/a/b/c/d/e/f/g/h/../../../../../../../.." HEAD
            "/workspaces/w/jobRuns",

        /* what merges slashes first reads another path here, what does not
           (RFC 3986, 5.2.4) a creation, or the other way round */
        HEAD "/workspaces/w//../jobRuns",
        HEAD "/workspaces/w///../../jobRuns",
        HEAD "/workspaces/x//../../w/jobRuns",
        HEAD "/workspaces/w/%2F../jobRuns",
        HEAD "/workspaces/x//../w/jobRuns",

        /* dots that a server may take for a name */
        HEAD "/workspaces/../jobRuns",
        HEAD "/workspaces/./jobRuns",
        HEAD "/workspaces/.../jobRuns",
        HEAD "/workspaces/%2e%2e/jobRuns",
        "/20260430/aiDataPlatforms/../workspaces/w/jobRuns",

        /* parameters */
        HEAD "/workspaces/w/jobRuns;a=b",
        HEAD "/workspaces/w;a=b/jobRuns",
        HEAD "/workspaces;a/w/jobRuns",
        "/20260430;a/aiDataPlatforms;b/" ID ";c/workspaces;d/w;e/jobRuns;f",
        HEAD "/workspaces/w/x/..;a=b/jobRuns",
        HEAD "/workspaces/..;a/jobRuns",
        HEAD "/workspaces/w/.;/jobRuns",
        HEAD "/workspaces/w/jobRuns;/",
        HEAD "/workspaces/w/jobRuns%3Ba",

        HEAD "/workspaces/w/jobRuns;/x/y",
        HEAD "/workspaces/w/jobRuns;a=%2Fx",
        HEAD "/workspaces/w/x/..;a=%2F../jobRuns",

        /* a segment that is empty without them */
        "/;" HEAD "/workspaces/w/jobRuns",
        "/;x" HEAD "/workspaces/w/jobRuns",
        "/;a=b;c" HEAD "/workspaces/w/jobRuns",
        "/;/;/;" HEAD "/workspaces/w/jobRuns",
        "/%3b" HEAD "/workspaces/w/jobRuns",
        "/%3Bx" HEAD "/workspaces/w/jobRuns",
        "/%253b" HEAD "/workspaces/w/jobRuns",
        "/20260430/;/aiDataPlatforms/" ID "/workspaces/w/jobRuns",
        "/20260430/%3b/aiDataPlatforms/" ID "/workspaces/w/jobRuns",
        HEAD "/;/workspaces/w/jobRuns",
        HEAD "/workspaces/w/;a=b/jobRuns",
        HEAD "/workspaces/w/jobRuns/;",
        HEAD "/workspaces/w/jobRuns/%3B",
        HEAD "/workspaces/w/jobRuns/;a=b/;c",
        HEAD "/workspaces/x/;/../../w/jobRuns",
        HEAD "/workspaces/w/;/../jobRuns",
        HEAD "/workspaces/w/x/;/..;/..;y/jobRuns",
        "/.;x" HEAD "/workspaces/w/jobRuns",

        /* letters */
        HEAD "/workspaces/w/job%52uns",
        HEAD "/workspaces/w/job%2552uns",
        HEAD "/workspaces/w/job%252552uns",
        HEAD "/workspaces/w/job%25%35%32uns",
        HEAD "/workspaces/w/job%%352uns",
        HEAD "/workspaces/w/job%u0052uns",
        HEAD "/workspaces/w/job%U0052uns",
        HEAD "/workspaces/w/job%25u0052uns",
        HEAD "/workspaces/w/job%uFF32uns",
        HEAD "/workspaces/w/job%EF%BC%B2uns",
        HEAD "/workspaces/w/job%c1%92uns",
        HEAD "/workspaces/w/job%e0%81%92uns",
        HEAD "/workspaces/w/jobRun%C5%BF",

        /* a percent sign that is hidden once more */
        HEAD "/workspaces/w/job%EF%BC%8552uns",
        HEAD "/workspaces/w/job%c0%a552uns",

        HEAD "/wor%E2%84%AAspaces/w/jobRuns",
        HEAD "/workspaces/w%c0%afjobRuns",
        HEAD "/workspaces/w%252FjobRuns",
        HEAD "/workspaces/w/x%252F..%252FjobRuns",
        HEAD "/workspaces/w/%252e%252e/w/jobRuns",
        HEAD "/workspaces/w%u2215%u002fjobRuns",
        HEAD "/workspaces/w%c0%afx/jobRuns",
        HEAD "/workspaces/w\xe0\x80\xafx/jobRuns",
        HEAD "/workspaces/w%F0%80%80%AFx/jobRuns",

        /* what some cut off, skip or trim */
        HEAD "/workspaces/w/jobRuns%00",
        HEAD "/workspaces/w/jobRuns%00/x",
        HEAD "/workspaces/w/jobRuns%2500.html",
        HEAD "/workspaces/w/job%0dRuns",
        HEAD "/workspaces/w/job\tRuns",
        HEAD "/workspaces/w/jobRuns%0A",
        HEAD "/workspaces/w/jobRuns%20",
        HEAD "/workspaces/w/%20jobRuns%20",
        HEAD "/workspaces/w/jobRuns+",
        HEAD "/workspaces/w/jobRuns x",
        HEAD "/workspaces/w/jobRuns%3f/x",
        HEAD "/workspaces/w/jobRuns%253Fx",
        HEAD "/workspaces/w/jobRuns#/x/y",
        HEAD "/workspaces/w/jobRuns.json",
        HEAD "/workspaces/w/jobRuns.",

        /* an authority before the path */
        "http://service" HEAD "/workspaces/w/jobRuns",
        "a-scheme-that-is-long://service" HEAD "/workspaces/w/jobRuns",
        "HTTPS://user@service:443" HEAD "/workspaces/w/jobRuns",
        "//service" HEAD "/workspaces/w/jobRuns",
        "/\\service" HEAD "/workspaces/w/jobRuns",
        "http://service/;" HEAD "/workspaces/w/jobRuns",
        HEAD "/workspaces/w/%6aobRuns",
        HEAD "/%77orkspaces/w/jobRuns",
        "/20260430/aiData%50latforms/" ID "/workspaces/w/jobRuns",
        "/20260430/aiDataPlatforms/" ID "/workspaces/w/jobRuns%3fx=a/b",
        "/20260430/aiDataPlatforms/" ID "/workspaces/w/jobRuns%23x",
        "/2026043%30/aiDataPlatforms/" ID "/workspaces/w/jobRuns",
        "/%32%30%32%36%30%34%33%30/dataLakes/" ID "/workspaces/w/jobRuns",
        HEAD "/workspaces/w/JOBRUNS",
        HEAD "/Workspaces/w/jobRuns",
        "/20260430/aidataplatforms/" ID "/workspaces/w/jobruns",
        "/20260430/DataLakes/" ID "/workspaces/w/jobRuns",

        /* broken encoding */
        HEAD "/workspaces/%/jobRuns",
        HEAD "/workspaces/%4/jobRuns",
        HEAD "/workspaces/%zz/jobRuns",
        HEAD "/workspaces/w#x/jobRuns"
    };

    (void) state;

    for (i = 0; i < sizeof(paths) / sizeof(paths[0]); i++) {
        classifies(paths[i], "/", JR_PATH_SUSPECT);
    }
}


/* the URI that NGINX routes on counts as well as the raw one */

static void
what_nginx_made_of_it_counts(void **state)
{
    (void) state;

    classifies(HEAD "/workspaces/w/jobRuns#x", HEAD "/workspaces/w/jobRuns",
               JR_PATH_SUSPECT);
    classifies("/rewritten", HEAD "/workspaces/w/jobRuns", JR_PATH_SUSPECT);
    classifies("/rewritten", HEAD "/workspaces/w/jobRuns/", JR_PATH_SUSPECT);
    classifies(HEAD "/workspaces/w/job%2552uns", HEAD
               "/workspaces/w/job%52uns", JR_PATH_SUSPECT);

    classifies(HEAD "/workspaces/w?/jobRuns", HEAD "/workspaces/w",
               JR_PATH_OTHER);

    /* plain to the service is plain, whatever NGINX has made of it since */
    classifies(HEAD "/workspaces/w/jobRuns", "/elsewhere", JR_PATH_CREATE);
}


/* every byte put into every place, and every byte left out: no other path
   than a plain one is forwarded unlooked at when it decodes to a creation */

static void
no_byte_makes_a_way_round(void **state)
{
    int        ch;
    char       path[256];
    size_t     i, len;
    jr_path_t  p;

    static const char  plain[] = "/20260430/dataLakes/ocid1.x/workspaces/w"
                                 "/jobRuns";

    /* where a key is: there any byte may stand */
    static const size_t  keys[][2] = { { 20, 27 }, { 39, 40 } };

    (void) state;

    len = sizeof(plain) - 1;

    for (i = 0; i < len; i++) {
        int  in_key = (i >= keys[0][0] && i < keys[0][1])
                      || (i >= keys[1][0] && i < keys[1][1]);

        for (ch = 0; ch < 256; ch++) {
            jr_path_e  got;

            memcpy(path, plain, len);
            path[i] = (char) ch;

            got = jr_path_classify((jr_str_t) { len, path }, str("/"), &p);

            if (ch == plain[i]) {
                assert_int_equal(got, JR_PATH_CREATE);

            } else if (in_key && ch != '/' && ch != '?') {
                assert_int_not_equal(got, JR_PATH_OTHER);
            }
        }

        /* encoded, any byte of it is the same path to somebody */

        snprintf(path, sizeof(path), "%.*s%%%02x%s", (int) i, plain,
                 (unsigned) plain[i], plain + i + 1);

        assert_int_not_equal(jr_path_classify(str(path), str("/"), &p),
                             JR_PATH_OTHER);

        if (!in_key) {
            assert_int_equal(jr_path_classify(str(path), str("/"), &p),
                             JR_PATH_SUSPECT);
        }
    }
}


static void
long_paths_are_read_to_the_end(void **state)
{
    char       *text;
    size_t      i, len;
    jr_path_t   path;

    static const char  tail[] = HEAD "/workspaces/w/jobRuns";

    (void) state;

    /* as many slashes and dots as there is room for */

    len = JR_PATH_MAX;
    text = malloc(len);
    assert_non_null(text);

    for (i = 0; i < 3; i++) {
        memset(text, '/', len);

        for (size_t k = 0; i > 0 && k + 3 < len; k += 3) {
            memcpy(text + k, i == 1 ? "/.." : "/./", 3);
        }

        memcpy(text + len - (sizeof(tail) - 1), tail, sizeof(tail) - 1);
        assert_int_equal(jr_path_classify((jr_str_t) { len, text }, str("/"),
                                          &path),
                         JR_PATH_SUSPECT);
    }

    /* one byte more, whatever is in it: nobody has read to its end */

    len = JR_PATH_MAX + 1;
    text = realloc(text, len);
    assert_non_null(text);

    for (i = 0; i < 3; i++) {
        memset(text, 'x', len);
        memcpy(text, "/", 1);

        if (i > 0) {
            memcpy(text, HEAD "/workspaces/", sizeof(HEAD "/workspaces/") - 1);
        }

        if (i == 2) {
            memcpy(text + len - 8, "/jobRuns", 8);
        }

        assert_int_equal(jr_path_classify((jr_str_t) { len, text }, str("/"),
                                          &path),
                         JR_PATH_SUSPECT);
        assert_int_equal(jr_path_classify_target((jr_str_t) { len, text },
                                                 &path),
                         JR_PATH_SUSPECT);
        assert_int_equal(jr_path_classify(str("/"), (jr_str_t) { len, text },
                                          &path),
                         JR_PATH_SUSPECT);
    }

    /* a query may be as long as it likes */

    memcpy(text, "/x?", 3);
    assert_int_equal(jr_path_classify_target((jr_str_t) { len, text }, &path),
                     JR_PATH_OTHER);

    free(text);
}


int
main(void)
{
    const struct CMUnitTest  tests[] = {
        cmocka_unit_test(plain_paths_are_creations),
        cmocka_unit_test(other_paths_are_not_ours),
        cmocka_unit_test(other_spellings_are_suspect),
        cmocka_unit_test(what_nginx_made_of_it_counts),
        cmocka_unit_test(no_byte_makes_a_way_round),
        cmocka_unit_test(long_paths_are_read_to_the_end)
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
