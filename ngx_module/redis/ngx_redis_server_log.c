/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Lines about a server in error.log.
 */

#include "ngx_redis_connection.h"
#include "ngx_redis_server_log.h"


void ngx_cdecl
ngx_redis_server_log(ngx_redis_server_t *server, ngx_redis_log_e kind,
    ngx_uint_t level, ngx_err_t err, const char *fmt, ...)
{
    u_char     buf[NGX_MAX_ERROR_STR];
    va_list    args;
    ngx_int_t  rc;
    ngx_str_t  text;

    text.data = buf;
    text.len = sizeof(buf);

    va_start(args, fmt);
    rc = ngx_redis_fold_line(&server->folds[kind], &text, fmt, args);
    va_end(args);

    if (rc != NGX_OK) {
        return;
    }

    if (kind == ngx_redis_log_unreachable) {
        server->told = 1;
    }

    ngx_log_error(level, server->log, err, "redis \"%V\": %V",
                  &server->conf.address, &text);
}
