/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The second module of this .so: it looks at a configuration that is read and
 * merged, and refuses what cannot be accepted.
 *
 * NGINX initialises and merges one module after the other (ngx_http_block()),
 * so what is to be seen across locations is complete only when the next
 * module's turn comes, and that is this one's.  It is still before any
 * module's postconfiguration: a reload that is refused there would leave the
 * master, which forks workers of the running configuration, with half of the
 * filters of the refused one.
 */

#include "ngx_http_jobruns.h"
#include "ngx_http_jobruns_audit_directives.h"
#include "ngx_http_jobruns_check.h"
#include "ngx_http_jobruns_conflicts.h"
#include "ngx_http_jobruns_foreign.h"
#include "ngx_http_jobruns_zone.h"


static char *ngx_http_jobruns_check_init_main_conf(ngx_conf_t *cf,
    void *conf);
static ngx_int_t ngx_http_jobruns_check_locations(ngx_conf_t *cf);
static ngx_int_t ngx_http_jobruns_check_location(ngx_conf_t *cf,
    ngx_http_jobruns_foreign_t *foreign, ngx_http_jobruns_location_t *loc);
static ngx_int_t ngx_http_jobruns_check_unset(ngx_conf_t *cf,
    ngx_http_jobruns_foreign_t *foreign, ngx_http_jobruns_location_t *loc);
static ngx_uint_t ngx_http_jobruns_check_is_asked(ngx_conf_t *cf,
    ngx_http_jobruns_foreign_t *foreign, ngx_http_jobruns_location_t *loc);
static ngx_int_t ngx_http_jobruns_check_audit(ngx_conf_t *cf,
    ngx_http_jobruns_location_t *loc);


static ngx_http_module_t  ngx_http_jobruns_check_module_ctx = {
    NULL,                                  /* preconfiguration */
    NULL,                                  /* postconfiguration */

    NULL,                                  /* create main configuration */
    ngx_http_jobruns_check_init_main_conf, /* init main configuration */

    NULL,                                  /* create server configuration */
    NULL,                                  /* merge server configuration */

    NULL,                                  /* create location configuration */
    NULL                                   /* merge location configuration */
};


ngx_module_t  ngx_http_jobruns_check_module = {
    NGX_MODULE_V1,
    &ngx_http_jobruns_check_module_ctx,    /* module context */
    NULL,                                  /* module directives */
    NGX_HTTP_MODULE,                       /* module type */
    NULL,                                  /* init master */
    NULL,                                  /* init module */
    NULL,                                  /* init process */
    NULL,                                  /* init thread */
    NULL,                                  /* exit thread */
    NULL,                                  /* exit process */
    NULL,                                  /* exit master */
    NGX_MODULE_V1_PADDING
};


static char *
ngx_http_jobruns_check_init_main_conf(ngx_conf_t *cf, void *conf)
{
    (void) conf;

    if (ngx_http_jobruns_check_locations(cf) != NGX_OK
        || ngx_http_jobruns_zone_complete(cf) != NGX_OK)
    {
        return NGX_CONF_ERROR;
    }

    return NGX_CONF_OK;
}


ngx_int_t
ngx_http_jobruns_check_add(ngx_conf_t *cf,
    ngx_http_jobruns_loc_conf_t *conf)
{
    ngx_http_core_srv_conf_t      *cscf;
    ngx_http_jobruns_location_t   *loc;
    ngx_http_jobruns_main_conf_t  *jmcf;

    jmcf = ngx_http_conf_get_module_main_conf(cf, ngx_http_jobruns_module);

    if (jmcf->locations.elts == NULL
        && ngx_array_init(&jmcf->locations, cf->pool, 4,
                          sizeof(ngx_http_jobruns_location_t))
           != NGX_OK)
    {
        return NGX_ERROR;
    }

    loc = ngx_array_push(&jmcf->locations);
    if (loc == NULL) {
        return NGX_ERROR;
    }

    /* while locations are merged, cf->ctx is that of the one at hand
       (ngx_http_merge_locations()) */

    cscf = ngx_http_conf_get_module_srv_conf(cf, ngx_http_core_module);

    loc->conf = conf;
    loc->server = ngx_http_conf_get_module_srv_conf(cf,
                                                    ngx_http_jobruns_module);
    loc->loc_conf = ((ngx_http_conf_ctx_t *) cf->ctx)->loc_conf;
    loc->core = ngx_http_conf_get_module_loc_conf(cf, ngx_http_core_module);
    loc->name = cscf->server_name;

    return NGX_OK;
}


static ngx_int_t
ngx_http_jobruns_check_locations(ngx_conf_t *cf)
{
    ngx_uint_t                     i;
    ngx_http_jobruns_foreign_t     foreign;
    ngx_http_jobruns_location_t   *loc;
    ngx_http_jobruns_main_conf_t  *jmcf;

    jmcf = ngx_http_conf_get_module_main_conf(cf, ngx_http_jobruns_module);

    if (!jmcf->enabled) {
        return NGX_OK;
    }

    if (ngx_http_jobruns_foreign_init(cf, &foreign) != NGX_OK) {
        return NGX_ERROR;
    }

    jmcf->proxy = foreign.proxy;

    loc = jmcf->locations.elts;

    for (i = 0; i < jmcf->locations.nelts; i++) {

        if (!loc[i].server->enabled) {
            continue;
        }

        if (ngx_http_jobruns_foreign_guard(cf, &foreign, &loc[i]) != NGX_OK) {
            return NGX_ERROR;
        }

        if (loc[i].conf->enable == jobruns_off) {
            continue;
        }

        if (ngx_http_jobruns_check_location(cf, &foreign, &loc[i]) != NGX_OK
            || ngx_http_jobruns_foreign_check(cf, &foreign, &loc[i]) != NGX_OK
            || ngx_http_jobruns_check_audit(cf, &loc[i]) != NGX_OK)
        {
            return NGX_ERROR;
        }
    }

    return NGX_OK;
}


static ngx_int_t
ngx_http_jobruns_check_location(ngx_conf_t *cf,
    ngx_http_jobruns_foreign_t *foreign, ngx_http_jobruns_location_t *loc)
{
    ngx_http_upstream_conf_t           *u;
    const ngx_http_jobruns_conflict_t  *conflict;

    if (loc->conf->enable == jobruns_unset) {
        return ngx_http_jobruns_check_unset(cf, foreign, loc);
    }

    conflict = ngx_http_jobruns_conflicts_body(loc->core);

    if (conflict != NULL) {
        return ngx_http_jobruns_conflicts_refuse(cf, loc, conflict);
    }

    u = foreign->proxy ? loc->loc_conf[foreign->proxy->ctx_index] : NULL;

    /*
     * Only where something is passed on.  proxy_pass with variables leaves
     * u->upstream NULL, so any content handler counts.
     */

    if (u == NULL || (u->upstream == NULL && loc->core->handler == NULL)) {
        return NGX_OK;
    }

    conflict = ngx_http_jobruns_conflicts_find(u);

    return conflict ? ngx_http_jobruns_conflicts_refuse(cf, loc, conflict)
                    : NGX_OK;
}


/* no creation comes in here, but error_page may lead one here, which is looked
   at when it leaves (ngx_http_jobruns_guard_check()) */

static ngx_int_t
ngx_http_jobruns_check_unset(ngx_conf_t *cf,
    ngx_http_jobruns_foreign_t *foreign, ngx_http_jobruns_location_t *loc)
{
    ngx_uint_t                          asked;
    ngx_http_upstream_conf_t           *u;
    const ngx_http_jobruns_conflict_t  *conflict;

    if (!ngx_http_jobruns_foreign_proxies(foreign, loc)) {
        return NGX_OK;
    }

    u = loc->loc_conf[foreign->proxy->ctx_index];

    asked = (!u->pass_request_headers || !u->pass_request_body)
            && ngx_http_jobruns_check_is_asked(cf, foreign, loc);

    conflict = ngx_http_jobruns_conflicts_find_unset(u, asked);

    return conflict ? ngx_http_jobruns_conflicts_refuse(cf, loc, conflict)
                    : NGX_OK;
}


/* by auth_request of any location of its server */

static ngx_uint_t
ngx_http_jobruns_check_is_asked(ngx_conf_t *cf,
    ngx_http_jobruns_foreign_t *foreign, ngx_http_jobruns_location_t *loc)
{
    ngx_uint_t                     i;
    ngx_http_jobruns_location_t   *others;
    ngx_http_jobruns_main_conf_t  *jmcf;

    jmcf = ngx_http_conf_get_module_main_conf(cf, ngx_http_jobruns_module);
    others = jmcf->locations.elts;

    for (i = 0; i < jmcf->locations.nelts; i++) {

        if (others[i].server == loc->server
            && ngx_http_jobruns_foreign_asks(foreign, &others[i], loc->core))
        {
            return 1;
        }
    }

    return 0;
}


/* what is refused in a location without `jobruns` is recorded where it says,
   or where the first location of its server does that has it on */

static ngx_int_t
ngx_http_jobruns_check_audit(ngx_conf_t *cf,
    ngx_http_jobruns_location_t *loc)
{
    ngx_http_jobruns_loc_conf_t  *conf, *first;

    conf = loc->conf;
    first = loc->server->first;

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
