/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Where a request is verified (http/auth/), and what one that is not gets.
 *
 *   headers       before anything else is looked at: who is not known costs
 *                 no check, no byte of a body and no call of Redis
 *   body's length a signature over a Content-Length that was not sent
 *   body          its digest, before it is parsed
 */

#include "ngx_http_jobruns.h"
#include "ngx_http_jobruns_answer.h"
#include "ngx_http_jobruns_header_list.h"
#include "ngx_http_jobruns_identity.h"
#include "ngx_http_jobruns_response.h"
#include "ngx_http_jobruns_verify.h"


static ngx_int_t ngx_http_jobruns_verify_refuse(ngx_http_request_t *r,
    ngx_http_jobruns_attempt_t *a);
static ngx_uint_t ngx_http_jobruns_verify_is_same(
    const ngx_http_jobruns_auth_conf_t *one,
    const ngx_http_jobruns_auth_conf_t *two);


ngx_int_t
ngx_http_jobruns_verify_head(ngx_http_request_t *r,
    ngx_http_jobruns_attempt_t *a)
{
    ngx_int_t  rc;

    if (a->conf->auth.mode == jobruns_auth_off) {
        return NGX_OK;
    }

    rc = ngx_http_jobruns_auth_begin(r, &a->conf->auth, 1, &a->ctx->auth);

    return rc == NGX_AGAIN ? NGX_OK : rc;
}


ngx_uint_t
ngx_http_jobruns_verify_waits(ngx_http_jobruns_attempt_t *a)
{
    return a->ctx->auth != NULL && a->ctx->auth->state == jobruns_auth_waits;
}


ngx_int_t
ngx_http_jobruns_verify_length(ngx_http_request_t *r,
    ngx_http_jobruns_attempt_t *a)
{
    ngx_int_t  rc;

    if (!ngx_http_jobruns_verify_waits(a)) {
        return NGX_OK;
    }

    rc = ngx_http_jobruns_auth_length(r, a->ctx->auth, a->check.len);

    if (rc == NGX_DECLINED) {
        return ngx_http_jobruns_verify_refuse(r, a);
    }

    if (rc != NGX_OK) {
        return rc;
    }

    rc = ngx_http_jobruns_identity_read(r, a);

    if (rc == NGX_DECLINED) {
        ngx_http_jobruns_identity_nobody(a);

        rc = ngx_http_jobruns_answer_refuse(r, a, JR_OUTCOME_UNAUTHENTICATED,
                                            NGX_HTTP_UNAUTHORIZED, NULL, NULL);

        return rc == NGX_OK ? NGX_DECLINED : NGX_ERROR;
    }

    return rc;
}


const jr_signature_body_t *
ngx_http_jobruns_verify_body(ngx_http_jobruns_attempt_t *a)
{
    ngx_http_jobruns_auth_t  *auth;

    auth = a->ctx->auth;

    return auth != NULL && auth->state == jobruns_auth_verified ? &auth->body
                                                                : NULL;
}


ngx_int_t
ngx_http_jobruns_verify_other_body(ngx_http_request_t *r,
    ngx_http_jobruns_attempt_t *a)
{
    ngx_int_t  rc;

    rc = ngx_http_jobruns_auth_fail(r, a->ctx->auth, &a->check.unsigned_body);

    return rc == NGX_DECLINED ? ngx_http_jobruns_verify_refuse(r, a) : rc;
}


static ngx_int_t
ngx_http_jobruns_verify_refuse(ngx_http_request_t *r,
    ngx_http_jobruns_attempt_t *a)
{
    ngx_int_t  status;

    status = ngx_http_jobruns_verify_status(r, a->ctx->auth);

    if (status == NGX_ERROR
        || ngx_http_jobruns_answer_refuse(r, a,
                                          status == NGX_HTTP_UNAUTHORIZED
                                          ? JR_OUTCOME_UNAUTHENTICATED
                                          : JR_OUTCOME_UNAVAILABLE,
                                          (ngx_uint_t) status, NULL,
                                          &a->ctx->auth->message)
           != NGX_OK)
    {
        return NGX_ERROR;
    }

    return NGX_DECLINED;
}


ngx_int_t
ngx_http_jobruns_verify_status(ngx_http_request_t *r,
    ngx_http_jobruns_auth_t *auth)
{
    static ngx_str_t  scheme = ngx_string("Signature");

    /* keys or memory that are not there are no fault of the client's, who is
       to come again */

    if (auth->reason == JR_AUTH_UNAVAILABLE) {
        return NGX_HTTP_SERVICE_UNAVAILABLE;
    }

    return ngx_http_jobruns_header_list_add(r,
                                    (jr_str_t) jr_str("WWW-Authenticate"),
                                    &scheme)
           == NGX_OK ? NGX_HTTP_UNAUTHORIZED : NGX_ERROR;
}


static ngx_uint_t
ngx_http_jobruns_verify_is_same(const ngx_http_jobruns_auth_conf_t *one,
    const ngx_http_jobruns_auth_conf_t *two)
{
    /* inherited values are the very same */

    return one->users == two->users && one->issuers == two->issuers
           && one->tenants == two->tenants && one->skew == two->skew
           && one->min_bits == two->min_bits;
}


ngx_int_t
ngx_http_jobruns_verify_other(ngx_http_request_t *r,
    ngx_http_jobruns_ctx_t *ctx, ngx_http_jobruns_auth_conf_t *conf)
{
    ngx_str_t  body;
    ngx_int_t  rc, status;

    /* once, however often it is redirected, unless others are let in where it
       is led */

    if (ctx->auth != NULL
        && ngx_http_jobruns_verify_is_same(ctx->auth->conf, conf))
    {
        return NGX_OK;
    }

    /* a file that is the page of an error is not what the client asked for;
       what has a handler passes the client's own request on, whatever error
       has led it there */

    if (r->internal && r->err_status && r->content_handler == NULL) {
        return NGX_OK;
    }

    rc = ngx_http_jobruns_auth_begin(r, conf, 0, &ctx->auth);

    if (rc != NGX_DECLINED) {
        return rc;
    }

    /* ngx_http_send_header() would put it in place of ours */

    r->err_status = 0;

    status = ngx_http_jobruns_verify_status(r, ctx->auth);

    if (status == NGX_ERROR
        || ngx_http_jobruns_response_error(r, (ngx_uint_t) status,
                                  jr_outcome_error_code((unsigned) status),
                                  ngx_http_jobruns_str(ctx->auth->message),
                                  &body)
           != NGX_OK)
    {
        return NGX_ERROR;
    }

    ngx_http_jobruns_answer_send(r, &body);

    return NGX_DONE;
}
