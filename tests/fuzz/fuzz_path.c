/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Paths: the first line is the target as sent, the second what NGINX made
 * of it; without a second line, it made nothing of it.
 */

#include "fuzz.h"
#include "jr_path.h"
#include "lib_readings.h"


static void readings_agree(jr_str_t target);
static void keys(jr_path_t *path, const char *raw, size_t len);


int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char          *text, *other;
    jr_str_t       rest, raw, uri;
    jr_path_e      verdict;
    jr_path_t      path;

    rest = fuzz_str(data, size);
    raw = fuzz_line(&rest);
    uri = rest.len ? fuzz_line(&rest) : raw;

    text = fuzz_copy(raw.data, raw.len);
    other = fuzz_copy(uri.data, uri.len);

    raw.data = text;
    uri.data = other;

    verdict = jr_path_classify(raw, uri, &path);

    if (verdict == JR_PATH_CREATE) {
        keys(&path, text, raw.len);

        /* both readings of it are the same */
        fuzz_holds(jr_path_classify(raw, raw, &path) == JR_PATH_CREATE);
    }

    readings_agree(raw);

    free(text);
    free(other);

    return 0;
}


/* what a server takes for a createJobRun is not another path */

static void
readings_agree(jr_str_t target)
{
    size_t     i;
    jr_path_t  path;

    if (jr_path_classify_target(target, &path) != JR_PATH_OTHER) {
        return;
    }

    for (i = 0; readings[i].server != NULL; i++) {
        fuzz_holds(!readings_route(target, readings[i].habits, NULL));
    }
}


static void
keys(jr_path_t *path, const char *raw, size_t len)
{
    const char  *what;

    fuzz_holds(fuzz_within(path->version, raw, len));
    fuzz_holds(fuzz_within(path->raw_platform, raw, len));
    fuzz_holds(fuzz_within(path->raw_workspace, raw, len));
    fuzz_holds(path->version.len == 8);

    what = NULL;

    if (jr_path_keys(path, &what) != JR_OK) {
        fuzz_holds(what != NULL);
        return;
    }

    fuzz_holds(path->platform.len >= 6
               && memcmp(path->platform.data, "ocid1.", 6) == 0);
    fuzz_holds(path->platform.len <= JR_KEY_MAX);
    fuzz_holds(path->workspace.len >= 1
               && path->workspace.len <= JR_KEY_MAX);

    fuzz_holds(fuzz_is_plain(path->workspace.data, path->workspace.len));
}
