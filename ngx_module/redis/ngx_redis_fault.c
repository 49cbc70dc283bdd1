/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The ways in which a connection comes to its end, and what each means for
 * the operations: which are lost, which wait for the next connection, and
 * whether the breaker opens.
 *
 * The order is always the same: close, which makes the server idle; then the
 * breaker, if it is to open; then the handlers of those that lose by it, which
 * may already submit anew.  Nothing here may touch conn after the close.
 */

#include "ngx_redis_breaker.h"
#include "ngx_redis_connection.h"
#include "ngx_redis_fault.h"
#include "ngx_redis_pipeline.h"
#include "ngx_redis_server.h"
#include "ngx_redis_server_log.h"


/* The connection ended, by the server or the network; err may be 0. */

void
ngx_redis_fault_lost(ngx_redis_connection_t *conn, ngx_err_t err)
{
    ngx_uint_t           n;
    ngx_queue_t          lost;
    ngx_redis_server_t  *server;

    server = conn->server;

    /*
     * In the greeting, or right behind it: what waits would come here again
     * and again.
     */

    if (server->state != ngx_redis_st_ready
        || (!conn->used && !ngx_queue_empty(&server->waiting)))
    {
        ngx_redis_server_log(server, ngx_redis_log_unreachable, NGX_LOG_ERR,
                             err, "%V closed the connection during the "
                             "greeting, operations are refused until it "
                             "responds; check its log, its maxclients, and "
                             "whether it requires TLS", conn->peer.name);
        ngx_redis_connection_next(conn);
        return;
    }

    n = server->live;

    ngx_queue_init(&lost);
    ngx_redis_connection_close(conn, &lost);

    if (ngx_queue_empty(&lost)) {
        ngx_log_error(NGX_LOG_INFO, server->log, err,
                      "redis \"%V\": idle connection was closed by the server",
                      &server->conf.address);

    } else {
        ngx_redis_server_log(server, ngx_redis_log_lost, NGX_LOG_ERR, err,
                             "connection was closed with %ui operations "
                             "pending; check the server's log", n);
    }

    if (!ngx_queue_empty(&server->waiting)) {
        ngx_redis_server_post(server);
    }

    ngx_redis_pipeline_fail(&lost, ngx_redis_lost);
}


/*
 * The server has not said what it should have for too long.  The slot of the
 * operation whose time is up, if that is why, is among those in flight.
 */

void
ngx_redis_fault_dead(ngx_redis_connection_t *conn, ngx_redis_slot_t *slot)
{
    ngx_queue_t          lost, late;
    ngx_redis_server_t  *server;

    server = conn->server;

    ngx_redis_server_log(server, ngx_redis_log_unreachable, NGX_LOG_ERR, 0,
                         "%V did not reply to operations for more than %Mms, "
                         "its connection is closed and operations are refused "
                         "until it responds; check for slow commands and a "
                         "stopped or swapping server, or raise the timeout",
                         conn->peer.name, server->conf.timeout);

    ngx_queue_init(&lost);
    ngx_queue_init(&late);

    ngx_redis_connection_close(conn, &lost);
    ngx_redis_breaker_open(server);

    if (slot) {
        ngx_queue_remove(&slot->queue);
        ngx_queue_insert_tail(&late, &slot->queue);
    }

    ngx_redis_pipeline_fail(&late, ngx_redis_timeout);
    ngx_redis_pipeline_fail(&lost, ngx_redis_lost);
    ngx_redis_pipeline_refuse(server);
}


/* The server broke the protocol: its next byte could mean anything. */

void
ngx_redis_fault_broken(ngx_redis_connection_t *conn, const char *what)
{
    ngx_queue_t          lost;
    ngx_redis_server_t  *server;

    server = conn->server;

    ngx_redis_server_log(server, ngx_redis_log_protocol, NGX_LOG_ALERT, 0,
                         "%V sent %s, the connection is closed; check that "
                         "it is a Redis server, without TLS unless configured",
                         conn->peer.name, what);

    if (server->state != ngx_redis_st_ready) {
        ngx_redis_connection_next(conn);
        return;
    }

    ngx_queue_init(&lost);
    ngx_redis_connection_close(conn, &lost);

    if (!ngx_queue_empty(&server->waiting)) {
        ngx_redis_server_post(server);
    }

    ngx_redis_pipeline_fail(&lost, ngx_redis_protocol);
}


/*
 * The server does its work for nobody, or not for us (denied), as its reply to
 * the slot of *alone said.  What else is in flight would be refused as well,
 * but has to be told that nobody knows: it is asked again, or settled, by its
 * owner.
 */

void
ngx_redis_fault_leave(ngx_redis_connection_t *conn, ngx_queue_t *alone,
    ngx_uint_t denied)
{
    ngx_queue_t          lost;
    ngx_redis_server_t  *server;

    server = conn->server;

    ngx_queue_init(&lost);
    ngx_redis_connection_close(conn, &lost);

    server->addr = (server->addr + 1) % server->naddrs;

    server->denies = denied;
    ngx_redis_breaker_open(server);

    ngx_redis_pipeline_fail(alone, ngx_redis_unreachable);
    ngx_redis_pipeline_fail(&lost, ngx_redis_lost);
    ngx_redis_pipeline_refuse(server);
}


/*
 * NGINX asks for the connection to be closed: the worker exits and no
 * operation is under way, or worker_shutdown_timeout is over.
 */

void
ngx_redis_fault_end(ngx_redis_connection_t *conn)
{
    ngx_queue_t          lost;
    ngx_redis_server_t  *server;

    server = conn->server;

    ngx_queue_init(&lost);
    ngx_redis_connection_close(conn, &lost);

    /* it may have been a probe, and requests may still be running */

    if (server->open) {
        ngx_redis_breaker_open(server);
    }

    ngx_redis_pipeline_fail(&lost, ngx_redis_lost);
    ngx_redis_pipeline_refuse(server);
}
