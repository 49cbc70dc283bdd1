/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The guard of the exit where proxy_pass, or another *_pass, has variables.
 *
 * A value that names an upstream block leads to its peer.init, which is
 * guarded; for an address NGINX chooses a peer without one
 * (ngx_http_upstream_init_request()).  Between the request's being built
 * (u->create_request()) and that choice NGINX works out which address to bind
 * to, and evaluates it if it has variables (ngx_http_upstream_set_local()).  So
 * every location that may pass to an address binds by a value of ours: it asks
 * the guard first, and then is what proxy_bind says.
 *
 * Such a value cannot fail in all versions of NGINX, so what is stopped is led
 * to an upstream of ours that has no peer to give.
 */

#include "ngx_http_jobruns_guard.h"
#include "ngx_http_jobruns_guard_address.h"


/* the code of a script, as ngx_http_complex_value() runs it */
typedef struct {
    ngx_http_script_code_pt        code;
    ngx_http_upstream_local_t     *local;     /* of proxy_bind; NULL: none */
    uintptr_t                      end;       /* 0: no code follows */
} ngx_http_jobruns_bind_t;


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


ngx_int_t
ngx_http_jobruns_guard_address_names(ngx_conf_t *cf)
{
    ngx_http_jobruns_main_conf_t    *jmcf;
    ngx_http_upstream_srv_conf_t   **names;
    ngx_http_upstream_main_conf_t   *umcf;

    jmcf = ngx_http_conf_get_module_main_conf(cf, ngx_http_jobruns_module);
    umcf = ngx_http_conf_get_module_main_conf(cf, ngx_http_upstream_module);

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
        || (ngx_http_jobruns_guard_reads(r)
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
