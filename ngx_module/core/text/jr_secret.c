/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The secret in a file.
 */

#include <string.h>

#include "jr_secret.h"


const char *
jr_secret_line(jr_str_t text, size_t least, size_t most, jr_str_t *secret)
{
    size_t       len;
    const char  *lf;

    len = text.len;
    lf = len ? memchr(text.data, '\n', len) : NULL;

    if (lf != NULL) {
        len = (size_t) (lf - text.data);
    }

    if (len && text.data[len - 1] == '\r') {
        len--;
    }

    if (len == 0) {
        return "has an empty first line";
    }

    if (memchr(text.data, '\0', len) != NULL) {
        return "has a NUL byte in its first line";
    }

    if (len > most) {
        return "has a first line that is too long";
    }

    if (len < least) {
        return "has a first line that is too short";
    }

    secret->data = text.data;
    secret->len = len;

    return NULL;
}
