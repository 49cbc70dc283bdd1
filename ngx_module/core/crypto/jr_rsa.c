/* SPDX-License-Identifier: BSD-2-Clause
 *
 * RSA public keys.
 */

#include <limits.h>

#include <openssl/bio.h>
#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/param_build.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>

#include "jr_base64.h"
#include "jr_hex.h"
#include "jr_rsa.h"
#include "jr_spki.h"


#define JR_RSA_BEGIN  "-----BEGIN "


static int jr_rsa_read_plain(BIO *bio, EVP_PKEY **key, const char **what,
    jr_status_e *rc);
static jr_status_e jr_rsa_read_any(BIO *bio, EVP_PKEY **key,
    const char **what);
static jr_status_e jr_rsa_read_numbers(jr_str_t n, jr_str_t e,
    EVP_PKEY **key, const char **what);
static jr_status_e jr_rsa_check(const EVP_PKEY *key, const char **what);
static jr_status_e jr_rsa_check_numbers(const BIGNUM *n, const BIGNUM *e,
    const char **what);
static EVP_PKEY *jr_rsa_key(BIGNUM *n, BIGNUM *e);
static EVP_PKEY *jr_rsa_key_of(OSSL_PARAM *params);
static int jr_rsa_no_passphrase(char *buf, int size, int rw, void *data);
static const char *jr_rsa_find(jr_str_t text, const char *word);


jr_status_e
jr_rsa_read_pem(jr_str_t pem, EVP_PKEY **key, const char **what)
{
    BIO         *bio;
    jr_str_t     rest;
    jr_status_e  rc;

    if (pem.len > INT_MAX) {
        *what = "is too long for a key";
        return JR_INVALID;
    }

    if (jr_rsa_find(pem, "PRIVATE KEY-----") != NULL) {
        *what = "is a private key, which belongs to its owner alone; give the "
                "public one";
        return JR_INVALID;
    }

    rest.data = jr_rsa_find(pem, JR_RSA_BEGIN "PUBLIC KEY-----");

    if (rest.data == NULL) {
        *what = "is not a public key in PEM, \"-----BEGIN PUBLIC KEY-----\"";
        return JR_INVALID;
    }

    rest.data += sizeof(JR_RSA_BEGIN) - 1;
    rest.len = (size_t) (pem.data + pem.len - rest.data);

    if (jr_rsa_find(rest, JR_RSA_BEGIN) != NULL) {
        *what = "has more than one key";
        return JR_INVALID;
    }

    ERR_set_mark();

    bio = BIO_new_mem_buf(pem.data, (int) pem.len);

    if (bio == NULL) {
        ERR_pop_to_mark();
        return JR_NO_MEMORY;
    }

    if (!jr_rsa_read_plain(bio, key, what, &rc)) {
        (void) BIO_reset(bio);
        rc = jr_rsa_read_any(bio, key, what);
    }

    BIO_free(bio);
    ERR_pop_to_mark();

    return rc;
}


/* 0: it is not in the plain form of a key, which costs a tenth of any other;
   else *rc is what became of it */

static int
jr_rsa_read_plain(BIO *bio, EVP_PKEY **key, const char **what,
    jr_status_e *rc)
{
    int             plain;
    long            len;
    char           *name, *header;
    jr_str_t        der, n, e;
    unsigned char  *data;

    if (PEM_read_bio(bio, &name, &header, &data, &len) != 1) {
        return 0;
    }

    der.data = (const char *) data;
    der.len = (size_t) len;

    plain = strcmp(name, PEM_STRING_PUBLIC) == 0
            && header[0] == '\0'
            && jr_spki_read(der, &n, &e) == JR_OK;

    if (plain) {
        *rc = jr_rsa_read_numbers(n, e, key, what);
    }

    OPENSSL_free(name);
    OPENSSL_free(header);
    OPENSSL_free(data);

    return plain;
}


static jr_status_e
jr_rsa_read_any(BIO *bio, EVP_PKEY **key, const char **what)
{
    EVP_PKEY     *read;
    jr_status_e   rc;

    /* without a callback, libcrypto asks the terminal for the passphrase of
       what says that it is encrypted */

    read = PEM_read_bio_PUBKEY(bio, NULL, jr_rsa_no_passphrase, NULL);

    if (read == NULL) {
        *what = "is a broken public key: what is in its PEM is not one";
        return JR_INVALID;
    }

    rc = jr_rsa_check(read, what);

    if (rc != JR_OK) {
        EVP_PKEY_free(read);
        return rc;
    }

    *key = read;

    return JR_OK;
}


static int
jr_rsa_no_passphrase(char *buf, int size, int rw, void *data)
{
    (void) buf;
    (void) size;
    (void) rw;
    (void) data;

    return -1;
}


/* memmem() is not of C11 */

static const char *
jr_rsa_find(jr_str_t text, const char *word)
{
    size_t       n;
    const char  *p, *end;

    n = strlen(word);
    end = text.data + text.len;

    for (p = text.data; (size_t) (end - p) >= n; p++) {
        if (memcmp(p, word, n) == 0) {
            return p;
        }
    }

    return NULL;
}


static jr_status_e
jr_rsa_check(const EVP_PKEY *key, const char **what)
{
    BIGNUM       *n, *e;
    jr_status_e   rc;

    /* a key of RSASSA-PSS is not for these signatures */

    if (EVP_PKEY_get_base_id(key) != EVP_PKEY_RSA) {
        *what = "is not an RSA key";
        return JR_INVALID;
    }

    n = NULL;
    e = NULL;
    rc = JR_NO_MEMORY;

    ERR_set_mark();

    if (EVP_PKEY_get_bn_param(key, OSSL_PKEY_PARAM_RSA_N, &n) == 1
        && EVP_PKEY_get_bn_param(key, OSSL_PKEY_PARAM_RSA_E, &e) == 1)
    {
        rc = jr_rsa_check_numbers(n, e, what);
    }

    ERR_pop_to_mark();

    BN_free(n);
    BN_free(e);

    return rc;
}


static jr_status_e
jr_rsa_check_numbers(const BIGNUM *n, const BIGNUM *e, const char **what)
{
    if (BN_num_bits(n) < JR_RSA_BITS_LEAST) {
        *what = "is an RSA key of less than 1024 bits";
        return JR_INVALID;
    }

    if (BN_num_bits(n) > JR_RSA_BITS_MOST) {
        *what = "is an RSA key of more than 8192 bits";
        return JR_INVALID;
    }

    if (!BN_is_odd(n) || !BN_is_odd(e) || BN_is_one(e)
        || BN_num_bits(e) > JR_RSA_EXPONENT)
    {
        *what = "is an RSA key with a modulus or an exponent that none has";
        return JR_INVALID;
    }

    return JR_OK;
}


jr_status_e
jr_rsa_read_jwk(jr_str_t n, jr_str_t e, EVP_PKEY **key, const char **what)
{
    size_t         nlen, elen;
    jr_status_e    rc;
    unsigned char  nbytes[JR_RSA_BYTES + 1], ebytes[JR_RSA_EXPONENT / 8 + 1];

    if (jr_base64_decode(n, JR_BASE64_URL, nbytes, sizeof(nbytes), &nlen)
        != JR_OK
        || jr_base64_decode(e, JR_BASE64_URL, ebytes, sizeof(ebytes), &elen)
           != JR_OK
        || nlen == 0 || elen == 0)
    {
        *what = "has an \"n\" or \"e\" that is not a number of an RSA key in "
                "base64url";
        return JR_INVALID;
    }

    ERR_set_mark();
    rc = jr_rsa_read_numbers((jr_str_t) { nlen, (const char *) nbytes },
                             (jr_str_t) { elen, (const char *) ebytes }, key,
                             what);
    ERR_pop_to_mark();

    return rc;
}


/* of bytes, the most significant first */

static jr_status_e
jr_rsa_read_numbers(jr_str_t n, jr_str_t e, EVP_PKEY **key, const char **what)
{
    BIGNUM       *modulus, *exponent;
    EVP_PKEY     *made;
    jr_status_e   rc;

    made = NULL;
    rc = JR_NO_MEMORY;
    modulus = BN_bin2bn((const unsigned char *) n.data, (int) n.len, NULL);
    exponent = BN_bin2bn((const unsigned char *) e.data, (int) e.len, NULL);

    if (modulus != NULL && exponent != NULL) {
        rc = jr_rsa_check_numbers(modulus, exponent, what);
    }

    if (rc == JR_OK) {
        made = jr_rsa_key(modulus, exponent);
        rc = made != NULL ? JR_OK : JR_NO_MEMORY;
    }

    BN_free(modulus);
    BN_free(exponent);

    if (rc == JR_OK) {
        *key = made;
    }

    return rc;
}


static EVP_PKEY *
jr_rsa_key(BIGNUM *n, BIGNUM *e)
{
    EVP_PKEY        *key;
    OSSL_PARAM      *params;
    OSSL_PARAM_BLD  *build;

    key = NULL;
    build = OSSL_PARAM_BLD_new();

    if (build == NULL) {
        return NULL;
    }

    if (OSSL_PARAM_BLD_push_BN(build, OSSL_PKEY_PARAM_RSA_N, n) == 1
        && OSSL_PARAM_BLD_push_BN(build, OSSL_PKEY_PARAM_RSA_E, e) == 1)
    {
        params = OSSL_PARAM_BLD_to_param(build);

        if (params != NULL) {
            key = jr_rsa_key_of(params);
            OSSL_PARAM_free(params);
        }
    }

    OSSL_PARAM_BLD_free(build);

    return key;
}


static EVP_PKEY *
jr_rsa_key_of(OSSL_PARAM *params)
{
    EVP_PKEY      *key;
    EVP_PKEY_CTX  *ctx;

    key = NULL;
    ctx = EVP_PKEY_CTX_new_from_name(NULL, "RSA", NULL);

    if (ctx != NULL
        && (EVP_PKEY_fromdata_init(ctx) != 1
            || EVP_PKEY_fromdata(ctx, &key, EVP_PKEY_PUBLIC_KEY, params) != 1))
    {
        EVP_PKEY_free(key);
        key = NULL;
    }

    EVP_PKEY_CTX_free(ctx);

    return key;
}


unsigned
jr_rsa_bits(const EVP_PKEY *key)
{
    int  bits;

    bits = EVP_PKEY_get_bits(key);

    return bits > 0 ? (unsigned) bits : 0;
}


EVP_PKEY_CTX *
jr_rsa_verifier(EVP_PKEY *key)
{
    EVP_PKEY_CTX  *ctx;

    ERR_set_mark();

    ctx = EVP_PKEY_CTX_new(key, NULL);

    if (ctx != NULL
        && (EVP_PKEY_verify_init(ctx) != 1
            || EVP_PKEY_CTX_set_rsa_padding(ctx, RSA_PKCS1_PADDING) != 1
            || EVP_PKEY_CTX_set_signature_md(ctx, EVP_sha256()) != 1))
    {
        EVP_PKEY_CTX_free(ctx);
        ctx = NULL;
    }

    ERR_pop_to_mark();

    return ctx;
}


jr_status_e
jr_rsa_verify(EVP_PKEY_CTX *verifier, const jr_digest_t *md,
    const unsigned char *signature, size_t len)
{
    int  size, rc;

    /* one of another length cannot be the key's, and costs nothing */

    size = EVP_PKEY_get_size(EVP_PKEY_CTX_get0_pkey(verifier));

    if (size <= 0 || len != (size_t) size) {
        return JR_INVALID;
    }

    ERR_set_mark();
    rc = EVP_PKEY_verify(verifier, signature, len, md->bytes, JR_DIGEST_LEN);
    ERR_pop_to_mark();

    return rc == 1 ? JR_OK : JR_INVALID;
}


jr_status_e
jr_rsa_fingerprint(const EVP_PKEY *key, char *dst)
{
    int             der_len, done;
    char            hex[32];
    size_t          i;
    unsigned        n;
    unsigned char  *der, md[EVP_MAX_MD_SIZE];

    ERR_set_mark();

    der = NULL;
    der_len = i2d_PUBKEY(key, &der);
    done = der_len > 0
           && EVP_Digest(der, (size_t) der_len, md, &n, EVP_md5(), NULL) == 1
           && n == 16;

    OPENSSL_free(der);
    ERR_pop_to_mark();

    if (!done) {
        return JR_NO_MEMORY;
    }

    (void) jr_hex(hex, md, 16, JR_HEX_LOWER);

    for (i = 0; i < 16; i++) {
        dst[3 * i] = hex[2 * i];
        dst[3 * i + 1] = hex[2 * i + 1];

        if (i < 15) {
            dst[3 * i + 2] = ':';
        }
    }

    return JR_OK;
}
