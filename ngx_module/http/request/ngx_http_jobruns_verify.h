/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Where a request is verified (http/auth/), and what one that is not gets.
 */

#ifndef NGX_HTTP_JOBRUNS_VERIFY_H_INCLUDED
#define NGX_HTTP_JOBRUNS_VERIFY_H_INCLUDED

#include "ngx_http_jobruns.h"


/* A creation, by its headers.  NGX_DECLINED: it is to be refused as
   ngx_http_jobruns_verify_status() and ctx->auth->message say. */
ngx_int_t ngx_http_jobruns_verify_head(ngx_http_request_t *r,
    ngx_http_jobruns_attempt_t *a);

/* waits for its body */
ngx_uint_t ngx_http_jobruns_verify_waits(ngx_http_jobruns_attempt_t *a);

/* The length of its body is known, a->check.len: identity.c has whose it is
   then.  NGX_DECLINED: the answer is made. */
ngx_int_t ngx_http_jobruns_verify_length(ngx_http_request_t *r,
    ngx_http_jobruns_attempt_t *a);

/* What is signed of its body; NULL: nothing has to be. */
const jr_signature_body_t *ngx_http_jobruns_verify_body(
    ngx_http_jobruns_attempt_t *a);

/* Its body is another one than that, or cannot be compared:
   a->check.unsigned_body.  NGX_DECLINED: the answer is made; NGX_OK: it is a
   dry run. */
ngx_int_t ngx_http_jobruns_verify_other_body(ngx_http_request_t *r,
    ngx_http_jobruns_attempt_t *a);

/* A request that is no creation (jobruns_auth all).  NGX_OK: it goes on;
   NGX_DONE: it is answered. */
ngx_int_t ngx_http_jobruns_verify_other(ngx_http_request_t *r,
    ngx_http_jobruns_ctx_t *ctx, ngx_http_jobruns_auth_conf_t *conf);

/* The status of the refusal, for which it adds the header that it needs.
   NGX_ERROR: no memory. */
ngx_int_t ngx_http_jobruns_verify_status(ngx_http_request_t *r,
    ngx_http_jobruns_auth_t *auth);


#endif /* NGX_HTTP_JOBRUNS_VERIFY_H_INCLUDED */
