/*
 * Where an operation goes: by the hash slot of its first key to the node that
 * the map names.  While no map is known, or a new one is about to come since
 * its node has just failed, it waits at the handle, within its deadline; a
 * hash slot without a node fails at once.
 */

#include "ngx_redis_cluster.h"
#include "ngx_redis_cluster_node.h"
#include "ngx_redis_cluster_redirect.h"
#include "ngx_redis_cluster_refresh.h"
#include "ngx_redis_cluster_slot.h"
#include "ngx_redis_pipeline.h"
#include "ngx_redis_server.h"
#include "ngx_redis_server_log.h"
#include "ngx_redis_slot.h"


static ngx_int_t ngx_redis_cluster_create(ngx_conf_t *cf,
    ngx_redis_server_t *handle);
static ngx_int_t ngx_redis_cluster_seed(ngx_conf_t *cf,
    ngx_redis_seed_t *seed);
static void ngx_redis_cluster_end(ngx_redis_server_t *handle);
static ngx_redis_server_t *ngx_redis_cluster_route(ngx_redis_server_t *handle,
    ngx_str_t *key, uint16_t *keyslot);
static void ngx_redis_cluster_stats(ngx_redis_server_t *handle,
    ngx_redis_stats_t *stats);
static void ngx_redis_cluster_on_turn(ngx_event_t *ev);
static void ngx_redis_cluster_on_again(ngx_event_t *ev);
static void ngx_redis_cluster_dispatch(ngx_redis_cluster_t *cluster,
    ngx_queue_t *slots);


/* the handle */
const ngx_redis_topology_t  ngx_redis_cluster_topology = {
    .create = ngx_redis_cluster_create,
    .end = ngx_redis_cluster_end,
    .route = ngx_redis_cluster_route,
    .stats = ngx_redis_cluster_stats
};


/* each node */
static const ngx_redis_topology_t  ngx_redis_cluster_member = {
    .failed = ngx_redis_cluster_on_failed,
    .rescue = ngx_redis_cluster_rescue,
    .reply = ngx_redis_cluster_reply,
    .replicas_too = 1
};


static ngx_int_t
ngx_redis_cluster_create(ngx_conf_t *cf, ngx_redis_server_t *handle)
{
    ngx_uint_t            i;
    ngx_redis_cluster_t  *cluster;

    if (handle->conf.db) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "database %i of redis \"%V\": a cluster has "
                           "database 0 only",
                           handle->conf.db, &handle->conf.address);
        return NGX_ERROR;
    }

    cluster = ngx_pcalloc(cf->pool, sizeof(ngx_redis_cluster_t));
    if (cluster == NULL) {
        return NGX_ERROR;
    }

    cluster->nseeds = handle->conf.nseeds;
    cluster->seeds = ngx_pcalloc(cf->pool, cluster->nseeds
                                           * sizeof(ngx_redis_seed_t));
    if (cluster->seeds == NULL) {
        return NGX_ERROR;
    }

    for (i = 0; i < cluster->nseeds; i++) {
        cluster->seeds[i].address = handle->conf.seeds[i];

        if (ngx_redis_cluster_seed(cf, &cluster->seeds[i]) != NGX_OK) {
            return NGX_ERROR;
        }
    }

    cluster->handle = handle;
    cluster->member = &ngx_redis_cluster_member;

#if (NGX_SSL)
    cluster->tls_name = handle->conf.tls_name;
#endif

    ngx_queue_init(&cluster->nodes);
    ngx_queue_init(&cluster->later);

    cluster->again.handler = ngx_redis_cluster_on_again;
    cluster->again.data = cluster;
    cluster->again.log = handle->log;
    cluster->again.cancelable = 1;

    cluster->idle.handler = ngx_redis_cluster_on_idle;
    cluster->idle.data = cluster;
    cluster->idle.log = handle->log;
    cluster->idle.cancelable = 1;

    handle->members = cluster;
    handle->host = cluster->seeds[0].host;
    handle->turn.handler = ngx_redis_cluster_on_turn;
    handle->retry.handler = ngx_redis_cluster_on_retry;

    return NGX_OK;
}


static ngx_int_t
ngx_redis_cluster_seed(ngx_conf_t *cf, ngx_redis_seed_t *seed)
{
    ngx_url_t  u;

    if (ngx_redis_server_parse(cf, &seed->address, &u) != NGX_OK) {
        return NGX_ERROR;
    }

    if (u.family == AF_UNIX) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "invalid address of a redis cluster \"%V\", its "
                           "nodes name each other by \"host:port\"",
                           &seed->address);
        return NGX_ERROR;
    }

    seed->host = u.host;
    seed->port = u.port;
    seed->addrs = u.addrs;
    seed->naddrs = u.naddrs;

    return NGX_OK;
}


/* With the end of its cycle: see ngx_redis_server_end() of each node. */

static void
ngx_redis_cluster_end(ngx_redis_server_t *handle)
{
    ngx_queue_t          *q;
    ngx_redis_slot_t     *slot;
    ngx_redis_cluster_t  *cluster;

    cluster = handle->members;

    if (cluster->again.timer_set) {
        ngx_del_timer(&cluster->again);
    }

    if (cluster->idle.timer_set) {
        ngx_del_timer(&cluster->idle);
    }

    while (!ngx_queue_empty(&cluster->later)) {
        q = ngx_queue_head(&cluster->later);
        ngx_queue_remove(q);

        slot = ngx_queue_data(q, ngx_redis_slot_t, queue);

        ngx_redis_slot_free(slot);
    }

    ngx_redis_cluster_sweep(cluster, 1);
}


/*
 * Who is to take an operation with this key: a node, or the handle itself
 * while there is no map.  NULL: nobody.
 */

static ngx_redis_server_t *
ngx_redis_cluster_route(ngx_redis_server_t *handle, ngx_str_t *key,
    uint16_t *keyslot)
{
    ngx_redis_node_t     *node;
    ngx_redis_cluster_t  *cluster;

    cluster = handle->members;

    if (key) {
        *keyslot = ngx_redis_cluster_slot(key->data, key->len);
    }

    node = cluster->map[*keyslot];

    if (node) {
        node->used = ngx_current_msec;
        return &node->server;
    }

    if (!handle->open) {
        ngx_redis_cluster_want(cluster);
    }

    if (!cluster->known) {
        return handle;
    }

    ngx_redis_server_log(handle, ngx_redis_log_cluster, NGX_LOG_ERR, 0,
                         "no node of the cluster serves hash slot %d, its "
                         "operations are refused; check CLUSTER INFO and "
                         "CLUSTER SLOTS of its nodes", (int) *keyslot);

    return NULL;
}


/* Nodes that are made later take over what the handle has. */

static void
ngx_redis_cluster_stats(ngx_redis_server_t *handle, ngx_redis_stats_t *stats)
{
    ngx_queue_t          *q;
    ngx_redis_node_t     *node;
    ngx_redis_cluster_t  *cluster;

    cluster = handle->members;

    for (q = ngx_queue_head(&cluster->nodes);
         q != ngx_queue_sentinel(&cluster->nodes);
         q = ngx_queue_next(q))
    {
        node = ngx_queue_data(q, ngx_redis_node_t, queue);
        ngx_redis_server_stats_move(&node->server, stats);
    }
}


static void
ngx_redis_cluster_on_turn(ngx_event_t *ev)
{
    ngx_redis_server_t   *handle;
    ngx_redis_cluster_t  *cluster;

    handle = ev->data;
    cluster = handle->members;

    if (cluster->wanted) {
        ngx_redis_cluster_refresh(cluster);
    }

    if (cluster->known && !cluster->op.active) {
        ngx_redis_cluster_dispatch(cluster, &handle->waiting);
    }

    if (cluster->sweep) {
        ngx_redis_cluster_sweep(cluster, 0);
    }
}


/* Sends again what came too early for its node. */

static void
ngx_redis_cluster_on_again(ngx_event_t *ev)
{
    ngx_queue_t           slots;
    ngx_redis_cluster_t  *cluster;

    cluster = ev->data;

    if (ngx_queue_empty(&cluster->later)) {
        return;
    }

    ngx_queue_init(&slots);
    ngx_queue_add(&slots, &cluster->later);
    ngx_queue_init(&cluster->later);

    ngx_redis_cluster_dispatch(cluster, &slots);
}


/*
 * Sends slots of the handle on by the map; those that nobody takes end as
 * unreachable.  May call handlers: only for events.
 */

static void
ngx_redis_cluster_dispatch(ngx_redis_cluster_t *cluster, ngx_queue_t *slots)
{
    ngx_queue_t        *q, refused;
    ngx_redis_node_t   *node;
    ngx_redis_slot_t   *slot;

    ngx_queue_init(&refused);

    while (!ngx_queue_empty(slots)) {
        q = ngx_queue_head(slots);
        ngx_queue_remove(q);

        slot = ngx_queue_data(q, ngx_redis_slot_t, queue);
        node = cluster->map[slot->keyslot];

        if (node == NULL
            || node->server.open
            || node->server.slots >= NGX_REDIS_MAX_OPS)
        {
            ngx_redis_cluster_want(cluster);
            ngx_queue_insert_tail(&refused, q);
            continue;
        }

        node->used = ngx_current_msec;
        ngx_redis_slot_move(slot, &node->server);
    }

    ngx_redis_pipeline_fail(&refused, ngx_redis_unreachable);
}
