/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The keys in the path of a createJobRun, and targets by themselves.
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


static void
targets_are_classified_alone(void **state)
{
    size_t     i;
    jr_path_t  path;

    static const struct {
        const char  *target;
        jr_path_e    want;
    } cases[] = {
        { HEAD "/workspaces/" KEY "/jobRuns", JR_PATH_CREATE },
        { HEAD "/workspaces/" KEY "/jobRuns?", JR_PATH_CREATE },
        { HEAD "/workspaces/" KEY "/jobRuns?a=b&c=%2F..;", JR_PATH_CREATE },
        { HEAD "/workspaces/" KEY "/jobRuns/?a=b", JR_PATH_SUSPECT },
        { "http://service" HEAD "/workspaces/w/jobRuns?x", JR_PATH_SUSPECT },
        { "http://service?" HEAD "/workspaces/w/jobRuns", JR_PATH_OTHER },
        { "http://service", JR_PATH_OTHER },
        { "service:443", JR_PATH_OTHER },
        { "*", JR_PATH_OTHER },
        { "", JR_PATH_OTHER },
        { HEAD "/workspaces/" KEY "/jobs?x=/jobRuns", JR_PATH_OTHER }
    };

    (void) state;

    for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        jr_path_e  got;

        got = jr_path_classify_target(str(cases[i].target), &path);

        if (got != cases[i].want) {
            fail_msg("\"%s\": %d, not %d", cases[i].target, got,
                     cases[i].want);
        }
    }

    assert_int_equal(jr_path_classify_target((jr_str_t) { 0, NULL }, &path),
                     JR_PATH_OTHER);
}


static void
keys(const char *platform, const char *workspace, jr_status_e want,
    const char *want_workspace)
{
    char         raw[2048];
    jr_path_t    path;
    const char  *what;

    snprintf(raw, sizeof(raw),
             "/20260430/aiDataPlatforms/%s/workspaces/%s/jobRuns", platform,
             workspace);

    assert_int_equal(jr_path_classify(str(raw), str(raw), &path),
                     JR_PATH_CREATE);

    what = NULL;

    if (jr_path_keys(&path, &what) != want) {
        fail_msg("\"%s\": %s", raw, what ? what : "accepted");
    }

    if (want != JR_OK) {
        assert_non_null(what);
        assert_non_null(strstr(what, want_workspace));
        return;
    }

    assert_true(jr_str_eq(path.workspace, want_workspace,
                          strlen(want_workspace)));
}


static void
keys_are_decoded_and_checked(void **state)
{
    int    ch;
    char   long_key[800], encoded[8];

    (void) state;

    keys("ocid1.x", "w", JR_OK, "w");
    keys("%6fcid1.x", "%77%2d%C3%A9", JR_OK, "w-\xc3\xa9");
    keys("ocid1.", "%25%32%46", JR_OK, "%2F");
    keys("ocid1.x", "+ ", JR_OK, "+ ");

    keys("ocid2.x", "w", JR_INVALID, "aiDataPlatformId");
    keys("ocid1", "w", JR_INVALID, "aiDataPlatformId");
    keys("OCID1.x", "w", JR_INVALID, "aiDataPlatformId");
    keys("ocid1-x", "w", JR_INVALID, "aiDataPlatformId");
    keys("xocid1.", "w", JR_INVALID, "aiDataPlatformId");

    for (ch = 0; ch < 0x80; ch++) {

        if (ch == '/' || ch == '\\' || ch == '.') {
            continue;
        }

        snprintf(encoded, sizeof(encoded), "%%%02X", (unsigned) ch);

        if (ch < 0x20 || ch == 0x7f) {
            keys("ocid1.x", encoded, JR_INVALID, "workspaceKey");

        } else {
            keys("ocid1.x", encoded, JR_OK,
                 (char [2]) { (char) ch, '\0' });
        }
    }

    keys("ocid1.%0a", "w", JR_INVALID, "aiDataPlatformId");

    memset(long_key, 'k', sizeof(long_key));
    long_key[JR_KEY_MAX] = '\0';
    keys("ocid1.x", long_key, JR_OK, long_key);
    long_key[JR_KEY_MAX] = 'k';
    long_key[JR_KEY_MAX + 1] = '\0';
    keys("ocid1.x", long_key, JR_INVALID, "workspaceKey");

    memcpy(long_key, "ocid1.", 6);
    keys(long_key, "w", JR_INVALID, "aiDataPlatformId");
    long_key[JR_KEY_MAX] = '\0';
    keys(long_key, "w", JR_OK, "w");

    /* 255 bytes, three times as long as spelled */

    for (ch = 0; ch < JR_KEY_MAX; ch++) {
        memcpy(long_key + 3 * ch, "%6B", 3);
    }

    long_key[3 * JR_KEY_MAX] = '\0';
    keys("ocid1.x", long_key, JR_OK,
         "kkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkk"
         "kkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkk"
         "kkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkk"
         "kkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkk"
         "kkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkk");
    memcpy(long_key + 3 * JR_KEY_MAX, "%6B", 4);
    keys("ocid1.x", long_key, JR_INVALID, "workspaceKey");
}


int
main(void)
{
    const struct CMUnitTest  tests[] = {
        cmocka_unit_test(targets_are_classified_alone),
        cmocka_unit_test(keys_are_decoded_and_checked)
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
