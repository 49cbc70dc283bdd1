/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The map of hash slots: one node after another is asked for CLUSTER SLOTS
 * until one has a good answer.  That is a round, and there is one at a time:
 * a burst of redirections makes one round, and the next one begins not before
 * NGX_REDIS_CLUSTER_GAP.  While a node of the map is unreachable, round
 * follows round, whether requests come or not: its replica takes over at a
 * time of its own.  A round that finds nobody leaves the old map in force;
 * where there is none, the handle's breaker opens and tries again.
 */

#ifndef NGX_REDIS_CLUSTER_REFRESH_H_INCLUDED
#define NGX_REDIS_CLUSTER_REFRESH_H_INCLUDED

#include "ngx_redis_cluster.h"


void ngx_redis_cluster_refresh_want(ngx_redis_cluster_t *cluster);
void ngx_redis_cluster_refresh(ngx_redis_cluster_t *cluster);
void ngx_redis_cluster_refresh_on_retry(ngx_event_t *ev);
void ngx_redis_cluster_refresh_on_failed(ngx_redis_server_t *node);


#endif /* NGX_REDIS_CLUSTER_REFRESH_H_INCLUDED */
