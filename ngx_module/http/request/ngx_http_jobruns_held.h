/* SPDX-License-Identifier: BSD-2-Clause
 *
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

/*
 * Is the answer to be one of our own, as its header says?  SDKs need the code
 * of an error: a page of some proxy in front of the service gives way to ours.
 */
ngx_uint_t ngx_http_jobruns_held_replaced(ngx_http_request_t *r,
    ngx_http_jobruns_attempt_t *a);

/*
 * What comes while an answer that is too large waits to be settled stays in
 * the upstream's own buffers.  c->write->delayed keeps the event pipe from
 * asking again and again whether we take more
 * (ngx_event_pipe_write_to_downstream()).
 */
ngx_int_t ngx_http_jobruns_held_overflow(ngx_http_request_t *r,
    ngx_http_jobruns_attempt_t *a, ngx_chain_t *in);

/* Takes buffers as read, so that the upstream has them again. */
void ngx_http_jobruns_held_consume(ngx_chain_t *in);

/* may the held JSON of an error pass: is it whole and, of a refusal, has it
   the code that SDKs look for? */
ngx_uint_t ngx_http_jobruns_held_error(ngx_http_request_t *r,
    ngx_http_jobruns_attempt_t *a);


#endif /* NGX_HTTP_JOBRUNS_HELD_H_INCLUDED */
