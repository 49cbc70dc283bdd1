/* SPDX-License-Identifier: BSD-2-Clause
 *
 * What a file of keys says, an entry at a time; jr_auth_keys.h has the forms.
 */

#ifndef JR_AUTH_KEYS_READ_H_INCLUDED
#define JR_AUTH_KEYS_READ_H_INCLUDED

#include <jansson.h>

#include "jr_auth_keys.h"
#include "jr_text.h"


/* Takes an entry's key over where it returns JR_OK; id is to be copied.
   JR_INVALID: its name is not one. */
typedef jr_status_e (*jr_auth_keys_take_pt)(void *data,
    const jr_auth_key_t *key);

/* JR_INVALID: said is what is wrong, behind what stands there. */
jr_status_e jr_auth_keys_read(jr_str_t text, jr_auth_keys_kind_e kind,
    jr_auth_keys_take_pt take, void *data, jr_text_t *said);

/*
 * The RSA key of a JWK that is for RS256 signatures, or may be.  JR_INVALID:
 * *what is what is wrong ("is ...").
 */
jr_status_e jr_auth_keys_read_jwk(const json_t *jwk, EVP_PKEY **key,
    const char **what);


#endif /* JR_AUTH_KEYS_READ_H_INCLUDED */
