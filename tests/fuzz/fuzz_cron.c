/*
 * Quartz cron expressions: fire times lie ahead of what was asked, one after
 * the other, and a refusal says where.
 */

#include "fuzz.h"
#include "jr_cron.h"


int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    int              i;
    int64_t          after, next;
    jr_cron_t        cron;
    jr_cron_error_t  err;

    if (jr_cron_parse((const char *) data, size, &cron, &err) != JR_OK) {
        fuzz_holds(err.offset <= size);
        fuzz_holds(err.text[0] != '\0');
        fuzz_holds(fuzz_is_plain(err.text, strlen(err.text)));
        return 0;
    }

    after = 1795608000;         /* 2026-11-25 12:00:00 UTC */

    for (i = 0; i < 5; i++) {

        if (jr_cron_next(&cron, after, &next) != JR_OK) {
            break;
        }

        fuzz_holds(next > after);
        fuzz_holds(next < 7258118400);      /* 2200-01-01 */

        after = next;
    }

    return 0;
}
