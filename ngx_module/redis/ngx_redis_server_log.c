/*
 * What is told to the operator of a server, and how often.
 */

#include "ngx_redis_connection.h"
#include "ngx_redis_server_log.h"
#include "ngx_redis_reply.h"


#define NGX_REDIS_LOG_EVERY  10000


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

    ngx_redis_reply_printable(text, last);

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
