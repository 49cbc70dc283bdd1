/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Every way to tamper with a chain of audit records.
 */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "lib_chain.h"


static void
every_changed_byte_is_found(void **state)
{
    int      k, faults;
    char     was;
    size_t   i, at;
    chain_file_t  *file;

    (void) state;

    file = chain_made();

    for (i = 0; i < file->n; i++) {
        for (at = 0; at < file->len[i]; at++) {
            was = file->line[i][at];
            file->line[i][at] = (char) (was ^ 1);

            chain_verify(file, NULL, 0, CHAIN_LINES);

            for (faults = 0, k = 0; k < JR_VERIFY_FAULTS; k++) {
                faults += (int) file->found[k];
            }

            /* what looks torn leaves a hole, which is a fault, but for the
               last record */

            if (faults == 0
                && (i != file->n - 1 || !file->found[JR_VERIFY_TORN]
                    || !file->found[JR_VERIFY_UNCLOSED]))
            {
                fail_msg("record %zu, byte %zu", i, at);
            }

            file->line[i][at] = was;
        }
    }

    free(file);
}


static void
a_changed_record_is_named(void **state)
{
    chain_file_t                     *file;
    const jr_verify_finding_t  *found;

    (void) state;

    file = chain_made();
    memcpy(strstr(file->line[2], "req-2"), "req-3", 5);

    found = chain_finds(file, JR_VERIFY_CHANGED);
    assert_int_equal(found->place.line, 3);
    assert_int_equal(found->seq, 2);

    free(file);
}


/* one who can compute SHA-256 makes the record's own hash right again: the
   next one does not follow it */

static void
a_record_sealed_anew_breaks_the_link(void **state)
{
    chain_file_t                     *file, *forged;
    jr_chain_t                  chain;
    const jr_verify_finding_t  *found;

    (void) state;

    file = chain_made();
    forged = calloc(1, sizeof(chain_file_t));

    jr_chain_init(&chain, chain_id, NULL);
    chain_add(forged, &chain, JR_CHAIN_RECORD
              "jobruns-gateway.AuditChain.open\"}");
    chain_add_attempt(forged, &chain, 1, "begin");
    chain_add(forged, &chain, JR_CHAIN_RECORD
        "com.oraclecloud.aidataplatform.CreateJobRun.begin\",\"data\":{"
        "\"eventGroupingId\":\"00000000000000000000000000000002\","
        "\"request\":{\"id\":\"forged\"}}}");

    memcpy(file->line[2], forged->line[2], CHAIN_SIZE);
    file->len[2] = forged->len[2];

    found = chain_finds(file, JR_VERIFY_LINK);
    assert_int_equal(found->place.line, 4);
    assert_int_equal(found->seq, 3);

    free(file);
    free(forged);
}


static void
a_missing_record_is_named(void **state)
{
    chain_file_t                     *file;
    const jr_verify_finding_t  *found;

    (void) state;

    file = chain_made();
    chain_drop(file, 2);
    chain_drop(file, 2);

    found = chain_finds(file, JR_VERIFY_MISSING);
    assert_int_equal(found->from, 2);
    assert_int_equal(found->to, 3);
    assert_int_equal(found->place.line, 3);

    free(file);
}


static void
a_missing_head_is_named_unless_it_is_known(void **state)
{
    chain_file_t                     *file;
    const jr_verify_finding_t  *found;

    (void) state;

    file = chain_made();
    chain_drop(file, 0);

    found = chain_finds(file, JR_VERIFY_HEAD);
    assert_int_equal(found->to, 0);
    assert_int_equal(found->seq, 1);

    chain_verify(file, NULL, 1, CHAIN_LINES);
    chain_nothing_found(file);

    /* the attempt may have begun in the file that is not there */

    chain_drop(file, 0);
    chain_verify(file, NULL, 0, CHAIN_LINES);
    assert_int_equal(file->found[JR_VERIFY_UNBEGUN], 1);
    chain_verify(file, NULL, 1, CHAIN_LINES);
    chain_nothing_found(file);

    free(file);
}


static void
moved_records_are_found(void **state)
{
    chain_file_t  *file;

    (void) state;

    file = chain_made();
    chain_swap(file, 2, 3);

    chain_verify(file, NULL, 0, CHAIN_LINES);
    assert_int_equal(file->found[JR_VERIFY_MISSING], 1);
    assert_int_equal(file->first[JR_VERIFY_MISSING].place.line, 3);
    assert_int_equal(file->found[JR_VERIFY_ORDER], 1);
    assert_int_equal(file->first[JR_VERIFY_ORDER].place.line, 4);
    assert_int_equal(file->first[JR_VERIFY_ORDER].seq, 2);

    free(file);
}


static void
a_doubled_record_is_found(void **state)
{
    char                        line[CHAIN_SIZE];
    chain_file_t                     *file;
    const jr_verify_finding_t  *found;

    (void) state;

    file = chain_made();
    memcpy(line, file->line[1], CHAIN_SIZE);
    chain_insert(file, 2, line, file->len[1]);

    found = chain_finds(file, JR_VERIFY_ORDER);
    assert_int_equal(found->place.line, 3);
    assert_int_equal(found->seq, 1);

    /* an end too: the attempt has ended, and begins no other */

    chain_drop(file, 2);
    memcpy(line, file->line[3], CHAIN_SIZE);
    chain_insert(file, 4, line, file->len[3]);

    found = chain_finds(file, JR_VERIFY_ORDER);
    assert_int_equal(found->place.line, 5);

    free(file);
}


static void
the_same_file_twice_is_found(void **state)
{
    size_t   i, n;
    chain_file_t  *file;

    (void) state;

    file = chain_made();
    n = file->n;

    for (i = 0; i < n; i++) {
        chain_insert(file, n + i, file->line[i], file->len[i]);
    }

    chain_verify(file, NULL, 0, n);
    assert_int_equal(file->found[JR_VERIFY_ORDER], 1);

    free(file);
}


static void
nothing_follows_the_end(void **state)
{
    chain_file_t      *file;
    jr_chain_t   chain;

    (void) state;

    file = chain_made();

    jr_chain_init(&chain, chain_id, NULL);
    chain.seq = 6;
    memcpy(chain.last, file->line[5] + file->len[5] - 3 - JR_DIGEST_HEX,
           JR_DIGEST_HEX);
    chain_add(file, &chain, JR_CHAIN_RECORD "late\"}");

    (void) chain_finds(file, JR_VERIFY_CLOSED);

    chain_verify(file, NULL, 0, 6);
    assert_int_equal(file->found[JR_VERIFY_CLOSED], 1);

    free(file);
}


static void
the_end_tells_the_count(void **state)
{
    chain_file_t      *file;
    jr_chain_t   chain;

    (void) state;

    file = calloc(1, sizeof(chain_file_t));
    jr_chain_init(&chain, chain_id, NULL);
    chain_add(file, &chain, JR_CHAIN_RECORD
              "jobruns-gateway.AuditChain.open\"}");
    chain_add_close(file, &chain, 1);

    (void) chain_finds(file, JR_VERIFY_COUNT);

    free(file);
}


static void
a_line_of_no_chain_is_foreign(void **state)
{
    size_t   i;
    chain_file_t  *file;

    static const char *const  lines[] = {
        "{}", "x", "{\"eventType\":\"com.oraclecloud\"}", "\xff", "{\"even-",
        "{\"eventType\":\"a\",\"chain\":{\"id\":\"0\",\"seq\":0}}",
        "{\"eventType\":\"a\",\"data\":{}}"
    };

    (void) state;

    for (i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
        file = chain_made();
        chain_insert(file, 2, lines[i], strlen(lines[i]));

        if (chain_finds(file, JR_VERIFY_FOREIGN)->place.line != 3) {
            fail_msg("%s", lines[i]);
        }

        free(file);
    }
}


int
main(void)
{
    const struct CMUnitTest  tests[] = {
        cmocka_unit_test(every_changed_byte_is_found),
        cmocka_unit_test(a_changed_record_is_named),
        cmocka_unit_test(a_record_sealed_anew_breaks_the_link),
        cmocka_unit_test(a_missing_record_is_named),
        cmocka_unit_test(a_missing_head_is_named_unless_it_is_known),
        cmocka_unit_test(moved_records_are_found),
        cmocka_unit_test(a_doubled_record_is_found),
        cmocka_unit_test(the_same_file_twice_is_found),
        cmocka_unit_test(nothing_follows_the_end),
        cmocka_unit_test(the_end_tells_the_count),
        cmocka_unit_test(a_line_of_no_chain_is_foreign)
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
