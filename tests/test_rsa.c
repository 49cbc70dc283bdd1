/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Which RSA keys are taken, and what is none.
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
#include <openssl/rsa.h>

#include "jr_rsa.h"
#include "lib_signer.h"


#define LEN(a)  (sizeof(a) / sizeof((a)[0]))


static void
keys_that_are_none(void **state)
{
    char        *pem, big[4096];
    BIO         *bio;
    size_t       i, len;
    EVP_PKEY    *key, *ec, *pss;
    const char  *what;

    /* n of 1024 bits that is even, and odd ones with exponents that none has */
    static const struct {
        const char  *e;
        int          odd;
        jr_status_e  rc;
    } exponents[] = {
        { "AQAB", 1, JR_OK }, { "Aw", 1, JR_OK }, { "_____w", 1, JR_OK },
        { "AQAB", 0, JR_INVALID }, { "AQ", 1, JR_INVALID },
        { "AA", 1, JR_INVALID }, { "AQAA", 1, JR_INVALID },
        { "AQAAAAE", 1, JR_INVALID }, { "AQAAAAAB", 1, JR_INVALID },
        { "", 1, JR_INVALID }, { "AQAB=", 1, JR_INVALID },
        { "AQA", 1, JR_INVALID }, { "A", 1, JR_INVALID }
    };

    (void) state;

    for (i = 0; i < LEN(exponents); i++) {
        memset(big, 'A', 171);
        big[0] = '_';
        big[169] = exponents[i].odd ? '8' : 'A';
        big[170] = exponents[i].odd ? '8' : 'A';    /* ...1111 00 */
        big[171] = '\0';

        if (exponents[i].odd) {
            big[170] = 'E';     /* the last byte is 0x?1 */
        }

        assert_int_equal(jr_rsa_read_jwk((jr_str_t) { 171, big },
                                         (jr_str_t) { strlen(exponents[i].e),
                                                      exponents[i].e },
                                         &key, &what), exponents[i].rc);

        if (exponents[i].rc == JR_OK) {
            assert_int_equal(jr_rsa_bits(key), 1024);
            EVP_PKEY_free(key);
        }
    }

    /* 8200 bits */
    memset(big, 'A', sizeof(big));
    big[0] = '_';
    big[1366] = 'E';
    assert_int_equal(jr_rsa_read_jwk((jr_str_t) { 1367, big },
                                     (jr_str_t) jr_str("AQAB"), &key, &what),
                     JR_INVALID);

    /* what no buffer is for */
    assert_int_equal(jr_rsa_read_jwk((jr_str_t) { 4096, big },
                                     (jr_str_t) jr_str("AQAB"), &key, &what),
                     JR_INVALID);

    /* keys of other kinds */

    ec = EVP_EC_gen("P-256");
    pss = EVP_PKEY_Q_keygen(NULL, NULL, "RSA-PSS", (size_t) 1024);
    assert_non_null(ec);

    pem = signer_pem(ec);
    assert_int_equal(jr_rsa_read_pem((jr_str_t) { strlen(pem), pem }, &key,
                                     &what), JR_INVALID);
    assert_string_equal(what, "is not an RSA key");
    free(pem);

    if (pss != NULL) {
        pem = signer_pem(pss);
        assert_int_equal(jr_rsa_read_pem((jr_str_t) { strlen(pem), pem }, &key,
                                         &what), JR_INVALID);
        assert_string_equal(what, "is not an RSA key");
        free(pem);
    }

    EVP_PKEY_free(ec);
    EVP_PKEY_free(pss);
    ERR_clear_error();

    /* each private form */

    bio = BIO_new(BIO_s_mem());
    assert_int_equal(PEM_write_bio_PrivateKey(bio, signer_key(1024), NULL, NULL,
                                              0, NULL, NULL), 1);
    len = (size_t) BIO_get_mem_data(bio, &pem);
    assert_int_equal(jr_rsa_read_pem((jr_str_t) { len, pem }, &key, &what),
                     JR_INVALID);
    assert_int_equal(strncmp(what, "is a private key", 16), 0);
    BIO_free(bio);

    /* cut anywhere */

    pem = signer_pem(signer_key(1024));

    for (len = 0; len + 1 < strlen(pem); len++) {
        assert_int_equal(jr_rsa_read_pem((jr_str_t) { len, pem }, &key, &what),
                         JR_INVALID);
    }

    free(pem);
    assert_int_equal(ERR_peek_error(), 0);
}


static int
end(void **state)
{
    (void) state;

    signer_free();

    return 0;
}


int
main(void)
{
    const struct CMUnitTest  tests[] = {
        cmocka_unit_test(keys_that_are_none)
    };

    return cmocka_run_group_tests(tests, NULL, end);
}
