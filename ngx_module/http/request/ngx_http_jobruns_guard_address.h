/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The guard of the exit where proxy_pass, or another *_pass, has variables.
 */

#ifndef NGX_HTTP_JOBRUNS_GUARD_ADDRESS_H_INCLUDED
#define NGX_HTTP_JOBRUNS_GUARD_ADDRESS_H_INCLUDED

#include "ngx_http_jobruns_guard.h"


/*
 * Stands before the choice of an address that the variables of a *_pass turn
 * out to hold.  u is of a location of the new configuration, merged, of any
 * module whose own configuration begins with it; one that has a name without
 * variables is left as it is.  Called before postconfiguration; fails for
 * want of memory alone.
 */
ngx_int_t ngx_http_jobruns_guard_address(ngx_conf_t *cf,
    ngx_http_upstream_conf_t *u);

/*
 * Sorts the upstreams of the configuration by their hosts, for the look-up of
 * what variables hold.  Called at postconfiguration, when all are there; fails
 * for want of memory alone.
 */
ngx_int_t ngx_http_jobruns_guard_address_names(ngx_conf_t *cf);


#endif /* NGX_HTTP_JOBRUNS_GUARD_ADDRESS_H_INCLUDED */
