/* SPDX-License-Identifier: BSD-2-Clause
 *
 * A table of the counters that attempts wait for, which has no more of them
 * than there are places to wait.
 */

#include "ngx_http_jobruns_delay_counter.h"


static ngx_queue_t *ngx_http_jobruns_delay_counter_bucket(
    ngx_http_jobruns_delay_table_t *table, ngx_str_t *key);


ngx_http_jobruns_delay_counter_t *
ngx_http_jobruns_delay_counter_find(ngx_http_jobruns_delay_table_t *table,
    ngx_redis_server_t *server, ngx_str_t *key, jr_str_t name)
{
    ngx_queue_t                       *q, *bucket;
    ngx_http_jobruns_delay_counter_t  *c;

    bucket = ngx_http_jobruns_delay_counter_bucket(table, key);

    for (q = ngx_queue_head(bucket);
         q != ngx_queue_sentinel(bucket);
         q = ngx_queue_next(q))
    {
        c = ngx_queue_data(q, ngx_http_jobruns_delay_counter_t, queue);

        if (c->server == server
            && c->key.len == key->len
            && ngx_memcmp(c->key.data, key->data, key->len) == 0
            && jr_str_eq(c->name, name.data, name.len))
        {
            return c;
        }
    }

    return NULL;
}


ngx_http_jobruns_delay_counter_t *
ngx_http_jobruns_delay_counter_create(ngx_http_jobruns_delay_table_t *table,
    ngx_redis_server_t *server, ngx_str_t *key, jr_str_t name, size_t size)
{
    u_char                            *p;
    ngx_http_jobruns_delay_counter_t  *c;

    c = ngx_calloc(size + key->len + name.len, ngx_cycle->log);
    if (c == NULL) {
        return NULL;
    }

    p = (u_char *) c + size;

    c->server = server;

    c->key.data = p;
    c->key.len = key->len;
    p = ngx_cpymem(p, key->data, key->len);

    c->name.data = (char *) p;
    c->name.len = name.len;
    ngx_memcpy(p, name.data, name.len);

    ngx_queue_insert_head(ngx_http_jobruns_delay_counter_bucket(table, key),
                          &c->queue);
    return c;
}


void
ngx_http_jobruns_delay_counter_free(ngx_http_jobruns_delay_counter_t *c)
{
    ngx_queue_remove(&c->queue);
    ngx_free(c);
}


static ngx_queue_t *
ngx_http_jobruns_delay_counter_bucket(ngx_http_jobruns_delay_table_t *table,
    ngx_str_t *key)
{
    ngx_queue_t  *bucket;

    bucket = &table->buckets[ngx_crc32_long(key->data, key->len)
                             & (NGX_HTTP_JOBRUNS_DELAY_BUCKETS - 1)];

    if (bucket->next == NULL) {
        ngx_queue_init(bucket);
    }

    return bucket;
}
