/* SPDX-License-Identifier: BSD-2-Clause
 *
 * What a signature is verified by: the body, its own bytes, the key and whose
 * it is; and the words for what fails.
 */

/* strdup() */
#define _GNU_SOURCE

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "lib_signed.h"
#include "lib_signer.h"


static void
the_body_is_the_one_that_was_signed(void **state)
{
    char    *big;
    char    *encoded;
    size_t   i;
    unsigned n;
    unsigned char  md[32];

    static const char *const  broken[] = {
        "", "x", "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU",
        "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU==",
        "47DEQpj8HBSa-_TImW-5JCeuQeRkm5NMpJWZG3hSuFU=",
        "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFV=",     /* bits behind */
        "47DEQpj8HBSa+/TImW+5JCeu QeRkm5NMpJWZG3hSuFU=",
        "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFUA",     /* 33 bytes */
        "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hS",         /* 30 */
        "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
    };

    (void) state;

    for (i = 0; i < LEN(broken); i++) {
        signed_good();
        signed_set("X-Content-SHA256", broken[i]);
        signed_now_is("malformed:x-content-sha256");
    }

    signed_good();
    signed_sign();
    rq.body = "{\"jobKey\":\"nightlY\"}";
    signed_is("digest");
    assert_string_equal(signed_message,
                        "Failed to verify the HTTP(S) Signature");

    rq.body_len--;
    signed_is("length");

    signed_good();
    signed_set("Content-Length", "21");
    signed_now_is("length");
    signed_set("Content-Length", "020");
    signed_now_is("");
    signed_set("Content-Length", "+20");
    signed_now_is("malformed:content-length");
    signed_set("Content-Length", "-1");
    signed_now_is("malformed:content-length");
    signed_set("Content-Length", "");
    signed_now_is("malformed:content-length");
    signed_set("Content-Length", "9999999999999999999");
    signed_now_is("malformed:content-length");
    signed_set("Content-Length", "20, 20");
    signed_now_is("malformed:content-length");

    /* one of 600 KB, and none */

    big = malloc(614400);
    assert_non_null(big);
    memset(big, 'x', 614400);
    assert_int_equal(EVP_Digest(big, 614400, md, &n, EVP_sha256(), NULL), 1);
    encoded = signer_base64(md, n, 0);

    signed_good();
    rq.body = big;
    rq.body_len = 614400;
    signed_set("Content-Length", "614400");
    signed_set("X-Content-SHA256", encoded);
    signed_now_is("");
    big[614399] = 'y';
    signed_is("digest");

    free(encoded);
    free(big);

    signed_good();
    rq.body = "";
    rq.body_len = 0;
    signed_set("Content-Length", "0");
    signed_set("X-Content-SHA256",
               "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=");
    signed_now_is("");
    signed_unset("Content-Length");
    signed_now_is("");
}


static void
the_signature_is_strict_base64(void **state)
{
    char    *p, *whole;

    (void) state;

    signed_good();
    signed_sign();
    whole = strdup(signed_auth);

    p = strstr(signed_auth, "signature=\"") + 11;
    p[0] = p[0] == 'A' ? 'B' : 'A';
    signed_is("signature");
    strcpy(signed_auth, whole);

    /* the same bytes, spelled in another way */

    p = strstr(signed_auth, "==\"");
    assert_non_null(p);
    p[-1]++;
    signed_is("malformed:signature");
    strcpy(signed_auth, whole);

    p = strstr(signed_auth, "==\"");
    strcpy(p, "\"");
    signed_is("malformed:signature");
    strcpy(signed_auth, whole);

    p = strstr(signed_auth, "signature=\"") + 11;
    p[20] = '-';
    signed_is("malformed:signature");
    p[20] = ' ';
    signed_is("malformed:signature");
    strcpy(signed_auth, whole);

    /* shorter and longer ones are of no such key */

    p = strstr(signed_auth, "signature=\"") + 11;
    strcpy(p, "AAAA\"");
    signed_is("signature");

    free(signed_auth);
    signed_auth = calloc(1, 8192);
    assert_non_null(signed_auth);
    strcpy(signed_auth, "Signature keyId=\"" KEY "\",algorithm=\"rsa-sha256\","
                 "headers=\"" ALL "\",signature=\"");
    memset(signed_auth + strlen(signed_auth), 'A', 1364);
    strcat(signed_auth, "\"");
    signed_is("signature");
    signed_auth[strlen(signed_auth) - 1] = '\0';
    strcat(signed_auth, "AAAAAAAA\"");
    signed_is("malformed:signature");

    /* a header as a whole is bounded, too */

    free(signed_auth);
    signed_auth = calloc(1, 20000);
    assert_non_null(signed_auth);
    strcpy(signed_auth, whole);
    strcat(signed_auth, ",x=\"");
    memset(signed_auth + strlen(signed_auth), 'A', 16384);
    strcat(signed_auth, "\"");
    signed_is("malformed:too long");

    free(whole);
}


static void
a_key_is_known_active_and_long_enough(void **state)
{
    (void) state;

    params_are(H "," A "," S ",keyId=\"ocid1.tenancy.oc1..t/u/x\"",
               "key_unknown");
    assert_string_equal(signed_message,
                        "Failed to verify the HTTP(S) Signature");
    params_are(H "," A "," S ",keyId=\"" KEY ":\"", "key_unknown");
    params_are(H "," A "," S ",keyId=\"" KEY "%%00\"", "key_unknown");

    params_are(H "," A "," S ",keyId=\"" KEY ":1024\"", "key_weak");

    /* the weak one is right as soon as it is let in */

    rq.bits = 1024;
    signed_policy.min_bits = 1024;
    signed_now_is("");
    signed_policy.min_bits = 2048;
    signed_now_is("key_weak");

    rq.bits = 4096;
    rq.params = H "," A "," S ",keyId=\"" KEY ":4096\"";
    signed_now_is("");
    signed_policy.min_bits = 4096;
    signed_now_is("");
    signed_good();
    signed_now_is("key_weak");
    signed_policy.min_bits = 2048;

    /* the signature of one key under the name of another */

    signed_good();
    rq.bits = 4096;
    signed_now_is("signature");

    /* none of the above costs RSA before all else is right */

    signed_good();
    signed_sign();
    rq.now = NOW + 1000;
    rq.params = H "," A "," S ",keyId=\"nobody\"";
    signed_is("skew:-1000");
}


static void
without_keys_it_is_not_the_clients_fault(void **state)
{
    jr_auth_policy_t  saved;

    (void) state;

    saved = signed_policy;
    signed_policy.keys = NULL;

    signed_good();
    signed_now_is("unavailable:keys");
    rq.names = "host";
    signed_now_is("header_not_signed:(request-target)");

    signed_policy = saved;
}


static void
only_tenants_that_are_let_in(void **state)
{
    static const jr_str_t  one[] = {
        jr_str("ocid1.tenancy.oc1..other"), jr_str("ocid1.tenancy.oc1..t")
    };

    (void) state;

    signed_policy.tenants = one;

    signed_policy.ntenants = 1;
    signed_good();
    signed_now_is("tenant");

    signed_policy.ntenants = 2;
    signed_now_is("");

    signed_policy.ntenants = 0;
    signed_policy.tenants = NULL;
}


static void
a_session_token_needs_an_issuer(void **state)
{
    (void) state;

    params_are(H "," A "," S ",keyId=\"ST$a.b.c\"", "token_issuer");
    params_are(H "," A "," S ",keyId=\"ST$\"", "token_issuer");

    /* "st$" is not a token but a name that nobody has */
    params_are(H "," A "," S ",keyId=\"st$a.b.c\"", "key_unknown");
}


static void
a_reason_is_a_word_for_each(void **state)
{
    int                i, k;
    jr_auth_failure_t  failure;

    (void) state;

    memset(&failure, 0, sizeof(failure));

    for (i = 1; i < JR_AUTH_LAST; i++) {
        failure.reason = (jr_auth_reason_e) i;
        assert_true(jr_auth_reason_write(&failure, signed_reason) > 2);
        assert_true(jr_auth_reason_message(&failure, signed_message) > 10);
        assert_null(strchr(jr_auth_reason_word(failure.reason), ':'));

        for (k = 1; k < i; k++) {
            assert_string_not_equal(jr_auth_reason_word((jr_auth_reason_e) i),
                                    jr_auth_reason_word((jr_auth_reason_e) k));
        }
    }

    /* the longest that there can be */
    failure.reason = JR_AUTH_SKEW;
    failure.date = INT64_MIN / 2;
    failure.now = INT64_MAX / 2;
    (void) jr_auth_reason_write(&failure, signed_reason);
    assert_string_equal(signed_reason, "skew:-9223372036854775807");
    assert_true(jr_auth_reason_message(&failure, signed_message) > 150);
}


int
main(void)
{
    const struct CMUnitTest  tests[] = {
        cmocka_unit_test(the_body_is_the_one_that_was_signed),
        cmocka_unit_test(the_signature_is_strict_base64),
        cmocka_unit_test(a_key_is_known_active_and_long_enough),
        cmocka_unit_test(without_keys_it_is_not_the_clients_fault),
        cmocka_unit_test(only_tenants_that_are_let_in),
        cmocka_unit_test(a_session_token_needs_an_issuer),
        cmocka_unit_test(a_reason_is_a_word_for_each)
    };

    return cmocka_run_group_tests(tests, signed_setup, signed_teardown);
}
