/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Seals: what a retry leaves alike, and what another caller does not.
 */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>
#include <openssl/evp.h>

#include "jr_seal.h"


#define LEN(a)  (sizeof(a) / sizeof((a)[0]))


static jr_digest_t
seal_of(const char *text)
{
    char         *copy;
    size_t        len;
    jr_digest_t   seal;

    /* a copy of its own length, so that reading past its end is seen */

    len = strlen(text);
    copy = malloc(len ? len : 1);
    assert_non_null(copy);
    memcpy(copy, text, len);

    assert_int_equal(jr_seal((jr_str_t) { len, copy }, &seal), JR_OK);

    free(copy);

    return seal;
}


static void
same(const char *one, const char *two)
{
    jr_digest_t  a, b;

    a = seal_of(one);
    b = seal_of(two);

    if (memcmp(&a, &b, sizeof(a)) != 0) {
        fail_msg("%s\nand\n%s\nare sealed differently", one, two);
    }
}


static void
others(const char *one, const char *two)
{
    jr_digest_t  a, b;

    a = seal_of(one);
    b = seal_of(two);

    if (memcmp(&a, &b, sizeof(a)) == 0) {
        fail_msg("%s\nand\n%s\nhave one seal", one, two);
    }
}


/* "Bearer header.payload.signature"; the last of four are the newest */

static const char *
bearer(const char *claims, const char *signature)
{
    int    n;
    char  *text, *p;
    char   encoded[60000];

    static int   next;
    static char  texts[4][70000];

    n = EVP_EncodeBlock((unsigned char *) encoded,
                        (const unsigned char *) claims, (int) strlen(claims));

    while (n > 0 && encoded[n - 1] == '=') {
        n--;
    }

    for (p = encoded; p < encoded + n; p++) {
        *p = *p == '+' ? '-' : *p == '/' ? '_' : *p;
    }

    text = texts[next++ % 4];

    snprintf(text, sizeof(texts[0]), "Bearer eyJhbGciOiJSUzI1NiJ9.%.*s.%s", n,
             encoded, signature);

    return text;
}


/* the date, the signature and all the rest differ at each try */

static void
a_signature_is_sealed_by_its_raw_keyid(void **state)
{
    size_t  i;

    static const char *const  keys[] = {
        "ann", "a/b", "ST$opaque", "ST$a.b.c", "resource/v2.1/ocid1.x", "",
        "a/b/c\\\\", "\xc3\xa4"
    };

    char  one[256], two[256];

    (void) state;

    for (i = 0; i < LEN(keys); i++) {
        snprintf(one, sizeof(one), "Signature version=\"1\",keyId=\"%s\","
                 "signature=\"b25l\"", keys[i]);
        snprintf(two, sizeof(two), "SIGNATURE  signature=\"dHdv\" , "
                 "x=\"\\\"\",KEYID = \"%s\",headers=\"date", keys[i]);
        same(one, two);

        snprintf(two, sizeof(two), "Signature version=\"1\",keyId=\"%sx\","
                 "signature=\"b25l\"", keys[i]);
        others(one, two);
    }

    same("Signature keyId=ann,signature=x", "Signature keyId=\"ann\"");
    others("Signature keyId=\"ann\"", "Basic keyId=\"ann\"");

    /* the case of a keyId is its own */
    others("Signature keyId=\"ann\"", "Signature keyId=\"Ann\"");
}


/* Whoever reads the header in another way is another caller, too: a keyId
   that may be read is never left out. */

static void
each_reading_of_a_header_is_sealed(void **state)
{
    (void) state;

    others("Signature keyId=\"ann\",keyId=\"bob\"",
           "Signature keyId=\"ann\",keyId=\"eve\"");
    others("Signature keyId=\"bob\",keyId=\"ann\"",
           "Signature keyId=\"eve\",keyId=\"ann\"");
    others("Signature x=\"\\\",keyId=\"ann\",y=\"z\",keyId=\"bob\"",
           "Signature x=\"\\\",keyId=\"ann\",y=\"z\",keyId=\"eve\"");
    others("Signature keyId=\"ann\\\"bob\"", "Signature keyId=\"ann\\\"eve\"");
    others("Signature x=\"\\\" , keyid =\"bob\",keyId=\"ann\"",
           "Signature x=\"\\\" , keyid =\"eve\",keyId=\"ann\"");
    others("Signature keyId=\"ann\"", "Signature keyId=\"ann\",keyId=\"ann\"");
    others("Signature keyIdkeyId=\"ann\"", "Signature keyIdkeyId=\"bob\"");

    /* one within another's text, with quotes and without */

    others("Signature keyId=\"ann\\\",keyId=\"bob\"",
           "Signature keyId=\"ann\\\",keyId=\"eve\"");
    others("Signature keyId=a;keyId=\"b ob\"",
           "Signature keyId=a;keyId=\"b eve\"");
    others("Signature keyId=keyId=bob", "Signature keyId=keyId=eve");
    others("Signature keyId=keyId= bob", "Signature keyId=keyId= eve");
}


/* "Signature keyId="0",keyId="1",...": n of them, then last and tail */

static char *
keys(size_t n, const char *last, const char *tail)
{
    char    *p;
    size_t   i;

    static int   next;
    static char  texts[2][64 * 1024];

    next = !next;
    p = texts[next];
    p += sprintf(p, "Signature ");

    for (i = 0; i < n; i++) {
        p += sprintf(p, "keyId=\"%u\",", (unsigned) i);
    }

    sprintf(p, "keyId=\"%s\",%s", last, tail);

    return texts[next];
}


/* however many there are: none is left out, and the rest never counts */

static void
many_keyids_are_sealed_without_the_rest(void **state)
{
    size_t  i;

    static const size_t  counts[] = { 0, 1, 7, 8, 9, 100, 4000 };

    (void) state;

    for (i = 0; i < LEN(counts); i++) {
        same(keys(counts[i], "ann", "signature=\"b25l\""),
             keys(counts[i], "ann", "headers=\"date\",signature=\"dHdv\""));
        others(keys(counts[i], "ann", "signature=\"b25l\""),
               keys(counts[i], "bob", "signature=\"b25l\""));
    }
}


/* as long as a header can be made, and all of it keyIds: one pass */

static void
a_long_header_takes_linear_time(void **state)
{
    size_t        i, k, len;
    char         *text;
    clock_t       start;
    jr_digest_t   seal;

    static const char *const  pieces[] = {
        "keyId=", "keyId=\"", "keyId=\\\"", "keyId = \"\\", "keyId=ST$.",
        "keyId        ", "=\"\\"
    };

    (void) state;

    len = 4 * 1024 * 1024;
    text = malloc(len);
    assert_non_null(text);

    for (i = 0; i < LEN(pieces); i++) {

        memcpy(text, "Signature ", 10);

        for (k = 10; k < len; k++) {
            text[k] = pieces[i][(k - 10) % strlen(pieces[i])];
        }

        start = clock();
        assert_int_equal(jr_seal((jr_str_t) { len, text }, &seal), JR_OK);

        /* quadratic, it would take hours */
        assert_true(clock() - start < 60 * CLOCKS_PER_SEC);
    }

    free(text);
}


/* "Signature keyId="ST$...", with what a try makes anew */

static const char *
session(const char *claims, const char *signature)
{
    static int   next;
    static char  texts[4][80000];

    snprintf(texts[++next % 4], sizeof(texts[0]),
             "Signature x=\"\\\"\",keyId=\"ST$%s\",signature=\"%s\"",
             bearer(claims, signature) + sizeof("Bearer ") - 1, signature);

    return texts[next % 4];
}


static void
a_session_token_is_sealed_by_issuer_and_subject(void **state)
{
    char  text[40000];

    (void) state;

    same(session("{\"iss\":\"i\",\"sub\":\"ann\",\"exp\":1}", "YQ"),
         session("{\"exp\":2,\"sub\":\"ann\",\"iss\":\"i\"}", "Yg"));
    others(session("{\"iss\":\"i\",\"sub\":\"ann\"}", "YQ"),
           session("{\"iss\":\"i\",\"sub\":\"bob\"}", "YQ"));
    others(session("{\"iss\":\"i\",\"sub\":\"ann\"}", "YQ"),
           session("{\"iss\":\"j\",\"sub\":\"ann\"}", "YQ"));

    /* without a subject: by the whole token */

    same(session("{\"iss\":\"i\"}", "YQ"), session("{\"iss\":\"i\"}", "YQ"));
    others(session("{\"iss\":\"i\"}", "YQ"), session("{\"iss\":\"i\"}",
                                                     "Yg"));
    others(session("{\"iss\":\"i\",\"sub\":\"a\",\"sub\":\"b\"}", "YQ"),
           session("{\"iss\":\"i\",\"sub\":\"a\",\"sub\":\"b\"}", "Yg"));

    /* up to 32 KB, which is beyond what a principal is read from */

    snprintf(text, sizeof(text), "{\"iss\":\"i\",\"sub\":\"s\",\"pad\":\"%0*d"
             "\"}", 32700, 0);
    same(session(text, "YQ"), session(text, "Yg"));

    snprintf(text, sizeof(text), "{\"iss\":\"i\",\"sub\":\"s\",\"pad\":\"%0*d"
             "\"}", 32800, 0);
    others(session(text, "YQ"), session(text, "Yg"));
}


/* a retry is signed anew: what a signer makes anew does not count */

static void
a_signed_header_without_a_keyid_is_its_other_parameters(void **state)
{
    (void) state;

    same("Signature token=\"a\"", "signature   token=\"a\"");
    others("Signature token=\"a\"", "Signature token=\"b\"");
    same("Signature token=\"a\",headers=\"date\",signature=\"b25l\"",
         "Signature token=\"a\", created=7, headers=\"date\","
         "signature=\"dHdv\"");
    same("Signature headers=\"date\",signature=\"b25l\"",
         "Signature headers=\"date\",signature=\"dHdv\"");
    same("Digest username=\"ann\",realm=\"r\",nonce=\"n\",nc=00000001,"
         "response=\"aa\"",
         "Digest username=\"ann\",realm=\"r\",nonce=\"m\",nc=00000002,"
         "response=\"bb\"");
    others("Digest username=\"ann\",response=\"aa\"",
           "Digest username=\"bob\",response=\"aa\"");

    /* where nothing else is there, that */

    others("Signature signature=\"a\"", "Signature signature=\"b\"");
    others("Signature keyId", "Signature keyI");
    others("Signature", "");

    /* nor can a name hide in it, for whoever sees its end elsewhere */

    others("Digest realm=r,nonce=\"\\\",username=\"ann\"",
           "Digest realm=r,nonce=\"\\\",username=\"bob\"");
    others("Digest realm=r,nonce=\"x ann", "Digest realm=r,nonce=\"x bob");
    others("Digest realm=r,nonce=x\"ann\"", "Digest realm=r,nonce=x\"bob\"");
    others("Digest realm=r,nonce==\"ann\"", "Digest realm=r,nonce==\"bob\"");
    others("Digest realm=r,nonce\"ann\"", "Digest realm=r,nonce\"bob\"");
    others("Digest realm=r,nonce ann", "Digest realm=r,nonce bob");
}


static void
a_bearer_is_sealed_by_issuer_and_subject(void **state)
{
    char  text[40000];

    (void) state;

    same(bearer("{\"iss\":\"i\",\"sub\":\"ann\",\"exp\":1}", "YQ"),
         bearer("{\"exp\":2,\"sub\":\"ann\",\"jti\":\"x\",\"iss\":\"i\"}",
                "Yg"));
    others(bearer("{\"iss\":\"i\",\"sub\":\"ann\"}", "YQ"),
           bearer("{\"iss\":\"i\",\"sub\":\"bob\"}", "YQ"));
    others(bearer("{\"iss\":\"i\",\"sub\":\"ann\"}", "YQ"),
           bearer("{\"iss\":\"j\",\"sub\":\"ann\"}", "YQ"));
    others(bearer("{\"iss\":\"ia\",\"sub\":\"nn\"}", "YQ"),
           bearer("{\"iss\":\"i\",\"sub\":\"ann\"}", "YQ"));

    /* what lacks one of them, or is no JWT, counts by its whole text */

    same(bearer("{\"sub\":\"ann\"}", "YQ"), bearer("{\"sub\":\"ann\"}", "YQ"));
    others(bearer("{\"sub\":\"ann\"}", "YQ"), bearer("{\"sub\":\"ann\"}",
                                                     "Yg"));
    others(bearer("{\"iss\":\"i\",\"sub\":\"\"}", "YQ"),
           bearer("{\"iss\":\"i\",\"sub\":\"\"}", "Yg"));
    others(bearer("{\"iss\":\"i\",\"sub\":7}", "YQ"),
           bearer("{\"iss\":\"i\",\"sub\":7}", "Yg"));

    snprintf(text, sizeof(text), "{\"iss\":\"i\",\"sub\":\"s\",\"pad\":\"%0*d"
             "\"}", 32800, 0);
    others(bearer(text, "YQ"), bearer(text, "Yg"));

    same("bearer  opaque", "Bearer opaque");
    others("Bearer opaque", "Bearer other");
    others("Bearer opaque", "Basic opaque");
    others("Bearer a.b.c", "Bearer a.b.d");
}


static void
other_schemes_count_by_their_credentials(void **state)
{
    (void) state;

    same("Basic YW5uOng=", "BASIC\tYW5uOng=");
    others("Basic YW5uOng=", "Basic Ym9iOng=");
    others("Basic YW5uOng=", "basic YW5uOnG=");
    others("Token abc", "Key abc");
    others("a b", "ab");
    others("", "Basic");
}


/* a header that breaks off, within a value or behind a backslash */

static void
nothing_behind_a_header_counts(void **state)
{
    char         text[64];
    size_t       i, k, len;
    jr_digest_t  seals[3];

    static const char  *const headers[] = {
        "Digest nonce=\"a\\", "Digest a=\"b\", c=\"d\\", "Digest a=\"b\\\\",
        "Digest a=\"", "Digest a=\"b", "Digest a=", "Digest a",
        "Signature keyId=\"t/u/f\\", "Signature keyId=\"t/u/f",
        "Signature version=\"1\",signature=\"c2ln\\", "Basic a\\"
    };

    (void) state;

    for (i = 0; i < LEN(headers); i++) {
        len = strlen(headers[i]);

        for (k = 0; k < 3; k++) {
            memset(text, "x\"\\"[k], sizeof(text));
            memcpy(text, headers[i], len);
            assert_int_equal(jr_seal((jr_str_t) { len, text }, &seals[k]),
                             JR_OK);
        }

        assert_memory_equal(&seals[0], &seals[1], sizeof(seals[0]));
        assert_memory_equal(&seals[0], &seals[2], sizeof(seals[0]));
        same(headers[i], headers[i]);
    }
}


int
main(void)
{
    const struct CMUnitTest  tests[] = {
        cmocka_unit_test(a_signature_is_sealed_by_its_raw_keyid),
        cmocka_unit_test(each_reading_of_a_header_is_sealed),
        cmocka_unit_test(many_keyids_are_sealed_without_the_rest),
        cmocka_unit_test(a_long_header_takes_linear_time),
        cmocka_unit_test(a_session_token_is_sealed_by_issuer_and_subject),
        cmocka_unit_test(
            a_signed_header_without_a_keyid_is_its_other_parameters),
        cmocka_unit_test(a_bearer_is_sealed_by_issuer_and_subject),
        cmocka_unit_test(other_schemes_count_by_their_credentials),
        cmocka_unit_test(nothing_behind_a_header_counts)
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
