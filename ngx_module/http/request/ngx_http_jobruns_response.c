/* SPDX-License-Identifier: BSD-2-Clause
 *
 * What stands in headers_out and is not the service's own: the headers that
 * every response carries, those of a replay, and errors as JSON,
 * {"code":"...","message":"..."}, in place of NGINX's own pages too.
 */

#include "ngx_http_jobruns.h"
#include "ngx_http_jobruns_header_list.h"
#include "ngx_http_jobruns_response.h"


static ngx_int_t ngx_http_jobruns_response_limits(ngx_http_request_t *r,
    ngx_http_jobruns_attempt_t *a);


ngx_int_t
ngx_http_jobruns_response_replay(ngx_http_request_t *r,
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
ngx_http_jobruns_response_headers(ngx_http_request_t *r,
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

    return a->reply.nstates ? ngx_http_jobruns_response_limits(r, a) : NGX_OK;
}


static ngx_int_t
ngx_http_jobruns_response_limits(ngx_http_request_t *r,
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


ngx_int_t
ngx_http_jobruns_response_error(ngx_http_request_t *r, ngx_uint_t status,
    jr_str_t code, jr_str_t message, ngx_str_t *body)
{
    size_t     size;
    jr_line_t  line;

    /* each byte takes at most six as an escape */

    size = JR_LINE_MIN + 6 * (code.len + message.len) + 32;

    body->data = ngx_pnalloc(r->pool, size);
    if (body->data == NULL) {
        return NGX_ERROR;
    }

    jr_line_init(&line, (char *) body->data, size);
    jr_line_object(&line, NULL);
    jr_line_string(&line, "code", code);
    jr_line_string(&line, "message", message);
    jr_line_close(&line, '}');

    body->len = jr_line_len(&line);

    r->headers_out.status = status;
    r->headers_out.status_line.len = 0;

    ngx_str_set(&r->headers_out.content_type, "application/json");
    r->headers_out.content_type_len = r->headers_out.content_type.len;
    r->headers_out.content_type_lowcase = NULL;
    ngx_str_null(&r->headers_out.charset);

    /* what the replaced body's own headers were */

    if (r->headers_out.content_encoding != NULL) {
        r->headers_out.content_encoding->hash = 0;
        r->headers_out.content_encoding = NULL;
    }

    ngx_http_clear_content_length(r);
    ngx_http_clear_accept_ranges(r);
    ngx_http_clear_last_modified(r);
    ngx_http_clear_etag(r);

    r->headers_out.content_length_n = (off_t) body->len;

    return NGX_OK;
}


/*
 * What NGINX says itself has no length and no type, or is a text/html that it
 * sets there and then (ngx_http_send_special_response()).  A page that
 * error_page led to has a type of the configuration, and comes from a file,
 * which has a date, from an upstream or from a "return".
 */

ngx_uint_t
ngx_http_jobruns_response_is_operators(ngx_http_request_t *r)
{
    ngx_str_t  *type, now;

    /* a creation gets JSON: error_page may have made a GET of it, the request
       line is as it came */

    if (!r->internal
        || ngx_strncmp(r->request_line.data, "POST ", sizeof("POST ") - 1)
           == 0)
    {
        return 0;
    }

    if ((r->upstream != NULL && r->upstream->cleanup != NULL)
        || r->headers_out.last_modified_time != -1)
    {
        return 1;
    }

    type = &r->headers_out.content_type;

    if (type->len == 0) {
        return r->headers_out.content_length_n != 0;
    }

    now = *type;

    if (now.len != sizeof("text/html") - 1
        || ngx_strncmp(now.data, "text/html", now.len) != 0)
    {
        return 1;
    }

    /* a type of the configuration is the very string that is set again */

    type->len = 0;
    (void) ngx_http_set_content_type(r);

    if (type->data == now.data) {
        return 1;
    }

    *type = now;
    r->headers_out.content_type_len = now.len;

    return 0;
}


/*
 * r->err_status says that NGINX made the answer (ngx_http_send_header()); an
 * error of the service leaves it 0.
 */

ngx_int_t
ngx_http_jobruns_response_error_page(ngx_http_request_t *r,
    ngx_http_jobruns_ctx_t *ctx)
{
    jr_str_t                     code, message;
    ngx_http_jobruns_attempt_t  *a;

    code = jr_outcome_error_code(r->err_status);
    message = jr_outcome_error_message(r->err_status);

    if (ngx_http_jobruns_response_error(r, r->err_status, code, message,
                                        &ctx->error)
        != NGX_OK)
    {
        return NGX_ERROR;
    }

    a = ctx->attempt;

    if (a != NULL && a->state < jobruns_st_answered) {

        /* refused by the body reader or another module, or out of memory */

        if (a->outcome == JR_OUTCOME_NONE) {
            a->outcome = r->err_status < NGX_HTTP_INTERNAL_SERVER_ERROR
                         ? JR_OUTCOME_INVALID : JR_OUTCOME_UNAVAILABLE;
        }

        a->response.status = r->err_status;
        a->response.code = code;
        a->response.message = message;
    }

    return NGX_OK;
}
