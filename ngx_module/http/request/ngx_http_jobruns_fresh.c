/* SPDX-License-Identifier: BSD-2-Clause
 *
 * A fresh connection for each creation: a new one, or one that was left for
 * no longer than jobruns_keepalive says that the service keeps it.
 *
 * A connection that idles may be closed by the service at any time.  A request
 * that is written into the close is lost, and nobody can tell that from one
 * that was carried out: the attempt would be unknown, although nothing was
 * made.  So peer.get is wrapped where a creation leaves: a connection from a
 * cache (NGX_DONE, ngx_event_connect_peer()) that is not fresh is closed, and
 * NGINX connects to the same peer.
 *
 * When a connection was left, its own pool knows: peer.free is wrapped for
 * every request of a location with jobruns_keepalive.  Other locations may use
 * it meanwhile, so that it has idled for less than is thought, never for more.
 *
 * A cache has only peer.data to go by, so every call that takes it is wrapped,
 * as in ngx_http_upstream_keepalive_module.
 */

#include "ngx_http_jobruns_fresh.h"
#include "ngx_http_jobruns_guard.h"

#include "ngx_redis_stats.h"


/* in the pool of a connection, found there by the cleanup's handler */

typedef struct {
    uint64_t                           at;    /* when it was left, us */
} ngx_http_jobruns_left_t;


typedef struct {
    ngx_msec_t                         keepalive; /* 0: only new ones */
    ngx_uint_t                         creation;  /* unsigned  creation:1; */

    void                              *data;
    ngx_event_get_peer_pt              get;
    ngx_event_free_peer_pt             free;
    ngx_event_notify_peer_pt           notify;

#if (NGX_HTTP_SSL)
    ngx_event_set_peer_session_pt      set_session;
    ngx_event_save_peer_session_pt     save_session;
#endif
} ngx_http_jobruns_fresh_t;


static ngx_int_t ngx_http_jobruns_fresh_get(ngx_peer_connection_t *pc,
    void *data);
static void ngx_http_jobruns_fresh_free(ngx_peer_connection_t *pc,
    void *data, ngx_uint_t state);
static void ngx_http_jobruns_fresh_notify(ngx_peer_connection_t *pc,
    void *data, ngx_uint_t type);
static ngx_uint_t ngx_http_jobruns_fresh_kept(ngx_connection_t *c,
    ngx_msec_t keepalive);
static ngx_http_jobruns_left_t *ngx_http_jobruns_fresh_left(
    ngx_connection_t *c);
static void ngx_http_jobruns_fresh_leave(ngx_connection_t *c);
static void ngx_http_jobruns_fresh_cleanup(void *data);
static void ngx_http_jobruns_fresh_close(ngx_connection_t *c);
#if (NGX_HTTP_SSL)
static ngx_int_t ngx_http_jobruns_fresh_set_session(ngx_peer_connection_t *pc,
    void *data);
static void ngx_http_jobruns_fresh_save_session(ngx_peer_connection_t *pc,
    void *data);
#endif


ngx_int_t
ngx_http_jobruns_fresh_peer(ngx_http_request_t *r, ngx_msec_t keepalive,
    ngx_uint_t creation)
{
    ngx_peer_connection_t     *pc;
    ngx_http_jobruns_fresh_t  *fresh;

    if (!creation && keepalive == 0) {
        return NGX_OK;
    }

    fresh = ngx_palloc(r->pool, sizeof(ngx_http_jobruns_fresh_t));
    if (fresh == NULL) {
        return NGX_ERROR;
    }

    pc = &r->upstream->peer;

    fresh->keepalive = keepalive;
    fresh->creation = creation;

    fresh->data = pc->data;
    fresh->get = pc->get;
    fresh->free = pc->free;
    fresh->notify = pc->notify;

    pc->data = fresh;
    pc->get = ngx_http_jobruns_fresh_get;

    /* NGINX calls these where they are set, and set_session with TLS alone */

    if (pc->free) {
        pc->free = ngx_http_jobruns_fresh_free;
    }

    if (pc->notify) {
        pc->notify = ngx_http_jobruns_fresh_notify;
    }

#if (NGX_HTTP_SSL)
    fresh->set_session = pc->set_session;
    fresh->save_session = pc->save_session;

    if (pc->set_session) {
        pc->set_session = ngx_http_jobruns_fresh_set_session;
    }

    if (pc->save_session) {
        pc->save_session = ngx_http_jobruns_fresh_save_session;
    }
#endif

    return NGX_OK;
}


static ngx_int_t
ngx_http_jobruns_fresh_get(ngx_peer_connection_t *pc, void *data)
{
    ngx_int_t                  rc;
    ngx_connection_t          *c;
    ngx_http_jobruns_fresh_t  *fresh = data;

    rc = fresh->get(pc, fresh->data);

    if (rc != NGX_DONE || pc->connection == NULL || !fresh->creation
        || ngx_http_jobruns_fresh_kept(pc->connection, fresh->keepalive))
    {
        return rc;
    }

    /* the cache has let go of it, and a peer is chosen and counted */

    c = pc->connection;

    pc->connection = NULL;
    pc->cached = 0;

    ngx_log_debug1(NGX_LOG_DEBUG_HTTP, pc->log, 0,
                   "jobruns: connection %p is not fresh, closed", c);

    ngx_http_jobruns_fresh_close(c);

    return NGX_OK;
}


/* may a creation go out on c, which was used before? */

static ngx_uint_t
ngx_http_jobruns_fresh_kept(ngx_connection_t *c, ngx_msec_t keepalive)
{
    u_char                    byte;
    ngx_http_jobruns_left_t  *left;

    left = ngx_http_jobruns_fresh_left(c);

    /* not the time of the event loop, which stands still while a worker does */

    if (left == NULL
        || ngx_redis_stats_clock() - left->at > (uint64_t) keepalive * 1000)
    {
        return 0;
    }

    /* a close may have arrived that NGINX was not told of yet */

    return recv(c->fd, &byte, 1, MSG_PEEK) == -1
           && ngx_socket_errno == NGX_EAGAIN;
}


static ngx_http_jobruns_left_t *
ngx_http_jobruns_fresh_left(ngx_connection_t *c)
{
    ngx_pool_cleanup_t  *cln;

    for (cln = c->pool ? c->pool->cleanup : NULL; cln; cln = cln->next) {
        if (cln->handler == ngx_http_jobruns_fresh_cleanup) {
            return cln->data;
        }
    }

    return NULL;
}


/* c is on its way into a cache, or about to be closed */

static void
ngx_http_jobruns_fresh_leave(ngx_connection_t *c)
{
    ngx_pool_cleanup_t       *cln;
    ngx_http_jobruns_left_t  *left;

    left = ngx_http_jobruns_fresh_left(c);

    if (left == NULL) {

        if (c->pool == NULL) {
            return;     /* was never connected */
        }

        cln = ngx_pool_cleanup_add(c->pool, sizeof(ngx_http_jobruns_left_t));
        if (cln == NULL) {
            return;     /* no creation will use it */
        }

        cln->handler = ngx_http_jobruns_fresh_cleanup;
        left = cln->data;
    }

    left->at = ngx_redis_stats_clock();
}


static void
ngx_http_jobruns_fresh_cleanup(void *data)
{
    /* only marks its data */
}


/* as ngx_http_upstream_keepalive_close() */

static void
ngx_http_jobruns_fresh_close(ngx_connection_t *c)
{
    /* TLS may outlive the request, whose log the cache has put here */

    c->log = ngx_cycle->log;
    c->read->log = c->log;
    c->write->log = c->log;

#if (NGX_HTTP_SSL)

    if (c->ssl) {
        c->ssl->no_wait_shutdown = 1;
        c->ssl->no_send_shutdown = 1;

        if (ngx_ssl_shutdown(c) == NGX_AGAIN) {
            c->ssl->handler = ngx_http_jobruns_fresh_close;
            return;
        }
    }

#endif

    if (c->pool) {
        c->pool->log = c->log;
        ngx_destroy_pool(c->pool);
    }

    ngx_close_connection(c);
}


static void
ngx_http_jobruns_fresh_free(ngx_peer_connection_t *pc, void *data,
    ngx_uint_t state)
{
    ngx_http_jobruns_fresh_t  *fresh = data;

    if (fresh->keepalive && pc->connection) {
        ngx_http_jobruns_fresh_leave(pc->connection);
    }

    fresh->free(pc, fresh->data, state);
}


static void
ngx_http_jobruns_fresh_notify(ngx_peer_connection_t *pc, void *data,
    ngx_uint_t type)
{
    ngx_http_jobruns_fresh_t  *fresh = data;

    fresh->notify(pc, fresh->data, type);
}


#if (NGX_HTTP_SSL)

static ngx_int_t
ngx_http_jobruns_fresh_set_session(ngx_peer_connection_t *pc, void *data)
{
    ngx_http_jobruns_fresh_t  *fresh = data;

    return fresh->set_session(pc, fresh->data);
}


static void
ngx_http_jobruns_fresh_save_session(ngx_peer_connection_t *pc, void *data)
{
    ngx_http_jobruns_fresh_t  *fresh = data;

    fresh->save_session(pc, fresh->data);
}

#endif
