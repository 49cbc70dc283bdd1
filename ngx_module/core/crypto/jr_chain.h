/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Chains of audit records.
 *
 * Each record ends in a member of its own:
 *
 *   "chain":{"id":"<32 hex>","seq":7,"lost":2,"prev":"<64 hex>",
 *            "hash":"<64 hex>"}}
 *
 * hash is the SHA-256 of the line up to the comma before "hash"; with a key
 * the member is named "hmac" and is the HMAC-SHA-256 of the same bytes.
 * prev is the hash of the record before it in its chain, all zeros in the
 * first.  So no record can be changed, left out, moved or doubled without
 * breaking a hash or a link.  lost, where it stands, counts the records
 * before this one that could not be written.
 */

#ifndef JR_CHAIN_H_INCLUDED
#define JR_CHAIN_H_INCLUDED

#include <stddef.h>
#include <stdint.h>

#include "jr_digest.h"
#include "jr_mac.h"
#include "jr_status.h"
#include "jr_str.h"


#define JR_CHAIN_ID    32

/* bytes that jr_chain_seal() adds at most: names, three numbers, hashes */
#define JR_CHAIN_TAIL  (64 + JR_CHAIN_ID + 2 * 20 + 2 * JR_DIGEST_HEX)

/* how every record begins; inside a string its quotes would be escaped, so
   it stands nowhere else in a record */
#define JR_CHAIN_RECORD  "{\"eventType\":\""

/* what opens and closes a chain, and stands for refusals that were folded */
#define JR_CHAIN_OPEN      JR_CHAIN_RECORD JR_CHAIN_TYPE_OPEN "\""
#define JR_CHAIN_CLOSE     JR_CHAIN_RECORD JR_CHAIN_TYPE_CLOSE "\""
#define JR_CHAIN_REFUSALS  JR_CHAIN_RECORD JR_CHAIN_TYPE_REFUSALS "\""

#define JR_CHAIN_TYPE_OPEN      "jobruns-gateway.AuditChain.open"
#define JR_CHAIN_TYPE_CLOSE     "jobruns-gateway.AuditChain.close"
#define JR_CHAIN_TYPE_REFUSALS  "jobruns-gateway.RefusalsFolded"


/* A chain being written. */
typedef struct {
    char             id[JR_CHAIN_ID];
    char             last[JR_DIGEST_HEX];     /* hash of the record before */
    uint64_t         seq;                     /* of the next record */
    uint64_t         lost;
    const jr_mac_t  *mac;                     /* NULL: SHA-256 */
} jr_chain_t;


/* The member of a line that was read; the strings point into the line. */
typedef struct {
    jr_str_t         id;
    jr_str_t         prev;
    jr_str_t         hash;
    uint64_t         seq;
    uint64_t         lost;
    size_t           hashed;                  /* bytes that hash is of */
    unsigned         keyed:1;
} jr_chain_link_t;


/* id: JR_CHAIN_ID hex digits that no other chain has. */
void jr_chain_init(jr_chain_t *chain, const char *id, const jr_mac_t *mac);

/*
 * Adds the member to a line that is one JSON object without a line end, in a
 * buffer with room for JR_CHAIN_TAIL more bytes, and goes on behind it.
 * JR_NO_MEMORY: the chain is as it was, and the line of no use.
 */
jr_status_e jr_chain_seal(jr_chain_t *chain, char *line, size_t *len);

/*
 * The line sealed last cannot be written: the chain goes on before it again.
 * So several can be taken back, the last one first.
 */
void jr_chain_back(jr_chain_t *chain, const char *line, size_t len);

/* A record is not in the file, which the next one is to say. */
void jr_chain_lost(jr_chain_t *chain);

/* Where text of n bytes first stands in a line; NULL: nowhere. */
const char *jr_chain_find(const char *line, size_t len, const char *text,
    size_t n);

/* The member of a line, JR_INVALID: it has none.  No hash is checked. */
jr_status_e jr_chain_read(const char *line, size_t len,
    jr_chain_link_t *link);

/* The hash of len bytes of a line, JR_DIGEST_HEX digits to hex; with mac,
   unless NULL, the HMAC. */
jr_status_e jr_chain_hash(const jr_mac_t *mac, const char *line, size_t len,
    char *hex);


#endif /* JR_CHAIN_H_INCLUDED */
