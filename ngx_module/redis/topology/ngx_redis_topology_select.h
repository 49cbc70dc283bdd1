/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Which topology a configuration asks for.
 */

#ifndef NGX_REDIS_TOPOLOGY_SELECT_H_INCLUDED
#define NGX_REDIS_TOPOLOGY_SELECT_H_INCLUDED

#include "ngx_redis.h"


/*
 * The table for ngx_redis_server_create(): of Redis Sentinel, of Redis
 * Cluster, or NULL for a single server.  It is constant.
 */
const ngx_redis_topology_t *ngx_redis_topology_select(ngx_redis_conf_t *conf);


#endif /* NGX_REDIS_TOPOLOGY_SELECT_H_INCLUDED */
