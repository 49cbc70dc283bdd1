/*
 * The moments at which an attempt is recorded.
 *
 * A forwarded attempt has two records: ".begin" before the first byte goes
 * to the service, ".end" before its answer goes to the client.  A refusal or
 * a replay has one.  The log phase writes what is then still unwritten.
 */

#include "ngx_http_jobruns.h"
#include "ngx_http_jobruns_attempt.h"
#include "ngx_http_jobruns_audit.h"
#include "ngx_http_jobruns_audit_file.h"
#include "ngx_http_jobruns_audit_fold.h"
#include "ngx_http_jobruns_audit_record.h"
#include "ngx_http_jobruns_audit_watch.h"
#include "ngx_http_jobruns_flow.h"
#include "ngx_http_jobruns_handler.h"
#include "ngx_http_jobruns_metrics.h"


static ngx_int_t ngx_http_jobruns_audit_write(ngx_http_request_t *r,
    ngx_http_jobruns_attempt_t *a, ngx_http_jobruns_audit_moment_e moment,
    ngx_uint_t park);
static void ngx_http_jobruns_audit_failed(ngx_http_jobruns_attempt_t *a);
static void ngx_http_jobruns_audit_on_record(
    ngx_http_jobruns_audit_wait_t *wait);


ngx_int_t
ngx_http_jobruns_audit_begin(ngx_http_request_t *r,
    ngx_http_jobruns_attempt_t *a)
{
    ngx_int_t                       rc;
    ngx_http_jobruns_audit_file_t  *file;

    file = a->conf->audit;

    if (file == NULL) {
        return NGX_OK;
    }

    ngx_http_jobruns_audit_watch_settle(file);

    if (file->watch.lost && a->conf->audit_required) {
        ngx_http_jobruns_count(jobruns_count_audit_failures);
        rc = NGX_ERROR;

    } else {
        rc = ngx_http_jobruns_audit_write(r, a, jobruns_audit_begin, 1);
    }

    if (rc == NGX_ERROR) {
        ngx_http_jobruns_audit_failed(a);
    }

    return rc;
}


ngx_int_t
ngx_http_jobruns_audit_end(ngx_http_request_t *r,
    ngx_http_jobruns_attempt_t *a, ngx_uint_t park)
{
    if (a->audit_ended) {
        return NGX_OK;
    }

    a->audit_ended = 1;
    ngx_http_jobruns_count_attempt(a);

    if (a->conf->audit == NULL) {
        return NGX_OK;
    }

    /* an attempt whose ".begin" could not be written has one record, as one
       that was not forwarded: an ".end" is never without its ".begin" */

    return ngx_http_jobruns_audit_write(r, a, a->audit_begun
                                              ? jobruns_audit_end
                                              : jobruns_audit_whole, park)
           == NGX_AGAIN ? NGX_AGAIN : NGX_OK;
}


static ngx_int_t
ngx_http_jobruns_audit_write(ngx_http_request_t *r,
    ngx_http_jobruns_attempt_t *a, ngx_http_jobruns_audit_moment_e moment,
    ngx_uint_t park)
{
    jr_line_t                       line;
    ngx_log_t                      *log;
    ngx_http_jobruns_loc_conf_t    *jlcf;
    ngx_http_jobruns_audit_wait_t  *wait;

    jlcf = a->conf;
    log = r->connection->log;

    if (ngx_http_jobruns_audit_refusal(a, moment)
        && ngx_http_jobruns_audit_fold(r, a))
    {
        return NGX_OK;
    }

    if (ngx_http_jobruns_audit_line(jlcf->audit, &line, jlcf->audit_syslog,
                                    log)
        != NGX_OK)
    {
        return NGX_ERROR;
    }

    ngx_http_jobruns_audit_record(r, a, &line, moment);

    wait = park ? &a->record : NULL;

    if (ngx_http_jobruns_audit_append(jlcf->audit, &line, jlcf->audit_sync,
                                      wait, log)
        != NGX_OK)
    {
        return NGX_ERROR;
    }

    if (wait == NULL) {
        return NGX_OK;
    }

    wait->handler = ngx_http_jobruns_audit_on_record;
    wait->data = a;
    wait->durable = (jlcf->audit_sync == NGX_HTTP_JOBRUNS_SYNC_ALWAYS
                     && (moment == jobruns_audit_begin
                         || a->outcome == JR_OUTCOME_CREATED));

    return NGX_AGAIN;
}


static void
ngx_http_jobruns_audit_on_record(ngx_http_jobruns_audit_wait_t *wait)
{
    ngx_http_jobruns_attempt_t  *a;

    a = wait->data;

    if (a->state == jobruns_st_recording) {
        a->audit_begun = wait->written;
    }

    if (wait->rc != NGX_OK) {
        ngx_http_jobruns_audit_failed(a);
    }

    ngx_http_jobruns_wake(a);
}


/* why a record could not be written, for the one that can be */

static void
ngx_http_jobruns_audit_failed(ngx_http_jobruns_attempt_t *a)
{
    u_char                         *p;
    ngx_http_jobruns_audit_file_t  *file;

    file = a->conf->audit;

    if (a->record.written) {
        ngx_str_set(&a->audit_error, "it could not be synced to its disk");
        return;
    }

    if (file->error.len == 0) {
        ngx_str_set(&a->audit_error, "no memory, or no random bytes");
        return;
    }

    /* the file's own text is of the last failure, and may change */

    p = ngx_pnalloc(a->request->pool, file->error.len);

    if (p != NULL) {
        ngx_memcpy(p, file->error.data, file->error.len);
        a->audit_error.data = p;
        a->audit_error.len = file->error.len;
    }
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

    (void) ngx_http_jobruns_audit_end(r, ctx->attempt, 0);

    return NGX_OK;
}
