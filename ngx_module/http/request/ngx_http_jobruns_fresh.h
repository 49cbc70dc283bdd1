/* SPDX-License-Identifier: BSD-2-Clause
 *
 * A fresh connection for each creation.
 */

#ifndef NGX_HTTP_JOBRUNS_FRESH_H_INCLUDED
#define NGX_HTTP_JOBRUNS_FRESH_H_INCLUDED

#include "ngx_http_jobruns_guard.h"


/*
 * Called behind peer.init for what r->upstream is about to send.  A creation
 * goes out on a new connection, or on one from a cache of its upstream that
 * idled for at most keepalive (ms; 0: always a new one) and is not closed by
 * the service.  What is not a creation uses connections as configured, and
 * with a keepalive is noted as the last that used one.  NGX_ERROR: no memory.
 */
ngx_int_t ngx_http_jobruns_fresh_peer(ngx_http_request_t *r,
    ngx_msec_t keepalive, ngx_uint_t creation);


#endif /* NGX_HTTP_JOBRUNS_FRESH_H_INCLUDED */
