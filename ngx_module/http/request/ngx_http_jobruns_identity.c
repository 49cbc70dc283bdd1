/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Who asks: tenant and principal of an attempt, from the configuration's
 * values or from the Authorization header, and what seals a token's
 * fingerprint where there is no principal.
 */

#include "ngx_http_jobruns.h"
#include "ngx_http_jobruns_identity.h"
#include "ngx_http_jobruns_log.h"

#include "jr_seal.h"


static ngx_uint_t ngx_http_jobruns_identity_is_nothing(
    ngx_http_complex_value_t *cv);
static ngx_int_t ngx_http_jobruns_identity_header(ngx_http_request_t *r,
    ngx_http_jobruns_attempt_t *a);
static void ngx_http_jobruns_identity_verified(ngx_http_jobruns_auth_t *auth,
    jr_identity_t *identity);
static ngx_int_t ngx_http_jobruns_identity_value(ngx_http_request_t *r,
    ngx_http_complex_value_t *cv, size_t fixed, jr_str_t otherwise,
    jr_str_t *value);


/* once for each value, however many locations inherit it, and in whatever
   order they do */

ngx_int_t
ngx_http_jobruns_identity_check(ngx_conf_t *cf,
    ngx_http_jobruns_loc_conf_t *conf)
{
    ngx_uint_t                      i;
    ngx_http_complex_value_t       *value, **warned;
    ngx_http_jobruns_main_conf_t   *jmcf;

    if (ngx_http_jobruns_identity_is_nothing(conf->tenant)
        || ngx_http_jobruns_identity_is_nothing(conf->principal))
    {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "invalid value \"\" of \"%s\": expected a variable "
                           "or a name; with an empty one every creation gets "
                           "401",
                           ngx_http_jobruns_identity_is_nothing(conf->tenant)
                           ? "jobruns_tenant" : "jobruns_principal");
        return NGX_ERROR;
    }

    /* with jobruns_auth the other one is verified as well */

    if ((conf->tenant == NULL) == (conf->principal == NULL)
        || conf->auth.mode >= jobruns_auth_on)
    {
        return NGX_OK;
    }

    jmcf = ngx_http_conf_get_module_main_conf(cf, ngx_http_jobruns_module);

    value = conf->tenant ? conf->tenant : conf->principal;

    if (jmcf->half_identities.elts == NULL
        && ngx_array_init(&jmcf->half_identities, cf->pool, 1,
                          sizeof(ngx_http_complex_value_t *))
           != NGX_OK)
    {
        return NGX_ERROR;
    }

    warned = jmcf->half_identities.elts;

    for (i = 0; i < jmcf->half_identities.nelts; i++) {
        if (warned[i] == value) {
            return NGX_OK;
        }
    }

    warned = ngx_array_push(&jmcf->half_identities);
    if (warned == NULL) {
        return NGX_ERROR;
    }

    *warned = value;

    ngx_conf_log_error(NGX_LOG_WARN, cf, 0,
                       "\"%s %V\" is set without \"%s\", which is read "
                       "from the Authorization header that nobody has "
                       "verified; set both from the same source",
                       conf->tenant ? "jobruns_tenant" : "jobruns_principal",
                       &value->value,
                       conf->tenant ? "jobruns_principal" : "jobruns_tenant");

    return NGX_OK;
}


/* a constant without a character */

static ngx_uint_t
ngx_http_jobruns_identity_is_nothing(ngx_http_complex_value_t *cv)
{
    return cv != NULL && cv->lengths == NULL && cv->value.len == 0;
}


size_t
ngx_http_jobruns_identity_fixed(ngx_http_complex_value_t *cv)
{
    size_t   n;
    u_char  *p, *last;

    if (cv == NULL || cv->lengths == NULL) {
        return 0;
    }

    /* as ngx_http_script_compile() has read it, which refuses a "$" alone and
       a "{" without its "}" */

    n = 0;
    last = cv->value.data + cv->value.len;

    for (p = cv->value.data; p < last; /* void */) {

        if (*p++ != '$') {
            n++;
            continue;
        }

        if (p < last && *p >= '1' && *p <= '9') {
            /* a capture is one digit */
            p++;

        } else if (p < last && *p == '{') {
            while (p < last && *p++ != '}') { /* void */ }

        } else {
            while (p < last
                   && ((*p >= 'A' && *p <= 'Z') || (*p >= 'a' && *p <= 'z')
                       || (*p >= '0' && *p <= '9') || *p == '_'))
            {
                p++;
            }
        }
    }

    return n;
}


ngx_int_t
ngx_http_jobruns_identity_read(ngx_http_request_t *r,
    ngx_http_jobruns_attempt_t *a)
{
    u_char                   *buf;
    jr_str_t                  otherwise, value;
    ngx_int_t                 rc_tenant, rc_principal;
    ngx_http_jobruns_auth_t  *auth;

    auth = a->ctx->auth;

    if (auth != NULL && auth->state == jobruns_auth_verified) {
        ngx_http_jobruns_identity_verified(auth, &a->call.identity);

    } else if (ngx_http_jobruns_identity_header(r, a) != NGX_OK) {
        return NGX_ERROR;
    }

    otherwise = a->call.identity.tenancy.len ? a->call.identity.tenancy
                                             : a->call.path.platform;

    rc_tenant = ngx_http_jobruns_identity_value(r, a->conf->tenant,
                                                a->conf->tenant_fixed,
                                                otherwise, &value);
    rc_principal = ngx_http_jobruns_identity_value(r, a->conf->principal,
                                                   a->conf->principal_fixed,
                                                   a->call.identity.principal,
                                                   &a->call.principal);

    if (rc_tenant == NGX_ERROR || rc_principal == NGX_ERROR) {
        return NGX_ERROR;
    }

    if (rc_tenant == NGX_DECLINED || rc_principal == NGX_DECLINED) {
        /* half an identity is none */
        a->call.principal = (jr_str_t) { 0, NULL };
        return NGX_DECLINED;
    }

    if (value.len == 0) {
        /* a path without a platform is refused anyway */
        return NGX_OK;
    }

    buf = ngx_pnalloc(r->pool, JR_NAME_DIGEST);
    if (buf == NULL) {
        return NGX_ERROR;
    }

    return jr_identity_name(value, (char *) buf, &a->call.tenant) == JR_OK
           ? NGX_OK : NGX_ERROR;
}


/* whom the header names, whether that is true or not */

static ngx_int_t
ngx_http_jobruns_identity_header(ngx_http_request_t *r,
    ngx_http_jobruns_attempt_t *a)
{
    jr_status_e  rc;

    if (r->headers_in.authorization == NULL) {
        return NGX_OK;
    }

    rc = jr_identity_read(
                   ngx_http_jobruns_str(r->headers_in.authorization->value),
                   &a->call.identity);

    if (rc == JR_NO_MEMORY) {
        return NGX_ERROR;
    }

    if (rc == JR_INVALID) {
        ngx_log_error(NGX_LOG_INFO, r->connection->log, 0,
                      jr_str_eq(a->call.identity.auth_type, "token", 5)
                      ? "jobruns: the session token (ST$) in the keyId of the "
                        "Authorization header cannot be read or has no claim "
                        "of a tenancy; the tenant is the aiDataPlatformId, "
                        "unless jobruns_tenant says otherwise"
                      : "jobruns: the Authorization header has no keyId that "
                        "names a tenancy; the tenant is the aiDataPlatformId, "
                        "unless jobruns_tenant says otherwise");
    }

    return NGX_OK;
}


/* as jr_identity_read() has it; a token is not decoded once more */

static void
ngx_http_jobruns_identity_verified(ngx_http_jobruns_auth_t *auth,
    jr_identity_t *identity)
{
    identity->auth_type = auth->type;
    identity->tenancy = auth->tenancy;
    identity->principal = auth->principal;
    identity->signed_headers = auth->names;
    identity->credential = jr_str_eq(auth->type, "token", 5)
                           ? (jr_str_t) jr_str("ST$") : auth->key_id;
}


void
ngx_http_jobruns_identity_nobody(ngx_http_jobruns_attempt_t *a)
{
    ngx_http_jobruns_log(a, jobruns_log_nobody, NGX_LOG_WARN,
                         "the value of \"jobruns_tenant\" or "
                         "\"jobruns_principal\" is empty and the request is "
                         "answered 401; look at what sets it (auth_request_"
                         "set, map, a header of the verifier)");
}


/*
 * What the directive's value says, or the header where there is no directive.
 * NGX_DECLINED: the value is empty, or so are all variables in it: of
 * "user-$verified" only "user-" would be left, one principal for everybody.
 * Whoever configured one trusts it alone, so the header, which nobody has
 * verified, never stands in for it.
 */

static ngx_int_t
ngx_http_jobruns_identity_value(ngx_http_request_t *r,
    ngx_http_complex_value_t *cv, size_t fixed, jr_str_t otherwise,
    jr_str_t *value)
{
    ngx_str_t  text;

    if (cv == NULL) {
        *value = otherwise;
        return NGX_OK;
    }

    if (ngx_http_complex_value(r, cv, &text) != NGX_OK) {
        return NGX_ERROR;
    }

    *value = ngx_http_jobruns_str(text);

    return text.len > fixed ? NGX_OK : NGX_DECLINED;
}


ngx_int_t
ngx_http_jobruns_identity_seal(ngx_http_request_t *r, jr_digest_t *seal)
{
    jr_str_t  value;

    value = (jr_str_t) jr_str("");

    if (r->headers_in.authorization != NULL) {
        value = ngx_http_jobruns_str(r->headers_in.authorization->value);
    }

    return jr_seal(value, seal) == JR_OK ? NGX_OK : NGX_ERROR;
}
