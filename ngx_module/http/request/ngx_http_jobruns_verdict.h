/* SPDX-License-Identifier: BSD-2-Clause
 *
 * A verdict that many attempts are given: one copy, counted by those who use
 * it, of what ngx_http_jobruns_reply_verdict() makes of a reply.
 */

#ifndef NGX_HTTP_JOBRUNS_VERDICT_H_INCLUDED
#define NGX_HTTP_JOBRUNS_VERDICT_H_INCLUDED

#include "ngx_http_jobruns.h"


typedef struct ngx_http_jobruns_verdict_s  ngx_http_jobruns_verdict_t;


/* Copies that of an attempt; the caller has one reference.  NULL: no memory */
ngx_http_jobruns_verdict_t *ngx_http_jobruns_verdict_of(
    ngx_http_jobruns_attempt_t *a);

/*
 * The replay of an answer as it is stored (jr_answer.h; copied), which the
 * attempt with this request id made.  NULL: no memory, or not an answer.
 */
ngx_http_jobruns_verdict_t *ngx_http_jobruns_verdict_replay(
    jr_str_t answer, ngx_str_t *request_id);

/*
 * Makes it the verdict of an attempt, whose request keeps a reference until
 * its pool goes.  Where there is no memory that is "damaged": as of a reply
 * that there is no memory to read.
 */
void ngx_http_jobruns_verdict_give(ngx_http_jobruns_verdict_t *v,
    ngx_http_jobruns_attempt_t *a);

/* One more reference, and one less: the last one frees it. */
void ngx_http_jobruns_verdict_hold(ngx_http_jobruns_verdict_t *v);
void ngx_http_jobruns_verdict_release(ngx_http_jobruns_verdict_t *v);


#endif /* NGX_HTTP_JOBRUNS_VERDICT_H_INCLUDED */
