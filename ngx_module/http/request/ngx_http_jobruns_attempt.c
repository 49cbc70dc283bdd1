/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The context of a request and its attempt: made when a creation is
 * recognised, or refused by NGINX before that; and what is found out about
 * what was exchanged with the service.
 */

#include "ngx_http_jobruns.h"
#include "ngx_http_jobruns_attempt.h"
#include "ngx_http_jobruns_identity.h"
#include "ngx_http_jobruns_random.h"

#include "jr_hex.h"


/* what ngx_http_limit_req_module and ngx_http_limit_conn_module leave behind,
   defined in their .c files */
#define NGX_HTTP_JOBRUNS_LIMIT_REQ_REJECTED   3
#define NGX_HTTP_JOBRUNS_LIMIT_CONN_REJECTED  2


static void ngx_http_jobruns_ctx_cleanup(void *data);


ngx_http_jobruns_ctx_t *
ngx_http_jobruns_attempt_get_ctx(ngx_http_request_t *r)
{
    ngx_pool_cleanup_t      *cln;
    ngx_http_jobruns_ctx_t  *ctx;

    ctx = ngx_http_get_module_ctx(r, ngx_http_jobruns_module);

    /* internal redirects clear r->ctx (ngx_http_internal_redirect(),
       ngx_http_named_location(), ngx_http_filter_finalize_request()) */

    if (ctx == NULL && (r->internal || r->filter_finalize)) {

        for (cln = r->pool->cleanup; cln; cln = cln->next) {
            if (cln->handler == ngx_http_jobruns_ctx_cleanup) {
                ctx = cln->data;
                ngx_http_set_ctx(r, ctx, ngx_http_jobruns_module);
                break;
            }
        }
    }

    return ctx;
}


ngx_http_jobruns_ctx_t *
ngx_http_jobruns_attempt_create_ctx(ngx_http_request_t *r)
{
    ngx_pool_cleanup_t      *cln;
    ngx_http_jobruns_ctx_t  *ctx;

    cln = ngx_pool_cleanup_add(r->pool, sizeof(ngx_http_jobruns_ctx_t));
    if (cln == NULL) {
        return NULL;
    }

    ctx = cln->data;
    ngx_memzero(ctx, sizeof(ngx_http_jobruns_ctx_t));

    cln->handler = ngx_http_jobruns_ctx_cleanup;

    ngx_http_set_ctx(r, ctx, ngx_http_jobruns_module);

    return ctx;
}


/* the mark by which the context is found again; frees nothing: attempts are
   let go in the log phase */

static void
ngx_http_jobruns_ctx_cleanup(void *data)
{
    (void) data;
}


ngx_int_t
ngx_http_jobruns_attempt_create(ngx_http_request_t *r,
    ngx_http_jobruns_ctx_t *ctx, jr_path_t *path)
{
    ngx_http_jobruns_attempt_t  *a;

    a = ngx_palloc(r->pool, sizeof(ngx_http_jobruns_attempt_t));
    if (a == NULL) {
        return NGX_ERROR;
    }

    /* also sets jobruns_st_reading; a kilobyte of arrays, in identity and in
       path, is written before it is read, and mostly never touched */

    ngx_memzero(a, offsetof(ngx_http_jobruns_attempt_t,
                            call.identity.tenancy_buf));
    ngx_memzero(&a->check, sizeof(ngx_http_jobruns_attempt_t)
                           - offsetof(ngx_http_jobruns_attempt_t, check));

    a->request = r;
    a->ctx = ctx;
    a->conf = ngx_http_get_module_loc_conf(r, ngx_http_jobruns_module);
    a->call.path = *path;
    a->call.uri = r->uri;
    a->held.overflow_last = &a->held.overflow;

    ctx->attempt = a;

    if (ngx_http_jobruns_random_bytes(a->call.owner,
                                      NGX_HTTP_JOBRUNS_OWNER_LEN / 2)
        != NGX_OK)
    {
        return NGX_ERROR;
    }

    (void) jr_hex((char *) a->call.owner_hex, a->call.owner,
                  NGX_HTTP_JOBRUNS_OWNER_LEN / 2, JR_HEX_LOWER);

    return NGX_OK;
}


ngx_uint_t
ngx_http_jobruns_attempt_refused_status(ngx_http_request_t *r)
{
    /* error_page to a URI has made a GET of it by now
       (ngx_http_send_error_page()); the request line is as it came */

    if (r->request_line.len < sizeof("POST ") - 1
        || ngx_strncmp(r->request_line.data, "POST ", sizeof("POST ") - 1)
           != 0
        || r->unparsed_uri.len == 0)
    {
        return 0;
    }

    if (r->err_status >= NGX_HTTP_BAD_REQUEST) {
        return r->err_status;
    }

    /* error_page with "=" has dropped the status; what was forwarded where
       jobruns is off comes here by X-Accel-Redirect, too */

    if (!r->internal || r->method == NGX_HTTP_POST
        || r->upstream_states != NULL)
    {
        return 0;
    }

    if (r->limit_req_status == NGX_HTTP_JOBRUNS_LIMIT_REQ_REJECTED
        || r->limit_conn_status == NGX_HTTP_JOBRUNS_LIMIT_CONN_REJECTED)
    {
        return NGX_HTTP_SERVICE_UNAVAILABLE;
    }

    return r->headers_out.www_authenticate ? NGX_HTTP_UNAUTHORIZED
                                           : NGX_HTTP_FORBIDDEN;
}


ngx_int_t
ngx_http_jobruns_attempt_refused(ngx_http_request_t *r,
    ngx_http_jobruns_ctx_t *ctx)
{
    jr_path_e    kind;
    jr_path_t    path;
    ngx_uint_t   status;
    const char  *what;

    status = ngx_http_jobruns_attempt_refused_status(r);

    if (status == 0) {
        return NGX_OK;
    }

    kind = jr_path_classify(ngx_http_jobruns_str(r->unparsed_uri),
                            ngx_http_jobruns_str(r->uri), &path);

    if (kind == JR_PATH_OTHER) {
        return NGX_OK;
    }

    if (ngx_http_jobruns_attempt_create(r, ctx, &path) != NGX_OK) {
        return NGX_ERROR;
    }

    if (kind == JR_PATH_SUSPECT) {
        ngx_memzero(&ctx->attempt->call.path, sizeof(jr_path_t));

    } else {
        (void) jr_path_keys(&ctx->attempt->call.path, &what);
    }

    if (r->err_status != status) {

        /* a page's success, or where it leads, is not the creation's */

        r->err_status = status;
        ngx_http_clear_location(r);
    }

    switch (status) {

    case NGX_HTTP_UNAUTHORIZED:
    case NGX_HTTP_FORBIDDEN:
    case NGX_HTTP_TOO_MANY_REQUESTS:
    case NGX_HTTP_SERVICE_UNAVAILABLE:
        ctx->attempt->outcome = JR_OUTCOME_DENIED;
        break;

    default:
        ctx->attempt->outcome = status < NGX_HTTP_INTERNAL_SERVER_ERROR
                                ? JR_OUTCOME_INVALID : JR_OUTCOME_UNAVAILABLE;
        break;
    }

    /* whom nobody identified is recorded so: another answer is on its way */

    return ngx_http_jobruns_identity_read(r, ctx->attempt) == NGX_ERROR
           ? NGX_ERROR : NGX_OK;
}


ngx_uint_t
ngx_http_jobruns_attempt_is_creation(ngx_http_request_t *r,
    ngx_http_jobruns_attempt_t *a)
{
    return r->method == NGX_HTTP_POST
           && r->uri.len == a->call.uri.len
           && (r->uri.data == a->call.uri.data
               || ngx_memcmp(r->uri.data, a->call.uri.data, a->call.uri.len)
                  == 0);
}


void
ngx_http_jobruns_attempt_read_exchange(ngx_http_request_t *r,
    ngx_http_jobruns_attempt_t *a)
{
    ngx_uint_t                  i;
    ngx_http_upstream_state_t  *state;

    if (r->upstream_states == NULL) {
        return;
    }

    state = r->upstream_states->elts;

    for (i = 0; i < r->upstream_states->nelts; i++) {

        /* an empty state separates the upstreams of an internal redirect */

        if (state[i].peer == NULL) {
            continue;
        }

        a->exchange.attempted = 1;

        if (state[i].bytes_sent) {
            a->exchange.sent = 1;
        }

        /* header_time is set when a whole header was read
           (ngx_http_upstream_process_header()); bytes_sent is not set yet
           while the answer is passed on */

        if (state[i].header_time != (ngx_msec_t) -1) {
            a->exchange.sent = 1;
        }
    }
}


void
ngx_http_jobruns_attempt_outcome(ngx_http_request_t *r,
    ngx_http_jobruns_attempt_t *a)
{
    if (a->state == jobruns_st_forwarding || a->state == jobruns_st_holding) {

        /* no filter saw an end: the client left while nothing kept the
           exchange going, or NGINX failed */

        ngx_http_jobruns_attempt_read_exchange(r, a);

        if (a->exchange.answered && !a->held.complete) {
            a->exchange.truncated = 1;
        }

        a->outcome = jr_outcome_of(&a->exchange);

    } else if (!ngx_http_jobruns_forwarded(a)
               && a->outcome == JR_OUTCOME_NONE)
    {
        /* admitted, but never forwarded */

        a->outcome = a->verdict == jobruns_verdict_running
                     ? JR_OUTCOME_IN_PROGRESS : JR_OUTCOME_UNSENT;
    }
}
