/*
 * Answers of our own: refusals and replays.
 */

#ifndef NGX_HTTP_JOBRUNS_ANSWER_H_INCLUDED
#define NGX_HTTP_JOBRUNS_ANSWER_H_INCLUDED

#include "ngx_http_jobruns.h"


/*
 * Each sends its answer, behind its audit record, and finalizes the request;
 * the caller returns NGX_DONE or nothing.  Whatever the body, the connection
 * is kept where NGINX can discard it.
 */
void ngx_http_jobruns_refuse(ngx_http_request_t *r,
    ngx_http_jobruns_attempt_t *a, jr_outcome_e outcome, ngx_uint_t status,
    const char *code, ngx_str_t *message);
void ngx_http_jobruns_answer_verdict(ngx_http_request_t *r,
    ngx_http_jobruns_attempt_t *a);

/* a refusal in a location without `jobruns`, which has no attempt */
ngx_int_t ngx_http_jobruns_refuse_path(ngx_http_request_t *r, jr_path_e kind,
    jr_path_t *path);

/* the run was made, but its answer was too large to keep: says so in *message
   and in the location header */
ngx_int_t ngx_http_jobruns_unkept(ngx_http_request_t *r,
    ngx_http_jobruns_attempt_t *a, ngx_str_t *message);


#endif /* NGX_HTTP_JOBRUNS_ANSWER_H_INCLUDED */
