/* SPDX-License-Identifier: BSD-2-Clause
 *
 * RSA public keys, and RSASSA-PKCS1-v1_5 with SHA-256 (RFC 8017, 8.2), from
 * libcrypto.
 *
 * No function leaves anything in libcrypto's queue of errors: NGINX's TLS
 * would take it for an error of its own.
 */

#ifndef JR_RSA_H_INCLUDED
#define JR_RSA_H_INCLUDED

#include <openssl/evp.h>

#include "jr_digest.h"
#include "jr_status.h"
#include "jr_str.h"


/* A larger modulus or exponent makes a signature of a client's choice as dear
   as its owner likes; a smaller modulus is no key at all. */
#define JR_RSA_BITS_LEAST   1024
#define JR_RSA_BITS_MOST    8192
#define JR_RSA_EXPONENT     32      /* bits */

#define JR_RSA_BYTES        (JR_RSA_BITS_MOST / 8)

/* "4b:cc:0e:..." of 16 bytes */
#define JR_RSA_FINGERPRINT  47


/*
 * Reads one key in PEM, "-----BEGIN PUBLIC KEY-----"; text behind it does not
 * count.  *key is the caller's, for EVP_PKEY_free().  JR_INVALID: *what is
 * what is wrong, to be said behind its name: "is ..." (static text).
 */
jr_status_e jr_rsa_read_pem(jr_str_t pem, EVP_PKEY **key, const char **what);

/* The same of a JWK's "n" and "e" (RFC 7518, 6.3.1): in base64url. */
jr_status_e jr_rsa_read_jwk(jr_str_t n, jr_str_t e, EVP_PKEY **key,
    const char **what);

unsigned jr_rsa_bits(const EVP_PKEY *key);

/*
 * What verifies with a key, as often as one likes: to make it costs as much as
 * a tenth of a signature.  It holds the key, and is the caller's, for
 * EVP_PKEY_CTX_free().  NULL: no memory.
 */
EVP_PKEY_CTX *jr_rsa_verifier(EVP_PKEY *key);

/* JR_INVALID: it is not a signature of the digest by the verifier's key. */
jr_status_e jr_rsa_verify(EVP_PKEY_CTX *verifier, const jr_digest_t *md,
    const unsigned char *signature, size_t len);

/*
 * MD5 of the SubjectPublicKeyInfo, as OCI's console shows it: a name, nothing
 * that anybody is let in by.  Writes JR_RSA_FINGERPRINT characters, no NUL.
 */
jr_status_e jr_rsa_fingerprint(const EVP_PKEY *key, char *dst);


#endif /* JR_RSA_H_INCLUDED */
