/*
 * Lines of error.log, folded.
 */

#include "ngx_http_jobruns_log.h"

#include "ngx_redis_value.h"


/* ms; as ngx_redis_server_log() has it */
#define NGX_HTTP_JOBRUNS_LOG_EVERY  10000


typedef struct {
    ngx_msec_t  time;           /* of the last line */
    ngx_uint_t  folded;         /* since */
    unsigned    logged:1;
} ngx_http_jobruns_fold_t;


/* of this worker */
static ngx_http_jobruns_fold_t  ngx_http_jobruns_folds[jobruns_log_last];


void ngx_cdecl
ngx_http_jobruns_log(ngx_http_jobruns_attempt_t *a,
    ngx_http_jobruns_log_e kind, ngx_uint_t level, const char *fmt, ...)
{
    u_char                    text[NGX_MAX_ERROR_STR], *last;
    va_list                   args;
    ngx_log_t                *log;
    ngx_uint_t                folded;
    ngx_http_jobruns_ctx_t   *ctx;
    ngx_http_jobruns_fold_t  *fold;

    fold = &ngx_http_jobruns_folds[kind];
    log = a->request->connection->log;

    if (log->log_level < level) {
        return;
    }

    if (fold->logged
        && ngx_current_msec - fold->time < NGX_HTTP_JOBRUNS_LOG_EVERY)
    {
        fold->folded++;
        ngx_http_jobruns_count(jobruns_count_folded);
        return;
    }

    folded = fold->folded;

    fold->logged = 1;
    fold->folded = 0;
    fold->time = ngx_current_msec;

    va_start(args, fmt);
    last = ngx_vslprintf(text, text + sizeof(text), fmt, args);
    va_end(args);

    /* words of Redis are among it */

    ngx_redis_printable(text, last);

    ctx = ngx_http_jobruns_get_ctx(a->request);

    if (folded) {
        ngx_log_error(level, log, 0,
                      "jobruns: %*s (%ui more like this), request id: \"%V\", "
                      "tenant: \"%*s\"", (size_t) (last - text), text, folded,
                      &ctx->request_id, a->tenant.len, a->tenant.data);
        return;
    }

    ngx_log_error(level, log, 0,
                  "jobruns: %*s, request id: \"%V\", tenant: \"%*s\"",
                  (size_t) (last - text), text, &ctx->request_id,
                  a->tenant.len, a->tenant.data);
}
