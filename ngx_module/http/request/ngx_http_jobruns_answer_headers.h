/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Headers of answers: those that every answer carries, and those of a replay.
 */

#ifndef NGX_HTTP_JOBRUNS_ANSWER_HEADERS_H_INCLUDED
#define NGX_HTTP_JOBRUNS_ANSWER_HEADERS_H_INCLUDED

#include "ngx_http_jobruns.h"


/* makes headers_out those of the kept answer of a */
ngx_int_t ngx_http_jobruns_answer_headers_replay(ngx_http_request_t *r,
    ngx_http_jobruns_attempt_t *a);

/* opc-request-id, RateLimit and so on */
ngx_int_t ngx_http_jobruns_answer_headers_common(ngx_http_request_t *r,
    ngx_http_jobruns_ctx_t *ctx);


#endif /* NGX_HTTP_JOBRUNS_ANSWER_HEADERS_H_INCLUDED */
