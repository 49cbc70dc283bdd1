/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Lines of error.log, folded.
 */

#include "ngx_http_jobruns_log.h"
#include "ngx_redis_fold.h"
#include "ngx_redis_reply.h"


/* bytes of why Redis could not be used */
#define NGX_HTTP_JOBRUNS_LOG_ERROR  400


/* of this worker */
static ngx_redis_fold_t  ngx_http_jobruns_folds[jobruns_log_last];


static ngx_int_t ngx_http_jobruns_log_text(ngx_http_jobruns_log_e kind,
    ngx_log_t *log, ngx_uint_t level, ngx_str_t *text, const char *fmt,
    va_list args);


/* NGX_DECLINED: to be left out */

static ngx_int_t
ngx_http_jobruns_log_text(ngx_http_jobruns_log_e kind, ngx_log_t *log,
    ngx_uint_t level, ngx_str_t *text, const char *fmt, va_list args)
{
    ngx_int_t  rc;

    if (log->log_level < level) {
        return NGX_DECLINED;
    }

    rc = ngx_redis_fold_line(&ngx_http_jobruns_folds[kind], text, fmt, args);

    if (rc != NGX_OK) {
        ngx_http_jobruns_count(jobruns_count_folded);
    }

    return rc;
}


void ngx_cdecl
ngx_http_jobruns_log(ngx_http_jobruns_attempt_t *a,
    ngx_http_jobruns_log_e kind, ngx_uint_t level, const char *fmt, ...)
{
    u_char      buf[NGX_MAX_ERROR_STR];
    va_list     args;
    ngx_int_t   rc;
    ngx_log_t  *log;
    ngx_str_t   text;

    log = a->request->connection->log;
    text.data = buf;
    text.len = sizeof(buf);

    va_start(args, fmt);
    rc = ngx_http_jobruns_log_text(kind, log, level, &text, fmt, args);
    va_end(args);

    if (rc != NGX_OK) {
        return;
    }

    ngx_log_error(level, log, 0,
                  "jobruns: %V, request id: \"%V\", tenant: \"%*s\"", &text,
                  &a->ctx->request_id, a->call.tenant.len, a->call.tenant.data);
}


void ngx_cdecl
ngx_http_jobruns_log_fault(ngx_log_t *log, ngx_http_jobruns_log_e kind,
    ngx_uint_t level, ngx_err_t err, const char *fmt, ...)
{
    u_char     buf[NGX_MAX_ERROR_STR];
    va_list    args;
    ngx_int_t  rc;
    ngx_str_t  text;

    text.data = buf;
    text.len = sizeof(buf);

    va_start(args, fmt);
    rc = ngx_http_jobruns_log_text(kind, log, level, &text, fmt, args);
    va_end(args);

    if (rc == NGX_OK) {
        ngx_log_error(level, log, err, "jobruns: %V", &text);
    }
}


void ngx_cdecl
ngx_http_jobruns_log_redis_failed(ngx_http_jobruns_attempt_t *a,
    const char *fmt, ...)
{
    u_char   *p, *text, *last;
    va_list   args;

    /* as long as a text of a refusal's record can be, and in the place of the
       last one: a waiter may fail often */

    p = a->redis_error.room;

    if (p == NULL) {
        p = ngx_pnalloc(a->request->pool, NGX_HTTP_JOBRUNS_LOG_ERROR);
        if (p == NULL) {
            return;
        }

        a->redis_error.room = p;
    }

    last = p + NGX_HTTP_JOBRUNS_LOG_ERROR;
    text = ngx_slprintf(p, last, "%V: ", &a->conf->redis->address);

    va_start(args, fmt);
    last = ngx_vslprintf(text, last, fmt, args);
    va_end(args);

    /* words of Redis are among it */

    ngx_redis_reply_printable(p, last);

    a->redis_error.text.data = p;
    a->redis_error.text.len = last - p;
}
