/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The filters: hold the answer to a forwarded creation until Redis has it,
 * and make NGINX's own error pages JSON.
 *
 * They stand before gzip, chunked and the HTTP/2 framing, and behind the copy
 * filter, so bodies are plain bytes in memory here (HTTP_AUX_FILTER in
 * config).  Truncation is seen by what nginx does on it: a flush without a
 * last buffer from an upstream that is finalized already
 * (ngx_http_upstream_finalize_request()); the client, of whom nothing is
 * sent yet, gets a whole answer instead of a broken one.
 */

#include "ngx_http_jobruns.h"
#include "ngx_http_jobruns_answer.h"
#include "ngx_http_jobruns_attempt.h"
#include "ngx_http_jobruns_audit.h"
#include "ngx_http_jobruns_filter.h"
#include "ngx_http_jobruns_flow.h"
#include "ngx_http_jobruns_framing.h"
#include "ngx_http_jobruns_guard.h"
#include "ngx_http_jobruns_held.h"
#include "ngx_http_jobruns_request_headers.h"
#include "ngx_http_jobruns_response.h"


static ngx_uint_t ngx_http_jobruns_refused_creation(ngx_http_request_t *r,
    ngx_http_jobruns_loc_conf_t *jlcf);
static ngx_int_t ngx_http_jobruns_header_filter(ngx_http_request_t *r);
static ngx_int_t ngx_http_jobruns_body_filter(ngx_http_request_t *r,
    ngx_chain_t *in);
static ngx_int_t ngx_http_jobruns_error_page_body(ngx_http_request_t *r,
    ngx_http_jobruns_ctx_t *ctx, ngx_chain_t *in);
static ngx_int_t ngx_http_jobruns_hold(ngx_http_request_t *r,
    ngx_http_jobruns_attempt_t *a);
static ngx_int_t ngx_http_jobruns_collect(ngx_http_request_t *r,
    ngx_http_jobruns_ctx_t *ctx, ngx_chain_t *in);
static ngx_int_t ngx_http_jobruns_conclude(ngx_http_request_t *r,
    ngx_http_jobruns_ctx_t *ctx);
static ngx_int_t ngx_http_jobruns_send_held(ngx_http_request_t *r,
    ngx_http_jobruns_ctx_t *ctx);


static ngx_http_output_header_filter_pt  ngx_http_next_header_filter;
static ngx_http_output_body_filter_pt    ngx_http_next_body_filter;


/* NGINX's chain as the configuration that was accepted last has made it */

static struct {
    ngx_http_output_header_filter_pt     top_header;
    ngx_http_output_header_filter_pt     next_header;
    ngx_http_output_body_filter_pt       top_body;
    ngx_http_output_body_filter_pt       next_body;
    ngx_http_request_body_filter_pt      top_request_body;
} ngx_http_jobruns_chain;


ngx_int_t
ngx_http_jobruns_filter_init(ngx_conf_t *cf)
{
    (void) cf;

    ngx_http_next_header_filter = ngx_http_top_header_filter;
    ngx_http_top_header_filter = ngx_http_jobruns_header_filter;

    ngx_http_next_body_filter = ngx_http_top_body_filter;
    ngx_http_top_body_filter = ngx_http_jobruns_body_filter;

    return NGX_OK;
}


void
ngx_http_jobruns_filter_accepted(void)
{
    ngx_http_jobruns_chain.top_header = ngx_http_top_header_filter;
    ngx_http_jobruns_chain.next_header = ngx_http_next_header_filter;
    ngx_http_jobruns_chain.top_body = ngx_http_top_body_filter;
    ngx_http_jobruns_chain.next_body = ngx_http_next_body_filter;
    ngx_http_jobruns_chain.top_request_body = ngx_http_top_request_body_filter;
}


/*
 * A reload that some module's postconfiguration refuses leaves the master with
 * the part of the chain that was rebuilt until then.  A worker that is forked
 * later would send answers that nobody holds; it takes the chain that belongs
 * to its configuration.
 */

void
ngx_http_jobruns_filter_begin(ngx_log_t *log)
{
    if (ngx_http_jobruns_chain.top_header == NULL
        || (ngx_http_jobruns_chain.top_header == ngx_http_top_header_filter
            && ngx_http_jobruns_chain.next_header
               == ngx_http_next_header_filter
            && ngx_http_jobruns_chain.top_body == ngx_http_top_body_filter
            && ngx_http_jobruns_chain.next_body == ngx_http_next_body_filter
            && ngx_http_jobruns_chain.top_request_body
               == ngx_http_top_request_body_filter))
    {
        return;
    }

    ngx_log_error(NGX_LOG_NOTICE, log, 0,
                  "jobruns: a refused reload has left the filters of another "
                  "configuration; this worker takes those of its own");

    ngx_http_top_header_filter = ngx_http_jobruns_chain.top_header;
    ngx_http_next_header_filter = ngx_http_jobruns_chain.next_header;
    ngx_http_top_body_filter = ngx_http_jobruns_chain.top_body;
    ngx_http_next_body_filter = ngx_http_jobruns_chain.next_body;
    ngx_http_top_request_body_filter = ngx_http_jobruns_chain.top_request_body;
}


/* NGINX refuses a creation in a location without `jobruns`, of a server that
   has it elsewhere: its record is the only thing that is ours */

static ngx_uint_t
ngx_http_jobruns_refused_creation(ngx_http_request_t *r,
    ngx_http_jobruns_loc_conf_t *jlcf)
{
    jr_path_t                     path;
    ngx_http_jobruns_srv_conf_t  *jscf;

    jscf = ngx_http_get_module_srv_conf(r, ngx_http_jobruns_module);

    return jlcf->enable == jobruns_unset && jscf->enabled
           && ngx_http_jobruns_attempt_refused_status(r)
           && jr_path_classify(ngx_http_jobruns_str(r->unparsed_uri),
                               ngx_http_jobruns_str(r->uri), &path)
              != JR_PATH_OTHER;
}


static ngx_int_t
ngx_http_jobruns_header_filter(ngx_http_request_t *r)
{
    ngx_http_jobruns_ctx_t       *ctx;
    ngx_http_jobruns_attempt_t   *a;
    ngx_http_jobruns_loc_conf_t  *jlcf;

    if (r != r->main) {
        return ngx_http_next_header_filter(r);
    }

    ctx = ngx_http_jobruns_attempt_get_ctx(r);

    if (ctx == NULL) {

        /* NGINX answers before our phase: an error, a redirect */

        jlcf = ngx_http_get_module_loc_conf(r, ngx_http_jobruns_module);

        if (jlcf->enable != jobruns_on && jlcf->enable != jobruns_dry_run
            && !ngx_http_jobruns_refused_creation(r, jlcf))
        {
            return ngx_http_next_header_filter(r);
        }

        ctx = ngx_http_jobruns_attempt_create_ctx(r);

        if (ctx == NULL
            || ngx_http_jobruns_request_headers_ensure_id(r, ctx) != NGX_OK
            || ngx_http_jobruns_attempt_refused(r, ctx) != NGX_OK)
        {
            return NGX_ERROR;
        }
    }

    a = ctx->attempt;

    if (a != NULL && a->state == jobruns_st_forwarding) {
        return ngx_http_jobruns_hold(r, a);
    }

    if (a != NULL && a->state == jobruns_st_holding) {

        /* NGINX gave up on an answer whose header it had passed on: what it
           says now is not the service's */

        a->exchange.truncated = 1;
        a->held.replace = 1;
        return NGX_OK;
    }

    if (a != NULL) {
        ngx_http_jobruns_guard_status(r, a);
    }

    if (r->err_status >= NGX_HTTP_BAD_REQUEST
        && (a != NULL || !ngx_http_jobruns_response_is_operators(r)))
    {
        if (ngx_http_jobruns_response_error_page(r, ctx) != NGX_OK) {
            return NGX_ERROR;
        }

        if (a != NULL && a->state < jobruns_st_answered) {
            ngx_http_jobruns_flow_to(a, jobruns_st_answered);
        }
    }

    if (ngx_http_jobruns_response_headers(r, ctx) != NGX_OK) {
        return NGX_ERROR;
    }

    return ngx_http_next_header_filter(r);
}


static ngx_int_t
ngx_http_jobruns_body_filter(ngx_http_request_t *r, ngx_chain_t *in)
{
    ngx_http_jobruns_ctx_t      *ctx;
    ngx_http_jobruns_attempt_t  *a;

    if (r != r->main) {
        return ngx_http_next_body_filter(r, in);
    }

    ctx = ngx_http_jobruns_attempt_get_ctx(r);

    if (ctx == NULL) {
        return ngx_http_next_body_filter(r, in);
    }

    a = ctx->attempt;

    if (a == NULL || !ngx_http_jobruns_forwarded(a)) {

        if (ctx->error.len && in != NULL) {
            return ngx_http_jobruns_error_page_body(r, ctx, in);
        }

        return ngx_http_next_body_filter(r, in);
    }

    switch (a->state) {

    case jobruns_st_forwarding:
        /* a body without a header: not of the service */
        return in ? NGX_ERROR : NGX_OK;

    case jobruns_st_holding:
        return in ? ngx_http_jobruns_collect(r, ctx, in) : NGX_OK;

    case jobruns_st_settling:
    case jobruns_st_sealing:
        return in ? ngx_http_jobruns_held_overflow(r, a, in) : NGX_OK;

    case jobruns_st_released:

        /* ngx_http_writer() calls us with NULL when the attempt is settled */

        if (in != NULL
            && ngx_http_jobruns_held_overflow(r, a, in) == NGX_ERROR)
        {
            return NGX_ERROR;
        }

        return ngx_http_jobruns_send_held(r, ctx);

    default:

        if (a->held.replace) {
            /* the answer is complete and our own */
            ngx_http_jobruns_held_consume(in);
            in = NULL;
        }

        return ngx_http_next_body_filter(r, in);
    }
}


/* drops NGINX's page, and sends ours at its end */

static ngx_int_t
ngx_http_jobruns_error_page_body(ngx_http_request_t *r,
    ngx_http_jobruns_ctx_t *ctx, ngx_chain_t *in)
{
    ngx_buf_t    *b;
    ngx_uint_t    last;
    ngx_chain_t  *cl, out;

    last = 0;

    for (cl = in; cl; cl = cl->next) {
        last |= cl->buf->last_buf;
    }

    ngx_http_jobruns_held_consume(in);

    if (!last) {
        return NGX_OK;
    }

    b = ngx_calloc_buf(r->pool);
    if (b == NULL) {
        return NGX_ERROR;
    }

    b->pos = ctx->error.data;
    b->last = ctx->error.data + ctx->error.len;
    b->memory = 1;
    b->last_buf = 1;
    b->last_in_chain = 1;

    ctx->error.len = 0;

    out.buf = b;
    out.next = NULL;

    return ngx_http_next_body_filter(r, &out);
}


/*
 * The header of the answer to a forwarded attempt.  Only what an upstream that
 * is not finalized yet passes on is the service's (u->cleanup,
 * ngx_http_upstream_finalize_request()): error pages, redirects and refusals
 * of NGINX come later or without one.
 */

static ngx_int_t
ngx_http_jobruns_hold(ngx_http_request_t *r, ngx_http_jobruns_attempt_t *a)
{
    ngx_uint_t            status;
    ngx_http_upstream_t  *u;

    u = r->upstream;

    ngx_http_jobruns_attempt_read_exchange(r, a);

    a->exchange.answered = 0;

    if (u != NULL && u->cleanup != NULL
        && ngx_http_jobruns_attempt_is_creation(r, a))
    {
        /* NGINX takes bytes that are no HTTP for an answer of HTTP/0.9, and
           forgets that the client speaks more
           (ngx_http_proxy_process_status_line()) */

        status = (r->http_version == a->held.http_version)
                 ? u->headers_in.status_n : 0;

#if (nginx_version < 1023000)
        if (ngx_http_jobruns_framing_invalid(r)) {
            status = 0;
        }
#endif

        a->exchange.sent = 1;
        a->exchange.status = (unsigned) status;

        if (status < 200 || status > 599) {

            /*
             * A 1xx that NGINX takes for the answer has no length, and the
             * real answer is still to come: neither wait for an end of it nor
             * use the connection again.  The 502 made of it comes back to us.
             */

            u->keepalive = 0;
            r->http_version = a->held.http_version;

            return NGX_HTTP_BAD_GATEWAY;
        }

        /* error_page to a named location leaves its status behind, which
           ngx_http_send_header() has put in the answer */

        a->exchange.answered = 1;
        r->err_status = 0;
        r->headers_out.status = status;
        r->headers_out.status_line = u->headers_in.status_line;

        /* a 101 is no answer to a POST: no tunnel
           (ngx_http_upstream_send_response()) */

        u->upgrade = 0;

    } else {
        ngx_http_clean_header(r);
    }

    r->http_version = a->held.http_version;

    ngx_http_jobruns_flow_to(a, jobruns_st_holding);

    a->response.status = r->headers_out.status;

    a->held.replace = ngx_http_jobruns_held_replaced(r, a);

    if (a->exchange.answered) {
        ngx_http_jobruns_framing_watch(r, a);
    }

    r->main_filter_need_in_memory = 1;
    r->allow_ranges = 0;

    return NGX_OK;
}


static ngx_int_t
ngx_http_jobruns_collect(ngx_http_request_t *r, ngx_http_jobruns_ctx_t *ctx,
    ngx_chain_t *in)
{
    ngx_int_t                    rc;
    ngx_uint_t                   flush;
    ngx_chain_t                 *cl;
    ngx_http_jobruns_attempt_t  *a;

    a = ctx->attempt;
    flush = 0;

    for (cl = in; cl; cl = cl->next) {

        flush |= cl->buf->flush;

        if (!a->held.replace && ngx_buf_size(cl->buf)) {

            rc = ngx_http_jobruns_held_store(r, a, cl->buf);

            if (rc == NGX_ERROR) {
                return NGX_ERROR;
            }

            if (rc == NGX_DECLINED) {
                /* too large to hold: what it settles is known by now */

                a->run.too_large = 1;

                if (ngx_http_jobruns_held_overflow(r, a, cl) == NGX_ERROR) {
                    return NGX_ERROR;
                }

                return ngx_http_jobruns_conclude(r, ctx);
            }
        }

        cl->buf->pos = cl->buf->last;
        cl->buf->file_pos = cl->buf->file_last;

        if (cl->buf->last_buf) {
            a->held.complete = 1;
        }
    }

    if (a->held.complete) {

        if (!a->held.replace && ngx_http_jobruns_framing_cut(r, a)) {
            a->held.complete = 0;
            a->exchange.truncated = 1;
            a->held.replace = 1;
        }

        if (!a->held.replace && a->exchange.status >= 300
            && !ngx_http_jobruns_held_error(r, a))
        {
            a->held.replace = 1;
        }

        return ngx_http_jobruns_conclude(r, ctx);
    }

    if (flush && r->upstream != NULL && r->upstream->cleanup == NULL) {
        /* see above: broken off */

        a->exchange.truncated = 1;
        a->held.replace = 1;

        return ngx_http_jobruns_conclude(r, ctx);
    }

    return NGX_OK;
}


/* the answer is here, or as much of it as settling needs */

static ngx_int_t
ngx_http_jobruns_conclude(ngx_http_request_t *r, ngx_http_jobruns_ctx_t *ctx)
{
    static const jr_str_t  none = { 0, NULL };

    ngx_int_t                    rc;
    ngx_http_jobruns_attempt_t  *a;

    a = ctx->attempt;

    ngx_http_jobruns_attempt_read_exchange(r, a);

    a->outcome = jr_outcome_of(&a->exchange);

    if (a->outcome == JR_OUTCOME_CREATED) {
        ngx_http_jobruns_held_capture(r, a);
        ngx_http_jobruns_answer_find_run(a, a->held.complete
                                            ? a->run.answer.body : none);
    }

    rc = ngx_http_jobruns_flow_settle(r, a);

    if (rc == NGX_AGAIN) {
        return NGX_OK;
    }

    return rc == NGX_OK ? ngx_http_jobruns_send_held(r, ctx) : rc;
}


static ngx_int_t
ngx_http_jobruns_send_held(ngx_http_request_t *r, ngx_http_jobruns_ctx_t *ctx)
{
    ngx_int_t                    rc;
    ngx_buf_t                   *b;
    ngx_chain_t                  out;
    ngx_http_jobruns_attempt_t  *a;

    a = ctx->attempt;

    /* of an answer that nobody gets, which did not wait for its record */

    (void) ngx_http_jobruns_audit_end(a, NULL);

    if (ngx_http_jobruns_response_headers(r, ctx) != NGX_OK) {
        return NGX_ERROR;
    }

    /* before the next filter, which may ask for more than we have */

    r->buffered &= ~NGX_HTTP_JOBRUNS_BUFFERED;
    ngx_http_jobruns_flow_to(a, jobruns_st_sent);

    rc = ngx_http_next_header_filter(r);

    if (rc == NGX_ERROR || rc > NGX_OK || r->header_only) {
        return rc;
    }

    if (a->held.replace) {
        ngx_http_jobruns_held_consume(a->held.overflow);
        a->held.overflow = NULL;
    }

    b = ngx_calloc_buf(r->pool);
    if (b == NULL) {
        return NGX_ERROR;
    }

    if (a->response.body.len) {
        b->pos = a->response.body.data;
        b->last = a->response.body.data + a->response.body.len;
        b->memory = 1;

    } else if (a->held.overflow != NULL) {
        return ngx_http_next_body_filter(r, a->held.overflow);
    }

    /* with an overflow the last buffer is in it, or still to come */

    b->last_buf = (a->held.overflow == NULL);
    b->last_in_chain = (a->held.overflow == NULL);

    out.buf = b;
    out.next = a->held.overflow;

    return ngx_http_next_body_filter(r, &out);
}


