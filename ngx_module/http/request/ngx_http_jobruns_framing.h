/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Where bodies end, towards the service and from it, and whether they ended
 * well.
 */

#ifndef NGX_HTTP_JOBRUNS_FRAMING_H_INCLUDED
#define NGX_HTTP_JOBRUNS_FRAMING_H_INCLUDED

#include "ngx_http_jobruns.h"


/* makes broken chunks of the upstream an answer that broke off; called with
   its header, before NGINX selects the filters of its body */
void ngx_http_jobruns_framing_watch(ngx_http_request_t *r,
    ngx_http_jobruns_attempt_t *a);

/* is the held body of a 2xx cut off?  Looked into where nothing but the end of
   the connection has told its end, or its Content-Length was exceeded */
ngx_uint_t ngx_http_jobruns_framing_cut(ngx_http_request_t *r,
    ngx_http_jobruns_attempt_t *a);

/* does the service's header contradict itself about the length of its body? */
ngx_uint_t ngx_http_jobruns_framing_invalid(ngx_http_request_t *r);

/*
 * Stands before the proxy's variable, in all locations: what passes through
 * beside creations must not smuggle one either.  Called at postconfiguration,
 * before ngx_http_variables_init_vars() binds names to handlers.
 */
void ngx_http_jobruns_framing_init(ngx_conf_t *cf);


#endif /* NGX_HTTP_JOBRUNS_FRAMING_H_INCLUDED */
