/*
 * Answers of a node that send an operation elsewhere, or later: MOVED and ASK
 * are followed at once, TRYAGAIN and CLUSTERDOWN go by the map again after a
 * moment, for as long as the operation's deadline lets them.  In each case
 * the node did nothing, so the operation counts as not sent.
 */

#ifndef NGX_REDIS_CLUSTER_REDIRECT_H_INCLUDED
#define NGX_REDIS_CLUSTER_REDIRECT_H_INCLUDED

#include "ngx_redis_cluster.h"


ngx_int_t ngx_redis_cluster_reply(ngx_redis_connection_t *conn,
    ngx_redis_slot_t *slot, redisReply *reply);
void ngx_redis_cluster_rescue(ngx_redis_server_t *server,
    ngx_queue_t *refused);


#endif /* NGX_REDIS_CLUSTER_REDIRECT_H_INCLUDED */
