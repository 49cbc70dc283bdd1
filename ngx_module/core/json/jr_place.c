/* SPDX-License-Identifier: BSD-2-Clause
 *
 * JSON Pointers of RFC 6901, with control characters escaped.
 */

#include <string.h>

#include "jr_place.h"


static void jr_place_steps(jr_text_t *t, const jr_place_t *place);
static void jr_place_key(jr_text_t *t, const char *key, size_t len);


void
jr_place_write(jr_text_t *t, const jr_place_t *place)
{
    char       buf[JR_PLACE_TEXT];
    jr_text_t  pointer;

    jr_text_init(&pointer, buf, sizeof(buf));
    jr_place_steps(&pointer, place);

    jr_text_str(t, buf);

    if (pointer.full) {
        jr_text_str(t, "...");
    }
}


/* recursion as deep as the value is, which jr_json_parse() bounds */

static void
jr_place_steps(jr_text_t *t, const jr_place_t *place)
{
    if (place->up == NULL) {
        return;
    }

    jr_place_steps(t, place->up);

    jr_text_str(t, "/");

    if (place->key == NULL) {
        jr_text_size(t, place->index);

    } else {
        jr_place_key(t, place->key, place->len);
    }
}


static void
jr_place_key(jr_text_t *t, const char *key, size_t len)
{
    size_t  i, from;

    for (i = 0, from = 0; i < len; i++) {

        if (key[i] != '~' && key[i] != '/') {
            continue;
        }

        jr_text_escape(t, key + from, i - from, JR_PLACE_TEXT, 0);
        jr_text_str(t, key[i] == '~' ? "~0" : "~1");
        from = i + 1;
    }

    jr_text_escape(t, key + from, len - from, JR_PLACE_TEXT, 0);
}
