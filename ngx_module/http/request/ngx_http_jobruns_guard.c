/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The guard of the exit: it stands before peer.init of every upstream, and
 * before the choice of an address (ngx_http_jobruns_guard_address.c).
 *
 * NGINX has built the request by then (u->create_request()) and no peer is
 * chosen, so nothing has been sent (ngx_http_upstream_init_request()).
 * peer.init can only fail, which is a 500 to NGINX; a mark in the attempt
 * makes it the answer that it is to be, and keeps error_page from sending the
 * request on.  A request that is stopped without an attempt is given one, for
 * its record.
 */

#include "ngx_http_jobruns_attempt.h"
#include "ngx_http_jobruns_fresh.h"
#include "ngx_http_jobruns_guard.h"
#include "ngx_http_jobruns_guard_address.h"
#include "ngx_http_jobruns_guard_check.h"
#include "ngx_http_jobruns_identity.h"
#include "ngx_http_jobruns_log.h"
#include "ngx_http_jobruns_request_headers.h"


static int ngx_libc_cdecl ngx_http_jobruns_guard_order(const void *one,
    const void *two);
static ngx_int_t ngx_http_jobruns_guard_peer(ngx_http_request_t *r,
    ngx_http_upstream_srv_conf_t *us);
static ngx_uint_t ngx_http_jobruns_guard_is_off(ngx_http_request_t *r);
static void ngx_http_jobruns_guard_stop(ngx_http_request_t *r,
    ngx_http_jobruns_ctx_t *ctx, const char *why);
static ngx_int_t ngx_http_jobruns_guard_attempt_of(ngx_http_request_t *r,
    ngx_http_jobruns_ctx_t *ctx);


ngx_int_t
ngx_http_jobruns_guard_init(ngx_conf_t *cf)
{
    ngx_uint_t                       i;
    ngx_http_jobruns_peer_t         *peer;
    ngx_http_jobruns_main_conf_t    *jmcf;
    ngx_http_upstream_srv_conf_t   **uscfp;
    ngx_http_upstream_main_conf_t   *umcf;

    jmcf = ngx_http_conf_get_module_main_conf(cf, ngx_http_jobruns_module);

    if (!jmcf->enabled) {
        return NGX_OK;
    }

    umcf = ngx_http_conf_get_module_main_conf(cf, ngx_http_upstream_module);
    uscfp = umcf->upstreams.elts;

    if (ngx_array_init(&jmcf->peers, cf->pool, umcf->upstreams.nelts + 1,
                       sizeof(ngx_http_jobruns_peer_t))
        != NGX_OK)
    {
        return NGX_ERROR;
    }

    for (i = 0; i < umcf->upstreams.nelts; i++) {

        peer = ngx_array_push(&jmcf->peers);
        if (peer == NULL) {
            return NGX_ERROR;
        }

        /* those of proxy_pass have no srv_conf that could hold it */

        peer->upstream = uscfp[i];
        peer->init = uscfp[i]->peer.init;

        uscfp[i]->peer.init = ngx_http_jobruns_guard_peer;
    }

    ngx_qsort(jmcf->peers.elts, jmcf->peers.nelts,
              sizeof(ngx_http_jobruns_peer_t), ngx_http_jobruns_guard_order);

    return ngx_http_jobruns_guard_address_names(cf);
}


static int ngx_libc_cdecl
ngx_http_jobruns_guard_order(const void *one, const void *two)
{
    const ngx_http_jobruns_peer_t  *a = one;
    const ngx_http_jobruns_peer_t  *b = two;

    return (a->upstream > b->upstream) - (a->upstream < b->upstream);
}


static ngx_int_t
ngx_http_jobruns_guard_peer(ngx_http_request_t *r,
    ngx_http_upstream_srv_conf_t *us)
{
    size_t                         low, high, middle;
    ngx_http_jobruns_ctx_t        *ctx;
    ngx_http_jobruns_peer_t       *peers;
    ngx_http_jobruns_main_conf_t  *jmcf;

    if (ngx_http_jobruns_guard(r) != NGX_OK) {
        return NGX_ERROR;
    }

    jmcf = ngx_http_get_module_main_conf(r, ngx_http_jobruns_module);

    peers = jmcf->peers.elts;
    low = 0;
    high = jmcf->peers.nelts;

    while (low + 1 < high) {
        middle = (low + high) / 2;

        if (peers[middle].upstream > us) {
            high = middle;

        } else {
            low = middle;
        }
    }

    if (peers[low].init(r, us) != NGX_OK) {
        return NGX_ERROR;
    }

    ctx = ngx_http_jobruns_attempt_get_ctx(r);

    if (ctx == NULL || ctx->attempt == NULL || r != r->main
        || r->upstream == NULL || r->method != NGX_HTTP_POST
        || ctx->attempt->state != jobruns_st_forwarding)
    {
        return NGX_OK;
    }

    return ngx_http_jobruns_fresh_peer(r);
}


ngx_int_t
ngx_http_jobruns_guard(ngx_http_request_t *r)
{
    const char                  *why;
    ngx_http_jobruns_ctx_t      *ctx;
    ngx_http_jobruns_attempt_t  *a;

    if (!ngx_http_jobruns_guard_reads(r)) {
        return NGX_OK;
    }

    ctx = ngx_http_jobruns_attempt_get_ctx(r->main);
    a = ctx ? ctx->attempt : NULL;

    /* not for a subrequest whose main request has no such location: it may
       come before that is admitted (ngx_http_auth_request_handler()) */

    if (a == NULL && ngx_http_jobruns_guard_is_off(r)
        && (r == r->main || ngx_http_jobruns_guard_is_off(r->main)))
    {
        return NGX_OK;
    }

    why = ngx_http_jobruns_guard_check(r, a);

    if (why == NULL) {
        return NGX_OK;
    }

    ngx_http_jobruns_guard_stop(r, ctx, why);

    return NGX_ERROR;
}


static ngx_uint_t
ngx_http_jobruns_guard_is_off(ngx_http_request_t *r)
{
    ngx_http_jobruns_loc_conf_t  *jlcf;

    jlcf = ngx_http_get_module_loc_conf(r, ngx_http_jobruns_module);

    return jlcf->enable == jobruns_off;
}


/*
 * Is what r sends to be read?  Not that of a GET that is sent as one: only
 * an override of its method, or a line end that NGINX has decoded out of its
 * target, could make more of it.  A location with `jobruns off` may set an
 * override, which counts for a subrequest of what is not a GET.
 */

ngx_uint_t
ngx_http_jobruns_guard_reads(ngx_http_request_t *r)
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

    return r->main->quoted_uri
           && ngx_strnstr(r->main->unparsed_uri.data, (char *) "%0",
                          r->main->unparsed_uri.len)
              != NULL;
}


static void
ngx_http_jobruns_guard_stop(ngx_http_request_t *r,
    ngx_http_jobruns_ctx_t *ctx, const char *why)
{
    ngx_http_core_loc_conf_t    *clcf;
    ngx_http_jobruns_attempt_t  *a;

    clcf = ngx_http_get_module_loc_conf(r, ngx_http_core_module);

    if (r != r->main) {

        /* the main request goes its own way */

        ngx_http_jobruns_log_fault(r->connection->log, jobruns_log_guard,
                                   NGX_LOG_ERR, 0,
                                   "a request that may be createJobRun was "
                                   "stopped on its way out of location "
                                   "\"%V\": %s; or say \"jobruns off;\" "
                                   "there and where its main request came "
                                   "in, if creations need no protection",
                                   &clcf->name, why);
        return;
    }

    if (ctx == NULL || ctx->attempt == NULL) {

        if (ngx_http_jobruns_guard_attempt_of(r, ctx) != NGX_OK) {
            /* stopped all the same, as a 500 */
            return;
        }

        ctx = ngx_http_jobruns_attempt_get_ctx(r);
        ctx->attempt->stopped = NGX_HTTP_NOT_FOUND;
        ctx->attempt->outcome = JR_OUTCOME_INVALID;

    } else {
        ctx->attempt->stopped = NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    a = ctx->attempt;

    ngx_http_jobruns_log(a, jobruns_log_guard, NGX_LOG_ERR,
                         "%s was stopped on its way out of location \"%V\": "
                         "%s", ngx_http_jobruns_forwarded(a)
                         ? "a creation" : "a request that "
                         "may be createJobRun, and that nobody admitted,",
                         &clcf->name, why);
}


/* an attempt for the record of what was stopped */

static ngx_int_t
ngx_http_jobruns_guard_attempt_of(ngx_http_request_t *r,
    ngx_http_jobruns_ctx_t *ctx)
{
    jr_path_t  path;

    if (ctx == NULL) {
        ctx = ngx_http_jobruns_attempt_create_ctx(r);

        if (ctx == NULL
            || ngx_http_jobruns_request_headers_ensure_id(r, ctx) != NGX_OK)
        {
            return NGX_ERROR;
        }
    }

    ngx_memzero(&path, sizeof(jr_path_t));

    if (ngx_http_jobruns_attempt_create(r, ctx, &path) != NGX_OK
        || ngx_http_jobruns_identity_read(r, ctx->attempt) == NGX_ERROR)
    {
        ctx->attempt = NULL;
        return NGX_ERROR;
    }

    return NGX_OK;
}


void
ngx_http_jobruns_guard_status(ngx_http_request_t *r,
    ngx_http_jobruns_attempt_t *a)
{
    if (a->stopped && a->state != jobruns_st_answered) {
        r->err_status = a->stopped;
    }
}
