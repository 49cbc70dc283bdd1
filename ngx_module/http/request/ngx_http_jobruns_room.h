/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Room in jobruns_hold_memory: held answers, settlements and take-backs take
 * from it and give back.  All of a worker's tenants together have what the
 * directive says, one of them no more than a half of it: the slow readers of
 * one leave room for the answers of the others.
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


#endif /* NGX_HTTP_JOBRUNS_ROOM_H_INCLUDED */
