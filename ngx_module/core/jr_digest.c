/*
 * SHA-256 from libcrypto.  EVP_sha256() is fetched once per process: an
 * implicit fetch per digest costs more than the digest of a small body.
 */

#include <stdlib.h>

#include <openssl/evp.h>

#include "jr_decimal.h"
#include "jr_digest.h"


/* a hasher is nothing but libcrypto's context, so it needs no memory of
   its own; the struct only gives the pointer a type */
#define jr_hasher_ctx(hasher)  ((EVP_MD_CTX *) (void *) (hasher))


static const EVP_MD *
jr_digest_algorithm(void)
{
    static EVP_MD  *md;

    /* kept for the life of the process; a failed fetch is tried again */

    if (md == NULL) {
        md = EVP_MD_fetch(NULL, "SHA256", NULL);
    }

    return md;
}


jr_status_e
jr_digest(const void *data, size_t len, jr_digest_t *md)
{
    const EVP_MD  *algorithm;

    algorithm = jr_digest_algorithm();

    if (algorithm == NULL
        || EVP_Digest(data, len, md->bytes, NULL, algorithm, NULL) != 1)
    {
        return JR_NO_MEMORY;
    }

    return JR_OK;
}


jr_status_e
jr_digest_parts(const jr_str_t *parts, size_t n, jr_digest_t *md)
{
    char         *p, text[JR_DECIMAL_LEN + 1];
    size_t        i;
    jr_status_e   rc;
    jr_hasher_t  *hasher;

    rc = jr_hasher_create(&hasher);
    if (rc != JR_OK) {
        return rc;
    }

    for (i = 0; i < n; i++) {

        p = jr_decimal(text, parts[i].len);
        *p++ = ':';

        rc = jr_hasher_update(hasher, text, (size_t) (p - text));

        if (rc == JR_OK && parts[i].len) {
            rc = jr_hasher_update(hasher, parts[i].data, parts[i].len);
        }

        if (rc != JR_OK) {
            jr_hasher_abort(hasher);
            return rc;
        }
    }

    return jr_hasher_final(hasher, md);
}


char *
jr_digest_hex(const jr_digest_t *md, char *dst)
{
    size_t  i;

    static const char  hex[] = "0123456789abcdef";

    for (i = 0; i < JR_DIGEST_LEN; i++) {
        *dst++ = hex[md->bytes[i] >> 4];
        *dst++ = hex[md->bytes[i] & 0xf];
    }

    return dst;
}


jr_status_e
jr_hasher_create(jr_hasher_t **hasher)
{
    EVP_MD_CTX    *ctx;
    const EVP_MD  *algorithm;

    algorithm = jr_digest_algorithm();
    if (algorithm == NULL) {
        return JR_NO_MEMORY;
    }

    ctx = EVP_MD_CTX_new();
    if (ctx == NULL) {
        return JR_NO_MEMORY;
    }

    if (EVP_DigestInit_ex2(ctx, algorithm, NULL) != 1) {
        EVP_MD_CTX_free(ctx);
        return JR_NO_MEMORY;
    }

    *hasher = (jr_hasher_t *) (void *) ctx;

    return JR_OK;
}


jr_status_e
jr_hasher_update(jr_hasher_t *hasher, const void *data, size_t len)
{
    return EVP_DigestUpdate(jr_hasher_ctx(hasher), data, len) == 1
           ? JR_OK : JR_NO_MEMORY;
}


jr_status_e
jr_hasher_final(jr_hasher_t *hasher, jr_digest_t *md)
{
    int  ok;

    ok = EVP_DigestFinal_ex(jr_hasher_ctx(hasher), md->bytes, NULL);

    EVP_MD_CTX_free(jr_hasher_ctx(hasher));

    return ok == 1 ? JR_OK : JR_NO_MEMORY;
}


void
jr_hasher_abort(jr_hasher_t *hasher)
{
    EVP_MD_CTX_free(jr_hasher_ctx(hasher));
}
