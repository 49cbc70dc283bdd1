/*
 * The body: gathered, parsed, checked against the schema, and turned into
 * the fingerprint by which a retry is known as the same request.
 */

#ifndef NGX_HTTP_JOBRUNS_BODY_H_INCLUDED
#define NGX_HTTP_JOBRUNS_BODY_H_INCLUDED

#include "ngx_http_jobruns.h"


void ngx_http_jobruns_body_handler(ngx_http_request_t *r);

/* bytes of the body that NGINX has read, wherever they are */
off_t ngx_http_jobruns_body_length(ngx_http_request_t *r);

/* flags of jr_body_read() for an attempt */
unsigned ngx_http_jobruns_body_flags(ngx_http_jobruns_attempt_t *a);

/* goes on with a body that has been read: to admission, or to a refusal; the
   request may be gone afterwards */
void ngx_http_jobruns_body_checked(ngx_http_request_t *r,
    ngx_http_jobruns_attempt_t *a, jr_body_t *body);


#endif /* NGX_HTTP_JOBRUNS_BODY_H_INCLUDED */
