/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Checking the hash of a record.
 */

#include <string.h>

#include "jr_chain_check.h"


jr_status_e
jr_chain_check(const char *line, const jr_chain_link_t *link,
    const jr_mac_t *mac)
{
    char         hex[JR_DIGEST_HEX];
    jr_status_e  rc;

    rc = jr_chain_hash(link->keyed ? mac : NULL, line, link->hashed, hex);
    if (rc != JR_OK) {
        return rc;
    }

    return memcmp(hex, link->hash.data, JR_DIGEST_HEX) == 0 ? JR_OK
                                                            : JR_INVALID;
}
