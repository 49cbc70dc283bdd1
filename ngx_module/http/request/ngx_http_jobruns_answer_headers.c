/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Headers of answers: those that every answer carries, and those of a replay.
 */

#include "ngx_http_jobruns.h"
#include "ngx_http_jobruns_answer_headers.h"
#include "ngx_http_jobruns_header_list.h"


static ngx_int_t ngx_http_jobruns_limit_headers(ngx_http_request_t *r,
    ngx_http_jobruns_attempt_t *a);


ngx_int_t
ngx_http_jobruns_answer_headers_replay(ngx_http_request_t *r,
    ngx_http_jobruns_attempt_t *a)
{
    jr_str_t   *kept;
    ngx_str_t   value;
    ngx_uint_t  i;

    static ngx_str_t  yes = ngx_string("true");

    ngx_http_clean_header(r);

    r->headers_out.status = a->run.answer.status;
    r->headers_out.content_length_n = (off_t) a->run.answer.body.len;

    kept = &a->run.answer.headers[JR_ANSWER_CONTENT_TYPE];

    if (kept->data != NULL) {
        r->headers_out.content_type.data = (u_char *) kept->data;
        r->headers_out.content_type.len = kept->len;
        r->headers_out.content_type_len = kept->len;
    }

    for (i = 0; i < JR_ANSWER_HEADERS; i++) {

        kept = &a->run.answer.headers[i];

        /* the id on a replay is that of the request at hand */

        if (kept->data == NULL || i == JR_ANSWER_CONTENT_TYPE
            || i == JR_ANSWER_REQUEST_ID)
        {
            continue;
        }

        value.data = (u_char *) kept->data;
        value.len = kept->len;

        if (ngx_http_jobruns_header_list_add(r, jr_answer_header_name(i),
                                             &value)
            != NGX_OK)
        {
            return NGX_ERROR;
        }

        if (i == JR_ANSWER_CONTENT_ENCODING) {
            /* gzip leaves alone what is encoded already */

            r->headers_out.content_encoding =
                ngx_http_jobruns_header_list_find(&r->headers_out.headers,
                                                  jr_answer_header_name(i));
        }
    }

    if (a->run.original_id.len
        && ngx_http_jobruns_header_list_add(r,
                             (jr_str_t) jr_str("opc-original-request-id"),
                             &a->run.original_id)
           != NGX_OK)
    {
        return NGX_ERROR;
    }

    return ngx_http_jobruns_header_list_add(r,
                             (jr_str_t) jr_str("opc-retry-replayed"), &yes);
}


ngx_int_t
ngx_http_jobruns_answer_headers_common(ngx_http_request_t *r,
    ngx_http_jobruns_ctx_t *ctx)
{
    u_char                      *p;
    jr_str_t                     id;
    ngx_str_t                    value;
    ngx_http_jobruns_attempt_t  *a;

    a = ctx->attempt;
    id = jr_answer_header_name(JR_ANSWER_REQUEST_ID);

    /* the service's own id, which extends the client's, passes */

    if (ngx_http_jobruns_header_list_find(&r->headers_out.headers, id) == NULL
        && ngx_http_jobruns_header_list_add(r, id, &ctx->request_id) != NGX_OK)
    {
        return NGX_ERROR;
    }

    if (a == NULL) {
        return NGX_OK;
    }

    if (ngx_http_jobruns_forwarded(a) && !a->held.replace) {
        /* only we may say that an answer is a replay */

        ngx_http_jobruns_header_list_drop(r,
                                 (jr_str_t) jr_str("opc-retry-replayed"));
        ngx_http_jobruns_header_list_drop(r,
                             (jr_str_t) jr_str("opc-original-request-id"));
    }

    if (a->response.retry_after) {
        ngx_http_jobruns_header_list_drop(r, (jr_str_t) jr_str("retry-after"));

        p = ngx_pnalloc(r->pool, NGX_INT_T_LEN);
        if (p == NULL) {
            return NGX_ERROR;
        }

        value.data = p;
        value.len = ngx_sprintf(p, "%ui", a->response.retry_after) - p;

        if (ngx_http_jobruns_header_list_add(r,
                                           (jr_str_t) jr_str("Retry-After"),
                                           &value)
            != NGX_OK)
        {
            return NGX_ERROR;
        }
    }

    return a->reply.nstates ? ngx_http_jobruns_limit_headers(r, a) : NGX_OK;
}


static ngx_int_t
ngx_http_jobruns_limit_headers(ngx_http_request_t *r,
    ngx_http_jobruns_attempt_t *a)
{
    char       *p, *end;
    ngx_str_t   value;

    p = ngx_pnalloc(r->pool, 2 * JR_RATELIMIT_LEN(a->reply.nstates));
    if (p == NULL) {
        return NGX_ERROR;
    }

    end = jr_limit_policy(a->args.limits, a->reply.states, a->reply.nstates, p);

    if (end == p) {
        return NGX_OK;
    }

    value.data = (u_char *) p;
    value.len = end - p;

    if (ngx_http_jobruns_header_list_add(r,
                                       (jr_str_t) jr_str("RateLimit-Policy"),
                                       &value)
        != NGX_OK)
    {
        return NGX_ERROR;
    }

    p += JR_RATELIMIT_LEN(a->reply.nstates);

    value.data = (u_char *) p;
    value.len = jr_limit_remaining(a->args.limits, a->reply.states,
                                   a->reply.nstates, p)
                - p;

    return ngx_http_jobruns_header_list_add(r, (jr_str_t) jr_str("RateLimit"),
                                            &value);
}
