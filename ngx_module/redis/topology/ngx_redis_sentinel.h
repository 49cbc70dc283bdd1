/* SPDX-License-Identifier: BSD-2-Clause
 *
 * A server of which Redis Sentinel says where it is.
 */

#ifndef NGX_REDIS_SENTINEL_H_INCLUDED
#define NGX_REDIS_SENTINEL_H_INCLUDED

#include "ngx_redis_topology.h"


/* of a server whose conf.seeds are sentinels that know conf.master */
extern const ngx_redis_topology_t  ngx_redis_sentinel_topology;


#endif /* NGX_REDIS_SENTINEL_H_INCLUDED */
