/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Chains: each record must follow the one before it in its file, and the
 * pieces of a chain in several files must follow each other.
 */

/* twalk_r(), tdestroy() */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif

#include <inttypes.h>
#include <search.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "jr_verify_state.h"


static jr_verify_chain_t *jr_verify_chain_get(jr_verify_t *v, jr_str_t id);
static int jr_verify_chain_compare(const void *one, const void *two);
static jr_status_e jr_verify_piece_begin(jr_verify_chain_t *chain,
    jr_verify_t *v, const jr_chain_link_t *link);
static int jr_verify_follows(jr_verify_t *v, jr_verify_chain_t *chain,
    const jr_chain_link_t *link);
static void jr_verify_close(jr_verify_t *v, jr_verify_chain_t *chain,
    const char *line, size_t len, const jr_chain_link_t *link);
static void jr_verify_chain_end(const void *node, VISIT which, void *data);
static void jr_verify_join(jr_verify_t *v, jr_verify_chain_t *chain,
    const jr_piece_t *before, const jr_piece_t *piece);
static int jr_verify_piece_compare(const void *one, const void *two);
static void jr_verify_chain_free(void *chain);
static void jr_verify_found_link(jr_verify_t *v, const jr_chain_link_t *link,
    uint64_t from, uint64_t to, jr_verify_kind_e kind);


jr_status_e
jr_verify_chain_add(jr_verify_t *v, const char *line, size_t len,
    const jr_chain_link_t *link, int right, int *placed)
{
    jr_piece_t         *piece;
    jr_verify_chain_t  *chain;

    chain = jr_verify_chain_get(v, link->id);
    if (chain == NULL) {
        return JR_NO_MEMORY;
    }

    if (chain->npieces == 0) {
        chain->keyed = link->keyed;

    } else if (chain->keyed != link->keyed && !chain->mixed) {
        chain->mixed = 1;
        jr_verify_found_link(v, link, 0, 0, JR_VERIFY_UNKEYED);
    }

    jr_verify_chain_key(v, chain, line, len, link, right);

    piece = chain->npieces ? &chain->pieces[chain->npieces - 1] : NULL;

    if (piece == NULL || piece->last_place.file != v->place.file) {

        if (jr_verify_piece_begin(chain, v, link) != JR_OK) {
            return JR_NO_MEMORY;
        }

        piece = &chain->pieces[chain->npieces - 1];

    } else if (!jr_verify_follows(v, chain, link)) {
        *placed = 0;
        return JR_OK;
    }

    *placed = 1;

    piece->last = link->seq;
    piece->last_place = v->place;
    memcpy(piece->hash, link->hash.data, JR_DIGEST_HEX);

    if (len > sizeof(JR_CHAIN_CLOSE) - 1
        && memcmp(line, JR_CHAIN_CLOSE, sizeof(JR_CHAIN_CLOSE) - 1) == 0)
    {
        jr_verify_close(v, chain, line, len, link);
    }

    return JR_OK;
}


jr_verify_chain_t *
jr_verify_chain_find(jr_verify_t *v, jr_str_t id)
{
    void  *node;

    if (v->recent != NULL
        && memcmp(v->recent->id, id.data, JR_CHAIN_ID) == 0)
    {
        return v->recent;
    }

    /* a tree's nodes begin with their key, so a key compares as a node */

    node = tfind(id.data, &v->chains, jr_verify_chain_compare);

    if (node != NULL) {
        v->recent = *(jr_verify_chain_t **) node;
        return v->recent;
    }

    return NULL;
}


static jr_verify_chain_t *
jr_verify_chain_get(jr_verify_t *v, jr_str_t id)
{
    jr_verify_chain_t  *chain;

    chain = jr_verify_chain_find(v, id);
    if (chain != NULL) {
        return chain;
    }

    chain = calloc(1, sizeof(jr_verify_chain_t));
    if (chain == NULL) {
        return NULL;
    }

    memcpy(chain->id, id.data, JR_CHAIN_ID);

    if (tsearch(chain, &v->chains, jr_verify_chain_compare) == NULL) {
        free(chain);
        return NULL;
    }

    v->count.chains++;
    v->recent = chain;

    return chain;
}


static int
jr_verify_chain_compare(const void *one, const void *two)
{
    return memcmp(one, two, JR_CHAIN_ID);
}


static jr_status_e
jr_verify_piece_begin(jr_verify_chain_t *chain, jr_verify_t *v,
    const jr_chain_link_t *link)
{
    size_t       room;
    jr_piece_t  *pieces;

    if (chain->npieces == chain->room) {
        room = chain->room ? chain->room * 2 : 2;

        pieces = realloc(chain->pieces, room * sizeof(jr_piece_t));
        if (pieces == NULL) {
            return JR_NO_MEMORY;
        }

        chain->pieces = pieces;
        chain->room = room;
    }

    pieces = &chain->pieces[chain->npieces++];

    /* there are pieces where there is room:
       NOLINTNEXTLINE(clang-analyzer-core.NonNullParamChecker) */
    memset(pieces, 0, sizeof(jr_piece_t));
    pieces->first = link->seq;
    pieces->first_place = v->place;
    memcpy(pieces->prev, link->prev.data, JR_DIGEST_HEX);

    return JR_OK;
}


/* does a record follow the one before it in this file?  If not, and it is an
   earlier one, the chain goes on where it was. */

static int
jr_verify_follows(jr_verify_t *v, jr_verify_chain_t *chain,
    const jr_chain_link_t *link)
{
    jr_piece_t  *piece;

    piece = &chain->pieces[chain->npieces - 1];

    if (link->seq <= piece->last) {
        jr_verify_found_link(v, link, piece->last + 1, link->seq,
                             JR_VERIFY_ORDER);
        return 0;
    }

    if (chain->closed && link->seq > chain->closed_at) {
        jr_verify_found_link(v, link, 0, 0, JR_VERIFY_CLOSED);
    }

    if (link->seq > piece->last + 1) {
        jr_verify_found_link(v, link, piece->last + 1, link->seq - 1,
                             JR_VERIFY_MISSING);

    } else if (memcmp(link->prev.data, piece->hash, JR_DIGEST_HEX) != 0) {
        jr_verify_found_link(v, link, 0, 0, JR_VERIFY_LINK);
    }

    return 1;
}


/* {"records":N,"lastHash":"..."}: said by the gateway when it left */

static void
jr_verify_close(jr_verify_t *v, jr_verify_chain_t *chain, const char *line,
    size_t len, const jr_chain_link_t *link)
{
    int   n;
    char  text[64 + JR_DIGEST_HEX];

    chain->closed = 1;
    chain->closed_at = link->seq;

    n = snprintf(text, sizeof(text),
                 "\"records\":%" PRIu64 ",\"lastHash\":\"%.*s\"", link->seq,
                 JR_DIGEST_HEX, link->prev.data);

    if (jr_chain_find(line, len, text, (size_t) n) == NULL) {
        jr_verify_found_link(v, link, 0, 0, JR_VERIFY_COUNT);
    }
}


void
jr_verify_chains_end(jr_verify_t *v)
{
    twalk_r(v->chains, jr_verify_chain_end, v);
}


static void
jr_verify_chain_end(const void *node, VISIT which, void *data)
{
    size_t               i;
    jr_piece_t          *first, *last;
    jr_verify_t         *v;
    jr_verify_chain_t   *chain;
    jr_verify_finding_t  finding;

    if (which != postorder && which != leaf) {
        return;
    }

    v = data;
    chain = *(jr_verify_chain_t *const *) node;

    qsort(chain->pieces, chain->npieces, sizeof(jr_piece_t),
          jr_verify_piece_compare);

    first = &chain->pieces[0];
    last = &chain->pieces[chain->npieces - 1];

    memset(&finding, 0, sizeof(jr_verify_finding_t));
    finding.chain = (jr_str_t) { JR_CHAIN_ID, chain->id };

    jr_verify_chain_key_end(v, chain);

    if (first->first > 0 && !v->partial) {
        finding.place = first->first_place;
        finding.seq = first->first;
        finding.to = first->first - 1;
        jr_verify_found(v, &finding, JR_VERIFY_HEAD);

    } else if (first->first == 0
               && strspn(first->prev, "0") < JR_DIGEST_HEX)
    {
        finding.place = first->first_place;
        jr_verify_found(v, &finding, JR_VERIFY_LINK);
    }

    for (i = 1; i < chain->npieces; i++) {
        jr_verify_join(v, chain, &chain->pieces[i - 1], &chain->pieces[i]);
    }

    if (!chain->closed) {
        finding.place = last->last_place;
        finding.seq = last->last;
        jr_verify_found(v, &finding, JR_VERIFY_UNCLOSED);
    }
}


/* does a piece of a chain follow the one in another file? */

static void
jr_verify_join(jr_verify_t *v, jr_verify_chain_t *chain,
    const jr_piece_t *before, const jr_piece_t *piece)
{
    jr_verify_finding_t  finding;

    memset(&finding, 0, sizeof(jr_verify_finding_t));

    finding.chain = (jr_str_t) { JR_CHAIN_ID, chain->id };
    finding.place = piece->first_place;
    finding.seq = piece->first;
    finding.from = before->last + 1;
    finding.to = piece->first - 1;

    if (piece->first <= before->last) {
        jr_verify_found(v, &finding, JR_VERIFY_ORDER);

    } else if (piece->first > before->last + 1) {
        jr_verify_found(v, &finding, JR_VERIFY_MISSING);

    } else if (memcmp(piece->prev, before->hash, JR_DIGEST_HEX) != 0) {
        jr_verify_found(v, &finding, JR_VERIFY_LINK);
    }

    if (chain->closed && before->last == chain->closed_at
        && piece->first > chain->closed_at)
    {
        jr_verify_found(v, &finding, JR_VERIFY_CLOSED);
    }
}


static int
jr_verify_piece_compare(const void *one, const void *two)
{
    const jr_piece_t  *a = one;
    const jr_piece_t  *b = two;

    if (a->first != b->first) {
        return a->first < b->first ? -1 : 1;
    }

    return a->last < b->last ? -1 : a->last > b->last;
}


static void
jr_verify_found_link(jr_verify_t *v, const jr_chain_link_t *link,
    uint64_t from, uint64_t to, jr_verify_kind_e kind)
{
    jr_verify_finding_t  finding;

    memset(&finding, 0, sizeof(jr_verify_finding_t));

    finding.place = v->place;
    finding.chain = link->id;
    finding.seq = link->seq;
    finding.from = from;
    finding.to = to;

    jr_verify_found(v, &finding, kind);
}


void
jr_verify_chains_free(jr_verify_t *v)
{
    tdestroy(v->chains, jr_verify_chain_free);
}


static void
jr_verify_chain_free(void *chain)
{
    free(((jr_verify_chain_t *) chain)->pieces);
    free(chain);
}
