/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The configuration: of a level its defaults, how it is merged, and what
 * `jobruns on` needs there; and what can be refused only when all is merged,
 * by the second module of this .so.
 *
 * NGINX initialises and merges one module after the other (ngx_http_block()),
 * so what is to be seen across locations is complete only when the next
 * module's turn comes, and that is the second one's.  It is still before any
 * module's postconfiguration: a reload that is refused there would leave the
 * master, which forks workers of the running configuration, with half of the
 * filters of the refused one.
 */

#include "ngx_http_jobruns.h"
#include "ngx_http_jobruns_audit_directives.h"
#include "ngx_http_jobruns_auth_directives.h"
#include "ngx_http_jobruns_body_thread.h"
#include "ngx_http_jobruns_conf.h"
#include "ngx_http_jobruns_conflicts.h"
#include "ngx_http_jobruns_directives.h"
#include "ngx_http_jobruns_foreign.h"
#include "ngx_http_jobruns_identity.h"
#include "ngx_http_jobruns_limit.h"
#include "ngx_http_jobruns_redis_directives.h"
#include "ngx_http_jobruns_warnings.h"
#include "ngx_http_jobruns_zone.h"

#include "jr_embedded.h"


static ngx_int_t ngx_http_jobruns_conf_add_location(ngx_conf_t *cf,
    ngx_http_jobruns_loc_conf_t *conf);
static char *ngx_http_jobruns_conf_enabled(ngx_conf_t *cf,
    ngx_http_jobruns_loc_conf_t *conf);
static char *ngx_http_jobruns_conf_check_main(ngx_conf_t *cf, void *conf);
static ngx_int_t ngx_http_jobruns_conf_check_locations(ngx_conf_t *cf);
static ngx_int_t ngx_http_jobruns_conf_check_location(ngx_conf_t *cf,
    ngx_http_jobruns_foreign_t *foreign, ngx_http_jobruns_location_t *loc);
static ngx_int_t ngx_http_jobruns_conf_check_unset(ngx_conf_t *cf,
    ngx_http_jobruns_foreign_t *foreign, ngx_http_jobruns_location_t *loc);
static ngx_uint_t ngx_http_jobruns_conf_is_asked(ngx_conf_t *cf,
    ngx_http_jobruns_foreign_t *foreign, ngx_http_jobruns_location_t *loc);
static ngx_int_t ngx_http_jobruns_conf_check_audit(ngx_conf_t *cf,
    ngx_http_jobruns_location_t *loc);


static ngx_http_module_t  ngx_http_jobruns_conf_check_ctx = {
    NULL,                                  /* preconfiguration */
    NULL,                                  /* postconfiguration */

    NULL,                                  /* create main configuration */
    ngx_http_jobruns_conf_check_main,      /* init main configuration */

    NULL,                                  /* create server configuration */
    NULL,                                  /* merge server configuration */

    NULL,                                  /* create location configuration */
    NULL                                   /* merge location configuration */
};


ngx_module_t  ngx_http_jobruns_check_module = {
    NGX_MODULE_V1,
    &ngx_http_jobruns_conf_check_ctx,      /* module context */
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


void *
ngx_http_jobruns_conf_create_main(ngx_conf_t *cf)
{
    ngx_http_jobruns_main_conf_t  *jmcf;

    jmcf = ngx_pcalloc(cf->pool, sizeof(ngx_http_jobruns_main_conf_t));
    if (jmcf == NULL) {
        return NULL;
    }

    /* set by ngx_pcalloc(): jmcf->schema = NULL, servers and locations are
       initialised when they are first used */

    jmcf->hold_memory = NGX_CONF_UNSET_SIZE;
    jmcf->redis_watch = NGX_CONF_UNSET_MSEC;

    jmcf->zone = ngx_http_jobruns_zone_create(cf);
    if (jmcf->zone == NULL) {
        return NULL;
    }

    ngx_str_set(&jmcf->admit.name, "admit");
    jmcf->admit.text.data = (u_char *) jr_embedded_admit_lua;
    jmcf->admit.text.len = jr_embedded_admit_lua_len;
    ngx_redis_op_script_init(&jmcf->admit);

    ngx_str_set(&jmcf->renew.name, "renew");
    jmcf->renew.text.data = (u_char *) jr_embedded_renew_lua;
    jmcf->renew.text.len = jr_embedded_renew_lua_len;
    ngx_redis_op_script_init(&jmcf->renew);

    ngx_str_set(&jmcf->settle.name, "settle");
    jmcf->settle.text.data = (u_char *) jr_embedded_settle_lua;
    jmcf->settle.text.len = jr_embedded_settle_lua_len;
    ngx_redis_op_script_init(&jmcf->settle);

    return jmcf;
}


char *
ngx_http_jobruns_conf_init_main(ngx_conf_t *cf, void *conf)
{
    ngx_http_jobruns_main_conf_t  *jmcf = conf;

    ngx_conf_init_size_value(jmcf->hold_memory, 64 * 1024 * 1024);
    ngx_conf_init_msec_value(jmcf->redis_watch, 3000);

    ngx_http_jobruns_audit_directives_seal(cf, &jmcf->audit_seal);

    return NGX_CONF_OK;
}


void *
ngx_http_jobruns_conf_create_srv(ngx_conf_t *cf)
{
    return ngx_pcalloc(cf->pool, sizeof(ngx_http_jobruns_srv_conf_t));
}


void *
ngx_http_jobruns_conf_create_loc(ngx_conf_t *cf)
{
    ngx_http_jobruns_loc_conf_t  *jlcf;

    jlcf = ngx_pcalloc(cf->pool, sizeof(ngx_http_jobruns_loc_conf_t));
    if (jlcf == NULL) {
        return NULL;
    }

    /*
     * set by ngx_pcalloc():
     *
     *     jlcf->server = NULL;
     *     jlcf->prefix = { 0, NULL };
     *     jlcf->tenant = NULL;
     *     jlcf->principal = NULL;
     */

    if (cf->conf_file != NULL) {
        jlcf->file = cf->conf_file->file.name;
        jlcf->line = cf->conf_file->line;
    }

    jlcf->enable = NGX_CONF_UNSET_UINT;
    jlcf->redis = NGX_CONF_UNSET_PTR;
    jlcf->redis_timeout = NGX_CONF_UNSET_MSEC;
    jlcf->require_noeviction = NGX_CONF_UNSET;
    jlcf->redis_connect_timeout = NGX_CONF_UNSET_MSEC;
    jlcf->redis_allow = NGX_CONF_UNSET;
    jlcf->replicas = NGX_CONF_UNSET_UINT;
    ngx_http_jobruns_auth_directives_unset(&jlcf->auth);

    jlcf->keepalive = NGX_CONF_UNSET_MSEC;
    jlcf->retry_ttl = NGX_CONF_UNSET_MSEC;
    jlcf->retry_lease = NGX_CONF_UNSET_MSEC;
    jlcf->retry_wait = NGX_CONF_UNSET_MSEC;
    jlcf->retry_refuse = NGX_CONF_UNSET;
    jlcf->response_max_size = NGX_CONF_UNSET_SIZE;
    jlcf->limits = NGX_CONF_UNSET_PTR;
    jlcf->request_id = NGX_CONF_UNSET_UINT;
    jlcf->schema = NGX_CONF_UNSET_PTR;
    jlcf->reject_unknown = NGX_CONF_UNSET;
    jlcf->audit = NGX_CONF_UNSET_PTR;
    jlcf->audit_syslog = NGX_CONF_UNSET_PTR;
    jlcf->audit_required = NGX_CONF_UNSET;
    jlcf->audit_sync = NGX_CONF_UNSET_MSEC;
    jlcf->audit_refusals = NGX_CONF_UNSET_UINT;
    jlcf->audit_refusals_per = NGX_CONF_UNSET_UINT;

    return jlcf;
}


char *
ngx_http_jobruns_conf_merge_loc(ngx_conf_t *cf, void *parent, void *child)
{
    ngx_http_jobruns_loc_conf_t  *prev = parent;
    ngx_http_jobruns_loc_conf_t  *conf = child;

    ngx_conf_merge_uint_value(conf->enable, prev->enable, jobruns_unset);
    ngx_conf_merge_ptr_value(conf->redis, prev->redis, NULL);
    ngx_conf_merge_msec_value(conf->redis_timeout, prev->redis_timeout, 200);
    ngx_conf_merge_value(conf->require_noeviction, prev->require_noeviction,
                         0);
    ngx_conf_merge_msec_value(conf->redis_connect_timeout,
                              prev->redis_connect_timeout, 100);
    ngx_conf_merge_value(conf->redis_allow, prev->redis_allow, 0);

    if (conf->replicas == NGX_CONF_UNSET_UINT) {
        conf->replicas_timeout = prev->replicas_timeout;
    }

    ngx_conf_merge_uint_value(conf->replicas, prev->replicas, 0);
    ngx_conf_merge_str_value(conf->prefix, prev->prefix, "jobruns:");

    if (conf->tenant == NULL) {
        conf->tenant = prev->tenant;
    }

    if (conf->principal == NULL) {
        conf->principal = prev->principal;
    }

    conf->tenant_fixed = ngx_http_jobruns_identity_fixed(conf->tenant);
    conf->principal_fixed = ngx_http_jobruns_identity_fixed(conf->principal);

    ngx_http_jobruns_auth_directives_merge(&prev->auth, &conf->auth);

    ngx_conf_merge_msec_value(conf->keepalive, prev->keepalive, 0);
    ngx_conf_merge_msec_value(conf->retry_ttl, prev->retry_ttl, 86400000);
    ngx_conf_merge_msec_value(conf->retry_lease, prev->retry_lease, 15000);
    ngx_conf_merge_msec_value(conf->retry_wait, prev->retry_wait, 10000);
    ngx_conf_merge_value(conf->retry_refuse, prev->retry_refuse, 0);
    ngx_conf_merge_size_value(conf->response_max_size,
                              prev->response_max_size, 1024 * 1024);
    ngx_http_jobruns_limit_merge(prev, conf);
    ngx_conf_merge_uint_value(conf->request_id, prev->request_id,
                              JR_REQUEST_ID_STRICT);
    ngx_conf_merge_ptr_value(conf->schema, prev->schema, NULL);
    ngx_conf_merge_value(conf->reject_unknown, prev->reject_unknown, 0);

    /* stays unset to the end: only `jobruns on` opens the default file */

    if (conf->audit == NGX_CONF_UNSET_PTR) {
        conf->audit = prev->audit;
    }

    ngx_conf_merge_ptr_value(conf->audit_syslog, prev->audit_syslog, NULL);
    ngx_conf_merge_value(conf->audit_required, prev->audit_required, 1);
    ngx_conf_merge_uint_value(conf->audit_refusals, prev->audit_refusals, 20);
    ngx_conf_merge_uint_value(conf->audit_refusals_per,
                              prev->audit_refusals_per, 1);

    /* stays unset too: its default depends on how NGINX was built */

    if (conf->audit_sync == NGX_CONF_UNSET_MSEC) {
        conf->audit_sync = prev->audit_sync;
    }

    if (ngx_http_jobruns_conf_add_location(cf, conf) != NGX_OK) {
        return NGX_CONF_ERROR;
    }

    if (conf->enable == jobruns_on || conf->enable == jobruns_dry_run) {
        return ngx_http_jobruns_conf_enabled(cf, conf);
    }

    return NGX_CONF_OK;
}


/* what `jobruns on` and `dry_run` need and cannot default */

static char *
ngx_http_jobruns_conf_enabled(ngx_conf_t *cf,
    ngx_http_jobruns_loc_conf_t *conf)
{
    ngx_http_jobruns_srv_conf_t   *jscf;
    ngx_http_jobruns_main_conf_t  *jmcf;

    jscf = ngx_http_conf_get_module_srv_conf(cf, ngx_http_jobruns_module);
    jscf->enabled = 1;

    if (jscf->first == NULL) {
        jscf->first = conf;
    }

    jmcf = ngx_http_conf_get_module_main_conf(cf, ngx_http_jobruns_module);
    jmcf->enabled = 1;

    if (conf->redis == NULL) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "\"jobruns %s\" needs Redis: add \"jobruns_redis "
                           "unix:/path/to/redis.sock;\" or \"jobruns_redis "
                           "host:port;\" at this level or above",
                           conf->enable == jobruns_on ? "on" : "dry_run");
        return NGX_CONF_ERROR;
    }

    if (ngx_http_jobruns_identity_check(cf, conf) != NGX_OK
        || ngx_http_jobruns_auth_directives_enable(cf, &conf->auth)
           != NGX_CONF_OK)
    {
        return NGX_CONF_ERROR;
    }

    if (conf->retry_ttl < 2 * conf->retry_lease) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "\"jobruns_retry_ttl\" %Mms must be at least "
                           "twice \"jobruns_retry_lease\" %Mms",
                           conf->retry_ttl, conf->retry_lease);
        return NGX_CONF_ERROR;
    }

    conf->server = ngx_http_jobruns_redis_directives_server(cf, conf, 0);
    if (conf->server == NULL) {
        return NGX_CONF_ERROR;
    }

    conf->admission = ngx_http_jobruns_redis_directives_server(cf, conf,
                                                              conf->replicas);
    if (conf->admission == NULL) {
        return NGX_CONF_ERROR;
    }

    if (conf->schema == NULL) {
        conf->schema = ngx_http_jobruns_directives_embedded(cf);

        if (conf->schema == NULL) {
            return NGX_CONF_ERROR;
        }
    }

    if (conf->audit == NGX_CONF_UNSET_PTR) {
        conf->audit = ngx_http_jobruns_audit_directives_default(cf);

        if (conf->audit == NULL) {
            return NGX_CONF_ERROR;
        }
    }

    if (conf->audit != NULL
        && ngx_http_jobruns_audit_directives_enable(cf, &conf->audit_sync)
           != NGX_CONF_OK)
    {
        return NGX_CONF_ERROR;
    }

    if (ngx_http_jobruns_body_thread_add(cf) != NGX_OK
        || ngx_http_jobruns_limit_check(cf, conf) != NGX_OK
        || ngx_http_jobruns_zone_location(cf, conf) != NGX_OK)
    {
        return NGX_CONF_ERROR;
    }

    return NGX_CONF_OK;
}


static char *
ngx_http_jobruns_conf_check_main(ngx_conf_t *cf, void *conf)
{
    (void) conf;

    if (ngx_http_jobruns_conf_check_locations(cf) != NGX_OK
        || ngx_http_jobruns_zone_complete(cf) != NGX_OK)
    {
        return NGX_CONF_ERROR;
    }

    return NGX_CONF_OK;
}


/* remembers the location being merged, to be checked when all are */

static ngx_int_t
ngx_http_jobruns_conf_add_location(ngx_conf_t *cf,
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
ngx_http_jobruns_conf_check_locations(ngx_conf_t *cf)
{
    ngx_uint_t                     i;
    ngx_http_jobruns_foreign_t     foreign;
    ngx_http_jobruns_location_t   *loc;
    ngx_http_jobruns_main_conf_t  *jmcf;

    jmcf = ngx_http_conf_get_module_main_conf(cf, ngx_http_jobruns_module);

    if (!jmcf->enabled && !jmcf->zone->wanted) {
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

        if (ngx_http_jobruns_conf_check_location(cf, &foreign, &loc[i])
            != NGX_OK
            || ngx_http_jobruns_foreign_check(cf, &foreign, &loc[i]) != NGX_OK
            || ngx_http_jobruns_conf_check_audit(cf, &loc[i]) != NGX_OK)
        {
            return NGX_ERROR;
        }
    }

    ngx_http_jobruns_warnings_log(cf, &foreign);

    return NGX_OK;
}


static ngx_int_t
ngx_http_jobruns_conf_check_location(ngx_conf_t *cf,
    ngx_http_jobruns_foreign_t *foreign, ngx_http_jobruns_location_t *loc)
{
    ngx_http_upstream_conf_t           *u;
    const ngx_http_jobruns_conflict_t  *conflict;

    if (loc->conf->enable == jobruns_unset) {
        return ngx_http_jobruns_conf_check_unset(cf, foreign, loc);
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
ngx_http_jobruns_conf_check_unset(ngx_conf_t *cf,
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
            && ngx_http_jobruns_conf_is_asked(cf, foreign, loc);

    conflict = ngx_http_jobruns_conflicts_find_unset(u, asked);

    return conflict ? ngx_http_jobruns_conflicts_refuse(cf, loc, conflict)
                    : NGX_OK;
}


/* by auth_request of any location of its server */

static ngx_uint_t
ngx_http_jobruns_conf_is_asked(ngx_conf_t *cf,
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
ngx_http_jobruns_conf_check_audit(ngx_conf_t *cf,
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
