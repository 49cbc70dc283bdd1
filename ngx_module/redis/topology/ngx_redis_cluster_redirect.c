/*
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
#include "ngx_redis_cluster_redirect.h"
#include "ngx_redis_cluster_refresh.h"
#include "ngx_redis_pipeline.h"
#include "ngx_redis_reply.h"
#include "ngx_redis_server_log.h"
#include "ngx_redis_slot.h"


static ngx_redis_node_t *ngx_redis_cluster_target(
    ngx_redis_connection_t *conn, ngx_redis_slot_t *slot,
    ngx_redis_redirect_e kind, ngx_redis_redirect_t *redirect);
static void ngx_redis_cluster_patch(ngx_redis_cluster_t *cluster,
    ngx_uint_t keyslot, ngx_redis_node_t *node);
static void ngx_redis_cluster_later(ngx_redis_cluster_t *cluster,
    ngx_redis_slot_t *slot);


/*
 * Looks at the reply to a slot already taken from its queue.  NGX_OK: the
 * slot is on its way to another node, or has ended.  NGX_DECLINED: the reply
 * is the caller's.
 */

ngx_int_t
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
                             "tried until their timeout; the move has to end "
                             "for those that have several keys",
                             (int) slot->keyslot);
        ngx_redis_cluster_later(cluster, slot);
        return NGX_OK;
    }

    if (ngx_redis_reply_starts(reply, "CLUSTERDOWN")) {
        ngx_redis_server_log(conn->server, ngx_redis_log_cluster, NGX_LOG_ERR,
                             0, "\"%s\"; operations are tried until their "
                             "timeout; check CLUSTER INFO of the nodes, and "
                             "whether a master is without a replica",
                             reply->str);
        ngx_redis_cluster_want(cluster);
        ngx_redis_cluster_later(cluster, slot);
        return NGX_OK;
    }

    kind = ngx_redis_cluster_redirect(reply->str, (size_t) reply->len,
                                      &redirect);

    if (kind == ngx_redis_redirect_none) {
        return NGX_DECLINED;
    }

    ngx_log_debug2(NGX_LOG_DEBUG_EVENT, slot->op->log, 0,
                   "redis op %p: \"%s\"", slot->op, reply->str);

    node = ngx_redis_cluster_target(conn, slot, kind, &redirect);

    if (node == NULL) {
        ngx_redis_cluster_want(cluster);

        ngx_queue_init(&alone);
        ngx_queue_insert_tail(&alone, &slot->queue);

        slot->op->sent = 0;
        ngx_redis_pipeline_fail(&alone, ngx_redis_unreachable);
        return NGX_OK;
    }

    if (kind == ngx_redis_redirect_moved) {
        ngx_redis_cluster_patch(cluster, slot->keyslot, node);
        cluster->hint = node;
        ngx_redis_cluster_want(cluster);
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

void
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

    ngx_redis_cluster_want(cluster);
}
