/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Verifying audit files: are all chains whole, and does every attempt that
 * was begun have its end?
 *
 * Files may come in any order: each chain's piece of a file is checked as it
 * is read, and the pieces are joined at the end.  Memory grows with chains,
 * with pieces of chains, and with attempts that were begun and not ended.
 */

#ifndef JR_VERIFY_H_INCLUDED
#define JR_VERIFY_H_INCLUDED

#include <stddef.h>
#include <stdint.h>

#include "jr_chain.h"
#include "jr_status.h"


/*
 * What verifying can find.  A fault is something that a gateway never writes;
 * the rest has an innocent cause (a crash, a full disk, a gateway that is
 * running) or could be one: the cut tail of a chain that was never closed
 * cannot be told from a crash.
 */
typedef enum {
    /* faults */
    JR_VERIFY_FOREIGN = 0,      /* a line that is no record of a chain */
    JR_VERIFY_CHANGED,          /* its hash is not that of its bytes */
    JR_VERIFY_LINK,             /* it or the one before it was changed */
    JR_VERIFY_MISSING,          /* records from..to are not where they were */
    JR_VERIFY_ORDER,            /* it stands behind a later one, or twice */
    JR_VERIFY_HEAD,             /* the chain has records 0..to elsewhere */
    JR_VERIFY_CLOSED,           /* it stands behind the end of its chain */
    JR_VERIFY_COUNT,            /* the end of the chain tells another count */
    JR_VERIFY_UNKEYED,          /* hashed without a key, beside keyed ones */
    JR_VERIFY_OTHER_KEY,        /* the chain names a key that is not given,
                                   and others are */
    JR_VERIFY_UNBEGUN,          /* an end of an attempt that never began */
    JR_VERIFY_FAULTS,           /* no finding: how many kinds of faults */

    /* cannot be decided */
    JR_VERIFY_KEY = JR_VERIFY_FAULTS,   /* the chain needs a key, and none is
                                           given */

    /* to look into */
    JR_VERIFY_UNENDED,          /* an attempt that was begun and not ended */
    JR_VERIFY_TORN,             /* a record that was not written whole */
    JR_VERIFY_LOST,             /* the gateway could not write lost records */
    JR_VERIFY_UNCLOSED,         /* running, killed, or its tail is cut */
    JR_VERIFY_BEFORE_KEY,       /* the chain has no key, and may have none */
    JR_VERIFY_KINDS
} jr_verify_kind_e;


/* A place in a file: what jr_verify_file() was told, and the line from 1. */
typedef struct {
    unsigned          file;
    uint64_t          line;
} jr_verify_place_t;


typedef struct {
    jr_verify_kind_e  kind;
    jr_verify_place_t place;
    jr_str_t          chain;    /* its id; data NULL: none */
    uint64_t          seq;      /* of the record at that place */
    uint64_t          from;     /* JR_VERIFY_MISSING, _ORDER (expected) */
    uint64_t          to;
    uint64_t          lost;
    jr_str_t          key;      /* JR_VERIFY_KEY, _OTHER_KEY: its id; data
                                   NULL: the chain's opening is not given */
    jr_str_t          attempt;  /* JR_VERIFY_UNENDED, _UNBEGUN */
    jr_str_t          request_id;
    jr_str_t          time;
} jr_verify_finding_t;


typedef struct {
    uint64_t          records;
    uint64_t          begun;
    uint64_t          ended;
    uint64_t          chains;
    uint64_t          folded;   /* refusals that have no record of their own */
    uint64_t          found[JR_VERIFY_KINDS];
} jr_verify_count_t;


typedef struct jr_verify_s  jr_verify_t;

/* Called for each finding; what it points to lives only meanwhile. */
typedef void (*jr_verify_report_pt)(void *data,
    const jr_verify_finding_t *finding);


/* partial: a chain may begin in a file that is not given. */
jr_status_e jr_verify_create(int partial, jr_verify_report_pt report,
    void *data, jr_verify_t **verify);

/*
 * One of the keys that chains may be sealed with; mac stays the caller's and
 * must live as long as verify.  JR_NO_MEMORY also beyond JR_VERIFY_KEYS.
 */
jr_status_e jr_verify_key(jr_verify_t *verify, const jr_mac_t *mac);

#define JR_VERIFY_KEYS  64

/*
 * Chains without a key are no fault beside keyed ones.  Otherwise only those
 * are not whose configuration was read before one that introduced a key, as
 * the sealed opening of a chain says.
 */
void jr_verify_unkeyed(jr_verify_t *verify);

/* From now on lines are of this file, counted from 1. */
void jr_verify_file(jr_verify_t *verify, unsigned file);

/* The next line, without its line end; a torn one may hold a whole record
   behind what is torn.  JR_NO_MEMORY: verifying cannot go on. */
jr_status_e jr_verify_line(jr_verify_t *verify, const char *line,
    size_t len);

/* No more files: reports what only all of them can tell. */
jr_status_e jr_verify_end(jr_verify_t *verify);

const jr_verify_count_t *jr_verify_count(const jr_verify_t *verify);

/* NULL is fine. */
void jr_verify_free(jr_verify_t *verify);


#endif /* JR_VERIFY_H_INCLUDED */
