/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The request's headers: the ones we read, found in one walk, and
 * opc-request-id, which every request gets.
 */

#ifndef NGX_HTTP_JOBRUNS_REQUEST_HEADERS_H_INCLUDED
#define NGX_HTTP_JOBRUNS_REQUEST_HEADERS_H_INCLUDED

#include "ngx_http_jobruns.h"


/* the request headers we read, found in one walk */
typedef struct {
    ngx_table_elt_t               *request_id;
    ngx_table_elt_t               *retry_token;
    ngx_table_elt_t               *update_recent;
    ngx_table_elt_t               *content_type;
    ngx_table_elt_t               *content_encoding;
    unsigned                       repeated:1;    /* one of the first three */
    unsigned                       repeated_content:1;
    unsigned                       override:1;    /* the method, to POST */
} ngx_http_jobruns_headers_t;


void ngx_http_jobruns_request_headers_scan(ngx_http_request_t *r,
    ngx_http_jobruns_headers_t *h);

/*
 * Takes the client's opc-request-id or makes one.  NGX_DECLINED: the client's
 * is not valid (*what says why); it is left where it is, and our own answers
 * carry an id of ours.
 */
ngx_int_t ngx_http_jobruns_request_headers_take_id(ngx_http_request_t *r,
    ngx_http_jobruns_ctx_t *ctx, ngx_http_jobruns_headers_t *h,
    const char **what);

/* the same for an answer that comes before our phase */
ngx_int_t ngx_http_jobruns_request_headers_ensure_id(ngx_http_request_t *r,
    ngx_http_jobruns_ctx_t *ctx);


#endif /* NGX_HTTP_JOBRUNS_REQUEST_HEADERS_H_INCLUDED */
