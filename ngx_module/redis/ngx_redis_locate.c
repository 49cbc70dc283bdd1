/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Where a server is, found out anew before each connect: by the resolver, if
 * it has a name and there is one, or by its topology.  Managed services
 * move a name to the new master when the old one has failed, and nodes of a
 * cluster move to other machines under the names that they announce.
 *
 * The server is locating meanwhile, without a connection: operations wait,
 * each within its deadline.  Addresses found live in server->found until
 * others are; no connection uses them then.
 */

#include "ngx_redis_breaker.h"
#include "ngx_redis_connection.h"
#include "ngx_redis_locate.h"
#include "ngx_redis_pipeline.h"
#include "ngx_redis_server_log.h"
#include "ngx_redis_topology.h"


/* more addresses of one name are not tried */
#define NGX_REDIS_LOCATE_ADDRS  64


static void ngx_redis_locate_on_resolved(ngx_resolver_ctx_t *ctx);
static void ngx_redis_locate_unresolved(ngx_redis_server_t *server,
    const char *why);


/*
 * Ends in a connection, or in a breaker that is open.  May call handlers: only
 * for events.
 */

void
ngx_redis_locate(ngx_redis_server_t *server)
{
    if (server->topology->locate) {
        server->state = ngx_redis_st_locating;
        server->topology->locate(server);
        return;
    }

    if (server->named) {
        server->state = ngx_redis_st_locating;
        ngx_redis_locate_resolve(server);
        return;
    }

    ngx_redis_connection_dial(server);
}


/* Looks for the addresses of server->host. */

void
ngx_redis_locate_resolve(ngx_redis_server_t *server)
{
    ngx_resolver_ctx_t  *ctx;

    ctx = ngx_resolve_start(server->conf.resolver, NULL);

    if (ctx == NULL || ctx == NGX_NO_RESOLVER) {
        ngx_redis_locate_unresolved(server, "no memory or no resolver");
        return;
    }

    ctx->name = server->host;
    ctx->handler = ngx_redis_locate_on_resolved;
    ctx->data = server;
    ctx->timeout = server->conf.connect_timeout;
    ctx->cancelable = 1;

    server->resolving = ctx;

    /* calls the handler at once when it knows the name; frees ctx on error */

    if (ngx_resolve_name(ctx) != NGX_OK) {
        server->resolving = NULL;
        ngx_redis_locate_unresolved(server, "no memory");
    }
}


/* Forgets what is being looked for. */

void
ngx_redis_locate_cancel(ngx_redis_server_t *server)
{
    if (server->resolving) {
        ngx_resolve_name_done(server->resolving);
        server->resolving = NULL;
    }

    if (server->topology->cancel) {
        server->topology->cancel(server);
    }
}


/*
 * Takes server->host for an address as text, without brackets.  NGX_DECLINED:
 * it is a name.
 */

ngx_int_t
ngx_redis_locate_literal(ngx_redis_server_t *server)
{
    ngx_int_t    rc;
    ngx_addr_t   addr;
    ngx_pool_t  *pool;

    pool = ngx_create_pool(256, server->log);
    if (pool == NULL) {
        return NGX_ERROR;
    }

    rc = ngx_parse_addr(pool, &addr, server->host.data, server->host.len);

    if (rc == NGX_OK) {
        rc = ngx_redis_locate_adopt(server, &addr, 1);
    }

    ngx_destroy_pool(pool);

    return rc;
}


/* Nobody knows where it is.  May call handlers. */

void
ngx_redis_locate_failed(ngx_redis_server_t *server)
{
    server->state = ngx_redis_st_idle;

    ngx_redis_breaker_open(server);
    ngx_redis_pipeline_refuse(server);
}


static void
ngx_redis_locate_on_resolved(ngx_resolver_ctx_t *ctx)
{
    ngx_int_t            rc;
    ngx_uint_t           i, n;
    ngx_addr_t           addrs[NGX_REDIS_LOCATE_ADDRS];
    const char          *why;
    ngx_redis_server_t  *server;

    server = ctx->data;
    server->resolving = NULL;

    n = ctx->state ? 0 : ngx_min(ctx->naddrs, NGX_REDIS_LOCATE_ADDRS);

    for (i = 0; i < n; i++) {
        addrs[i].sockaddr = ctx->addrs[i].sockaddr;
        addrs[i].socklen = ctx->addrs[i].socklen;
    }

    rc = n ? ngx_redis_locate_adopt(server, addrs, n) : NGX_DECLINED;
    why = ctx->state ? ngx_resolver_strerror(ctx->state) : "no memory";

    ngx_resolve_name_done(ctx);

    if (rc != NGX_OK) {
        ngx_redis_locate_unresolved(server, why);
        return;
    }

    ngx_redis_connection_dial(server);
}


/*
 * From now on the server is at these addresses, which are copied, and at
 * server->port.
 */

ngx_int_t
ngx_redis_locate_adopt(ngx_redis_server_t *server, ngx_addr_t *from,
    ngx_uint_t n)
{
    u_char      *p;
    size_t       size;
    ngx_uint_t   i;
    ngx_addr_t  *addr;
    ngx_pool_t  *pool;

    pool = ngx_create_pool(1024, server->log);
    if (pool == NULL) {
        return NGX_ERROR;
    }

    addr = ngx_pcalloc(pool, n * sizeof(ngx_addr_t));
    if (addr == NULL) {
        goto failed;
    }

    for (i = 0; i < n; i++) {
        size = from[i].socklen;

        p = ngx_palloc(pool, size + NGX_SOCKADDR_STRLEN);
        if (p == NULL) {
            goto failed;
        }

        ngx_memcpy(p, from[i].sockaddr, size);

        addr[i].sockaddr = (struct sockaddr *) p;
        addr[i].socklen = size;
        ngx_inet_set_port(addr[i].sockaddr, server->port);

        addr[i].name.data = p + size;
        addr[i].name.len = ngx_sock_ntop(addr[i].sockaddr, size, p + size,
                                         NGX_SOCKADDR_STRLEN, 1);
    }

    if (server->found) {
        ngx_destroy_pool(server->found);
    }

    server->found = pool;
    server->addrs = addr;
    server->naddrs = n;
    server->addr %= n;

    return NGX_OK;

failed:

    ngx_destroy_pool(pool);

    return NGX_ERROR;
}


/*
 * A name server that is away must not take Redis with it: the addresses last
 * known are tried, if there are any.  But those of a master may be those of
 * the last master.
 */

static void
ngx_redis_locate_unresolved(ngx_redis_server_t *server, const char *why)
{
    const char  *then;

    then = "the last known addresses are used";

    if (server->topology->unresolved) {
        then = server->topology->unresolved;

    } else if (server->naddrs == 0) {
        then = "operations are refused until it is";
    }

    ngx_redis_server_log(server, ngx_redis_log_locate, NGX_LOG_ERR, 0,
                         "\"%V\" could not be resolved: %s; %s; check the "
                         "\"resolver\" directive and the name server",
                         &server->host, why, then);

    if (server->topology->unresolved) {
        ngx_redis_locate_failed(server);
        return;
    }

    ngx_redis_connection_dial(server);
}
