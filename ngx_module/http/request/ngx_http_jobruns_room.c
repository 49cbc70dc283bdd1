/* SPDX-License-Identifier: BSD-2-Clause
 *
 * What tenants share: room in jobruns_hold_memory, in bytes, and places, of
 * which a worker has so many.  The one counts tenants in a tree, the other in
 * a table that has no more tenants than there are places.
 *
 * The sum of all tenants' room is ngx_http_jobruns_worker.held, where the
 * status reads it.
 */

#include "ngx_http_jobruns.h"
#include "ngx_http_jobruns_log.h"
#include "ngx_http_jobruns_room.h"


static ngx_http_jobruns_holding_t *ngx_http_jobruns_room_find(jr_str_t tenant);
static ngx_http_jobruns_holding_t *ngx_http_jobruns_room_add(jr_str_t tenant);
static ngx_http_jobruns_share_t *ngx_http_jobruns_room_find_share(
    ngx_queue_t *bucket, jr_str_t tenant);


/* of this worker; names that a client chooses cannot unbalance the tree, and
   those with the same hash are compared (ngx_str_rbtree_insert_value()) */

static ngx_rbtree_node_t  ngx_http_jobruns_room_sentinel;

static ngx_rbtree_t  ngx_http_jobruns_room_tree = {
    &ngx_http_jobruns_room_sentinel, &ngx_http_jobruns_room_sentinel,
    ngx_str_rbtree_insert_value
};


ngx_http_jobruns_room_e
ngx_http_jobruns_room_left(jr_str_t tenant, size_t size, size_t most)
{
    size_t                       held, share;
    ngx_http_jobruns_holding_t  *holding;

    share = ngx_http_jobruns_room_share(most);

    if (ngx_http_jobruns_worker.held + size <= share) {
        /* no tenant holds more than all together */
        return jobruns_room_free;
    }

    holding = ngx_http_jobruns_room_find(tenant);
    held = holding ? holding->held : 0;

    if (held + size > share) {
        return jobruns_room_tenant;
    }

    return ngx_http_jobruns_worker.held + size > most
           ? jobruns_room_full : jobruns_room_free;
}


ngx_http_jobruns_room_e
ngx_http_jobruns_room_over(ngx_http_jobruns_room_t *room, size_t most)
{
    if (room->holding != NULL
        && room->holding->held > ngx_http_jobruns_room_share(most))
    {
        return jobruns_room_tenant;
    }

    return ngx_http_jobruns_worker.held > most
           ? jobruns_room_full : jobruns_room_free;
}


void
ngx_http_jobruns_room_take(ngx_http_jobruns_room_t *room, jr_str_t tenant,
    size_t size)
{
    if (room->size == 0) {
        room->holding = ngx_http_jobruns_room_find(tenant);

        if (room->holding == NULL) {
            room->holding = ngx_http_jobruns_room_add(tenant);
        }
    }

    if (room->holding != NULL) {
        room->holding->held += size;
    }

    room->size += size;
    ngx_http_jobruns_worker.held += size;
}


void
ngx_http_jobruns_room_give(ngx_http_jobruns_room_t *room)
{
    ngx_http_jobruns_holding_t  *holding;

    holding = room->holding;

    ngx_http_jobruns_worker.held -= room->size;

    if (holding != NULL) {
        holding->held -= room->size;

        if (holding->held == 0) {
            ngx_rbtree_delete(&ngx_http_jobruns_room_tree,
                              &holding->node.node);
            ngx_free(holding);
        }
    }

    room->size = 0;
    room->holding = NULL;
}


void
ngx_http_jobruns_room_refused(ngx_http_jobruns_attempt_t *a,
    ngx_http_jobruns_room_e why, size_t most, ngx_uint_t held)
{
    ngx_http_jobruns_count(jobruns_count_room_full + why);

    ngx_http_jobruns_log(a, (held ? jobruns_log_keep_full
                                  : jobruns_log_hold_full) + why,
                         NGX_LOG_WARN,
                         "jobruns_hold_memory %uz %s, a response %sis not "
                         "stored; check whether clients read slowly and "
                         "Redis is slow or unreachable, else raise it", most,
                         ngx_http_jobruns_room_text(why),
                         held ? "" : "passes through and ");
}


const char *
ngx_http_jobruns_room_text(ngx_http_jobruns_room_e why)
{
    return why == jobruns_room_tenant
           ? "is full for one tenant, which has its half of it"
           : "is full";
}


static ngx_http_jobruns_holding_t *
ngx_http_jobruns_room_find(jr_str_t tenant)
{
    ngx_str_t  name;

    name.len = tenant.len;
    name.data = (u_char *) tenant.data;

    /* the node is the first member of both */

    return (ngx_http_jobruns_holding_t *)
           ngx_str_rbtree_lookup(&ngx_http_jobruns_room_tree, &name,
                                 ngx_murmur_hash2(name.data, name.len));
}


/* NULL: no memory; what is taken counts for all tenants together alone */

static ngx_http_jobruns_holding_t *
ngx_http_jobruns_room_add(jr_str_t tenant)
{
    ngx_str_t                   *name;
    ngx_http_jobruns_holding_t  *holding;

    holding = ngx_alloc(sizeof(ngx_http_jobruns_holding_t) + tenant.len,
                        ngx_cycle->log);
    if (holding == NULL) {
        return NULL;
    }

    ngx_memzero(holding, sizeof(ngx_http_jobruns_holding_t));
    ngx_queue_init(&holding->takebacks);

    name = &holding->node.str;
    name->len = tenant.len;
    name->data = (u_char *) holding + sizeof(ngx_http_jobruns_holding_t);
    ngx_memcpy(name->data, tenant.data, tenant.len);

    holding->node.node.key = ngx_murmur_hash2(name->data, name->len);

    ngx_rbtree_insert(&ngx_http_jobruns_room_tree, &holding->node.node);

    return holding;
}


ngx_int_t
ngx_http_jobruns_room_take_place(ngx_http_jobruns_places_t *places,
    jr_str_t tenant, ngx_http_jobruns_share_t **share)
{
    char                      *p;
    ngx_queue_t               *bucket;
    ngx_http_jobruns_share_t  *s;

    if (places->used >= places->most) {
        return NGX_DECLINED;
    }

    bucket = &places->buckets[ngx_crc32_long((u_char *) tenant.data,
                                             tenant.len)
                              & (NGX_HTTP_JOBRUNS_ROOM_BUCKETS - 1)];

    if (bucket->next == NULL) {
        ngx_queue_init(bucket);
    }

    s = ngx_http_jobruns_room_find_share(bucket, tenant);

    if (s == NULL) {
        s = ngx_calloc(sizeof(ngx_http_jobruns_share_t) + tenant.len,
                       ngx_cycle->log);
        if (s == NULL) {
            return NGX_ERROR;
        }

        p = (char *) (s + 1);
        ngx_memcpy(p, tenant.data, tenant.len);

        s->tenant.data = p;
        s->tenant.len = tenant.len;

        ngx_queue_insert_head(bucket, &s->queue);

    } else if (s->used >= places->each) {
        return NGX_BUSY;
    }

    s->used++;
    places->used++;

    *share = s;

    return NGX_OK;
}


static ngx_http_jobruns_share_t *
ngx_http_jobruns_room_find_share(ngx_queue_t *bucket, jr_str_t tenant)
{
    ngx_queue_t               *q;
    ngx_http_jobruns_share_t  *s;

    for (q = ngx_queue_head(bucket);
         q != ngx_queue_sentinel(bucket);
         q = ngx_queue_next(q))
    {
        s = ngx_queue_data(q, ngx_http_jobruns_share_t, queue);

        if (s->tenant.len == tenant.len
            && ngx_memcmp(s->tenant.data, tenant.data, tenant.len) == 0)
        {
            return s;
        }
    }

    return NULL;
}


void
ngx_http_jobruns_room_give_place(ngx_http_jobruns_places_t *places,
    ngx_http_jobruns_share_t *share)
{
    places->used--;

    if (--share->used == 0) {
        ngx_queue_remove(&share->queue);
        ngx_free(share);
    }
}
