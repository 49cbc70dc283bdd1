/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Cron expressions: the grammar, and when an expression next fires.
 */

#include "fuzz.h"
#include "jr_cron_next.h"


#define DAY  86400


static void fires(const jr_cron_t *cron, int64_t after);


int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char             *text;
    jr_cron_t         cron;
    jr_status_e       rc;
    jr_cron_error_t   err;

    text = fuzz_copy(data, size);

    rc = jr_cron_parse(text, size, &cron, &err);
    fuzz_holds(rc == JR_OK || rc == JR_INVALID);
    fuzz_holds(jr_cron_parse(text, size, &cron, NULL) == rc);

    if (rc == JR_INVALID) {
        fuzz_holds(err.offset <= size && err.text[0] != '\0');
        fuzz_holds(fuzz_is_plain(err.text, strlen(err.text)));

    } else {
        fires(&cron, 0);
        fires(&cron, INT64_C(1709164799));          /* before a leap day */
        fires(&cron, INT64_C(7258118399) - DAY);    /* the last day of all */
        fires(&cron, INT64_MIN / 4);
        fires(&cron, INT64_MAX / 4);
    }

    free(text);

    return 0;
}


/* the next time is the first: seen from just before it, it is the same */

static void
fires(const jr_cron_t *cron, int64_t after)
{
    int64_t  next, again;

    if (jr_cron_next(cron, after, &next) != JR_OK) {
        return;
    }

    fuzz_holds(next > after);
    fuzz_holds(next < INT64_C(7258118400));     /* 2200-01-01 */
    fuzz_holds(jr_cron_next(cron, next - 1, &again) == JR_OK);
    fuzz_holds(again == next);
}
