/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Verifying of audit files: lines of anybody's, in any order.
 */

#include "fuzz.h"
#include "jr_verify.h"


static void
count(void *data, const jr_verify_finding_t *finding)
{
    fuzz_holds(finding->kind < JR_VERIFY_KINDS);

    (*(size_t *) data)++;
}


int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    size_t        found;
    const char   *p, *end, *last;
    jr_verify_t  *verify;

    found = 0;

    fuzz_holds(jr_verify_create(0, count, &found, &verify) == JR_OK);

    jr_verify_file(verify, 0);

    p = (const char *) data;
    last = p + size;

    while (p < last) {
        end = memchr(p, '\n', (size_t) (last - p));
        end = end ? end : last;

        fuzz_holds(jr_verify_line(verify, p, (size_t) (end - p)) == JR_OK);

        p = end + 1;
    }

    fuzz_holds(jr_verify_end(verify) == JR_OK);

    jr_verify_free(verify);

    return 0;
}
