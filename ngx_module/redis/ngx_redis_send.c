/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Sending: what waits goes to the socket in as few writes as there can be,
 * and of each command it is known whether a byte of it has left.
 *
 * Commands are copied into conn->out just before a write, and what the kernel
 * does not take is forgotten there: so a command of which nothing has left is
 * nowhere but in its slot, and can be withdrawn.  TLS is the exception.
 */

#include "ngx_redis_clock.h"
#include "ngx_redis_connection.h"
#include "ngx_redis_fault.h"
#include "ngx_redis_pipeline.h"
#include "ngx_redis_op.h"
#include "ngx_redis_send.h"
#include "ngx_redis_slot.h"
#include "ngx_redis_stats.h"


static ngx_queue_t *ngx_redis_send_source(ngx_redis_connection_t *conn);
static void ngx_redis_send_fill(ngx_redis_connection_t *conn);
static void ngx_redis_send_sent(ngx_redis_connection_t *conn, size_t n);
static void ngx_redis_send_blocked(ngx_redis_connection_t *conn);


/* Writes what there is to be written.  NGX_ERROR: the connection is gone. */

ngx_int_t
ngx_redis_send(ngx_redis_connection_t *conn)
{
    ssize_t            n;
    ngx_buf_t         *out;
    ngx_connection_t  *c;

    c = conn->peer.connection;
    out = &conn->out;

    while (c->write->ready) {

        if (out->pos == out->last) {
            ngx_redis_send_fill(conn);
        }

        if (out->pos == out->last) {
            break;
        }

        n = c->send(c, out->pos, out->last - out->pos);

        ngx_log_debug2(NGX_LOG_DEBUG_EVENT, c->log, 0,
                       "redis send: %z of %uz",
                       n, (size_t) (out->last - out->pos));

        if (n == NGX_AGAIN) {
            ngx_redis_send_blocked(conn);
            break;
        }

        if (n == NGX_ERROR) {
            ngx_redis_fault_lost(conn, conn->tls ? 0 : ngx_socket_errno);
            return NGX_ERROR;
        }

        ngx_redis_send_sent(conn, n);
    }

    if (ngx_handle_write_event(c->write, 0) != NGX_OK) {
        ngx_redis_fault_lost(conn, 0);
        return NGX_ERROR;
    }

    return NGX_OK;
}


static ngx_queue_t *
ngx_redis_send_source(ngx_redis_connection_t *conn)
{
    return (conn->server->state == ngx_redis_st_greeting)
           ? &conn->greeting : &conn->server->waiting;
}


static void
ngx_redis_send_fill(ngx_redis_connection_t *conn)
{
    size_t             n;
    ngx_buf_t         *out;
    ngx_queue_t       *q, *source;
    ngx_redis_slot_t  *slot, *wait;

    out = &conn->out;
    out->pos = out->start;
    out->last = out->start;

    source = ngx_redis_send_source(conn);

    if (source == &conn->server->waiting) {
        ngx_redis_op_close_batch(conn->server);

        wait = conn->server->wait;

        if (wait && wait->pos == wait->last) {
            /* the next batch leaves when this one is answered */
            return;
        }
    }

    for (q = ngx_queue_head(source);
         q != ngx_queue_sentinel(source) && out->last != out->end;
         q = ngx_queue_next(q))
    {
        slot = ngx_queue_data(q, ngx_redis_slot_t, queue);

        if (!slot->sent) {
            ngx_redis_clock_stamp(slot, conn);
        }

        n = ngx_min(out->end - out->last, slot->last - slot->pos);

        out->last = ngx_cpymem(out->last, slot->pos, n);

        if (slot->cmd == ngx_redis_cmd_wait) {
            break;
        }
    }
}


static void
ngx_redis_send_sent(ngx_redis_connection_t *conn, size_t n)
{
    size_t             part;
    uint64_t           now;
    ngx_buf_t         *out;
    ngx_queue_t       *source;
    ngx_redis_slot_t  *slot;

    out = &conn->out;
    out->pos += n;

    source = ngx_redis_send_source(conn);

    if (source != &conn->greeting) {
        conn->used = 1;
    }

    now = ngx_redis_stats_clock();

    while (n) {
        slot = ngx_queue_data(ngx_queue_head(source), ngx_redis_slot_t, queue);

        ngx_redis_slot_mark(slot, now);

        part = ngx_min(n, (size_t) (slot->last - slot->pos));

        slot->pos += part;
        n -= part;

        if (slot->pos == slot->last) {
            ngx_queue_remove(&slot->queue);
            ngx_queue_insert_tail(&conn->inflight, &slot->queue);
        }
    }

    /*
     * What the kernel did not take is copied again when it is ready, so that
     * a command of which nothing has left can still be withdrawn.
     */

    if (!conn->tls) {
        out->pos = out->last;
    }
}


static void
ngx_redis_send_blocked(ngx_redis_connection_t *conn)
{
    size_t             n;
    uint64_t           now;
    ngx_buf_t         *out;
    ngx_queue_t       *q;
    ngx_redis_slot_t  *slot;

    out = &conn->out;

    if (!conn->tls) {
        out->pos = out->last;
        return;
    }

    /*
     * SSL_write() has made a record of these bytes and wants to be called
     * with the same ones again: none of them can be withdrawn.
     */

    n = out->last - out->pos;
    now = ngx_redis_stats_clock();

    for (q = ngx_queue_head(ngx_redis_send_source(conn));
         n;
         q = ngx_queue_next(q))
    {
        slot = ngx_queue_data(q, ngx_redis_slot_t, queue);

        ngx_redis_slot_mark(slot, now);

        n -= ngx_min(n, (size_t) (slot->last - slot->pos));
    }
}
