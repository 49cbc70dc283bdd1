/*
 * The state of an attempt: the one place that moves it, the one way in which
 * an attempt begins to wait for an operation, and the one way in which that
 * ends.
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

/*
 * An operation is under way: the request is blocked until its end calls
 * ngx_http_jobruns_wake(), which calls next, unless NGINX has terminated the
 * request meanwhile.  What the operation lives in is the request's.
 */
void ngx_http_jobruns_park(ngx_http_jobruns_attempt_t *a,
    ngx_http_jobruns_next_pt next);

/* the same for an answer that is held: the body filter returns NGX_OK then.
   next is called in any case; with c->error nobody gets the answer */
void ngx_http_jobruns_park_filter(ngx_http_jobruns_attempt_t *a,
    ngx_http_jobruns_next_pt next);

/* nothing is under way but a timer or the like, whose handler calls wake; the
   client is watched, and the request may end meanwhile */
void ngx_http_jobruns_park_watched(ngx_http_jobruns_attempt_t *a,
    ngx_http_jobruns_next_pt next);

/* ends any of the three; only from the event loop.  The attempt and its
   request may be gone when it returns. */
void ngx_http_jobruns_wake(ngx_http_jobruns_attempt_t *a);


#endif /* NGX_HTTP_JOBRUNS_FLOW_H_INCLUDED */
