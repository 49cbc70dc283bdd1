/*
 * The held answer: storing it, finding in it what is kept and which job run
 * it tells of, and choosing what the client gets in the end.
 */

#include "ngx_http_jobruns.h"
#include "ngx_http_jobruns_answer.h"
#include "ngx_http_jobruns_answer_headers.h"
#include "ngx_http_jobruns_error.h"
#include "ngx_http_jobruns_held.h"
#include "ngx_http_jobruns_log.h"
#include "ngx_http_jobruns_room.h"
#include "jr_json_skim.h"


/* first piece of memory for an answer of unknown length */
#define NGX_HTTP_JOBRUNS_HOLD_FIRST  4096


static void ngx_http_jobruns_held_leave_out(ngx_http_jobruns_attempt_t *a);
static ngx_int_t ngx_http_jobruns_made_by_another(ngx_http_request_t *r,
    ngx_http_jobruns_attempt_t *a, ngx_str_t *body);
static ngx_int_t ngx_http_jobruns_replacement(ngx_http_request_t *r,
    ngx_http_jobruns_attempt_t *a, ngx_str_t *body);
static ngx_int_t ngx_http_jobruns_replace(ngx_http_request_t *r,
    ngx_http_jobruns_attempt_t *a, ngx_uint_t status, jr_str_t code,
    jr_str_t message, ngx_str_t *body);


/* NGX_DECLINED: more than may be held */

ngx_int_t
ngx_http_jobruns_held_store(ngx_http_request_t *r,
    ngx_http_jobruns_attempt_t *a, ngx_buf_t *b)
{
    size_t                         size, used, room;
    ngx_buf_t                     *held;
    ngx_http_jobruns_room_e        why;
    ngx_http_jobruns_main_conf_t  *jmcf;

    size = b->last - b->pos;
    used = a->held ? (size_t) (a->held->last - a->held->pos) : 0;
    room = a->held ? (size_t) (a->held->end - a->held->last) : 0;

    if (used + size > a->conf->response_max_size) {
        return NGX_DECLINED;
    }

    if (a->held == NULL || size > room) {
        jmcf = ngx_http_get_module_main_conf(r, ngx_http_jobruns_module);

        room = r->headers_out.content_length_n > 0
               && a->held == NULL
               && r->headers_out.content_length_n
                  <= (off_t) a->conf->response_max_size
               ? (size_t) r->headers_out.content_length_n
               : NGX_HTTP_JOBRUNS_HOLD_FIRST;

        while (room < used + size) {
            room *= 2;
        }

        /* while it is copied there are both, the smaller and the larger */

        why = ngx_http_jobruns_room_left(a->tenant, room, jmcf->hold_memory);

        if (why != jobruns_room_free) {
            ngx_http_jobruns_room_refused(a, why, jmcf->hold_memory,
                                          0);
            return NGX_DECLINED;
        }

        held = ngx_create_temp_buf(r->pool, room);
        if (held == NULL) {
            return NGX_ERROR;
        }

        if (a->held != NULL) {
            held->last = ngx_cpymem(held->last, a->held->pos, used);
            (void) ngx_pfree(r->pool, a->held->start);
        }

        ngx_http_jobruns_room_take(&a->room, a->tenant, room - a->room.size);
        a->held = held;
    }

    a->held->last = ngx_cpymem(a->held->last, b->pos, size);

    return NGX_OK;
}


/* what is kept of a 2xx; the strings stay where they are */

void
ngx_http_jobruns_held_capture(ngx_http_request_t *r,
    ngx_http_jobruns_attempt_t *a)
{
    u_char           *p;
    size_t            len;
    jr_str_t         *type;
    ngx_uint_t        i;
    ngx_table_elt_t  *h;

    ngx_memzero(&a->kept, sizeof(jr_answer_t));

    a->kept.status = a->exchange.status;

    if (a->held != NULL) {
        a->kept.body.data = (char *) a->held->pos;
        a->kept.body.len = a->held->last - a->held->pos;
    }

    for (i = 0; i < JR_ANSWER_HEADERS; i++) {
        h = ngx_http_jobruns_header_find(&r->headers_out.headers,
                                         jr_answer_header_name(i));

        if (h != NULL) {
            a->kept.headers[i] = ngx_http_jobruns_str(h->value);
        }
    }

    /* NGINX has taken it apart (ngx_http_upstream_copy_content_type()) */

    type = &a->kept.headers[JR_ANSWER_CONTENT_TYPE];

    *type = ngx_http_jobruns_str(r->headers_out.content_type);

    if (r->headers_out.content_type_len == r->headers_out.content_type.len
        && r->headers_out.charset.len)
    {
        len = type->len + sizeof("; charset=") - 1
              + r->headers_out.charset.len;

        p = ngx_pnalloc(r->pool, len);

        if (p != NULL) {
            (void) ngx_sprintf(p, "%V; charset=%V",
                               &r->headers_out.content_type,
                               &r->headers_out.charset);
            type->data = (char *) p;
            type->len = len;
        }
    }

    if (type->len == 0) {
        type->data = NULL;
    }

    ngx_http_jobruns_held_leave_out(a);
}


/* NGINX delivers a control character in a header, but no replay may send what
   came back from Redis with one: the answer is stored without that header */

static void
ngx_http_jobruns_held_leave_out(ngx_http_jobruns_attempt_t *a)
{
    jr_str_t    name;
    ngx_uint_t  i;

    for (i = 0; i < JR_ANSWER_HEADERS; i++) {

        if (jr_answer_storable(a->kept.headers[i])) {
            continue;
        }

        a->kept.headers[i].data = NULL;
        a->kept.headers[i].len = 0;

        name = jr_answer_header_name(i);

        ngx_http_jobruns_log(a, jobruns_log_header, NGX_LOG_WARN,
                             "the service's header \"%*s\" holds a control "
                             "character, its answer is stored without it and "
                             "replayed without it; have the service send "
                             "none", name.len, name.data);
    }
}


/* of a coded body nothing can be said; for a refusal SDKs go by the code, for
   all else by the status alone, so that the service's own words stay */

ngx_uint_t
ngx_http_jobruns_held_error(ngx_http_request_t *r,
    ngx_http_jobruns_attempt_t *a)
{
    jr_str_t  body;

    if (r->headers_out.content_encoding != NULL) {
        return 1;
    }

    if (a->held == NULL) {
        return 0;
    }

    body.data = (char *) a->held->pos;
    body.len = a->held->last - a->held->pos;

    if (!jr_json_skim_ends(body)) {
        return 0;
    }

    return jr_outcome_of(&a->exchange) != JR_OUTCOME_REJECTED
           || jr_json_skim_spelled(body, (jr_str_t) jr_str("code")).len != 0;
}


/* key and location of the run that was made */

void
ngx_http_jobruns_find_run(ngx_http_jobruns_attempt_t *a, jr_str_t body)
{
    u_char    *slash;
    jr_str_t   key, *location;

    location = &a->kept.headers[JR_ANSWER_LOCATION];

    if (location->data == NULL) {
        location = &a->kept.headers[JR_ANSWER_CONTENT_LOCATION];
    }

    a->location.data = (u_char *) location->data;
    a->location.len = location->len;

    a->run_key.len = 0;

    /* the API page's JobRun.key; the location ends in it where the body is
       no JSON we can read (encoded, too large) */

    if (body.len) {
        key = jr_json_skim_string(body, (jr_str_t) jr_str("key"));

        a->run_key.data = (u_char *) key.data;
        a->run_key.len = key.len;
    }

    if (a->run_key.len == 0 && a->location.len) {
        slash = (u_char *) memrchr(a->location.data, '/', a->location.len);

        if (slash != NULL) {
            a->run_key.data = slash + 1;
            a->run_key.len = a->location.data + a->location.len - slash - 1;
        }
    }
}


/* the held answer, the kept one of another attempt, or one of our own */

ngx_int_t
ngx_http_jobruns_held_choose(ngx_http_request_t *r,
    ngx_http_jobruns_attempt_t *a, ngx_str_t *body)
{
    ngx_str_null(body);

    if (a->settled == jobruns_settled_done && a->kept.status) {

        a->replace = 1;
        a->status = a->kept.status;

        body->data = (u_char *) a->kept.body.data;
        body->len = a->kept.body.len;

        return ngx_http_jobruns_replay_headers(r, a);
    }

    if (a->settled == jobruns_settled_done
        && a->outcome != JR_OUTCOME_CREATED)
    {
        return ngx_http_jobruns_made_by_another(r, a, body);
    }

    if (a->replace) {
        return ngx_http_jobruns_replacement(r, a, body);
    }

    if (a->held != NULL) {
        body->data = a->held->pos;
        body->len = a->held->last - a->held->pos;
    }

    if (a->overflow == NULL && a->complete
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
ngx_http_jobruns_made_by_another(ngx_http_request_t *r,
    ngx_http_jobruns_attempt_t *a, ngx_str_t *body)
{
    ngx_str_t  message;

    if (ngx_http_jobruns_unkept(r, a, &message) != NGX_OK) {
        return NGX_ERROR;
    }

    a->replace = 1;

    return ngx_http_jobruns_replace(r, a, NGX_HTTP_CONFLICT,
                                    jr_outcome_error_code(NGX_HTTP_CONFLICT),
                                    ngx_http_jobruns_str(message), body);
}


/* no usable answer came: say what that means for the job run */

static ngx_int_t
ngx_http_jobruns_replacement(ngx_http_request_t *r,
    ngx_http_jobruns_attempt_t *a, ngx_str_t *body)
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
        a->retry_after = 1;

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
        message = (jr_str_t) jr_str("The service gave no complete answer; "
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

    return ngx_http_jobruns_replace(r, a, status, code, message, body);
}


/* makes the answer an error of our own */

static ngx_int_t
ngx_http_jobruns_replace(ngx_http_request_t *r, ngx_http_jobruns_attempt_t *a,
    ngx_uint_t status, jr_str_t code, jr_str_t message, ngx_str_t *body)
{
    a->status = status;
    a->refusal_code.data = (u_char *) code.data;
    a->refusal_code.len = code.len;
    a->refusal_message.data = (u_char *) message.data;
    a->refusal_message.len = message.len;

    if (ngx_http_jobruns_error_body(r, code, message, body) != NGX_OK) {
        return NGX_ERROR;
    }

    ngx_http_jobruns_error_headers(r, status, body);

    return NGX_OK;
}
