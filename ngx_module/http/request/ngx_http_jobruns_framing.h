/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Where the body of a held answer ends, and whether it ended well.
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


#endif /* NGX_HTTP_JOBRUNS_FRAMING_H_INCLUDED */
