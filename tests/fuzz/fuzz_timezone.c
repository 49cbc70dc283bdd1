/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Java time zone ids: what is suggested in place of a wrong one is right.
 */

#include "fuzz.h"
#include "jr_timezone.h"


int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char         text[512];
    jr_text_t    t;
    const char  *id, *nearest;

    id = (const char *) data;

    if (jr_timezone_check(id, size) == JR_OK) {
        return 0;
    }

    nearest = jr_timezone_nearest(id, size);

    fuzz_holds(nearest == NULL
               || jr_timezone_check(nearest, strlen(nearest)) == JR_OK);

    jr_text_init(&t, text, sizeof(text));
    jr_timezone_explain(id, size, &t);

    fuzz_holds(t.pos > t.start && t.pos <= text + sizeof(text));
    fuzz_holds(fuzz_is_plain(text, (size_t) (t.pos - t.start)));

    return 0;
}
