/*
 * The held answer: storing it, and finding in it what is kept.
 */

#ifndef NGX_HTTP_JOBRUNS_HELD_H_INCLUDED
#define NGX_HTTP_JOBRUNS_HELD_H_INCLUDED

#include "ngx_http_jobruns.h"


/* NGX_DECLINED: more than may be held */
ngx_int_t ngx_http_jobruns_held_store(ngx_http_request_t *r,
    ngx_http_jobruns_attempt_t *a, ngx_buf_t *b);

/* what is kept of a 2xx; the strings stay where they are */
void ngx_http_jobruns_held_capture(ngx_http_request_t *r,
    ngx_http_jobruns_attempt_t *a);

/* may the held JSON of an error pass: is it whole and, of a refusal, has it
   the code that SDKs look for? */
ngx_uint_t ngx_http_jobruns_held_error(ngx_http_request_t *r,
    ngx_http_jobruns_attempt_t *a);


#endif /* NGX_HTTP_JOBRUNS_HELD_H_INCLUDED */
