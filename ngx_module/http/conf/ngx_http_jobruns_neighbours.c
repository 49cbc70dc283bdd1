/*
 * Directives of other modules that would break a promise beside
 * `jobruns on`: forwarding twice, hiding the service's answer, changing what
 * the client signed.  They are refused by `nginx -t`, each with the line that
 * fixes it; what is not the proxy module's stands in
 * ngx_http_jobruns_foreign.c.
 *
 * The proxy module's location configuration begins with an
 * ngx_http_upstream_conf_t (src/http/modules/ngx_http_proxy_module.c); the
 * module itself is found by its name, as NGINX may be built without it.
 */

#include "ngx_http_jobruns.h"
#include "ngx_http_jobruns_audit_directives.h"
#include "ngx_http_jobruns_foreign.h"
#include "ngx_http_jobruns_neighbours.h"


static ngx_int_t ngx_http_jobruns_neighbour_check(ngx_conf_t *cf,
    ngx_http_jobruns_foreign_t *foreign, ngx_http_jobruns_neighbour_t *n);
static ngx_int_t ngx_http_jobruns_neighbour_check_unset(ngx_conf_t *cf,
    ngx_http_jobruns_foreign_t *foreign, ngx_http_jobruns_neighbour_t *n);
static ngx_uint_t ngx_http_jobruns_neighbour_is_asked(ngx_conf_t *cf,
    ngx_http_jobruns_foreign_t *foreign, ngx_http_jobruns_neighbour_t *n);
static ngx_int_t ngx_http_jobruns_neighbour_audit(ngx_conf_t *cf,
    ngx_http_jobruns_neighbour_t *n);


static const ngx_http_jobruns_conflict_t  ngx_http_jobruns_twice = {
    "proxy_next_upstream ... non_idempotent",
    "it sends a creation to a second server when the first may have made it",
    "proxy_next_upstream error timeout;",
    "the location that it leaves by has \"proxy_next_upstream ... "
    "non_idempotent\"; include jobruns_proxy.conf there"
};

static const ngx_http_jobruns_conflict_t  ngx_http_jobruns_intercepts = {
    "proxy_intercept_errors on", "it hides the service's answer",
    "proxy_intercept_errors off;",
    "the location that it leaves by has \"proxy_intercept_errors on\"; include "
    "jobruns_proxy.conf there"
};

#if (NGX_HTTP_CACHE)

static const ngx_http_jobruns_conflict_t  ngx_http_jobruns_caches_posts = {
    "proxy_cache with \"proxy_cache_methods POST\"",
    "an answer must come from the service or from the token's record",
    "proxy_cache_methods GET HEAD;", NULL
};

static const ngx_http_jobruns_conflict_t  ngx_http_jobruns_caches = {
    "proxy_cache",
    "an answer must come from the service or from the token's record",
    "proxy_cache off;",
    "the location that it leaves by has \"proxy_cache\"; set \"proxy_cache "
    "off;\" there"
};

#endif

static const ngx_http_jobruns_conflict_t  ngx_http_jobruns_stores = {
    "proxy_store", "it writes answers to files anybody may be given",
    "proxy_store off;",
    "the location that it leaves by has \"proxy_store\"; set \"proxy_store "
    "off;\" there"
};

static const ngx_http_jobruns_conflict_t  ngx_http_jobruns_aborts = {
    "proxy_ignore_client_abort off (the default)",
    "a client that hangs up would cut the exchange and leave its outcome "
    "unknown", "proxy_ignore_client_abort on;",
    "the location that it leaves by has \"proxy_ignore_client_abort off\"; "
    "include jobruns_proxy.conf there"
};

static const ngx_http_jobruns_conflict_t  ngx_http_jobruns_accel = {
    "proxy_ignore_headers without X-Accel-Redirect",
    "the service's answer could be replaced by another location's",
    "proxy_ignore_headers X-Accel-Redirect X-Accel-Expires "
    "X-Accel-Limit-Rate X-Accel-Buffering X-Accel-Charset;",
    "the location that it leaves by obeys X-Accel-Redirect; include "
    "jobruns_proxy.conf there"
};

static const ngx_http_jobruns_conflict_t  ngx_http_jobruns_partial = {
    "proxy_pass_request_headers off or proxy_pass_request_body off",
    "the service must get what the client signed",
    "proxy_pass_request_headers on; proxy_pass_request_body on;",
    "the location that it leaves by has \"proxy_pass_request_headers off\" or "
    "\"proxy_pass_request_body off\"; remove it there"
};

static const ngx_http_jobruns_conflict_t  ngx_http_jobruns_body_size = {
    "client_max_body_size above " NGX_HTTP_JOBRUNS_BODY_MOST
    " or 0 (unlimited)",
#if (NGX_THREADS)
    "the body is checked in memory",
#else
    "this NGINX is built without threads (--with-threads), so that a body is "
    "checked while all others wait",
#endif
    "client_max_body_size 1m;", NULL
};


ngx_int_t
ngx_http_jobruns_neighbour_add(ngx_conf_t *cf,
    ngx_http_jobruns_loc_conf_t *conf)
{
    ngx_http_core_srv_conf_t      *cscf;
    ngx_http_jobruns_neighbour_t  *n;
    ngx_http_jobruns_main_conf_t  *jmcf;

    jmcf = ngx_http_conf_get_module_main_conf(cf, ngx_http_jobruns_module);

    if (jmcf->neighbours.elts == NULL
        && ngx_array_init(&jmcf->neighbours, cf->pool, 4,
                          sizeof(ngx_http_jobruns_neighbour_t))
           != NGX_OK)
    {
        return NGX_ERROR;
    }

    n = ngx_array_push(&jmcf->neighbours);
    if (n == NULL) {
        return NGX_ERROR;
    }

    /* while locations are merged, cf->ctx is that of the one at hand
       (ngx_http_merge_locations()) */

    cscf = ngx_http_conf_get_module_srv_conf(cf, ngx_http_core_module);

    n->conf = conf;
    n->server = ngx_http_conf_get_module_srv_conf(cf, ngx_http_jobruns_module);
    n->loc_conf = ((ngx_http_conf_ctx_t *) cf->ctx)->loc_conf;
    n->core = ngx_http_conf_get_module_loc_conf(cf, ngx_http_core_module);
    n->name = cscf->server_name;

    return NGX_OK;
}


ngx_int_t
ngx_http_jobruns_neighbours_check(ngx_conf_t *cf)
{
    ngx_uint_t                     i;
    ngx_http_jobruns_foreign_t     foreign;
    ngx_http_jobruns_neighbour_t  *n;
    ngx_http_jobruns_main_conf_t  *jmcf;

    jmcf = ngx_http_conf_get_module_main_conf(cf, ngx_http_jobruns_module);

    if (!jmcf->enabled) {
        return NGX_OK;
    }

    if (ngx_http_jobruns_foreign_init(cf, &foreign) != NGX_OK) {
        return NGX_ERROR;
    }

    jmcf->proxy = foreign.proxy;

    n = jmcf->neighbours.elts;

    for (i = 0; i < jmcf->neighbours.nelts; i++) {

        if (!n[i].server->enabled) {
            continue;
        }

        if (ngx_http_jobruns_foreign_guard(cf, &foreign, &n[i]) != NGX_OK) {
            return NGX_ERROR;
        }

        if (n[i].conf->enable == jobruns_off) {
            continue;
        }

        if (ngx_http_jobruns_neighbour_check(cf, &foreign, &n[i]) != NGX_OK
            || ngx_http_jobruns_foreign_check(cf, &foreign, &n[i]) != NGX_OK
            || ngx_http_jobruns_neighbour_audit(cf, &n[i]) != NGX_OK)
        {
            return NGX_ERROR;
        }
    }

    return NGX_OK;
}


static ngx_int_t
ngx_http_jobruns_neighbour_check(ngx_conf_t *cf,
    ngx_http_jobruns_foreign_t *foreign, ngx_http_jobruns_neighbour_t *n)
{
    ngx_http_upstream_conf_t           *u;
    const ngx_http_jobruns_conflict_t  *conflict;

    if (n->conf->enable == jobruns_unset) {
        return ngx_http_jobruns_neighbour_check_unset(cf, foreign, n);
    }

    if (n->core->client_max_body_size == 0
        || n->core->client_max_body_size > NGX_HTTP_JOBRUNS_BODY_MAX)
    {
        return ngx_http_jobruns_neighbour_refuse(cf, n,
                                                &ngx_http_jobruns_body_size);
    }

    u = foreign->proxy ? n->loc_conf[foreign->proxy->ctx_index] : NULL;

    /*
     * Only where something is passed on.  proxy_pass with variables leaves
     * u->upstream NULL, so any content handler counts.
     */

    if (u == NULL || (u->upstream == NULL && n->core->handler == NULL)) {
        return NGX_OK;
    }

    conflict = ngx_http_jobruns_neighbour_conflict(u);

    return conflict ? ngx_http_jobruns_neighbour_refuse(cf, n, conflict)
                    : NGX_OK;
}


/*
 * No creation comes in here, but error_page may lead one here, which is looked
 * at when it leaves (ngx_http_jobruns_guard_check()).  Refused is what somebody
 * has set and what would break a promise, and not what any location for other
 * requests may have: NGINX's defaults, error pages, a cache of GETs, and the
 * request of auth_request without a body.
 */

static ngx_int_t
ngx_http_jobruns_neighbour_check_unset(ngx_conf_t *cf,
    ngx_http_jobruns_foreign_t *foreign, ngx_http_jobruns_neighbour_t *n)
{
    ngx_http_upstream_conf_t           *u;
    const ngx_http_jobruns_conflict_t  *conflict;

    if (!ngx_http_jobruns_foreign_proxies(foreign, n)) {
        return NGX_OK;
    }

    u = n->loc_conf[foreign->proxy->ctx_index];
    conflict = NULL;

    if (u->next_upstream & NGX_HTTP_UPSTREAM_FT_NON_IDEMPOTENT) {
        conflict = &ngx_http_jobruns_twice;

    } else if (u->store) {
        conflict = &ngx_http_jobruns_stores;

    } else if ((!u->pass_request_headers || !u->pass_request_body)
               && !ngx_http_jobruns_neighbour_is_asked(cf, foreign, n))
    {
        conflict = &ngx_http_jobruns_partial;
    }

#if (NGX_HTTP_CACHE)

    if (u->cache && (u->cache_methods & NGX_HTTP_POST)) {
        conflict = &ngx_http_jobruns_caches_posts;
    }

#endif

    return conflict ? ngx_http_jobruns_neighbour_refuse(cf, n, conflict)
                    : NGX_OK;
}


/* by auth_request of any location of its server */

static ngx_uint_t
ngx_http_jobruns_neighbour_is_asked(ngx_conf_t *cf,
    ngx_http_jobruns_foreign_t *foreign, ngx_http_jobruns_neighbour_t *n)
{
    ngx_uint_t                     i;
    ngx_http_jobruns_main_conf_t  *jmcf;
    ngx_http_jobruns_neighbour_t  *others;

    jmcf = ngx_http_conf_get_module_main_conf(cf, ngx_http_jobruns_module);
    others = jmcf->neighbours.elts;

    for (i = 0; i < jmcf->neighbours.nelts; i++) {

        if (others[i].server == n->server
            && ngx_http_jobruns_foreign_asks(foreign, &others[i], n->core))
        {
            return 1;
        }
    }

    return 0;
}


const ngx_http_jobruns_conflict_t *
ngx_http_jobruns_neighbour_conflict(ngx_http_upstream_conf_t *u)
{
    if (u->next_upstream & NGX_HTTP_UPSTREAM_FT_NON_IDEMPOTENT) {
        return &ngx_http_jobruns_twice;
    }

    if (u->intercept_errors) {
        return &ngx_http_jobruns_intercepts;
    }

#if (NGX_HTTP_CACHE)

    if (u->cache) {
        return &ngx_http_jobruns_caches;
    }

#endif

    if (u->store) {
        return &ngx_http_jobruns_stores;
    }

    if (!u->ignore_client_abort) {
        return &ngx_http_jobruns_aborts;
    }

    if (!(u->ignore_headers & NGX_HTTP_UPSTREAM_IGN_XA_REDIRECT)) {
        return &ngx_http_jobruns_accel;
    }

    if (!u->pass_request_headers || !u->pass_request_body) {
        return &ngx_http_jobruns_partial;
    }

    return NULL;
}


/* what is refused in a location without `jobruns` is recorded where it says,
   or where the first location of its server does that has it on */

static ngx_int_t
ngx_http_jobruns_neighbour_audit(ngx_conf_t *cf,
    ngx_http_jobruns_neighbour_t *n)
{
    ngx_http_jobruns_loc_conf_t  *conf, *first;

    conf = n->conf;
    first = n->server->first;

    if (conf->enable != jobruns_unset) {
        return NGX_OK;
    }

    if (conf->audit == NGX_CONF_UNSET_PTR) {
        conf->audit = first->audit;
        conf->audit_syslog = first->audit_syslog;
        conf->audit_sync = first->audit_sync;
        conf->audit_refusals = first->audit_refusals;
        conf->audit_refusals_per = first->audit_refusals_per;
    }

    if (conf->tenant == NULL) {
        conf->tenant = first->tenant;
    }

    if (conf->principal == NULL) {
        conf->principal = first->principal;
    }

    if (conf->audit == NULL) {
        return NGX_OK;
    }

    return ngx_http_jobruns_audit_directives_enable(cf, &conf->audit_sync)
           == NGX_CONF_OK ? NGX_OK : NGX_ERROR;
}


ngx_int_t
ngx_http_jobruns_neighbour_refuse(ngx_conf_t *cf,
    ngx_http_jobruns_neighbour_t *n,
    const ngx_http_jobruns_conflict_t *conflict)
{
    if (n->conf->enable == jobruns_unset) {
        ngx_log_error(NGX_LOG_EMERG, cf->log, 0,
                      "\"jobruns on\" in server \"%V\" does not go with %s "
                      "in its location \"%V\": %s; add \"%s\" there; a "
                      "location that forwards no job runs can say "
                      "\"jobruns off;\" (the location begins in %V:%ui)",
                      &n->name, conflict->found, &n->core->name,
                      conflict->why, conflict->mend, &n->conf->file,
                      n->conf->line);

        return NGX_ERROR;
    }

    ngx_log_error(NGX_LOG_EMERG, cf->log, 0,
                  "\"jobruns on\" in location \"%V\" of server \"%V\" does "
                  "not go with %s: %s; add \"%s\" there, or include "
                  "jobruns_proxy.conf, which sets all that is needed; a "
                  "location that forwards no job runs can say "
                  "\"jobruns off;\" (the location begins in %V:%ui)",
                  &n->core->name, &n->name, conflict->found, conflict->why,
                  conflict->mend, &n->conf->file, n->conf->line);

    return NGX_ERROR;
}
