/* SPDX-License-Identifier: BSD-2-Clause
 *
 * A connection of its own for each creation.
 */

#ifndef NGX_HTTP_JOBRUNS_FRESH_H_INCLUDED
#define NGX_HTTP_JOBRUNS_FRESH_H_INCLUDED

#include "ngx_http_jobruns_guard.h"


/*
 * Makes the creation that r->upstream is about to send go out on a connection
 * that was not used before, whatever cache its upstream has.  Called behind
 * peer.init; fails for want of memory alone.
 */
ngx_int_t ngx_http_jobruns_fresh_peer(ngx_http_request_t *r);


#endif /* NGX_HTTP_JOBRUNS_FRESH_H_INCLUDED */
