/*
 * Directives of other modules that would break a promise beside
 * `jobruns on`: forwarding twice, hiding the service's answer, changing what
 * the client signed.  They are refused by `nginx -t`, each with the line that
 * mends it.
 *
 * The proxy module's location configuration begins with an
 * ngx_http_upstream_conf_t (src/http/modules/ngx_http_proxy_module.c); the
 * module itself is found by its name, as NGINX may be built without it.
 */

#include "ngx_http_jobruns.h"


/* a location with `jobruns on`, to be looked at when all is merged */
typedef struct {
    ngx_http_upstream_conf_t   *proxy;        /* NULL: no proxy module */
    ngx_http_core_loc_conf_t   *core;
    ngx_str_t                   server;       /* for messages */
} ngx_http_jobruns_neighbour_t;


static ngx_http_upstream_conf_t *ngx_http_jobruns_proxy_conf(ngx_conf_t *cf);
static ngx_int_t ngx_http_jobruns_neighbour_check(ngx_conf_t *cf,
    ngx_http_jobruns_neighbour_t *n);
static ngx_int_t ngx_http_jobruns_neighbour_refuse(ngx_conf_t *cf,
    ngx_http_jobruns_neighbour_t *n, const char *found, const char *why,
    const char *mend);


ngx_int_t
ngx_http_jobruns_neighbour_add(ngx_conf_t *cf)
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

    n->proxy = ngx_http_jobruns_proxy_conf(cf);
    n->core = ngx_http_conf_get_module_loc_conf(cf, ngx_http_core_module);
    n->server = cscf->server_name;

    return NGX_OK;
}


static ngx_http_upstream_conf_t *
ngx_http_jobruns_proxy_conf(ngx_conf_t *cf)
{
    ngx_uint_t            i;
    ngx_module_t         *module;
    ngx_http_conf_ctx_t  *ctx;

    ctx = cf->ctx;

    for (i = 0; cf->cycle->modules[i]; i++) {
        module = cf->cycle->modules[i];

        if (module->type == NGX_HTTP_MODULE
            && module->name != NULL
            && ngx_strcmp(module->name, "ngx_http_proxy_module") == 0)
        {
            return ctx->loc_conf[module->ctx_index];
        }
    }

    return NULL;
}


ngx_int_t
ngx_http_jobruns_neighbours_check(ngx_conf_t *cf)
{
    ngx_uint_t                     i;
    ngx_http_jobruns_neighbour_t  *n;
    ngx_http_jobruns_main_conf_t  *jmcf;

    jmcf = ngx_http_conf_get_module_main_conf(cf, ngx_http_jobruns_module);

    n = jmcf->neighbours.elts;

    for (i = 0; i < jmcf->neighbours.nelts; i++) {
        if (ngx_http_jobruns_neighbour_check(cf, &n[i]) != NGX_OK) {
            return NGX_ERROR;
        }
    }

    return NGX_OK;
}


static ngx_int_t
ngx_http_jobruns_neighbour_check(ngx_conf_t *cf,
    ngx_http_jobruns_neighbour_t *n)
{
    ngx_http_upstream_conf_t  *u;

    if (n->core->client_max_body_size == 0
        || n->core->client_max_body_size > NGX_HTTP_JOBRUNS_BODY_MAX)
    {
        return ngx_http_jobruns_neighbour_refuse(cf, n,
                          "client_max_body_size above 16m or 0 (unlimited)",
                          "the body is checked in memory",
                          "client_max_body_size 16m;");
    }

    u = n->proxy;

    /*
     * Only where something is passed on.  proxy_pass with variables leaves
     * u->upstream NULL, and its handler cannot be told from another's, so
     * any content handler counts.
     */

    if (u == NULL || (u->upstream == NULL && n->core->handler == NULL)) {
        return NGX_OK;
    }

    if (u->next_upstream & NGX_HTTP_UPSTREAM_FT_NON_IDEMPOTENT) {
        return ngx_http_jobruns_neighbour_refuse(cf, n,
                          "proxy_next_upstream ... non_idempotent",
                          "it sends a creation to a second server when the "
                          "first may have made it",
                          "proxy_next_upstream error timeout;");
    }

    if (u->intercept_errors) {
        return ngx_http_jobruns_neighbour_refuse(cf, n,
                          "proxy_intercept_errors on",
                          "it hides the service's answer",
                          "proxy_intercept_errors off;");
    }

#if (NGX_HTTP_CACHE)

    if (u->cache) {
        return ngx_http_jobruns_neighbour_refuse(cf, n, "proxy_cache",
                          "an answer must come from the service or from the "
                          "token's record",
                          "proxy_cache off;");
    }

#endif

    if (u->store) {
        return ngx_http_jobruns_neighbour_refuse(cf, n, "proxy_store",
                          "it writes answers to files anybody may be given",
                          "proxy_store off;");
    }

    if (!u->ignore_client_abort) {
        return ngx_http_jobruns_neighbour_refuse(cf, n,
                          "proxy_ignore_client_abort off (the default)",
                          "a client that hangs up would cut the exchange "
                          "and leave its outcome unknown",
                          "proxy_ignore_client_abort on;");
    }

    if (!(u->ignore_headers & NGX_HTTP_UPSTREAM_IGN_XA_REDIRECT)) {
        return ngx_http_jobruns_neighbour_refuse(cf, n,
                          "proxy_ignore_headers without X-Accel-Redirect",
                          "the service's answer could be replaced by another "
                          "location's",
                          "proxy_ignore_headers X-Accel-Redirect "
                          "X-Accel-Expires X-Accel-Limit-Rate "
                          "X-Accel-Buffering X-Accel-Charset;");
    }

    if (!u->pass_request_headers || !u->pass_request_body) {
        return ngx_http_jobruns_neighbour_refuse(cf, n,
                          "proxy_pass_request_headers off or "
                          "proxy_pass_request_body off",
                          "the service must get what the client signed",
                          "proxy_pass_request_headers on; "
                          "proxy_pass_request_body on;");
    }

    return NGX_OK;
}


static ngx_int_t
ngx_http_jobruns_neighbour_refuse(ngx_conf_t *cf,
    ngx_http_jobruns_neighbour_t *n, const char *found, const char *why,
    const char *mend)
{
    ngx_log_error(NGX_LOG_EMERG, cf->log, 0,
                  "\"jobruns on\" in location \"%V\" of server \"%V\" does "
                  "not go with %s: %s; add \"%s\" there, or include "
                  "jobruns_proxy.conf, which sets all that is needed; a "
                  "location that forwards no job runs can say "
                  "\"jobruns off;\"",
                  &n->core->name, &n->server, found, why, mend);

    return NGX_ERROR;
}
