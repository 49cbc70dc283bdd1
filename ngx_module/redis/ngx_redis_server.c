/* SPDX-License-Identifier: BSD-2-Clause
 *
 * A server: what is known of it at configuration time, the turn in which a
 * worker acts for all operations submitted to it, and its end.
 *
 * Nothing is resolved and nothing is opened after configuration time but by
 * ngx_redis_locate().
 */

#include "ngx_redis_connection.h"
#include "ngx_redis_fault.h"
#include "ngx_redis_locate.h"
#include "ngx_redis_pipeline.h"
#include "ngx_redis_send.h"
#include "ngx_redis_server.h"
#include "ngx_redis_slot.h"
#include "ngx_redis_stats.h"
#include "ngx_redis_tls.h"
#include "ngx_redis_topology.h"


#define NGX_REDIS_PORT             6379
#define NGX_REDIS_TIMEOUT          200
#define NGX_REDIS_CONNECT_TIMEOUT  100


static ngx_int_t ngx_redis_server_check(ngx_conf_t *cf, ngx_str_t *address);
static ngx_int_t ngx_redis_server_locate(ngx_conf_t *cf,
    ngx_redis_server_t *server);
static ngx_int_t ngx_redis_server_copy(ngx_conf_t *cf,
    ngx_redis_server_t *server, ngx_redis_conf_t *conf);
static ngx_int_t ngx_redis_server_string(ngx_conf_t *cf, ngx_str_t *dst,
    ngx_str_t *src);
static void ngx_redis_server_on_turn(ngx_event_t *ev);
static void ngx_redis_server_on_retry(ngx_event_t *ev);
static void ngx_redis_server_cleanup(void *data);


/* one address: nothing is done otherwise */
static const ngx_redis_topology_t  ngx_redis_server_single = { 0 };


ngx_redis_server_t *
ngx_redis_server_create(ngx_conf_t *cf, ngx_redis_conf_t *conf,
    const ngx_redis_topology_t *topology)
{
    ngx_int_t            rc;
    ngx_pool_cleanup_t  *cln;
    ngx_redis_server_t  *server;

    if (conf->db < 0) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "invalid database number %i of redis \"%V\"",
                           conf->db, &conf->address);
        return NULL;
    }

    server = ngx_pcalloc(cf->pool, sizeof(ngx_redis_server_t));
    if (server == NULL) {
        return NULL;
    }

    /* the log of a cycle being made is at this place for all its life */

    ngx_redis_server_init(server, &cf->cycle->new_log);

    if (ngx_redis_server_copy(cf, server, conf) != NGX_OK) {
        return NULL;
    }

    if (topology) {
        server->topology = topology;
    }

    rc = server->topology->create ? server->topology->create(cf, server)
                                  : ngx_redis_server_locate(cf, server);

    if (rc != NGX_OK) {
        return NULL;
    }

#if (NGX_SSL)
    if (conf->tls) {
        if (ngx_redis_tls_init(cf, server) != NGX_OK) {
            return NULL;
        }

        /* cf->log is that of the cycle before, which ends before this one */

        server->ssl->log = server->log;
    }
#endif

    cln = ngx_pool_cleanup_add(cf->pool, 0);
    if (cln == NULL) {
        return NULL;
    }

    cln->handler = ngx_redis_server_cleanup;
    cln->data = server;

    return server;
}


/* The memory is zeroed, and at the same place until ngx_redis_server_end(). */

void
ngx_redis_server_init(ngx_redis_server_t *server, ngx_log_t *log)
{
    server->ident = (ngx_socket_t) -1;
    server->log = log;
    server->stats = &server->own_stats;
    server->topology = &ngx_redis_server_single;

    ngx_queue_init(&server->waiting);
    ngx_queue_init(&server->followers);

    server->turn.handler = ngx_redis_server_on_turn;
    server->turn.data = server;
    server->turn.log = log;

    server->retry.handler = ngx_redis_server_on_retry;
    server->retry.data = server;
    server->retry.log = log;
    server->retry.cancelable = 1;
}


void
ngx_redis_server_stats_at(ngx_redis_server_t *server, ngx_redis_stats_t *stats)
{
    if (stats == NULL) {
        stats = &server->own_stats;
    }

    ngx_redis_server_stats_move(server, stats);

    if (server->topology->stats) {
        server->topology->stats(server, stats);
    }
}


/* What is now moves with the server; what was counted stays where it is. */

void
ngx_redis_server_stats_move(ngx_redis_server_t *server,
    ngx_redis_stats_t *stats)
{
    ngx_redis_stats_t  *old;

    old = server->stats;

    stats->connections += (server->connection && server->connection->counted);
    stats->breakers += server->open;
    stats->pending += server->live;

    old->connections -= (server->connection && server->connection->counted);
    old->breakers -= server->open;
    old->pending -= server->live;

    server->stats = stats;
}


/* ngx_parse_url() takes nearly anything for a name or a path. */

static ngx_int_t
ngx_redis_server_check(ngx_conf_t *cf, ngx_str_t *address)
{
    u_char      ch;
    ngx_uint_t  i, digits, path;

    if (address->len == 0) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0, "no address of redis");
        return NGX_ERROR;
    }

    digits = 0;

    for (i = 0; i < address->len; i++) {
        ch = address->data[i];

        if (ch >= '0' && ch <= '9') {
            digits++;
            continue;
        }

        if ((ch >= 'a' && ch <= 'z')
            || (ch >= 'A' && ch <= 'Z')
            || (ch && ngx_strchr("-._/:[]@+,=%~", ch)))
        {
            continue;
        }

        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "invalid character 0x%02Xd at position %ui "
                           "in address of redis \"%V\"",
                           (int) ch, i + 1, address);
        return NGX_ERROR;
    }

    if (digits == address->len) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "no host in address of redis \"%V\"", address);
        return NGX_ERROR;
    }

    path = (ngx_strlchr(address->data, address->data + address->len, '/')
            != NULL);

    if (address->len >= 5 && ngx_strncmp(address->data, "unix:", 5) == 0) {
        path = (address->len < 6 || address->data[5] != '/');
    }

    if (path) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "invalid address of redis \"%V\", it must be "
                           "\"host:port\", \"[ipv6]:port\" or \"unix:/path\"",
                           address);
        return NGX_ERROR;
    }

    return NGX_OK;
}


/* Resolves an address; url->host is without brackets, "" for unix. */

ngx_int_t
ngx_redis_server_parse(ngx_conf_t *cf, ngx_str_t *address, ngx_url_t *url)
{
    if (ngx_redis_server_check(cf, address) != NGX_OK) {
        return NGX_ERROR;
    }

    ngx_memzero(url, sizeof(ngx_url_t));

    url->url = *address;
    url->default_port = NGX_REDIS_PORT;

    if (ngx_parse_url(cf->pool, url) != NGX_OK) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "%s in address of redis \"%V\"",
                           url->err ? url->err : "error", &url->url);
        return NGX_ERROR;
    }

    if (url->family == AF_UNIX) {
        ngx_str_null(&url->host);
    }

    if (url->host.len > 2 && url->host.data[0] == '[') {
        url->host.data++;
        url->host.len -= 2;
    }

    return NGX_OK;
}


static ngx_int_t
ngx_redis_server_locate(ngx_conf_t *cf, ngx_redis_server_t *server)
{
    ngx_url_t  u;

    if (ngx_redis_server_parse(cf, &server->conf.address, &u) != NGX_OK) {
        return NGX_ERROR;
    }

    server->addrs = u.addrs;
    server->naddrs = u.naddrs;
    server->host = u.host;
    server->port = u.port;

    server->named = (server->conf.resolver
                     && u.host.len
                     && ngx_inet_addr(u.host.data, u.host.len) == INADDR_NONE
                     && !ngx_strlchr(u.host.data, u.host.data + u.host.len,
                                     ':'));

    return NGX_OK;
}


static ngx_int_t
ngx_redis_server_copy(ngx_conf_t *cf, ngx_redis_server_t *server,
    ngx_redis_conf_t *conf)
{
    ngx_redis_conf_t  *copy;

    copy = &server->conf;
    *copy = *conf;

    if (copy->timeout == 0) {
        copy->timeout = NGX_REDIS_TIMEOUT;
    }

    if (copy->connect_timeout == 0) {
        copy->connect_timeout = NGX_REDIS_CONNECT_TIMEOUT;
    }

    /* what comes while a batch waits for its replicas waits for them too */

    if (copy->replicas) {
        copy->timeout += copy->replicas_timeout;
    }

    if (ngx_redis_server_string(cf, &copy->address, &conf->address) != NGX_OK
        || ngx_redis_server_string(cf, &copy->user, &conf->user) != NGX_OK
        || ngx_redis_server_string(cf, &copy->password, &conf->password)
           != NGX_OK
        || ngx_redis_server_string(cf, &copy->master, &conf->master)
           != NGX_OK)
    {
        return NGX_ERROR;
    }

#if (NGX_SSL)
    if (ngx_redis_server_string(cf, &copy->tls_ca, &conf->tls_ca) != NGX_OK
        || ngx_redis_server_string(cf, &copy->tls_name, &conf->tls_name)
           != NGX_OK
        || ngx_redis_server_string(cf, &copy->tls_certificate,
                                   &conf->tls_certificate)
           != NGX_OK
        || ngx_redis_server_string(cf, &copy->tls_certificate_key,
                                   &conf->tls_certificate_key)
           != NGX_OK)
    {
        return NGX_ERROR;
    }
#endif

    return NGX_OK;
}


/* NGINX and OpenSSL read file names up to a zero byte. */

static ngx_int_t
ngx_redis_server_string(ngx_conf_t *cf, ngx_str_t *dst, ngx_str_t *src)
{
    dst->data = ngx_pnalloc(cf->pool, src->len + 1);
    if (dst->data == NULL) {
        return NGX_ERROR;
    }

    /* an empty string may have no data */

    if (src->len) {
        ngx_memcpy(dst->data, src->data, src->len);
    }

    dst->data[src->len] = '\0';
    dst->len = src->len;

    return NGX_OK;
}


static void
ngx_redis_server_on_turn(ngx_event_t *ev)
{
    ngx_redis_server_t      *server;
    ngx_redis_connection_t  *conn;

    server = ev->data;
    conn = server->connection;

    if (ngx_exiting && server->live == 0) {

        if (conn) {
            ngx_redis_fault_end(conn);
        }

        return;
    }

    if (server->state == ngx_redis_st_ready) {
        (void) ngx_redis_send(conn);
        return;
    }

    if (server->state == ngx_redis_st_idle
        && !server->open
        && !ngx_queue_empty(&server->waiting))
    {
        ngx_redis_locate(server);
    }
}


/* The breaker's timer: its probe is a connection. */

static void
ngx_redis_server_on_retry(ngx_event_t *ev)
{
    ngx_redis_server_t  *server;

    server = ev->data;

    if (server->state == ngx_redis_st_idle) {
        ngx_redis_locate(server);
    }
}


/*
 * The end of a cycle, in a worker that exits: no request is left that could
 * be told anything.  In other processes there is nothing to do.
 */

static void
ngx_redis_server_cleanup(void *data)
{
    ngx_redis_server_t *server = data;

    if (server->topology->end) {
        server->topology->end(server);
    }

    ngx_redis_server_end(server);
}


/* Frees all that is not the server's own memory.  Calls no handler. */

void
ngx_redis_server_end(ngx_redis_server_t *server)
{
    ngx_queue_t        rest, *q;
    ngx_redis_slot_t  *slot;

    ngx_redis_locate_cancel(server);

    if (server->retry.timer_set) {
        ngx_del_timer(&server->retry);
    }

    if (server->turn.posted) {
        ngx_delete_posted_event(&server->turn);
    }

    server->stats->breakers -= server->open;
    server->open = 0;

    ngx_queue_init(&rest);

    if (server->connection) {
        ngx_redis_connection_close(server->connection, &rest);
    }

    if (!ngx_queue_empty(&server->waiting)) {
        ngx_queue_add(&rest, &server->waiting);
        ngx_queue_init(&server->waiting);
    }

    while (!ngx_queue_empty(&rest)) {
        q = ngx_queue_head(&rest);
        ngx_queue_remove(q);

        slot = ngx_queue_data(q, ngx_redis_slot_t, queue);

        ngx_redis_slot_free(slot);
    }

    if (server->found) {
        ngx_destroy_pool(server->found);
        server->found = NULL;
    }
}
