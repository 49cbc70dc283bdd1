/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Headers of responses, and errors as JSON, {"code":"...","message":"..."}.
 */

#ifndef NGX_HTTP_JOBRUNS_RESPONSE_H_INCLUDED
#define NGX_HTTP_JOBRUNS_RESPONSE_H_INCLUDED

#include "ngx_http_jobruns.h"


/* makes headers_out those of the kept answer of a */
ngx_int_t ngx_http_jobruns_response_replay(ngx_http_request_t *r,
    ngx_http_jobruns_attempt_t *a);

/* opc-request-id, RateLimit and so on */
ngx_int_t ngx_http_jobruns_response_headers(ngx_http_request_t *r,
    ngx_http_jobruns_ctx_t *ctx);

/* Makes headers_out those of a JSON error, with the headers that still apply,
   and *body its text in the request's pool.  NGX_ERROR: no memory. */
ngx_int_t ngx_http_jobruns_response_error(ngx_http_request_t *r,
    ngx_uint_t status, jr_str_t code, jr_str_t message, ngx_str_t *body);

/* the error is worded by an error_page of the operator's, not by NGINX */
ngx_uint_t ngx_http_jobruns_response_is_operators(ngx_http_request_t *r);

/* NGINX's own error page becomes ctx->error */
ngx_int_t ngx_http_jobruns_response_error_page(ngx_http_request_t *r,
    ngx_http_jobruns_ctx_t *ctx);


#endif /* NGX_HTTP_JOBRUNS_RESPONSE_H_INCLUDED */
