/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The held answer: storing it, and finding in it what is kept.
 */

#include "ngx_http_jobruns.h"
#include "ngx_http_jobruns_header_list.h"
#include "ngx_http_jobruns_held.h"
#include "ngx_http_jobruns_log.h"
#include "ngx_http_jobruns_room.h"

#include "jr_json_skim.h"


/* first piece of memory for an answer of unknown length */
#define NGX_HTTP_JOBRUNS_HOLD_FIRST  4096


static void ngx_http_jobruns_held_leave_out(ngx_http_jobruns_attempt_t *a);


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
    used = a->held.buf ? (size_t) (a->held.buf->last - a->held.buf->pos) : 0;
    room = a->held.buf ? (size_t) (a->held.buf->end - a->held.buf->last) : 0;

    if (used + size > a->conf->response_max_size) {
        return NGX_DECLINED;
    }

    if (a->held.buf == NULL || size > room) {
        jmcf = ngx_http_get_module_main_conf(r, ngx_http_jobruns_module);

        room = r->headers_out.content_length_n > 0
               && a->held.buf == NULL
               && r->headers_out.content_length_n
                  <= (off_t) a->conf->response_max_size
               ? (size_t) r->headers_out.content_length_n
               : NGX_HTTP_JOBRUNS_HOLD_FIRST;

        while (room < used + size) {
            room *= 2;
        }

        /* while it is copied there are both, the smaller and the larger */

        why = ngx_http_jobruns_room_left(a->call.tenant, room,
                                         jmcf->hold_memory);

        if (why != jobruns_room_free) {
            ngx_http_jobruns_room_refused(a, why, jmcf->hold_memory,
                                          0);
            return NGX_DECLINED;
        }

        held = ngx_create_temp_buf(r->pool, room);
        if (held == NULL) {
            return NGX_ERROR;
        }

        if (a->held.buf != NULL) {
            held->last = ngx_cpymem(held->last, a->held.buf->pos, used);
            (void) ngx_pfree(r->pool, a->held.buf->start);
        }

        ngx_http_jobruns_room_take(&a->held.room, a->call.tenant,
                                   room - a->held.room.size);
        a->held.buf = held;
    }

    a->held.buf->last = ngx_cpymem(a->held.buf->last, b->pos, size);

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

    ngx_memzero(&a->run.answer, sizeof(jr_answer_t));

    a->run.answer.status = a->exchange.status;

    if (a->held.buf != NULL) {
        a->run.answer.body.data = (char *) a->held.buf->pos;
        a->run.answer.body.len = a->held.buf->last - a->held.buf->pos;
    }

    for (i = 0; i < JR_ANSWER_HEADERS; i++) {
        h = ngx_http_jobruns_header_list_find(&r->headers_out.headers,
                                              jr_answer_header_name(i));

        if (h != NULL) {
            a->run.answer.headers[i] = ngx_http_jobruns_str(h->value);
        }
    }

    /* NGINX has taken it apart (ngx_http_upstream_copy_content_type()) */

    type = &a->run.answer.headers[JR_ANSWER_CONTENT_TYPE];

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

        if (jr_answer_storable(a->run.answer.headers[i])) {
            continue;
        }

        a->run.answer.headers[i].data = NULL;
        a->run.answer.headers[i].len = 0;

        name = jr_answer_header_name(i);

        ngx_http_jobruns_log(a, jobruns_log_header, NGX_LOG_WARN,
                             "header \"%*s\" of the service contains a control "
                             "character; the response is stored and replayed "
                             "without that header; make the service send "
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

    if (a->held.buf == NULL) {
        return 0;
    }

    body.data = (char *) a->held.buf->pos;
    body.len = a->held.buf->last - a->held.buf->pos;

    if (!jr_json_skim_ends(body)) {
        return 0;
    }

    return jr_outcome_of(&a->exchange) != JR_OUTCOME_REJECTED
           || jr_json_skim_spelled(body, (jr_str_t) jr_str("code")).len != 0;
}


ngx_uint_t
ngx_http_jobruns_held_replaced(ngx_http_request_t *r,
    ngx_http_jobruns_attempt_t *a)
{
    ngx_str_t  *type;

    static ngx_str_t  json = ngx_string("application/json");

    if (!a->exchange.answered) {
        return 1;
    }

    if (a->exchange.status < 300) {
        return 0;
    }

    type = &r->headers_out.content_type;

    return type->len < json.len
           || ngx_strncasecmp(type->data, json.data, json.len) != 0
           || (type->len > json.len && type->data[json.len] != ';'
               && type->data[json.len] != ' ');
}


ngx_int_t
ngx_http_jobruns_held_overflow(ngx_http_request_t *r,
    ngx_http_jobruns_attempt_t *a, ngx_chain_t *in)
{
    ngx_chain_t  *cl, *ln;

    for (cl = in; cl; cl = cl->next) {

        if (cl->buf->last_buf) {
            a->held.complete = 1;
        }

        ln = ngx_alloc_chain_link(r->pool);
        if (ln == NULL) {
            return NGX_ERROR;
        }

        ln->buf = cl->buf;
        ln->next = NULL;

        *a->held.overflow_last = ln;
        a->held.overflow_last = &ln->next;
    }

    if (a->state != jobruns_st_released) {
        r->connection->write->delayed = 1;
    }

    return NGX_OK;
}


void
ngx_http_jobruns_held_consume(ngx_chain_t *in)
{
    for ( /* void */ ; in; in = in->next) {
        in->buf->pos = in->buf->last;
        in->buf->file_pos = in->buf->file_last;
    }
}
