/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Keys of chains: what only they prove.
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
without_the_key_nothing_is_forged(void **state)
{
    chain_file_t      *file;
    jr_mac_t    *mac, *wrong;
    jr_chain_t   chain;

    (void) state;

    mac = chain_mac(chain_secret);
    wrong = chain_mac("another key that is long enough to be one");

    file = calloc(1, sizeof(chain_file_t));
    chain_make(file, chain_id, mac);

    chain_verify(file, mac, 0, 3);
    chain_nothing_found(file);

    /* with another key, or none */

    chain_verify(file, wrong, 0, CHAIN_LINES);
    assert_int_equal(file->found[JR_VERIFY_CHANGED], 6);

    (void) chain_finds(file, JR_VERIFY_KEY);

    /* the whole chain made anew without the key */

    file->n = 0;
    chain_make(file, chain_id, NULL);
    chain_verify(file, mac, 0, CHAIN_LINES);
    assert_int_equal(file->found[JR_VERIFY_UNKEYED], 1);

    /* the tail cut and an end of one's own made: prev is known, the HMAC is
       not */

    file->n = 0;
    chain_make(file, chain_id, mac);
    jr_chain_init(&chain, chain_id, wrong);
    chain.seq = 3;
    memcpy(chain.last, file->line[2] + file->len[2] - 3 - JR_DIGEST_HEX,
           JR_DIGEST_HEX);
    file->n = 3;
    chain_add_close(file, &chain, 0);
    chain_verify(file, mac, 0, CHAIN_LINES);
    assert_int_equal(file->found[JR_VERIFY_CHANGED], 1);
    assert_int_equal(file->first[JR_VERIFY_CHANGED].place.line, 4);

    /* the same hashed without a key */

    file->n = 3;
    jr_chain_init(&chain, chain_id, NULL);
    chain.seq = 3;
    memcpy(chain.last, file->line[2] + file->len[2] - 3 - JR_DIGEST_HEX,
           JR_DIGEST_HEX);
    chain_add_close(file, &chain, 0);
    chain_verify(file, mac, 0, CHAIN_LINES);
    assert_int_equal(file->found[JR_VERIFY_UNKEYED], 1);
    assert_int_equal(file->first[JR_VERIFY_UNKEYED].place.line, 4);

    free(file);
    jr_mac_free(mac);
    jr_mac_free(wrong);
}


/* the opening of a chain as gateways write it */

static void
add_open(chain_file_t *file, jr_chain_t *chain, const char *configured,
    const char *before)
{
    char  text[512], id[JR_MAC_ID + 1];

    memset(id, '\0', sizeof(id));

    if (chain->mac) {
        assert_int_equal(jr_mac_id(chain->mac, id), JR_OK);
    }

    snprintf(text, sizeof(text), JR_CHAIN_OPEN ",\"eventTime\":"
             "\"2026-06-10T23:00:00.000Z\",\"data\":{\"configured\":"
             "\"%s\"%s%s%s%s%s%s}}", configured,
             id[0] ? ",\"keyId\":\"" : "", id, id[0] ? "\"" : "",
             before ? ",\"keyBefore\":\"" : "", before ? before : "",
             before ? "\"" : "");
    chain_add(file, chain, text);
}


static void
make_opened(chain_file_t *file, const char *id, const jr_mac_t *mac,
    const char *configured, const char *before)
{
    jr_chain_t  chain;

    jr_chain_init(&chain, id, mac);

    add_open(file, &chain, configured, before);
    chain_add_attempt(file, &chain, mac ? 1 : 2, "begin");
    chain_add_attempt(file, &chain, mac ? 1 : 2, "end");
    chain_add_close(file, &chain, 0);
}


/* verifies the lines from a number on, then those before it, with keys */

static void
verify_keys(chain_file_t *file, size_t from, const jr_mac_t *one,
    const jr_mac_t *two, int unkeyed)
{
    size_t        i;
    jr_verify_t  *v;

    memset(file->found, 0, sizeof(file->found));

    assert_int_equal(jr_verify_create(0, chain_report, file, &v), JR_OK);

    if (one) {
        assert_int_equal(jr_verify_key(v, one), JR_OK);
    }

    if (two) {
        assert_int_equal(jr_verify_key(v, two), JR_OK);
    }

    if (unkeyed) {
        jr_verify_unkeyed(v);
    }

    for (i = 0; i < file->n; i++) {
        if (i == 0 || i == file->n - from) {
            jr_verify_file(v, i ? 1 : 0);
        }

        assert_int_equal(jr_verify_line(v, file->line[(i + from) % file->n],
                                        file->len[(i + from) % file->n]),
                         JR_OK);
    }

    assert_int_equal(jr_verify_end(v), JR_OK);
    jr_verify_free(v);
}


static void
each_chain_has_its_key(void **state)
{
    size_t     from;
    chain_file_t    *file;
    jr_mac_t  *old, *new;

    (void) state;

    old = chain_mac(chain_secret);
    new = chain_mac("the key that comes in the place of the first one");

    file = calloc(1, sizeof(chain_file_t));
    assert_non_null(file);
    make_opened(file, chain_id, old, "2026-06-10T12:00:00.000Z", NULL);
    make_opened(file, chain_other_id, new, "2026-06-10T13:00:00.000Z", NULL);

    for (from = 0; from < file->n; from++) {
        verify_keys(file, from, old, new, 0);
        chain_nothing_found(file);

        verify_keys(file, from, new, old, 0);
        chain_nothing_found(file);
    }

    /* a chain says which key it lacks */

    verify_keys(file, 0, NULL, NULL, 0);
    assert_int_equal(file->found[JR_VERIFY_KEY], 2);

    verify_keys(file, 0, new, NULL, 0);
    assert_int_equal(file->found[JR_VERIFY_OTHER_KEY], 1);
    assert_int_equal(file->first[JR_VERIFY_OTHER_KEY].place.line, 1);
    assert_int_equal(file->found[JR_VERIFY_CHANGED], 0);

    /* and no record of another key gets into it */

    memcpy(strstr(file->line[1], "req-1"), "req-9", 5);
    verify_keys(file, 0, old, new, 0);
    assert_int_equal(file->found[JR_VERIFY_CHANGED], 1);

    free(file);
    jr_mac_free(old);
    jr_mac_free(new);
}


static void
a_key_may_be_introduced(void **state)
{
    size_t       i;
    chain_file_t      *file;
    jr_mac_t    *mac;

    static const struct {
        const char        *configured;    /* of the chain without a key */
        const char        *before;        /* what the other says */
        int                unkeyed;
        jr_verify_kind_e   kind;
    } cases[] = {
        { "2026-06-10T12:00:00.000Z", "none", 0, JR_VERIFY_BEFORE_KEY },
        { "2026-06-10T13:00:00.000Z", "none", 0, JR_VERIFY_UNKEYED },
        { "2026-06-10T14:00:00.000Z", "none", 0, JR_VERIFY_UNKEYED },
        { "2026-06-10T12:00:00.000Z", NULL, 0, JR_VERIFY_UNKEYED },
        { "2026-06-10T12:00:00.000Z", "0123456789abcdef", 0,
          JR_VERIFY_UNKEYED },
        { "2026-06-10T14:00:00.000Z", NULL, 1, JR_VERIFY_BEFORE_KEY },
        { "", "none", 0, JR_VERIFY_UNKEYED }      /* not a time */
    };

    (void) state;

    mac = chain_mac(chain_secret);
    file = calloc(1, sizeof(chain_file_t));
    assert_non_null(file);

    for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        file->n = 0;
        make_opened(file, chain_id, NULL, cases[i].configured, NULL);
        make_opened(file, chain_other_id, mac, "2026-06-10T13:00:00.000Z",
                    cases[i].before);

        verify_keys(file, 0, mac, NULL, cases[i].unkeyed);

        assert_int_equal(file->found[JR_VERIFY_UNKEYED],
                         cases[i].kind == JR_VERIFY_UNKEYED);
        assert_int_equal(file->found[JR_VERIFY_BEFORE_KEY],
                         cases[i].kind == JR_VERIFY_BEFORE_KEY);
        assert_int_equal(file->first[cases[i].kind].place.line, 1);
    }

    free(file);
    jr_mac_free(mac);
}


/* an opening without the seal of a key vouches for nobody */

static void
only_a_seal_vouches(void **state)
{
    chain_file_t    *file;
    jr_mac_t  *mac, *wrong;

    (void) state;

    mac = chain_mac(chain_secret);
    wrong = chain_mac("another key that is long enough to be one");

    file = calloc(1, sizeof(chain_file_t));
    assert_non_null(file);
    make_opened(file, chain_id, NULL, "2026-06-10T12:00:00.000Z", NULL);
    make_opened(file, chain_other_id, wrong, "2026-06-10T13:00:00.000Z",
                "none");

    verify_keys(file, 0, mac, NULL, 0);
    assert_int_equal(file->found[JR_VERIFY_UNKEYED], 1);
    assert_int_equal(file->found[JR_VERIFY_OTHER_KEY], 1);

    file->n = 0;
    make_opened(file, chain_id, NULL, "2026-06-10T12:00:00.000Z", NULL);
    make_opened(file, chain_other_id, NULL, "2026-06-10T13:00:00.000Z", "none");

    verify_keys(file, 0, mac, NULL, 0);
    assert_int_equal(file->found[JR_VERIFY_UNKEYED], 2);

    free(file);
    jr_mac_free(mac);
    jr_mac_free(wrong);
}


int
main(void)
{
    const struct CMUnitTest  tests[] = {
        cmocka_unit_test(without_the_key_nothing_is_forged),
        cmocka_unit_test(each_chain_has_its_key),
        cmocka_unit_test(a_key_may_be_introduced),
        cmocka_unit_test(only_a_seal_vouches)
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
