/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Counters in Redis that attempts of this worker wait for: what the files of
 * rates and slots keep of each while somebody does.
 */

#ifndef NGX_HTTP_JOBRUNS_DELAY_COUNTER_H_INCLUDED
#define NGX_HTTP_JOBRUNS_DELAY_COUNTER_H_INCLUDED

#include <ngx_config.h>
#include <ngx_core.h>

#include "ngx_redis.h"

#include "jr_str.h"


/* a power of 2 */
#define NGX_HTTP_JOBRUNS_DELAY_BUCKETS  256


/* the first member of what is kept */
typedef struct {
    ngx_queue_t          queue;     /* of its bucket */
    ngx_redis_server_t  *server;
    ngx_str_t            key;       /* both stand behind what is kept */
    jr_str_t             name;      /* of the limit */
} ngx_http_jobruns_delay_counter_t;


/* static, of a worker: all zeroes */
typedef struct {
    ngx_queue_t  buckets[NGX_HTTP_JOBRUNS_DELAY_BUCKETS];
} ngx_http_jobruns_delay_table_t;


/* NULL: nobody waits for it */
ngx_http_jobruns_delay_counter_t *ngx_http_jobruns_delay_counter_find(
    ngx_http_jobruns_delay_table_t *table, ngx_redis_server_t *server,
    ngx_str_t *key, jr_str_t name);

/* Makes one of size bytes, zeroed but for this; key and name are copied.
   NULL: no memory. */
ngx_http_jobruns_delay_counter_t *ngx_http_jobruns_delay_counter_create(
    ngx_http_jobruns_delay_table_t *table, ngx_redis_server_t *server,
    ngx_str_t *key, jr_str_t name, size_t size);

void ngx_http_jobruns_delay_counter_free(ngx_http_jobruns_delay_counter_t *c);


#endif /* NGX_HTTP_JOBRUNS_DELAY_COUNTER_H_INCLUDED */
