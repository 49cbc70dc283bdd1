/*
 * Header values, and the path: what passes obeys the API page's words.
 */

#include "fuzz.h"
#include "jr_header.h"
#include "jr_path.h"


static void
request_id(jr_str_t value)
{
    size_t       i;
    const char  *what;

    if (jr_header_request_id(value, JR_REQUEST_ID_STRICT, &what) != JR_OK) {
        fuzz_holds(what != NULL);
        return;
    }

    fuzz_holds(value.len >= 1 && value.len <= JR_REQUEST_ID_MAX);

    for (i = 0; i < value.len; i++) {
        fuzz_holds(strchr("ABCDEFGHIJKLMNOPQRSTUVWXYZ"
                          "abcdefghijklmnopqrstuvwxyz0123456789_-",
                          value.data[i])
                   != NULL);
    }

    fuzz_holds(jr_header_request_id(value, JR_REQUEST_ID_LENIENT, &what)
               == JR_OK);
}


static void
path(jr_str_t value)
{
    jr_path_e    kind;
    jr_path_t    path;
    const char  *what;

    kind = jr_path_classify(value, value, &path);

    if (kind != JR_PATH_CREATE) {
        return;
    }

    fuzz_holds(path.version.len == 8);

    if (jr_path_keys(&path, &what) == JR_OK) {
        fuzz_holds(path.platform.len > 6 && path.platform.len <= 255);
        fuzz_holds(memcmp(path.platform.data, "ocid1.", 6) == 0);
        fuzz_holds(path.workspace.len >= 1 && path.workspace.len <= 255);
        fuzz_holds(fuzz_is_plain(path.workspace.data, path.workspace.len));
    }
}


int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    int          flag;
    jr_str_t     value;
    const char  *what;

    value = fuzz_str(data, size);

    path(value);

    value = jr_header_trim(value);

    request_id(value);

    if (jr_header_retry_token(value, &what) == JR_OK) {
        fuzz_holds(value.len >= 1 && value.len <= JR_RETRY_TOKEN_MAX);
        fuzz_holds(fuzz_is_plain(value.data, value.len));
    }

    if (jr_header_boolean(value, &flag, &what) == JR_OK) {
        fuzz_holds(value.len == (flag ? 4 : 5));
    }

    (void) jr_header_content_type(value, &what);

    return 0;
}
