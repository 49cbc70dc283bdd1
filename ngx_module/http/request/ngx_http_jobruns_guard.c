/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The guard of the exit: it stands before peer.init of every upstream, and
 * where a *_pass has variables before the choice of an address.
 *
 * NGINX has built the request by then (u->create_request()) and no peer is
 * chosen, so nothing has been sent (ngx_http_upstream_init_request()).
 * peer.init can only fail, which is a 500 to NGINX; a mark in the attempt
 * makes it the answer that it is to be, and keeps error_page from sending the
 * request on.  A request that is stopped without an attempt is given one, for
 * its record.
 *
 * A value that names an upstream block leads to its peer.init; for an address
 * NGINX chooses a peer without one.  Between the request's being built and
 * that choice NGINX works out which address to bind to, and evaluates it if it
 * has variables (ngx_http_upstream_set_local()).  So every location that may
 * pass to an address binds by a value of ours: it asks the guard first, and
 * then is what proxy_bind says.  Such a value cannot fail in all versions of
 * NGINX, so what is stopped is led to an upstream of ours that has no peer to
 * give.
 */

#include "ngx_http_jobruns_attempt.h"
#include "ngx_http_jobruns_fresh.h"
#include "ngx_http_jobruns_guard.h"
#include "ngx_http_jobruns_guard_check.h"
#include "ngx_http_jobruns_identity.h"
#include "ngx_http_jobruns_log.h"
#include "ngx_http_jobruns_request_headers.h"


/* the code of a script, as ngx_http_complex_value() runs it */
typedef struct {
    ngx_http_script_code_pt        code;
    ngx_http_upstream_local_t     *local;     /* of proxy_bind; NULL: none */
    uintptr_t                      end;       /* 0: no code follows */
} ngx_http_jobruns_bind_t;


static ngx_int_t ngx_http_jobruns_guard(ngx_http_request_t *r);
static ngx_int_t ngx_http_jobruns_guard_names(ngx_conf_t *cf,
    ngx_http_jobruns_main_conf_t *jmcf, ngx_http_upstream_main_conf_t *umcf);
static int ngx_libc_cdecl ngx_http_jobruns_guard_order(const void *one,
    const void *two);
static ngx_int_t ngx_http_jobruns_guard_peer(ngx_http_request_t *r,
    ngx_http_upstream_srv_conf_t *us);
static ngx_uint_t ngx_http_jobruns_guard_is_off(ngx_http_request_t *r);
static void ngx_http_jobruns_guard_stop(ngx_http_request_t *r,
    ngx_http_jobruns_ctx_t *ctx, const char *why);
static ngx_int_t ngx_http_jobruns_guard_attempt_of(ngx_http_request_t *r,
    ngx_http_jobruns_ctx_t *ctx);
static int ngx_libc_cdecl ngx_http_jobruns_guard_names_order(const void *one,
    const void *two);
static ngx_int_t ngx_http_jobruns_guard_host_order(const ngx_str_t *one,
    const ngx_str_t *two);
static void ngx_http_jobruns_guard_bind(ngx_http_script_engine_t *e);
static ngx_int_t ngx_http_jobruns_guard_bound(ngx_http_request_t *r,
    ngx_http_upstream_local_t *local, ngx_str_t *value);
static ngx_uint_t ngx_http_jobruns_guard_named(ngx_http_request_t *r);
static void ngx_http_jobruns_guard_lead(ngx_http_request_t *r);
static ngx_int_t ngx_http_jobruns_guard_no_peer(ngx_http_request_t *r,
    ngx_http_upstream_srv_conf_t *us);


/* a script of values without lengths: the code brings memory of its own */
static uintptr_t  ngx_http_jobruns_no_lengths;

/* where all is led that is stopped */
static ngx_http_upstream_srv_conf_t  ngx_http_jobruns_no_upstream = {
    .peer = { .init = ngx_http_jobruns_guard_no_peer }
};


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

    return ngx_http_jobruns_guard_names(cf, jmcf, umcf);
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
    ngx_http_jobruns_loc_conf_t   *jlcf;
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

    if (r->upstream == NULL) {
        return NGX_OK;
    }

    ctx = ngx_http_jobruns_attempt_get_ctx(r);
    jlcf = ngx_http_get_module_loc_conf(r, ngx_http_jobruns_module);

    return ngx_http_jobruns_fresh_peer(r, jlcf->keepalive,
                                       ctx && ctx->attempt && r == r->main
                                       && r->method == NGX_HTTP_POST
                                       && ctx->attempt->state
                                          == jobruns_st_forwarding);
}


/* may what r->upstream is about to send leave?  NGX_ERROR: it may not; that is
   logged, and marked in the attempt */

static ngx_int_t
ngx_http_jobruns_guard(ngx_http_request_t *r)
{
    const char                  *why;
    ngx_http_jobruns_ctx_t      *ctx;
    ngx_http_jobruns_attempt_t  *a;

    if (!ngx_http_jobruns_guard_check_reads(r)) {
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


ngx_int_t
ngx_http_jobruns_guard_address(ngx_conf_t *cf, ngx_http_upstream_conf_t *u)
{
    ngx_http_jobruns_bind_t    *bind;
    ngx_http_complex_value_t   *value;
    ngx_http_upstream_local_t  *local;

    /* a name without variables; no directive changes it any more */

    if (u->upstream != NULL) {
        return NGX_OK;
    }

    bind = ngx_pcalloc(cf->pool, sizeof(ngx_http_jobruns_bind_t));
    value = ngx_pcalloc(cf->pool, sizeof(ngx_http_complex_value_t));
    local = ngx_pcalloc(cf->pool, sizeof(ngx_http_upstream_local_t));

    if (bind == NULL || value == NULL || local == NULL) {
        return NGX_ERROR;
    }

    bind->code = ngx_http_jobruns_guard_bind;
    bind->local = u->local;

    value->lengths = &ngx_http_jobruns_no_lengths;
    value->values = bind;

    if (u->local != NULL) {
        *local = *u->local;             /* with "transparent" */
    }

    local->value = value;
    u->local = local;

    return NGX_OK;
}


/* sorts the upstreams of the configuration by their hosts, for the look-up of
   what variables hold */

static ngx_int_t
ngx_http_jobruns_guard_names(ngx_conf_t *cf,
    ngx_http_jobruns_main_conf_t *jmcf, ngx_http_upstream_main_conf_t *umcf)
{
    ngx_http_upstream_srv_conf_t  **names;

    if (ngx_array_init(&jmcf->names, cf->pool, umcf->upstreams.nelts + 1,
                       sizeof(ngx_http_upstream_srv_conf_t *))
        != NGX_OK)
    {
        return NGX_ERROR;
    }

    names = ngx_array_push_n(&jmcf->names, umcf->upstreams.nelts);
    if (names == NULL) {
        return NGX_ERROR;
    }

    ngx_memcpy(names, umcf->upstreams.elts,
               umcf->upstreams.nelts * sizeof(ngx_http_upstream_srv_conf_t *));

    ngx_qsort(names, jmcf->names.nelts, sizeof(ngx_http_upstream_srv_conf_t *),
              ngx_http_jobruns_guard_names_order);

    return NGX_OK;
}


static int ngx_libc_cdecl
ngx_http_jobruns_guard_names_order(const void *one, const void *two)
{
    ngx_http_upstream_srv_conf_t *const  *a = one;
    ngx_http_upstream_srv_conf_t *const  *b = two;

    return (int) ngx_http_jobruns_guard_host_order(&(*a)->host, &(*b)->host);
}


/* equal where NGINX takes one for the other: whatever the case of letters */

static ngx_int_t
ngx_http_jobruns_guard_host_order(const ngx_str_t *one, const ngx_str_t *two)
{
    if (one->len != two->len) {
        return one->len < two->len ? -1 : 1;
    }

    return ngx_strncasecmp(one->data, two->data, one->len);
}


static void
ngx_http_jobruns_guard_bind(ngx_http_script_engine_t *e)
{
    ngx_str_t                 value;
    ngx_http_request_t       *r;
    ngx_http_jobruns_bind_t  *bind;

    r = e->request;

    bind = (ngx_http_jobruns_bind_t *) e->ip;
    e->ip = (u_char *) &bind->end;

    if (ngx_http_jobruns_guard_bound(r, bind->local, &value) != NGX_OK
        || (ngx_http_jobruns_guard_check_reads(r)
            && !ngx_http_jobruns_guard_named(r)
            && ngx_http_jobruns_guard(r) != NGX_OK))
    {
        ngx_http_jobruns_guard_lead(r);
    }

    /* the length is taken from either (ngx_http_complex_value()) */

    e->buf = value;
    e->pos = value.data + value.len;
}


/* what proxy_bind says */

static ngx_int_t
ngx_http_jobruns_guard_bound(ngx_http_request_t *r,
    ngx_http_upstream_local_t *local, ngx_str_t *value)
{
    ngx_str_set(value, "");

    if (local == NULL) {
        return NGX_OK;
    }

    if (local->value == NULL) {
        *value = local->addr->name;
        return NGX_OK;
    }

    return ngx_http_complex_value(r, local->value, value);
}


/* will NGINX find an upstream, whose peer.init is guarded?  Several may have
   one host, with different ports */

static ngx_uint_t
ngx_http_jobruns_guard_named(ngx_http_request_t *r)
{
    ngx_str_t                       *host;
    ngx_uint_t                       low, high, middle;
    ngx_http_upstream_resolved_t    *resolved;
    ngx_http_jobruns_main_conf_t    *jmcf;
    ngx_http_upstream_srv_conf_t   **names;

    resolved = r->upstream->resolved;

    if (resolved == NULL) {
        return 1;
    }

    jmcf = ngx_http_get_module_main_conf(r, ngx_http_jobruns_module);

    host = &resolved->host;
    names = jmcf->names.elts;

    low = 0;
    high = jmcf->names.nelts;

    while (low < high) {
        middle = (low + high) / 2;

        if (ngx_http_jobruns_guard_host_order(&names[middle]->host, host) < 0)
        {
            low = middle + 1;

        } else {
            high = middle;
        }
    }

    for ( /* void */ ; low < jmcf->names.nelts; low++) {

        if (ngx_http_jobruns_guard_host_order(&names[low]->host, host) != 0) {
            return 0;
        }

        /* NGINX compares so (ngx_http_upstream_init_request()) */

        if ((names[low]->port == 0 && resolved->no_port)
            || names[low]->port == resolved->port)
        {
            return 1;
        }
    }

    return 0;
}


static void
ngx_http_jobruns_guard_lead(ngx_http_request_t *r)
{
    ngx_http_upstream_t       *u;
    ngx_http_upstream_conf_t  *conf;

    u = r->upstream;

    conf = ngx_palloc(r->pool, sizeof(ngx_http_upstream_conf_t));

    if (conf == NULL) {

        /* NGINX ends a request to no port */

        if (u->resolved != NULL) {
            ngx_str_set(&u->resolved->host, "");
            u->resolved->sockaddr = NULL;
            u->resolved->port = 0;
            u->resolved->no_port = 0;
        }

        return;
    }

    /* the location's is not to be changed */

    *conf = *u->conf;
    conf->upstream = &ngx_http_jobruns_no_upstream;

    u->conf = conf;
    u->resolved = NULL;
}


static ngx_int_t
ngx_http_jobruns_guard_no_peer(ngx_http_request_t *r,
    ngx_http_upstream_srv_conf_t *us)
{
    (void) r;
    (void) us;

    return NGX_ERROR;
}
