/*
 * Asking sentinels for the master, one after another until one names it, as
 * "Guidelines for Redis clients with support for Redis Sentinel" of Redis's
 * documentation has it.  That it is a master it has to say itself, in the
 * greeting.  Each time another one is asked first, so that one that lags
 * behind is not asked again and again.
 */

#include "ngx_redis_cluster_map.h"
#include "ngx_redis_connection.h"
#include "ngx_redis_locate.h"
#include "ngx_redis_sentinel_ask.h"
#include "ngx_redis_server_log.h"


static void ngx_redis_sentinel_next(ngx_redis_sentinel_t *sentinel);
static void ngx_redis_sentinel_on_answer(ngx_redis_op_t *op,
    ngx_redis_status_e status, redisReply *reply);


/* Ends in ngx_redis_sentinel_found() or ngx_redis_locate_failed(). */

void
ngx_redis_sentinel_ask(ngx_redis_sentinel_t *sentinel)
{
    sentinel->left = sentinel->nsentinels;

    ngx_redis_sentinel_next(sentinel);
}


static void
ngx_redis_sentinel_next(ngx_redis_sentinel_t *sentinel)
{
    ngx_str_t            argv[3];
    ngx_redis_op_t      *op;
    ngx_redis_server_t  *server, *master;

    master = sentinel->master;
    op = &sentinel->ask;

    ngx_str_set(&argv[0], "SENTINEL");
    ngx_str_set(&argv[1], "get-master-addr-by-name");
    argv[2] = master->conf.master;

    while (sentinel->left) {
        server = sentinel->asked[sentinel->next];

        sentinel->next = (sentinel->next + 1) % sentinel->nsentinels;
        sentinel->left--;

        op->handler = ngx_redis_sentinel_on_answer;
        op->data = sentinel;
        op->log = master->log;

        if (ngx_redis_submit(server, op, 3, argv) == NGX_OK) {
            return;
        }
    }

    ngx_redis_server_log(master, ngx_redis_log_unreachable, NGX_LOG_ERR, 0,
                         "no sentinel tells where master \"%V\" is, "
                         "operations are refused until one does; check that "
                         "sentinels run at these addresses and watch a "
                         "master of this name", &master->conf.master);

    ngx_redis_locate_failed(master);
}


static void
ngx_redis_sentinel_on_answer(ngx_redis_op_t *op, ngx_redis_status_e status,
    redisReply *reply)
{
    ngx_str_t              host;
    ngx_int_t              port;
    redisReply            *value;
    ngx_redis_sentinel_t  *sentinel;

    sentinel = op->data;

    if (status != ngx_redis_ok) {
        ngx_redis_sentinel_next(sentinel);
        return;
    }

    if (reply->type == REDIS_REPLY_ARRAY
        && reply->elements == 2
        && reply->element[0]->type == REDIS_REPLY_STRING
        && reply->element[1]->type == REDIS_REPLY_STRING)
    {
        value = reply->element[1];
        port = ngx_atoi((u_char *) value->str, value->len);

        if (port > 0 && port < 65536) {
            host.data = (u_char *) reply->element[0]->str;
            host.len = reply->element[0]->len;

            ngx_redis_sentinel_found(sentinel, &host, (in_port_t) port);
            return;
        }
    }

    ngx_redis_server_log(op->server, ngx_redis_log_locate, NGX_LOG_ERR, 0,
                         "the sentinel does not tell where master \"%V\" is: "
                         "%s; check the name against \"sentinel monitor\", "
                         "and that its user has +sentinel and +subscribe",
                         &sentinel->master->conf.master,
                         reply->type == REDIS_REPLY_ERROR ? reply->str
                                                          : "it knows none");

    ngx_redis_sentinel_next(sentinel);
}


/* Whether this can be where a master is: what it is comes from outside. */

ngx_uint_t
ngx_redis_sentinel_host(ngx_str_t *host)
{
    return host->len > 0
           && host->len < NGX_REDIS_SENTINEL_HOST
           && ngx_redis_cluster_host((char *) host->data, host->len);
}


/* The master is said to be here: connects to it.  It is locating. */

void
ngx_redis_sentinel_found(ngx_redis_sentinel_t *sentinel, ngx_str_t *host,
    in_port_t port)
{
    ngx_int_t            rc;
    ngx_redis_server_t  *master;

    master = sentinel->master;

    if (!ngx_redis_sentinel_host(host)) {
        ngx_redis_server_log(master, ngx_redis_log_locate, NGX_LOG_ERR, 0,
                             "a sentinel names the master \"%V\", which is "
                             "neither an address nor a name; check \"sentinel "
                             "monitor\"", host);
        ngx_redis_locate_failed(master);
        return;
    }

    *ngx_cpymem(sentinel->host, host->data, host->len) = '\0';

    master->host.data = sentinel->host;
    master->host.len = host->len;
    master->port = port;

#if (NGX_SSL)
    if (sentinel->tls_by_host) {
        master->conf.tls_name = master->host;
    }
#endif

    rc = ngx_redis_locate_literal(master);

    if (rc == NGX_OK) {
        ngx_redis_connection_dial(master);
        return;
    }

    if (rc == NGX_DECLINED && master->conf.resolver) {
        ngx_redis_locate_resolve(master);
        return;
    }

    ngx_redis_server_log(master, ngx_redis_log_locate, NGX_LOG_ERR, 0,
                         "a sentinel names the master \"%V\", which is no "
                         "address; set the \"resolver\" directive, or "
                         "\"sentinel announce-hostnames no\"",
                         &master->host);

    ngx_redis_locate_failed(master);
}
