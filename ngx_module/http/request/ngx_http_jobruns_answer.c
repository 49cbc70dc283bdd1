/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Which answer an attempt gets: a refusal or a replay, of which this file
 * makes all but the sending of a held one, and in the end the held answer, the
 * stored one of another attempt, or one of our own in its place.
 *
 * A refusal is sent by us rather than returned as a status: NGINX closes
 * the connection on a 400 it makes itself (ngx_http_special_response_handler())
 * and would let error_page have it.
 */

#include "ngx_http_jobruns.h"
#include "ngx_http_jobruns_answer.h"
#include "ngx_http_jobruns_audit_file.h"
#include "ngx_http_jobruns_header_list.h"
#include "ngx_http_jobruns_log.h"
#include "ngx_http_jobruns_response.h"

#include "jr_json_skim.h"


static ngx_int_t ngx_http_jobruns_answer_error(ngx_http_request_t *r,
    ngx_http_jobruns_attempt_t *a, ngx_uint_t status, jr_str_t code,
    jr_str_t message);
static ngx_int_t ngx_http_jobruns_answer_limited(ngx_http_request_t *r,
    ngx_http_jobruns_attempt_t *a);
static ngx_int_t ngx_http_jobruns_answer_unknown(ngx_http_request_t *r,
    ngx_http_jobruns_attempt_t *a);
static ngx_int_t ngx_http_jobruns_answer_unkept(ngx_http_request_t *r,
    ngx_http_jobruns_attempt_t *a);
static ngx_int_t ngx_http_jobruns_answer_replay(ngx_http_request_t *r,
    ngx_http_jobruns_attempt_t *a);
static ngx_int_t ngx_http_jobruns_answer_by_another(ngx_http_request_t *r,
    ngx_http_jobruns_attempt_t *a);
static ngx_int_t ngx_http_jobruns_answer_replacement(ngx_http_request_t *r,
    ngx_http_jobruns_attempt_t *a);
static ngx_int_t ngx_http_jobruns_unkept(ngx_http_request_t *r,
    ngx_http_jobruns_attempt_t *a, ngx_str_t *message);


ngx_int_t
ngx_http_jobruns_answer_refuse(ngx_http_request_t *r,
    ngx_http_jobruns_attempt_t *a, jr_outcome_e outcome, ngx_uint_t status,
    const char *code, ngx_str_t *message)
{
    jr_str_t  error, text;

    error = jr_outcome_error_code((unsigned) status);
    text = jr_outcome_error_message((unsigned) status);

    if (code != NULL) {
        error.data = code;
        error.len = ngx_strlen(code);
    }

    if (message != NULL) {
        text = ngx_http_jobruns_str(*message);
    }

    a->outcome = outcome;

    if (status == NGX_HTTP_SERVICE_UNAVAILABLE) {
        a->response.retry_after = 1;
    }

    return ngx_http_jobruns_answer_error(r, a, status, error, text);
}


/* makes the answer an error of our own */

static ngx_int_t
ngx_http_jobruns_answer_error(ngx_http_request_t *r,
    ngx_http_jobruns_attempt_t *a, ngx_uint_t status, jr_str_t code,
    jr_str_t message)
{
    a->response.status = status;
    a->response.code = code;
    a->response.message = message;

    return ngx_http_jobruns_response_error(r, status, code, message,
                                           &a->response.body);
}


void
ngx_http_jobruns_answer_send(ngx_http_request_t *r, ngx_str_t *body)
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


ngx_int_t
ngx_http_jobruns_answer_verdict(ngx_http_request_t *r,
    ngx_http_jobruns_attempt_t *a)
{
    ngx_str_t  message;

    switch (a->verdict) {

    case jobruns_verdict_limited:
        return ngx_http_jobruns_answer_limited(r, a);

    case jobruns_verdict_replay:
        return ngx_http_jobruns_answer_replay(r, a);

    case jobruns_verdict_unkept:
        return ngx_http_jobruns_answer_unkept(r, a);

    case jobruns_verdict_refused:
        return ngx_http_jobruns_answer_unknown(r, a);

    case jobruns_verdict_running:
        a->response.retry_after = 1;

        ngx_str_set(&message, "A request with this opc-retry-token is still "
                    "being processed; retry with the same token.");

        return ngx_http_jobruns_answer_refuse(r, a, JR_OUTCOME_IN_PROGRESS,
                                              NGX_HTTP_CONFLICT,
                                              "IncorrectState", &message);

    case jobruns_verdict_mismatch:
        ngx_str_set(&message, "This opc-retry-token was used for a different "
                    "request; use another token for this one.");

        if (a->call.principal.len == 0) {
            ngx_str_set(&message, "This opc-retry-token was used for a "
                        "different request or by another caller; use another "
                        "token for this one. No principal could be read from "
                        "the Authorization header, so the token is held to "
                        "its credentials (see jobruns_principal).");
        }

        return ngx_http_jobruns_answer_refuse(r, a, JR_OUTCOME_TOKEN_MISMATCH,
                                              NGX_HTTP_CONFLICT,
                                              "InvalidatedRetryToken",
                                              &message);

    case jobruns_verdict_exiting:
        ngx_str_set(&message, "This gateway is being restarted, and the "
                    "request was still waiting for a limit; nothing was "
                    "forwarded. Retry with the same token.");

        return ngx_http_jobruns_answer_refuse(r, a, JR_OUTCOME_UNSENT,
                                              NGX_HTTP_SERVICE_UNAVAILABLE,
                                              NULL, &message);

    default:
        ngx_str_set(&message, "The gateway cannot protect this request "
                    "against being carried out twice at the moment; nothing "
                    "was forwarded. Retry later.");

        return ngx_http_jobruns_answer_refuse(r, a, JR_OUTCOME_UNAVAILABLE,
                                              NGX_HTTP_SERVICE_UNAVAILABLE,
                                              NULL, &message);
    }
}


static ngx_int_t
ngx_http_jobruns_answer_unknown(ngx_http_request_t *r,
    ngx_http_jobruns_attempt_t *a)
{
    u_char     *p;
    ngx_str_t   message;

    message.data = ngx_pnalloc(r->pool, 256 + a->run.original_id.len);
    if (message.data == NULL) {
        return NGX_ERROR;
    }

    p = ngx_sprintf(message.data, "Whether request %V with this "
                    "opc-retry-token created a job run is not known; "
                    "look before you create it anew with another token.",
                    &a->run.original_id);
    message.len = p - message.data;

    return ngx_http_jobruns_answer_refuse(r, a, JR_OUTCOME_TOKEN_UNKNOWN,
                                          NGX_HTTP_CONFLICT, "Conflict",
                                          &message);
}


ngx_int_t
ngx_http_jobruns_answer_unrecorded(ngx_http_request_t *r,
    ngx_http_jobruns_attempt_t *a)
{
    static ngx_str_t  message = ngx_string("The gateway cannot write its "
                                    "audit record; nothing was forwarded.");

    ngx_http_jobruns_log(a, jobruns_log_unrecorded, NGX_LOG_ERR,
                         "refused with 503, since jobruns_audit_required is "
                         "on and its record is not in the audit file \"%V\": "
                         "%V", &a->conf->audit->file->name, &a->audit.error);

    return ngx_http_jobruns_answer_refuse(r, a, JR_OUTCOME_UNAVAILABLE,
                                          NGX_HTTP_SERVICE_UNAVAILABLE, NULL,
                                          &message);
}


static ngx_int_t
ngx_http_jobruns_answer_limited(ngx_http_request_t *r,
    ngx_http_jobruns_attempt_t *a)
{
    char       text[256];
    ngx_str_t  message;

    a->response.retry_after = (a->reply.wait + 999) / 1000;

    if (a->response.retry_after == 0) {
        a->response.retry_after = 1;
    }

    message.len = jr_limit_message(&a->args.limits[a->reply.refusing],
                                   &a->reply.states[a->reply.refusing],
                                   (int64_t) a->response.retry_after,
                                   text, sizeof(text));

    message.data = ngx_pnalloc(r->pool, message.len);
    if (message.data == NULL) {
        return NGX_ERROR;
    }

    ngx_memcpy(message.data, text, message.len);

    return ngx_http_jobruns_answer_refuse(r, a, JR_OUTCOME_LIMITED,
                                          NGX_HTTP_TOO_MANY_REQUESTS,
                                          jr_limit_code(a->args.limits,
                                                        a->reply.states,
                                                        a->reply.nstates),
                                          &message);
}


static ngx_int_t
ngx_http_jobruns_answer_unkept(ngx_http_request_t *r,
    ngx_http_jobruns_attempt_t *a)
{
    ngx_str_t  message;

    if (ngx_http_jobruns_unkept(r, a, &message) != NGX_OK) {
        return NGX_ERROR;
    }

    return ngx_http_jobruns_answer_refuse(r, a, JR_OUTCOME_REPLAYED,
                                          NGX_HTTP_CONFLICT, "Conflict",
                                          &message);
}


/* the run was made, but its answer was too large to keep: says so in *message
   and in the location header */

static ngx_int_t
ngx_http_jobruns_unkept(ngx_http_request_t *r, ngx_http_jobruns_attempt_t *a,
    ngx_str_t *message)
{
    u_char    *p;
    jr_str_t   name;

    message->data = ngx_pnalloc(r->pool, 256 + a->run.original_id.len);
    if (message->data == NULL) {
        return NGX_ERROR;
    }

    p = ngx_sprintf(message->data, "Request %V with this opc-retry-token has "
                    "created the job run; its response could not be "
                    "stored.%s", &a->run.original_id,
                    a->run.location.len
                    ? " The location header names the run."
                    : " List the job runs to find it.");
    message->len = p - message->data;

    name = jr_answer_header_name(JR_ANSWER_LOCATION);

    /* of a refusal; NGINX would write it out once more, as an absolute one
       (ngx_http_header_filter()) */

    ngx_http_jobruns_header_list_drop(r, name);
    ngx_http_clear_location(r);

    if (a->run.location.len == 0) {
        return NGX_OK;
    }

    return ngx_http_jobruns_header_list_add(r, name, &a->run.location);
}


static ngx_int_t
ngx_http_jobruns_answer_replay(ngx_http_request_t *r,
    ngx_http_jobruns_attempt_t *a)
{
    a->outcome = JR_OUTCOME_REPLAYED;
    a->response.status = a->run.answer.status;

    a->response.body.data = (u_char *) a->run.answer.body.data;
    a->response.body.len = a->run.answer.body.len;

    if (ngx_http_jobruns_response_replay(r, a) != NGX_OK) {
        return NGX_ERROR;
    }

    ngx_http_jobruns_answer_find_run(a, a->run.answer.body);

    return NGX_OK;
}


void
ngx_http_jobruns_answer_find_run(ngx_http_jobruns_attempt_t *a, jr_str_t body)
{
    u_char    *slash;
    jr_str_t   key, *location;

    location = &a->run.answer.headers[JR_ANSWER_LOCATION];

    if (location->data == NULL) {
        location = &a->run.answer.headers[JR_ANSWER_CONTENT_LOCATION];
    }

    a->run.location.data = (u_char *) location->data;
    a->run.location.len = location->len;

    a->run.key.len = 0;

    /* the API page's JobRun.key; the location ends in it where the body is
       no JSON we can read (encoded, too large) */

    if (body.len) {
        key = jr_json_skim_string(body, (jr_str_t) jr_str("key"));

        a->run.key.data = (u_char *) key.data;
        a->run.key.len = key.len;
    }

    if (a->run.key.len == 0 && a->run.location.len) {
        slash = (u_char *) memrchr(a->run.location.data, '/',
                                   a->run.location.len);

        if (slash != NULL) {
            a->run.key.data = slash + 1;
            a->run.key.len = a->run.location.data + a->run.location.len
                             - slash - 1;
        }
    }
}


ngx_int_t
ngx_http_jobruns_answer_choose(ngx_http_request_t *r,
    ngx_http_jobruns_attempt_t *a)
{
    ngx_str_t  *body;

    body = &a->response.body;
    ngx_str_null(body);

    if (a->settled == jobruns_settled_done && a->run.answer.status) {

        a->held.replace = 1;
        a->response.status = a->run.answer.status;

        body->data = (u_char *) a->run.answer.body.data;
        body->len = a->run.answer.body.len;

        return ngx_http_jobruns_response_replay(r, a);
    }

    if (a->settled == jobruns_settled_done
        && a->outcome != JR_OUTCOME_CREATED)
    {
        return ngx_http_jobruns_answer_by_another(r, a);
    }

    if (a->held.replace) {
        return ngx_http_jobruns_answer_replacement(r, a);
    }

    if (a->held.buf != NULL) {
        body->data = a->held.buf->pos;
        body->len = a->held.buf->last - a->held.buf->pos;
    }

    if (a->held.overflow == NULL && a->held.complete
        && r->headers_out.content_length_n == -1)
    {
        /* it came in chunks, but is whole now */
        r->headers_out.content_length_n = (off_t) body->len;
    }

    return NGX_OK;
}


/* another attempt has created the run, and its answer was not kept: what our
   own attempt was told says nothing of it */

static ngx_int_t
ngx_http_jobruns_answer_by_another(ngx_http_request_t *r,
    ngx_http_jobruns_attempt_t *a)
{
    ngx_str_t  message;

    if (ngx_http_jobruns_unkept(r, a, &message) != NGX_OK) {
        return NGX_ERROR;
    }

    a->held.replace = 1;

    return ngx_http_jobruns_answer_error(r, a, NGX_HTTP_CONFLICT,
                                   jr_outcome_error_code(NGX_HTTP_CONFLICT),
                                   ngx_http_jobruns_str(message));
}


/* no usable answer came: say what that means for the job run */

static ngx_int_t
ngx_http_jobruns_answer_replacement(ngx_http_request_t *r,
    ngx_http_jobruns_attempt_t *a)
{
    jr_str_t                    code, message;
    ngx_uint_t                  status;
    ngx_http_upstream_state_t  *state;

    status = NGX_HTTP_SERVICE_UNAVAILABLE;

    if (a->stopped) {
        status = a->stopped;
        code = jr_outcome_error_code(status);
        message = (jr_str_t) jr_str("The gateway is not configured to forward "
                                    "this request unchanged; nothing was "
                                    "sent to the service.");

    } else if (a->outcome == JR_OUTCOME_UNSENT) {
        code = jr_outcome_error_code(status);
        message = (jr_str_t) jr_str("The service cannot be reached; nothing "
                                    "was sent to it. Retry later.");
        a->response.retry_after = 1;

    } else if (a->outcome == JR_OUTCOME_REJECTED) {
        status = a->exchange.status;
        code = jr_outcome_error_code(status);
        message = (jr_str_t) jr_str("The service, or a server in front of "
                                    "it, refused the request and gave no "
                                    "reason that can be passed on; no job "
                                    "run was created.");

    } else if (a->exchange.answered && !a->exchange.truncated
               && a->exchange.status >= 300)
    {
        status = a->exchange.status;
        code = status < 400
               ? (jr_str_t) jr_str("ExternalServerInvalidResponse")
               : jr_outcome_error_code(status);
        message = (jr_str_t) jr_str("The service answered with an error that "
                                    "leaves open whether the job run was "
                                    "created. Retry with the same "
                                    "opc-retry-token.");

    } else {
        code = (jr_str_t) jr_str("ExternalServerInvalidResponse");
        message = (jr_str_t) jr_str("The service gave no complete response; "
                                    "whether the job run was created is not "
                                    "known. Retry with the same "
                                    "opc-retry-token.");

        if (r->upstream_states != NULL && r->upstream_states->nelts) {
            state = r->upstream_states->elts;

            if (state[r->upstream_states->nelts - 1].status
                == NGX_HTTP_GATEWAY_TIME_OUT)
            {
                code = (jr_str_t) jr_str("ExternalServerTimeout");
            }
        }
    }

    return ngx_http_jobruns_answer_error(r, a, status, code, message);
}
