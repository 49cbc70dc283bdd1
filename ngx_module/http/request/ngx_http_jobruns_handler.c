/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Where requests come in: recognising createJobRun, the request id, and what
 * headers alone decide.
 *
 * Runs in the PRECONTENT phase of every main request, again after each
 * internal redirect.  A request that was forwarded never gets past here a
 * second time.
 */

#include "ngx_http_jobruns.h"
#include "ngx_http_jobruns_attempt.h"
#include "ngx_http_jobruns_flow.h"
#include "ngx_http_jobruns_handler.h"
#include "ngx_http_jobruns_identity.h"
#include "ngx_http_jobruns_log.h"
#include "ngx_http_jobruns_request_headers.h"
#include "ngx_http_jobruns_status.h"
#include "ngx_http_jobruns_verify.h"


static ngx_uint_t ngx_http_jobruns_is_copy(ngx_http_request_t *r,
    ngx_http_jobruns_ctx_t *ctx);
static ngx_int_t ngx_http_jobruns_denied(ngx_http_request_t *r);
static ngx_int_t ngx_http_jobruns_refuse_path(ngx_http_request_t *r,
    jr_path_e kind, jr_path_t *path);
static ngx_int_t ngx_http_jobruns_reenter(ngx_http_request_t *r,
    ngx_http_jobruns_attempt_t *a);
static ngx_uint_t ngx_http_jobruns_check_headers(
    ngx_http_jobruns_attempt_t *a, ngx_http_jobruns_headers_t *h,
    const char **code, const char **what);
static ngx_int_t ngx_http_jobruns_pass(ngx_http_request_t *r,
    ngx_http_jobruns_ctx_t *ctx, ngx_http_jobruns_loc_conf_t *jlcf,
    ngx_http_jobruns_headers_t *h);
static ngx_int_t ngx_http_jobruns_read_body(ngx_http_request_t *r);
static ngx_int_t ngx_http_jobruns_refuse_unverified(ngx_http_request_t *r,
    ngx_http_jobruns_attempt_t *a);
static ngx_int_t ngx_http_jobruns_refuse_nobody(ngx_http_request_t *r,
    ngx_http_jobruns_attempt_t *a);
static ngx_int_t ngx_http_jobruns_begin(ngx_http_request_t *r,
    ngx_http_jobruns_ctx_t *ctx, jr_path_e kind, jr_path_t *path,
    ngx_http_jobruns_headers_t *h);


ngx_int_t
ngx_http_jobruns_handler(ngx_http_request_t *r)
{
    jr_path_e                     kind;
    jr_path_t                     path;
    ngx_int_t                     rc;
    ngx_http_jobruns_ctx_t       *ctx;
    ngx_http_jobruns_headers_t    h;
    ngx_http_jobruns_loc_conf_t  *jlcf;
    ngx_http_jobruns_srv_conf_t  *jscf;

    if (r != r->main) {
        return NGX_DECLINED;
    }

    ctx = ngx_http_jobruns_attempt_get_ctx(r);

    if (r->post_action && ngx_http_jobruns_is_copy(r, ctx)) {
        ngx_http_jobruns_log_fault(r->connection->log, jobruns_log_redirect,
                                   NGX_LOG_WARN, 0,
                                   "post_action would send a creation again "
                                   "that is answered already, which is left "
                                   "out; set \"post_action off;\" in the "
                                   "location that answered it");

        /* nothing is sent, and the status stays that of the answer */

        ngx_http_finalize_request(r, NGX_OK);
        return NGX_DONE;
    }

    if (ctx != NULL && ctx->attempt != NULL) {
        return ngx_http_jobruns_reenter(r, ctx->attempt);
    }

    jlcf = ngx_http_get_module_loc_conf(r, ngx_http_jobruns_module);
    jscf = ngx_http_get_module_srv_conf(r, ngx_http_jobruns_module);

    if (jlcf->enable == jobruns_off
        || (jlcf->enable == jobruns_unset && !jscf->enabled))
    {
        return NGX_DECLINED;
    }

    if (r->internal && ctx == NULL
        && ngx_http_jobruns_attempt_refused_status(r))
    {

        rc = ngx_http_jobruns_denied(r);

        if (rc != NGX_DECLINED) {
            return rc;
        }
    }

    ngx_http_jobruns_request_headers_scan(r, &h);

    kind = JR_PATH_OTHER;

    if (r->method == NGX_HTTP_POST || h.override) {
        kind = jr_path_classify(ngx_http_jobruns_str(r->unparsed_uri),
                                ngx_http_jobruns_str(r->uri), &path);
    }

    if (jlcf->enable == jobruns_unset) {
        /* a server that guards job runs has no unguarded way to them */

        if (kind != JR_PATH_OTHER) {
            return ngx_http_jobruns_refuse_path(r, kind, &path);
        }

        if (!h.override) {
            return NGX_DECLINED;
        }
    }

    if (ctx == NULL) {
        ctx = ngx_http_jobruns_attempt_create_ctx(r);
        if (ctx == NULL) {
            return NGX_HTTP_INTERNAL_SERVER_ERROR;
        }
    }

    ctx->override = h.override;     /* for the guard of the exit */

    if (kind == JR_PATH_OTHER) {
        return ngx_http_jobruns_pass(r, ctx, jlcf, &h);
    }

    if (r->method != NGX_HTTP_POST) {
        kind = JR_PATH_SUSPECT;
    }

    return ngx_http_jobruns_begin(r, ctx, kind, &path, &h);
}


/* what is no creation passes untouched, but for the request id, or, with
   jobruns_auth all, is verified */

static ngx_int_t
ngx_http_jobruns_pass(ngx_http_request_t *r, ngx_http_jobruns_ctx_t *ctx,
    ngx_http_jobruns_loc_conf_t *jlcf, ngx_http_jobruns_headers_t *h)
{
    ngx_int_t    rc;
    const char  *what;

    rc = ngx_http_jobruns_request_headers_take_id(r, ctx, h, &what);

    if (rc != NGX_ERROR && jlcf->auth.mode == jobruns_auth_all
        && jlcf->enable != jobruns_unset && !ngx_http_jobruns_status_is(r))
    {
        rc = ngx_http_jobruns_verify_other(r, ctx, &jlcf->auth);

        if (rc == NGX_DONE) {
            return NGX_DONE;
        }
    }

    return rc == NGX_ERROR ? NGX_HTTP_INTERNAL_SERVER_ERROR : NGX_DECLINED;
}


/*
 * Is what post_action is about to send a creation?  It is the same request
 * again, answered and logged afterwards.  An attempt is not repeated whatever
 * the location says; of others, `jobruns off` is the way out, as ever.
 */

static ngx_uint_t
ngx_http_jobruns_is_copy(ngx_http_request_t *r, ngx_http_jobruns_ctx_t *ctx)
{
    jr_path_t                     path;
    ngx_http_jobruns_headers_t    h;
    ngx_http_jobruns_loc_conf_t  *jlcf;
    ngx_http_jobruns_srv_conf_t  *jscf;

    if (ctx != NULL && ctx->attempt != NULL) {
        return 1;
    }

    jlcf = ngx_http_get_module_loc_conf(r, ngx_http_jobruns_module);
    jscf = ngx_http_get_module_srv_conf(r, ngx_http_jobruns_module);

    if (jlcf->enable == jobruns_off || !jscf->enabled) {
        return 0;
    }

    ngx_http_jobruns_request_headers_scan(r, &h);

    return (r->method == NGX_HTTP_POST || h.override)
           && jr_path_classify(ngx_http_jobruns_str(r->unparsed_uri),
                               ngx_http_jobruns_str(r->uri), &path)
              != JR_PATH_OTHER;
}


/* a creation that was refused before this phase, and led here by error_page:
   no page answers it; NGX_DECLINED: it is another request */

static ngx_int_t
ngx_http_jobruns_denied(ngx_http_request_t *r)
{
    jr_path_t                    path;
    ngx_uint_t                   status;
    ngx_http_jobruns_ctx_t      *ctx;
    ngx_http_jobruns_attempt_t  *a;

    if (jr_path_classify(ngx_http_jobruns_str(r->unparsed_uri),
                         ngx_http_jobruns_str(r->uri), &path)
        == JR_PATH_OTHER)
    {
        return NGX_DECLINED;
    }

    ctx = ngx_http_jobruns_attempt_create_ctx(r);

    if (ctx == NULL
        || ngx_http_jobruns_request_headers_ensure_id(r, ctx) != NGX_OK
        || ngx_http_jobruns_attempt_refused(r, ctx) != NGX_OK
        || ctx->attempt == NULL)
    {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    a = ctx->attempt;

    /* ngx_http_send_header() would put it in place of ours */

    status = r->err_status;
    r->err_status = 0;

    return ngx_http_jobruns_flow_refuse(r, a, a->outcome, status, NULL, NULL);
}


/* a refusal in a location without `jobruns` */

static ngx_int_t
ngx_http_jobruns_refuse_path(ngx_http_request_t *r, jr_path_e kind,
    jr_path_t *path)
{
    const char              *what;
    ngx_http_jobruns_ctx_t  *ctx;

    ctx = ngx_http_jobruns_attempt_create_ctx(r);

    if (ctx == NULL
        || ngx_http_jobruns_request_headers_ensure_id(r, ctx) != NGX_OK
        || ngx_http_jobruns_attempt_create(r, ctx, path) != NGX_OK)
    {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    if (kind == JR_PATH_CREATE) {
        (void) jr_path_keys(&ctx->attempt->call.path, &what);

    } else {
        ngx_memzero(&ctx->attempt->call.path, sizeof(jr_path_t));
    }

    if (ngx_http_jobruns_identity_read(r, ctx->attempt) == NGX_ERROR) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    ngx_log_error(NGX_LOG_INFO, r->connection->log, 0,
                  "jobruns: a request that may be read as createJobRun "
                  "came to a location without \"jobruns\"; it is answered "
                  "404 (say \"jobruns off;\" there to let it pass)");

    return ngx_http_jobruns_flow_refuse(r, ctx->attempt, JR_OUTCOME_INVALID,
                                        NGX_HTTP_NOT_FOUND, NULL, NULL);
}


/*
 * The request has been here before.  What was forwarded is forwarded again
 * only if no server ever got a byte of it: error_page may then lead to a
 * second upstream.
 */

static ngx_int_t
ngx_http_jobruns_reenter(ngx_http_request_t *r, ngx_http_jobruns_attempt_t *a)
{
    ngx_uint_t                  i, status;
    ngx_http_upstream_state_t  *state;

    if (a->stopped && a->state != jobruns_st_answered) {

        /* by the guard, and error_page brings it back: it stays stopped, and
           ngx_http_send_header() is not to make it NGINX's 500 */

        r->err_status = 0;

        return ngx_http_jobruns_flow_refuse(r, a, a->outcome, a->stopped, NULL,
                                            NULL);
    }

    if (!ngx_http_jobruns_forwarded(a)) {

        /* error_page took over an error from before the attempt was
           forwarded, such as a body that is too large: nothing behind it may
           forward the request, which nobody has checked */

        status = r->err_status >= NGX_HTTP_BAD_REQUEST
                 ? r->err_status : NGX_HTTP_INTERNAL_SERVER_ERROR;

        return ngx_http_jobruns_flow_refuse(r, a,
                                    status < NGX_HTTP_INTERNAL_SERVER_ERROR
                                    ? JR_OUTCOME_INVALID
                                    : JR_OUTCOME_UNAVAILABLE, status, NULL,
                                    NULL);
    }

    if (a->state != jobruns_st_forwarding) {
        ngx_log_error(NGX_LOG_ALERT, r->connection->log, 0,
                      "jobruns: a request came back in state %ui, it is not "
                      "forwarded again", (ngx_uint_t) a->state);
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    if (!ngx_http_jobruns_attempt_is_creation(r, a)) {
        ngx_http_jobruns_log(a, jobruns_log_redirect, NGX_LOG_WARN,
                             "an internal redirect made another request of a "
                             "creation, which is answered instead; lead "
                             "error_page and try_files to a named location");

        return ngx_http_jobruns_flow_refuse(r, a, JR_OUTCOME_UNKNOWN,
                                            NGX_HTTP_SERVICE_UNAVAILABLE,
                                            NULL, NULL);
    }

    if (r->upstream_states == NULL) {
        return NGX_DECLINED;
    }

    state = r->upstream_states->elts;

    for (i = 0; i < r->upstream_states->nelts; i++) {
        if (state[i].bytes_sent) {
            ngx_http_jobruns_log(a, jobruns_log_redirect, NGX_LOG_WARN,
                                 "an internal redirect would forward a "
                                 "request twice, it is answered instead; see "
                                 "error_page and try_files of this server");

            return ngx_http_jobruns_flow_refuse(r, a, JR_OUTCOME_UNKNOWN,
                                                NGX_HTTP_SERVICE_UNAVAILABLE,
                                                NULL, NULL);
        }
    }

    return NGX_DECLINED;
}


/* makes the attempt, checks what headers can tell, then reads the body */

static ngx_int_t
ngx_http_jobruns_begin(ngx_http_request_t *r, ngx_http_jobruns_ctx_t *ctx,
    jr_path_e kind, jr_path_t *path, ngx_http_jobruns_headers_t *h)
{
    ngx_int_t                    rc;
    ngx_str_t                    message;
    ngx_uint_t                   status;
    const char                  *what, *code;
    ngx_http_jobruns_attempt_t  *a;

    what = NULL;

    rc = ngx_http_jobruns_request_headers_take_id(r, ctx, h, &what);

    if (rc == NGX_ERROR
        || ngx_http_jobruns_attempt_create(r, ctx, path) != NGX_OK)
    {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    a = ctx->attempt;

    if (kind == JR_PATH_SUSPECT) {
        ngx_memzero(&a->call.path, sizeof(jr_path_t));

        if (ngx_http_jobruns_identity_read(r, a) == NGX_ERROR) {
            return NGX_HTTP_INTERNAL_SERVER_ERROR;
        }

        ngx_str_set(&message, "The path may be read as that of "
                    "createJobRun but is not spelled plainly.");

        return ngx_http_jobruns_flow_refuse(r, a, JR_OUTCOME_INVALID,
                                            NGX_HTTP_NOT_FOUND, NULL,
                                            &message);
    }

    switch (ngx_http_jobruns_verify_head(r, a)) {

    case NGX_OK:
        break;

    case NGX_DECLINED:
        return ngx_http_jobruns_refuse_unverified(r, a);

    default:
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    code = "InvalidParameter";
    status = NGX_HTTP_BAD_REQUEST;

    /* the keys also for a request that is refused: its record names them */

    if (jr_path_keys(&a->call.path, &what) == JR_OK && rc == NGX_OK) {
        status = ngx_http_jobruns_check_headers(a, h, &code, &what);
    }

    switch (ngx_http_jobruns_identity_read(r, a)) {

    case NGX_OK:
        break;

    case NGX_DECLINED:
        /* in a dry run, too: what is validated is the request, and this is
           whose it is */

        if (!ngx_http_jobruns_verify_waits(a)) {
            return ngx_http_jobruns_refuse_nobody(r, a);
        }

        break;

    default:
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    if (status != NGX_OK) {
        message.data = (u_char *) what;
        message.len = ngx_strlen(what);

        if (a->conf->enable == jobruns_dry_run && a->call.path.workspace.len) {
            ngx_log_error(NGX_LOG_INFO, r->connection->log, 0,
                          "jobruns: dry run, would refuse: %V", &message);
            a->check.dry_run = message;

        } else {
            return ngx_http_jobruns_flow_refuse(r, a, JR_OUTCOME_INVALID,
                                                status, code, &message);
        }
    }

    return ngx_http_jobruns_read_body(r);
}


static ngx_int_t
ngx_http_jobruns_read_body(ngx_http_request_t *r)
{
    ngx_int_t  rc;

    /* proxy_pass sends the body again by itself: a temporary file must not
       go when the first upstream is done with it */

    r->preserve_body = 1;
    r->request_body_in_single_buf = 1;

    /*
     * Not NGX_AGAIN: the body reader finalizes the request on its own errors
     * (ngx_http_do_read_client_request_body()), so nobody else may own it
     * meanwhile.
     */

    rc = ngx_http_read_client_request_body(r, ngx_http_jobruns_flow_on_body);

    if (rc >= NGX_HTTP_SPECIAL_RESPONSE) {
        return rc;
    }

    ngx_http_finalize_request(r, NGX_DONE);

    return NGX_DONE;
}


/* the record has whom it claims to be from, and that this is not so */

static ngx_int_t
ngx_http_jobruns_refuse_unverified(ngx_http_request_t *r,
    ngx_http_jobruns_attempt_t *a)
{
    ngx_int_t    status;
    const char  *what;

    (void) jr_path_keys(&a->call.path, &what);

    status = ngx_http_jobruns_verify_status(r, a->ctx->auth);

    if (status == NGX_ERROR
        || ngx_http_jobruns_identity_read(r, a) == NGX_ERROR)
    {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    return ngx_http_jobruns_flow_refuse(r, a, status == NGX_HTTP_UNAUTHORIZED
                                              ? JR_OUTCOME_UNAUTHENTICATED
                                              : JR_OUTCOME_UNAVAILABLE,
                                        (ngx_uint_t) status, NULL,
                                        &a->ctx->auth->message);
}


/* a configured tenant or principal is empty: 401 */

static ngx_int_t
ngx_http_jobruns_refuse_nobody(ngx_http_request_t *r,
    ngx_http_jobruns_attempt_t *a)
{
    ngx_http_jobruns_identity_nobody(a);

    return ngx_http_jobruns_flow_refuse(r, a, JR_OUTCOME_UNAUTHENTICATED,
                                        NGX_HTTP_UNAUTHORIZED, NULL, NULL);
}


/* NGX_OK or the status of a refusal; takes the values as it goes */

static ngx_uint_t
ngx_http_jobruns_check_headers(ngx_http_jobruns_attempt_t *a,
    ngx_http_jobruns_headers_t *h, const char **code, const char **what)
{
    int       flag;
    jr_str_t  value;

    if (h->retry_token != NULL) {
        value = jr_header_trim(ngx_http_jobruns_str(h->retry_token->value));

        if (jr_header_retry_token(value, what) != JR_OK) {
            return NGX_HTTP_BAD_REQUEST;
        }

        a->call.token = value;
    }

    if (h->update_recent != NULL) {
        value = jr_header_trim(ngx_http_jobruns_str(h->update_recent->value));

        if (jr_header_boolean(value, &flag, what) != JR_OK) {
            return NGX_HTTP_BAD_REQUEST;
        }

        a->call.update_recent = flag;
    }

    if (h->repeated) {
        *what = "opc-request-id, opc-retry-token and should-update-recent "
                "must not be repeated, found two of one";
        return NGX_HTTP_BAD_REQUEST;
    }

    *code = "UnsupportedMediaType";

    if (h->content_encoding != NULL) {
        *what = "Content-Encoding must not be set: the body must be plain "
                "JSON";
        return NGX_HTTP_UNSUPPORTED_MEDIA_TYPE;
    }

    if (h->repeated_content) {
        *what = "Content-Type must not be repeated";
        return NGX_HTTP_UNSUPPORTED_MEDIA_TYPE;
    }

    if (h->content_type == NULL) {
        *what = "Content-Type must be application/json, found none";
        return NGX_HTTP_UNSUPPORTED_MEDIA_TYPE;
    }

    value = jr_header_trim(ngx_http_jobruns_str(h->content_type->value));

    if (jr_header_content_type(value, what) != JR_OK) {
        return NGX_HTTP_UNSUPPORTED_MEDIA_TYPE;
    }

    return NGX_OK;
}
