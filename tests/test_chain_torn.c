/* SPDX-License-Identifier: BSD-2-Clause
 *
 * What a crash leaves of a chain of audit records.
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
a_cut_tail_looks_like_a_crash(void **state)
{
    chain_file_t                     *file;
    const jr_verify_finding_t  *found;

    (void) state;

    file = chain_made();
    file->n--;

    found = chain_finds(file, JR_VERIFY_UNCLOSED);
    assert_int_equal(found->seq, 4);

    free(file);
}


/* wherever a record is torn, with or without a line end behind it, the next
   one is read: nothing is lost but the torn record, which the chain does not
   count (the gateway writes it anew) */

static void
what_stands_behind_a_torn_record_is_read(void **state)
{
    char         line[CHAIN_SIZE];
    size_t       at, len;
    chain_file_t      *file;

    (void) state;

    for (at = 1; at < 200; at++) {
        file = chain_made();
        chain_insert(file, 2, file->line[2], at);
        assert_int_equal(chain_finds(file, JR_VERIFY_TORN)->place.line, 3);
        free(file);

        file = chain_made();
        memcpy(line, file->line[2], at);
        memcpy(line + at, file->line[2], file->len[2]);
        len = at + file->len[2];
        chain_drop(file, 2);
        chain_insert(file, 2, line, len);
        assert_int_equal(chain_finds(file, JR_VERIFY_TORN)->place.line, 3);
        free(file);
    }
}


/* a record whose line end alone is missing is whole */

static void
two_records_on_a_line_are_two(void **state)
{
    chain_file_t  *file;

    (void) state;

    file = chain_made();
    memcpy(file->line[1] + file->len[1], file->line[2], file->len[2]);
    file->len[1] += file->len[2];
    chain_drop(file, 2);
    chain_insert(file, 3, "", 0);

    chain_verify(file, NULL, 0, CHAIN_LINES);
    chain_nothing_found(file);

    free(file);
}


/* what is whole JSON was not torn, whatever its strings and names are */

static void
a_whole_object_is_not_torn(void **state)
{
    size_t   i;
    chain_file_t  *file;

    static const char *const  texts[] = {
        "{\"eventType\":\"made up\"}",
        "{\"eventType\":\"made up\",\"data\":\"\\u0000\"}",
        "{\"eventType\":\"made up\",\"\":1,\"\":2}"
    };

    (void) state;

    for (i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        file = chain_made();
        chain_insert(file, 2, texts[i], strlen(texts[i]));
        assert_int_equal(chain_finds(file, JR_VERIFY_FOREIGN)->place.line, 3);
        free(file);
    }
}


static void
zeros_of_a_crash_are_torn(void **state)
{
    char     line[CHAIN_SIZE];
    chain_file_t  *file;

    (void) state;

    memset(line, 0, sizeof(line));

    file = chain_made();
    chain_insert(file, 6, line, 512);
    (void) chain_finds(file, JR_VERIFY_TORN);

    /* and a record behind them is read */

    chain_drop(file, 6);
    memcpy(line + 512, file->line[3], file->len[3]);
    file->len[3] += 512;
    memcpy(file->line[3], line, file->len[3]);
    (void) chain_finds(file, JR_VERIFY_TORN);

    free(file);
}


int
main(void)
{
    const struct CMUnitTest  tests[] = {
        cmocka_unit_test(a_cut_tail_looks_like_a_crash),
        cmocka_unit_test(what_stands_behind_a_torn_record_is_read),
        cmocka_unit_test(two_records_on_a_line_are_two),
        cmocka_unit_test(a_whole_object_is_not_torn),
        cmocka_unit_test(zeros_of_a_crash_are_torn)
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
