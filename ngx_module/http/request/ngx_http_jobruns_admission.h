/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Admission: asking Redis for the token and the limits in one call, and
 * waiting for replicas of the claim.
 */

#ifndef NGX_HTTP_JOBRUNS_ADMISSION_H_INCLUDED
#define NGX_HTTP_JOBRUNS_ADMISSION_H_INCLUDED

#include "ngx_http_jobruns.h"


/*
 * Asks for the verdict on an attempt; a->verdict is it, once NGX_OK is
 * returned or, behind NGX_AGAIN, handed to ngx_http_jobruns_flow_wake().
 * NGX_ERROR: no memory.
 */
ngx_int_t ngx_http_jobruns_admission_begin(ngx_http_request_t *r,
    ngx_http_jobruns_attempt_t *a);

/* The same once more, with what begin() has made. */
ngx_int_t ngx_http_jobruns_admission_ask(ngx_http_request_t *r,
    ngx_http_jobruns_attempt_t *a);

/*
 * The verdict is "unavailable": may the attempt be forwarded without one, by
 * jobruns_redis_failure?  Logs it, and marks the attempt as unprotected.
 */
ngx_uint_t ngx_http_jobruns_admission_allowed(ngx_http_jobruns_attempt_t *a);


#endif /* NGX_HTTP_JOBRUNS_ADMISSION_H_INCLUDED */
