/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Suspensions of a request, of three kinds.
 */

#ifndef NGX_HTTP_JOBRUNS_PARK_H_INCLUDED
#define NGX_HTTP_JOBRUNS_PARK_H_INCLUDED

#include "ngx_http_jobruns.h"


typedef enum {
    jobruns_parked_not = 0,
    jobruns_parked_blocked,     /* an operation is under way, the handlers are
                                   ours: before the content handler, or with
                                   an answer of our own */
    jobruns_parked_watched,     /* nothing is but a timer, or what others are
                                   told; a client that leaves ends it */
    jobruns_parked_filter       /* blocked and buffered inside NGINX's output
                                   filters, the handlers are NGINX's */
} ngx_http_jobruns_parked_e;


/* Begins a suspension; a watched request may be finalized when it returns. */
void ngx_http_jobruns_park(ngx_http_request_t *r,
    ngx_http_jobruns_parked_e kind);

/*
 * Ends it.  NGX_ABORT: NGINX has terminated the request meanwhile, and its
 * finalizer is the write handler.  Of what is parked inside the filters only
 * c->error tells so.
 */
ngx_int_t ngx_http_jobruns_park_end(ngx_http_request_t *r,
    ngx_http_jobruns_parked_e kind);

/*
 * A suspension inside the filters has ended for good: has the held answer
 * sent, or with NGX_ERROR ends the request.  overflow: some of the answer is
 * in buffers of the upstream.
 */
void ngx_http_jobruns_park_release(ngx_http_request_t *r, ngx_int_t rc,
    ngx_uint_t overflow);


#endif /* NGX_HTTP_JOBRUNS_PARK_H_INCLUDED */
