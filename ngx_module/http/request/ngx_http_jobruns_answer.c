/*
 * Answers of our own: refusals and replays.
 *
 * A refusal is sent by us rather than returned as a status: NGINX closes
 * the connection on a 400 it makes itself (ngx_http_special_response_handler())
 * and would let error_page have it.
 */

#include "ngx_http_jobruns.h"
#include "ngx_http_jobruns_answer.h"
#include "ngx_http_jobruns_answer_headers.h"
#include "ngx_http_jobruns_attempt.h"
#include "ngx_http_jobruns_audit.h"
#include "ngx_http_jobruns_error.h"
#include "ngx_http_jobruns_flow.h"
#include "ngx_http_jobruns_handler.h"
#include "ngx_http_jobruns_held.h"
#include "ngx_http_jobruns_identity.h"
#include "ngx_http_jobruns_request_headers.h"


static void ngx_http_jobruns_answer(ngx_http_request_t *r,
    ngx_http_jobruns_attempt_t *a);
static void ngx_http_jobruns_noted(ngx_http_request_t *r,
    ngx_http_jobruns_attempt_t *a);
static void ngx_http_jobruns_finish(ngx_http_request_t *r, ngx_str_t *body);
static void ngx_http_jobruns_answer_limited(ngx_http_request_t *r,
    ngx_http_jobruns_attempt_t *a);
static void ngx_http_jobruns_answer_unkept(ngx_http_request_t *r,
    ngx_http_jobruns_attempt_t *a);
static void ngx_http_jobruns_answer_replay(ngx_http_request_t *r,
    ngx_http_jobruns_attempt_t *a);


void
ngx_http_jobruns_refuse(ngx_http_request_t *r, ngx_http_jobruns_attempt_t *a,
    jr_outcome_e outcome, ngx_uint_t status, const char *code,
    ngx_str_t *message)
{
    jr_str_t  error, text;

    if (a->state == jobruns_st_forwarding) {
        /* our own filter holds this, settles, and words the answer */

        r->headers_out.status = status;
        r->headers_out.content_length_n = 0;

        ngx_http_jobruns_finish(r, &a->answer);
        return;
    }

    error = jr_outcome_error_code((unsigned) status);
    text = jr_outcome_error_message((unsigned) status);

    if (code != NULL) {
        error.data = code;
        error.len = ngx_strlen(code);
    }

    if (message != NULL) {
        text = ngx_http_jobruns_str(*message);
    }

    ngx_http_jobruns_flow_to(a, jobruns_st_answered);
    a->outcome = outcome;
    a->status = status;
    a->refusal_code.data = (u_char *) error.data;
    a->refusal_code.len = error.len;
    a->refusal_message.data = (u_char *) text.data;
    a->refusal_message.len = text.len;

    if (status == NGX_HTTP_SERVICE_UNAVAILABLE) {
        a->retry_after = 1;
    }

    if (ngx_http_jobruns_error_body(r, error, text, &a->answer) != NGX_OK) {
        a->status = NGX_HTTP_INTERNAL_SERVER_ERROR;
        ngx_http_finalize_request(r, NGX_HTTP_INTERNAL_SERVER_ERROR);
        return;
    }

    ngx_http_jobruns_error_headers(r, status, &a->answer);

    ngx_http_jobruns_answer(r, a);
}


/* records the answer that headers_out and a->answer make, then sends it */

static void
ngx_http_jobruns_answer(ngx_http_request_t *r, ngx_http_jobruns_attempt_t *a)
{
    if (ngx_http_jobruns_audit_end(a, ngx_http_jobruns_wake) == NGX_AGAIN) {
        ngx_http_jobruns_flow_to(a, jobruns_st_noting);
        ngx_http_jobruns_park(a, ngx_http_jobruns_noted);
        return;
    }

    ngx_http_jobruns_finish(r, &a->answer);
}


/* in the file or not: a refusal or a replay needs no record to be true */

static void
ngx_http_jobruns_noted(ngx_http_request_t *r, ngx_http_jobruns_attempt_t *a)
{
    ngx_http_jobruns_flow_to(a, jobruns_st_answered);

    ngx_http_jobruns_finish(r, &a->answer);
}


ngx_int_t
ngx_http_jobruns_refuse_path(ngx_http_request_t *r, jr_path_e kind,
    jr_path_t *path)
{
    const char              *what;
    ngx_http_jobruns_ctx_t  *ctx;

    ctx = ngx_http_jobruns_create_ctx(r);

    if (ctx == NULL
        || ngx_http_jobruns_ensure_request_id(r, ctx) != NGX_OK
        || ngx_http_jobruns_attempt_create(r, ctx, path) != NGX_OK)
    {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    if (kind == JR_PATH_CREATE) {
        (void) jr_path_keys(&ctx->attempt->path, &what);

    } else {
        ngx_memzero(&ctx->attempt->path, sizeof(jr_path_t));
    }

    if (ngx_http_jobruns_identity_read(r, ctx->attempt) == NGX_ERROR) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    ngx_log_error(NGX_LOG_INFO, r->connection->log, 0,
                  "jobruns: a request that may be read as createJobRun "
                  "came to a location without \"jobruns\"; it is answered "
                  "404 (say \"jobruns off;\" there to let it pass)");

    ngx_http_jobruns_refuse(r, ctx->attempt, JR_OUTCOME_INVALID,
                            NGX_HTTP_NOT_FOUND, NULL, NULL);

    return NGX_DONE;
}


/* sends what headers_out says and the body, then lets the request go */

static void
ngx_http_jobruns_finish(ngx_http_request_t *r, ngx_str_t *body)
{
    ngx_int_t     rc;
    ngx_buf_t    *b;
    ngx_chain_t   out;

    /*
     * No "100 Continue" for a body that nobody wants: a client that waits
     * for it may send the body or not, so the connection ends here.
     */

    if (r->headers_in.expect != NULL && !r->expect_tested) {
        r->expect_tested = 1;
        r->keepalive = 0;
    }

    rc = ngx_http_discard_request_body(r);

    if (rc != NGX_OK) {
        r->keepalive = 0;
    }

    r->disable_not_modified = 1;
    r->allow_ranges = 0;

    rc = ngx_http_send_header(r);

    if (rc == NGX_ERROR || rc > NGX_OK || r->header_only) {
        ngx_http_finalize_request(r, rc);
        return;
    }

    b = ngx_calloc_buf(r->pool);
    if (b == NULL) {
        ngx_http_finalize_request(r, NGX_ERROR);
        return;
    }

    if (body->len) {
        b->pos = body->data;
        b->last = body->data + body->len;
        b->memory = 1;
    }

    b->last_buf = 1;
    b->last_in_chain = 1;

    out.buf = b;
    out.next = NULL;

    ngx_http_finalize_request(r, ngx_http_output_filter(r, &out));
}


void
ngx_http_jobruns_answer_verdict(ngx_http_request_t *r,
    ngx_http_jobruns_attempt_t *a)
{
    u_char     *p;
    ngx_str_t   message;

    switch (a->verdict) {

    case jobruns_verdict_limited:
        ngx_http_jobruns_answer_limited(r, a);
        return;

    case jobruns_verdict_replay:
        ngx_http_jobruns_answer_replay(r, a);
        return;

    case jobruns_verdict_unkept:
        ngx_http_jobruns_answer_unkept(r, a);
        return;

    case jobruns_verdict_running:
        a->retry_after = 1;

        ngx_str_set(&message, "A request with this opc-retry-token is still "
                    "being processed; retry with the same token.");

        ngx_http_jobruns_refuse(r, a, JR_OUTCOME_IN_PROGRESS,
                                NGX_HTTP_CONFLICT, "IncorrectState",
                                &message);
        return;

    case jobruns_verdict_mismatch:
        ngx_str_set(&message, "This opc-retry-token was used for a different "
                    "request; use another token for this one.");

        if (a->principal.len == 0) {
            ngx_str_set(&message, "This opc-retry-token was used for a "
                        "different request or by another caller; use another "
                        "token for this one. No principal could be read from "
                        "the Authorization header, so the token is held to "
                        "its credentials (see jobruns_principal).");
        }

        ngx_http_jobruns_refuse(r, a, JR_OUTCOME_TOKEN_MISMATCH,
                                NGX_HTTP_CONFLICT, "InvalidatedRetryToken",
                                &message);
        return;

    case jobruns_verdict_refused:
        message.data = ngx_pnalloc(r->pool, 256 + a->original_id.len);
        if (message.data == NULL) {
            ngx_http_finalize_request(r, NGX_HTTP_INTERNAL_SERVER_ERROR);
            return;
        }

        p = ngx_sprintf(message.data, "Whether request %V with this "
                        "opc-retry-token created a job run is not known; "
                        "look before you create it anew with another token.",
                        &a->original_id);
        message.len = p - message.data;

        ngx_http_jobruns_refuse(r, a, JR_OUTCOME_TOKEN_UNKNOWN,
                                NGX_HTTP_CONFLICT, "Conflict", &message);
        return;

    default:
        ngx_str_set(&message, "The gateway cannot protect this request "
                    "against being carried out twice at the moment; nothing "
                    "was forwarded. Retry later.");

        ngx_http_jobruns_refuse(r, a, JR_OUTCOME_UNAVAILABLE,
                                NGX_HTTP_SERVICE_UNAVAILABLE, NULL,
                                &message);
    }
}


static void
ngx_http_jobruns_answer_limited(ngx_http_request_t *r,
    ngx_http_jobruns_attempt_t *a)
{
    char       text[256];
    ngx_str_t  message;

    a->retry_after = (a->wait + 999) / 1000;

    if (a->retry_after == 0) {
        a->retry_after = 1;
    }

    message.len = jr_limit_message(&a->limits[a->refusing],
                                   &a->states[a->refusing],
                                   (int64_t) a->retry_after,
                                   text, sizeof(text));

    message.data = ngx_pnalloc(r->pool, message.len);
    if (message.data == NULL) {
        ngx_http_finalize_request(r, NGX_HTTP_INTERNAL_SERVER_ERROR);
        return;
    }

    ngx_memcpy(message.data, text, message.len);

    ngx_http_jobruns_refuse(r, a, JR_OUTCOME_LIMITED,
                            NGX_HTTP_TOO_MANY_REQUESTS, NULL, &message);
}


static void
ngx_http_jobruns_answer_unkept(ngx_http_request_t *r,
    ngx_http_jobruns_attempt_t *a)
{
    ngx_str_t  message;

    if (ngx_http_jobruns_unkept(r, a, &message) != NGX_OK) {
        ngx_http_finalize_request(r, NGX_HTTP_INTERNAL_SERVER_ERROR);
        return;
    }

    ngx_http_jobruns_refuse(r, a, JR_OUTCOME_REPLAYED, NGX_HTTP_CONFLICT,
                            "Conflict", &message);
}


ngx_int_t
ngx_http_jobruns_unkept(ngx_http_request_t *r, ngx_http_jobruns_attempt_t *a,
    ngx_str_t *message)
{
    u_char    *p;
    jr_str_t   name;

    message->data = ngx_pnalloc(r->pool, 256 + a->original_id.len);
    if (message->data == NULL) {
        return NGX_ERROR;
    }

    p = ngx_sprintf(message->data, "Request %V with this opc-retry-token has "
                    "created the job run; its answer could not be "
                    "stored.%s", &a->original_id,
                    a->location.len ? " The location header names the run."
                                    : " List the job runs to find it.");
    message->len = p - message->data;

    name = jr_answer_header_name(JR_ANSWER_LOCATION);

    /* of a refusal; NGINX would write it out once more, as an absolute one
       (ngx_http_header_filter()) */

    ngx_http_jobruns_header_drop(r, name);
    ngx_http_clear_location(r);

    if (a->location.len == 0) {
        return NGX_OK;
    }

    return ngx_http_jobruns_header_add(r, name, &a->location);
}


static void
ngx_http_jobruns_answer_replay(ngx_http_request_t *r,
    ngx_http_jobruns_attempt_t *a)
{
    ngx_http_jobruns_flow_to(a, jobruns_st_answered);
    a->outcome = JR_OUTCOME_REPLAYED;
    a->status = a->kept.status;

    a->answer.data = (u_char *) a->kept.body.data;
    a->answer.len = a->kept.body.len;

    if (ngx_http_jobruns_replay_headers(r, a) != NGX_OK) {
        a->status = NGX_HTTP_INTERNAL_SERVER_ERROR;
        ngx_http_finalize_request(r, NGX_HTTP_INTERNAL_SERVER_ERROR);
        return;
    }

    ngx_http_jobruns_find_run(a, a->kept.body);

    ngx_http_jobruns_answer(r, a);
}
