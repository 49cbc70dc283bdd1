/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The directives jobruns_auth...
 */

#include "ngx_http_jobruns.h"
#include "ngx_http_jobruns_auth_directives.h"
#include "ngx_http_jobruns_auth_store.h"
#include "ngx_http_jobruns_directives.h"


static ngx_http_jobruns_auth_store_t *ngx_http_jobruns_auth_directives_store(
    ngx_conf_t *cf, jr_auth_keys_kind_e kind, ngx_str_t *names, ngx_uint_t n);
static char *ngx_http_jobruns_auth_directives_known(ngx_conf_t *cf,
    ngx_array_t *issuers, ngx_str_t *name);


/* jobruns_auth_keys FILE ... */

char *
ngx_http_jobruns_auth_directives_keys(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf)
{
    ngx_http_jobruns_loc_conf_t *jlcf = conf;

    ngx_str_t   *value;
    ngx_uint_t   i;

    (void) cmd;

    if (jlcf->auth.users != NGX_CONF_UNSET_PTR) {
        return "is duplicate; one directive takes all files";
    }

    value = cf->args->elts;

    for (i = 1; i < cf->args->nelts; i++) {
        if (value[i].len == 0) {
            return ngx_http_jobruns_directives_refuse(cf, &value[i],
                                                      "a path of a file");
        }
    }

    jlcf->auth.users = ngx_http_jobruns_auth_directives_store(cf,
                                                     JR_AUTH_KEYS_OF_USERS,
                                                     &value[1],
                                                     cf->args->nelts - 1);

    return jlcf->auth.users ? NGX_CONF_OK : NGX_CONF_ERROR;
}


/* jobruns_auth_issuer NAME jwks=FILE [audience=NAME] */

char *
ngx_http_jobruns_auth_directives_issuer(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf)
{
    ngx_http_jobruns_loc_conf_t *jlcf = conf;

    char                            *rv;
    ngx_str_t                       *value, file, audience;
    ngx_uint_t                       i;
    ngx_http_jobruns_auth_issuer_t  *issuer;

    (void) cmd;

    value = cf->args->elts;
    ngx_str_null(&file);
    ngx_str_null(&audience);

    for (i = 2; i < cf->args->nelts; i++) {

        if (ngx_http_jobruns_directives_option(&value[i], "jwks=", &file)
            != NGX_OK
            && ngx_http_jobruns_directives_option(&value[i], "audience=",
                                                  &audience)
               != NGX_OK)
        {
            return ngx_http_jobruns_directives_refuse(cf, &value[i],
                                              "jwks=FILE or audience=NAME");
        }
    }

    rv = ngx_http_jobruns_directives_once(cf);

    if (rv != NGX_CONF_OK) {
        return rv;
    }

    if (value[1].len == 0 || file.len == 0) {
        return "needs a name, as the claim \"iss\" has it, and jwks=FILE";
    }

    if (jlcf->auth.issuers == NGX_CONF_UNSET_PTR) {
        jlcf->auth.issuers = ngx_array_create(cf->pool, 2,
                                     sizeof(ngx_http_jobruns_auth_issuer_t));
        if (jlcf->auth.issuers == NULL) {
            return NGX_CONF_ERROR;
        }
    }

    rv = ngx_http_jobruns_auth_directives_known(cf, jlcf->auth.issuers,
                                                &value[1]);
    if (rv != NGX_CONF_OK) {
        return rv;
    }

    issuer = ngx_array_push(jlcf->auth.issuers);
    if (issuer == NULL) {
        return NGX_CONF_ERROR;
    }

    issuer->name = value[1];
    issuer->audience = audience;
    issuer->store = ngx_http_jobruns_auth_directives_store(cf,
                                                    JR_AUTH_KEYS_OF_ISSUER,
                                                    &file, 1);

    return issuer->store ? NGX_CONF_OK : NGX_CONF_ERROR;
}


static char *
ngx_http_jobruns_auth_directives_known(ngx_conf_t *cf, ngx_array_t *issuers,
    ngx_str_t *name)
{
    ngx_uint_t                       i;
    ngx_http_jobruns_auth_issuer_t  *issuer;

    issuer = issuers->elts;

    for (i = 0; i < issuers->nelts; i++) {

        if (issuer[i].name.len == name->len
            && ngx_strncmp(issuer[i].name.data, name->data, name->len) == 0)
        {
            return ngx_http_jobruns_directives_refuse(cf, name,
                                           "each issuer once at a level");
        }
    }

    return NGX_CONF_OK;
}


static ngx_http_jobruns_auth_store_t *
ngx_http_jobruns_auth_directives_store(ngx_conf_t *cf,
    jr_auth_keys_kind_e kind, ngx_str_t *names, ngx_uint_t n)
{
    ngx_http_jobruns_main_conf_t  *jmcf;

    jmcf = ngx_http_conf_get_module_main_conf(cf, ngx_http_jobruns_module);

    if (jmcf->auth_stores.elts == NULL
        && ngx_array_init(&jmcf->auth_stores, cf->pool, 2,
                          sizeof(ngx_http_jobruns_auth_store_t *))
           != NGX_OK)
    {
        return NULL;
    }

    return ngx_http_jobruns_auth_store_add(cf, &jmcf->auth_stores, kind, names,
                                           n);
}


/* jobruns_auth_tenants OCID ... */

char *
ngx_http_jobruns_auth_directives_tenants(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf)
{
    ngx_http_jobruns_loc_conf_t *jlcf = conf;

    jr_str_t    *tenant;
    ngx_str_t   *value;
    ngx_uint_t   i;

    (void) cmd;

    if (jlcf->auth.tenants != NGX_CONF_UNSET_PTR) {
        return "is duplicate; one directive takes all tenancies";
    }

    value = cf->args->elts;

    jlcf->auth.tenants = ngx_array_create(cf->pool, cf->args->nelts - 1,
                                          sizeof(jr_str_t));
    if (jlcf->auth.tenants == NULL) {
        return NGX_CONF_ERROR;
    }

    for (i = 1; i < cf->args->nelts; i++) {

        if (value[i].len == 0 || value[i].len > JR_AUTH_KEYS_NAME) {
            return ngx_http_jobruns_directives_refuse(cf, &value[i],
                                         "the OCID of a tenancy, of 1 to 255 "
                                         "bytes");
        }

        tenant = ngx_array_push(jlcf->auth.tenants);
        if (tenant == NULL) {
            return NGX_CONF_ERROR;
        }

        *tenant = ngx_http_jobruns_str(value[i]);
    }

    return NGX_CONF_OK;
}


void
ngx_http_jobruns_auth_directives_unset(ngx_http_jobruns_auth_conf_t *conf)
{
    conf->mode = NGX_CONF_UNSET_UINT;
    conf->users = NGX_CONF_UNSET_PTR;
    conf->issuers = NGX_CONF_UNSET_PTR;
    conf->tenants = NGX_CONF_UNSET_PTR;
    conf->skew = NGX_CONF_UNSET;
    conf->min_bits = NGX_CONF_UNSET;
}


void
ngx_http_jobruns_auth_directives_merge(ngx_http_jobruns_auth_conf_t *prev,
    ngx_http_jobruns_auth_conf_t *conf)
{
    ngx_conf_merge_uint_value(conf->mode, prev->mode, jobruns_auth_off);
    ngx_conf_merge_ptr_value(conf->users, prev->users, NULL);
    ngx_conf_merge_ptr_value(conf->issuers, prev->issuers, NULL);
    ngx_conf_merge_ptr_value(conf->tenants, prev->tenants, NULL);
    ngx_conf_merge_sec_value(conf->skew, prev->skew, 300);
    ngx_conf_merge_value(conf->min_bits, prev->min_bits, 2048);
}


char *
ngx_http_jobruns_auth_directives_enable(ngx_conf_t *cf,
    ngx_http_jobruns_auth_conf_t *conf)
{
    ngx_uint_t                       i;
    jr_auth_policy_t                *policy;
    ngx_http_jobruns_auth_issuer_t  *issuer;

    if (conf->mode == jobruns_auth_off) {
        return NGX_CONF_OK;
    }

    if (conf->users == NULL && conf->issuers == NULL) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "\"jobruns_auth\" needs keys: add "
                           "\"jobruns_auth_keys FILE;\" for API keys, or "
                           "\"jobruns_auth_issuer NAME jwks=FILE;\" for "
                           "session tokens, at this level or above");
        return NGX_CONF_ERROR;
    }

    policy = &conf->policy;

    policy->users = conf->users != NULL;
    policy->min_bits = (unsigned) conf->min_bits;
    policy->skew = conf->skew;

    if (conf->tenants != NULL) {
        policy->tenants = conf->tenants->elts;
        policy->ntenants = conf->tenants->nelts;
    }

    if (conf->issuers == NULL) {
        return NGX_CONF_OK;
    }

    conf->issuing = ngx_pcalloc(cf->pool, conf->issuers->nelts
                                          * sizeof(jr_auth_issuer_t));
    if (conf->issuing == NULL) {
        return NGX_CONF_ERROR;
    }

    issuer = conf->issuers->elts;

    for (i = 0; i < conf->issuers->nelts; i++) {
        conf->issuing[i].name = ngx_http_jobruns_str(issuer[i].name);
        conf->issuing[i].audience = ngx_http_jobruns_str(issuer[i].audience);
    }

    policy->issuers = conf->issuing;
    policy->nissuers = conf->issuers->nelts;

    return NGX_CONF_OK;
}
