/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Variables: what an attempt is and what became of it, for log_format,
 * proxy_set_header and maps.  docs/directives.md lists them.
 */

#include "ngx_http_jobruns.h"
#include "ngx_http_jobruns_attempt.h"
#include "ngx_http_jobruns_header_list.h"
#include "ngx_http_jobruns_variables.h"


typedef enum {
    jobruns_var_outcome = 0,
    jobruns_var_request_id,
    jobruns_var_tenant,
    jobruns_var_tenancy,
    jobruns_var_principal,
    jobruns_var_token_hash,
    jobruns_var_limit,
    jobruns_var_run_key,
    jobruns_var_original_request_id,
    jobruns_var_auth,
    jobruns_var_verified_tenancy,
    jobruns_var_verified_principal
} ngx_http_jobruns_variable_e;


static ngx_int_t ngx_http_jobruns_variable(ngx_http_request_t *r,
    ngx_http_variable_value_t *v, uintptr_t data);
static jr_str_t ngx_http_jobruns_variable_of(ngx_http_jobruns_attempt_t *a,
    ngx_http_jobruns_variable_e which);
static ngx_int_t ngx_http_jobruns_variable_tenancy(ngx_http_request_t *r,
    ngx_http_variable_value_t *v, uintptr_t data);
static ngx_int_t ngx_http_jobruns_variable_auth(ngx_http_request_t *r,
    ngx_http_variable_value_t *v, uintptr_t data);
static ngx_int_t ngx_http_jobruns_variable_accept_encoding(
    ngx_http_request_t *r, ngx_http_variable_value_t *v, uintptr_t data);
static ngx_int_t ngx_http_jobruns_variable_dry_run(ngx_http_request_t *r,
    ngx_http_variable_value_t *v, ngx_http_jobruns_attempt_t *a);
static ngx_int_t ngx_http_jobruns_variable_copy(ngx_http_request_t *r,
    ngx_http_variable_value_t *v, const void *data, size_t len);
static void ngx_http_jobruns_variable_set(ngx_http_variable_value_t *v,
    u_char *data, size_t len);


/* not cacheable: they come to be while the request goes on */

static ngx_http_variable_t  ngx_http_jobruns_variables[] = {

    { ngx_string("jobruns_outcome"), NULL, ngx_http_jobruns_variable,
      jobruns_var_outcome, NGX_HTTP_VAR_NOCACHEABLE, 0 },

    { ngx_string("jobruns_request_id"), NULL, ngx_http_jobruns_variable,
      jobruns_var_request_id, NGX_HTTP_VAR_NOCACHEABLE, 0 },

    { ngx_string("jobruns_tenant"), NULL, ngx_http_jobruns_variable,
      jobruns_var_tenant, NGX_HTTP_VAR_NOCACHEABLE, 0 },

    { ngx_string("jobruns_tenancy"), NULL, ngx_http_jobruns_variable_tenancy,
      jobruns_var_tenancy, 0, 0 },

    { ngx_string("jobruns_principal"), NULL, ngx_http_jobruns_variable,
      jobruns_var_principal, NGX_HTTP_VAR_NOCACHEABLE, 0 },

    { ngx_string("jobruns_token_hash"), NULL, ngx_http_jobruns_variable,
      jobruns_var_token_hash, NGX_HTTP_VAR_NOCACHEABLE, 0 },

    { ngx_string("jobruns_limit"), NULL, ngx_http_jobruns_variable,
      jobruns_var_limit, NGX_HTTP_VAR_NOCACHEABLE, 0 },

    { ngx_string("jobruns_run_key"), NULL, ngx_http_jobruns_variable,
      jobruns_var_run_key, NGX_HTTP_VAR_NOCACHEABLE, 0 },

    { ngx_string("jobruns_original_request_id"), NULL,
      ngx_http_jobruns_variable, jobruns_var_original_request_id,
      NGX_HTTP_VAR_NOCACHEABLE, 0 },

    { ngx_string("jobruns_auth"), NULL, ngx_http_jobruns_variable_auth,
      jobruns_var_auth, NGX_HTTP_VAR_NOCACHEABLE, 0 },

    { ngx_string("jobruns_verified_tenancy"), NULL,
      ngx_http_jobruns_variable_auth, jobruns_var_verified_tenancy,
      NGX_HTTP_VAR_NOCACHEABLE, 0 },

    { ngx_string("jobruns_verified_principal"), NULL,
      ngx_http_jobruns_variable_auth, jobruns_var_verified_principal,
      NGX_HTTP_VAR_NOCACHEABLE, 0 },

    { ngx_string("jobruns_accept_encoding"), NULL,
      ngx_http_jobruns_variable_accept_encoding, 0,
      NGX_HTTP_VAR_NOCACHEABLE, 0 },

      ngx_http_null_variable
};


ngx_int_t
ngx_http_jobruns_variables_add(ngx_conf_t *cf)
{
    ngx_http_variable_t  *var, *v;

    for (v = ngx_http_jobruns_variables; v->name.len; v++) {

        var = ngx_http_add_variable(cf, &v->name, v->flags);
        if (var == NULL) {
            return NGX_ERROR;
        }

        var->get_handler = v->get_handler;
        var->data = v->data;
    }

    return NGX_OK;
}


static ngx_int_t
ngx_http_jobruns_variable(ngx_http_request_t *r, ngx_http_variable_value_t *v,
    uintptr_t data)
{
    jr_str_t                 value;
    ngx_http_jobruns_ctx_t  *ctx;

    ctx = ngx_http_jobruns_attempt_get_ctx(r->main);

    value.data = NULL;
    value.len = 0;

    if (ctx != NULL) {
        if (data == jobruns_var_request_id) {
            value = ngx_http_jobruns_str(ctx->request_id);

        } else if (ctx->attempt != NULL && data == jobruns_var_outcome
                   && ctx->attempt->check.dry_run.len)
        {
            return ngx_http_jobruns_variable_dry_run(r, v, ctx->attempt);

        } else if (ctx->attempt != NULL) {
            value = ngx_http_jobruns_variable_of(ctx->attempt, data);
        }
    }

    if (value.len == 0) {
        v->not_found = 1;
        return NGX_OK;
    }

    return ngx_http_jobruns_variable_copy(r, v, value.data, value.len);
}


/* what it would have been, and what became of it: "invalid:created" */

static ngx_int_t
ngx_http_jobruns_variable_dry_run(ngx_http_request_t *r,
    ngx_http_variable_value_t *v, ngx_http_jobruns_attempt_t *a)
{
    u_char    buf[64], *last;
    jr_str_t  outcome;

    outcome = jr_outcome_name(a->outcome);

    last = ngx_snprintf(buf, sizeof(buf), "invalid%s%*s",
                        outcome.len ? ":" : "", outcome.len, outcome.data);

    return ngx_http_jobruns_variable_copy(r, v, (char *) buf, last - buf);
}


static jr_str_t
ngx_http_jobruns_variable_of(ngx_http_jobruns_attempt_t *a,
    ngx_http_jobruns_variable_e which)
{
    jr_str_t    none;
    ngx_uint_t  i;

    none.data = NULL;
    none.len = 0;

    switch (which) {

    case jobruns_var_outcome:
        return jr_outcome_name(a->outcome);

    case jobruns_var_tenant:
        return a->call.tenant;

    case jobruns_var_principal:
        return a->call.principal;

    case jobruns_var_token_hash:
        if (a->call.token.data != NULL && a->check.token_hash[0]) {
            return (jr_str_t) { JR_DIGEST_HEX, (char *) a->check.token_hash };
        }

        return none;

    case jobruns_var_limit:
        if (a->verdict == jobruns_verdict_limited) {
            return a->args.limits[a->reply.refusing].name;
        }

        /* or the one that would refuse, were it not a dry run */

        for (i = 0; i < a->reply.nstates; i++) {
            if (a->reply.states[i].state == JR_LIMIT_WOULD_REFUSE) {
                return a->args.limits[i].name;
            }
        }

        return none;

    case jobruns_var_run_key:
        return ngx_http_jobruns_str(a->run.key);

    case jobruns_var_original_request_id:
        return ngx_http_jobruns_str(a->run.original_id);

    default:
        return none;
    }
}


/* works without an attempt, as jobruns_tenant may be made of it */

static ngx_int_t
ngx_http_jobruns_variable_tenancy(ngx_http_request_t *r,
    ngx_http_variable_value_t *v, uintptr_t data)
{
    jr_status_e    rc;
    jr_identity_t  identity;

    (void) data;

    rc = JR_INVALID;

    if (r->headers_in.authorization != NULL) {
        rc = jr_identity_read(
                   ngx_http_jobruns_str(r->headers_in.authorization->value),
                   &identity);
    }

    /* for want of memory a retry must not become another tenant's */

    if (rc == JR_NO_MEMORY) {
        return NGX_ERROR;
    }

    if (rc != JR_OK) {
        v->not_found = 1;
        return NGX_OK;
    }

    return ngx_http_jobruns_variable_copy(r, v, identity.tenancy.data,
                                          identity.tenancy.len);
}


/* of a request that nobody has verified, also in a dry run: empty, but for why
   it is not */

static ngx_int_t
ngx_http_jobruns_variable_auth(ngx_http_request_t *r,
    ngx_http_variable_value_t *v, uintptr_t data)
{
    jr_str_t                  value;
    ngx_http_jobruns_ctx_t   *ctx;
    ngx_http_jobruns_auth_t  *auth;

    ctx = ngx_http_jobruns_attempt_get_ctx(r->main);
    auth = ctx ? ctx->auth : NULL;
    value = (jr_str_t) jr_str("");

    if (auth != NULL && auth->state == jobruns_auth_verified) {
        value = data == jobruns_var_auth ? auth->type
                : data == jobruns_var_verified_tenancy ? auth->tenancy
                                                       : auth->principal;

    } else if (auth != NULL && data == jobruns_var_auth) {
        value = ngx_http_jobruns_str(auth->failure);
    }

    if (value.len == 0) {
        v->not_found = 1;
        return NGX_OK;
    }

    return ngx_http_jobruns_variable_copy(r, v, value.data, value.len);
}


/*
 * What to send as Accept-Encoding: a kept answer must be readable by whoever
 * asks again, so a creation asks for identity, unless the client's signature
 * covers the header.  Allocates nothing, but for one that was sent in several
 * lines, which a signature covers as one: the proxy leaves out a header whose
 * variable it cannot have.
 */

static ngx_int_t
ngx_http_jobruns_variable_accept_encoding(ngx_http_request_t *r,
    ngx_http_variable_value_t *v, uintptr_t data)
{
    ngx_str_t                value;
    ngx_http_jobruns_ctx_t  *ctx;

    (void) data;

    ctx = ngx_http_jobruns_attempt_get_ctx(r->main);

    if (ctx != NULL && ctx->attempt != NULL
        && !jr_identity_signs(&ctx->attempt->call.identity, "accept-encoding"))
    {
        ngx_http_jobruns_variable_set(v, (u_char *) "identity",
                                      sizeof("identity") - 1);
        return NGX_OK;
    }

    if (ngx_http_jobruns_header_list_join(r,
                                  (jr_str_t) jr_str("accept-encoding"), &value)
        != NGX_OK)
    {
        return NGX_ERROR;
    }

    if (value.data == NULL) {
        v->not_found = 1;
        return NGX_OK;
    }

    ngx_http_jobruns_variable_set(v, value.data, value.len);

    return NGX_OK;
}


static ngx_int_t
ngx_http_jobruns_variable_copy(ngx_http_request_t *r,
    ngx_http_variable_value_t *v, const void *data, size_t len)
{
    u_char  *p;

    p = ngx_pnalloc(r->pool, len ? len : 1);
    if (p == NULL) {
        return NGX_ERROR;
    }

    ngx_memcpy(p, data, len);
    ngx_http_jobruns_variable_set(v, p, len);

    return NGX_OK;
}


/* of what lives as long as the request */

static void
ngx_http_jobruns_variable_set(ngx_http_variable_value_t *v, u_char *data,
    size_t len)
{
    v->data = data;
    v->len = (unsigned) len;
    v->valid = 1;
    v->no_cacheable = 0;
    v->not_found = 0;
}
