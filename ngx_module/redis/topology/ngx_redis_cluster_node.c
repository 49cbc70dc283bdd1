/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The nodes of a cluster.  One is made when a map, a redirection or the
 * configuration names its address; it connects when the first operation is
 * for it.  One that owns no hash slot is closed when it has been idle for a
 * while: a node that has left, that became a replica, or an address of the
 * configuration under another name.
 */

#include "ngx_redis_cluster.h"
#include "ngx_redis_cluster_node.h"
#include "ngx_redis_locate.h"
#include "ngx_redis_server.h"
#include "ngx_redis_server_log.h"


static ngx_redis_node_t *ngx_redis_cluster_find(ngx_redis_cluster_t *cluster,
    ngx_str_t *host, in_port_t port);
static ngx_uint_t ngx_redis_cluster_strangers(ngx_redis_cluster_t *cluster,
    ngx_str_t *host, in_port_t port);
static ngx_redis_node_t *ngx_redis_cluster_make(ngx_redis_cluster_t *cluster,
    ngx_str_t *host, in_port_t port);
static ngx_int_t ngx_redis_cluster_name(ngx_redis_node_t *node,
    ngx_str_t *host, ngx_str_t *tls_name);
static ngx_int_t ngx_redis_cluster_locate(ngx_redis_cluster_t *cluster,
    ngx_redis_server_t *server);
static void ngx_redis_cluster_destroy(ngx_redis_cluster_t *cluster,
    ngx_redis_node_t *node);


/*
 * The node at an address, made if need be: mapped if a map gives it a hash
 * slot.  NULL: it cannot be, as logged.
 */

ngx_redis_node_t *
ngx_redis_cluster_node(ngx_redis_cluster_t *cluster, ngx_str_t *host,
    in_port_t port, ngx_uint_t mapped)
{
    ngx_redis_node_t  *node;

    node = ngx_redis_cluster_find(cluster, host, port);

    if (node == NULL
        && (mapped || ngx_redis_cluster_strangers(cluster, host, port)
                      < NGX_REDIS_CLUSTER_STRANGERS + cluster->nseeds))
    {
        node = ngx_redis_cluster_make(cluster, host, port);
    }

    if (node) {
        node->used = ngx_current_msec;
    }

    return node;
}


static ngx_redis_node_t *
ngx_redis_cluster_find(ngx_redis_cluster_t *cluster, ngx_str_t *host,
    in_port_t port)
{
    ngx_queue_t       *q;
    ngx_redis_node_t  *node;

    for (q = ngx_queue_head(&cluster->nodes);
         q != ngx_queue_sentinel(&cluster->nodes);
         q = ngx_queue_next(q))
    {
        node = ngx_queue_data(q, ngx_redis_node_t, queue);

        if (node->server.port == port
            && node->server.host.len == host->len
            && ngx_strncasecmp(node->server.host.data, host->data, host->len)
               == 0)
        {
            return node;
        }
    }

    return NULL;
}


/* how many nodes own nothing; logs if one more is too many */

static ngx_uint_t
ngx_redis_cluster_strangers(ngx_redis_cluster_t *cluster, ngx_str_t *host,
    in_port_t port)
{
    ngx_uint_t         n;
    ngx_queue_t       *q;
    ngx_redis_node_t  *node;

    n = 0;

    for (q = ngx_queue_head(&cluster->nodes);
         q != ngx_queue_sentinel(&cluster->nodes);
         q = ngx_queue_next(q))
    {
        node = ngx_queue_data(q, ngx_redis_node_t, queue);
        n += (node->owned == 0);
    }

    if (n >= NGX_REDIS_CLUSTER_STRANGERS + cluster->nseeds) {
        ngx_redis_server_log(cluster->handle, ngx_redis_log_redirect,
                             NGX_LOG_ERR, 0,
                             "redirections name more than %d nodes without "
                             "hash slots, \"%V:%d\" is not followed; check "
                             "that CLUSTER SLOTS of all nodes agree",
                             NGX_REDIS_CLUSTER_STRANGERS, host, (int) port);
    }

    return n;
}


static ngx_redis_node_t *
ngx_redis_cluster_make(ngx_redis_cluster_t *cluster, ngx_str_t *host,
    in_port_t port)
{
    ngx_pool_t          *pool;
    ngx_redis_node_t    *node;
    ngx_redis_server_t  *handle;

    handle = cluster->handle;

    /* those of a map, and those of the last one that still are in use */

    if (cluster->nnodes == 2 * NGX_REDIS_CLUSTER_NODES) {
        ngx_redis_server_log(handle, ngx_redis_log_cluster, NGX_LOG_ERR, 0,
                             "%ui nodes of the cluster are in use, \"%V:%d\" "
                             "is left out; check CLUSTER SLOTS of its nodes",
                             cluster->nnodes, host, (int) port);
        return NULL;
    }

    pool = ngx_create_pool(4096, handle->log);
    if (pool == NULL) {
        return NULL;
    }

    node = ngx_pcalloc(pool, sizeof(ngx_redis_node_t));
    if (node == NULL) {
        goto failed;
    }

    ngx_redis_server_init(&node->server, handle->log);

    node->pool = pool;
    node->server.port = port;
    node->server.topology = cluster->member;
    node->server.members = cluster;
    node->server.conf = handle->conf;
    node->server.stats = handle->stats;
#if (NGX_SSL)
    node->server.ssl = handle->ssl;
#endif

    if (ngx_redis_cluster_name(node, host, &cluster->tls_name) != NGX_OK
        || ngx_redis_cluster_locate(cluster, &node->server) != NGX_OK)
    {
        goto failed;
    }

    ngx_queue_insert_tail(&cluster->nodes, &node->queue);
    cluster->nnodes++;

    ngx_log_debug2(NGX_LOG_DEBUG_EVENT, handle->log, 0,
                   "redis cluster: node \"%V\", %ui of them",
                   &node->server.conf.address, cluster->nnodes);

    return node;

failed:

    if (node && node->server.found) {
        ngx_destroy_pool(node->server.found);
    }

    ngx_destroy_pool(pool);

    return NULL;
}


/* what its messages call it, and what its certificate has to name */

static ngx_int_t
ngx_redis_cluster_name(ngx_redis_node_t *node, ngx_str_t *host,
    ngx_str_t *tls_name)
{
    u_char     *p;
    ngx_str_t  *address;

    address = &node->server.conf.address;

    p = ngx_pnalloc(node->pool, 2 * host->len + sizeof("[]:65535") + 1);
    if (p == NULL) {
        return NGX_ERROR;
    }

    node->server.host.data = p;
    node->server.host.len = host->len;

    /* OpenSSL reads it up to a zero byte */

    p = ngx_cpymem(p, host->data, host->len);
    *p++ = '\0';

    address->data = p;
    address->len = ngx_sprintf(p, ngx_strlchr(host->data,
                                              host->data + host->len, ':')
                                  ? "[%V]:%d" : "%V:%d",
                               host, (int) node->server.port) - p;

#if (NGX_SSL)
    node->server.conf.tls_name = tls_name->len ? *tls_name
                                               : node->server.host;
#endif

    return NGX_OK;
}


/*
 * An address as it is, or a name: one that the configuration has as well was
 * resolved at the start; with a resolver, any is before each connect.
 */

static ngx_int_t
ngx_redis_cluster_locate(ngx_redis_cluster_t *cluster,
    ngx_redis_server_t *server)
{
    ngx_int_t          rc;
    ngx_uint_t         i;
    ngx_redis_seed_t  *seed;

    rc = ngx_redis_locate_literal(server);

    if (rc != NGX_DECLINED) {
        return rc;
    }

    server->named = (server->conf.resolver != NULL);

    for (i = 0; i < cluster->nseeds; i++) {
        seed = &cluster->seeds[i];

        if (seed->host.len == server->host.len
            && ngx_strncasecmp(seed->host.data, server->host.data,
                               server->host.len)
               == 0)
        {
            return ngx_redis_locate_adopt(server, seed->addrs, seed->naddrs);
        }
    }

    if (server->named) {
        return NGX_OK;
    }

    ngx_redis_server_log(cluster->handle, ngx_redis_log_cluster,
                         NGX_LOG_ERR, 0,
                         "the cluster reports the node \"%V\", which is not an "
                         "address; set the \"resolver\" directive, name it in "
                         "the configuration, or set "
                         "cluster-preferred-endpoint-type to ip",
                         &server->conf.address);

    return NGX_ERROR;
}


/* A timer, which is nobody's event: but all of this is done in one place. */

void
ngx_redis_cluster_node_on_idle(ngx_event_t *ev)
{
    ngx_redis_cluster_t  *cluster;

    cluster = ev->data;

    cluster->sweep = 1;
    ngx_redis_server_post(cluster->handle);
}


/*
 * Lets go of nodes that own nothing and were idle for long, or at the end of
 * all of them.  Looks again later while there are such nodes.
 */

void
ngx_redis_cluster_node_sweep(ngx_redis_cluster_t *cluster, ngx_uint_t all)
{
    ngx_uint_t         left;
    ngx_queue_t       *q, *next;
    ngx_redis_node_t  *node;

    left = 0;
    cluster->sweep = 0;

    for (q = ngx_queue_head(&cluster->nodes);
         q != ngx_queue_sentinel(&cluster->nodes);
         q = next)
    {
        next = ngx_queue_next(q);
        node = ngx_queue_data(q, ngx_redis_node_t, queue);

        if (!all) {

            if (node->owned) {
                continue;
            }

            /* one that was never used costs nothing to make again */

            if (node->server.slots
                || ((node->server.connection || node->server.open)
                    && ngx_current_msec - node->used < NGX_REDIS_CLUSTER_IDLE))
            {
                left = 1;
                continue;
            }
        }

        ngx_redis_cluster_destroy(cluster, node);
    }

    if (left && !cluster->idle.timer_set) {
        ngx_add_timer(&cluster->idle, NGX_REDIS_CLUSTER_IDLE / 2);
    }
}


static void
ngx_redis_cluster_destroy(ngx_redis_cluster_t *cluster,
    ngx_redis_node_t *node)
{
    ngx_log_debug1(NGX_LOG_DEBUG_EVENT, cluster->handle->log, 0,
                   "redis cluster: node \"%V\" is let go",
                   &node->server.conf.address);

    if (cluster->hint == node) {
        cluster->hint = NULL;
    }

    ngx_queue_remove(&node->queue);
    cluster->nnodes--;

    ngx_redis_server_end(&node->server);

    ngx_destroy_pool(node->pool);
}
