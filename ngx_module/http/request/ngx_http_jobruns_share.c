/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Shares: counting the places that each tenant has taken, in a table that has
 * no more tenants than there are places.
 */

#include "ngx_http_jobruns_share.h"


static ngx_http_jobruns_share_t *ngx_http_jobruns_share_find(
    ngx_queue_t *bucket, jr_str_t tenant);


ngx_int_t
ngx_http_jobruns_share_take(ngx_http_jobruns_places_t *places,
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
                              & (NGX_HTTP_JOBRUNS_SHARE_BUCKETS - 1)];

    if (bucket->next == NULL) {
        ngx_queue_init(bucket);
    }

    s = ngx_http_jobruns_share_find(bucket, tenant);

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
ngx_http_jobruns_share_find(ngx_queue_t *bucket, jr_str_t tenant)
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
ngx_http_jobruns_share_give(ngx_http_jobruns_places_t *places,
    ngx_http_jobruns_share_t *share)
{
    places->used--;

    if (--share->used == 0) {
        ngx_queue_remove(&share->queue);
        ngx_free(share);
    }
}
