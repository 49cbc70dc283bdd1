/*
 * Headers of answers: those that every answer carries, and those of a replay.
 */

#ifndef NGX_HTTP_JOBRUNS_ANSWER_HEADERS_H_INCLUDED
#define NGX_HTTP_JOBRUNS_ANSWER_HEADERS_H_INCLUDED

#include "ngx_http_jobruns.h"


/* makes headers_out those of the kept answer of a */
ngx_int_t ngx_http_jobruns_replay_headers(ngx_http_request_t *r,
    ngx_http_jobruns_attempt_t *a);

/* opc-request-id, RateLimit and so on */
ngx_int_t ngx_http_jobruns_common_headers(ngx_http_request_t *r,
    ngx_http_jobruns_ctx_t *ctx);

ngx_int_t ngx_http_jobruns_header_add(ngx_http_request_t *r, jr_str_t name,
    ngx_str_t *value);
ngx_table_elt_t *ngx_http_jobruns_header_find(ngx_list_t *headers,
    jr_str_t lowcase_name);

/* takes back all of that name */
void ngx_http_jobruns_header_drop(ngx_http_request_t *r, jr_str_t name);


#endif /* NGX_HTTP_JOBRUNS_ANSWER_HEADERS_H_INCLUDED */
