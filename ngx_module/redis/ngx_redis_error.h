/*
 * Error replies by which a server says that it cannot do its work at all,
 * for nobody: what that means for the operation and for the connection, and
 * what an operator is told to do.
 */

#ifndef NGX_REDIS_ERROR_H_INCLUDED
#define NGX_REDIS_ERROR_H_INCLUDED

#include "ngx_redis_connection.h"


ngx_int_t ngx_redis_error_reply(ngx_redis_connection_t *conn,
    ngx_redis_slot_t *slot, redisReply *reply);


#endif /* NGX_REDIS_ERROR_H_INCLUDED */
