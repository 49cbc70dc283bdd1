/* SPDX-License-Identifier: BSD-2-Clause
 *
 * SHA-256 from libcrypto.  The algorithm is fetched once per process, and one
 * context is kept from digest to digest: an implicit fetch costs more than
 * the digest of a small body, and a new context as much as two of its blocks.
 *
 * Both are exchanged in one step, since large bodies are digested in threads:
 * a context belongs to whoever has taken it.
 */

#include <stdatomic.h>
#include <string.h>

#include <openssl/evp.h>

#include "jr_decimal.h"
#include "jr_digest.h"
#include "jr_hex.h"


/* of parts, gathered so that most lists are one piece to libcrypto */
#define JR_DIGEST_GATHER  512

/* a hasher is nothing but libcrypto's context, so it needs no memory of
   its own; the struct only gives the pointer a type */
#define jr_hasher_ctx(hasher)  ((EVP_MD_CTX *) (void *) (hasher))


/* a context that nobody uses, for the life of the process; NULL: none */
static _Atomic(EVP_MD_CTX *)  jr_digest_spare;


static EVP_MD_CTX *jr_digest_context(void);
static const EVP_MD *jr_digest_algorithm(void);


jr_status_e
jr_digest(const void *data, size_t len, jr_digest_t *md)
{
    jr_status_e   rc;
    jr_hasher_t  *hasher;

    rc = jr_digest_begin(&hasher);
    if (rc != JR_OK) {
        return rc;
    }

    rc = jr_digest_update(hasher, data, len);
    if (rc != JR_OK) {
        jr_digest_abort(hasher);
        return rc;
    }

    return jr_digest_final(hasher, md);
}


jr_status_e
jr_digest_parts(const jr_str_t *parts, size_t n, jr_digest_t *md)
{
    char         *p, *last, text[JR_DIGEST_GATHER];
    size_t        i;
    jr_status_e   rc;
    jr_hasher_t  *hasher;

    rc = jr_digest_begin(&hasher);
    if (rc != JR_OK) {
        return rc;
    }

    p = text;
    last = text + JR_DIGEST_GATHER;

    for (i = 0; i < n && rc == JR_OK; i++) {

        if ((size_t) (last - p) < JR_DECIMAL_LEN + 1) {
            rc = jr_digest_update(hasher, text, (size_t) (p - text));
            p = text;
        }

        p = jr_decimal(p, parts[i].len);
        *p++ = ':';

        if (parts[i].len <= (size_t) (last - p)) {
            if (parts[i].len) {
                memcpy(p, parts[i].data, parts[i].len);
                p += parts[i].len;
            }

            continue;
        }

        if (rc == JR_OK) {
            rc = jr_digest_update(hasher, text, (size_t) (p - text));
            p = text;
        }

        if (rc == JR_OK) {
            rc = jr_digest_update(hasher, parts[i].data, parts[i].len);
        }
    }

    if (rc == JR_OK) {
        rc = jr_digest_update(hasher, text, (size_t) (p - text));
    }

    if (rc != JR_OK) {
        jr_digest_abort(hasher);
        return rc;
    }

    return jr_digest_final(hasher, md);
}


char *
jr_digest_hex(const jr_digest_t *md, char *dst)
{
    return jr_hex(dst, md->bytes, JR_DIGEST_LEN, JR_HEX_LOWER);
}


jr_status_e
jr_digest_begin(jr_hasher_t **hasher)
{
    EVP_MD_CTX  *ctx;

    ctx = jr_digest_context();
    if (ctx == NULL) {
        return JR_NO_MEMORY;
    }

    /* NULL: the algorithm that it has */

    if (EVP_DigestInit_ex2(ctx, NULL, NULL) != 1) {
        EVP_MD_CTX_free(ctx);
        return JR_NO_MEMORY;
    }

    *hasher = (jr_hasher_t *) (void *) ctx;

    return JR_OK;
}


/* the spare one, or a new one */

static EVP_MD_CTX *
jr_digest_context(void)
{
    EVP_MD_CTX    *ctx;
    const EVP_MD  *algorithm;

    ctx = atomic_exchange(&jr_digest_spare, NULL);

    if (ctx != NULL) {
        return ctx;
    }

    algorithm = jr_digest_algorithm();
    if (algorithm == NULL) {
        return NULL;
    }

    ctx = EVP_MD_CTX_new();
    if (ctx == NULL) {
        return NULL;
    }

    if (EVP_DigestInit_ex2(ctx, algorithm, NULL) != 1) {
        EVP_MD_CTX_free(ctx);
        return NULL;
    }

    return ctx;
}


static const EVP_MD *
jr_digest_algorithm(void)
{
    EVP_MD  *md, *first;

    /* kept for the life of the process; a failed fetch is tried again */

    static _Atomic(EVP_MD *)  kept;

    md = atomic_load(&kept);

    if (md != NULL) {
        return md;
    }

    md = EVP_MD_fetch(NULL, "SHA256", NULL);
    first = NULL;

    if (md != NULL && !atomic_compare_exchange_strong(&kept, &first, md)) {
        EVP_MD_free(md);
        return first;
    }

    return md;
}


jr_status_e
jr_digest_update(jr_hasher_t *hasher, const void *data, size_t len)
{
    return EVP_DigestUpdate(jr_hasher_ctx(hasher), data, len) == 1
           ? JR_OK : JR_NO_MEMORY;
}


jr_status_e
jr_digest_final(jr_hasher_t *hasher, jr_digest_t *md)
{
    int  ok;

    ok = EVP_DigestFinal_ex(jr_hasher_ctx(hasher), md->bytes, NULL);

    jr_digest_abort(hasher);

    return ok == 1 ? JR_OK : JR_NO_MEMORY;
}


void
jr_digest_abort(jr_hasher_t *hasher)
{
    if (hasher == NULL) {
        return;
    }

    EVP_MD_CTX_free(atomic_exchange(&jr_digest_spare,
                                    jr_hasher_ctx(hasher)));
}
