/*
 * Lines of error.log, folded.
 */

#include "ngx_http_jobruns_log.h"
#include "ngx_redis_reply.h"



/* ms; as ngx_redis_server_log() has it */
#define NGX_HTTP_JOBRUNS_LOG_EVERY  10000

/* bytes of why Redis could not be used */
#define NGX_HTTP_JOBRUNS_LOG_ERROR  400


typedef struct {
    ngx_msec_t  time;           /* of the last line */
    ngx_uint_t  folded;         /* since */
    unsigned    logged:1;
} ngx_http_jobruns_fold_t;


/* of this worker */
static ngx_http_jobruns_fold_t  ngx_http_jobruns_folds[jobruns_log_last];


static ngx_int_t ngx_http_jobruns_log_text(ngx_http_jobruns_log_e kind,
    ngx_log_t *log, ngx_uint_t level, ngx_str_t *text, const char *fmt,
    va_list args);


/*
 * NGX_DECLINED: to be left out.  Else the text, and behind it how many were
 * left out since the last one.
 */

static ngx_int_t
ngx_http_jobruns_log_text(ngx_http_jobruns_log_e kind, ngx_log_t *log,
    ngx_uint_t level, ngx_str_t *text, const char *fmt, va_list args)
{
    u_char                   *last;
    ngx_http_jobruns_fold_t  *fold;

    fold = &ngx_http_jobruns_folds[kind];

    if (log->log_level < level) {
        return NGX_DECLINED;
    }

    if (fold->logged
        && ngx_current_msec - fold->time < NGX_HTTP_JOBRUNS_LOG_EVERY)
    {
        fold->folded++;
        ngx_http_jobruns_count(jobruns_count_folded);
        return NGX_DECLINED;
    }

    last = ngx_vslprintf(text->data, text->data + text->len, fmt, args);

    /* words of Redis are among it */

    ngx_redis_reply_printable(text->data, last);

    if (fold->folded) {
        last = ngx_slprintf(last, text->data + text->len,
                            " (%ui more like this)", fold->folded);
    }

    text->len = last - text->data;

    fold->logged = 1;
    fold->folded = 0;
    fold->time = ngx_current_msec;

    return NGX_OK;
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
                  &a->ctx->request_id, a->tenant.len, a->tenant.data);
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

    p = a->redis_error_text;

    if (p == NULL) {
        p = ngx_pnalloc(a->request->pool, NGX_HTTP_JOBRUNS_LOG_ERROR);
        if (p == NULL) {
            return;
        }

        a->redis_error_text = p;
    }

    last = p + NGX_HTTP_JOBRUNS_LOG_ERROR;
    text = ngx_slprintf(p, last, "%V: ", &a->conf->redis->address);

    va_start(args, fmt);
    last = ngx_vslprintf(text, last, fmt, args);
    va_end(args);

    /* words of Redis are among it */

    ngx_redis_reply_printable(p, last);

    a->redis_error.data = p;
    a->redis_error.len = last - p;
}
