/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Errors as JSON: {"code":"...","message":"..."}, in place of NGINX's own
 * pages too.
 */

#include "ngx_http_jobruns.h"
#include "ngx_http_jobruns_error.h"


ngx_int_t
ngx_http_jobruns_error_body(ngx_http_request_t *r, jr_str_t code,
    jr_str_t message, ngx_str_t *body)
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

    return NGX_OK;
}


void
ngx_http_jobruns_error_headers(ngx_http_request_t *r, ngx_uint_t status,
    ngx_str_t *body)
{
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
}


/*
 * What NGINX says itself has no length and no type, or is a text/html that it
 * sets there and then (ngx_http_send_special_response()).  A page that
 * error_page led to has a type of the configuration, and comes from a file,
 * which has a date, from an upstream or from a "return".
 */

ngx_uint_t
ngx_http_jobruns_error_is_operators(ngx_http_request_t *r)
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
ngx_http_jobruns_error_page(ngx_http_request_t *r,
    ngx_http_jobruns_ctx_t *ctx)
{
    jr_str_t                     code, message;
    ngx_http_jobruns_attempt_t  *a;

    code = jr_outcome_error_code(r->err_status);
    message = jr_outcome_error_message(r->err_status);

    if (ngx_http_jobruns_error_body(r, code, message, &ctx->error) != NGX_OK)
    {
        return NGX_ERROR;
    }

    ngx_http_jobruns_error_headers(r, r->err_status, &ctx->error);

    a = ctx->attempt;

    if (a != NULL && a->state < jobruns_st_answered) {

        /* refused by the body reader or another module, or out of memory */

        if (a->outcome == JR_OUTCOME_NONE) {
            a->outcome = r->err_status < NGX_HTTP_INTERNAL_SERVER_ERROR
                         ? JR_OUTCOME_INVALID : JR_OUTCOME_UNAVAILABLE;
        }

        a->response.status = r->err_status;

        a->response.code.data = (u_char *) code.data;
        a->response.code.len = code.len;
        a->response.message.data = (u_char *) message.data;
        a->response.message.len = message.len;
    }

    return NGX_OK;
}
