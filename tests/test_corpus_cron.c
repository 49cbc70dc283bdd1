/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The corpora of Quartz cron expressions.
 */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "lib_rules.h"


static void
corpus_cron_edges(void **state)
{
    corpus_t  corpus;

    (void) state;

    if (corpus_run(&corpus, "quartz_cron_edges.jsonl", rule_cron, NULL)) {
        corpus_end(&corpus);
    }
}


static void
corpus_cron_ported(void **state)
{
    corpus_t  corpus;

    (void) state;

    if (corpus_run(&corpus, "quartz_cron_ported.jsonl", rule_cron, NULL)) {
        corpus_end(&corpus);
    }
}


static void
corpus_cron_random(void **state)
{
    corpus_t  corpus;

    (void) state;

    if (corpus_run(&corpus, "quartz_cron_random.jsonl", rule_cron, NULL)) {
        corpus_end(&corpus);
    }
}


int
main(void)
{
    const struct CMUnitTest  tests[] = {
        cmocka_unit_test(corpus_cron_edges),
        cmocka_unit_test(corpus_cron_ported),
        cmocka_unit_test(corpus_cron_random)
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
