/*
 * +switch-master of one sentinel: a master that has been replaced may still
 * answer, and one that is gone may leave connections that nobody resets.
 */

#ifndef NGX_REDIS_SENTINEL_WATCH_H_INCLUDED
#define NGX_REDIS_SENTINEL_WATCH_H_INCLUDED

#include "ngx_redis_sentinel.h"


void ngx_redis_sentinel_watch(ngx_redis_sentinel_t *sentinel);
void ngx_redis_sentinel_on_tick(ngx_event_t *ev);
void ngx_redis_sentinel_on_push(ngx_redis_server_t *server,
    redisReply *reply);


#endif /* NGX_REDIS_SENTINEL_WATCH_H_INCLUDED */
