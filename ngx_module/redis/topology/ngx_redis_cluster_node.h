/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The nodes of a cluster.  One is made when a map, a redirection or the
 * configuration names its address; it connects when the first operation is
 * for it.  One that owns no hash slot is closed when it has been idle for a
 * while: a node that has left, that became a replica, or an address of the
 * configuration under another name.
 */

#ifndef NGX_REDIS_CLUSTER_NODE_H_INCLUDED
#define NGX_REDIS_CLUSTER_NODE_H_INCLUDED

#include "ngx_redis_cluster.h"


ngx_redis_node_t *ngx_redis_cluster_node(ngx_redis_cluster_t *cluster,
    ngx_str_t *host, in_port_t port, ngx_uint_t mapped);
void ngx_redis_cluster_node_on_idle(ngx_event_t *ev);
void ngx_redis_cluster_node_sweep(ngx_redis_cluster_t *cluster, ngx_uint_t all);


#endif /* NGX_REDIS_CLUSTER_NODE_H_INCLUDED */
