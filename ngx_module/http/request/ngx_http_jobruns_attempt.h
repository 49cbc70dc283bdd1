/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The context of a request and its attempt, and what was exchanged with the
 * service.
 */

#ifndef NGX_HTTP_JOBRUNS_ATTEMPT_H_INCLUDED
#define NGX_HTTP_JOBRUNS_ATTEMPT_H_INCLUDED

#include "ngx_http_jobruns.h"


/* the context, also after a redirect; NULL if there is none */
ngx_http_jobruns_ctx_t *ngx_http_jobruns_attempt_get_ctx(ngx_http_request_t *r);
ngx_http_jobruns_ctx_t *ngx_http_jobruns_attempt_create_ctx(
    ngx_http_request_t *r);

ngx_int_t ngx_http_jobruns_attempt_create(ngx_http_request_t *r,
    ngx_http_jobruns_ctx_t *ctx, jr_path_t *path);

/*
 * The status with which NGINX has refused a request that came as a POST,
 * before it was looked at, whatever error_page made of it since; where that
 * took the status away, 503, 401 or 403.  0: it has not.
 */
ngx_uint_t ngx_http_jobruns_attempt_refused_status(ngx_http_request_t *r);

/* an attempt for the audit of a creation that NGINX refuses before our phase:
   a body too large, auth_request, limit_req */
ngx_int_t ngx_http_jobruns_attempt_refused(ngx_http_request_t *r,
    ngx_http_jobruns_ctx_t *ctx);

/* false once error_page or a redirect has given the request another method
   or URI: what then answers it says nothing of the creation */
ngx_uint_t ngx_http_jobruns_attempt_is_creation(ngx_http_request_t *r,
    ngx_http_jobruns_attempt_t *a);

/* whether a peer was chosen and got a byte, from r->upstream_states alone */
void ngx_http_jobruns_attempt_read_exchange(ngx_http_request_t *r,
    ngx_http_jobruns_attempt_t *a);

/* The request ends: sets the outcome that neither an answer nor the filters
   have set. */
void ngx_http_jobruns_attempt_outcome(ngx_http_request_t *r,
    ngx_http_jobruns_attempt_t *a);

#endif /* NGX_HTTP_JOBRUNS_ATTEMPT_H_INCLUDED */
