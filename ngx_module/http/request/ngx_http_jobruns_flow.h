/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The flow: the life of an attempt from the body to its end, in one place.
 */

#ifndef NGX_HTTP_JOBRUNS_FLOW_H_INCLUDED
#define NGX_HTTP_JOBRUNS_FLOW_H_INCLUDED

#include "ngx_http_jobruns.h"


/*
 * The only writer of a->state.  Where NGINX is built with debugging, a move
 * that the table of states does not have is an alert in error.log.
 */
void ngx_http_jobruns_flow_to(ngx_http_jobruns_attempt_t *a,
    ngx_http_jobruns_state_e state);

/* For ngx_http_read_client_request_body(): the whole body is here. */
void ngx_http_jobruns_flow_on_body(ngx_http_request_t *r);

/*
 * Answers an attempt that is not forwarded with an error, behind its record;
 * arguments as of ngx_http_jobruns_answer_refuse().  Always NGX_DONE: the
 * request is finalized, or parked until the record is written.  Of one that
 * is forwarded the filters hold, settle and word the answer.
 */
ngx_int_t ngx_http_jobruns_flow_refuse(ngx_http_request_t *r,
    ngx_http_jobruns_attempt_t *a, jr_outcome_e outcome, ngx_uint_t status,
    const char *code, ngx_str_t *message);

/*
 * The held answer is here, or as much of it as settling needs; called by the
 * body filter.  NGX_AGAIN: it returns NGX_OK, and is called with NULL when
 * the answer may be sent; NGX_OK: it may be sent now.
 */
ngx_int_t ngx_http_jobruns_flow_settle(ngx_http_request_t *r,
    ngx_http_jobruns_attempt_t *a);

/*
 * An operation that was under way has come to rc.  Only from the event loop;
 * the attempt and its request may be gone when it returns.
 */
void ngx_http_jobruns_flow_wake(ngx_http_jobruns_attempt_t *a, ngx_int_t rc);

/* Redis has replied to a settlement, whose request may be gone: whoever waits
   behind its claim hears of it. */
void ngx_http_jobruns_flow_unclaimed(ngx_http_jobruns_settlement_t *s,
    ngx_http_jobruns_settled_e settled);

/* The log phase of every request. */
ngx_int_t ngx_http_jobruns_flow_log_handler(ngx_http_request_t *r);


#endif /* NGX_HTTP_JOBRUNS_FLOW_H_INCLUDED */
