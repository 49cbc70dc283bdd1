/* SPDX-License-Identifier: BSD-2-Clause
 *
 * HMAC-SHA-256 (RFC 2104, FIPS 198-1) from libcrypto.
 */

#ifndef JR_MAC_H_INCLUDED
#define JR_MAC_H_INCLUDED

#include <stddef.h>

#include "jr_digest.h"
#include "jr_status.h"
#include "jr_str.h"


/* bytes of a key; fewer than the hash has can be guessed more easily than
   the hash (RFC 2104, 3) */
#define JR_MAC_KEY_LEAST  32
#define JR_MAC_KEY_MOST   4096

/* hex digits of a key's id */
#define JR_MAC_ID         16


typedef struct jr_mac_s  jr_mac_t;


/* *mac is to be freed with jr_mac_free(); the key is copied. */
jr_status_e jr_mac_create(jr_str_t key, jr_mac_t **mac);

jr_status_e jr_mac_compute(const jr_mac_t *mac, const void *data, size_t len,
    jr_digest_t *md);

/*
 * Names the key without giving it away: the first JR_MAC_ID hex digits of the
 * HMAC of a constant, to hex.
 */
jr_status_e jr_mac_id(const jr_mac_t *mac, char *hex);

void jr_mac_free(jr_mac_t *mac);


#endif /* JR_MAC_H_INCLUDED */
