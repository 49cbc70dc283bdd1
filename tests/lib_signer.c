/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Signs what tests verify.
 */

/* asprintf() */
#define _GNU_SOURCE

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>

#include "lib_signer.h"


#define KEYS  16


static struct {
    unsigned   bits;
    unsigned   n;
    EVP_PKEY  *key;
} keys[KEYS];


EVP_PKEY *
signer_key(unsigned bits)
{
    return signer_key_n(bits, 0);
}


EVP_PKEY *
signer_key_n(unsigned bits, unsigned n)
{
    size_t  i;

    for (i = 0; i < KEYS && keys[i].key != NULL; i++) {
        if (keys[i].bits == bits && keys[i].n == n) {
            return keys[i].key;
        }
    }

    assert_true(i < KEYS);

    keys[i].bits = bits;
    keys[i].n = n;
    keys[i].key = EVP_RSA_gen(bits);
    assert_non_null(keys[i].key);

    return keys[i].key;
}


void
signer_free(void)
{
    size_t  i;

    for (i = 0; i < KEYS; i++) {
        EVP_PKEY_free(keys[i].key);
        keys[i].key = NULL;
    }
}


char *
signer_base64(const void *data, size_t len, int url)
{
    int    n;
    char  *text, *p;

    text = malloc(len * 4 / 3 + 8);
    assert_non_null(text);

    n = EVP_EncodeBlock((unsigned char *) text, data, (int) len);
    text[n] = '\0';

    for (p = text; url && *p; p++) {
        if (*p == '+' || *p == '/') {
            *p = *p == '+' ? '-' : '_';

        } else if (*p == '=') {
            *p = '\0';
            break;
        }
    }

    return text;
}


char *
signer_sign(EVP_PKEY *key, const void *data, size_t len, int url)
{
    size_t          n;
    EVP_MD_CTX     *ctx;
    unsigned char   signature[2048];

    ctx = EVP_MD_CTX_new();
    assert_non_null(ctx);

    n = sizeof(signature);
    assert_int_equal(EVP_DigestSignInit(ctx, NULL, EVP_sha256(), NULL, key), 1);
    assert_int_equal(EVP_DigestSign(ctx, signature, &n, data, len), 1);

    EVP_MD_CTX_free(ctx);

    return signer_base64(signature, n, url);
}


char *
signer_pem(EVP_PKEY *key)
{
    BIO   *bio;
    char  *data, *text;
    long   len;

    bio = BIO_new(BIO_s_mem());
    assert_non_null(bio);
    assert_int_equal(PEM_write_bio_PUBKEY(bio, key), 1);

    len = BIO_get_mem_data(bio, &data);
    text = malloc((size_t) len + 1);
    assert_non_null(text);
    memcpy(text, data, (size_t) len);
    text[len] = '\0';

    BIO_free(bio);

    return text;
}


char *
signer_pem_json(EVP_PKEY *key)
{
    char  *pem, *text, *p, *q;

    pem = signer_pem(key);
    text = malloc(2 * strlen(pem) + 1);
    assert_non_null(text);

    for (p = pem, q = text; *p; p++) {
        if (*p == '\n') {
            *q++ = '\\';
            *q++ = 'n';

        } else {
            *q++ = *p;
        }
    }

    *q = '\0';
    free(pem);

    return text;
}


char *
signer_jwk(EVP_PKEY *key, const char *more)
{
    char           *n, *e, *text;
    int             len;
    BIGNUM         *number;
    unsigned char   bytes[2048];

    number = NULL;
    assert_int_equal(EVP_PKEY_get_bn_param(key, OSSL_PKEY_PARAM_RSA_N,
                                           &number), 1);
    len = BN_bn2bin(number, bytes);
    n = signer_base64(bytes, (size_t) len, 1);
    BN_free(number);

    number = NULL;
    assert_int_equal(EVP_PKEY_get_bn_param(key, OSSL_PKEY_PARAM_RSA_E,
                                           &number), 1);
    len = BN_bn2bin(number, bytes);
    e = signer_base64(bytes, (size_t) len, 1);
    BN_free(number);

    assert_true(asprintf(&text, "{\"kty\":\"RSA\",\"n\":\"%s\",\"e\":\"%s\"%s}",
                         n, e, more) > 0);
    free(n);
    free(e);

    return text;
}


char *
signer_jwt(EVP_PKEY *key, const char *header, const char *claims)
{
    char  *one, *two, *part, *signature, *text;

    one = signer_base64(header, strlen(header), 1);
    two = signer_base64(claims, strlen(claims), 1);
    assert_true(asprintf(&part, "%s.%s", one, two) > 0);

    signature = signer_sign(key, part, strlen(part), 1);
    assert_true(asprintf(&text, "%s.%s", part, signature) > 0);

    free(one);
    free(two);
    free(part);
    free(signature);

    return text;
}
