/* SPDX-License-Identifier: BSD-2-Clause
 * The life of a socket: making it, its events, closing it.
 *
 * Owns conn and its pool.  Every function that may close the connection says
 * so, or returns NGX_ERROR when it did; nobody touches conn afterwards.
 */

#include "ngx_redis_breaker.h"
#include "ngx_redis_connection.h"
#include "ngx_redis_fault.h"
#include "ngx_redis_greeting.h"
#include "ngx_redis_pipeline.h"
#include "ngx_redis_reply.h"
#include "ngx_redis_send.h"
#include "ngx_redis_server.h"
#include "ngx_redis_server_log.h"
#include "ngx_redis_stats.h"
#include "ngx_redis_tls.h"


static ngx_int_t ngx_redis_connection_try(ngx_redis_server_t *server);
static ngx_redis_connection_t *
    ngx_redis_connection_create(ngx_redis_server_t *server);
static ngx_int_t ngx_redis_connection_connect(ngx_redis_connection_t *conn);
static void ngx_redis_connection_established(ngx_redis_connection_t *conn);
#if (NGX_SSL)
static void ngx_redis_connection_shaken(ngx_redis_connection_t *conn,
    ngx_int_t rc);
#endif
static void ngx_redis_connection_greet(ngx_redis_connection_t *conn);
static void ngx_redis_connection_on_read(ngx_event_t *rev);
static void ngx_redis_connection_on_write(ngx_event_t *wev);
static ngx_err_t ngx_redis_connection_error(ngx_connection_t *c);
static u_char *ngx_redis_connection_log_error(ngx_log_t *log, u_char *buf,
    size_t len);


/* To the addresses that are known.  May call handlers: only for events. */

void
ngx_redis_connection_dial(ngx_redis_server_t *server)
{
    server->state = ngx_redis_st_idle;
    server->tries = server->naddrs;

    while (server->tries) {

        if (ngx_redis_connection_try(server) == NGX_OK) {
            return;
        }

        server->tries--;
        server->addr = (server->addr + 1) % server->naddrs;
    }

    ngx_redis_breaker_open(server);
    ngx_redis_pipeline_refuse(server);
}


/* A connection that was not to become ready: the next address, if any. */

void
ngx_redis_connection_next(ngx_redis_connection_t *conn)
{
    ngx_queue_t          ours;
    ngx_redis_server_t  *server;

    server = conn->server;

    ngx_queue_init(&ours);
    ngx_redis_connection_close(conn, &ours);
    ngx_redis_pipeline_fail(&ours, ngx_redis_lost);

    while (--server->tries) {
        server->addr = (server->addr + 1) % server->naddrs;

        if (ngx_redis_connection_try(server) == NGX_OK) {
            return;
        }
    }

    server->addr = (server->addr + 1) % server->naddrs;

    ngx_redis_breaker_open(server);
    ngx_redis_pipeline_refuse(server);
}


static ngx_int_t
ngx_redis_connection_try(ngx_redis_server_t *server)
{
    ngx_int_t                rc;
    ngx_queue_t              none;
    ngx_connection_t        *c;
    ngx_redis_connection_t  *conn;

    conn = ngx_redis_connection_create(server);
    if (conn == NULL) {
        return NGX_ERROR;
    }

    server->connection = conn;
    server->state = ngx_redis_st_connecting;

    rc = ngx_redis_connection_connect(conn);

    if (rc != NGX_OK && rc != NGX_AGAIN) {
        ngx_queue_init(&none);
        ngx_redis_connection_close(conn, &none);
        return NGX_ERROR;
    }

    c = conn->peer.connection;

    c->data = conn;
    c->pool = conn->pool;
    c->log = &conn->log;
    c->read->log = c->log;
    c->write->log = c->log;
    c->read->handler = ngx_redis_connection_on_read;
    c->write->handler = ngx_redis_connection_on_write;
    c->idle = (server->live == 0);

    conn->log.connection = c->number;

    /* not cancelable: a worker does not exit with a socket half made.  The
       time NGINX keeps may be old where an event of this turn took long, and
       the server is not to blame for that. */

    ngx_time_update();
    ngx_add_timer(c->write, server->conf.connect_timeout);

    if (rc == NGX_OK) {
        ngx_post_event(c->write, &ngx_posted_events);
    }

    return NGX_OK;
}


static ngx_redis_connection_t *
ngx_redis_connection_create(ngx_redis_server_t *server)
{
    size_t                   size;
    ngx_pool_t              *pool;
    ngx_redis_connection_t  *conn;

    pool = ngx_create_pool(2048, server->log);
    if (pool == NULL) {
        return NULL;
    }

    conn = ngx_pcalloc(pool, sizeof(ngx_redis_connection_t));
    if (conn == NULL) {
        goto failed;
    }

    size = NGX_REDIS_BATCH;

#if (NGX_SSL)
    if (server->ssl) {
        size = NGX_REDIS_TLS_BATCH;
    }
#endif

    conn->out.start = ngx_pnalloc(pool, size);
    conn->in = ngx_pnalloc(pool, NGX_REDIS_READ);

    if (conn->out.start == NULL || conn->in == NULL) {
        goto failed;
    }

    conn->out.pos = conn->out.start;
    conn->out.last = conn->out.start;
    conn->out.end = conn->out.start + size;

    if (ngx_redis_reply_init(&conn->stream) != NGX_OK) {
        goto failed;
    }

    conn->server = server;
    conn->pool = pool;
    conn->probe = server->open;

    ngx_queue_init(&conn->greeting);
    ngx_queue_init(&conn->inflight);

    conn->log = *server->log;
    conn->log.handler = ngx_redis_connection_log_error;
    conn->log.data = conn;
    conn->log.action = "connecting to redis";

    /* NGINX reports what fails in TLS by itself, and not once in a while */

    if (conn->probe && !(conn->log.log_level & NGX_LOG_DEBUG_ALL)) {
        conn->log.log_level = NGX_LOG_ALERT;
    }

    pool->log = &conn->log;

    return conn;

failed:

    ngx_destroy_pool(pool);

    return NULL;
}


static ngx_int_t
ngx_redis_connection_connect(ngx_redis_connection_t *conn)
{
    ngx_int_t               rc;
    ngx_err_t               err;
    ngx_log_t               quiet;
    ngx_addr_t             *addr;
    ngx_redis_server_t     *server;
    ngx_peer_connection_t  *pc;

    server = conn->server;
    addr = &server->addrs[server->addr];

    /* connect() failing is logged below, since that must not be each time */

    quiet = conn->log;
    quiet.log_level = NGX_LOG_ALERT;

    pc = &conn->peer;

    pc->sockaddr = addr->sockaddr;
    pc->socklen = addr->socklen;
    pc->name = &addr->name;
    pc->get = ngx_event_get_peer;
    pc->log = &quiet;
    pc->log_error = NGX_ERROR_INFO;
    pc->so_keepalive = (addr->sockaddr->sa_family != AF_UNIX);

    rc = ngx_event_connect_peer(pc);
    err = ngx_socket_errno;

    pc->log = &conn->log;

    ngx_log_debug3(NGX_LOG_DEBUG_EVENT, &conn->log, 0,
                   "redis connect to %V: %i%s", &addr->name, rc,
                   conn->probe ? ", probe" : "");

    if (rc == NGX_DECLINED) {
        ngx_redis_server_log(server, ngx_redis_log_unreachable, NGX_LOG_ERR,
                             err, "connect() to %V failed, operations are "
                             "refused until it responds; check that the server "
                             "runs and listens there", &addr->name);

    } else if (rc != NGX_OK && rc != NGX_AGAIN) {
        ngx_redis_server_log(server, ngx_redis_log_unreachable, NGX_LOG_ERR,
                             0, "no socket to connect to %V; "
                             "check worker_connections and the limit "
                             "of open files", &addr->name);
    }

    return rc;
}


static void
ngx_redis_connection_established(ngx_redis_connection_t *conn)
{
    ngx_err_t            err;
    ngx_connection_t    *c;
    ngx_redis_server_t  *server;

    c = conn->peer.connection;
    server = conn->server;

    err = ngx_redis_connection_error(c);

    if (err) {
        ngx_redis_server_log(server, ngx_redis_log_unreachable, NGX_LOG_ERR,
                             err, "connect() to %V failed, operations are "
                             "refused until it responds; check that the server "
                             "runs and listens there",
                             conn->peer.name);
        ngx_redis_connection_next(conn);
        return;
    }

    if (conn->peer.sockaddr->sa_family != AF_UNIX
        && ngx_tcp_nodelay(c) != NGX_OK)
    {
        ngx_redis_connection_next(conn);
        return;
    }

#if (NGX_SSL)
    if (server->ssl) {
        ngx_redis_connection_shaken(conn, ngx_redis_tls_start(conn));
        return;
    }
#endif

    ngx_redis_connection_greet(conn);
}


#if (NGX_SSL)

/* Goes on from a part of the handshake that ended in rc. */

static void
ngx_redis_connection_shaken(ngx_redis_connection_t *conn, ngx_int_t rc)
{
    if (rc == NGX_OK) {
        ngx_redis_connection_greet(conn);

    } else if (rc != NGX_AGAIN) {
        ngx_redis_connection_next(conn);
    }
}

#endif


/* Goes on from a connection that carries bytes; may close it. */

static void
ngx_redis_connection_greet(ngx_redis_connection_t *conn)
{
    ngx_connection_t  *c;

    c = conn->peer.connection;

    conn->server->state = ngx_redis_st_greeting;
    conn->log.action = "greeting redis";

    if (ngx_redis_greeting_create(conn) != NGX_OK) {
        ngx_redis_connection_next(conn);
        return;
    }

    if (ngx_redis_send(conn) != NGX_OK) {
        return;
    }

    /* what came while connecting was left, and there is no second event */

    if (c->read->ready) {
        ngx_post_event(c->read, &ngx_posted_events);
    }
}


void
ngx_redis_connection_ready(ngx_redis_connection_t *conn)
{
    ngx_connection_t    *c;
    ngx_redis_server_t  *server;

    c = conn->peer.connection;
    server = conn->server;

    ngx_log_debug1(NGX_LOG_DEBUG_EVENT, c->log, 0,
                   "redis ready: %V", conn->peer.name);

    if (c->write->timer_set) {
        ngx_del_timer(c->write);
    }

    conn->heard = ngx_current_msec;
    conn->log.action = NULL;
    conn->log.log_level = server->log->log_level;

    server->state = ngx_redis_st_ready;

    conn->counted = 1;
    server->stats->connections++;
    server->stats->connects++;

    ngx_redis_breaker_close(server);

    if (!ngx_queue_empty(&server->waiting) || ngx_exiting) {
        ngx_redis_server_post(server);
    }
}


/*
 * Destroys the connection.  Moves to *lost the slots of which a byte has
 * left; those that still wait stay where they are.  Calls no handler.
 */

void
ngx_redis_connection_close(ngx_redis_connection_t *conn, ngx_queue_t *lost)
{
    ngx_queue_t         *q;
    ngx_connection_t    *c;
    ngx_redis_slot_t    *slot;
    ngx_redis_server_t  *server;

    server = conn->server;
    c = conn->peer.connection;

    server->stats->connections -= conn->counted;

    server->connection = NULL;
    server->state = ngx_redis_st_idle;

    if (!ngx_queue_empty(&conn->greeting)) {
        ngx_queue_add(lost, &conn->greeting);
    }

    if (!ngx_queue_empty(&conn->inflight)) {
        ngx_queue_add(lost, &conn->inflight);
    }

    if (!ngx_queue_empty(&server->followers)) {
        ngx_queue_add(lost, &server->followers);
        ngx_queue_init(&server->followers);
    }

    while (!ngx_queue_empty(&server->waiting)) {
        q = ngx_queue_head(&server->waiting);
        slot = ngx_queue_data(q, ngx_redis_slot_t, queue);

        if (!slot->sent) {
            break;
        }

        ngx_queue_remove(q);
        ngx_queue_insert_tail(lost, q);
    }

    ngx_redis_reply_free(&conn->stream);

    if (c) {
        ngx_log_debug1(NGX_LOG_DEBUG_EVENT, c->log, 0,
                       "redis close: %d", c->fd);

#if (NGX_SSL)
        if (conn->tls) {
            ngx_redis_tls_end(c);
        }
#endif

        ngx_close_connection(c);
    }

    ngx_destroy_pool(conn->pool);
}


static void
ngx_redis_connection_on_read(ngx_event_t *rev)
{
    ssize_t                  n;
    ngx_connection_t        *c;
    ngx_redis_connection_t  *conn;

    c = rev->data;
    conn = c->data;

    if (c->close) {
        ngx_redis_fault_end(conn);
        return;
    }

    if (rev->timedout) {
        rev->timedout = 0;

        if (ngx_redis_pipeline_silent(conn)) {
            ngx_redis_fault_dead(conn, NULL);
        }

        return;
    }

    if (conn->server->state == ngx_redis_st_connecting) {
        return;
    }

#if (NGX_SSL)
    if (conn->server->state == ngx_redis_st_handshaking) {
        ngx_redis_connection_shaken(conn, ngx_redis_tls_handshake(conn));
        return;
    }
#endif

    /* edge-triggered: there is no other event for what is left unread */

    for ( ;; ) {
        n = c->recv(c, conn->in, NGX_REDIS_READ);

        ngx_log_debug1(NGX_LOG_DEBUG_EVENT, c->log, 0, "redis recv: %z", n);

        if (n == NGX_AGAIN) {
            break;
        }

        if (n == NGX_ERROR || n == 0) {
            ngx_redis_fault_lost(conn, (n == 0 || conn->tls)
                                       ? 0 : ngx_socket_errno);
            return;
        }

        conn->heard = ngx_current_msec;
        conn->heard_us = ngx_redis_stats_clock();

        if (ngx_redis_pipeline_receive(conn, conn->in, n) != NGX_OK) {
            return;
        }
    }

    if (ngx_handle_read_event(rev, 0) != NGX_OK) {
        ngx_redis_fault_lost(conn, 0);
    }
}


static void
ngx_redis_connection_on_write(ngx_event_t *wev)
{
    ngx_connection_t        *c;
    ngx_redis_connection_t  *conn;

    c = wev->data;
    conn = c->data;

    if (wev->timedout) {
        wev->timedout = 0;
        ngx_redis_server_log(conn->server, ngx_redis_log_unreachable,
                             NGX_LOG_ERR, 0, "%V did not respond within %Mms "
                             "while %s, operations are refused until it "
                             "responds; check the server and the network, or "
                             "raise the connect timeout", conn->peer.name,
                             conn->server->conf.connect_timeout,
                             conn->log.action);
        ngx_redis_connection_next(conn);
        return;
    }

    if (conn->server->state == ngx_redis_st_connecting) {
        ngx_redis_connection_established(conn);
        return;
    }

#if (NGX_SSL)
    if (conn->server->state == ngx_redis_st_handshaking) {
        ngx_redis_connection_shaken(conn, ngx_redis_tls_handshake(conn));
        return;
    }
#endif

    (void) ngx_redis_send(conn);
}


static ngx_err_t
ngx_redis_connection_error(ngx_connection_t *c)
{
    int        err;
    socklen_t  len;

    err = 0;
    len = sizeof(int);

    /* Solaris returns the error by getsockopt() itself */

    if (getsockopt(c->fd, SOL_SOCKET, SO_ERROR, (void *) &err, &len) == -1) {
        err = ngx_socket_errno;
    }

    return (ngx_err_t) err;
}


static u_char *
ngx_redis_connection_log_error(ngx_log_t *log, u_char *buf, size_t len)
{
    u_char                  *p;
    ngx_redis_connection_t  *conn;

    conn = log->data;

    p = buf;

    if (log->action) {
        p = ngx_snprintf(buf, len, " while %s", log->action);
        len -= p - buf;
    }

    return ngx_snprintf(p, len, ", redis: \"%V\"",
                        &conn->server->conf.address);
}
