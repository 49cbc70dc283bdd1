/*
 * Where requests come in: recognising createJobRun, the request id, and what
 * headers alone decide.
 */

#ifndef NGX_HTTP_JOBRUNS_HANDLER_H_INCLUDED
#define NGX_HTTP_JOBRUNS_HANDLER_H_INCLUDED

#include "ngx_http_jobruns.h"


ngx_int_t ngx_http_jobruns_handler(ngx_http_request_t *r);

/* of the log phase */
ngx_int_t ngx_http_jobruns_handler_log(ngx_http_request_t *r);

/* the context, also after a redirect; NULL if there is none */
ngx_http_jobruns_ctx_t *ngx_http_jobruns_get_ctx(ngx_http_request_t *r);
ngx_http_jobruns_ctx_t *ngx_http_jobruns_create_ctx(ngx_http_request_t *r);


#endif /* NGX_HTTP_JOBRUNS_HANDLER_H_INCLUDED */
