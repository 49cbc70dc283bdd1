/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Public keys by name, from files: those of users, by keyId, and those of an
 * issuer of session tokens, by kid.
 *
 *   create, add (each file), seal     then find, as often as one likes
 *
 * A set does not change once it is sealed.  Whoever reads the files again makes
 * another one and puts it in the place of the first, whole or not at all: a
 * file that is broken changes nothing.  What find() returns lives as long as
 * its set, so it is not to be kept across a turn of the event loop.
 */

#ifndef JR_AUTH_KEYS_H_INCLUDED
#define JR_AUTH_KEYS_H_INCLUDED

#include <stdint.h>

#include "jr_rsa.h"
#include "jr_status.h"
#include "jr_str.h"


/* bytes of a file that its reader need take, and keys of a set */
#define JR_AUTH_KEYS_FILE  (16 * 1024 * 1024)
#define JR_AUTH_KEYS_MOST  100000

/* bytes of a name, and of its tenancy and user */
#define JR_AUTH_KEYS_ID    1024
#define JR_AUTH_KEYS_NAME  255

#define JR_AUTH_KEYS_ERROR 1024


typedef enum {
    JR_AUTH_KEYS_OF_USERS = 0,  /* names are <tenancy>/<user>/<fingerprint>;
                                   every entry has to be good */
    JR_AUTH_KEYS_OF_ISSUER      /* a JWKS, of whose entries those for other
                                   uses are passed over (RFC 7517, 5) */
} jr_auth_keys_kind_e;


typedef struct {
    jr_str_t       id;          /* NUL-terminated */
    jr_str_t       tenancy;     /* in id; of an issuer's keys empty */
    jr_str_t       user;
    EVP_PKEY      *pkey;
    EVP_PKEY_CTX  *verifier;    /* NULL until it is first used */
    unsigned       bits;
    int64_t        not_after;   /* seconds since 1970; 0: for ever */
    unsigned       active:1;
    unsigned       file;        /* the n-th that was added, from 0 */
    unsigned       entry;       /* of it, from 1 */
} jr_auth_key_t;

typedef struct jr_auth_keys_s  jr_auth_keys_t;


/* NULL: no memory. */
jr_auth_keys_t *jr_auth_keys_create(jr_auth_keys_kind_e kind);

/*
 * Adds the keys of a file, which is called file in what is said of it:
 *
 *   {"data": [...]}, [...]   what OCI's ListApiKeys responds, with members in
 *                            the spelling of the CLI ("key-id", "key-value",
 *                            "lifecycle-state") or of the API ("keyId" ...)
 *   {"keys": [...]}          a JWKS; its "kid" is the keyId
 *
 * An entry may have "not-after" ("notAfter"): an RFC 3339 date-time in UTC, or
 * seconds since 1970, from which on it is not valid.  Of an issuer's keys only
 * a JWKS will do.
 *
 * JR_INVALID: error says which file and entry, and what is wrong.  After
 * anything but JR_OK the set is only to be freed.
 */
jr_status_e jr_auth_keys_add(jr_auth_keys_t *keys, const char *file,
    jr_str_t text, char error[JR_AUTH_KEYS_ERROR]);

/* Sorts them.  JR_INVALID: one name is there twice, and error says where. */
jr_status_e jr_auth_keys_seal(jr_auth_keys_t *keys,
    char error[JR_AUTH_KEYS_ERROR]);

/* NULL: there is none of that name.  Allocates nothing. */
jr_auth_key_t *jr_auth_keys_find(const jr_auth_keys_t *keys, jr_str_t id);

/*
 * Whether that is the key's signature of the digest.  JR_NO_MEMORY: nobody
 * knows.
 */
jr_status_e jr_auth_keys_verify(jr_auth_key_t *key, const jr_digest_t *md,
    const unsigned char *signature, size_t len);

/* All of them, in the order of their names, and how many. */
const jr_auth_key_t *jr_auth_keys_all(const jr_auth_keys_t *keys, size_t *n);

/* the name that a file was added by */
const char *jr_auth_keys_file(const jr_auth_keys_t *keys, unsigned file);

/* NULL is fine. */
void jr_auth_keys_free(jr_auth_keys_t *keys);


#endif /* JR_AUTH_KEYS_H_INCLUDED */
