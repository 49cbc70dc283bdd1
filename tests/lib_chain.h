/* SPDX-License-Identifier: BSD-2-Clause
 *
 * An audit file in memory, for the tests of chains: made, tampered with, and
 * verified.
 */

#ifndef LIB_CHAIN_H_INCLUDED
#define LIB_CHAIN_H_INCLUDED

#include <stddef.h>

#include "jr_chain.h"
#include "jr_mac.h"
#include "jr_verify.h"


#define CHAIN_LINES  16
#define CHAIN_SIZE   4096


/* an audit file in memory, and what verifying it found */
typedef struct {
    size_t               n;
    char                 line[CHAIN_LINES][CHAIN_SIZE];
    size_t               len[CHAIN_LINES];
    unsigned             found[JR_VERIFY_KINDS];
    jr_verify_finding_t  first[JR_VERIFY_KINDS];
} chain_file_t;


extern const char  chain_id[];
extern const char  chain_other_id[];
extern const char  chain_secret[];


jr_mac_t *chain_mac(const char *key);
void chain_add(chain_file_t *file, jr_chain_t *chain, const char *text);
void chain_add_attempt(chain_file_t *file, jr_chain_t *chain, unsigned n,
    const char *moment);
void chain_add_close(chain_file_t *file, jr_chain_t *chain, int wrong);
/* a chain of its opening, two attempts of two records, and its end */
void chain_make(chain_file_t *file, const char *id, const jr_mac_t *mac);
chain_file_t *chain_made(void);
void chain_report(void *data, const jr_verify_finding_t *finding);
void chain_verify(chain_file_t *file, const jr_mac_t *mac, int partial,
    size_t second);
/* verifies, and wants exactly one finding of that kind and no other */
const jr_verify_finding_t *chain_finds(chain_file_t *file,
    jr_verify_kind_e kind);
void chain_drop(chain_file_t *file, size_t i);
void chain_insert(chain_file_t *file, size_t i, const char *text, size_t len);
void chain_swap(chain_file_t *file, size_t i, size_t k);
void chain_nothing_found(chain_file_t *file);


#endif /* LIB_CHAIN_H_INCLUDED */
