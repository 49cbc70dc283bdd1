/* SPDX-License-Identifier: BSD-2-Clause
 *
 * One context with the key set stays as it is; each computation works on a
 * copy of it, which spares setting the key anew.
 */

#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/params.h>
#include <string.h>

#include "jr_mac.h"


/* a mac is nothing but libcrypto's context, so it needs no memory of its
   own; the struct only gives the pointer a type */
#define jr_mac_ctx(mac)  ((const EVP_MAC_CTX *) (const void *) (mac))


jr_status_e
jr_mac_create(jr_str_t key, jr_mac_t **mac)
{
    EVP_MAC      *algorithm;
    OSSL_PARAM    params[2];
    EVP_MAC_CTX  *ctx;

    static char  digest[] = "SHA256";

    algorithm = EVP_MAC_fetch(NULL, "HMAC", NULL);
    if (algorithm == NULL) {
        return JR_NO_MEMORY;
    }

    ctx = EVP_MAC_CTX_new(algorithm);

    /* the context holds a reference of its own */

    EVP_MAC_free(algorithm);

    if (ctx == NULL) {
        return JR_NO_MEMORY;
    }

    params[0] = OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST,
                                                 digest, 0);
    params[1] = OSSL_PARAM_construct_end();

    if (EVP_MAC_init(ctx, (const unsigned char *) key.data, key.len, params)
        != 1)
    {
        EVP_MAC_CTX_free(ctx);
        return JR_NO_MEMORY;
    }

    *mac = (jr_mac_t *) (void *) ctx;

    return JR_OK;
}


jr_status_e
jr_mac_compute(const jr_mac_t *mac, const void *data, size_t len,
    jr_digest_t *md)
{
    int           ok;
    size_t        n;
    jr_digest_t   result;
    EVP_MAC_CTX  *ctx;

    ctx = EVP_MAC_CTX_dup(jr_mac_ctx(mac));
    if (ctx == NULL) {
        return JR_NO_MEMORY;
    }

    /* written by EVP_MAC_final(), which clang does not see */
    n = 0;
    memset(&result, 0, sizeof(jr_digest_t));

    ok = EVP_MAC_update(ctx, data, len) == 1
         && EVP_MAC_final(ctx, result.bytes, &n, JR_DIGEST_LEN) == 1
         && n == JR_DIGEST_LEN;

    EVP_MAC_CTX_free(ctx);

    if (!ok) {
        return JR_NO_MEMORY;
    }

    *md = result;

    return JR_OK;
}


jr_status_e
jr_mac_id(const jr_mac_t *mac, char *hex)
{
    char         text[JR_DIGEST_HEX];
    jr_digest_t  md;
    jr_status_e  rc;

    static const char  what[] = "id of a key of jobruns_audit_key";

    rc = jr_mac_compute(mac, what, sizeof(what) - 1, &md);

    if (rc == JR_OK) {
        (void) jr_digest_hex(&md, text);
        memcpy(hex, text, JR_MAC_ID);
    }

    return rc;
}


void
jr_mac_free(jr_mac_t *mac)
{
    EVP_MAC_CTX_free((EVP_MAC_CTX *) (void *) mac);
}
