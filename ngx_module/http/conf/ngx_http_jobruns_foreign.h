/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Other modules' configuration, as far as `nginx -t` looks at it.
 */

#ifndef NGX_HTTP_JOBRUNS_FOREIGN_H_INCLUDED
#define NGX_HTTP_JOBRUNS_FOREIGN_H_INCLUDED

#include "ngx_http_jobruns_conflicts.h"


/* proxy_pass, fastcgi_pass, grpc_pass, scgi_pass, uwsgi_pass */
#define NGX_HTTP_JOBRUNS_PASSES  5


typedef struct {
    ngx_module_t                  *module;    /* NULL: NGINX has none */
    ngx_http_handler_pt            handler;   /* that its setter leaves */
} ngx_http_jobruns_pass_t;


/* where the modules of this NGINX keep what is looked at; an offset of
   NGX_CONF_UNSET_SIZE: they do not have it */
typedef struct {
    ngx_module_t                  *proxy;
    ngx_module_t                  *tunnel;    /* begins as `*_pass` do */
    ngx_module_t                  *mirror;
    ngx_module_t                  *auth;      /* auth_request; its URI is the
                                                 first of its configuration */
    ngx_module_t                  *access;    /* allow and deny; the rules for
                                                 IPv4 are its first, and "all"
                                                 is among them */
    ngx_module_t                  *basic;
    ngx_http_jobruns_pass_t        passes[NGX_HTTP_JOBRUNS_PASSES];
    size_t                         headers;   /* of proxy_set_header */
    size_t                         method;
    size_t                         http_version;
    size_t                         body;
    size_t                         mirrors;
    size_t                         realm;     /* of auth_basic */
} ngx_http_jobruns_foreign_t;


/* finds modules by name, offsets in their tables of directives */
ngx_int_t ngx_http_jobruns_foreign_init(ngx_conf_t *cf,
    ngx_http_jobruns_foreign_t *foreign);

/* puts the guard before addresses that variables of a `*_pass` may hold, in
   any location of a guarded server; NGX_ERROR: no memory */
ngx_int_t ngx_http_jobruns_foreign_guard(ngx_conf_t *cf,
    ngx_http_jobruns_foreign_t *foreign, ngx_http_jobruns_location_t *loc);

/* has the location proxy_pass, of its own or from the one around it? */
ngx_uint_t ngx_http_jobruns_foreign_proxies(
    ngx_http_jobruns_foreign_t *foreign, ngx_http_jobruns_location_t *loc);

/* may the URI of auth_request, if the location has one, lead to another? */
ngx_uint_t ngx_http_jobruns_foreign_asks(ngx_http_jobruns_foreign_t *foreign,
    ngx_http_jobruns_location_t *loc, ngx_http_core_loc_conf_t *other);

/* does anything in the location ask who sends a request? */
ngx_uint_t ngx_http_jobruns_foreign_restricted(
    ngx_http_jobruns_foreign_t *foreign, ngx_http_jobruns_location_t *loc);

/* NGX_ERROR after saying what does not go together */
ngx_int_t ngx_http_jobruns_foreign_check(ngx_conf_t *cf,
    ngx_http_jobruns_foreign_t *foreign, ngx_http_jobruns_location_t *loc);


#endif /* NGX_HTTP_JOBRUNS_FOREIGN_H_INCLUDED */
