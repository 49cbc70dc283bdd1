/*
 * The breaker: once a server has proved unreachable, operations are refused
 * at once, and one probe at a time, in the background and ever more seldom,
 * finds out when it is back.  Gaps are jittered, so that the workers of many
 * gateways do not knock all together.
 *
 * Also here: what is told to the operator, and how often.
 */

#include "ngx_redis_breaker.h"
#include "ngx_redis_connection.h"
#include "ngx_redis_topology.h"
#include "ngx_redis_value.h"


#define NGX_REDIS_GAP_MIN    10
#define NGX_REDIS_GAP_MAX    2000

#define NGX_REDIS_LOG_EVERY  10000


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
    ngx_redis_limit_t  *limit;

    server->denies = 0;
    server->denied = 0;

    if (!server->open) {
        return;
    }

    server->open = 0;
    server->stats->breakers--;
    server->gap = 0;

    limit = &server->limits[ngx_redis_log_unreachable];

    if (server->told) {
        server->told = 0;
        limit->skipped = 0;

        ngx_log_error(NGX_LOG_NOTICE, server->log, 0,
                      "redis \"%V\": reachable again", &server->conf.address);
    }
}


void
ngx_redis_breaker_on_retry(ngx_event_t *ev)
{
    ngx_redis_server_t  *server;

    server = ev->data;

    if (server->state == ngx_redis_st_idle) {
        ngx_redis_connection_open(server);
    }
}


/* One line of each kind at first, then one in ten seconds. */

void ngx_cdecl
ngx_redis_server_log(ngx_redis_server_t *server, ngx_redis_log_e kind,
    ngx_uint_t level, ngx_err_t err, const char *fmt, ...)
{
    u_char              text[NGX_MAX_ERROR_STR], *last;
    va_list             args;
    ngx_uint_t          skipped;
    ngx_redis_limit_t  *limit;

    limit = &server->limits[kind];

    if (limit->logged && ngx_current_msec - limit->time < NGX_REDIS_LOG_EVERY) {
        limit->skipped++;
        return;
    }

    skipped = limit->skipped;

    limit->logged = 1;
    limit->skipped = 0;
    limit->time = ngx_current_msec;

    if (kind == ngx_redis_log_unreachable) {
        server->told = 1;
    }

    va_start(args, fmt);
    last = ngx_vslprintf(text, text + sizeof(text), fmt, args);
    va_end(args);

    /* words of the server are among it, which may not be Redis at all */

    ngx_redis_printable(text, last);

    if (skipped) {
        ngx_log_error(level, server->log, err,
                      "redis \"%V\": %*s (%ui like this not logged)",
                      &server->conf.address, (size_t) (last - text), text,
                      skipped);
        return;
    }

    ngx_log_error(level, server->log, err, "redis \"%V\": %*s",
                  &server->conf.address, (size_t) (last - text), text);
}
