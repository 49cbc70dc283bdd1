/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Which topology a configuration asks for: the one place that knows all of
 * them.
 */

#include "ngx_redis_cluster.h"
#include "ngx_redis_sentinel.h"
#include "ngx_redis_topology_select.h"


const ngx_redis_topology_t *
ngx_redis_topology_select(ngx_redis_conf_t *conf)
{
    if (conf->master.len) {
        return &ngx_redis_sentinel_topology;
    }

    return conf->seeds ? &ngx_redis_cluster_topology : NULL;
}
