/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Shares: places of which a worker has so many, and of which no tenant takes
 * more than its share.
 */

#ifndef NGX_HTTP_JOBRUNS_SHARE_H_INCLUDED
#define NGX_HTTP_JOBRUNS_SHARE_H_INCLUDED

#include <ngx_config.h>
#include <ngx_core.h>

#include "jr_str.h"


/* a power of 2 */
#define NGX_HTTP_JOBRUNS_SHARE_BUCKETS  256


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
    ngx_queue_t    buckets[NGX_HTTP_JOBRUNS_SHARE_BUCKETS];
} ngx_http_jobruns_places_t;


/*
 * Takes a place for a tenant (any bytes, copied); *share is what it is given
 * back with.  NGX_DECLINED: all are taken; NGX_BUSY: all of that tenant's;
 * NGX_ERROR: no memory.
 */
ngx_int_t ngx_http_jobruns_share_take(ngx_http_jobruns_places_t *places,
    jr_str_t tenant, ngx_http_jobruns_share_t **share);

/* Gives one place back; share may be gone then. */
void ngx_http_jobruns_share_give(ngx_http_jobruns_places_t *places,
    ngx_http_jobruns_share_t *share);


#endif /* NGX_HTTP_JOBRUNS_SHARE_H_INCLUDED */
