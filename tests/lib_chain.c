/* SPDX-License-Identifier: BSD-2-Clause
 *
 * An audit file in memory: made, tampered with, and verified.
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


const char  chain_id[] = "0123456789abcdef0123456789abcdef";
const char  chain_other_id[] = "fedcba9876543210fedcba9876543210";
const char  chain_secret[] = "0123456789012345678901234567890123456789";


jr_mac_t *
chain_mac(const char *key)
{
    jr_mac_t  *mac;

    assert_int_equal(jr_mac_create((jr_str_t) { strlen(key), key }, &mac),
                     JR_OK);

    return mac;
}


void
chain_add(chain_file_t *file, jr_chain_t *chain, const char *text)
{
    char  *line;

    line = file->line[file->n];
    strcpy(line, text);
    file->len[file->n] = strlen(text);

    assert_int_equal(jr_chain_seal(chain, line, &file->len[file->n]), JR_OK);

    file->n++;
}


void
chain_add_attempt(chain_file_t *file, jr_chain_t *chain, unsigned n,
    const char *moment)
{
    char  text[512];

    snprintf(text, sizeof(text), JR_CHAIN_RECORD
             "com.oraclecloud.aidataplatform.CreateJobRun.%s\","
             "\"eventTime\":\"2026-06-10T12:00:00.%03uZ\",\"data\":{"
             "\"eventGroupingId\":\"%032x\","
             "\"request\":{\"id\":\"req-%u\"}}}", moment, n, n, n);
    chain_add(file, chain, text);
}


void
chain_add_close(chain_file_t *file, jr_chain_t *chain, int wrong)
{
    char  text[512];

    snprintf(text, sizeof(text), JR_CHAIN_RECORD
             "jobruns-gateway.AuditChain.close\",\"data\":{"
             "\"records\":%u,\"lastHash\":\"%.64s\"}}",
             (unsigned) chain->seq + (wrong ? 1 : 0), chain->last);
    chain_add(file, chain, text);
}


/* a chain of its opening, two attempts of two records, and its end */

void
chain_make(chain_file_t *file, const char *id, const jr_mac_t *mac)
{
    jr_chain_t  chain;

    jr_chain_init(&chain, id, mac);

    chain_add(file, &chain, JR_CHAIN_RECORD
              "jobruns-gateway.AuditChain.open\"}");
    chain_add_attempt(file, &chain, 1, "begin");
    chain_add_attempt(file, &chain, 2, "begin");
    chain_add_attempt(file, &chain, 2, "end");
    chain_add_attempt(file, &chain, 1, "end");
    chain_add_close(file, &chain, 0);
}


chain_file_t *
chain_made(void)
{
    chain_file_t  *file;

    file = calloc(1, sizeof(chain_file_t));
    assert_non_null(file);
    chain_make(file, chain_id, NULL);

    return file;
}


void
chain_report(void *data, const jr_verify_finding_t *finding)
{
    chain_file_t  *file = data;

    if (file->found[finding->kind]++ == 0) {
        file->first[finding->kind] = *finding;
    }
}


void
chain_verify(chain_file_t *file, const jr_mac_t *mac, int partial,
    size_t second)
{
    size_t        i;
    jr_verify_t  *v;

    memset(file->found, 0, sizeof(file->found));

    assert_int_equal(jr_verify_create(partial, chain_report, file, &v), JR_OK);

    if (mac != NULL) {
        assert_int_equal(jr_verify_key(v, mac), JR_OK);
    }

    jr_verify_file(v, 0);

    for (i = 0; i < file->n; i++) {

        if (i == second) {
            jr_verify_file(v, 1);
        }

        assert_int_equal(jr_verify_line(v, file->line[i], file->len[i]),
                         JR_OK);
    }

    assert_int_equal(jr_verify_end(v), JR_OK);
    jr_verify_free(v);
}


/* verifies, and wants exactly one finding of that kind and no other */

const jr_verify_finding_t *
chain_finds(chain_file_t *file, jr_verify_kind_e kind)
{
    int  k;

    chain_verify(file, NULL, 0, CHAIN_LINES);

    for (k = 0; k < JR_VERIFY_KINDS; k++) {
        if (file->found[k] != (k == (int) kind)) {
            fail_msg("%u findings of kind %d", file->found[k], k);
        }
    }

    return &file->first[kind];
}


void
chain_drop(chain_file_t *file, size_t i)
{
    file->n--;
    memmove(file->line[i], file->line[i + 1], (file->n - i) * CHAIN_SIZE);
    memmove(&file->len[i], &file->len[i + 1],
            (file->n - i) * sizeof(file->len[0]));
}


void
chain_insert(chain_file_t *file, size_t i, const char *text, size_t len)
{
    memmove(file->line[i + 1], file->line[i], (file->n - i) * CHAIN_SIZE);
    memmove(&file->len[i + 1], &file->len[i],
            (file->n - i) * sizeof(file->len[0]));
    memcpy(file->line[i], text, len);
    file->len[i] = len;
    file->n++;
}


void
chain_swap(chain_file_t *file, size_t i, size_t k)
{
    char    line[CHAIN_SIZE];
    size_t  len;

    memcpy(line, file->line[i], CHAIN_SIZE);
    memcpy(file->line[i], file->line[k], CHAIN_SIZE);
    memcpy(file->line[k], line, CHAIN_SIZE);

    len = file->len[i];
    file->len[i] = file->len[k];
    file->len[k] = len;
}


void
chain_nothing_found(chain_file_t *file)
{
    int  k;

    for (k = 0; k < JR_VERIFY_KINDS; k++) {
        assert_int_equal(file->found[k], 0);
    }
}
