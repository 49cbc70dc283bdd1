/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The JSON Schema test suite, draft 2020-12, for the keywords we have.
 */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "lib_rules.h"


static void
corpus_json_schema(void **state)
{
    corpus_t  corpus;

    (void) state;

    if (corpus_run(&corpus, "json_schema_2020_12.jsonl", rule_schema, NULL)) {
        corpus_end(&corpus);
    }
}


int
main(void)
{
    const struct CMUnitTest  tests[] = {
        cmocka_unit_test(corpus_json_schema)
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
