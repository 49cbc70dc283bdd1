/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The corpus of request bodies, from bytes to the places of violations.
 */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "lib_rules.h"


static void
corpus_bodies(void **state)
{
    corpus_t      corpus;
    jr_schema_t  *schema;

    (void) state;

    schema = load_schema("CreateJobRunDetails.json");

    if (corpus_run(&corpus, "create_job_run_bodies.jsonl", rule_body,
                   schema))
    {
        corpus_end(&corpus);
    }

    jr_schema_free(schema);
}


int
main(void)
{
    const struct CMUnitTest  tests[] = {
        cmocka_unit_test(corpus_bodies)
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
