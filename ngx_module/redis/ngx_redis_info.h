/*
 * What a server tells of itself when it is asked in the greeting: that it is
 * a master, and that it forgets nothing.
 */

#ifndef NGX_REDIS_INFO_H_INCLUDED
#define NGX_REDIS_INFO_H_INCLUDED

#include "ngx_redis_connection.h"


ngx_int_t ngx_redis_info_reply(ngx_redis_connection_t *conn,
    redisReply *reply);


#endif /* NGX_REDIS_INFO_H_INCLUDED */
