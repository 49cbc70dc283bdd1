/* SPDX-License-Identifier: BSD-2-Clause
 *
 * What a worker's tenants share, so that each leaves some to the others.
 *
 * Room in jobruns_hold_memory: held answers, settlements and take-backs take
 * from it and give back.  All tenants together have what the directive says,
 * one of them no more than a half of it: the slow readers of one leave room
 * for the answers of the others.
 *
 * Places: a worker has so many, and no tenant takes more than its share.
 */

#ifndef NGX_HTTP_JOBRUNS_ROOM_H_INCLUDED
#define NGX_HTTP_JOBRUNS_ROOM_H_INCLUDED

#include <ngx_config.h>
#include <ngx_core.h>

#include "jr_str.h"


/* the most of one tenant */
#define ngx_http_jobruns_room_share(most)  ((most) / 2)


/* why there is none; words of each: ngx_http_jobruns_metrics_no_room */
typedef enum {
    jobruns_room_full = 0,      /* all tenants together */
    jobruns_room_tenant,        /* this one has its half */
    jobruns_room_last,
    jobruns_room_free = jobruns_room_last
} ngx_http_jobruns_room_e;


/*
 * A tenant that has some of it, in a tree by name: it is allocated with the
 * first byte and freed with the last one, so there are never more of them
 * than holders.
 *
 *   tree --> holding --> takebacks: of this tenant, the oldest first
 *               ^
 *   attempt ----+---- settlement      (ngx_http_jobruns_room_t, each)
 */
typedef struct {
    ngx_str_node_t                 node;      /* the name is behind it */
    size_t                         held;      /* bytes */
    ngx_queue_t                    takebacks;
} ngx_http_jobruns_holding_t;


/* what one attempt or settlement has, zeroed before its first byte */
typedef struct {
    size_t                         size;      /* bytes */
    ngx_http_jobruns_holding_t    *holding;   /* NULL: no memory for one, or
                                                 no byte */
} ngx_http_jobruns_room_t;


/*
 * Is there room for size bytes more of the tenant, where the directive says
 * most?  A caller that is told why not refuses, and counts that.
 */
ngx_http_jobruns_room_e ngx_http_jobruns_room_left(jr_str_t tenant,
    size_t size, size_t most);

/* Has the tenant of room, or have all together, more than they may have? */
ngx_http_jobruns_room_e ngx_http_jobruns_room_over(
    ngx_http_jobruns_room_t *room, size_t most);

/* Takes size bytes more, whether they fit or not. */
void ngx_http_jobruns_room_take(ngx_http_jobruns_room_t *room,
    jr_str_t tenant, size_t size);

/* Gives back all that room has. */
void ngx_http_jobruns_room_give(ngx_http_jobruns_room_t *room);

struct ngx_http_jobruns_attempt_s;

/* Logs and counts an answer of a for which there is no room: to be held, or
   where it is, to be kept. */
void ngx_http_jobruns_room_refused(struct ngx_http_jobruns_attempt_s *a,
    ngx_http_jobruns_room_e why, size_t most, ngx_uint_t held);

/* What is full, for a line of error.log, behind "jobruns_hold_memory SIZE". */
const char *ngx_http_jobruns_room_text(ngx_http_jobruns_room_e why);


/* a power of 2 */
#define NGX_HTTP_JOBRUNS_ROOM_BUCKETS  256


/* what one tenant has taken; lives as long as it has any */
typedef struct {
    ngx_queue_t    queue;       /* of its bucket */
    ngx_uint_t     used;
    jr_str_t       tenant;      /* behind it */
} ngx_http_jobruns_share_t;


/* static, of a worker: all zeroes but for the numbers */
typedef struct {
    ngx_uint_t     most;        /* places, 0: none */
    ngx_uint_t     each;        /* of one tenant */
    ngx_uint_t     used;
    ngx_queue_t    buckets[NGX_HTTP_JOBRUNS_ROOM_BUCKETS];
} ngx_http_jobruns_places_t;


/*
 * Takes a place for a tenant (any bytes, copied); *share is what it is given
 * back with.  NGX_DECLINED: all are taken; NGX_BUSY: all of that tenant's;
 * NGX_ERROR: no memory.
 */
ngx_int_t ngx_http_jobruns_room_take_place(ngx_http_jobruns_places_t *places,
    jr_str_t tenant, ngx_http_jobruns_share_t **share);

/* Gives one place back; share may be gone then. */
void ngx_http_jobruns_room_give_place(ngx_http_jobruns_places_t *places,
    ngx_http_jobruns_share_t *share);


#endif /* NGX_HTTP_JOBRUNS_ROOM_H_INCLUDED */
