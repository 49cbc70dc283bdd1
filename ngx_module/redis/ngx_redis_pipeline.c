/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Operations: from ngx_redis_op_submit() to the call of their handler.
 *
 * Owns the queues.  An operation waits in server->waiting until a byte of it
 * has left, and is in conn->inflight when all have; in between it is the
 * first of server->waiting with slot->sent set.  Replies come in the order of
 * conn->inflight, that is all that matches them.
 *
 * Handlers are called from here alone, as the last act on a slot, and never
 * within submit or cancel.  A handler may submit, cancel any operation and
 * free its own: nothing may be held across its call that these can change,
 * but for the connection, which only events of its own and of the server
 * close.
 */

#include "ngx_redis_clock.h"
#include "ngx_redis_command.h"
#include "ngx_redis_error.h"
#include "ngx_redis_fault.h"
#include "ngx_redis_greeting.h"
#include "ngx_redis_pipeline.h"
#include "ngx_redis_op.h"
#include "ngx_redis_reply.h"
#include "ngx_redis_server.h"
#include "ngx_redis_server_log.h"
#include "ngx_redis_slot.h"
#include "ngx_redis_stats.h"
#include "ngx_redis_topology.h"


static void ngx_redis_pipeline_on_deadline(ngx_event_t *ev);
static ngx_uint_t ngx_redis_pipeline_behind(ngx_redis_server_t *server);
static ngx_int_t ngx_redis_pipeline_reply(ngx_redis_connection_t *conn,
    redisReply *reply);
static ngx_int_t ngx_redis_pipeline_own_reply(ngx_redis_connection_t *conn,
    ngx_redis_cmd_e cmd, redisReply *reply);
static ngx_int_t ngx_redis_pipeline_unwell(ngx_redis_connection_t *conn,
    ngx_redis_slot_t *slot, ngx_redis_means_e means);


/*
 * Checks the limits for a command of up to size bytes: *to becomes the one
 * that the topology names for the key, where there is one that takes it.
 */

ngx_int_t
ngx_redis_pipeline_check(ngx_redis_server_t **to, ngx_redis_op_t *op,
    ngx_str_t *key, size_t size, uint16_t *keyslot)
{
    ngx_redis_stats_t   *stats;
    ngx_redis_server_t  *server;

    server = *to;

    op->sent = 0;
    op->denied = 0;

    stats = server->stats;
    *keyslot = 0;

    if (server->topology->route) {
        server = server->topology->route(server, key, keyslot);
    }

    if (server == NULL || server->open) {
        op->denied = (server != NULL && server->denied);
        stats->errors[ngx_redis_err_refused] += !op->quiet;
        return NGX_DECLINED;
    }

    if (server->slots >= NGX_REDIS_MAX_OPS
        || size > NGX_REDIS_MAX_QUEUE
        || server->bytes > NGX_REDIS_MAX_QUEUE - size)
    {
        ngx_redis_server_log(server, ngx_redis_log_full, NGX_LOG_ERR, 0,
                             "%ui operations and %uz bytes are pending, no "
                             "more are accepted; the server is too slow for "
                             "this worker's requests",
                             server->slots, server->bytes);
        stats->errors[ngx_redis_err_refused]++;
        return op->sheds ? NGX_BUSY : NGX_DECLINED;
    }

    if (op->sheds && ngx_redis_pipeline_behind(server)) {
        ngx_redis_server_log(server, ngx_redis_log_behind, NGX_LOG_WARN, 0,
                             "the oldest of %ui pending operations has waited "
                             "for more than half its timeout, admissions are "
                             "refused until it completes; the server is too "
                             "slow for this load",
                             server->live);
        stats->errors[ngx_redis_err_behind]++;
        return NGX_BUSY;
    }

    *to = server;

    return NGX_OK;
}


/* The same, and makes a slot for it. */

ngx_int_t
ngx_redis_pipeline_accept(ngx_redis_server_t *server, ngx_redis_op_t *op,
    ngx_str_t *key, size_t size, ngx_redis_slot_t **slot)
{
    uint16_t   keyslot;
    ngx_int_t  rc;

    rc = ngx_redis_pipeline_check(&server, op, key, size, &keyslot);

    if (rc != NGX_OK) {
        return rc;
    }

    *slot = ngx_redis_slot_create(server, size, op->log);
    if (*slot == NULL) {
        return NGX_ERROR;
    }

    (*slot)->keyslot = keyslot;

    return NGX_OK;
}


/*
 * Whether what is submitted now would come to its timeout behind what is under
 * way, to the harm of all: the work of the server would be for nobody.  Slots
 * whose operation has given up count, since the server still has them to do.
 * Queues are in the order of submission, so their heads are the oldest.
 *
 * The age is by the clock of this turn of the event loop: what other events of
 * the turn took since is not the server's time, and its replies may be here.
 */

static ngx_uint_t
ngx_redis_pipeline_behind(ngx_redis_server_t *server)
{
    ngx_uint_t         i;
    ngx_queue_t       *queues[2];
    ngx_redis_slot_t  *slot;

    queues[0] = server->connection ? &server->connection->inflight : NULL;
    queues[1] = &server->waiting;

    for (i = 0; i < 2; i++) {

        if (queues[i] == NULL || ngx_queue_empty(queues[i])) {
            continue;
        }

        slot = ngx_queue_data(ngx_queue_head(queues[i]), ngx_redis_slot_t,
                              queue);

        /* 0: a command of our own */

        if (slot->timeout
            && ngx_current_msec - slot->begun_at > slot->timeout / 2)
        {
            return 1;
        }
    }

    return 0;
}


/* Puts a slot with its command written last in the queue. */

void
ngx_redis_pipeline_submit(ngx_redis_slot_t *slot, ngx_redis_op_t *op,
    ngx_msec_t timeout)
{
    ngx_redis_server_t  *server;

    server = slot->server;

    ngx_redis_pipeline_attach(slot, op, timeout);

    ngx_log_debug3(NGX_LOG_DEBUG_EVENT, op->log, 0,
                   "redis op %p: submit, %uz bytes, state:%d",
                   op, (size_t) (slot->last - slot->pos), server->state);

    ngx_queue_insert_tail(&server->waiting, &slot->queue);

    ngx_redis_server_post(server);
}


/* Makes a slot, which is in no queue yet, the operation's for so long. */

void
ngx_redis_pipeline_attach(ngx_redis_slot_t *slot, ngx_redis_op_t *op,
    ngx_msec_t timeout)
{
    ngx_redis_server_t  *server;

    server = slot->server;

    slot->op = op;
    slot->deadline.handler = ngx_redis_pipeline_on_deadline;
    slot->deadline.data = slot;
    slot->deadline.log = server->log;

    op->slot = slot;
    op->active = 1;
    op->sent = 0;

    /* ngx_current_msec is the time of the event loop's last wait: what other
       events of this turn took since would be taken off the deadline */

    ngx_time_update();
    ngx_add_timer(&slot->deadline, timeout);

    slot->begun_at = ngx_current_msec;
    slot->timeout = timeout;

    server->live++;
    server->stats->pending++;

    if (server->connection && server->connection->peer.connection) {
        server->connection->peer.connection->idle = 0;
    }
}


static void
ngx_redis_pipeline_on_deadline(ngx_event_t *ev)
{
    ngx_queue_t          alone;
    ngx_redis_op_t      *op;
    ngx_redis_slot_t    *slot;
    ngx_redis_server_t  *server;

    slot = ev->data;
    server = slot->server;

    ngx_redis_server_log(server, ngx_redis_log_timeout, NGX_LOG_ERR, 0,
                         "an operation got no reply within %Mms%s",
                         server->conf.timeout,
                         slot->sent ? "" : ", it was not even sent");

    if (!slot->sent) {
        ngx_queue_remove(&slot->queue);
        ngx_queue_init(&alone);
        ngx_queue_insert_tail(&alone, &slot->queue);
        ngx_redis_pipeline_fail(&alone, ngx_redis_timeout);
        return;
    }

    /* a byte has left, and nothing closed the connection: it is ready */

    if (ngx_redis_pipeline_silent(server->connection)) {
        ngx_redis_fault_dead(server->connection, slot);
        return;
    }

    ngx_redis_stats_failed(server->stats, ngx_redis_timeout);

    op = ngx_redis_slot_release(slot);
    op->handler(op, ngx_redis_timeout, NULL);
}


/*
 * Whether a reply is due and not one byte has come for a whole timeout, or
 * bytes do come but the reply has no end.  If that time is not up yet, the
 * timer of the read event asks again.
 */

ngx_uint_t
ngx_redis_pipeline_silent(ngx_redis_connection_t *conn)
{
    ngx_msec_t         since, timeout;
    ngx_msec_int_t     left;
    ngx_event_t       *rev;
    ngx_queue_t       *queue;
    ngx_redis_slot_t  *slot;

    queue = ngx_queue_empty(&conn->inflight) ? &conn->server->waiting
                                             : &conn->inflight;
    if (ngx_queue_empty(queue)) {
        return 0;
    }

    slot = ngx_queue_data(ngx_queue_head(queue), ngx_redis_slot_t, queue);

    if (!slot->sent) {
        return 0;
    }

    since = conn->heard;
    timeout = conn->server->conf.timeout;

    if ((ngx_msec_int_t) (slot->sent_at - since) > 0) {
        since = slot->sent_at;
    }

    left = (ngx_msec_int_t) (since + timeout - ngx_current_msec);

    if (left <= 0
        || ngx_current_msec - slot->sent_at >= timeout * NGX_REDIS_PATIENCE)
    {
        return 1;
    }

    rev = conn->peer.connection->read;

    if (!rev->timer_set) {
        rev->cancelable = 1;
        ngx_add_timer(rev, (ngx_msec_t) left);
    }

    return 0;
}


/*
 * Takes what has been read.  NGX_ERROR: the connection is gone.
 *
 * Bytes that come while nothing is in flight are refused at once, even if
 * they are not a whole reply yet: its end would be taken for the answer to
 * the next operation.
 */

ngx_int_t
ngx_redis_pipeline_receive(ngx_redis_connection_t *conn, u_char *data,
    size_t size)
{
    size_t       n;
    ngx_int_t    rc;
    redisReply  *reply;

    while (size) {

        if (ngx_queue_empty(&conn->inflight)
            && conn->server->topology->push == NULL)
        {
            ngx_redis_fault_broken(conn, "an unexpected reply");
            return NGX_ERROR;
        }

        n = size;
        rc = ngx_redis_reply_feed(&conn->stream, data, &n);

        if (rc == NGX_AGAIN) {
            return NGX_OK;
        }

        if (rc != NGX_OK
            || ngx_redis_reply_next(&conn->stream, &reply) != NGX_OK)
        {
            ngx_redis_fault_broken(conn, conn->stream.error);
            return NGX_ERROR;
        }

        rc = ngx_redis_pipeline_reply(conn, reply);

        ngx_redis_reply_release();

        if (rc != NGX_OK) {
            return NGX_ERROR;
        }

        data += n;
        size -= n;
    }

    return NGX_OK;
}


static ngx_int_t
ngx_redis_pipeline_reply(ngx_redis_connection_t *conn, redisReply *reply)
{
    ngx_queue_t                 *q;
    ngx_redis_op_t              *op;
    ngx_redis_cmd_e              cmd;
    ngx_redis_slot_t            *slot;
    ngx_redis_means_e            means;
    ngx_redis_stats_t           *stats;
    const ngx_redis_topology_t  *topology;

    topology = conn->server->topology;

    if (ngx_queue_empty(&conn->inflight)) {
        topology->push(conn->server, reply);
        return NGX_OK;
    }

    q = ngx_queue_head(&conn->inflight);
    slot = ngx_queue_data(q, ngx_redis_slot_t, queue);

    if (slot->asking && !slot->asked) {
        /* where ASKING was refused, the command will be redirected */
        slot->asked = 1;
        return NGX_OK;
    }

    ngx_queue_remove(q);
    cmd = slot->cmd;

    if (cmd == ngx_redis_cmd_time) {
        ngx_redis_clock_greeting(conn, reply, slot->sent_us);
    }

    if (slot->op == NULL) {
        ngx_redis_slot_free(slot);
        return ngx_redis_pipeline_own_reply(conn, cmd, reply);
    }

    if (ngx_redis_op_again(slot, reply) == NGX_OK
        || (topology->reply
            && topology->reply(conn, slot, reply) == NGX_OK))
    {
        return NGX_OK;
    }

    means = (slot->op->quiet && reply->type == REDIS_REPLY_ERROR
             && ngx_redis_reply_starts(reply, "NOPERM"))
            ? ngx_redis_means_told : ngx_redis_error_means(conn, reply);

    if (means != ngx_redis_means_told) {
        return ngx_redis_pipeline_unwell(conn, slot, means);
    }

    if (!slot->op->quiet) {
        stats = conn->server->stats;

        ngx_redis_stats_roundtrip(stats, conn->heard_us - slot->sent_us);
        stats->errors[ngx_redis_err_reply] += (reply->type
                                               == REDIS_REPLY_ERROR);
    }

    op = ngx_redis_slot_release(slot);
    op->server = conn->server;

    ngx_redis_slot_free(slot);

    ngx_log_debug2(NGX_LOG_DEBUG_EVENT, op->log, 0,
                   "redis op %p: reply of type %d", op, reply->type);

    op->handler(op, ngx_redis_ok, reply);

    return NGX_OK;
}


/*
 * The reply to a command that is no operation, or no more; its slot is gone.
 * NGX_ERROR: the connection is gone.
 */

static ngx_int_t
ngx_redis_pipeline_own_reply(ngx_redis_connection_t *conn,
    ngx_redis_cmd_e cmd, redisReply *reply)
{
    ngx_int_t  rc;

    if (cmd == ngx_redis_cmd_op) {
        return NGX_OK;
    }

    if (cmd == ngx_redis_cmd_wait) {
        ngx_redis_op_waited(conn->server, reply);
        return NGX_OK;
    }

    rc = ngx_redis_greeting_reply(conn, cmd, reply);

    if (rc == NGX_ERROR) {
        ngx_redis_connection_next(conn);
        return NGX_ERROR;
    }

    if (rc == NGX_DONE) {
        ngx_redis_connection_ready(conn);
    }

    return NGX_OK;
}


/* Ends an operation that the server refused for what it says of itself, as not
   sent.  NGX_ERROR: the connection is gone. */

static ngx_int_t
ngx_redis_pipeline_unwell(ngx_redis_connection_t *conn,
    ngx_redis_slot_t *slot, ngx_redis_means_e means)
{
    ngx_queue_t  alone;

    conn->server->stats->errors[ngx_redis_err_reply]++;

    slot->op->sent = 0;

    ngx_queue_init(&alone);
    ngx_queue_insert_tail(&alone, &slot->queue);

    if (means == ngx_redis_means_end) {
        ngx_redis_pipeline_fail(&alone, ngx_redis_unreachable);
        return NGX_OK;
    }

    ngx_redis_fault_leave(conn, &alone, means == ngx_redis_means_denied);

    return NGX_ERROR;
}


/*
 * Ends all slots of a queue.  A handler may cancel others of them, so the
 * queue is read anew each time; nothing may be added to it meanwhile.
 */

void
ngx_redis_pipeline_fail(ngx_queue_t *slots, ngx_redis_status_e status)
{
    ngx_uint_t          denied;
    ngx_queue_t        *q;
    ngx_redis_op_t     *op;
    ngx_redis_slot_t   *slot;
    ngx_redis_stats_t  *stats;

    while (!ngx_queue_empty(slots)) {
        q = ngx_queue_head(slots);

        /* what is freed below has left the queue here:
           NOLINTNEXTLINE(clang-analyzer-unix.Malloc) */
        ngx_queue_remove(q);

        slot = ngx_queue_data(q, ngx_redis_slot_t, queue);
        stats = slot->server->stats;
        denied = (status == ngx_redis_unreachable && slot->server->denied);

        op = slot->op ? ngx_redis_slot_release(slot) : NULL;

        ngx_redis_slot_free(slot);

        if (op == NULL) {
            continue;
        }

        op->denied = denied;
        ngx_redis_stats_failed(stats, status);

        ngx_log_debug3(NGX_LOG_DEBUG_EVENT, op->log, 0,
                       "redis op %p: %s, sent:%ui", op,
                       ngx_redis_stats_text(status), (ngx_uint_t) op->sent);

        op->handler(op, status, NULL);
    }
}


/* Ends what still waits: there will be no connection for it. */

void
ngx_redis_pipeline_refuse(ngx_redis_server_t *server)
{
    ngx_queue_t  refused;

    if (ngx_queue_empty(&server->waiting)) {
        return;
    }

    /* a handler may submit again, which must not come round to here */

    ngx_queue_init(&refused);
    ngx_queue_add(&refused, &server->waiting);
    ngx_queue_init(&server->waiting);

    if (server->topology->rescue) {
        server->topology->rescue(server, &refused);
    }

    ngx_redis_pipeline_fail(&refused, ngx_redis_unreachable);
}
