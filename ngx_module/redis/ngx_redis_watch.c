/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Looks at a server every few seconds: PING and ROLE in one write, and INFO
 * memory with every fifth of them.
 *
 * A PING that fails opens the breaker, as any operation does, and the breaker
 * finds out when the server is back; while it is open nothing is sent here.
 * So what is asked costs some hundred bytes per look and worker.
 *
 * A user that may not send one of these commands has told that the server is
 * there; what the command would have said is unknown then, and no fault.
 *
 * A cluster is sent PING alone, each time to the node of another hash slot:
 * who is a master there is the map's to say.
 */

#include "ngx_redis_connection.h"
#include "ngx_redis_reply.h"
#include "ngx_redis_topology.h"
#include "ngx_redis_watch.h"


/* looks from one INFO to the next */
#define NGX_REDIS_WATCH_INFO   5

/* the first look comes within, ms */
#define NGX_REDIS_WATCH_FIRST  500


typedef struct {
    /* event ident must be after 3 pointers as in ngx_connection_t */
    ngx_redis_server_t       *server;
    void                     *unused[2];
    ngx_socket_t              ident;

    ngx_event_t               timer;
    ngx_msec_t                gap;
    ngx_uint_t                looks;
    ngx_redis_op_t            ping;
    ngx_redis_op_t            role;
    ngx_redis_op_t            info;

    /* what this watch has added to the stats */
    unsigned                  reached:1;
    unsigned                  unreached:1;
    unsigned                  replica:1;
    unsigned                  roleless:1;
} ngx_redis_watch_t;


static void ngx_redis_watch_on_timer(ngx_event_t *ev);
static void ngx_redis_watch_look(ngx_redis_watch_t *watch);
static void ngx_redis_watch_failed(ngx_redis_watch_t *watch);
static void ngx_redis_watch_reached(ngx_redis_watch_t *watch,
    ngx_uint_t reached);
static void ngx_redis_watch_role(ngx_redis_watch_t *watch, ngx_uint_t replica,
    ngx_uint_t roleless);
static void ngx_redis_watch_on_ping(ngx_redis_op_t *op,
    ngx_redis_status_e status, redisReply *reply);
static void ngx_redis_watch_on_role(ngx_redis_op_t *op,
    ngx_redis_status_e status, redisReply *reply);
static void ngx_redis_watch_on_info(ngx_redis_op_t *op,
    ngx_redis_status_e status, redisReply *reply);
static void ngx_redis_watch_end(void *data);


ngx_int_t
ngx_redis_watch_start(ngx_redis_server_t *server, ngx_cycle_t *cycle,
    ngx_msec_t gap)
{
    ngx_redis_watch_t   *watch;
    ngx_pool_cleanup_t  *cln;

    /* runs before that of the server, which was added earlier */

    cln = ngx_pool_cleanup_add(cycle->pool, sizeof(ngx_redis_watch_t));
    if (cln == NULL) {
        return NGX_ERROR;
    }

    watch = cln->data;
    ngx_memzero(watch, sizeof(ngx_redis_watch_t));

    cln->handler = ngx_redis_watch_end;

    watch->server = server;
    watch->ident = (ngx_socket_t) -1;
    watch->gap = gap;

    watch->ping.handler = ngx_redis_watch_on_ping;
    watch->role.handler = ngx_redis_watch_on_role;
    watch->info.handler = ngx_redis_watch_on_info;

    watch->ping.data = watch->role.data = watch->info.data = watch;
    watch->ping.log = watch->role.log = watch->info.log = server->log;
    watch->ping.quiet = watch->role.quiet = watch->info.quiet = 1;

    watch->timer.handler = ngx_redis_watch_on_timer;
    watch->timer.data = watch;
    watch->timer.log = server->log;
    watch->timer.cancelable = 1;

    ngx_add_timer(&watch->timer, ngx_random() % NGX_REDIS_WATCH_FIRST);

    return NGX_OK;
}


/* Gaps are jittered, so that the looks of many workers spread. */

static void
ngx_redis_watch_on_timer(ngx_event_t *ev)
{
    ngx_redis_watch_t *watch = ev->data;

    if (ngx_exiting) {
        return;
    }

    ngx_add_timer(ev, watch->gap - watch->gap / 4
                      + ngx_random() % (watch->gap / 2 + 1));

    /* its own timeout ends it, which may be longer than the gap */

    if (watch->ping.active || watch->role.active || watch->info.active) {
        return;
    }

    if (watch->server->open) {
        ngx_redis_watch_failed(watch);
        return;
    }

    ngx_redis_watch_look(watch);
}


static void
ngx_redis_watch_look(ngx_redis_watch_t *watch)
{
    u_char               text[NGX_INT_T_LEN];
    ngx_str_t            argv[2];
    ngx_uint_t           look;
    ngx_redis_server_t  *server;

    server = watch->server;
    look = watch->looks++;

    ngx_str_set(&argv[0], "PING");
    argv[1].data = text;
    argv[1].len = ngx_sprintf(text, "%ui", look) - text;

    if (ngx_redis_op_submit(server, &watch->ping,
                            server->topology->replicas_too ? 2 : 1, argv)
        != NGX_OK)
    {
        ngx_redis_watch_failed(watch);
        return;
    }

    if (server->topology->replicas_too) {
        return;
    }

    ngx_str_set(&argv[0], "ROLE");

    if (ngx_redis_op_submit(server, &watch->role, 1, argv) != NGX_OK
        || look % NGX_REDIS_WATCH_INFO)
    {
        return;
    }

    ngx_str_set(&argv[0], "INFO");
    ngx_str_set(&argv[1], "memory");

    (void) ngx_redis_op_submit(server, &watch->info, 2, argv);
}


static void
ngx_redis_watch_failed(ngx_redis_watch_t *watch)
{
    ngx_redis_watch_reached(watch, 0);
    ngx_redis_watch_role(watch, 0, 0);

    watch->server->stats->memory_seen = 0;
    watch->looks = 0;
}


static void
ngx_redis_watch_reached(ngx_redis_watch_t *watch, ngx_uint_t reached)
{
    ngx_redis_stats_t  *stats;

    stats = watch->server->stats;

    stats->reached += reached - watch->reached;
    stats->unreached += !reached - watch->unreached;

    watch->reached = (reached != 0);
    watch->unreached = (reached == 0);
}


static void
ngx_redis_watch_role(ngx_redis_watch_t *watch, ngx_uint_t replica,
    ngx_uint_t roleless)
{
    ngx_redis_stats_t  *stats;

    stats = watch->server->stats;

    stats->replicas += replica - watch->replica;
    stats->roleless += roleless - watch->roleless;

    watch->replica = (replica != 0);
    watch->roleless = (roleless != 0);
}


/* any reply will do, also that the user may not ask */

static void
ngx_redis_watch_on_ping(ngx_redis_op_t *op, ngx_redis_status_e status,
    redisReply *reply)
{
    ngx_redis_watch_t *watch = op->data;

    (void) reply;

    if (status != ngx_redis_ok) {
        ngx_redis_watch_failed(watch);
        return;
    }

    ngx_redis_watch_reached(watch, 1);
}


static void
ngx_redis_watch_on_role(ngx_redis_op_t *op, ngx_redis_status_e status,
    redisReply *reply)
{
    redisReply  *role;

    if (status != ngx_redis_ok) {
        return;
    }

    role = (reply->type == REDIS_REPLY_ARRAY && reply->elements)
           ? reply->element[0] : NULL;

    if (role == NULL || role->type != REDIS_REPLY_STRING) {
        ngx_redis_watch_role(op->data, 0, 1);
        return;
    }

    ngx_redis_watch_role(op->data,
                         !(role->len == 6
                           && ngx_strncmp(role->str, "master", 6) == 0), 0);
}


/* what is not told is unknown; maxmemory 0 means no limit */

static void
ngx_redis_watch_on_info(ngx_redis_op_t *op, ngx_redis_status_e status,
    redisReply *reply)
{
    off_t               used, most;
    ngx_str_t           value[2];
    ngx_redis_stats_t  *stats;
    ngx_redis_watch_t  *watch = op->data;

    stats = watch->server->stats;

    if (status != ngx_redis_ok
        || reply->type != REDIS_REPLY_STRING
        || ngx_redis_reply_field(reply, "used_memory:", &value[0]) != NGX_OK
        || ngx_redis_reply_field(reply, "maxmemory:", &value[1]) != NGX_OK)
    {
        stats->memory_seen = 0;
        return;
    }

    used = ngx_atoof(value[0].data, value[0].len);
    most = ngx_atoof(value[1].data, value[1].len);

    if (used < 0 || most < 0) {
        stats->memory_seen = 0;
        return;
    }

    stats->memory_used = (ngx_atomic_uint_t) used;
    stats->memory_most = (ngx_atomic_uint_t) most;
    stats->memory_seen = (ngx_atomic_uint_t) ngx_time();
}


static void
ngx_redis_watch_end(void *data)
{
    ngx_redis_watch_t *watch = data;

    if (watch->timer.timer_set) {
        ngx_del_timer(&watch->timer);
    }

    ngx_redis_op_cancel(&watch->ping);
    ngx_redis_op_cancel(&watch->role);
    ngx_redis_op_cancel(&watch->info);
}
