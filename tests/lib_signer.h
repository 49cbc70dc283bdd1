/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Signs what tests verify: requests and JWTs, with keys that are made when
 * they are first asked for.
 */

#ifndef LIB_SIGNER_H_INCLUDED
#define LIB_SIGNER_H_INCLUDED

#include <stddef.h>
#include <openssl/evp.h>


/* an RSA key of so many bits, the same at each call; not to be freed */
EVP_PKEY *signer_key(unsigned bits);

/* the same, but the n-th of that size */
EVP_PKEY *signer_key_n(unsigned bits, unsigned n);

void signer_free(void);

/*
 * All texts are NUL-terminated, and to be free()d.
 */

/* PKCS#1 v1.5 with SHA-256, in base64, or in base64url without padding */
char *signer_sign(EVP_PKEY *key, const void *data, size_t len, int url);

/* "-----BEGIN PUBLIC KEY-----" ... */
char *signer_pem(EVP_PKEY *key);

/* the same as a string within JSON, without its quotes */
char *signer_pem_json(EVP_PKEY *key);

/* {"kty":"RSA","n":...,"e":...} and more members, in front of which a comma
   stands */
char *signer_jwk(EVP_PKEY *key, const char *more);

/* a JWT of both as JSON, signed by key */
char *signer_jwt(EVP_PKEY *key, const char *header, const char *claims);

/* base64 of bytes; url: base64url without padding */
char *signer_base64(const void *data, size_t len, int url);


#endif /* LIB_SIGNER_H_INCLUDED */
