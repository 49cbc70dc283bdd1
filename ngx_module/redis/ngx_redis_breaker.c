/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The breaker: once a server has proved unreachable, operations are refused
 * at once, and one probe at a time, in the background and ever more seldom,
 * finds out when it is back.  Gaps are jittered, so that the workers of many
 * gateways do not knock all together.
 */

#include "ngx_redis_breaker.h"
#include "ngx_redis_connection.h"
#include "ngx_redis_topology.h"


#define NGX_REDIS_GAP_MIN    10
#define NGX_REDIS_GAP_MAX    2000


/*
 * Opens, or after a probe that failed keeps open for a longer gap.  What
 * waits is refused by the caller, when all else is settled.
 */

void
ngx_redis_breaker_open(ngx_redis_server_t *server)
{
    ngx_msec_t  wait;

    server->stats->breakers += !server->open;

    server->open = 1;
    server->denied = server->denies;
    server->denies = 0;
    server->gap = server->gap ? ngx_min(server->gap * 2, NGX_REDIS_GAP_MAX)
                              : NGX_REDIS_GAP_MIN;

    wait = server->gap / 2 + ngx_random() % (server->gap / 2 + 1);

    ngx_log_debug2(NGX_LOG_DEBUG_EVENT, server->log, 0,
                   "redis \"%V\": breaker open, probe in %Mms",
                   &server->conf.address, wait);

    if (server->retry.timer_set) {
        ngx_del_timer(&server->retry);
    }

    ngx_add_timer(&server->retry, wait);

    if (server->topology->failed) {
        server->topology->failed(server);
    }
}


void
ngx_redis_breaker_close(ngx_redis_server_t *server)
{
    server->denies = 0;
    server->denied = 0;

    if (!server->open) {
        return;
    }

    server->open = 0;
    server->stats->breakers--;
    server->gap = 0;

    if (server->told) {
        server->told = 0;
        server->folds[ngx_redis_log_unreachable].skipped = 0;

        ngx_log_error(NGX_LOG_NOTICE, server->log, 0,
                      "redis \"%V\": reachable again", &server->conf.address);
    }
}
