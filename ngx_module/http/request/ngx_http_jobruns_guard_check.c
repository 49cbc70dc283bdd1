/* SPDX-License-Identifier: BSD-2-Clause
 *
 * May this request leave?  A request line that is, or that somebody may read
 * as, createJobRun leaves only as the admitted attempt it belongs to, as its
 * client sent it.  Whatever made it otherwise is named in error.log.
 */

#include "ngx_http_jobruns_attempt.h"
#include "ngx_http_jobruns_conflicts.h"
#include "ngx_http_jobruns_guard.h"
#include "ngx_http_jobruns_guard_check.h"

#include "jr_head.h"


static ngx_uint_t ngx_http_jobruns_guard_has_lines(ngx_http_request_t *r);
static ngx_uint_t ngx_http_jobruns_guard_odd_name(ngx_connection_t *c);
static const char *ngx_http_jobruns_guard_attempt(ngx_http_request_t *r,
    ngx_http_jobruns_attempt_t *a, jr_head_t *head);
static const char *ngx_http_jobruns_guard_fields(ngx_http_request_t *r,
    ngx_http_jobruns_attempt_t *a, jr_head_t *head);
static const char *ngx_http_jobruns_guard_body(ngx_http_request_t *r,
    jr_head_t *head);
static const char *ngx_http_jobruns_guard_conf(ngx_http_request_t *r);
static const char *ngx_http_jobruns_guard_upstream(ngx_http_request_t *r);
static const char *ngx_http_jobruns_guard_other(ngx_http_request_t *r,
    jr_head_t *head);
static ngx_uint_t ngx_http_jobruns_guard_same(jr_head_field_t *field,
    ngx_str_t *value);
static ngx_uint_t ngx_http_jobruns_guard_count(ngx_http_request_t *r,
    jr_str_t name);
static ngx_uint_t ngx_http_jobruns_guard_is_post(jr_str_t method);


static const char  ngx_http_jobruns_guard_target[] =
    "its target is not the one that the client sent; write proxy_pass without "
    "a URI or variables behind the name (\"proxy_pass http://name;\"), and "
    "remove the rewrite, try_files or error_page that leads here";

static const char  ngx_http_jobruns_guard_method[] =
    "its method is not the one that the client sent; remove \"proxy_method\"";


/*
 * Is what r sends to be read?  Not that of a GET that is sent as one: only
 * an override of its method, or a line end in a variable, could make more of
 * it.  A location with `jobruns off` may set an override, which counts for a
 * subrequest of what is not a GET.
 */

ngx_uint_t
ngx_http_jobruns_guard_check_reads(ngx_http_request_t *r)
{
    ngx_buf_t                    *b;
    ngx_chain_t                  *bufs;
    ngx_http_jobruns_ctx_t       *ctx;
    ngx_http_jobruns_srv_conf_t  *jscf;

    jscf = ngx_http_get_module_srv_conf(r, ngx_http_jobruns_module);

    /* other modules may have a peer chosen for connections of their own */

    if (!jscf->enabled || r->upstream == NULL) {
        return 0;
    }

    bufs = r->upstream->request_bufs;

    if (!(r->method & (NGX_HTTP_GET|NGX_HTTP_HEAD)) || bufs == NULL) {
        return 1;
    }

    b = bufs->buf;

    if (b->last - b->pos < 5
        || (ngx_memcmp(b->pos, "GET ", 4) != 0
            && ngx_memcmp(b->pos, "HEAD ", 5) != 0))
    {
        return 1;
    }

    ctx = ngx_http_jobruns_attempt_get_ctx(r->main);

    if (ctx != NULL && (ctx->override || ctx->attempt != NULL)) {
        return 1;
    }

    if (r != r->main && !(r->main->method & (NGX_HTTP_GET|NGX_HTTP_HEAD))) {
        return 1;
    }

    return ngx_http_jobruns_guard_has_lines(r);
}


/*
 * May a variable of NGINX have a line end that came from the client?  No header
 * has one, but what NGINX decodes has: the target ($uri), Basic credentials
 * ($remote_user); and what it takes over as it is: a body ($request_body), the
 * name in a TLS handshake, what a proxy in front says of the connection
 * ($proxy_protocol_tlv_...).
 */

static ngx_uint_t
ngx_http_jobruns_guard_has_lines(ngx_http_request_t *r)
{
    ngx_table_elt_t  *authorization;

    if (r->main->quoted_uri
        && ngx_strnstr(r->main->unparsed_uri.data, (char *) "%0",
                       r->main->unparsed_uri.len)
           != NULL)
    {
        return 1;
    }

    authorization = r->headers_in.authorization;

    if (authorization != NULL
        && ngx_strncasecmp(authorization->value.data, (u_char *) "Basic ", 6)
           == 0)
    {
        return 1;
    }

    if (r->request_body != NULL && r->request_body->bufs != NULL) {
        return 1;
    }

#if (nginx_version >= 1023002)

    if (r->connection->proxy_protocol != NULL
        && r->connection->proxy_protocol->tlvs.len)
    {
        return 1;
    }

#endif

    return ngx_http_jobruns_guard_odd_name(r->connection);
}


/* $ssl_server_name is what the client sent, also where
   ngx_http_ssl_servername() has not taken it for a host */

static ngx_uint_t
ngx_http_jobruns_guard_odd_name(ngx_connection_t *c)
{
#if (NGX_HTTP_SSL && defined SSL_CTRL_SET_TLSEXT_HOSTNAME)

    const char  *name;

    if (c->ssl == NULL) {
        return 0;
    }

    name = SSL_get_servername(c->ssl->connection, TLSEXT_NAMETYPE_host_name);

    for ( /* void */ ; name != NULL && *name != '\0'; name++) {
        if ((u_char) *name < ' ') {
            return 1;
        }
    }

#else

    (void) c;

#endif

    return 0;
}


const char *
ngx_http_jobruns_guard_check(ngx_http_request_t *r,
    ngx_http_jobruns_attempt_t *a)
{
    jr_str_t                       text;
    jr_head_t                      head;
    ngx_buf_t                     *b;
    ngx_http_upstream_t           *u;
    ngx_http_jobruns_main_conf_t  *jmcf;

    u = r->upstream;
    jmcf = ngx_http_get_module_main_conf(r, ngx_http_jobruns_module);

    /* the tag tells that ngx_http_proxy_module built it, as HTTP/1 */

    if (u->request_bufs == NULL
        || u->output.tag != (ngx_buf_tag_t) jmcf->proxy)
    {
        if ((r->method & (NGX_HTTP_GET|NGX_HTTP_HEAD))
            && (a == NULL || r != r->main))
        {
            return NULL;
        }

        return "it is not sent as HTTP/1, which is all that can be looked at; "
               "use proxy_pass with \"proxy_http_version 1.1\" in place of "
               "fastcgi_pass, grpc_pass, scgi_pass, uwsgi_pass, memcached_pass "
               "or \"proxy_http_version 2\"";
    }

    b = u->request_bufs->buf;

    text.data = (char *) b->pos;
    text.len = b->last - b->pos;

    if (jr_head_read(text, &head) != JR_OK) {
        return "what is sent is more than the head of one request; use "
               "$request_uri in place of $uri and captures in proxy_pass and "
               "proxy_set_header, and remove \"proxy_set_body\"";
    }

    if (a != NULL && r == r->main) {
        return ngx_http_jobruns_guard_attempt(r, a, &head);
    }

    return ngx_http_jobruns_guard_other(r, &head);
}


/* the request of an attempt: only as it was admitted, and only when it was */

static const char *
ngx_http_jobruns_guard_attempt(ngx_http_request_t *r,
    ngx_http_jobruns_attempt_t *a, jr_head_t *head)
{
    jr_str_t  target;

    if ((r->method & (NGX_HTTP_GET|NGX_HTTP_HEAD))
        && !ngx_http_jobruns_guard_is_post(head->method) && !head->override)
    {
        /* error_page made it the GET of a page */
        return NULL;
    }

    if (a->state != jobruns_st_forwarding) {
        return "it was answered already, or never admitted; error_page of "
               "this server must not lead it to proxy_pass";
    }

    if (r->method != NGX_HTTP_POST
        || !jr_str_eq(head->method, "POST", sizeof("POST") - 1))
    {
        return ngx_http_jobruns_guard_method;
    }

    target = ngx_http_jobruns_str(r->unparsed_uri);

    if (!jr_str_eq(head->target, target.data, target.len)) {
        return ngx_http_jobruns_guard_target;
    }

    return ngx_http_jobruns_guard_fields(r, a, head);
}


static const char *
ngx_http_jobruns_guard_fields(ngx_http_request_t *r,
    ngx_http_jobruns_attempt_t *a, jr_head_t *head)
{
    ngx_str_t         token;
    jr_head_field_t  *field;
    ngx_table_elt_t  *h;

    /* a client of HTTP/1.0 may have none, and NGINX may add one of its own
       for HTTP/1.1 (ngx_http_proxy_create_request()) */

    field = &head->fields[JR_HEAD_HOST];
    h = r->headers_in.host;

    if (field->count > 1
        || (h != NULL && !ngx_http_jobruns_guard_same(field, &h->value)))
    {
        return "its Host is not the client's, which is signed; set "
               "\"proxy_set_header Host $http_host;\"";
    }

    field = &head->fields[JR_HEAD_AUTHORIZATION];
    h = r->headers_in.authorization;

    if (!ngx_http_jobruns_guard_same(field, h ? &h->value : NULL)
        || (field->count > 1
            && field->count
               != ngx_http_jobruns_guard_count(r,
                                  (jr_str_t) jr_str("authorization"))))
    {
        return "its Authorization is not the client's; remove "
               "\"proxy_set_header Authorization\"";
    }

    field = &head->fields[JR_HEAD_RETRY_TOKEN];
    token.data = (u_char *) a->call.token.data;
    token.len = a->call.token.len;

    if (field->count > 1
        || !ngx_http_jobruns_guard_same(field, token.data ? &token : NULL))
    {
        /* a dry run forwards one that is invalid, or two */

        if (a->check.dry_run.len == 0
            || field->count
               != ngx_http_jobruns_guard_count(r,
                                  (jr_str_t) jr_str("opc-retry-token")))
        {
            return "its opc-retry-token is not the client's; remove "
                   "\"proxy_set_header opc-retry-token\"";
        }
    }

    return ngx_http_jobruns_guard_body(r, head);
}


static const char *
ngx_http_jobruns_guard_body(ngx_http_request_t *r, jr_head_t *head)
{
    off_t             size, length;
    ngx_chain_t      *cl;
    jr_head_field_t  *field;

    size = 0;

    for (cl = r->upstream->request_bufs->next; cl; cl = cl->next) {
        size += ngx_buf_size(cl->buf);
    }

    if (r->request_body_no_buffering && r->request_body != NULL) {

        /* "proxy_request_buffering off": sent from here, behind the head
           (ngx_http_upstream_send_request_body()) */

        for (cl = r->request_body->bufs; cl; cl = cl->next) {
            size += ngx_buf_size(cl->buf);
        }
    }

    length = r->headers_in.content_length_n;
    length = ngx_max(length, 0);

    field = &head->fields[JR_HEAD_CONTENT_LENGTH];

    if (field->count == 1) {
        if (ngx_atoof((u_char *) field->value.data, field->value.len)
            != length)
        {
            size = -1;
        }

    } else if (field->count || length) {
        size = -1;
    }

    if (size != length || head->chunked) {
        return "its body or Content-Length is not the client's; remove "
               "\"proxy_set_body\", \"proxy_pass_request_body off\" and "
               "\"proxy_set_header\" of Content-Length and Transfer-Encoding";
    }

    return ngx_http_jobruns_guard_conf(r);
}


/* error_page may have led the attempt to a location that `nginx -t` does not
   ask for what a creation needs, since no creation comes in there */

static const char *
ngx_http_jobruns_guard_conf(ngx_http_request_t *r)
{
    ngx_http_jobruns_loc_conf_t        *jlcf;
    const ngx_http_jobruns_conflict_t  *conflict;

    jlcf = ngx_http_get_module_loc_conf(r, ngx_http_jobruns_module);

    if (jlcf->enable == jobruns_on || jlcf->enable == jobruns_dry_run) {
        return ngx_http_jobruns_guard_upstream(r);
    }

    conflict = ngx_http_jobruns_conflicts_find(r->upstream->conf);

    return conflict ? conflict->exit : ngx_http_jobruns_guard_upstream(r);
}


/* a creation goes to the servers of an upstream block, on a connection of its
   own: NGINX has set u->upstream when it calls peer.init, and calls none for
   an address that a variable held */

static const char *
ngx_http_jobruns_guard_upstream(ngx_http_request_t *r)
{
    if (r->upstream->upstream != NULL) {
        return NULL;
    }

    return "its proxy_pass has a variable that holds an address, or a name "
           "that is resolved at run time; have it hold the name of an "
           "upstream block";
}


/* a request that nobody admitted, or a subrequest */

static const char *
ngx_http_jobruns_guard_other(ngx_http_request_t *r, jr_head_t *head)
{
    jr_str_t     raw, first;
    jr_path_t    path;
    const char  *space;

    if (!ngx_http_jobruns_guard_is_post(head->method) && !head->override) {
        return NULL;
    }

    raw = ngx_http_jobruns_str(r->unparsed_uri);

    if (r == r->main && r->method == NGX_HTTP_POST
        && jr_str_eq(head->target, raw.data, raw.len))
    {
        /* looked at where it came in (ngx_http_jobruns_handler()) */
        return NULL;
    }

    /* what follows a space may be part of the target, or not */

    first = head->target;
    space = memchr(first.data, ' ', first.len);

    if (space != NULL) {
        first.len = space - first.data;
    }

    if (jr_path_classify_target(head->target, &path) == JR_PATH_OTHER
        && (space == NULL
            || jr_path_classify_target(first, &path) == JR_PATH_OTHER))
    {
        return NULL;
    }

    if (r != r->main) {
        return "it is a subrequest, which nobody admits; remove \"mirror\", or "
               "whatever else sends a copy of requests";
    }

    return r->method == NGX_HTTP_POST || head->override
           ? ngx_http_jobruns_guard_target : ngx_http_jobruns_guard_method;
}


/* value NULL: there is to be none */

static ngx_uint_t
ngx_http_jobruns_guard_same(jr_head_field_t *field, ngx_str_t *value)
{
    jr_str_t  want;

    if (value == NULL) {
        return field->count == 0;
    }

    want = jr_header_trim(ngx_http_jobruns_str(*value));

    return field->count
           && jr_str_eq(field->value, want.data, want.len);
}


/* how many headers of that name the client sent */

static ngx_uint_t
ngx_http_jobruns_guard_count(ngx_http_request_t *r, jr_str_t name)
{
    ngx_uint_t        i, n;
    ngx_list_part_t  *part;
    ngx_table_elt_t  *h;

    n = 0;

    for (part = &r->headers_in.headers.part; part; part = part->next) {
        h = part->elts;

        for (i = 0; i < part->nelts; i++) {
            if (h[i].key.len == name.len
                && ngx_memcmp(h[i].lowcase_key, name.data, name.len) == 0)
            {
                n++;
            }
        }
    }

    return n;
}


/* whatever its case: some servers do not tell "post" from "POST" */

static ngx_uint_t
ngx_http_jobruns_guard_is_post(jr_str_t method)
{
    return method.len == sizeof("POST") - 1
           && ngx_strncasecmp((u_char *) method.data, (u_char *) "POST",
                              sizeof("POST") - 1)
              == 0;
}
