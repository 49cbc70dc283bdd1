/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The module: its directives, and where it hooks into NGINX.  The
 * configuration that they set stands in conf/; docs/directives.md describes
 * them for operators.
 */

#include "ngx_http_jobruns.h"
#include "ngx_http_jobruns_audit.h"
#include "ngx_http_jobruns_audit_directives.h"
#include "ngx_http_jobruns_auth_directives.h"
#include "ngx_http_jobruns_auth_store.h"
#include "ngx_http_jobruns_auth_user.h"
#include "ngx_http_jobruns_body_thread.h"
#include "ngx_http_jobruns_conf.h"
#include "ngx_http_jobruns_directives.h"
#include "ngx_http_jobruns_filter.h"
#include "ngx_http_jobruns_flow.h"
#include "ngx_http_jobruns_framing.h"
#include "ngx_http_jobruns_guard.h"
#include "ngx_http_jobruns_handler.h"
#include "ngx_http_jobruns_limit.h"
#include "ngx_http_jobruns_module_file.h"
#include "ngx_http_jobruns_redis_directives.h"
#include "ngx_http_jobruns_status.h"
#include "ngx_http_jobruns_values.h"
#include "ngx_http_jobruns_variables.h"
#include "ngx_http_jobruns_zone.h"


static ngx_int_t ngx_http_jobruns_preconfiguration(ngx_conf_t *cf);
static ngx_int_t ngx_http_jobruns_postconfiguration(ngx_conf_t *cf);
static ngx_int_t ngx_http_jobruns_init_module(ngx_cycle_t *cycle);
static ngx_int_t ngx_http_jobruns_init_process(ngx_cycle_t *cycle);
static void ngx_http_jobruns_exit_process(ngx_cycle_t *cycle);


static ngx_conf_enum_t  ngx_http_jobruns_enable[] = {
    { ngx_string("off"), jobruns_off },
    { ngx_string("on"), jobruns_on },
    { ngx_string("dry_run"), jobruns_dry_run },
    { ngx_null_string, 0 }
};


static ngx_conf_enum_t  ngx_http_jobruns_auth_modes[] = {
    { ngx_string("off"), jobruns_auth_off },
    { ngx_string("on"), jobruns_auth_on },
    { ngx_string("all"), jobruns_auth_all },
    { ngx_string("dry_run"), jobruns_auth_dry_run },
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
    { ngx_http_jobruns_directives_prefix };

static ngx_http_jobruns_value_t  ngx_http_jobruns_enable_value = {
    .kind = jobruns_value_word, .words = ngx_http_jobruns_enable
};

static ngx_http_jobruns_value_t  ngx_http_jobruns_auth_mode = {
    .kind = jobruns_value_word, .words = ngx_http_jobruns_auth_modes
};

static ngx_http_jobruns_value_t  ngx_http_jobruns_failure_value = {
    .kind = jobruns_value_word, .words = ngx_http_jobruns_failure
};

static ngx_http_jobruns_value_t  ngx_http_jobruns_unknown_value = {
    .kind = jobruns_value_word, .words = ngx_http_jobruns_unknown
};

static ngx_http_jobruns_value_t  ngx_http_jobruns_request_id_value = {
    .kind = jobruns_value_word, .words = ngx_http_jobruns_request_id
};

static ngx_http_jobruns_value_t  ngx_http_jobruns_properties_value = {
    .kind = jobruns_value_word, .words = ngx_http_jobruns_properties
};

static ngx_http_jobruns_value_t  ngx_http_jobruns_timeout = {
    .kind = jobruns_value_msec, .least = 1,
    .expected = "a time of 1ms or more, such as \"200ms\""
};

/* settle.lua relies on two leases being no longer than its DONE_LEAST */

static ngx_http_jobruns_value_t  ngx_http_jobruns_lease = {
    .kind = jobruns_value_msec, .least = 3000, .most = 300000,
    .expected = "a time from 3s to 5m"
};

static ngx_http_jobruns_value_t  ngx_http_jobruns_ttl = {
    .kind = jobruns_value_msec, .least = 60000,
    .most = (int64_t) 30 * 86400 * 1000, .expected = "a time from 1m to 30d"
};

static ngx_http_jobruns_value_t  ngx_http_jobruns_wait = {
    .kind = jobruns_value_msec,
    .expected = "a time, such as \"10s\", or 0 for not waiting"
};

static ngx_http_jobruns_value_t  ngx_http_jobruns_keepalive = {
    .kind = jobruns_value_msec, .most = 3600000,
    .expected = "a time up to 1h, such as \"1s\", or 0 for a new connection "
                "for each creation"
};

static ngx_http_jobruns_value_t  ngx_http_jobruns_skew = {
    .kind = jobruns_value_sec, .least = 1, .most = 3600,
    .expected = "a time from 1s to 1h, in whole seconds"
};

static ngx_http_jobruns_value_t  ngx_http_jobruns_size = {
    .kind = jobruns_value_size,
    .expected = "a size of 0 or more, such as \"64k\" or \"1m\""
};

static ngx_http_jobruns_value_t  ngx_http_jobruns_bits = {
    .kind = jobruns_value_number,
    .least = JR_RSA_BITS_LEAST, .most = JR_RSA_BITS_MOST,
    .expected = "a number of bits from 1024 to 8192"
};

_Static_assert(JR_RSA_BITS_LEAST == 1024 && JR_RSA_BITS_MOST == 8192,
               "the message says how many bits there may be");


#define NGX_HTTP_JOBRUNS_ANY                                                 \
    (NGX_HTTP_MAIN_CONF|NGX_HTTP_SRV_CONF|NGX_HTTP_LOC_CONF)


static ngx_command_t  ngx_http_jobruns_commands[] = {

    { ngx_string("jobruns"),
      NGX_HTTP_JOBRUNS_ANY|NGX_CONF_TAKE1,
      ngx_http_jobruns_values_set,
      NGX_HTTP_LOC_CONF_OFFSET,
      offsetof(ngx_http_jobruns_loc_conf_t, enable),
      &ngx_http_jobruns_enable_value },

    { ngx_string("jobruns_redis"),
      NGX_HTTP_JOBRUNS_ANY|NGX_CONF_1MORE,
      ngx_http_jobruns_redis_directives_redis,
      NGX_HTTP_LOC_CONF_OFFSET,
      0,
      NULL },

    { ngx_string("jobruns_redis_timeout"),
      NGX_HTTP_JOBRUNS_ANY|NGX_CONF_TAKE1,
      ngx_http_jobruns_values_set,
      NGX_HTTP_LOC_CONF_OFFSET,
      offsetof(ngx_http_jobruns_loc_conf_t, redis_timeout),
      &ngx_http_jobruns_timeout },

    { ngx_string("jobruns_redis_connect_timeout"),
      NGX_HTTP_JOBRUNS_ANY|NGX_CONF_TAKE1,
      ngx_http_jobruns_values_set,
      NGX_HTTP_LOC_CONF_OFFSET,
      offsetof(ngx_http_jobruns_loc_conf_t, redis_connect_timeout),
      &ngx_http_jobruns_timeout },

    { ngx_string("jobruns_redis_failure"),
      NGX_HTTP_JOBRUNS_ANY|NGX_CONF_TAKE1,
      ngx_http_jobruns_values_set,
      NGX_HTTP_LOC_CONF_OFFSET,
      offsetof(ngx_http_jobruns_loc_conf_t, redis_allow),
      &ngx_http_jobruns_failure_value },

    { ngx_string("jobruns_redis_require_noeviction"),
      NGX_HTTP_JOBRUNS_ANY|NGX_CONF_FLAG,
      ngx_http_jobruns_values_set,
      NGX_HTTP_LOC_CONF_OFFSET,
      offsetof(ngx_http_jobruns_loc_conf_t, require_noeviction),
      &ngx_http_jobruns_values_flag },

    { ngx_string("jobruns_redis_replicas"),
      NGX_HTTP_JOBRUNS_ANY|NGX_CONF_TAKE12,
      ngx_http_jobruns_redis_directives_replicas,
      NGX_HTTP_LOC_CONF_OFFSET,
      0,
      NULL },

    { ngx_string("jobruns_redis_watch"),
      NGX_HTTP_MAIN_CONF|NGX_CONF_TAKE1,
      ngx_http_jobruns_redis_directives_watch,
      NGX_HTTP_MAIN_CONF_OFFSET,
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

    { ngx_string("jobruns_auth"),
      NGX_HTTP_JOBRUNS_ANY|NGX_CONF_TAKE1,
      ngx_http_jobruns_values_set,
      NGX_HTTP_LOC_CONF_OFFSET,
      offsetof(ngx_http_jobruns_loc_conf_t, auth.mode),
      &ngx_http_jobruns_auth_mode },

    { ngx_string("jobruns_auth_keys"),
      NGX_HTTP_JOBRUNS_ANY|NGX_CONF_1MORE,
      ngx_http_jobruns_auth_directives_keys,
      NGX_HTTP_LOC_CONF_OFFSET,
      0,
      NULL },

    { ngx_string("jobruns_auth_issuer"),
      NGX_HTTP_JOBRUNS_ANY|NGX_CONF_TAKE23,
      ngx_http_jobruns_auth_directives_issuer,
      NGX_HTTP_LOC_CONF_OFFSET,
      0,
      NULL },

    { ngx_string("jobruns_auth_tenants"),
      NGX_HTTP_JOBRUNS_ANY|NGX_CONF_1MORE,
      ngx_http_jobruns_auth_directives_tenants,
      NGX_HTTP_LOC_CONF_OFFSET,
      0,
      NULL },

    { ngx_string("jobruns_auth_skew"),
      NGX_HTTP_JOBRUNS_ANY|NGX_CONF_TAKE1,
      ngx_http_jobruns_values_set,
      NGX_HTTP_LOC_CONF_OFFSET,
      offsetof(ngx_http_jobruns_loc_conf_t, auth.skew),
      &ngx_http_jobruns_skew },

    { ngx_string("jobruns_auth_min_bits"),
      NGX_HTTP_JOBRUNS_ANY|NGX_CONF_TAKE1,
      ngx_http_jobruns_values_set,
      NGX_HTTP_LOC_CONF_OFFSET,
      offsetof(ngx_http_jobruns_loc_conf_t, auth.min_bits),
      &ngx_http_jobruns_bits },

    { ngx_string("jobruns_keepalive"),
      NGX_HTTP_JOBRUNS_ANY|NGX_CONF_TAKE1,
      ngx_http_jobruns_values_set,
      NGX_HTTP_LOC_CONF_OFFSET,
      offsetof(ngx_http_jobruns_loc_conf_t, keepalive),
      &ngx_http_jobruns_keepalive },

    { ngx_string("jobruns_retry_ttl"),
      NGX_HTTP_JOBRUNS_ANY|NGX_CONF_TAKE1,
      ngx_http_jobruns_values_set,
      NGX_HTTP_LOC_CONF_OFFSET,
      offsetof(ngx_http_jobruns_loc_conf_t, retry_ttl),
      &ngx_http_jobruns_ttl },

    { ngx_string("jobruns_retry_lease"),
      NGX_HTTP_JOBRUNS_ANY|NGX_CONF_TAKE1,
      ngx_http_jobruns_values_set,
      NGX_HTTP_LOC_CONF_OFFSET,
      offsetof(ngx_http_jobruns_loc_conf_t, retry_lease),
      &ngx_http_jobruns_lease },

    { ngx_string("jobruns_retry_wait"),
      NGX_HTTP_JOBRUNS_ANY|NGX_CONF_TAKE1,
      ngx_http_jobruns_values_set,
      NGX_HTTP_LOC_CONF_OFFSET,
      offsetof(ngx_http_jobruns_loc_conf_t, retry_wait),
      &ngx_http_jobruns_wait },

    { ngx_string("jobruns_retry_unknown"),
      NGX_HTTP_JOBRUNS_ANY|NGX_CONF_TAKE1,
      ngx_http_jobruns_values_set,
      NGX_HTTP_LOC_CONF_OFFSET,
      offsetof(ngx_http_jobruns_loc_conf_t, retry_refuse),
      &ngx_http_jobruns_unknown_value },

    { ngx_string("jobruns_response_max_size"),
      NGX_HTTP_JOBRUNS_ANY|NGX_CONF_TAKE1,
      ngx_http_jobruns_values_set,
      NGX_HTTP_LOC_CONF_OFFSET,
      offsetof(ngx_http_jobruns_loc_conf_t, response_max_size),
      &ngx_http_jobruns_size },

    { ngx_string("jobruns_hold_memory"),
      NGX_HTTP_MAIN_CONF|NGX_CONF_TAKE1,
      ngx_http_jobruns_values_set,
      NGX_HTTP_MAIN_CONF_OFFSET,
      offsetof(ngx_http_jobruns_main_conf_t, hold_memory),
      &ngx_http_jobruns_size },

    { ngx_string("jobruns_limit"),
      NGX_HTTP_JOBRUNS_ANY|NGX_CONF_TAKE3|NGX_CONF_TAKE4|NGX_CONF_TAKE5
      |NGX_CONF_TAKE6,
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
      NGX_HTTP_JOBRUNS_ANY|NGX_CONF_TAKE3|NGX_CONF_TAKE4|NGX_CONF_TAKE5,
      ngx_http_jobruns_limit_set,
      NGX_HTTP_LOC_CONF_OFFSET,
      0,
      NULL },

    { ngx_string("jobruns_request_id"),
      NGX_HTTP_JOBRUNS_ANY|NGX_CONF_TAKE1,
      ngx_http_jobruns_values_set,
      NGX_HTTP_LOC_CONF_OFFSET,
      offsetof(ngx_http_jobruns_loc_conf_t, request_id),
      &ngx_http_jobruns_request_id_value },

    { ngx_string("jobruns_schema"),
      NGX_HTTP_JOBRUNS_ANY|NGX_CONF_TAKE1,
      ngx_http_jobruns_directives_schema,
      NGX_HTTP_LOC_CONF_OFFSET,
      0,
      NULL },

    { ngx_string("jobruns_unknown_properties"),
      NGX_HTTP_JOBRUNS_ANY|NGX_CONF_TAKE1,
      ngx_http_jobruns_values_set,
      NGX_HTTP_LOC_CONF_OFFSET,
      offsetof(ngx_http_jobruns_loc_conf_t, reject_unknown),
      &ngx_http_jobruns_properties_value },

    { ngx_string("jobruns_audit"),
      NGX_HTTP_JOBRUNS_ANY|NGX_CONF_TAKE1,
      ngx_http_jobruns_audit_directives_audit,
      NGX_HTTP_LOC_CONF_OFFSET,
      0,
      NULL },

    { ngx_string("jobruns_audit_required"),
      NGX_HTTP_JOBRUNS_ANY|NGX_CONF_FLAG,
      ngx_http_jobruns_values_set,
      NGX_HTTP_LOC_CONF_OFFSET,
      offsetof(ngx_http_jobruns_loc_conf_t, audit_required),
      &ngx_http_jobruns_values_flag },

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

    ngx_http_jobruns_conf_create_main,     /* create main configuration */
    ngx_http_jobruns_conf_init_main,       /* init main configuration */

    ngx_http_jobruns_conf_create_srv,      /* create server configuration */
    NULL,                                  /* merge server configuration */

    ngx_http_jobruns_conf_create_loc,      /* create location configuration */
    ngx_http_jobruns_conf_merge_loc        /* merge location configuration */
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


static ngx_int_t
ngx_http_jobruns_preconfiguration(ngx_conf_t *cf)
{
    return ngx_http_jobruns_variables_add(cf);
}


/*
 * Registers, and can fail for want of memory alone: NGINX builds its chain of
 * filters anew here, in the master that still serves the cycle before, so
 * whatever can be wrong with a configuration is refused earlier
 * (ngx_http_jobruns_conf.c).
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

    ngx_http_jobruns_framing_init(cf);

    if (ngx_http_jobruns_guard_init(cf) != NGX_OK) {
        return NGX_ERROR;
    }

    return ngx_http_jobruns_filter_init(cf);
}


/* called when nothing can refuse the configuration any more */

static ngx_int_t
ngx_http_jobruns_init_module(ngx_cycle_t *cycle)
{
    ngx_http_jobruns_main_conf_t  *jmcf;

    ngx_http_jobruns_filter_accepted();
    ngx_http_jobruns_module_file_init(cycle->log);

    jmcf = ngx_http_cycle_get_module_main_conf(cycle, ngx_http_jobruns_module);

    if (jmcf != NULL) {
        ngx_http_jobruns_auth_user_check(&jmcf->auth_stores, cycle);
    }

    return NGX_OK;
}


static ngx_int_t
ngx_http_jobruns_init_process(ngx_cycle_t *cycle)
{
    ngx_http_jobruns_main_conf_t  *jmcf;

    /* a limit on the size of files fails the write with EFBIG instead */

    (void) signal(SIGXFSZ, SIG_IGN);

    ngx_http_jobruns_filter_begin(cycle->log);
    ngx_http_jobruns_body_thread_init(cycle);

    if (ngx_http_jobruns_zone_begin(cycle) != NGX_OK) {
        return NGX_ERROR;
    }

    /* both count into the zone */

    jmcf = ngx_http_cycle_get_module_main_conf(cycle, ngx_http_jobruns_module);

    if (jmcf != NULL) {
        ngx_http_jobruns_auth_store_start(&jmcf->auth_stores, cycle);
    }

    ngx_http_jobruns_audit_start(cycle);

    return NGX_OK;
}


static void
ngx_http_jobruns_exit_process(ngx_cycle_t *cycle)
{
    ngx_http_jobruns_audit_stop(cycle);
    ngx_http_jobruns_zone_end(cycle);
}
