/* SPDX-License-Identifier: BSD-2-Clause
 *
 * A server: what is known of it at configuration time, the turn in which a
 * worker acts for all operations submitted to it, and its end.
 */

#ifndef NGX_REDIS_SERVER_H_INCLUDED
#define NGX_REDIS_SERVER_H_INCLUDED

#include "ngx_redis_connection.h"


/*
 * Whatever is submitted while NGINX handles its events and timers is acted
 * upon once, when it comes to the posted events: so all of it leaves in one
 * write, and no handler is ever called from within a function of a caller.
 */
#define ngx_redis_server_post(server)                                         \
    ngx_post_event(&(server)->turn, &ngx_posted_events)


void ngx_redis_server_init(ngx_redis_server_t *server, ngx_log_t *log);
void ngx_redis_server_end(ngx_redis_server_t *server);
void ngx_redis_server_stats_move(ngx_redis_server_t *server,
    ngx_redis_stats_t *stats);
ngx_int_t ngx_redis_server_parse(ngx_conf_t *cf, ngx_str_t *address,
    ngx_url_t *url);


/* No operation is left: NGINX may close the connection when it exits. */

static ngx_inline void
ngx_redis_server_rest(ngx_redis_server_t *server)
{
    ngx_connection_t  *c;

    if (server->connection == NULL) {
        return;
    }

    c = server->connection->peer.connection;

    /* there is none yet while ngx_event_connect_peer() is to be called */

    if (c) {
        c->idle = 1;
    }

    /* ngx_close_idle_connections() has been here already and will not again */

    if (ngx_exiting) {
        ngx_redis_server_post(server);
    }
}


#endif /* NGX_REDIS_SERVER_H_INCLUDED */
