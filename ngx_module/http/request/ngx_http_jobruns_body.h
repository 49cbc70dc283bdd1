/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The body: gathered, parsed, checked against the schema, and turned into
 * the fingerprint by which a retry is known as the same request.
 */

#ifndef NGX_HTTP_JOBRUNS_BODY_H_INCLUDED
#define NGX_HTTP_JOBRUNS_BODY_H_INCLUDED

#include "ngx_http_jobruns.h"


/*
 * Checks the body that NGINX has read: at once, or in a thread (NGX_AGAIN,
 * then ngx_http_jobruns_flow_wake()).  NGX_OK: ngx_http_jobruns_body_take()
 * is to be called next; NGX_DECLINED: refused, the answer is made; NGX_ERROR:
 * no memory, or the body cannot be read.
 */
ngx_int_t ngx_http_jobruns_body_check(ngx_http_request_t *r,
    ngx_http_jobruns_attempt_t *a);

/* Takes over what the check has found, in the turn of the event loop in which
   it ended; NGX_DECLINED and NGX_ERROR as above. */
ngx_int_t ngx_http_jobruns_body_take(ngx_http_request_t *r,
    ngx_http_jobruns_attempt_t *a);


#endif /* NGX_HTTP_JOBRUNS_BODY_H_INCLUDED */
