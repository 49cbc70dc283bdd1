/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Checking the hash of a record.
 */

#ifndef JR_CHAIN_CHECK_H_INCLUDED
#define JR_CHAIN_CHECK_H_INCLUDED

#include "jr_chain.h"


/*
 * Is the hash of the line right, over its bytes as they stand there?
 * JR_INVALID: it is not.  A keyed line needs mac, which must not be NULL then.
 */
jr_status_e jr_chain_check(const char *line, const jr_chain_link_t *link,
    const jr_mac_t *mac);


#endif /* JR_CHAIN_CHECK_H_INCLUDED */
