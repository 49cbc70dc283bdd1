/* SPDX-License-Identifier: BSD-2-Clause
 *
 * TLS by NGINX's own means.  The server's certificate is always verified, by
 * the configured CA or the system's, and must be for the configured name or
 * the host part of the address: there is no way to turn this off.
 */

#ifndef NGX_REDIS_TLS_H_INCLUDED
#define NGX_REDIS_TLS_H_INCLUDED

#include "ngx_redis_connection.h"


#if (NGX_SSL)

ngx_int_t ngx_redis_tls_init(ngx_conf_t *cf, ngx_redis_server_t *server);
ngx_int_t ngx_redis_tls_start(ngx_redis_connection_t *conn);
ngx_int_t ngx_redis_tls_handshake(ngx_redis_connection_t *conn);
void ngx_redis_tls_end(ngx_connection_t *c);

#endif


#endif /* NGX_REDIS_TLS_H_INCLUDED */
