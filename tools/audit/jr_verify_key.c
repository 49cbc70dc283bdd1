/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Keys of chains.  A chain has one key for all its life, or none; its opening
 * names it.  Where the opening was not read yet, since files come in any
 * order, the key is the one that a record fits.
 */

#include <string.h>

#include "jr_chain_check.h"
#include "jr_verify_state.h"


/* what the opening of a chain says where a key was introduced by a reload */
#define JR_VERIFY_NO_KEY  "none"


static const jr_mac_t *jr_verify_key_named(jr_verify_t *v, jr_str_t id);
static int jr_verify_is_opening(const char *line, size_t len);
static int jr_verify_time(const char *line, size_t len, const char *name,
    char *time);


jr_status_e
jr_verify_key(jr_verify_t *verify, const jr_mac_t *mac)
{
    jr_status_e       rc;
    jr_verify_key_t  *key;

    if (verify->nkeys == JR_VERIFY_KEYS) {
        return JR_NO_MEMORY;
    }

    key = &verify->keys[verify->nkeys];

    rc = jr_mac_id(mac, key->id);

    if (rc == JR_OK) {
        key->mac = mac;
        verify->nkeys++;
    }

    return rc;
}


void
jr_verify_unkeyed(jr_verify_t *verify)
{
    verify->unkeyed = 1;
}


static const jr_mac_t *
jr_verify_key_named(jr_verify_t *v, jr_str_t id)
{
    size_t  i;

    for (i = 0; i < v->nkeys; i++) {
        if (id.len == JR_MAC_ID
            && memcmp(v->keys[i].id, id.data, JR_MAC_ID) == 0)
        {
            return v->keys[i].mac;
        }
    }

    return NULL;
}


jr_status_e
jr_verify_hash(jr_verify_t *v, const char *line, size_t len,
    const jr_chain_link_t *link)
{
    size_t              i;
    jr_str_t            id;
    jr_status_e         rc;
    const jr_mac_t     *mac;
    jr_verify_chain_t  *chain;

    v->fits = NULL;

    if (!link->keyed) {
        return jr_chain_check(line, link, NULL);
    }

    chain = jr_verify_chain_find(v, link->id);
    mac = chain ? chain->mac : NULL;

    if (mac == NULL && chain != NULL && chain->key_len) {
        /* it names a key that is not given */
        return JR_OK;
    }

    if (mac == NULL && jr_verify_is_opening(line, len)) {
        id = jr_verify_member(line, len, "keyId");
        mac = jr_verify_key_named(v, id);

        if (mac == NULL && id.len) {
            return JR_OK;
        }
    }

    if (mac != NULL) {
        rc = jr_chain_check(line, link, mac);
        v->fits = rc == JR_OK ? mac : NULL;
        return rc;
    }

    for (i = 0; i < v->nkeys; i++) {
        rc = jr_chain_check(line, link, v->keys[i].mac);

        if (rc != JR_INVALID) {
            v->fits = rc == JR_OK ? v->keys[i].mac : NULL;
            return rc;
        }
    }

    return v->nkeys ? JR_INVALID : JR_OK;
}


void
jr_verify_chain_key(jr_verify_t *v, jr_verify_chain_t *chain,
    const char *line, size_t len, const jr_chain_link_t *link, int right)
{
    char      time[JR_VERIFY_TIME];
    jr_str_t  id;

    if (right && link->keyed && chain->mac == NULL) {
        chain->mac = v->fits;
    }

    if (chain->opened) {
        return;
    }

    if (!jr_verify_is_opening(line, len)) {

        if (chain->npieces == 0) {
            /* it was configured before that at least */
            (void) jr_verify_time(line, len, "eventTime", chain->configured);
        }

        return;
    }

    chain->opened = 1;

    if (jr_verify_time(line, len, "configured", time)) {
        memcpy(chain->configured, time, JR_VERIFY_TIME);
    }

    id = jr_verify_member(line, len, "keyId");

    if (id.len == JR_MAC_ID) {
        memcpy(chain->key, id.data, JR_MAC_ID);
        chain->key_len = JR_MAC_ID;
    }

    id = jr_verify_member(line, len, "keyBefore");

    /* only what is sealed with a key that is given vouches for chains that
       have none */

    if (right && link->keyed && v->fits != NULL
        && id.len == sizeof(JR_VERIFY_NO_KEY) - 1
        && memcmp(id.data, JR_VERIFY_NO_KEY, id.len) == 0
        && memcmp(chain->configured, v->introduced, JR_VERIFY_TIME) > 0)
    {
        memcpy(v->introduced, chain->configured, JR_VERIFY_TIME);
    }
}


void
jr_verify_chain_key_end(jr_verify_t *v, jr_verify_chain_t *chain)
{
    int                  allowed;
    jr_verify_finding_t  finding;

    if (chain->keyed ? chain->mac != NULL : v->nkeys == 0) {
        return;
    }

    memset(&finding, 0, sizeof(jr_verify_finding_t));

    finding.chain = (jr_str_t) { JR_CHAIN_ID, chain->id };
    finding.place = chain->pieces[0].first_place;
    finding.seq = chain->pieces[0].first;

    if (!chain->keyed) {
        allowed = v->unkeyed
                  || (chain->configured[0] != '\0'
                      && memcmp(chain->configured, v->introduced,
                                JR_VERIFY_TIME)
                         < 0);

        jr_verify_found(v, &finding, allowed ? JR_VERIFY_BEFORE_KEY
                                             : JR_VERIFY_UNKEYED);
        return;
    }

    if (v->nkeys && chain->key_len == 0) {
        /* it fits no key that is given, which was said of each record */
        return;
    }

    if (chain->key_len) {
        finding.key = (jr_str_t) { chain->key_len, chain->key };
    }

    jr_verify_found(v, &finding, v->nkeys ? JR_VERIFY_OTHER_KEY
                                          : JR_VERIFY_KEY);
}


static int
jr_verify_is_opening(const char *line, size_t len)
{
    static const char  open[] = JR_CHAIN_OPEN;

    return len > sizeof(open) && memcmp(line, open, sizeof(open) - 1) == 0;
}


/* times are written alike, so they compare as bytes */

static int
jr_verify_time(const char *line, size_t len, const char *name, char *time)
{
    jr_str_t  value;

    value = jr_verify_member(line, len, name);

    if (value.len != JR_VERIFY_TIME) {
        return 0;
    }

    memcpy(time, value.data, JR_VERIFY_TIME);

    return 1;
}
