/*
 * The module: its directives, its configuration, and where it hooks into
 * NGINX.  What the directives do stands in the other files of this folder;
 * docs/directives.md describes them for operators.
 */

#include "ngx_http_jobruns.h"
#include "ngx_http_jobruns_audit.h"
#include "ngx_http_jobruns_audit_directives.h"
#include "ngx_http_jobruns_body_thread.h"
#include "ngx_http_jobruns_check.h"
#include "ngx_http_jobruns_content_length.h"
#include "ngx_http_jobruns_directives.h"
#include "ngx_http_jobruns_filter.h"
#include "ngx_http_jobruns_flow.h"
#include "ngx_http_jobruns_guard.h"
#include "ngx_http_jobruns_handler.h"
#include "ngx_http_jobruns_identity.h"
#include "ngx_http_jobruns_limit.h"
#include "ngx_http_jobruns_module_file.h"
#include "ngx_http_jobruns_redis_directives.h"
#include "ngx_http_jobruns_status.h"
#include "ngx_http_jobruns_variables.h"
#include "ngx_http_jobruns_zone.h"

#include "jr_embedded.h"


static void *ngx_http_jobruns_create_main_conf(ngx_conf_t *cf);
static char *ngx_http_jobruns_init_main_conf(ngx_conf_t *cf, void *conf);
static void *ngx_http_jobruns_create_srv_conf(ngx_conf_t *cf);
static void *ngx_http_jobruns_create_loc_conf(ngx_conf_t *cf);
static char *ngx_http_jobruns_merge_loc_conf(ngx_conf_t *cf, void *parent,
    void *child);
static char *ngx_http_jobruns_merge_enabled(ngx_conf_t *cf,
    ngx_http_jobruns_loc_conf_t *conf);
static ngx_int_t ngx_http_jobruns_preconfiguration(ngx_conf_t *cf);
static ngx_int_t ngx_http_jobruns_postconfiguration(ngx_conf_t *cf);
static ngx_int_t ngx_http_jobruns_init_module(ngx_cycle_t *cycle);
static ngx_int_t ngx_http_jobruns_init_process(ngx_cycle_t *cycle);
static void ngx_http_jobruns_exit_process(ngx_cycle_t *cycle);
static char *ngx_http_jobruns_check_lease(ngx_conf_t *cf, void *post,
    void *data);
static char *ngx_http_jobruns_check_ttl(ngx_conf_t *cf, void *post,
    void *data);
static char *ngx_http_jobruns_check_positive(ngx_conf_t *cf, void *post,
    void *data);


static ngx_conf_enum_t  ngx_http_jobruns_enable[] = {
    { ngx_string("off"), jobruns_off },
    { ngx_string("on"), jobruns_on },
    { ngx_string("dry_run"), jobruns_dry_run },
    { ngx_null_string, 0 }
};


static ngx_conf_enum_t  ngx_http_jobruns_failure[] = {
    { ngx_string("deny"), 0 },
    { ngx_string("allow"), 1 },
    { ngx_null_string, 0 }
};


static ngx_conf_enum_t  ngx_http_jobruns_unknown[] = {
    { ngx_string("forward"), 0 },
    { ngx_string("refuse"), 1 },
    { ngx_null_string, 0 }
};


static ngx_conf_enum_t  ngx_http_jobruns_request_id[] = {
    { ngx_string("strict"), JR_REQUEST_ID_STRICT },
    { ngx_string("lenient"), JR_REQUEST_ID_LENIENT },
    { ngx_string("replace"), JR_REQUEST_ID_REPLACE },
    { ngx_null_string, 0 }
};


static ngx_conf_enum_t  ngx_http_jobruns_properties[] = {
    { ngx_string("allow"), 0 },
    { ngx_string("reject"), 1 },
    { ngx_null_string, 0 }
};


static ngx_conf_post_t  ngx_http_jobruns_prefix_post =
    { ngx_http_jobruns_prefix };

static ngx_conf_post_t  ngx_http_jobruns_lease_post =
    { ngx_http_jobruns_check_lease };

static ngx_conf_post_t  ngx_http_jobruns_ttl_post =
    { ngx_http_jobruns_check_ttl };

static ngx_conf_post_t  ngx_http_jobruns_positive_post =
    { ngx_http_jobruns_check_positive };


#define NGX_HTTP_JOBRUNS_ANY                                                 \
    (NGX_HTTP_MAIN_CONF|NGX_HTTP_SRV_CONF|NGX_HTTP_LOC_CONF)


static ngx_command_t  ngx_http_jobruns_commands[] = {

    { ngx_string("jobruns"),
      NGX_HTTP_JOBRUNS_ANY|NGX_CONF_TAKE1,
      ngx_conf_set_enum_slot,
      NGX_HTTP_LOC_CONF_OFFSET,
      offsetof(ngx_http_jobruns_loc_conf_t, enable),
      &ngx_http_jobruns_enable },

    { ngx_string("jobruns_redis"),
      NGX_HTTP_JOBRUNS_ANY|NGX_CONF_1MORE,
      ngx_http_jobruns_redis,
      NGX_HTTP_LOC_CONF_OFFSET,
      0,
      NULL },

    { ngx_string("jobruns_redis_timeout"),
      NGX_HTTP_JOBRUNS_ANY|NGX_CONF_TAKE1,
      ngx_conf_set_msec_slot,
      NGX_HTTP_LOC_CONF_OFFSET,
      offsetof(ngx_http_jobruns_loc_conf_t, redis_timeout),
      &ngx_http_jobruns_positive_post },

    { ngx_string("jobruns_redis_connect_timeout"),
      NGX_HTTP_JOBRUNS_ANY|NGX_CONF_TAKE1,
      ngx_conf_set_msec_slot,
      NGX_HTTP_LOC_CONF_OFFSET,
      offsetof(ngx_http_jobruns_loc_conf_t, redis_connect_timeout),
      &ngx_http_jobruns_positive_post },

    { ngx_string("jobruns_redis_failure"),
      NGX_HTTP_JOBRUNS_ANY|NGX_CONF_TAKE1,
      ngx_conf_set_enum_slot,
      NGX_HTTP_LOC_CONF_OFFSET,
      offsetof(ngx_http_jobruns_loc_conf_t, redis_allow),
      &ngx_http_jobruns_failure },

    { ngx_string("jobruns_redis_require_noeviction"),
      NGX_HTTP_JOBRUNS_ANY|NGX_CONF_FLAG,
      ngx_conf_set_flag_slot,
      NGX_HTTP_LOC_CONF_OFFSET,
      offsetof(ngx_http_jobruns_loc_conf_t, require_noeviction),
      NULL },

    { ngx_string("jobruns_redis_replicas"),
      NGX_HTTP_JOBRUNS_ANY|NGX_CONF_TAKE12,
      ngx_http_jobruns_redis_replicas,
      NGX_HTTP_LOC_CONF_OFFSET,
      0,
      NULL },

    { ngx_string("jobruns_redis_prefix"),
      NGX_HTTP_JOBRUNS_ANY|NGX_CONF_TAKE1,
      ngx_conf_set_str_slot,
      NGX_HTTP_LOC_CONF_OFFSET,
      offsetof(ngx_http_jobruns_loc_conf_t, prefix),
      &ngx_http_jobruns_prefix_post },

    { ngx_string("jobruns_tenant"),
      NGX_HTTP_JOBRUNS_ANY|NGX_CONF_TAKE1,
      ngx_http_set_complex_value_slot,
      NGX_HTTP_LOC_CONF_OFFSET,
      offsetof(ngx_http_jobruns_loc_conf_t, tenant),
      NULL },

    { ngx_string("jobruns_principal"),
      NGX_HTTP_JOBRUNS_ANY|NGX_CONF_TAKE1,
      ngx_http_set_complex_value_slot,
      NGX_HTTP_LOC_CONF_OFFSET,
      offsetof(ngx_http_jobruns_loc_conf_t, principal),
      NULL },

    { ngx_string("jobruns_retry_ttl"),
      NGX_HTTP_JOBRUNS_ANY|NGX_CONF_TAKE1,
      ngx_conf_set_msec_slot,
      NGX_HTTP_LOC_CONF_OFFSET,
      offsetof(ngx_http_jobruns_loc_conf_t, retry_ttl),
      &ngx_http_jobruns_ttl_post },

    { ngx_string("jobruns_retry_lease"),
      NGX_HTTP_JOBRUNS_ANY|NGX_CONF_TAKE1,
      ngx_conf_set_msec_slot,
      NGX_HTTP_LOC_CONF_OFFSET,
      offsetof(ngx_http_jobruns_loc_conf_t, retry_lease),
      &ngx_http_jobruns_lease_post },

    { ngx_string("jobruns_retry_wait"),
      NGX_HTTP_JOBRUNS_ANY|NGX_CONF_TAKE1,
      ngx_conf_set_msec_slot,
      NGX_HTTP_LOC_CONF_OFFSET,
      offsetof(ngx_http_jobruns_loc_conf_t, retry_wait),
      NULL },

    { ngx_string("jobruns_retry_unknown"),
      NGX_HTTP_JOBRUNS_ANY|NGX_CONF_TAKE1,
      ngx_conf_set_enum_slot,
      NGX_HTTP_LOC_CONF_OFFSET,
      offsetof(ngx_http_jobruns_loc_conf_t, retry_refuse),
      &ngx_http_jobruns_unknown },

    { ngx_string("jobruns_response_max_size"),
      NGX_HTTP_JOBRUNS_ANY|NGX_CONF_TAKE1,
      ngx_conf_set_size_slot,
      NGX_HTTP_LOC_CONF_OFFSET,
      offsetof(ngx_http_jobruns_loc_conf_t, response_max_size),
      NULL },

    { ngx_string("jobruns_hold_memory"),
      NGX_HTTP_MAIN_CONF|NGX_CONF_TAKE1,
      ngx_conf_set_size_slot,
      NGX_HTTP_MAIN_CONF_OFFSET,
      offsetof(ngx_http_jobruns_main_conf_t, hold_memory),
      NULL },

    { ngx_string("jobruns_limit"),
      NGX_HTTP_JOBRUNS_ANY|NGX_CONF_TAKE3|NGX_CONF_TAKE4|NGX_CONF_TAKE5,
      ngx_http_jobruns_limit_set,
      NGX_HTTP_LOC_CONF_OFFSET,
      0,
      NULL },

    { ngx_string("jobruns_quota"),
      NGX_HTTP_JOBRUNS_ANY|NGX_CONF_TAKE4|NGX_CONF_TAKE5,
      ngx_http_jobruns_limit_set,
      NGX_HTTP_LOC_CONF_OFFSET,
      0,
      NULL },

    { ngx_string("jobruns_concurrency"),
      NGX_HTTP_JOBRUNS_ANY|NGX_CONF_TAKE3|NGX_CONF_TAKE4,
      ngx_http_jobruns_limit_set,
      NGX_HTTP_LOC_CONF_OFFSET,
      0,
      NULL },

    { ngx_string("jobruns_request_id"),
      NGX_HTTP_JOBRUNS_ANY|NGX_CONF_TAKE1,
      ngx_conf_set_enum_slot,
      NGX_HTTP_LOC_CONF_OFFSET,
      offsetof(ngx_http_jobruns_loc_conf_t, request_id),
      &ngx_http_jobruns_request_id },

    { ngx_string("jobruns_schema"),
      NGX_HTTP_JOBRUNS_ANY|NGX_CONF_TAKE1,
      ngx_http_jobruns_schema,
      NGX_HTTP_LOC_CONF_OFFSET,
      0,
      NULL },

    { ngx_string("jobruns_unknown_properties"),
      NGX_HTTP_JOBRUNS_ANY|NGX_CONF_TAKE1,
      ngx_conf_set_enum_slot,
      NGX_HTTP_LOC_CONF_OFFSET,
      offsetof(ngx_http_jobruns_loc_conf_t, reject_unknown),
      &ngx_http_jobruns_properties },

    { ngx_string("jobruns_audit"),
      NGX_HTTP_JOBRUNS_ANY|NGX_CONF_TAKE1,
      ngx_http_jobruns_audit_directives_audit,
      NGX_HTTP_LOC_CONF_OFFSET,
      0,
      NULL },

    { ngx_string("jobruns_audit_required"),
      NGX_HTTP_JOBRUNS_ANY|NGX_CONF_FLAG,
      ngx_conf_set_flag_slot,
      NGX_HTTP_LOC_CONF_OFFSET,
      offsetof(ngx_http_jobruns_loc_conf_t, audit_required),
      NULL },

    { ngx_string("jobruns_audit_refusals"),
      NGX_HTTP_JOBRUNS_ANY|NGX_CONF_TAKE1,
      ngx_http_jobruns_audit_directives_refusals,
      NGX_HTTP_LOC_CONF_OFFSET,
      0,
      NULL },

    { ngx_string("jobruns_audit_sync"),
      NGX_HTTP_JOBRUNS_ANY|NGX_CONF_TAKE1,
      ngx_http_jobruns_audit_directives_sync,
      NGX_HTTP_LOC_CONF_OFFSET,
      0,
      NULL },

    { ngx_string("jobruns_audit_key"),
      NGX_HTTP_MAIN_CONF|NGX_CONF_TAKE1,
      ngx_http_jobruns_audit_directives_key,
      NGX_HTTP_MAIN_CONF_OFFSET,
      0,
      NULL },

    { ngx_string("jobruns_zone"),
      NGX_HTTP_MAIN_CONF|NGX_CONF_TAKE2,
      ngx_http_jobruns_zone,
      NGX_HTTP_MAIN_CONF_OFFSET,
      0,
      NULL },

    { ngx_string("jobruns_status"),
      NGX_HTTP_LOC_CONF|NGX_CONF_NOARGS,
      ngx_http_jobruns_status,
      NGX_HTTP_LOC_CONF_OFFSET,
      0,
      NULL },

      ngx_null_command
};


static ngx_http_module_t  ngx_http_jobruns_module_ctx = {
    ngx_http_jobruns_preconfiguration,     /* preconfiguration */
    ngx_http_jobruns_postconfiguration,    /* postconfiguration */

    ngx_http_jobruns_create_main_conf,     /* create main configuration */
    ngx_http_jobruns_init_main_conf,       /* init main configuration */

    ngx_http_jobruns_create_srv_conf,      /* create server configuration */
    NULL,                                  /* merge server configuration */

    ngx_http_jobruns_create_loc_conf,      /* create location configuration */
    ngx_http_jobruns_merge_loc_conf        /* merge location configuration */
};


ngx_module_t  ngx_http_jobruns_module = {
    NGX_MODULE_V1,
    &ngx_http_jobruns_module_ctx,          /* module context */
    ngx_http_jobruns_commands,             /* module directives */
    NGX_HTTP_MODULE,                       /* module type */
    NULL,                                  /* init master */
    ngx_http_jobruns_init_module,          /* init module */
    ngx_http_jobruns_init_process,         /* init process */
    NULL,                                  /* init thread */
    NULL,                                  /* exit thread */
    ngx_http_jobruns_exit_process,         /* exit process */
    NULL,                                  /* exit master */
    NGX_MODULE_V1_PADDING
};


static void *
ngx_http_jobruns_create_main_conf(ngx_conf_t *cf)
{
    ngx_http_jobruns_main_conf_t  *jmcf;

    jmcf = ngx_pcalloc(cf->pool, sizeof(ngx_http_jobruns_main_conf_t));
    if (jmcf == NULL) {
        return NULL;
    }

    /* set by ngx_pcalloc(): jmcf->schema = NULL, servers and locations are
       initialised when they are first used */

    jmcf->hold_memory = NGX_CONF_UNSET_SIZE;

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


static char *
ngx_http_jobruns_init_main_conf(ngx_conf_t *cf, void *conf)
{
    ngx_http_jobruns_main_conf_t  *jmcf = conf;

    ngx_conf_init_size_value(jmcf->hold_memory, 64 * 1024 * 1024);

    ngx_http_jobruns_audit_directives_seal(cf, &jmcf->audit_seal);

    return NGX_CONF_OK;
}


static void *
ngx_http_jobruns_create_srv_conf(ngx_conf_t *cf)
{
    return ngx_pcalloc(cf->pool, sizeof(ngx_http_jobruns_srv_conf_t));
}


static void *
ngx_http_jobruns_create_loc_conf(ngx_conf_t *cf)
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


static char *
ngx_http_jobruns_merge_loc_conf(ngx_conf_t *cf, void *parent, void *child)
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

    ngx_conf_merge_msec_value(conf->retry_ttl, prev->retry_ttl, 86400000);
    ngx_conf_merge_msec_value(conf->retry_lease, prev->retry_lease, 15000);
    ngx_conf_merge_msec_value(conf->retry_wait, prev->retry_wait, 10000);
    ngx_conf_merge_value(conf->retry_refuse, prev->retry_refuse, 0);
    ngx_conf_merge_size_value(conf->response_max_size,
                              prev->response_max_size, 1024 * 1024);
    ngx_conf_merge_ptr_value(conf->limits, prev->limits, NULL);
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

    if (ngx_http_jobruns_check_add(cf, conf) != NGX_OK) {
        return NGX_CONF_ERROR;
    }

    if (conf->enable == jobruns_on || conf->enable == jobruns_dry_run) {
        return ngx_http_jobruns_merge_enabled(cf, conf);
    }

    return NGX_CONF_OK;
}


/* what `jobruns on` needs and cannot default */

static char *
ngx_http_jobruns_merge_enabled(ngx_conf_t *cf,
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
                           "\"jobruns on\" needs Redis: add \"jobruns_redis "
                           "unix:/path/to/redis.sock;\" or \"jobruns_redis "
                           "host:port;\" at this level or above");
        return NGX_CONF_ERROR;
    }

    if (ngx_http_jobruns_identity_check(cf, conf) != NGX_OK) {
        return NGX_CONF_ERROR;
    }

    if (conf->retry_ttl < 2 * conf->retry_lease) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "\"jobruns_retry_ttl\" %Mms must be at least "
                           "twice \"jobruns_retry_lease\" %Mms",
                           conf->retry_ttl, conf->retry_lease);
        return NGX_CONF_ERROR;
    }

    conf->server = ngx_http_jobruns_server(cf, conf, 0);
    if (conf->server == NULL) {
        return NGX_CONF_ERROR;
    }

    conf->admission = ngx_http_jobruns_server(cf, conf, conf->replicas);
    if (conf->admission == NULL) {
        return NGX_CONF_ERROR;
    }

    if (conf->schema == NULL) {
        conf->schema = ngx_http_jobruns_embedded_schema(cf);

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


/* settle.lua relies on two leases being no longer than its DONE_LEAST */

static char *
ngx_http_jobruns_check_lease(ngx_conf_t *cf, void *post, void *data)
{
    ngx_msec_t  *lease = data;

    if (*lease < 3000 || *lease > 300000) {
        return "must be between 3s and 5m";
    }

    return NGX_CONF_OK;
}


static char *
ngx_http_jobruns_check_ttl(ngx_conf_t *cf, void *post, void *data)
{
    ngx_msec_t  *ttl = data;

    if (*ttl < 60000 || *ttl > (ngx_msec_t) 30 * 86400 * 1000) {
        return "must be between 1m and 30d";
    }

    return NGX_CONF_OK;
}


static char *
ngx_http_jobruns_check_positive(ngx_conf_t *cf, void *post, void *data)
{
    ngx_msec_t  *value = data;

    return *value ? NGX_CONF_OK : "must be longer than 0";
}


static ngx_int_t
ngx_http_jobruns_preconfiguration(ngx_conf_t *cf)
{
    return ngx_http_jobruns_add_variables(cf);
}


/*
 * Registers, and can fail for want of memory alone: NGINX builds its chain of
 * filters anew here, in the master that still serves the cycle before, so
 * whatever can be wrong with a configuration is refused earlier
 * (ngx_http_jobruns_check.c).
 */

static ngx_int_t
ngx_http_jobruns_postconfiguration(ngx_conf_t *cf)
{
    ngx_array_t                *logs;
    ngx_http_handler_pt        *h;
    ngx_http_core_main_conf_t  *cmcf;

    cmcf = ngx_http_conf_get_module_main_conf(cf, ngx_http_core_module);

    /* after ACCESS, so that auth_request, limit_req and satisfy have spoken
       before a byte of the body is read */

    h = ngx_array_push(&cmcf->phases[NGX_HTTP_PRECONTENT_PHASE].handlers);
    if (h == NULL) {
        return NGX_ERROR;
    }

    *h = ngx_http_jobruns_handler;

    logs = &cmcf->phases[NGX_HTTP_LOG_PHASE].handlers;

    h = ngx_array_push(logs);
    if (h == NULL) {
        return NGX_ERROR;
    }

    /* before access_log's, which is there already and runs in this order
       (ngx_http_log_request()): $jobruns_outcome is final then */

    h = logs->elts;
    ngx_memmove(h + 1, h, (logs->nelts - 1) * sizeof(ngx_http_handler_pt));

    *h = ngx_http_jobruns_flow_log_handler;

    ngx_http_jobruns_audit_create_files(cf);

    ngx_http_jobruns_content_length_init(cf);

    if (ngx_http_jobruns_guard_init(cf) != NGX_OK) {
        return NGX_ERROR;
    }

    return ngx_http_jobruns_filter_init(cf);
}


/* called when nothing can refuse the configuration any more */

static ngx_int_t
ngx_http_jobruns_init_module(ngx_cycle_t *cycle)
{
    ngx_http_jobruns_filter_accepted();
    ngx_http_jobruns_module_file_init(cycle->log);

    return NGX_OK;
}


static ngx_int_t
ngx_http_jobruns_init_process(ngx_cycle_t *cycle)
{
    /* a limit on the size of files fails the write with EFBIG instead */

    (void) signal(SIGXFSZ, SIG_IGN);

    ngx_http_jobruns_filter_begin(cycle->log);
    ngx_http_jobruns_body_thread_init(cycle);

    if (ngx_http_jobruns_zone_begin(cycle) != NGX_OK) {
        return NGX_ERROR;
    }

    /* counts into the zone */

    ngx_http_jobruns_audit_start(cycle);

    return NGX_OK;
}


static void
ngx_http_jobruns_exit_process(ngx_cycle_t *cycle)
{
    ngx_http_jobruns_audit_stop(cycle);
    ngx_http_jobruns_zone_end(cycle);
}
