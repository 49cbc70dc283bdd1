/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The corpus of JSON texts, straight into the parser.
 */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "lib_rules.h"


static void
corpus_json_parsing(void **state)
{
    corpus_t  corpus;

    (void) state;

    if (corpus_run(&corpus, "json_parsing.jsonl", rule_json, NULL)) {
        corpus_end(&corpus);
    }
}


int
main(void)
{
    const struct CMUnitTest  tests[] = {
        cmocka_unit_test(corpus_json_parsing)
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
