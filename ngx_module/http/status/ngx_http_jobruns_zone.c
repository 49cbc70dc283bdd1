/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The zone: made with its cycle, or taken over from the one before; a block
 * in it for each worker; once a second a sample of the sums.
 *
 * A block is taken by writing one's process id into it.  It is given back
 * when a worker exits; the block of one that was killed is found by its
 * process being gone, and goes to the next worker that begins, which is the
 * one that the master starts in its place.
 */

#include "ngx_http_jobruns_figures.h"
#include "ngx_http_jobruns_history.h"
#include "ngx_http_jobruns_settings.h"
#include "ngx_http_jobruns_troubles.h"
#include "ngx_http_jobruns_zone.h"
#include "ngx_redis_watch.h"


static void ngx_http_jobruns_zone_cleanup(void *data);
static ngx_int_t ngx_http_jobruns_zone_init(ngx_shm_zone_t *shm_zone,
    void *data);
static ngx_uint_t ngx_http_jobruns_zone_name(ngx_http_jobruns_name_t *names,
    ngx_uint_t *n, ngx_uint_t most, ngx_uint_t kind, const void *data,
    size_t len);
static ngx_int_t ngx_http_jobruns_zone_claim(
    ngx_http_jobruns_shared_t *shared, ngx_log_t *log);
static void ngx_http_jobruns_zone_forget(ngx_http_jobruns_block_t *block);
static void ngx_http_jobruns_zone_on_second(ngx_event_t *ev);


static ngx_http_jobruns_zone_t  *ngx_http_jobruns_zone_used;

static ngx_event_t               ngx_http_jobruns_zone_timer;

/* event ident must be after 3 pointers as in ngx_connection_t */
static ngx_connection_t          ngx_http_jobruns_zone_dummy;


ngx_http_jobruns_zone_t *
ngx_http_jobruns_zone_create(ngx_conf_t *cf)
{
    ngx_pool_cleanup_t       *cln;
    ngx_http_jobruns_zone_t  *zone;

    zone = ngx_pcalloc(cf->pool, sizeof(ngx_http_jobruns_zone_t));
    if (zone == NULL) {
        return NULL;
    }

    cln = ngx_pool_cleanup_add(cf->pool, 0);
    if (cln == NULL) {
        return NULL;
    }

    cln->handler = ngx_http_jobruns_zone_cleanup;
    cln->data = zone;

    if (ngx_array_init(&zone->servers, cf->pool, 4,
                       sizeof(ngx_http_jobruns_zone_server_t))
        != NGX_OK
        || ngx_array_init(&zone->limits, cf->pool, 4, sizeof(jr_limit_t))
           != NGX_OK
        || jr_digest_begin(&zone->hasher) != JR_OK)
    {
        return NULL;
    }

    return zone;
}


/* a configuration that was not read to its end leaves its digest begun */

static void
ngx_http_jobruns_zone_cleanup(void *data)
{
    ngx_http_jobruns_zone_t *zone = data;

    jr_digest_abort(zone->hasher);
}


char *
ngx_http_jobruns_zone(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_http_jobruns_main_conf_t *jmcf = conf;

    size_t                    least;
    ssize_t                   size;
    ngx_str_t                *value;
    ngx_http_jobruns_zone_t  *zone;

    (void) cmd;

    zone = jmcf->zone;
    value = cf->args->elts;

    if (zone->zone != NULL) {
        return "is duplicate: one zone serves all servers";
    }

    if (value[1].len == 0) {
        return "needs a name";
    }

    least = sizeof(ngx_http_jobruns_shared_t)
            + 4 * sizeof(ngx_http_jobruns_block_t) + 16 * ngx_pagesize;

    size = ngx_parse_size(&value[2]);

    if (size == NGX_ERROR || (size_t) size < least) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "invalid size \"%V\" of zone \"%V\" of "
                           "\"jobruns_zone\": it must be at least %uzk",
                           &value[2], &value[1], (least + 1023) / 1024);
        return NGX_CONF_ERROR;
    }

    zone->zone = ngx_shared_memory_add(cf, &value[1], size,
                                       &ngx_http_jobruns_module);
    if (zone->zone == NULL) {
        return NGX_CONF_ERROR;
    }

    if (zone->zone->data != NULL) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "zone \"%V\" is already in use", &value[1]);
        return NGX_CONF_ERROR;
    }

    zone->zone->init = ngx_http_jobruns_zone_init;
    zone->zone->data = zone;

    return NGX_CONF_OK;
}


ngx_int_t
ngx_http_jobruns_zone_location(ngx_conf_t *cf,
    ngx_http_jobruns_loc_conf_t *conf)
{
    ngx_uint_t                       i, n;
    jr_limit_t                      *limit;
    ngx_redis_server_t              *servers[2];
    ngx_http_jobruns_zone_t         *zone;
    ngx_http_jobruns_main_conf_t    *jmcf;
    ngx_http_jobruns_zone_server_t  *server;

    jmcf = ngx_http_conf_get_module_main_conf(cf, ngx_http_jobruns_module);
    zone = jmcf->zone;

    servers[0] = conf->server;
    servers[1] = conf->admission;

    for (n = 0; n < 2; n++) {
        server = zone->servers.elts;

        for (i = 0; i < zone->servers.nelts; i++) {
            if (server[i].server == servers[n]) {
                break;
            }
        }

        if (i < zone->servers.nelts || servers[n] == NULL) {
            continue;
        }

        server = ngx_array_push(&zone->servers);
        if (server == NULL) {
            return NGX_ERROR;
        }

        server->server = servers[n];
        server->address = conf->redis->address;
        server->watched = (n == 0);
    }

    n = conf->limits ? conf->limits->nelts : 0;

    for (i = 0; i < n; i++) {
        limit = ngx_array_push(&zone->limits);
        if (limit == NULL) {
            return NGX_ERROR;
        }

        *limit = ((ngx_http_jobruns_limit_t *) conf->limits->elts)[i].limit;
    }

    return ngx_http_jobruns_settings_add(zone->hasher,
                                         ngx_http_jobruns_module.commands,
                                         conf);
}


ngx_int_t
ngx_http_jobruns_zone_complete(ngx_conf_t *cf)
{
    jr_digest_t                    digest;
    jr_hasher_t                   *hasher;
    ngx_http_jobruns_zone_t       *zone;
    ngx_http_jobruns_main_conf_t  *jmcf;

    jmcf = ngx_http_conf_get_module_main_conf(cf, ngx_http_jobruns_module);
    zone = jmcf->zone;

    hasher = zone->hasher;
    zone->hasher = NULL;

    if (jr_digest_final(hasher, &digest) != JR_OK) {
        return NGX_ERROR;
    }

    (void) jr_digest_hex(&digest, (char *) zone->digest);

    zone->loaded = ngx_time();

    if (zone->wanted && zone->zone == NULL) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "\"jobruns_status\" has nothing to show: add "
                           "\"jobruns_zone jobruns 1m;\" to http");
        return NGX_ERROR;
    }

    return NGX_OK;
}


/* called by the master when the whole configuration is read */

static ngx_int_t
ngx_http_jobruns_zone_init(ngx_shm_zone_t *shm_zone, void *data)
{
    ngx_http_jobruns_zone_t *before = data;

    ngx_uint_t                       i, n;
    jr_limit_t                      *limit;
    ngx_slab_pool_t                 *pool;
    ngx_http_jobruns_zone_t         *zone;
    ngx_http_jobruns_shared_t       *shared;
    ngx_http_jobruns_zone_server_t  *server;

    zone = shm_zone->data;
    pool = (ngx_slab_pool_t *) shm_zone->shm.addr;

    if (before) {
        shared = before->shared;

    } else {

        shared = ngx_slab_calloc(pool, sizeof(ngx_http_jobruns_shared_t));
        if (shared == NULL) {
            return NGX_ERROR;
        }

        shared->created = ngx_time();
        shared->stride = ngx_align(sizeof(ngx_http_jobruns_block_t), 128);

        pool->log_nomem = 0;

        for (n = NGX_HTTP_JOBRUNS_BLOCKS; n; n--) {
            shared->blocks = ngx_slab_calloc(pool, n * shared->stride);

            if (shared->blocks != NULL) {
                break;
            }
        }

        if (n == 0) {
            return NGX_ERROR;
        }

        shared->nblocks = n;
    }

    zone->shared = shared;

    server = zone->servers.elts;

    for (i = 0; i < zone->servers.nelts; i++) {
        server[i].index = ngx_http_jobruns_zone_name(shared->servers,
                               &shared->nservers, NGX_HTTP_JOBRUNS_SERVERS, 0,
                               server[i].address.data, server[i].address.len);
    }

    limit = zone->limits.elts;

    for (i = 0; i < zone->limits.nelts; i++) {
        (void) ngx_http_jobruns_zone_name(shared->limits, &shared->nlimits,
                                          NGX_HTTP_JOBRUNS_LIMITS,
                                          limit[i].kind, limit[i].name.data,
                                          limit[i].name.len);
    }

    return NGX_OK;
}


/* finds a name or adds it; the last place is for all that find none */

static ngx_uint_t
ngx_http_jobruns_zone_name(ngx_http_jobruns_name_t *names, ngx_uint_t *n,
    ngx_uint_t most, ngx_uint_t kind, const void *data, size_t len)
{
    ngx_uint_t  i;

    if (len > NGX_HTTP_JOBRUNS_NAME_LEN) {
        len = NGX_HTTP_JOBRUNS_NAME_LEN;
    }

    for (i = 0; i < *n; i++) {
        if (names[i].kind == kind && names[i].len == len
            && ngx_memcmp(names[i].data, data, len) == 0)
        {
            return i;
        }
    }

    if (*n >= most - 1) {
        data = "other";
        len = sizeof("other") - 1;
        i = most - 1;
    }

    names[i].kind = kind;
    names[i].len = len;
    ngx_memcpy(names[i].data, data, len);

    ngx_memory_barrier();

    *n = i + 1;

    return i;
}


ngx_http_jobruns_limit_count_t *
ngx_http_jobruns_zone_limit(jr_limit_t *limit)
{
    ngx_uint_t                  i;
    ngx_http_jobruns_name_t    *names;
    ngx_http_jobruns_shared_t  *shared;

    i = NGX_HTTP_JOBRUNS_LIMITS - 1;

    if (ngx_http_jobruns_zone_used != NULL) {

        shared = ngx_http_jobruns_zone_used->shared;
        names = shared->limits;

        for (i = 0; i < shared->nlimits; i++) {
            if (names[i].kind == (ngx_uint_t) limit->kind
                && names[i].len == limit->name.len
                && ngx_memcmp(names[i].data, limit->name.data, names[i].len)
                   == 0)
            {
                break;
            }
        }

        i = ngx_min(i, NGX_HTTP_JOBRUNS_LIMITS - 1);
    }

    return &ngx_http_jobruns_block->limits[i];
}


ngx_int_t
ngx_http_jobruns_zone_begin(ngx_cycle_t *cycle)
{
    ngx_uint_t                       i;
    ngx_http_jobruns_zone_t         *zone;
    ngx_http_jobruns_main_conf_t    *jmcf;
    ngx_http_jobruns_zone_server_t  *server;

    jmcf = ngx_http_cycle_get_module_main_conf(cycle, ngx_http_jobruns_module);

    /* NGINX's helpers of the cache begin like workers */

    if (jmcf == NULL || jmcf->zone->zone == NULL
        || (ngx_process != NGX_PROCESS_WORKER
            && ngx_process != NGX_PROCESS_SINGLE))
    {
        return NGX_OK;
    }

    zone = jmcf->zone;

    if (ngx_http_jobruns_zone_claim(zone->shared, cycle->log) != NGX_OK) {
        return NGX_OK;
    }

    ngx_http_jobruns_zone_used = zone;

    server = zone->servers.elts;

    for (i = 0; i < zone->servers.nelts; i++) {
        ngx_redis_server_stats_at(server[i].server,
                           &ngx_http_jobruns_block->redis[server[i].index]);

        if (server[i].watched && jmcf->redis_watch
            && ngx_redis_watch_start(server[i].server, cycle,
                                     jmcf->redis_watch)
               != NGX_OK)
        {
            return NGX_ERROR;
        }
    }

    ngx_http_jobruns_zone_dummy.fd = (ngx_socket_t) -1;

    ngx_http_jobruns_zone_timer.handler = ngx_http_jobruns_zone_on_second;
    ngx_http_jobruns_zone_timer.data = &ngx_http_jobruns_zone_dummy;
    ngx_http_jobruns_zone_timer.log = cycle->log;
    ngx_http_jobruns_zone_timer.cancelable = 1;

    ngx_add_timer(&ngx_http_jobruns_zone_timer, 1000);

    return NGX_OK;
}


/* those of dead workers first: what they left is not true any more; one of
   them may have had the process id that is ours now */

static ngx_int_t
ngx_http_jobruns_zone_claim(ngx_http_jobruns_shared_t *shared,
    ngx_log_t *log)
{
    ngx_uint_t                 i, free;
    ngx_atomic_uint_t          pid;
    ngx_http_jobruns_block_t  *block;

    for (free = 0; free < 2; free++) {

        for (i = 0; i < shared->nblocks; i++) {

            block = ngx_http_jobruns_zone_block(shared, i);
            pid = block->pid;

            if (free ? pid != 0
                     : (pid == 0
                        || (pid != (ngx_atomic_uint_t) ngx_pid
                            && (kill((ngx_pid_t) pid, 0) == 0
                                || ngx_errno != ESRCH))))
            {
                continue;
            }

            if (ngx_atomic_cmp_set(&block->pid, pid, ngx_pid)) {
                ngx_http_jobruns_zone_forget(block);
                ngx_http_jobruns_block = block;
                return NGX_OK;
            }
        }
    }

    ngx_log_error(NGX_LOG_WARN, log, 0,
                  "jobruns: jobruns_zone has room for %ui workers, those of "
                  "earlier configurations included, and no more: this one is "
                  "not counted; make the zone larger", shared->nblocks);

    return NGX_DECLINED;
}


/* what was true of a worker that is gone */

static void
ngx_http_jobruns_zone_forget(ngx_http_jobruns_block_t *block)
{
    ngx_uint_t  i;

    ngx_memzero((void *) &block->now, sizeof(ngx_http_jobruns_now_t));

    for (i = 0; i < NGX_HTTP_JOBRUNS_SERVERS; i++) {
        ngx_memzero((void *) &block->redis[i],
                    offsetof(ngx_redis_stats_t, connects));
    }
}


/* servers and requests may still let go of something behind this: it goes to
   the worker's own block */

void
ngx_http_jobruns_zone_end(ngx_cycle_t *cycle)
{
    ngx_uint_t                       i;
    ngx_http_jobruns_zone_t         *zone;
    ngx_http_jobruns_block_t        *block;
    ngx_http_jobruns_zone_server_t  *server;

    (void) cycle;

    zone = ngx_http_jobruns_zone_used;

    if (zone == NULL) {
        return;
    }

    server = zone->servers.elts;

    for (i = 0; i < zone->servers.nelts; i++) {
        ngx_redis_server_stats_at(server[i].server, NULL);
    }

    block = ngx_http_jobruns_block;

    ngx_http_jobruns_block_own.now = block->now;
    ngx_http_jobruns_block = &ngx_http_jobruns_block_own;
    ngx_http_jobruns_zone_used = NULL;

    ngx_http_jobruns_zone_forget(block);

    ngx_memory_barrier();
    block->pid = 0;
}


/* the first worker whose timer comes in a second writes its sample */

static void
ngx_http_jobruns_zone_on_second(ngx_event_t *ev)
{
    ngx_atomic_uint_t                  last, now;
    ngx_http_jobruns_shared_t         *shared;

    static ngx_http_jobruns_figures_t  figures;

    if (ngx_exiting || ngx_http_jobruns_zone_used == NULL) {
        return;
    }

    ngx_add_timer(ev, 1000);

    shared = ngx_http_jobruns_zone_used->shared;
    now = (ngx_atomic_uint_t) ngx_time();
    last = shared->sampled;

    if (last == now || !ngx_atomic_cmp_set(&shared->sampled, last, now)) {
        return;
    }

    ngx_memzero(&figures, sizeof(ngx_http_jobruns_figures_t));
    figures.zone = ngx_http_jobruns_zone_used;

    ngx_http_jobruns_figures_sum(&figures);
    ngx_http_jobruns_history_add(&figures, (time_t) now);
    ngx_http_jobruns_troubles_note(&figures);
}
