/*
 * A server of which Redis Sentinel says where it is: its sentinels are made at
 * configuration time, and asked and watched while the cycle lives.
 */

#include "ngx_redis_connection.h"
#include "ngx_redis_sentinel.h"
#include "ngx_redis_sentinel_ask.h"
#include "ngx_redis_sentinel_watch.h"


static ngx_int_t ngx_redis_sentinel_create(ngx_conf_t *cf,
    ngx_redis_server_t *master);
static ngx_redis_server_t *ngx_redis_sentinel_server(ngx_conf_t *cf,
    ngx_redis_conf_t *master, ngx_str_t *address,
    const ngx_redis_topology_t *topology);
static void ngx_redis_sentinel_end(ngx_redis_server_t *master);
static void ngx_redis_sentinel_locate(ngx_redis_server_t *master);
static void ngx_redis_sentinel_cancel(ngx_redis_server_t *master);


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

    ngx_redis_cancel(&sentinel->ask);
    ngx_redis_cancel(&sentinel->watch);
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

    ngx_redis_cancel(&sentinel->ask);
}
