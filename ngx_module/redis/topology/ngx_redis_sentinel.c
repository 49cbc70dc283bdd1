/* SPDX-License-Identifier: BSD-2-Clause
 *
 * A server of which Redis Sentinel says where it is.
 *
 * The master's server is the handle that callers have.  Each sentinel of the
 * configuration is two servers of its own, made at configuration time, since
 * in RESP2 a connection that has subscribed answers nothing else; of the
 * second kind one is used at a time.  All live with the cycle.
 *
 * Before each connect sentinels are asked for the master, one after another
 * until one names it, as "Guidelines for Redis clients with support for Redis
 * Sentinel" of Redis's documentation has it.  That it is a master it has to
 * say itself, in the greeting.  Each time another one is asked first, so that
 * one that lags behind is not asked again and again.
 *
 * One sentinel is watched for +switch-master: a master that has been replaced
 * may still answer, and one that is gone may leave connections that nobody
 * resets.  SUBSCRIBE is sent once a second, which does no harm, notices a
 * sentinel that is silent, and subscribes again where the connection was lost.
 * After a failure the next sentinel is the one.
 */

#include "ngx_redis_locate.h"
#include "ngx_redis_pipeline.h"
#include "ngx_redis_sentinel.h"
#include "ngx_redis_server_log.h"

/* without a header of NGINX, so behind them */
#include "ngx_redis_cluster_map.h"


/* a name of the DNS, and the zero byte that OpenSSL wants */
#define NGX_REDIS_SENTINEL_HOST   256

/* between two SUBSCRIBE, ms: it is also how silence is noticed */
#define NGX_REDIS_SENTINEL_WATCH  1000


typedef struct {
    ngx_redis_server_t       *master;
    ngx_redis_server_t      **asked;      /* nsentinels of each */
    ngx_redis_server_t      **watched;
    ngx_uint_t                nsentinels;

    ngx_redis_op_t            ask;        /* SENTINEL get-master-addr-by-name */
    ngx_uint_t                next;       /* who is asked next */
    ngx_uint_t                left;       /* to be asked, this time */

    ngx_redis_op_t            watch;      /* SUBSCRIBE */
    ngx_uint_t                watching;
    ngx_event_t               tick;

    /* of master->host, and of conf.tls_name if none is configured */
    u_char                    host[NGX_REDIS_SENTINEL_HOST];
    unsigned                  tls_by_host:1;
} ngx_redis_sentinel_t;


static ngx_int_t ngx_redis_sentinel_create(ngx_conf_t *cf,
    ngx_redis_server_t *master);
static ngx_redis_server_t *ngx_redis_sentinel_server(ngx_conf_t *cf,
    ngx_redis_conf_t *master, ngx_str_t *address,
    const ngx_redis_topology_t *topology);
static void ngx_redis_sentinel_end(ngx_redis_server_t *master);
static void ngx_redis_sentinel_locate(ngx_redis_server_t *master);
static void ngx_redis_sentinel_cancel(ngx_redis_server_t *master);
static void ngx_redis_sentinel_ask(ngx_redis_sentinel_t *sentinel);
static void ngx_redis_sentinel_next(ngx_redis_sentinel_t *sentinel);
static void ngx_redis_sentinel_on_answer(ngx_redis_op_t *op,
    ngx_redis_status_e status, redisReply *reply);
static ngx_uint_t ngx_redis_sentinel_host(ngx_str_t *host);
static void ngx_redis_sentinel_found(ngx_redis_sentinel_t *sentinel,
    ngx_str_t *host, in_port_t port);
static void ngx_redis_sentinel_watch(ngx_redis_sentinel_t *sentinel);
static void ngx_redis_sentinel_on_tick(ngx_event_t *ev);
static void ngx_redis_sentinel_on_subscribed(ngx_redis_op_t *op,
    ngx_redis_status_e status, redisReply *reply);
static void ngx_redis_sentinel_on_push(ngx_redis_server_t *server,
    redisReply *reply);
static u_char *ngx_redis_sentinel_word(u_char **p, u_char *last, size_t *len);
static void ngx_redis_sentinel_switch(ngx_redis_sentinel_t *sentinel,
    ngx_str_t *host, in_port_t port);


const ngx_redis_topology_t  ngx_redis_sentinel_topology = {
    .create = ngx_redis_sentinel_create,
    .end = ngx_redis_sentinel_end,
    .locate = ngx_redis_sentinel_locate,
    .cancel = ngx_redis_sentinel_cancel,
    .unresolved = "another sentinel will be asked"
};


/* of a sentinel that is watched; members is as of the master */
static const ngx_redis_topology_t  ngx_redis_sentinel_watched = {
    .push = ngx_redis_sentinel_on_push
};


static ngx_int_t
ngx_redis_sentinel_create(ngx_conf_t *cf, ngx_redis_server_t *master)
{
    ngx_str_t             *seed;
    ngx_uint_t             i, n;
    ngx_redis_server_t    *server;
    ngx_redis_sentinel_t  *sentinel;

    n = master->conf.nseeds;

    sentinel = ngx_pcalloc(cf->pool, sizeof(ngx_redis_sentinel_t));
    if (sentinel == NULL) {
        return NGX_ERROR;
    }

    sentinel->asked = ngx_palloc(cf->pool, 2 * n * sizeof(void *));
    if (sentinel->asked == NULL) {
        return NGX_ERROR;
    }

    sentinel->watched = sentinel->asked + n;
    sentinel->nsentinels = n;

    for (i = 0; i < 2 * n; i++) {
        seed = &master->conf.seeds[i < n ? i : i - n];

        server = ngx_redis_sentinel_server(cf, &master->conf, seed,
                                           i < n ? NULL
                                           : &ngx_redis_sentinel_watched);
        if (server == NULL) {
            return NGX_ERROR;
        }

        server->members = sentinel;
        sentinel->asked[i] = server;
    }

    sentinel->master = master;
    sentinel->tick.handler = ngx_redis_sentinel_on_tick;
    sentinel->tick.data = sentinel;
    sentinel->tick.log = master->log;
    sentinel->tick.cancelable = 1;

    master->members = sentinel;

    /* for TLS at configuration time; no master is known yet */

    master->host = sentinel->asked[0]->host;

#if (NGX_SSL)
    sentinel->tls_by_host = (master->conf.tls_name.len == 0);
#endif

    return NGX_OK;
}


static ngx_redis_server_t *
ngx_redis_sentinel_server(ngx_conf_t *cf, ngx_redis_conf_t *master,
    ngx_str_t *address, const ngx_redis_topology_t *topology)
{
    ngx_redis_conf_t  conf;

    ngx_memzero(&conf, sizeof(ngx_redis_conf_t));

    conf.address = *address;
    conf.user = master->sentinel_user;
    conf.password = master->sentinel_password;
    conf.timeout = master->timeout;
    conf.connect_timeout = master->connect_timeout;
    conf.resolver = master->resolver;

#if (NGX_SSL)
    conf.tls = master->sentinel_tls;
    conf.tls_ca = master->sentinel_tls_ca;
    conf.tls_name = master->sentinel_tls_name;
#endif

    return ngx_redis_server_create(cf, &conf, topology);
}


/* With the end of its cycle, while all servers are still there. */

static void
ngx_redis_sentinel_end(ngx_redis_server_t *master)
{
    ngx_redis_sentinel_t  *sentinel;

    sentinel = master->members;

    if (sentinel->tick.timer_set) {
        ngx_del_timer(&sentinel->tick);
    }

    ngx_redis_op_cancel(&sentinel->ask);
    ngx_redis_op_cancel(&sentinel->watch);
}


static void
ngx_redis_sentinel_locate(ngx_redis_server_t *master)
{
    ngx_redis_sentinel_watch(master->members);
    ngx_redis_sentinel_ask(master->members);
}


static void
ngx_redis_sentinel_cancel(ngx_redis_server_t *master)
{
    ngx_redis_sentinel_t  *sentinel;

    sentinel = master->members;

    ngx_redis_op_cancel(&sentinel->ask);
}


/* Ends in ngx_redis_sentinel_found() or ngx_redis_locate_failed(). */

static void
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

        if (ngx_redis_op_submit(server, op, 3, argv) == NGX_OK) {
            return;
        }
    }

    ngx_redis_server_log(master, ngx_redis_log_unreachable, NGX_LOG_ERR, 0,
                         "no sentinel reports the address of master \"%V\", "
                         "operations are refused until one does; check that "
                         "sentinels run at these addresses and monitor a "
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
                         "the sentinel does not report the address of master "
                         "\"%V\": %s; check the name against \"sentinel "
                         "monitor\", and that its user has +sentinel and "
                         "+subscribe",
                         &sentinel->master->conf.master,
                         reply->type == REDIS_REPLY_ERROR ? reply->str
                                                          : "no such master");

    ngx_redis_sentinel_next(sentinel);
}


/* Whether this can be where a master is: what it is comes from outside. */

static ngx_uint_t
ngx_redis_sentinel_host(ngx_str_t *host)
{
    return host->len > 0
           && host->len < NGX_REDIS_SENTINEL_HOST
           && ngx_redis_cluster_map_host((char *) host->data, host->len);
}


/* The master is said to be here: connects to it.  It is locating. */

static void
ngx_redis_sentinel_found(ngx_redis_sentinel_t *sentinel, ngx_str_t *host,
    in_port_t port)
{
    ngx_int_t            rc;
    ngx_redis_server_t  *master;

    master = sentinel->master;

    if (!ngx_redis_sentinel_host(host)) {
        ngx_redis_server_log(master, ngx_redis_log_locate, NGX_LOG_ERR, 0,
                             "a sentinel reports the master \"%V\", which is "
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
                         "a sentinel reports the master \"%V\", which is not "
                         "an address; set the \"resolver\" directive, or "
                         "\"sentinel announce-hostnames no\"",
                         &master->host);

    ngx_redis_locate_failed(master);
}


/* Begins with the first question for the master, in each worker. */

static void
ngx_redis_sentinel_watch(ngx_redis_sentinel_t *sentinel)
{
    if (!sentinel->tick.timer_set) {
        ngx_redis_sentinel_on_tick(&sentinel->tick);
    }
}


static void
ngx_redis_sentinel_on_tick(ngx_event_t *ev)
{
    ngx_str_t              argv[2];
    ngx_uint_t             i;
    ngx_redis_op_t        *op;
    ngx_redis_sentinel_t  *sentinel;

    sentinel = ev->data;
    op = &sentinel->watch;

    if (ngx_exiting || ngx_terminate) {
        return;
    }

    ngx_add_timer(ev, NGX_REDIS_SENTINEL_WATCH);

    if (op->active) {
        return;
    }

    ngx_str_set(&argv[0], "SUBSCRIBE");
    ngx_str_set(&argv[1], "+switch-master");

    op->handler = ngx_redis_sentinel_on_subscribed;
    op->data = sentinel;
    op->log = sentinel->master->log;

    for (i = 0; i < sentinel->nsentinels; i++) {

        if (ngx_redis_op_submit(sentinel->watched[sentinel->watching], op, 2,
                                argv)
            == NGX_OK)
        {
            return;
        }

        sentinel->watching = (sentinel->watching + 1) % sentinel->nsentinels;
    }
}


static void
ngx_redis_sentinel_on_subscribed(ngx_redis_op_t *op,
    ngx_redis_status_e status, redisReply *reply)
{
    ngx_redis_server_t    *server;
    ngx_redis_sentinel_t  *sentinel;

    sentinel = op->data;
    server = sentinel->watched[sentinel->watching];

    if (status == ngx_redis_ok && reply->type != REDIS_REPLY_ERROR) {

        /* a message may come before it, and is then taken for it */

        ngx_redis_sentinel_on_push(server, reply);
        return;
    }

    if (status == ngx_redis_ok) {
        ngx_redis_server_log(server, ngx_redis_log_locate, NGX_LOG_ERR, 0,
                             "the sentinel refuses the subscription to "
                             "+switch-master: %s; grant its user +subscribe "
                             "and the channel", reply->str);
    }

    sentinel->watching = (sentinel->watching + 1) % sentinel->nsentinels;
}


/*
 * ["message", "+switch-master", "NAME OLD-HOST OLD-PORT NEW-HOST NEW-PORT"];
 * anything else is nothing.
 */

static void
ngx_redis_sentinel_on_push(ngx_redis_server_t *server, redisReply *reply)
{
    u_char                *p, *last;
    ngx_int_t              port;
    ngx_str_t              word[5];
    ngx_uint_t             i;
    redisReply            *text;
    ngx_redis_sentinel_t  *sentinel;

    sentinel = server->members;

    if (reply->type != REDIS_REPLY_ARRAY
        || reply->elements != 3
        || reply->element[0]->type != REDIS_REPLY_STRING
        || ngx_strcmp(reply->element[0]->str, "message") != 0
        || reply->element[1]->type != REDIS_REPLY_STRING
        || ngx_strcmp(reply->element[1]->str, "+switch-master") != 0
        || reply->element[2]->type != REDIS_REPLY_STRING)
    {
        return;
    }

    text = reply->element[2];
    p = (u_char *) text->str;
    last = p + text->len;

    for (i = 0; i < 5; i++) {
        word[i].data = ngx_redis_sentinel_word(&p, last, &word[i].len);
    }

    port = ngx_atoi(word[4].data, word[4].len);

    if (word[0].len != sentinel->master->conf.master.len
        || ngx_memcmp(word[0].data, sentinel->master->conf.master.data,
                      word[0].len)
           != 0
        || !ngx_redis_sentinel_host(&word[3])
        || port < 1
        || port > 65535)
    {
        return;
    }

    ngx_redis_sentinel_switch(sentinel, &word[3], (in_port_t) port);
}


static u_char *
ngx_redis_sentinel_word(u_char **p, u_char *last, size_t *len)
{
    u_char  *word;

    word = *p;

    while (*p < last && **p != ' ') {
        (*p)++;
    }

    *len = *p - word;

    if (*p < last) {
        (*p)++;
    }

    return word;
}


/*
 * From the connection that is left, what is under way counts as lost: the
 * old master may have done it or not, and its replica may have it or not.
 */

static void
ngx_redis_sentinel_switch(ngx_redis_sentinel_t *sentinel, ngx_str_t *host,
    in_port_t port)
{
    ngx_queue_t          lost;
    ngx_redis_server_t  *master;

    master = sentinel->master;

    if (master->state == ngx_redis_st_ready
        && master->port == port
        && master->host.len == host->len
        && ngx_strncasecmp(master->host.data, host->data, host->len) == 0)
    {
        return;
    }

    ngx_log_error(NGX_LOG_NOTICE, master->log, 0,
                  "redis \"%V\": the master is now %V:%d",
                  &master->conf.address, host, (int) port);

    ngx_redis_locate_cancel(master);

    ngx_queue_init(&lost);

    if (master->connection) {
        ngx_redis_connection_close(master->connection, &lost);
    }

    if (master->retry.timer_set) {
        ngx_del_timer(&master->retry);
    }

    master->gap = 0;
    master->state = ngx_redis_st_locating;

    ngx_redis_sentinel_found(sentinel, host, port);

    ngx_redis_pipeline_fail(&lost, ngx_redis_lost);
}
