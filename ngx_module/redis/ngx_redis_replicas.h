/*
 * Waiting for replicas: behind each batch of operations goes one WAIT, and
 * who wants to know whether its writes are on the replicas is told its reply.
 */

#ifndef NGX_REDIS_REPLICAS_H_INCLUDED
#define NGX_REDIS_REPLICAS_H_INCLUDED

#include "ngx_redis_connection.h"


void ngx_redis_replicas_close_batch(ngx_redis_server_t *server);
void ngx_redis_replicas_reply(ngx_redis_server_t *server, redisReply *reply);


#endif /* NGX_REDIS_REPLICAS_H_INCLUDED */
