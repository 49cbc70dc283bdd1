/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Public keys in PEM: what is read here is what libcrypto reads, byte by byte.
 */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509.h>

#include "jr_rsa.h"
#include "jr_spki.h"
#include "lib_signer.h"


#define LEN(a)  (sizeof(a) / sizeof((a)[0]))

/* rsaEncryption, and NULL */
#define ALGORITHM  "\x30\x0d\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x01\x01"     \
                   "\x05\x00"


/* der as PEM, with text behind its first line; to be free()d */

static char *
rsa_pem(const unsigned char *der, size_t len, const char *head)
{
    char  *base64, *pem;

    base64 = signer_base64(der, len, 0);
    pem = malloc(strlen(base64) + strlen(head) + 100);
    assert_non_null(pem);
    sprintf(pem, "-----BEGIN PUBLIC KEY-----\n%s%s\n"
            "-----END PUBLIC KEY-----\n", head, base64);
    free(base64);

    return pem;
}


/* libcrypto's own reading; NULL: it is no key */

static EVP_PKEY *
rsa_reference(const char *pem)
{
    BIO       *bio;
    EVP_PKEY  *key;

    bio = BIO_new_mem_buf(pem, -1);
    assert_non_null(bio);
    key = PEM_read_bio_PUBKEY(bio, NULL, NULL, (void *) "");
    BIO_free(bio);
    ERR_clear_error();

    return key;
}


/* 1: it is a key, and libcrypto's; 0: it is none */

static int
rsa_is(const char *pem)
{
    EVP_PKEY     *key, *want;
    const char   *what;
    jr_status_e   rc;

    key = NULL;
    what = NULL;
    rc = jr_rsa_read_pem((jr_str_t) { strlen(pem), pem }, &key, &what);
    assert_int_equal(ERR_peek_error(), 0);

    if (rc != JR_OK) {
        assert_int_equal(rc, JR_INVALID);
        assert_non_null(what);
        return 0;
    }

    want = rsa_reference(pem);
    assert_non_null(want);
    assert_int_equal(EVP_PKEY_eq(key, want), 1);

    EVP_PKEY_free(want);
    EVP_PKEY_free(key);

    return 1;
}


/* a reading of der, of which no byte behind the last is there */

static jr_status_e
rsa_spki(const void *der, size_t len, jr_str_t *n, jr_str_t *e)
{
    char         *copy;
    jr_status_e   rc;

    copy = malloc(len ? len : 1);
    assert_non_null(copy);
    memcpy(copy, der, len);
    rc = jr_spki_read((jr_str_t) { len, copy }, n, e);
    free(copy);

    return rc;
}


static void
a_key_is_the_one_that_was_written(void **state)
{
    int             len;
    char           *pem;
    size_t          i;
    jr_str_t        n, e;
    unsigned char  *der;

    static const unsigned  bits[] = { 1024, 2048, 3072, 4096 };

    (void) state;

    for (i = 0; i < LEN(bits); i++) {
        pem = signer_pem(signer_key(bits[i]));
        assert_int_equal(rsa_is(pem), 1);
        free(pem);

        /* and it was read without libcrypto's decoders */

        der = NULL;
        len = i2d_PUBKEY(signer_key(bits[i]), &der);
        assert_true(len > 0);
        assert_int_equal(rsa_spki(der, (size_t) len, &n, &e), JR_OK);
        assert_int_equal(n.len, bits[i] / 8 + 1);
        assert_int_equal(e.len, 3);
        OPENSSL_free(der);
    }
}


static void
a_changed_byte_never_makes_another_key(void **state)
{
    int             len, i, k, keys;
    char           *pem;
    unsigned char  *der;

    static const unsigned char  change[] = { 0x01, 0x80, 0xff };

    (void) state;

    der = NULL;
    keys = 0;
    len = i2d_PUBKEY(signer_key(1024), &der);
    assert_true(len > 0);

    /* rsa_is() compares whatever is taken; most of n is any odd number */

    for (i = 0; i < len; i++) {
        for (k = 0; k < (int) LEN(change); k++) {
            der[i] ^= change[k];
            pem = rsa_pem(der, (size_t) len, "");
            keys += rsa_is(pem);
            free(pem);
            der[i] ^= change[k];
        }
    }

    assert_true(keys > 3 * 100 && keys < 3 * 135);

    /* cut anywhere */

    for (i = 0; i < len; i++) {
        pem = rsa_pem(der, (size_t) i, "");
        assert_int_equal(rsa_is(pem), 0);
        free(pem);
    }

    /* what says that it is encrypted is not for the quick reading */

    pem = rsa_pem(der, (size_t) len, "Proc-Type: 4,ENCRYPTED\n"
                  "DEK-Info: AES-128-CBC,00000000000000000000000000000000\n\n");
    assert_int_equal(rsa_is(pem), 0);
    free(pem);

    OPENSSL_free(der);
}


static void
only_the_one_form_is_taken(void **state)
{
    size_t    i, k;
    jr_str_t  n, e;

    static const struct {
        const char  *der;
        size_t       len;
    } good[] = {
#define DER(text)  { text, sizeof(text) - 1 }
        DER("\x30\x1a" ALGORITHM "\x03\x09\x00\x30\x06\x02\x01\x05\x02\x01"
            "\x03"),
        DER("\x30\x1b" ALGORITHM "\x03\x0a\x00\x30\x07\x02\x02\x00\x85\x02\x01"
            "\x03")
    }, other[] = {
        /* something behind: all, the bits, the numbers */
        DER("\x30\x1a" ALGORITHM "\x03\x09\x00\x30\x06\x02\x01\x05\x02\x01\x03"
            "\x00"),
        DER("\x30\x1b" ALGORITHM "\x03\x09\x00\x30\x06\x02\x01\x05\x02\x01\x03"
            "\x00"),
        DER("\x30\x1b" ALGORITHM "\x03\x0a\x00\x30\x06\x02\x01\x05\x02\x01\x03"
            "\x00"),
        DER("\x30\x1b" ALGORITHM "\x03\x0a\x00\x30\x07\x02\x01\x05\x02\x01\x03"
            "\x00"),
        /* unused bits; negative; a zero that is not needed; an empty number */
        DER("\x30\x1a" ALGORITHM "\x03\x09\x01\x30\x06\x02\x01\x05"
            "\x02\x01\x03"),
        DER("\x30\x1a" ALGORITHM "\x03\x09\x00\x30\x06\x02\x01\x85"
            "\x02\x01\x03"),
        DER("\x30\x1b" ALGORITHM "\x03\x0a\x00\x30\x07\x02\x02\x00\x05\x02\x01"
            "\x03"),
        DER("\x30\x19" ALGORITHM "\x03\x08\x00\x30\x05\x02\x00\x02\x01\x03"),
        DER("\x30\x1a" ALGORITHM "\x03\x09\x00\x30\x06\x02\x01\x05"
            "\x02\x01\x00"),
        /* a length that is longer than need be, or has no end */
        DER("\x30\x81\x1a" ALGORITHM "\x03\x09\x00\x30\x06\x02\x01\x05\x02\x01"
            "\x03"),
        DER("\x30\x82\x00\x1a" ALGORITHM "\x03\x09\x00\x30\x06\x02\x01\x05\x02"
            "\x01\x03"),
        DER("\x30\x80" ALGORITHM "\x03\x09\x00\x30\x06\x02\x01\x05\x02\x01\x03"
            "\x00\x00"),
        /* another algorithm, no bits */
        DER("\x30\x1a\x30\x0d\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x01\x0a\x05"
            "\x00\x03\x09\x00\x30\x06\x02\x01\x05\x02\x01\x03"),
        DER("\x30\x11" ALGORITHM "\x03\x00")
#undef DER
    };

    (void) state;

    for (i = 0; i < LEN(good); i++) {
        assert_int_equal(rsa_spki(good[i].der, good[i].len, &n, &e), JR_OK);

        for (k = 0; k < good[i].len; k++) {
            assert_int_equal(rsa_spki(good[i].der, k, &n, &e), JR_INVALID);
        }
    }

    for (i = 0; i < LEN(other); i++) {
        if (rsa_spki(other[i].der, other[i].len, &n, &e) != JR_INVALID) {
            fail_msg("form %zu is taken", i);
        }
    }
}


int
main(void)
{
    int  rc;

    const struct CMUnitTest  tests[] = {
        cmocka_unit_test(a_key_is_the_one_that_was_written),
        cmocka_unit_test(a_changed_byte_never_makes_another_key),
        cmocka_unit_test(only_the_one_form_is_taken)
    };

    rc = cmocka_run_group_tests(tests, NULL, NULL);
    signer_free();

    return rc;
}
