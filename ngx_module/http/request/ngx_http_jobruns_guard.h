/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The guard of the exit: what NGINX has built to send is looked at when it
 * chooses a peer, before the first byte leaves.
 */

#ifndef NGX_HTTP_JOBRUNS_GUARD_H_INCLUDED
#define NGX_HTTP_JOBRUNS_GUARD_H_INCLUDED

#include "ngx_http_jobruns.h"


/* an upstream and what NGINX, or a balancer, would call to choose a peer */
typedef struct {
    ngx_http_upstream_srv_conf_t  *upstream;
    ngx_http_upstream_init_peer_pt init;
} ngx_http_jobruns_peer_t;


/*
 * Stands before peer.init of every upstream of the configuration.  Called at
 * postconfiguration, when every balancer has set its own; fails for want of
 * memory alone.  Does nothing where no server has `jobruns on`.
 */
ngx_int_t ngx_http_jobruns_guard_init(ngx_conf_t *cf);

/*
 * Is what r->upstream is about to send to be looked at?  0: it may leave, as a
 * GET that is sent as one.  Logs and changes nothing.
 */
ngx_uint_t ngx_http_jobruns_guard_reads(ngx_http_request_t *r);

/*
 * Asks whether what r->upstream is about to send may leave.  NGX_ERROR: it
 * may not; that is logged, and marked in the attempt.
 */
ngx_int_t ngx_http_jobruns_guard(ngx_http_request_t *r);

/*
 * The guard has stopped this request, and error_page or NGINX's own page
 * brings it back: makes r->err_status what its client is to be given.
 */
void ngx_http_jobruns_guard_status(ngx_http_request_t *r,
    ngx_http_jobruns_attempt_t *a);


#endif /* NGX_HTTP_JOBRUNS_GUARD_H_INCLUDED */
