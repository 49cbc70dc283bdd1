/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Where a server is, found out anew before each connect: by the resolver, if
 * it has a name and there is one, or by its topology.  Managed services
 * move a name to the new master when the old one has failed, and nodes of a
 * cluster move to other machines under the names that they announce.
 */

#ifndef NGX_REDIS_LOCATE_H_INCLUDED
#define NGX_REDIS_LOCATE_H_INCLUDED

#include "ngx_redis_connection.h"


void ngx_redis_locate(ngx_redis_server_t *server);
void ngx_redis_locate_resolve(ngx_redis_server_t *server);
void ngx_redis_locate_cancel(ngx_redis_server_t *server);
void ngx_redis_locate_failed(ngx_redis_server_t *server);
ngx_int_t ngx_redis_locate_literal(ngx_redis_server_t *server);
ngx_int_t ngx_redis_locate_adopt(ngx_redis_server_t *server, ngx_addr_t *from,
    ngx_uint_t n);


#endif /* NGX_REDIS_LOCATE_H_INCLUDED */
