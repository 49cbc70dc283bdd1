/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Which answer an attempt gets: headers_out, a->response.body as its body, and
 * what its record says of it.
 */

#ifndef NGX_HTTP_JOBRUNS_ANSWER_H_INCLUDED
#define NGX_HTTP_JOBRUNS_ANSWER_H_INCLUDED

#include "ngx_http_jobruns.h"


/* Each makes an answer, and sends nothing.  NGX_ERROR: no memory. */

/* a JSON error; code and message NULL: those of the status.  The message is
   to stay until the request's end. */
ngx_int_t ngx_http_jobruns_answer_refuse(ngx_http_request_t *r,
    ngx_http_jobruns_attempt_t *a, jr_outcome_e outcome, ngx_uint_t status,
    const char *code, ngx_str_t *message);

/* what a->verdict is for a client */
ngx_int_t ngx_http_jobruns_answer_verdict(ngx_http_request_t *r,
    ngx_http_jobruns_attempt_t *a);

/* jobruns_audit_required, and the record could not be written */
ngx_int_t ngx_http_jobruns_answer_unrecorded(ngx_http_request_t *r,
    ngx_http_jobruns_attempt_t *a);

/* of an attempt that was forwarded and is settled: the held answer, the
   stored one of another attempt, or one of our own */
ngx_int_t ngx_http_jobruns_answer_choose(ngx_http_request_t *r,
    ngx_http_jobruns_attempt_t *a);

/* Key and location of the run that a->run.answer tells of; body: of that
   answer, if all of it is here. */
void ngx_http_jobruns_answer_find_run(ngx_http_jobruns_attempt_t *a,
    jr_str_t body);

/*
 * Sends what headers_out says and the body, then finalizes the request.
 * Whatever the body of the request, the connection is kept where NGINX can
 * discard it.
 */
void ngx_http_jobruns_answer_send(ngx_http_request_t *r, ngx_str_t *body);


#endif /* NGX_HTTP_JOBRUNS_ANSWER_H_INCLUDED */
