/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Where an operation goes: by the hash slot of its first key to the node that
 * the map names.  While no map is known, or a new one is about to come since
 * its node has just failed, it waits at the handle, within its deadline; a
 * hash slot without a node fails at once.
 *
 * Answers of a node that send an operation elsewhere, or later: MOVED and ASK
 * are followed at once, TRYAGAIN and CLUSTERDOWN go by the map again after a
 * moment, for as long as the operation's deadline lets them.  In each case
 * the node did nothing, so the operation counts as not sent.
 *
 * While a hash slot moves, its new node refuses a command of several keys
 * unless it has all of them, also those that exist nowhere (getNodeByQuery()
 * of Redis): our scripts then wait for the end of the move.
 */

#include "ngx_redis_cluster.h"
#include "ngx_redis_cluster_map.h"
#include "ngx_redis_cluster_node.h"
#include "ngx_redis_cluster_refresh.h"
#include "ngx_redis_pipeline.h"
#include "ngx_redis_reply.h"
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
static ngx_int_t ngx_redis_cluster_reply(ngx_redis_connection_t *conn,
    ngx_redis_slot_t *slot, redisReply *reply);
static ngx_redis_node_t *ngx_redis_cluster_target(
    ngx_redis_connection_t *conn, ngx_redis_slot_t *slot,
    ngx_redis_redirect_e kind, ngx_redis_redirect_t *redirect);
static void ngx_redis_cluster_patch(ngx_redis_cluster_t *cluster,
    ngx_uint_t keyslot, ngx_redis_node_t *node);
static void ngx_redis_cluster_later(ngx_redis_cluster_t *cluster,
    ngx_redis_slot_t *slot);
static void ngx_redis_cluster_rescue(ngx_redis_server_t *server,
    ngx_queue_t *refused);


/* the handle */
const ngx_redis_topology_t  ngx_redis_cluster_topology = {
    .create = ngx_redis_cluster_create,
    .end = ngx_redis_cluster_end,
    .route = ngx_redis_cluster_route,
    .stats = ngx_redis_cluster_stats,
    .replicas_too = 1
};


/* each node */
static const ngx_redis_topology_t  ngx_redis_cluster_member = {
    .failed = ngx_redis_cluster_refresh_on_failed,
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

    cluster->idle.handler = ngx_redis_cluster_node_on_idle;
    cluster->idle.data = cluster;
    cluster->idle.log = handle->log;
    cluster->idle.cancelable = 1;

    handle->members = cluster;
    handle->host = cluster->seeds[0].host;
    handle->turn.handler = ngx_redis_cluster_on_turn;
    handle->retry.handler = ngx_redis_cluster_refresh_on_retry;

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

    ngx_redis_cluster_node_sweep(cluster, 1);
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
        *keyslot = ngx_redis_cluster_map_slot(key->data, key->len);
    }

    node = cluster->map[*keyslot];

    if (node) {
        node->used = ngx_current_msec;
        return &node->server;
    }

    if (!handle->open) {
        ngx_redis_cluster_refresh_want(cluster);
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
        ngx_redis_cluster_node_sweep(cluster, 0);
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
            ngx_redis_cluster_refresh_want(cluster);
            ngx_queue_insert_tail(&refused, q);
            continue;
        }

        node->used = ngx_current_msec;
        ngx_redis_slot_move(slot, &node->server);
    }

    ngx_redis_pipeline_fail(&refused, ngx_redis_unreachable);
}


/*
 * Looks at the reply to a slot already taken from its queue.  NGX_OK: the
 * slot is on its way to another node, or has ended.  NGX_DECLINED: the reply
 * is the caller's.
 */

static ngx_int_t
ngx_redis_cluster_reply(ngx_redis_connection_t *conn, ngx_redis_slot_t *slot,
    redisReply *reply)
{
    ngx_queue_t            alone;
    ngx_redis_node_t      *node;
    ngx_redis_cluster_t   *cluster;
    ngx_redis_redirect_e   kind;
    ngx_redis_redirect_t   redirect;

    cluster = conn->server->members;

    if (reply->type != REDIS_REPLY_ERROR) {
        return NGX_DECLINED;
    }

    if (ngx_redis_reply_starts(reply, "TRYAGAIN")) {
        ngx_redis_server_log(conn->server, ngx_redis_log_redirect,
                             NGX_LOG_WARN, 0,
                             "hash slot %d is being moved, its operations are "
                             "retried until their timeout; those with several "
                             "keys need the move to end",
                             (int) slot->keyslot);
        ngx_redis_cluster_later(cluster, slot);
        return NGX_OK;
    }

    if (ngx_redis_reply_starts(reply, "CLUSTERDOWN")) {
        ngx_redis_server_log(conn->server, ngx_redis_log_cluster, NGX_LOG_ERR,
                             0, "\"%s\"; operations are retried until their "
                             "timeout; check CLUSTER INFO of the nodes, and "
                             "whether a master is without a replica",
                             reply->str);
        ngx_redis_cluster_refresh_want(cluster);
        ngx_redis_cluster_later(cluster, slot);
        return NGX_OK;
    }

    kind = ngx_redis_cluster_map_redirect(reply->str, (size_t) reply->len,
                                          &redirect);

    if (kind == ngx_redis_redirect_none) {
        return NGX_DECLINED;
    }

    ngx_log_debug2(NGX_LOG_DEBUG_EVENT, slot->op->log, 0,
                   "redis op %p: \"%s\"", slot->op, reply->str);

    node = ngx_redis_cluster_target(conn, slot, kind, &redirect);

    if (node == NULL) {
        ngx_redis_cluster_refresh_want(cluster);

        ngx_queue_init(&alone);
        ngx_queue_insert_tail(&alone, &slot->queue);

        slot->op->sent = 0;
        ngx_redis_pipeline_fail(&alone, ngx_redis_unreachable);
        return NGX_OK;
    }

    if (kind == ngx_redis_redirect_moved) {
        ngx_redis_cluster_patch(cluster, slot->keyslot, node);
        cluster->hint = node;
        ngx_redis_cluster_refresh_want(cluster);
    }

    ngx_redis_slot_move(slot, &node->server);

    if (kind == ngx_redis_redirect_ask) {
        ngx_redis_slot_ask(slot);
    }

    return NGX_OK;
}


/* NULL: nowhere, as logged */

static ngx_redis_node_t *
ngx_redis_cluster_target(ngx_redis_connection_t *conn, ngx_redis_slot_t *slot,
    ngx_redis_redirect_e kind, ngx_redis_redirect_t *redirect)
{
    ngx_str_t          host;
    ngx_redis_node_t  *node;

    if (kind == ngx_redis_redirect_bad || redirect->slot != slot->keyslot) {
        ngx_redis_server_log(conn->server, ngx_redis_log_redirect, NGX_LOG_ERR,
                             0, "a redirection that cannot be followed, for "
                             "hash slot %d; check cluster-announce-ip and "
                             "cluster-announce-hostname of the nodes",
                             (int) slot->keyslot);
        return NULL;
    }

    if (slot->redirects++ == NGX_REDIS_CLUSTER_REDIRECTS) {
        ngx_redis_server_log(conn->server, ngx_redis_log_redirect, NGX_LOG_ERR,
                             0, "hash slot %d was redirected more than %d "
                             "times, its operation is refused; check that "
                             "CLUSTER SLOTS of all nodes agree",
                             (int) slot->keyslot, NGX_REDIS_CLUSTER_REDIRECTS);
        return NULL;
    }

    host = conn->server->host;

    if (redirect->to.len) {
        host.data = (u_char *) redirect->to.host;
        host.len = redirect->to.len;
    }

    node = ngx_redis_cluster_node(conn->server->members, &host,
                                  redirect->to.port, 0);

    if (node
        && (node->server.open || node->server.slots >= NGX_REDIS_MAX_OPS))
    {
        return NULL;
    }

    return node;
}


static void
ngx_redis_cluster_patch(ngx_redis_cluster_t *cluster, ngx_uint_t keyslot,
    ngx_redis_node_t *node)
{
    if (cluster->map[keyslot]) {
        cluster->map[keyslot]->owned--;
    }

    cluster->map[keyslot] = node;
    node->owned++;
}


static void
ngx_redis_cluster_later(ngx_redis_cluster_t *cluster, ngx_redis_slot_t *slot)
{
    /* it may be asked to go elsewhere anew: only time bounds that */

    slot->redirects = 0;

    ngx_redis_slot_move(slot, cluster->handle);

    ngx_queue_remove(&slot->queue);
    ngx_queue_insert_tail(&cluster->later, &slot->queue);

    if (!cluster->again.timer_set) {
        ngx_add_timer(&cluster->again, NGX_REDIS_CLUSTER_AGAIN);
    }
}


/*
 * A node has proved unreachable.  If a new map is asked for now, what waited
 * for it waits for that: another node may have its hash slots since long.
 * Takes such slots away from *refused.
 */

static void
ngx_redis_cluster_rescue(ngx_redis_server_t *server, ngx_queue_t *refused)
{
    ngx_queue_t          *q, *next;
    ngx_redis_slot_t     *slot;
    ngx_redis_cluster_t  *cluster;

    cluster = server->members;

    if (!cluster->known || cluster->handle->retry.timer_set) {
        return;
    }

    for (q = ngx_queue_head(refused);
         q != ngx_queue_sentinel(refused);
         q = next)
    {
        next = ngx_queue_next(q);
        slot = ngx_queue_data(q, ngx_redis_slot_t, queue);

        if (slot->op == NULL
            || slot->op == &cluster->op
            || slot->redirects++ == NGX_REDIS_CLUSTER_REDIRECTS)
        {
            continue;
        }

        ngx_queue_remove(q);
        ngx_redis_slot_move(slot, cluster->handle);
    }

    ngx_redis_cluster_refresh_want(cluster);
}
