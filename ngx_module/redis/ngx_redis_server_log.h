/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Lines about a server in error.log.
 */

#ifndef NGX_REDIS_SERVER_LOG_H_INCLUDED
#define NGX_REDIS_SERVER_LOG_H_INCLUDED

#include "ngx_redis_connection.h"


/*
 * A line that names the server, at most one of a kind in ten seconds; err may
 * be 0.  What is not printable in it is replaced: words of others may be.
 */
void ngx_cdecl ngx_redis_server_log(ngx_redis_server_t *server,
    ngx_redis_log_e kind, ngx_uint_t level, ngx_err_t err,
    const char *fmt, ...);


#endif /* NGX_REDIS_SERVER_LOG_H_INCLUDED */
