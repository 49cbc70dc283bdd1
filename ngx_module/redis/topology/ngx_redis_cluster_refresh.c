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

#include "ngx_redis_breaker.h"
#include "ngx_redis_cluster.h"
#include "ngx_redis_cluster_map.h"
#include "ngx_redis_cluster_node.h"
#include "ngx_redis_cluster_refresh.h"
#include "ngx_redis_pipeline.h"
#include "ngx_redis_server.h"
#include "ngx_redis_server_log.h"


static void ngx_redis_cluster_ask(ngx_redis_cluster_t *cluster);
static ngx_redis_node_t *
    ngx_redis_cluster_candidate(ngx_redis_cluster_t *cluster);
static ngx_uint_t ngx_redis_cluster_asks(ngx_redis_cluster_t *cluster,
    ngx_redis_node_t *node);
static void ngx_redis_cluster_on_slots(ngx_redis_op_t *op,
    ngx_redis_status_e status, redisReply *reply);
static const char *ngx_redis_cluster_apply(ngx_redis_cluster_t *cluster,
    redisReply *reply);
static void ngx_redis_cluster_adopt(ngx_redis_cluster_t *cluster,
    ngx_redis_cluster_map_t *map);
static ngx_uint_t ngx_redis_cluster_misses(ngx_redis_cluster_t *cluster);
static void ngx_redis_cluster_failed(ngx_redis_cluster_t *cluster);


/* Calls no handler. */

void
ngx_redis_cluster_refresh_want(ngx_redis_cluster_t *cluster)
{
    ngx_msec_t           gap;
    ngx_msec_int_t       left;
    ngx_redis_server_t  *handle;

    handle = cluster->handle;

    cluster->wanted = 1;

    if (cluster->op.active || handle->retry.timer_set) {
        return;
    }

    left = 0;

    if (cluster->begins) {
        gap = NGX_REDIS_CLUSTER_GAP / 2
              + ngx_random() % (NGX_REDIS_CLUSTER_GAP / 2 + 1);
        left = (ngx_msec_int_t) (cluster->begun + gap - ngx_current_msec);
    }

    if (left > 0) {
        ngx_add_timer(&handle->retry, (ngx_msec_t) left);
        return;
    }

    ngx_redis_server_post(handle);
}


void
ngx_redis_cluster_refresh_on_retry(ngx_event_t *ev)
{
    ngx_redis_server_t   *handle;
    ngx_redis_cluster_t  *cluster;

    handle = ev->data;

    cluster = handle->members;

    cluster->wanted = 1;
    ngx_redis_server_post(handle);
}


/* The breaker of a node has opened, or stays open: who has its slots now? */

void
ngx_redis_cluster_refresh_on_failed(ngx_redis_server_t *node)
{
    if (((ngx_redis_node_t *) node)->owned) {
        ngx_redis_cluster_refresh_want(node->members);
    }
}


/* Begins a round.  May call handlers: only for events. */

void
ngx_redis_cluster_refresh(ngx_redis_cluster_t *cluster)
{
    if (cluster->op.active || cluster->handle->retry.timer_set) {
        return;
    }

    cluster->wanted = 0;
    cluster->begins = 1;
    cluster->begun = ngx_current_msec;
    cluster->seed = 0;
    cluster->round++;

    ngx_redis_cluster_ask(cluster);
}


static void
ngx_redis_cluster_ask(ngx_redis_cluster_t *cluster)
{
    ngx_str_t          argv[2];
    ngx_redis_node_t  *node;

    ngx_str_set(&argv[0], "CLUSTER");
    ngx_str_set(&argv[1], "SLOTS");

    for ( ;; ) {
        node = ngx_redis_cluster_candidate(cluster);

        if (node == NULL) {
            ngx_redis_cluster_failed(cluster);
            return;
        }

        node->round = cluster->round;
        node->used = ngx_current_msec;

        cluster->asked = node;
        cluster->op.handler = ngx_redis_cluster_on_slots;
        cluster->op.data = cluster;
        cluster->op.log = cluster->handle->log;

        if (ngx_redis_op_submit(&node->server, &cluster->op, 2, argv)
            == NGX_OK)
        {
            return;
        }
    }
}


/*
 * Who has not been asked in this round: the node that knows better, one that
 * is connected, any node, then the addresses of the configuration.
 */

static ngx_redis_node_t *
ngx_redis_cluster_candidate(ngx_redis_cluster_t *cluster)
{
    ngx_queue_t       *q;
    ngx_redis_node_t  *node, *best;
    ngx_redis_seed_t  *seed;

    best = cluster->hint;
    cluster->hint = NULL;

    if (best && ngx_redis_cluster_asks(cluster, best)) {
        return best;
    }

    best = NULL;

    for (q = ngx_queue_head(&cluster->nodes);
         q != ngx_queue_sentinel(&cluster->nodes);
         q = ngx_queue_next(q))
    {
        node = ngx_queue_data(q, ngx_redis_node_t, queue);

        if (!ngx_redis_cluster_asks(cluster, node)) {
            continue;
        }

        if (node->server.state == ngx_redis_st_ready) {
            return node;
        }

        if (best == NULL) {
            best = node;
        }
    }

    while (best == NULL && cluster->seed < cluster->nseeds) {
        seed = &cluster->seeds[cluster->seed++];

        best = ngx_redis_cluster_node(cluster, &seed->host, seed->port, 0);

        if (best && !ngx_redis_cluster_asks(cluster, best)) {
            best = NULL;
        }
    }

    return best;
}


static ngx_uint_t
ngx_redis_cluster_asks(ngx_redis_cluster_t *cluster, ngx_redis_node_t *node)
{
    return node->round != cluster->round && !node->server.open;
}


static void
ngx_redis_cluster_on_slots(ngx_redis_op_t *op, ngx_redis_status_e status,
    redisReply *reply)
{
    const char           *wrong;
    ngx_redis_cluster_t  *cluster;

    cluster = op->data;

    if (status != ngx_redis_ok) {
        ngx_redis_cluster_ask(cluster);
        return;
    }

    wrong = (reply->type == REDIS_REPLY_ERROR)
            ? reply->str : ngx_redis_cluster_apply(cluster, reply);

    if (wrong == NULL) {
        return;
    }

    ngx_redis_server_log(&cluster->asked->server, ngx_redis_log_cluster,
                         NGX_LOG_ERR, 0,
                         "CLUSTER SLOTS returned no map of the cluster: "
                         "\"%s\"; check that it is a node of a cluster with "
                         "all its slots assigned, and that its user has "
                         "+cluster|slots", wrong);

    ngx_redis_cluster_ask(cluster);
}


static const char *
ngx_redis_cluster_apply(ngx_redis_cluster_t *cluster, redisReply *reply)
{
    const char               *wrong;
    ngx_redis_cluster_map_t  *map;

    map = ngx_alloc(sizeof(ngx_redis_cluster_map_t), cluster->handle->log);
    if (map == NULL) {
        return "no memory";
    }

    wrong = ngx_redis_cluster_map_read(map, reply);

    if (wrong == NULL && map->served == 0) {
        /* it was not told yet, or has been reset: another knows more */
        wrong = "no slot is assigned";
    }

    if (wrong == NULL) {
        ngx_redis_cluster_adopt(cluster, map);
    }

    ngx_free(map);

    return wrong;
}


static void
ngx_redis_cluster_adopt(ngx_redis_cluster_t *cluster,
    ngx_redis_cluster_map_t *map)
{
    ngx_str_t              host;
    ngx_uint_t             i;
    ngx_queue_t           *q;
    ngx_redis_node_t      *node, **nodes;
    ngx_redis_server_t    *handle;
    ngx_redis_endpoint_t  *endpoint;

    handle = cluster->handle;

    nodes = ngx_alloc(map->nnodes * sizeof(ngx_redis_node_t *), handle->log);
    if (nodes == NULL) {
        return;
    }

    for (i = 0; i < map->nnodes; i++) {
        endpoint = &map->nodes[i];

        host = cluster->asked->server.host;

        if (endpoint->len) {
            host.data = (u_char *) endpoint->host;
            host.len = endpoint->len;
        }

        nodes[i] = ngx_redis_cluster_node(cluster, &host, endpoint->port,
                                          1);
    }

    for (q = ngx_queue_head(&cluster->nodes);
         q != ngx_queue_sentinel(&cluster->nodes);
         q = ngx_queue_next(q))
    {
        node = ngx_queue_data(q, ngx_redis_node_t, queue);
        node->owned = 0;
    }

    for (i = 0; i < NGX_REDIS_CLUSTER_SLOTS; i++) {
        node = (map->owners[i] == NGX_REDIS_CLUSTER_NONE)
               ? NULL : nodes[map->owners[i]];

        cluster->map[i] = node;

        if (node) {
            node->owned++;
        }
    }

    ngx_free(nodes);

    ngx_log_debug3(NGX_LOG_DEBUG_EVENT, handle->log, 0,
                   "redis cluster: map of %V: %ui masters, %ui slots",
                   &cluster->asked->server.conf.address,
                   (ngx_uint_t) map->nnodes, (ngx_uint_t) map->served);

    cluster->known = 1;
    cluster->wanted = 0;
    cluster->sweep = 1;

    ngx_redis_breaker_close(handle);
    ngx_redis_server_post(handle);

    if (ngx_redis_cluster_misses(cluster)) {
        ngx_redis_cluster_refresh_want(cluster);
    }
}


/* whether a node that has hash slots is known to be unreachable */

static ngx_uint_t
ngx_redis_cluster_misses(ngx_redis_cluster_t *cluster)
{
    ngx_queue_t       *q;
    ngx_redis_node_t  *node;

    for (q = ngx_queue_head(&cluster->nodes);
         q != ngx_queue_sentinel(&cluster->nodes);
         q = ngx_queue_next(q))
    {
        node = ngx_queue_data(q, ngx_redis_node_t, queue);

        if (node->owned && node->server.open) {
            return 1;
        }
    }

    return 0;
}


static void
ngx_redis_cluster_failed(ngx_redis_cluster_t *cluster)
{
    ngx_redis_server_t  *handle;

    handle = cluster->handle;

    if (cluster->known) {

        if (cluster->wanted) {
            ngx_redis_cluster_refresh_want(cluster);
        }

        /* who waits at the handle learns that there is no better map */

        ngx_redis_server_post(handle);
        return;
    }

    ngx_redis_server_log(handle, ngx_redis_log_unreachable, NGX_LOG_ERR, 0,
                         "none of the addresses returned the map of the "
                         "cluster, operations are refused until one does; see "
                         "the messages about each of them");

    ngx_redis_breaker_open(handle);
    ngx_redis_pipeline_refuse(handle);
}
