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
 * The guard has stopped this request, and error_page or NGINX's own page
 * brings it back: makes r->err_status what its client is to be given.
 */
void ngx_http_jobruns_guard_status(ngx_http_request_t *r,
    ngx_http_jobruns_attempt_t *a);

/*
 * Stands before the choice of an address that the variables of a *_pass turn
 * out to hold.  u is of a location of the new configuration, merged, of any
 * module whose own configuration begins with it; one that has a name without
 * variables is left as it is.  Called before postconfiguration; fails for
 * want of memory alone.
 */
ngx_int_t ngx_http_jobruns_guard_address(ngx_conf_t *cf,
    ngx_http_upstream_conf_t *u);


#endif /* NGX_HTTP_JOBRUNS_GUARD_H_INCLUDED */
