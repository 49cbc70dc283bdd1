/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Chains of audit records: what is sealed, and what passes.
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


/* the hash of a record by the rule in jr_chain.h, made by other means: SHA-256
   of the line up to ,"hash" as coreutils' sha256sum gives it */

static void
a_sealed_line_is_what_the_rule_says(void **state)
{
    char             line[CHAIN_SIZE];
    size_t           len;
    jr_chain_t       chain;
    jr_chain_link_t  link;

    static const char  want[] =
        "{\"eventType\":\"a\",\"chain\":{\"id\":"
        "\"0123456789abcdef0123456789abcdef\",\"seq\":0,\"prev\":"
        "\"00000000000000000000000000000000"
        "00000000000000000000000000000000\",\"hash\":"
        "\"625466fe9ca3fd4ce4fa0bd56d956b39"
        "704270b2e5848dd79f367e9f5b713104\"}}";

    (void) state;

    strcpy(line, "{\"eventType\":\"a\"}");
    len = strlen(line);

    jr_chain_init(&chain, chain_id, NULL);
    assert_int_equal(jr_chain_seal(&chain, line, &len), JR_OK);
    assert_int_equal(len, strlen(want));
    assert_memory_equal(line, want, len);

    assert_int_equal(jr_chain_read(line, len, &link), JR_OK);
    assert_int_equal(link.seq, 0);
    assert_int_equal(link.lost, 0);
    assert_false(link.keyed);
    assert_memory_equal(link.id.data, chain_id, 32);
}


/* RFC 4231, test case 3's data with a key of this module's length: the
   value is openssl's (openssl dgst -sha256 -hmac) */

static void
a_keyed_line_has_the_hmac(void **state)
{
    char         hex[JR_DIGEST_HEX];
    jr_mac_t    *mac;
    jr_digest_t  md;

    static const char  want[] =
        "01bf0fcd54ed50ed8fd6cf81a5406c99"
        "3468ab7bed03386351784bb4fd51d280";

    (void) state;

    mac = chain_mac(chain_secret);

    assert_int_equal(jr_mac_compute(mac, "what do ya want for nothing?", 28,
                                    &md), JR_OK);
    jr_digest_hex(&md, hex);
    assert_memory_equal(hex, want, JR_DIGEST_HEX);

    /* the same again: the context is used as often as needed */

    assert_int_equal(jr_mac_compute(mac, "what do ya want for nothing?", 28,
                                    &md), JR_OK);
    jr_digest_hex(&md, hex);
    assert_memory_equal(hex, want, JR_DIGEST_HEX);

    jr_mac_free(mac);
}


static void
lost_records_are_counted_in_the_next(void **state)
{
    chain_file_t                     *file;
    jr_chain_t                  chain;
    const jr_verify_finding_t  *found;

    (void) state;

    file = calloc(1, sizeof(chain_file_t));
    jr_chain_init(&chain, chain_id, NULL);

    chain_add(file, &chain, JR_CHAIN_RECORD
              "jobruns-gateway.AuditChain.open\"}");
    jr_chain_lost(&chain);
    jr_chain_lost(&chain);
    chain_add(file, &chain, JR_CHAIN_RECORD "x\"}");
    chain_add(file, &chain, JR_CHAIN_RECORD "y\"}");
    chain_add_close(file, &chain, 0);

    found = chain_finds(file, JR_VERIFY_LOST);
    assert_int_equal(found->lost, 2);
    assert_int_equal(found->seq, 1);
    assert_int_equal(found->place.line, 2);

    free(file);
}


static void
lines_are_taken_back_the_last_first(void **state)
{
    char        lines[3][1024];
    size_t      len[3], i;
    chain_file_t     *file;
    jr_chain_t  chain, before;

    (void) state;

    file = calloc(1, sizeof(chain_file_t));
    jr_chain_init(&chain, chain_id, NULL);

    chain_add(file, &chain, JR_CHAIN_RECORD
              "jobruns-gateway.AuditChain.open\"}");
    jr_chain_lost(&chain);
    before = chain;

    for (i = 0; i < 3; i++) {
        strcpy(lines[i], JR_CHAIN_RECORD "x\"}");
        len[i] = strlen(lines[i]);
        assert_int_equal(jr_chain_seal(&chain, lines[i], &len[i]), JR_OK);
        jr_chain_lost(&chain);
    }

    for (i = 3; i > 0; i--) {
        jr_chain_back(&chain, lines[i - 1], len[i - 1]);
    }

    /* one lost before the first of them, and one behind each */

    before.lost = 4;
    assert_memory_equal(&chain, &before, sizeof(jr_chain_t));

    chain_add(file, &chain, JR_CHAIN_RECORD "y\"}");
    chain_add_close(file, &chain, 0);
    assert_int_equal(chain_finds(file, JR_VERIFY_LOST)->lost, 4);

    free(file);
}


static void
the_longest_tail_fits(void **state)
{
    char        line[8 + JR_CHAIN_TAIL];
    size_t      len;
    jr_mac_t   *mac;
    jr_chain_t  chain;

    (void) state;

    mac = chain_mac(chain_secret);
    jr_chain_init(&chain, chain_id, mac);
    chain.seq = UINT64_MAX;
    chain.lost = UINT64_MAX;

    strcpy(line, "{\"a\":1}");
    len = 7;
    assert_int_equal(jr_chain_seal(&chain, line, &len), JR_OK);
    assert_true(len <= 7 + JR_CHAIN_TAIL);

    jr_mac_free(mac);
}


static void
a_whole_chain_passes(void **state)
{
    size_t   second;
    chain_file_t  *file;

    (void) state;

    file = chain_made();

    for (second = 0; second <= CHAIN_LINES; second++) {
        /* cut into two files anywhere */
        chain_verify(file, NULL, 0, second);
        chain_nothing_found(file);
    }

    chain_make(file, chain_other_id, NULL);
    chain_verify(file, NULL, 0, 3);
    chain_nothing_found(file);

    free(file);
}


static void
files_may_come_in_any_order(void **state)
{
    size_t        i;
    chain_file_t       *file;
    jr_verify_t  *v;

    (void) state;

    file = chain_made();

    assert_int_equal(jr_verify_create(0, chain_report, file, &v), JR_OK);

    jr_verify_file(v, 0);
    for (i = 3; i < 6; i++) {
        assert_int_equal(jr_verify_line(v, file->line[i], file->len[i]),
                         JR_OK);
    }

    jr_verify_file(v, 1);
    for (i = 0; i < 3; i++) {
        assert_int_equal(jr_verify_line(v, file->line[i], file->len[i]),
                         JR_OK);
    }

    assert_int_equal(jr_verify_end(v), JR_OK);
    chain_nothing_found(file);
    assert_int_equal(jr_verify_count(v)->records, 6);
    assert_int_equal(jr_verify_count(v)->begun, 2);
    assert_int_equal(jr_verify_count(v)->ended, 2);
    assert_int_equal(jr_verify_count(v)->chains, 1);

    jr_verify_free(v);
    free(file);
}


static void
folded_refusals_are_counted(void **state)
{
    chain_file_t       *file;
    jr_chain_t    chain;
    jr_verify_t  *v;

    (void) state;

    file = calloc(1, sizeof(chain_file_t));
    assert_non_null(file);
    jr_chain_init(&chain, chain_id, NULL);
    chain_add(file, &chain, JR_CHAIN_OPEN "}");
    chain_add(file, &chain, JR_CHAIN_REFUSALS ",\"data\":{\"refusals\":41}}");
    chain_add(file, &chain, JR_CHAIN_REFUSALS ",\"data\":{\"refusals\":1}}");
    chain_add(file, &chain, JR_CHAIN_REFUSALS ",\"data\":{}}");
    chain_add(file, &chain, JR_CHAIN_REFUSALS
        ",\"data\":{\"refusals\":99999999999999999999}}");
    chain_add(file, &chain, JR_CHAIN_RECORD "x\",\"data\":{\"refusals\":7}}");

    assert_int_equal(jr_verify_create(0, chain_report, file, &v), JR_OK);
    jr_verify_file(v, 0);

    while (chain.seq) {
        chain.seq--;
        assert_int_equal(jr_verify_line(v, file->line[file->n - chain.seq - 1],
                                        file->len[file->n - chain.seq - 1]),
                         JR_OK);
    }

    assert_int_equal(jr_verify_count(v)->folded, 42);

    jr_verify_free(v);
    free(file);
}


static void
an_attempt_without_its_end_is_named(void **state)
{
    chain_file_t                     *file;
    jr_chain_t                  chain;
    const jr_verify_finding_t  *found;

    (void) state;

    file = calloc(1, sizeof(chain_file_t));
    jr_chain_init(&chain, chain_id, NULL);
    chain_add(file, &chain, JR_CHAIN_RECORD
              "jobruns-gateway.AuditChain.open\"}");
    chain_add_attempt(file, &chain, 1, "begin");
    chain_add_attempt(file, &chain, 2, "begin");
    chain_add_attempt(file, &chain, 1, "end");
    chain_add_close(file, &chain, 0);

    found = chain_finds(file, JR_VERIFY_UNENDED);
    assert_int_equal(found->place.line, 3);

    free(file);
}


static void
an_end_without_its_begin_is_a_fault(void **state)
{
    chain_file_t      *file;
    jr_chain_t   chain;

    (void) state;

    file = calloc(1, sizeof(chain_file_t));
    jr_chain_init(&chain, chain_id, NULL);
    chain_add(file, &chain, JR_CHAIN_RECORD
              "jobruns-gateway.AuditChain.open\"}");
    chain_add_attempt(file, &chain, 1, "end");
    chain_add_close(file, &chain, 0);

    (void) chain_finds(file, JR_VERIFY_UNBEGUN);

    free(file);
}


int
main(void)
{
    const struct CMUnitTest  tests[] = {
        cmocka_unit_test(a_sealed_line_is_what_the_rule_says),
        cmocka_unit_test(a_keyed_line_has_the_hmac),
        cmocka_unit_test(lost_records_are_counted_in_the_next),
        cmocka_unit_test(lines_are_taken_back_the_last_first),
        cmocka_unit_test(the_longest_tail_fits),
        cmocka_unit_test(a_whole_chain_passes),
        cmocka_unit_test(files_may_come_in_any_order),
        cmocka_unit_test(folded_refusals_are_counted),
        cmocka_unit_test(an_attempt_without_its_end_is_named),
        cmocka_unit_test(an_end_without_its_begin_is_a_fault)
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
