/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Settings of proxy_pass that would break a promise beside `jobruns on`:
 * forwarding twice, hiding the service's answer, changing what the client
 * signed.  `nginx -t` refuses them, each with the line that fixes it, and the
 * guard where a creation leaves by a location that nobody could check.
 */

#ifndef NGX_HTTP_JOBRUNS_CONFLICTS_H_INCLUDED
#define NGX_HTTP_JOBRUNS_CONFLICTS_H_INCLUDED

#include "ngx_http_jobruns.h"


/* what a setting of proxy_pass breaks */
typedef struct {
    const char                    *found;
    const char                    *why;
    const char                    *mend;
    const char                    *exit;      /* what the guard says of it */
} ngx_http_jobruns_conflict_t;


/* a location, or what is merged like one, to be looked at when all is */
typedef struct {
    ngx_http_jobruns_loc_conf_t   *conf;
    ngx_http_jobruns_srv_conf_t   *server;
    ngx_http_core_loc_conf_t      *core;
    void                         **loc_conf;
    ngx_str_t                      name;      /* of the server */
} ngx_http_jobruns_location_t;


/* what of a location's proxy_pass breaks a promise; NULL: nothing does */
const ngx_http_jobruns_conflict_t *ngx_http_jobruns_conflicts_find(
    ngx_http_upstream_conf_t *u);

/*
 * The same for a location without `jobruns`, where only what somebody has set
 * counts, and not what any location for other requests may have: NGINX's
 * defaults, error pages, a cache of GETs.  asked: auth_request may lead there,
 * whose request has no body.
 */
const ngx_http_jobruns_conflict_t *ngx_http_jobruns_conflicts_find_unset(
    ngx_http_upstream_conf_t *u, ngx_uint_t asked);

/* client_max_body_size; NULL: it is in order */
const ngx_http_jobruns_conflict_t *ngx_http_jobruns_conflicts_body(
    ngx_http_core_loc_conf_t *clcf);

/* logs what does not go together; returns NGX_ERROR */
ngx_int_t ngx_http_jobruns_conflicts_refuse(ngx_conf_t *cf,
    ngx_http_jobruns_location_t *loc,
    const ngx_http_jobruns_conflict_t *conflict);


#endif /* NGX_HTTP_JOBRUNS_CONFLICTS_H_INCLUDED */
