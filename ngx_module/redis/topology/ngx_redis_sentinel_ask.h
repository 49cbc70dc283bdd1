/*
 * Asking sentinels for the master, one after another until one names it.
 */

#ifndef NGX_REDIS_SENTINEL_ASK_H_INCLUDED
#define NGX_REDIS_SENTINEL_ASK_H_INCLUDED

#include "ngx_redis_sentinel.h"


void ngx_redis_sentinel_ask(ngx_redis_sentinel_t *sentinel);
ngx_uint_t ngx_redis_sentinel_host(ngx_str_t *host);
void ngx_redis_sentinel_found(ngx_redis_sentinel_t *sentinel, ngx_str_t *host,
    in_port_t port);


#endif /* NGX_REDIS_SENTINEL_ASK_H_INCLUDED */
