/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The corpus of Java time zone ids.
 */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "lib_rules.h"


static void
corpus_timezones(void **state)
{
    corpus_t  corpus;

    (void) state;

    if (corpus_run(&corpus, "java_timezones.jsonl", rule_timezone, NULL)) {
        corpus_end(&corpus);
    }
}


int
main(void)
{
    const struct CMUnitTest  tests[] = {
        cmocka_unit_test(corpus_timezones)
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
