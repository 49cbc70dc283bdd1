/*
 * Where the body of a held answer ends, and whether it ended well.
 *
 * On broken chunks NGINX terminates the request at once, so that no filter
 * hears of it (ngx_http_upstream_process_upstream()); a body whose end only
 * the end of the connection tells is whole to NGINX wherever it breaks off.
 * The client gets an answer in both cases: that the outcome is not known.
 */

#include "ngx_http_jobruns.h"
#include "jr_json_skim.h"


static ngx_int_t ngx_http_jobruns_framing_init(void *data);
static ngx_int_t ngx_http_jobruns_framing_pipe(ngx_event_pipe_t *p,
    ngx_buf_t *buf);
static ngx_int_t ngx_http_jobruns_framing_unbuffered(void *data,
    ssize_t bytes);


void
ngx_http_jobruns_framing_watch(ngx_http_request_t *r,
    ngx_http_jobruns_attempt_t *a)
{
    ngx_http_upstream_t  *u;

    u = r->upstream;

    /* the proxy's filters, which it selects behind the header, have the
       request as their context (ngx_http_proxy_handler()) */

    if (u->input_filter_init == NULL || u->input_filter_ctx != r
        || u->input_filter_init == ngx_http_jobruns_framing_init)
    {
        return;
    }

    a->input_init = u->input_filter_init;
    u->input_filter_init = ngx_http_jobruns_framing_init;
}


static ngx_int_t
ngx_http_jobruns_framing_init(void *data)
{
    ngx_http_request_t *r = data;

    ngx_http_upstream_t         *u;
    ngx_http_jobruns_ctx_t      *ctx;
    ngx_http_jobruns_attempt_t  *a;

    u = r->upstream;
    ctx = ngx_http_jobruns_get_ctx(r);
    a = ctx->attempt;

    if (a->input_init(data) != NGX_OK) {
        return NGX_ERROR;
    }

    a->input_unbuffered = u->input_filter;
    u->input_filter = ngx_http_jobruns_framing_unbuffered;

    if (u->pipe != NULL) {
        a->input_pipe = u->pipe->input_filter;
        u->pipe->input_filter = ngx_http_jobruns_framing_pipe;
    }

    return NGX_OK;
}


/* as an error of the connection: ngx_http_upstream_process_request() makes
   a 502 of it, which comes to our filter as a flush */

static ngx_int_t
ngx_http_jobruns_framing_pipe(ngx_event_pipe_t *p, ngx_buf_t *buf)
{
    ngx_http_request_t *r = p->input_ctx;

    ngx_http_jobruns_ctx_t  *ctx;

    ctx = ngx_http_jobruns_get_ctx(r);

    if (ctx->attempt->input_pipe(p, buf) != NGX_OK) {
        p->upstream_error = 1;
        p->upstream_done = 0;
    }

    return NGX_OK;
}


/* the same for ngx_http_upstream_process_non_buffered_request() */

static ngx_int_t
ngx_http_jobruns_framing_unbuffered(void *data, ssize_t bytes)
{
    ngx_http_request_t *r = data;

    ngx_http_upstream_t     *u;
    ngx_http_jobruns_ctx_t  *ctx;

    u = r->upstream;
    ctx = ngx_http_jobruns_get_ctx(r);

    if (ctx->attempt->input_unbuffered(data, bytes) != NGX_OK) {
        u->error = 1;

        if (u->length == 0) {
            u->length = 1;
        }
    }

    return NGX_OK;
}


ngx_uint_t
ngx_http_jobruns_framing_cut(ngx_http_request_t *r,
    ngx_http_jobruns_attempt_t *a)
{
    ngx_str_t  *type;
    jr_str_t    body;

    static u_char  json[] = "application/json";

    type = &r->headers_out.content_type;

    if (r->upstream == NULL
        || r->upstream->headers_in.chunked
        || r->upstream->headers_in.content_length_n != -1
        || a->exchange.status < 200 || a->exchange.status > 299
        || a->exchange.status == NGX_HTTP_NO_CONTENT
        || r->headers_out.content_encoding != NULL
        || type->len < sizeof(json) - 1
        || ngx_strncasecmp(type->data, json, sizeof(json) - 1) != 0)
    {
        return 0;
    }

    body.data = NULL;
    body.len = 0;

    if (a->held != NULL) {
        body.data = (char *) a->held->pos;
        body.len = a->held->last - a->held->pos;
    }

    return !jr_json_skim_ends(body);
}
