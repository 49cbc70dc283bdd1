/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Joining the two records of an attempt.
 *
 * Memory grows with the attempts of which one record was seen: with what runs
 * at a time where files are given oldest first, with all of a file where the
 * ends come first.
 */

/* tdestroy() */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif

#include <search.h>
#include <stdlib.h>
#include <string.h>

#include "jobruns_audit.h"

#include "jr_chain.h"


/* in the order in which they came, and in a tree by their id */
typedef struct audit_half_s  audit_half_t;

struct audit_half_s {
    char           id[JR_CHAIN_ID];     /* the key of the tree */
    int            ended;
    audit_half_t  *next;
    audit_half_t  *prev;
    size_t         len;
    char           line[];
};


struct audit_join_s {
    void          *tree;
    audit_half_t  *first;
    audit_half_t  *last;
    audit_pair_pt  handler;
    void          *data;
};


static int audit_join_compare(const void *one, const void *two);
static int audit_join_hold(audit_join_t *join, const char *id, int ended,
    const char *line, size_t len);
static void audit_join_drop(audit_join_t *join, audit_half_t *half);


audit_join_t *
audit_join_create(audit_pair_pt handler, void *data)
{
    audit_join_t  *join;

    join = calloc(1, sizeof(audit_join_t));

    if (join != NULL) {
        join->handler = handler;
        join->data = data;
    }

    return join;
}


int
audit_join_add(audit_join_t *join, const char *id, int ended,
    const char *line, size_t len)
{
    int            rc;
    void          *node;
    audit_half_t  *half;
    audit_pair_t   pair;

    node = tfind(id, &join->tree, audit_join_compare);

    if (node == NULL) {
        return audit_join_hold(join, id, ended, line, len);
    }

    half = *(audit_half_t **) node;

    if (half->ended == ended) {
        /* twice the same: a file was given twice */
        return AUDIT_OK;
    }

    pair.line[half->ended] = half->line;
    pair.len[half->ended] = half->len;
    pair.line[ended] = line;
    pair.len[ended] = len;

    rc = join->handler(join->data, &pair);

    audit_join_drop(join, half);

    return rc;
}


static int
audit_join_hold(audit_join_t *join, const char *id, int ended,
    const char *line, size_t len)
{
    audit_half_t  *half;

    half = malloc(sizeof(audit_half_t) + len);
    if (half == NULL) {
        return audit_fail("show", "out of memory");
    }

    memcpy(half->id, id, JR_CHAIN_ID);
    half->ended = ended;
    half->len = len;
    memcpy(half->line, line, len);

    if (tsearch(half, &join->tree, audit_join_compare) == NULL) {
        free(half);
        return audit_fail("show", "out of memory");
    }

    half->next = NULL;
    half->prev = join->last;

    if (join->last != NULL) {
        join->last->next = half;

    } else {
        join->first = half;
    }

    join->last = half;

    return AUDIT_OK;
}


static void
audit_join_drop(audit_join_t *join, audit_half_t *half)
{
    (void) tdelete(half, &join->tree, audit_join_compare);

    if (half->prev != NULL) {
        half->prev->next = half->next;

    } else {
        join->first = half->next;
    }

    if (half->next != NULL) {
        half->next->prev = half->prev;

    } else {
        join->last = half->prev;
    }

    free(half);
}


int
audit_join_end(audit_join_t *join)
{
    int            rc;
    audit_half_t  *half;
    audit_pair_t   pair;

    rc = AUDIT_OK;

    for (half = join->first; half != NULL && rc == AUDIT_OK;
         half = half->next)
    {
        memset(&pair, 0, sizeof(audit_pair_t));

        pair.line[half->ended] = half->line;
        pair.len[half->ended] = half->len;

        rc = join->handler(join->data, &pair);
    }

    return rc;
}


void
audit_join_free(audit_join_t *join)
{
    if (join != NULL) {
        tdestroy(join->tree, free);
        free(join);
    }
}


static int
audit_join_compare(const void *one, const void *two)
{
    return memcmp(one, two, JR_CHAIN_ID);
}
