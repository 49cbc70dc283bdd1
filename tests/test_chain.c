/*
 * Chains of audit records: what is sealed, and every way to tamper with it.
 */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "jr_chain.h"
#include "jr_mac.h"
#include "jr_verify.h"


#define LINES  16
#define SIZE   4096


static const char  chain_id[] = "0123456789abcdef0123456789abcdef";
static const char  other_id[] = "fedcba9876543210fedcba9876543210";
static const char  secret[] = "0123456789012345678901234567890123456789";


/* an audit file in memory, and what verifying it found */
typedef struct {
    size_t               n;
    char                 line[LINES][SIZE];
    size_t               len[LINES];
    unsigned             found[JR_VERIFY_KINDS];
    jr_verify_finding_t  first[JR_VERIFY_KINDS];
} file_t;


static jr_mac_t *
mac_of(const char *key)
{
    jr_mac_t  *mac;

    assert_int_equal(jr_mac_create((jr_str_t) { strlen(key), key }, &mac),
                     JR_OK);

    return mac;
}


static void
add(file_t *file, jr_chain_t *chain, const char *text)
{
    char  *line;

    line = file->line[file->n];
    strcpy(line, text);
    file->len[file->n] = strlen(text);

    assert_int_equal(jr_chain_seal(chain, line, &file->len[file->n]), JR_OK);

    file->n++;
}


static void
add_attempt(file_t *file, jr_chain_t *chain, unsigned n, const char *moment)
{
    char  text[512];

    snprintf(text, sizeof(text), JR_CHAIN_RECORD
             "com.oraclecloud.aidataplatform.CreateJobRun.%s\","
             "\"eventTime\":\"2026-06-10T12:00:00.%03uZ\",\"data\":{"
             "\"eventGroupingId\":\"%032x\","
             "\"request\":{\"id\":\"req-%u\"}}}", moment, n, n, n);
    add(file, chain, text);
}


static void
add_close(file_t *file, jr_chain_t *chain, int wrong)
{
    char  text[512];

    snprintf(text, sizeof(text), JR_CHAIN_RECORD
             "jobruns-gateway.AuditChain.close\",\"data\":{"
             "\"records\":%u,\"lastHash\":\"%.64s\"}}",
             (unsigned) chain->seq + (wrong ? 1 : 0), chain->last);
    add(file, chain, text);
}


/* a chain of its opening, two attempts of two records, and its end */

static void
make(file_t *file, const char *id, const jr_mac_t *mac)
{
    jr_chain_t  chain;

    jr_chain_init(&chain, id, mac);

    add(file, &chain, JR_CHAIN_RECORD "jobruns-gateway.AuditChain.open\"}");
    add_attempt(file, &chain, 1, "begin");
    add_attempt(file, &chain, 2, "begin");
    add_attempt(file, &chain, 2, "end");
    add_attempt(file, &chain, 1, "end");
    add_close(file, &chain, 0);
}


static file_t *
made(void)
{
    file_t  *file;

    file = calloc(1, sizeof(file_t));
    assert_non_null(file);
    make(file, chain_id, NULL);

    return file;
}


static void
report(void *data, const jr_verify_finding_t *finding)
{
    file_t  *file = data;

    if (file->found[finding->kind]++ == 0) {
        file->first[finding->kind] = *finding;
    }
}


static void
verify_with(file_t *file, const jr_mac_t *mac, int partial, size_t second)
{
    size_t        i;
    jr_verify_t  *v;

    memset(file->found, 0, sizeof(file->found));

    assert_int_equal(jr_verify_create(partial, report, file, &v), JR_OK);

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

static const jr_verify_finding_t *
finds(file_t *file, jr_verify_kind_e kind)
{
    int  k;

    verify_with(file, NULL, 0, LINES);

    for (k = 0; k < JR_VERIFY_KINDS; k++) {
        if (file->found[k] != (k == (int) kind)) {
            fail_msg("%u findings of kind %d", file->found[k], k);
        }
    }

    return &file->first[kind];
}


static void
drop(file_t *file, size_t i)
{
    file->n--;
    memmove(file->line[i], file->line[i + 1], (file->n - i) * SIZE);
    memmove(&file->len[i], &file->len[i + 1],
            (file->n - i) * sizeof(file->len[0]));
}


static void
insert(file_t *file, size_t i, const char *text, size_t len)
{
    memmove(file->line[i + 1], file->line[i], (file->n - i) * SIZE);
    memmove(&file->len[i + 1], &file->len[i],
            (file->n - i) * sizeof(file->len[0]));
    memcpy(file->line[i], text, len);
    file->len[i] = len;
    file->n++;
}


static void
swap(file_t *file, size_t i, size_t k)
{
    char    line[SIZE];
    size_t  len;

    memcpy(line, file->line[i], SIZE);
    memcpy(file->line[i], file->line[k], SIZE);
    memcpy(file->line[k], line, SIZE);

    len = file->len[i];
    file->len[i] = file->len[k];
    file->len[k] = len;
}


static void
nothing_found(file_t *file)
{
    int  k;

    for (k = 0; k < JR_VERIFY_KINDS; k++) {
        assert_int_equal(file->found[k], 0);
    }
}


/* the hash of a record by the rule in jr_chain.h, made by other means: SHA-256
   of the line up to ,"hash" as coreutils' sha256sum gives it */

static void
a_sealed_line_is_what_the_rule_says(void **state)
{
    char             line[SIZE];
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

    mac = mac_of(secret);

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
    file_t                     *file;
    jr_chain_t                  chain;
    const jr_verify_finding_t  *found;

    (void) state;

    file = calloc(1, sizeof(file_t));
    jr_chain_init(&chain, chain_id, NULL);

    add(file, &chain, JR_CHAIN_RECORD "jobruns-gateway.AuditChain.open\"}");
    jr_chain_lost(&chain);
    jr_chain_lost(&chain);
    add(file, &chain, JR_CHAIN_RECORD "x\"}");
    add(file, &chain, JR_CHAIN_RECORD "y\"}");
    add_close(file, &chain, 0);

    found = finds(file, JR_VERIFY_LOST);
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
    file_t     *file;
    jr_chain_t  chain, before;

    (void) state;

    file = calloc(1, sizeof(file_t));
    jr_chain_init(&chain, chain_id, NULL);

    add(file, &chain, JR_CHAIN_RECORD "jobruns-gateway.AuditChain.open\"}");
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

    add(file, &chain, JR_CHAIN_RECORD "y\"}");
    add_close(file, &chain, 0);
    assert_int_equal(finds(file, JR_VERIFY_LOST)->lost, 4);

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

    mac = mac_of(secret);
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
    file_t  *file;

    (void) state;

    file = made();

    for (second = 0; second <= LINES; second++) {
        /* cut into two files anywhere */
        verify_with(file, NULL, 0, second);
        nothing_found(file);
    }

    make(file, other_id, NULL);
    verify_with(file, NULL, 0, 3);
    nothing_found(file);

    free(file);
}


static void
files_may_come_in_any_order(void **state)
{
    size_t        i;
    file_t       *file;
    jr_verify_t  *v;

    (void) state;

    file = made();

    assert_int_equal(jr_verify_create(0, report, file, &v), JR_OK);

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
    nothing_found(file);
    assert_int_equal(jr_verify_count(v)->records, 6);
    assert_int_equal(jr_verify_count(v)->begun, 2);
    assert_int_equal(jr_verify_count(v)->ended, 2);
    assert_int_equal(jr_verify_count(v)->chains, 1);

    jr_verify_free(v);
    free(file);
}


static void
every_changed_byte_is_found(void **state)
{
    int      k, faults;
    char     was;
    size_t   i, at;
    file_t  *file;

    (void) state;

    file = made();

    for (i = 0; i < file->n; i++) {
        for (at = 0; at < file->len[i]; at++) {
            was = file->line[i][at];
            file->line[i][at] = (char) (was ^ 1);

            verify_with(file, NULL, 0, LINES);

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
    file_t                     *file;
    const jr_verify_finding_t  *found;

    (void) state;

    file = made();
    memcpy(strstr(file->line[2], "req-2"), "req-3", 5);

    found = finds(file, JR_VERIFY_CHANGED);
    assert_int_equal(found->place.line, 3);
    assert_int_equal(found->seq, 2);

    free(file);
}


/* one who can compute SHA-256 makes the record's own hash right again: the
   next one does not follow it */

static void
a_record_sealed_anew_breaks_the_link(void **state)
{
    file_t                     *file, *forged;
    jr_chain_t                  chain;
    const jr_verify_finding_t  *found;

    (void) state;

    file = made();
    forged = calloc(1, sizeof(file_t));

    jr_chain_init(&chain, chain_id, NULL);
    add(forged, &chain, JR_CHAIN_RECORD "jobruns-gateway.AuditChain.open\"}");
    add_attempt(forged, &chain, 1, "begin");
    add(forged, &chain, JR_CHAIN_RECORD
        "com.oraclecloud.aidataplatform.CreateJobRun.begin\",\"data\":{"
        "\"eventGroupingId\":\"00000000000000000000000000000002\","
        "\"request\":{\"id\":\"forged\"}}}");

    memcpy(file->line[2], forged->line[2], SIZE);
    file->len[2] = forged->len[2];

    found = finds(file, JR_VERIFY_LINK);
    assert_int_equal(found->place.line, 4);
    assert_int_equal(found->seq, 3);

    free(file);
    free(forged);
}


static void
a_missing_record_is_named(void **state)
{
    file_t                     *file;
    const jr_verify_finding_t  *found;

    (void) state;

    file = made();
    drop(file, 2);
    drop(file, 2);

    found = finds(file, JR_VERIFY_MISSING);
    assert_int_equal(found->from, 2);
    assert_int_equal(found->to, 3);
    assert_int_equal(found->place.line, 3);

    free(file);
}


static void
a_missing_head_is_named_unless_it_is_known(void **state)
{
    file_t                     *file;
    const jr_verify_finding_t  *found;

    (void) state;

    file = made();
    drop(file, 0);

    found = finds(file, JR_VERIFY_HEAD);
    assert_int_equal(found->to, 0);
    assert_int_equal(found->seq, 1);

    verify_with(file, NULL, 1, LINES);
    nothing_found(file);

    /* the attempt may have begun in the file that is not there */

    drop(file, 0);
    verify_with(file, NULL, 0, LINES);
    assert_int_equal(file->found[JR_VERIFY_UNBEGUN], 1);
    verify_with(file, NULL, 1, LINES);
    nothing_found(file);

    free(file);
}


static void
moved_records_are_found(void **state)
{
    file_t  *file;

    (void) state;

    file = made();
    swap(file, 2, 3);

    verify_with(file, NULL, 0, LINES);
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
    char                        line[SIZE];
    file_t                     *file;
    const jr_verify_finding_t  *found;

    (void) state;

    file = made();
    memcpy(line, file->line[1], SIZE);
    insert(file, 2, line, file->len[1]);

    found = finds(file, JR_VERIFY_ORDER);
    assert_int_equal(found->place.line, 3);
    assert_int_equal(found->seq, 1);

    /* an end too: the attempt has ended, and begins no other */

    drop(file, 2);
    memcpy(line, file->line[3], SIZE);
    insert(file, 4, line, file->len[3]);

    found = finds(file, JR_VERIFY_ORDER);
    assert_int_equal(found->place.line, 5);

    free(file);
}


static void
the_same_file_twice_is_found(void **state)
{
    size_t   i, n;
    file_t  *file;

    (void) state;

    file = made();
    n = file->n;

    for (i = 0; i < n; i++) {
        insert(file, n + i, file->line[i], file->len[i]);
    }

    verify_with(file, NULL, 0, n);
    assert_int_equal(file->found[JR_VERIFY_ORDER], 1);

    free(file);
}


static void
a_cut_tail_looks_like_a_crash(void **state)
{
    file_t                     *file;
    const jr_verify_finding_t  *found;

    (void) state;

    file = made();
    file->n--;

    found = finds(file, JR_VERIFY_UNCLOSED);
    assert_int_equal(found->seq, 4);

    free(file);
}


static void
nothing_follows_the_end(void **state)
{
    file_t      *file;
    jr_chain_t   chain;

    (void) state;

    file = made();

    jr_chain_init(&chain, chain_id, NULL);
    chain.seq = 6;
    memcpy(chain.last, file->line[5] + file->len[5] - 3 - JR_DIGEST_HEX,
           JR_DIGEST_HEX);
    add(file, &chain, JR_CHAIN_RECORD "late\"}");

    (void) finds(file, JR_VERIFY_CLOSED);

    verify_with(file, NULL, 0, 6);
    assert_int_equal(file->found[JR_VERIFY_CLOSED], 1);

    free(file);
}


static void
the_end_tells_the_count(void **state)
{
    file_t      *file;
    jr_chain_t   chain;

    (void) state;

    file = calloc(1, sizeof(file_t));
    jr_chain_init(&chain, chain_id, NULL);
    add(file, &chain, JR_CHAIN_RECORD "jobruns-gateway.AuditChain.open\"}");
    add_close(file, &chain, 1);

    (void) finds(file, JR_VERIFY_COUNT);

    free(file);
}


static void
without_the_key_nothing_is_forged(void **state)
{
    file_t      *file;
    jr_mac_t    *mac, *wrong;
    jr_chain_t   chain;

    (void) state;

    mac = mac_of(secret);
    wrong = mac_of("another key that is long enough to be one");

    file = calloc(1, sizeof(file_t));
    make(file, chain_id, mac);

    verify_with(file, mac, 0, 3);
    nothing_found(file);

    /* with another key, or none */

    verify_with(file, wrong, 0, LINES);
    assert_int_equal(file->found[JR_VERIFY_CHANGED], 6);

    (void) finds(file, JR_VERIFY_KEY);

    /* the whole chain made anew without the key */

    file->n = 0;
    make(file, chain_id, NULL);
    verify_with(file, mac, 0, LINES);
    assert_int_equal(file->found[JR_VERIFY_UNKEYED], 1);

    /* the tail cut and an end of one's own made: prev is known, the HMAC is
       not */

    file->n = 0;
    make(file, chain_id, mac);
    jr_chain_init(&chain, chain_id, wrong);
    chain.seq = 3;
    memcpy(chain.last, file->line[2] + file->len[2] - 3 - JR_DIGEST_HEX,
           JR_DIGEST_HEX);
    file->n = 3;
    add_close(file, &chain, 0);
    verify_with(file, mac, 0, LINES);
    assert_int_equal(file->found[JR_VERIFY_CHANGED], 1);
    assert_int_equal(file->first[JR_VERIFY_CHANGED].place.line, 4);

    /* the same hashed without a key */

    file->n = 3;
    jr_chain_init(&chain, chain_id, NULL);
    chain.seq = 3;
    memcpy(chain.last, file->line[2] + file->len[2] - 3 - JR_DIGEST_HEX,
           JR_DIGEST_HEX);
    add_close(file, &chain, 0);
    verify_with(file, mac, 0, LINES);
    assert_int_equal(file->found[JR_VERIFY_UNKEYED], 1);
    assert_int_equal(file->first[JR_VERIFY_UNKEYED].place.line, 4);

    free(file);
    jr_mac_free(mac);
    jr_mac_free(wrong);
}


/* the opening of a chain as gateways write it */

static void
add_open(file_t *file, jr_chain_t *chain, const char *configured,
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
    add(file, chain, text);
}


static void
make_opened(file_t *file, const char *id, const jr_mac_t *mac,
    const char *configured, const char *before)
{
    jr_chain_t  chain;

    jr_chain_init(&chain, id, mac);

    add_open(file, &chain, configured, before);
    add_attempt(file, &chain, mac ? 1 : 2, "begin");
    add_attempt(file, &chain, mac ? 1 : 2, "end");
    add_close(file, &chain, 0);
}


/* verifies the lines from a number on, then those before it, with keys */

static void
verify_keys(file_t *file, size_t from, const jr_mac_t *one,
    const jr_mac_t *two, int unkeyed)
{
    size_t        i;
    jr_verify_t  *v;

    memset(file->found, 0, sizeof(file->found));

    assert_int_equal(jr_verify_create(0, report, file, &v), JR_OK);

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
    file_t    *file;
    jr_mac_t  *old, *new;

    (void) state;

    old = mac_of(secret);
    new = mac_of("the key that comes in the place of the first one");

    file = calloc(1, sizeof(file_t));
    assert_non_null(file);
    make_opened(file, chain_id, old, "2026-06-10T12:00:00.000Z", NULL);
    make_opened(file, other_id, new, "2026-06-10T13:00:00.000Z", NULL);

    for (from = 0; from < file->n; from++) {
        verify_keys(file, from, old, new, 0);
        nothing_found(file);

        verify_keys(file, from, new, old, 0);
        nothing_found(file);
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
    file_t      *file;
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

    mac = mac_of(secret);
    file = calloc(1, sizeof(file_t));
    assert_non_null(file);

    for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        file->n = 0;
        make_opened(file, chain_id, NULL, cases[i].configured, NULL);
        make_opened(file, other_id, mac, "2026-06-10T13:00:00.000Z",
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
    file_t    *file;
    jr_mac_t  *mac, *wrong;

    (void) state;

    mac = mac_of(secret);
    wrong = mac_of("another key that is long enough to be one");

    file = calloc(1, sizeof(file_t));
    assert_non_null(file);
    make_opened(file, chain_id, NULL, "2026-06-10T12:00:00.000Z", NULL);
    make_opened(file, other_id, wrong, "2026-06-10T13:00:00.000Z", "none");

    verify_keys(file, 0, mac, NULL, 0);
    assert_int_equal(file->found[JR_VERIFY_UNKEYED], 1);
    assert_int_equal(file->found[JR_VERIFY_OTHER_KEY], 1);

    file->n = 0;
    make_opened(file, chain_id, NULL, "2026-06-10T12:00:00.000Z", NULL);
    make_opened(file, other_id, NULL, "2026-06-10T13:00:00.000Z", "none");

    verify_keys(file, 0, mac, NULL, 0);
    assert_int_equal(file->found[JR_VERIFY_UNKEYED], 2);

    free(file);
    jr_mac_free(mac);
    jr_mac_free(wrong);
}


static void
folded_refusals_are_counted(void **state)
{
    file_t       *file;
    jr_chain_t    chain;
    jr_verify_t  *v;

    (void) state;

    file = calloc(1, sizeof(file_t));
    assert_non_null(file);
    jr_chain_init(&chain, chain_id, NULL);
    add(file, &chain, JR_CHAIN_OPEN "}");
    add(file, &chain, JR_CHAIN_REFUSALS ",\"data\":{\"refusals\":41}}");
    add(file, &chain, JR_CHAIN_REFUSALS ",\"data\":{\"refusals\":1}}");
    add(file, &chain, JR_CHAIN_REFUSALS ",\"data\":{}}");
    add(file, &chain, JR_CHAIN_REFUSALS
        ",\"data\":{\"refusals\":99999999999999999999}}");
    add(file, &chain, JR_CHAIN_RECORD "x\",\"data\":{\"refusals\":7}}");

    assert_int_equal(jr_verify_create(0, report, file, &v), JR_OK);
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
a_line_of_no_chain_is_foreign(void **state)
{
    size_t   i;
    file_t  *file;

    static const char *const  lines[] = {
        "{}", "x", "{\"eventType\":\"com.oraclecloud\"}", "\xff", "{\"even-",
        "{\"eventType\":\"a\",\"chain\":{\"id\":\"0\",\"seq\":0}}",
        "{\"eventType\":\"a\",\"data\":{}}"
    };

    (void) state;

    for (i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
        file = made();
        insert(file, 2, lines[i], strlen(lines[i]));

        if (finds(file, JR_VERIFY_FOREIGN)->place.line != 3) {
            fail_msg("%s", lines[i]);
        }

        free(file);
    }
}


/* wherever a record is torn, with or without a line end behind it, the next
   one is read: nothing is lost but the torn record, which the chain does not
   count (the gateway writes it anew) */

static void
what_stands_behind_a_torn_record_is_read(void **state)
{
    char         line[SIZE];
    size_t       at, len;
    file_t      *file;

    (void) state;

    for (at = 1; at < 200; at++) {
        file = made();
        insert(file, 2, file->line[2], at);
        assert_int_equal(finds(file, JR_VERIFY_TORN)->place.line, 3);
        free(file);

        file = made();
        memcpy(line, file->line[2], at);
        memcpy(line + at, file->line[2], file->len[2]);
        len = at + file->len[2];
        drop(file, 2);
        insert(file, 2, line, len);
        assert_int_equal(finds(file, JR_VERIFY_TORN)->place.line, 3);
        free(file);
    }
}


/* a record whose line end alone is missing is whole */

static void
two_records_on_a_line_are_two(void **state)
{
    file_t  *file;

    (void) state;

    file = made();
    memcpy(file->line[1] + file->len[1], file->line[2], file->len[2]);
    file->len[1] += file->len[2];
    drop(file, 2);
    insert(file, 3, "", 0);

    verify_with(file, NULL, 0, LINES);
    nothing_found(file);

    free(file);
}


/* what is whole JSON was not torn, whatever its strings and names are */

static void
a_whole_object_is_not_torn(void **state)
{
    size_t   i;
    file_t  *file;

    static const char *const  texts[] = {
        "{\"eventType\":\"made up\"}",
        "{\"eventType\":\"made up\",\"data\":\"\\u0000\"}",
        "{\"eventType\":\"made up\",\"\":1,\"\":2}"
    };

    (void) state;

    for (i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        file = made();
        insert(file, 2, texts[i], strlen(texts[i]));
        assert_int_equal(finds(file, JR_VERIFY_FOREIGN)->place.line, 3);
        free(file);
    }
}


static void
zeros_of_a_crash_are_torn(void **state)
{
    char     line[SIZE];
    file_t  *file;

    (void) state;

    memset(line, 0, sizeof(line));

    file = made();
    insert(file, 6, line, 512);
    (void) finds(file, JR_VERIFY_TORN);

    /* and a record behind them is read */

    drop(file, 6);
    memcpy(line + 512, file->line[3], file->len[3]);
    file->len[3] += 512;
    memcpy(file->line[3], line, file->len[3]);
    (void) finds(file, JR_VERIFY_TORN);

    free(file);
}


static void
an_attempt_without_its_end_is_named(void **state)
{
    file_t                     *file;
    jr_chain_t                  chain;
    const jr_verify_finding_t  *found;

    (void) state;

    file = calloc(1, sizeof(file_t));
    jr_chain_init(&chain, chain_id, NULL);
    add(file, &chain, JR_CHAIN_RECORD "jobruns-gateway.AuditChain.open\"}");
    add_attempt(file, &chain, 1, "begin");
    add_attempt(file, &chain, 2, "begin");
    add_attempt(file, &chain, 1, "end");
    add_close(file, &chain, 0);

    found = finds(file, JR_VERIFY_UNENDED);
    assert_int_equal(found->place.line, 3);

    free(file);
}


static void
an_end_without_its_begin_is_a_fault(void **state)
{
    file_t      *file;
    jr_chain_t   chain;

    (void) state;

    file = calloc(1, sizeof(file_t));
    jr_chain_init(&chain, chain_id, NULL);
    add(file, &chain, JR_CHAIN_RECORD "jobruns-gateway.AuditChain.open\"}");
    add_attempt(file, &chain, 1, "end");
    add_close(file, &chain, 0);

    (void) finds(file, JR_VERIFY_UNBEGUN);

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
        cmocka_unit_test(every_changed_byte_is_found),
        cmocka_unit_test(a_changed_record_is_named),
        cmocka_unit_test(a_record_sealed_anew_breaks_the_link),
        cmocka_unit_test(a_missing_record_is_named),
        cmocka_unit_test(a_missing_head_is_named_unless_it_is_known),
        cmocka_unit_test(moved_records_are_found),
        cmocka_unit_test(a_doubled_record_is_found),
        cmocka_unit_test(the_same_file_twice_is_found),
        cmocka_unit_test(a_cut_tail_looks_like_a_crash),
        cmocka_unit_test(nothing_follows_the_end),
        cmocka_unit_test(the_end_tells_the_count),
        cmocka_unit_test(without_the_key_nothing_is_forged),
        cmocka_unit_test(each_chain_has_its_key),
        cmocka_unit_test(a_key_may_be_introduced),
        cmocka_unit_test(only_a_seal_vouches),
        cmocka_unit_test(folded_refusals_are_counted),
        cmocka_unit_test(a_line_of_no_chain_is_foreign),
        cmocka_unit_test(what_stands_behind_a_torn_record_is_read),
        cmocka_unit_test(two_records_on_a_line_are_two),
        cmocka_unit_test(a_whole_object_is_not_torn),
        cmocka_unit_test(zeros_of_a_crash_are_torn),
        cmocka_unit_test(an_attempt_without_its_end_is_named),
        cmocka_unit_test(an_end_without_its_begin_is_a_fault),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
