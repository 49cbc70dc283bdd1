/* SPDX-License-Identifier: BSD-2-Clause
 *
 * What verifying remembers.  Internal to jr_verify*.c.
 */

#ifndef JR_VERIFY_STATE_H_INCLUDED
#define JR_VERIFY_STATE_H_INCLUDED

#include "jr_verify.h"


/* longest request id and time that a finding repeats */
#define JR_VERIFY_ID    256
#define JR_VERIFY_TIME  24


/* The records of one chain in one file, first to last. */
typedef struct {
    jr_verify_place_t    first_place;
    jr_verify_place_t    last_place;
    uint64_t             first;
    uint64_t             last;
    char                 prev[JR_DIGEST_HEX];     /* of the first */
    char                 hash[JR_DIGEST_HEX];     /* of the last */
} jr_piece_t;


typedef struct {
    char                 id[JR_CHAIN_ID];         /* the key of its tree */
    jr_piece_t          *pieces;                  /* the last one grows */
    size_t               npieces;
    size_t               room;
    uint64_t             closed_at;               /* seq of its end */
    const jr_mac_t      *mac;                     /* NULL: not known */
    size_t               key_len;
    char                 key[JR_MAC_ID];          /* id that it names itself */
    char                 configured[JR_VERIFY_TIME];  /* or of the first
                                                     record seen */
    unsigned             closed:1;
    unsigned             keyed:1;                 /* its first record seen */
    unsigned             opened:1;                /* its opening was seen */
    unsigned             mixed:1;                 /* with and without a key:
                                                     said once */
} jr_verify_chain_t;


/* An attempt of which one of two records was seen. */
typedef struct {
    char                 id[JR_CHAIN_ID];         /* the key of its tree */
    jr_verify_place_t    place;
    char                 chain[JR_CHAIN_ID];
    uint64_t             seq;
    unsigned             ended:1;                 /* else begun */
    size_t               time_len;
    char                 time[JR_VERIFY_TIME];
    size_t               request_id_len;
    char                 request_id[];
} jr_verify_attempt_t;


typedef struct {
    const jr_mac_t      *mac;
    char                 id[JR_MAC_ID];
} jr_verify_key_t;


struct jr_verify_s {
    jr_verify_key_t      keys[JR_VERIFY_KEYS];
    size_t               nkeys;
    const jr_mac_t      *fits;                    /* of the record being
                                                     looked at */
    char                 introduced[JR_VERIFY_TIME];  /* the last time that a
                                                     key was; zeros: never */
    jr_verify_report_pt  report;
    void                *data;
    jr_verify_place_t    place;
    jr_verify_count_t    count;
    jr_verify_chain_t   *recent;                  /* chain of the last line */
    void                *chains;                  /* tsearch() trees, which */
    void                *attempts;                /* own their nodes */
    unsigned             partial:1;
    unsigned             unkeyed:1;
};


void jr_verify_found(jr_verify_t *v, jr_verify_finding_t *finding,
    jr_verify_kind_e kind);

/* jr_verify_key.c */

/*
 * Is the hash of a record right?  JR_INVALID: it is not, with any key that
 * its chain may have.  JR_OK also where the key is not given.
 */
jr_status_e jr_verify_hash(jr_verify_t *v, const char *line, size_t len,
    const jr_chain_link_t *link);

/* What a record says of the key of its chain; right: its hash is. */
void jr_verify_chain_key(jr_verify_t *v, jr_verify_chain_t *chain,
    const char *line, size_t len, const jr_chain_link_t *link, int right);

/* What is to be said of the key of a chain when all of it was seen. */
void jr_verify_chain_key_end(jr_verify_t *v, jr_verify_chain_t *chain);

/* jr_verify_chain.c */

/* the chain of that id; NULL: none was seen yet */
jr_verify_chain_t *jr_verify_chain_find(jr_verify_t *v, jr_str_t id);

/* A record, right: with a right hash, or one that cannot be checked; *placed:
   it stands where it belongs. */
jr_status_e jr_verify_chain_add(jr_verify_t *v, const char *line, size_t len,
    const jr_chain_link_t *link, int right, int *placed);
void jr_verify_chains_end(jr_verify_t *v);
void jr_verify_chains_free(jr_verify_t *v);

/* jr_verify_attempt.c */

/* One that is not placed may be double: it pairs, and awaits no other. */
jr_status_e jr_verify_attempt_add(jr_verify_t *v, const char *line,
    size_t len, const jr_chain_link_t *link, int placed);
void jr_verify_attempts_end(jr_verify_t *v);
void jr_verify_attempts_free(jr_verify_t *v);

/* The string member of that name, as it is spelled; data NULL: none. */
jr_str_t jr_verify_member(const char *line, size_t len, const char *name);


#endif /* JR_VERIFY_STATE_H_INCLUDED */
