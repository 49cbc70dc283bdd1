/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Where bodies end, towards the service and from it.
 *
 * Of the held answer: on broken chunks NGINX terminates the request at once,
 * so that no filter hears of it (ngx_http_upstream_process_upstream()); a body
 * whose end only the end of the connection tells is whole to NGINX wherever it
 * breaks off, and one that is longer than its Content-Length is cut there.
 * The client gets an answer in all these cases: that the outcome is not known.
 *
 * Of the creation: ngx_http_proxy_module takes Content-Length from its
 * variable $proxy_internal_body_length.  Where there is no memory for the
 * digits the header is left out, and the body is sent all the same
 * (ngx_http_proxy_create_request()): the service would make a job run of an
 * empty body, and take the body for the next request on the connection, which
 * nobody has validated.  So the digits get a place that is always there.
 */

#include "ngx_http_jobruns.h"
#include "ngx_http_jobruns_attempt.h"
#include "ngx_http_jobruns_framing.h"

#include "jr_json_skim.h"

#include <zlib.h>


/* what a body may grow to, bytes: some 10 ms of the event loop at most */
#define NGX_HTTP_JOBRUNS_FRAMING_TEXT  (4 * 1024 * 1024)

#define NGX_HTTP_JOBRUNS_FRAMING_BUFFER  16384

/* + 32: either of zlib's two formats, as its header says */
#define NGX_HTTP_JOBRUNS_FRAMING_WINDOW  (MAX_WBITS + 32)


static ngx_uint_t ngx_http_jobruns_framing_coding_ends(jr_str_t coding,
    jr_str_t body);
static ngx_int_t ngx_http_jobruns_framing_select(void *data);
static ngx_int_t ngx_http_jobruns_framing_pipe(ngx_event_pipe_t *p,
    ngx_buf_t *buf);
static ngx_int_t ngx_http_jobruns_framing_unbuffered(void *data,
    ssize_t bytes);
static void ngx_http_jobruns_framing_count(ngx_http_request_t *r,
    off_t length, off_t size);
static ngx_uint_t ngx_http_jobruns_framing_text_ends(ngx_http_request_t *r,
    jr_str_t body);
static ngx_uint_t ngx_http_jobruns_framing_inflate(z_stream *stream);
static ngx_uint_t ngx_http_jobruns_framing_coding_is(jr_str_t coding,
    const char *name);
static ngx_int_t ngx_http_jobruns_framing_length(ngx_http_request_t *r,
    ngx_http_variable_value_t *v, uintptr_t data);


/* the proxy's own, the same in every cycle */
static ngx_http_get_variable_pt  ngx_http_jobruns_proxy_content_length;


void
ngx_http_jobruns_framing_watch(ngx_http_request_t *r,
    ngx_http_jobruns_attempt_t *a)
{
    ngx_http_upstream_t  *u;

    u = r->upstream;

    /* the proxy's filters, which it selects behind the header, have the
       request as their context (ngx_http_proxy_handler()) */

    if (u->input_filter_init == NULL || u->input_filter_ctx != r
        || u->input_filter_init == ngx_http_jobruns_framing_select)
    {
        return;
    }

    a->held.input_init = u->input_filter_init;
    u->input_filter_init = ngx_http_jobruns_framing_select;
}


static ngx_int_t
ngx_http_jobruns_framing_select(void *data)
{
    ngx_http_request_t *r = data;

    ngx_http_upstream_t         *u;
    ngx_http_jobruns_ctx_t      *ctx;
    ngx_http_jobruns_attempt_t  *a;

    u = r->upstream;
    ctx = ngx_http_jobruns_attempt_get_ctx(r);
    a = ctx->attempt;

    if (a->held.input_init(data) != NGX_OK) {
        return NGX_ERROR;
    }

    a->held.input_unbuffered = u->input_filter;
    u->input_filter = ngx_http_jobruns_framing_unbuffered;

    if (u->pipe != NULL) {
        a->held.input_pipe = u->pipe->input_filter;
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

    ctx = ngx_http_jobruns_attempt_get_ctx(r);

    ngx_http_jobruns_framing_count(r, p->length, buf->last - buf->pos);

    if (ctx->attempt->held.input_pipe(p, buf) != NGX_OK) {
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
    ctx = ngx_http_jobruns_attempt_get_ctx(r);

    ngx_http_jobruns_framing_count(r, u->length, bytes);

    if (ctx->attempt->held.input_unbuffered(data, bytes) != NGX_OK) {
        u->error = 1;

        if (u->length == 0) {
            u->length = 1;
        }
    }

    return NGX_OK;
}


/* more bytes than the Content-Length says: NGINX's filters drop the rest
   (ngx_http_proxy_copy_filter()), so that one of the two is wrong */

static void
ngx_http_jobruns_framing_count(ngx_http_request_t *r, off_t length,
    off_t size)
{
    ngx_http_jobruns_ctx_t  *ctx;

    if (length == -1 || size <= length || r->upstream->headers_in.chunked) {
        return;
    }

    ctx = ngx_http_jobruns_attempt_get_ctx(r);
    ctx->attempt->held.overlong = 1;
}


ngx_uint_t
ngx_http_jobruns_framing_cut(ngx_http_request_t *r,
    ngx_http_jobruns_attempt_t *a)
{
    jr_str_t              body, coding;
    ngx_http_upstream_t  *u;

    u = r->upstream;

    if (u == NULL
        || a->exchange.status < 200 || a->exchange.status > 299
        || a->exchange.status == NGX_HTTP_NO_CONTENT)
    {
        return 0;
    }

    if (!a->held.overlong
        && (u->headers_in.chunked || u->headers_in.content_length_n != -1))
    {
        return 0;
    }

    body.data = NULL;
    body.len = 0;

    if (a->held.buf != NULL) {
        body.data = (char *) a->held.buf->pos;
        body.len = a->held.buf->last - a->held.buf->pos;
    }

    coding.data = NULL;
    coding.len = 0;

    if (r->headers_out.content_encoding != NULL) {
        coding = jr_header_trim(
              ngx_http_jobruns_str(r->headers_out.content_encoding->value));
    }

    if (coding.len == 0
        || ngx_http_jobruns_framing_coding_is(coding, "identity"))
    {
        return !ngx_http_jobruns_framing_text_ends(r, body);
    }

    return !ngx_http_jobruns_framing_coding_ends(coding, body);
}


/* JSON, whatever its type says; of other text nothing tells the end */

static ngx_uint_t
ngx_http_jobruns_framing_text_ends(ngx_http_request_t *r, jr_str_t body)
{
    size_t      i;
    ngx_str_t  *type;

    static u_char  json[] = "application/json";

    type = &r->headers_out.content_type;

    if (type->len >= sizeof(json) - 1
        && ngx_strncasecmp(type->data, json, sizeof(json) - 1) == 0)
    {
        /* "205 Reset Content" has none (RFC 9110, section 15.3.6) */

        return jr_json_skim_ends(body)
               || (body.len == 0 && r->headers_out.status == 205);
    }

    for (i = 0; i < body.len; i++) {

        switch (body.data[i]) {

        case ' ':
        case '\t':
        case '\r':
        case '\n':
            continue;

        case '{':
        case '[':
            return jr_json_skim_ends(body);

        default:
            return 1;
        }
    }

    return 1;
}


#if (nginx_version < 1023000)

/* what later versions refuse by themselves
   (ngx_http_upstream_process_content_length() and its like for
   Transfer-Encoding): here the last header wins, or an invalid one is none */

ngx_uint_t
ngx_http_jobruns_framing_invalid(ngx_http_request_t *r)
{
    ngx_str_t        *value;
    ngx_uint_t        i, lengths, codings;
    ngx_list_part_t  *part;
    ngx_table_elt_t  *h;

    lengths = 0;
    codings = 0;

    for (part = &r->upstream->headers_in.headers.part;
         part;
         part = part->next)
    {
        h = part->elts;

        for (i = 0; i < part->nelts; i++) {
            value = &h[i].value;

            if (h[i].key.len == sizeof("content-length") - 1
                && ngx_strncasecmp(h[i].key.data, (u_char *) "content-length",
                                   h[i].key.len) == 0)
            {
                lengths++;

                if (ngx_atoof(value->data, value->len) == NGX_ERROR) {
                    return 1;
                }

            } else if (h[i].key.len == sizeof("transfer-encoding") - 1
                       && ngx_strncasecmp(h[i].key.data,
                                          (u_char *) "transfer-encoding",
                                          h[i].key.len) == 0)
            {
                codings++;

                if (value->len != sizeof("chunked") - 1
                    || ngx_strncasecmp(value->data, (u_char *) "chunked",
                                       value->len) != 0)
                {
                    return 1;
                }
            }
        }
    }

    return lengths + codings > 1;
}

#endif


/* is the body a whole one of that Content-Encoding?  0 also where that cannot
   be said: another coding than gzip and deflate, or more than 4m of text */

static ngx_uint_t
ngx_http_jobruns_framing_coding_ends(jr_str_t coding, jr_str_t body)
{
    z_stream    stream;
    ngx_uint_t  ends;

    if (!ngx_http_jobruns_framing_coding_is(coding, "gzip")
        && !ngx_http_jobruns_framing_coding_is(coding, "x-gzip")
        && !ngx_http_jobruns_framing_coding_is(coding, "deflate"))
    {
        return 0;
    }

    ngx_memzero(&stream, sizeof(z_stream));

    /* zlib allocates some 40k by malloc(), which inflateEnd() frees */

    if (inflateInit2(&stream, NGX_HTTP_JOBRUNS_FRAMING_WINDOW) != Z_OK) {
        return 0;
    }

    stream.next_in = (u_char *) body.data;
    stream.avail_in = (uInt) body.len;

    ends = ngx_http_jobruns_framing_inflate(&stream);

    (void) inflateEnd(&stream);

    return ends;
}


static ngx_uint_t
ngx_http_jobruns_framing_inflate(z_stream *stream)
{
    int     rc;
    size_t  size;

    static u_char  buffer[NGX_HTTP_JOBRUNS_FRAMING_BUFFER];

    for (size = 0; size < NGX_HTTP_JOBRUNS_FRAMING_TEXT; /* void */) {

        stream->next_out = buffer;
        stream->avail_out = sizeof(buffer);

        rc = inflate(stream, Z_NO_FLUSH);

        size += sizeof(buffer) - stream->avail_out;

        if (rc == Z_STREAM_END) {

            if (stream->avail_in == 0) {
                return 1;
            }

            /* gzip may have several members (RFC 1952, section 2.2) */

            rc = inflateReset(stream);
        }

        if (rc != Z_OK) {
            return 0;
        }
    }

    return 0;
}


static ngx_uint_t
ngx_http_jobruns_framing_coding_is(jr_str_t coding, const char *name)
{
    return coding.len == ngx_strlen(name)
           && ngx_strncasecmp((u_char *) coding.data, (u_char *) name,
                              coding.len)
              == 0;
}


void
ngx_http_jobruns_framing_init(ngx_conf_t *cf)
{
    ngx_str_t                   name;
    ngx_uint_t                  i;
    ngx_hash_key_t             *key;
    ngx_http_variable_t        *v;
    ngx_http_core_main_conf_t  *cmcf;

    ngx_str_set(&name, "proxy_internal_body_length");

    cmcf = ngx_http_conf_get_module_main_conf(cf, ngx_http_core_module);
    key = cmcf->variables_keys->keys.elts;

    for (i = 0; i < cmcf->variables_keys->keys.nelts; i++) {

        if (key[i].key.len == name.len
            && ngx_memcmp(key[i].key.data, name.data, name.len) == 0)
        {
            v = key[i].value;
            ngx_http_jobruns_proxy_content_length = v->get_handler;
            v->get_handler = ngx_http_jobruns_framing_length;
            return;
        }
    }
}


static ngx_int_t
ngx_http_jobruns_framing_length(ngx_http_request_t *r,
    ngx_http_variable_value_t *v, uintptr_t data)
{
    static u_char  digits[NGX_OFF_T_LEN];

    if (ngx_http_jobruns_proxy_content_length(r, v, data) == NGX_OK) {
        return NGX_OK;
    }

    if (r->headers_in.content_length_n < 0) {
        return NGX_ERROR;
    }

    /* they are copied into the head of the request before another needs them;
       of a body of proxy_set_body's nobody but the proxy knows the length */

    v->data = digits;
    v->len = (unsigned) (ngx_sprintf(digits, "%O",
                                     r->headers_in.content_length_n)
                         - digits);
    v->valid = 1;
    v->no_cacheable = 1;
    v->not_found = 0;

    return NGX_OK;
}
