/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Error replies by which a server says that it cannot do its work at all,
 * for nobody: what that means for the operation and for the connection, and
 * what an operator is told to do.
 */

#ifndef NGX_REDIS_ERROR_H_INCLUDED
#define NGX_REDIS_ERROR_H_INCLUDED

#include "ngx_redis_connection.h"


typedef enum {
    ngx_redis_means_told = 0,   /* the reply is the caller's */
    ngx_redis_means_end,        /* the operation ends as unreachable */
    ngx_redis_means_leave,      /* and so does the connection: a probe finds
                                   out when the server, or another of its
                                   addresses, is well again */
    ngx_redis_means_denied      /* the same, as it refuses who we are */
} ngx_redis_means_e;


ngx_redis_means_e ngx_redis_error_means(ngx_redis_connection_t *conn,
    redisReply *reply);


#endif /* NGX_REDIS_ERROR_H_INCLUDED */
