/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Sealing records into a chain, and reading what was sealed.
 */

#include <string.h>

#include "jr_chain.h"
#include "jr_decimal.h"


/* digits of the largest uint64_t */
#define JR_CHAIN_DIGITS  20


static char *jr_chain_put(char *p, const char *text);
static char *jr_chain_copy(char *p, const char *data, size_t len);
static int jr_chain_text(const char **p, const char *end, const char *text);
static int jr_chain_hex(const char **p, const char *end, size_t len,
    jr_str_t *value);
static int jr_chain_number(const char **p, const char *end, uint64_t *value);


void
jr_chain_init(jr_chain_t *chain, const char *id, const jr_mac_t *mac)
{
    memset(chain, 0, sizeof(jr_chain_t));
    memcpy(chain->id, id, JR_CHAIN_ID);
    memset(chain->last, '0', JR_DIGEST_HEX);

    chain->mac = mac;
}


jr_status_e
jr_chain_seal(jr_chain_t *chain, char *line, size_t *len)
{
    char         *p, hash[JR_DIGEST_HEX];
    jr_status_e   rc;

    /* in place of the bracket that closed the object */

    p = line + *len - 1;

    p = jr_chain_put(p, ",\"chain\":{\"id\":\"");
    p = jr_chain_copy(p, chain->id, JR_CHAIN_ID);
    p = jr_chain_put(p, "\",\"seq\":");
    p = jr_decimal(p, chain->seq);

    if (chain->lost) {
        p = jr_chain_put(p, ",\"lost\":");
        p = jr_decimal(p, chain->lost);
    }

    p = jr_chain_put(p, ",\"prev\":\"");
    p = jr_chain_copy(p, chain->last, JR_DIGEST_HEX);
    p = jr_chain_put(p, "\"");

    rc = jr_chain_hash(chain->mac, line, p - line, hash);
    if (rc != JR_OK) {
        return rc;
    }

    p = jr_chain_put(p, chain->mac ? ",\"hmac\":\"" : ",\"hash\":\"");
    p = jr_chain_copy(p, hash, JR_DIGEST_HEX);
    p = jr_chain_put(p, "\"}}");

    *len = p - line;

    memcpy(chain->last, hash, JR_DIGEST_HEX);

    chain->seq++;
    chain->lost = 0;

    return JR_OK;
}


void
jr_chain_back(jr_chain_t *chain, const char *line, size_t len)
{
    jr_chain_link_t  link;

    if (jr_chain_read(line, len, &link) != JR_OK) {
        /* never for a line of jr_chain_seal() */
        return;
    }

    memcpy(chain->last, link.prev.data, JR_DIGEST_HEX);

    chain->seq = link.seq;
    chain->lost += link.lost;
}


static char *
jr_chain_put(char *p, const char *text)
{
    return jr_chain_copy(p, text, strlen(text));
}


static char *
jr_chain_copy(char *p, const char *data, size_t len)
{
    memcpy(p, data, len);

    return p + len;
}


jr_status_e
jr_chain_hash(const jr_mac_t *mac, const char *line, size_t len, char *hex)
{
    jr_digest_t  md;
    jr_status_e  rc;

    rc = mac ? jr_mac_compute(mac, line, len, &md)
             : jr_digest(line, len, &md);

    if (rc == JR_OK) {
        (void) jr_digest_hex(&md, hex);
    }

    return rc;
}


void
jr_chain_lost(jr_chain_t *chain)
{
    chain->lost++;
}


const char *
jr_chain_find(const char *line, size_t len, const char *text, size_t n)
{
    const char  *p, *end;

    end = line + len;

    for (p = line; (size_t) (end - p) >= n; p++) {

        p = memchr(p, text[0], end - p - n + 1);

        if (p == NULL) {
            return NULL;
        }

        if (memcmp(p, text, n) == 0) {
            return p;
        }
    }

    return NULL;
}


jr_status_e
jr_chain_read(const char *line, size_t len, jr_chain_link_t *link)
{
    const char       *p, *end, *from;
    jr_chain_link_t   found;

    static const char  start[] = ",\"chain\":{\"id\":\"";

    end = line + len;
    from = len > JR_CHAIN_TAIL ? end - JR_CHAIN_TAIL : line;

    p = jr_chain_find(from, end - from, start, sizeof(start) - 1);
    if (p == NULL) {
        return JR_INVALID;
    }

    memset(&found, 0, sizeof(jr_chain_link_t));

    if (!jr_chain_text(&p, end, start)
        || !jr_chain_hex(&p, end, JR_CHAIN_ID, &found.id)
        || !jr_chain_text(&p, end, "\",\"seq\":")
        || !jr_chain_number(&p, end, &found.seq)
        || (jr_chain_text(&p, end, ",\"lost\":")
            && !jr_chain_number(&p, end, &found.lost))
        || !jr_chain_text(&p, end, ",\"prev\":\"")
        || !jr_chain_hex(&p, end, JR_DIGEST_HEX, &found.prev)
        || !jr_chain_text(&p, end, "\""))
    {
        return JR_INVALID;
    }

    found.hashed = p - line;
    found.keyed = jr_chain_text(&p, end, ",\"hmac\":\"");

    if ((!found.keyed && !jr_chain_text(&p, end, ",\"hash\":\""))
        || !jr_chain_hex(&p, end, JR_DIGEST_HEX, &found.hash)
        || !jr_chain_text(&p, end, "\"}}")
        || p != end)
    {
        return JR_INVALID;
    }

    *link = found;

    return JR_OK;
}


static int
jr_chain_text(const char **p, const char *end, const char *text)
{
    size_t  len;

    len = strlen(text);

    if ((size_t) (end - *p) < len || memcmp(*p, text, len) != 0) {
        return 0;
    }

    *p += len;

    return 1;
}


static int
jr_chain_hex(const char **p, const char *end, size_t len, jr_str_t *value)
{
    size_t  i;

    if ((size_t) (end - *p) < len) {
        return 0;
    }

    for (i = 0; i < len; i++) {
        if (((*p)[i] < '0' || (*p)[i] > '9')
            && ((*p)[i] < 'a' || (*p)[i] > 'f'))
        {
            return 0;
        }
    }

    value->data = *p;
    value->len = len;

    *p += len;

    return 1;
}


static int
jr_chain_number(const char **p, const char *end, uint64_t *value)
{
    uint64_t     n;
    const char  *from;

    n = 0;

    for (from = *p; *p < end && **p >= '0' && **p <= '9'; (*p)++) {

        if (*p - from == JR_CHAIN_DIGITS - 1) {
            /* no chain gets that long */
            return 0;
        }

        n = n * 10 + (uint64_t) (**p - '0');
    }

    *value = n;

    return *p > from;
}
