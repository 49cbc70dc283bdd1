/*
 * The moments at which an attempt is recorded.
 *
 * A forwarded attempt has two records: ".begin" before the first byte goes
 * to the service, ".end" before its answer goes to the client.  A refusal or
 * a replay has one.  The log phase writes what is then still unwritten.
 */

#include "ngx_http_jobruns.h"


static ngx_int_t ngx_http_jobruns_audit_write(ngx_http_request_t *r,
    ngx_http_jobruns_attempt_t *a, ngx_http_jobruns_audit_moment_e moment);


ngx_int_t
ngx_http_jobruns_audit_begin(ngx_http_request_t *r,
    ngx_http_jobruns_attempt_t *a, ngx_http_jobruns_audit_wait_t *wait)
{
    if (a->conf->audit == NULL) {
        return NGX_OK;
    }

    if (ngx_http_jobruns_audit_write(r, a, jobruns_audit_begin) != NGX_OK) {
        return NGX_ERROR;
    }

    a->audit_begun = 1;

    if (a->conf->audit_sync != NGX_HTTP_JOBRUNS_SYNC_ALWAYS) {
        return NGX_OK;
    }

    ngx_http_jobruns_audit_sync_wait(&a->conf->audit->sync, wait);

    return NGX_AGAIN;
}


ngx_int_t
ngx_http_jobruns_audit_end(ngx_http_request_t *r,
    ngx_http_jobruns_attempt_t *a, ngx_http_jobruns_audit_wait_t *wait)
{
    if (a->audit_ended) {
        return NGX_OK;
    }

    a->audit_ended = 1;
    ngx_http_jobruns_count_attempt(a);

    /* an attempt whose ".begin" could not be written has one record, as one
       that was not forwarded: an ".end" is never without its ".begin" */

    if (a->conf->audit == NULL
        || ngx_http_jobruns_audit_write(r, a, a->audit_begun
                                              ? jobruns_audit_end
                                              : jobruns_audit_whole)
           != NGX_OK)
    {
        return NGX_OK;
    }

    if (a->conf->audit_sync != NGX_HTTP_JOBRUNS_SYNC_ALWAYS) {
        return NGX_OK;
    }

    if (wait == NULL || a->outcome != JR_OUTCOME_CREATED) {
        /* nobody waits, and the next turn of the event loop is soon enough */
        ngx_http_jobruns_audit_sync_later(&a->conf->audit->sync, 0);
        return NGX_OK;
    }

    ngx_http_jobruns_audit_sync_wait(&a->conf->audit->sync, wait);

    return NGX_AGAIN;
}


static ngx_int_t
ngx_http_jobruns_audit_write(ngx_http_request_t *r,
    ngx_http_jobruns_attempt_t *a, ngx_http_jobruns_audit_moment_e moment)
{
    jr_line_t                     line;
    ngx_http_jobruns_loc_conf_t  *jlcf;

    jlcf = a->conf;

    ngx_http_jobruns_audit_line(&line);
    ngx_http_jobruns_audit_record(r, a, &line, moment);

    if (ngx_http_jobruns_audit_append(jlcf->audit, &line, jlcf->audit_syslog,
                                      r->connection->log)
        != NGX_OK)
    {
        return NGX_ERROR;
    }

    if (jlcf->audit_sync != NGX_HTTP_JOBRUNS_SYNC_OFF
        && jlcf->audit_sync != NGX_HTTP_JOBRUNS_SYNC_ALWAYS)
    {
        ngx_http_jobruns_audit_sync_later(&jlcf->audit->sync,
                                          jlcf->audit_sync);
    }

    return NGX_OK;
}


/* the end of every request: what is still unwritten, and letting go */

ngx_int_t
ngx_http_jobruns_log_handler(ngx_http_request_t *r)
{
    ngx_http_jobruns_ctx_t  *ctx;

    /* a redirect may have cleared r->ctx since: timers are to be let go */

    ctx = (r == r->main) ? ngx_http_jobruns_get_ctx(r) : NULL;

    if (ctx == NULL || ctx->attempt == NULL) {
        return NGX_OK;
    }

    ngx_http_jobruns_attempt_end(r, ctx->attempt);

    if (ctx->attempt->status == 0) {
        ctx->attempt->status = r->headers_out.status;
    }

    (void) ngx_http_jobruns_audit_end(r, ctx->attempt, NULL);

    return NGX_OK;
}
