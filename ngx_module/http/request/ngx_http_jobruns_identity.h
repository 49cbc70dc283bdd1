/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Who asks, as it counts for limits and the scope of tokens: verified where
 * jobruns_auth is on, else as the request says.
 */

#ifndef NGX_HTTP_JOBRUNS_IDENTITY_H_INCLUDED
#define NGX_HTTP_JOBRUNS_IDENTITY_H_INCLUDED

#include "ngx_http_jobruns.h"


/*
 * Warns of a jobruns_tenant without a jobruns_principal, and the reverse, once
 * for each place where it is set.  NGX_ERROR: no memory.
 */
ngx_int_t ngx_http_jobruns_identity_check(ngx_conf_t *cf,
    ngx_http_jobruns_loc_conf_t *conf);

/*
 * Length of a value's text without its variables, which is what is left where
 * all of them are empty; 0 of a constant and of NULL.
 */
size_t ngx_http_jobruns_identity_fixed(ngx_http_complex_value_t *cv);

/*
 * Sets tenant and principal of a, in the request's pool.
 * NGX_DECLINED: jobruns_tenant or jobruns_principal is configured and empty
 * for this request; both are empty then.
 */
ngx_int_t ngx_http_jobruns_identity_read(ngx_http_request_t *r,
    ngx_http_jobruns_attempt_t *a);

/* Logs that a configured one is empty, and the request gets 401. */
void ngx_http_jobruns_identity_nobody(ngx_http_jobruns_attempt_t *a);

/* What seals the fingerprint of a request that has no principal. */
ngx_int_t ngx_http_jobruns_identity_seal(ngx_http_request_t *r,
    jr_digest_t *seal);


#endif /* NGX_HTTP_JOBRUNS_IDENTITY_H_INCLUDED */
