/* SPDX-License-Identifier: BSD-2-Clause
 *
 * What settle.lua is given: KEYS and ARGV of a settlement, copied into its
 * pool, since the request may go first.
 */

#include "ngx_http_jobruns.h"
#include "ngx_http_jobruns_args.h"
#include "ngx_http_jobruns_room.h"
#include "ngx_http_jobruns_settle_args.h"

#include "jr_record.h"


static ngx_int_t ngx_http_jobruns_settle_args_pack(
    ngx_http_jobruns_settlement_t *s, ngx_http_jobruns_attempt_t *a);
static ngx_int_t ngx_http_jobruns_settle_args_copy(
    ngx_http_jobruns_settlement_t *s, ngx_str_t *dst, const void *data,
    size_t len);
static jr_answer_t *ngx_http_jobruns_settle_args_answer(
    ngx_http_jobruns_settlement_t *s, ngx_http_jobruns_attempt_t *a);


ngx_int_t
ngx_http_jobruns_settle_args_build(ngx_http_jobruns_settlement_t *s,
    ngx_http_jobruns_attempt_t *a)
{
    ngx_str_t   *arg;
    ngx_uint_t   i;

    s->call.nkeys = a->args.nkeys - JR_ADMIT_KEY_LIMITS;
    s->call.argc = s->call.nkeys + JR_SETTLE_ATTEMPTS + 1;

    s->call.argv = ngx_pcalloc(s->pool, s->call.argc * sizeof(ngx_str_t));
    if (s->call.argv == NULL) {
        return NGX_ERROR;
    }

    /* overrides are admission's */

    for (i = 0; i < s->call.nkeys; i++) {
        arg = &a->args.keys[JR_ADMIT_KEY_LIMITS + i];

        if (ngx_http_jobruns_settle_args_copy(s, &s->call.argv[i], arg->data,
                                             arg->len)
            != NGX_OK)
        {
            return NGX_ERROR;
        }
    }

    arg = s->call.argv + s->call.nkeys;

    ngx_memcpy(s->fingerprint, a->check.fingerprint,
               NGX_HTTP_JOBRUNS_FINGERPRINT_LEN);

    s->as = ngx_http_jobruns_forwarded(a)
            ? jr_outcome_settle_as(a->outcome, a->exchange.status)
            : a->delayed.withdrawn ? JR_SETTLE_AS_WITHDRAWN
                                   : JR_SETTLE_AS_UNSENT;
    s->lost = (ngx_http_jobruns_forwarded(a) && s->created)
              ? 0 : a->admission.lost;

    if (ngx_http_jobruns_settle_args_copy(s, &arg[JR_SETTLE_SHARED],
                                          a->args.shared.data,
                                          a->args.shared.len)
        != NGX_OK
        || ngx_http_jobruns_settle_args_copy(s, &s->run_key,
                                             a->run.key.data, a->run.key.len)
           != NGX_OK
        || ngx_http_jobruns_settle_args_copy(s, &s->request_id,
                                             a->ctx->request_id.data,
                                             a->ctx->request_id.len)
           != NGX_OK)
    {
        return NGX_ERROR;
    }

    return ngx_http_jobruns_settle_args_pack(s, a);
}


/* JR_SETTLE: a record */

static ngx_int_t
ngx_http_jobruns_settle_args_pack(ngx_http_jobruns_settlement_t *s,
    ngx_http_jobruns_attempt_t *a)
{
    char         *p;
    size_t        size, tail;
    jr_str_t      location, run_key;
    jr_pack_t     v[JR_RECORD_LAST];
    ngx_str_t    *arg;
    jr_answer_t  *answer;

    arg = &s->call.argv[s->call.nkeys + JR_SETTLE_ATTEMPTS];

    v[JR_RECORD_FORMAT].text = (jr_str_t) jr_str(JR_SCRIPT_FORMAT);
    v[JR_RECORD_STATE].text = jr_outcome_settle_words[s->as].letter;
    v[JR_RECORD_FLAGS].number = (a->call.token.data ? 0 : JR_SETTLE_ALONE)
                                + (s->lost ? JR_SETTLE_LOST : 0);
    v[JR_RECORD_LEASE_END].number = s->lost;
    v[JR_RECORD_LEASE].number = 0;
    v[JR_RECORD_END].number = a->reply.begin + ngx_http_jobruns_args_life(a);
    v[JR_RECORD_BEGIN].number = a->reply.begin;
    v[JR_RECORD_OWNER].text = ngx_http_jobruns_args_owner(a);
    v[JR_RECORD_VERSION].number = NGX_HTTP_JOBRUNS_FINGERPRINT_VERSION;
    v[JR_RECORD_FINGERPRINT].text = (jr_str_t) {
        JR_DIGEST_LEN, (char *) a->check.fingerprint };
    v[JR_RECORD_HEAD_LEN].number = (int64_t) (JR_RECORD_SIZE
                                              + s->request_id.len);
    v[JR_RECORD_FIRST_LEN].number = (int64_t) s->request_id.len;

    size = JR_RECORD_SIZE + s->request_id.len;
    location = ngx_http_jobruns_str(a->run.location);
    run_key = ngx_http_jobruns_str(a->run.key);
    tail = 0;
    answer = NULL;

    if (s->created && a->call.token.data != NULL) {
        answer = ngx_http_jobruns_settle_args_answer(s, a);
        tail = jr_record_done_size(location, run_key, answer);
    }

    p = ngx_palloc(s->pool, size + tail);
    if (p == NULL) {
        return NGX_ERROR;
    }

    arg->data = (u_char *) p;
    arg->len = size;

    p = jr_pack_write(p, JR_SETTLE, v);
    p = (char *) ngx_cpymem(p, s->request_id.data, s->request_id.len);

    if (tail == 0) {
        return NGX_OK;
    }

    if (answer != NULL
        && jr_record_write_done(location, run_key, answer, p, &tail) != JR_OK)
    {
        /* done without an answer: a retry is told where the run is */
        a->run.too_large = 1;
        answer = NULL;
    }

    if (answer == NULL
        && jr_record_write_done(location, run_key, NULL, p, &tail) != JR_OK)
    {
        return NGX_ERROR;
    }

    arg->len = size + tail;

    s->answer = jr_record_answer((jr_str_t) { tail, p });

    return NGX_OK;
}


size_t
ngx_http_jobruns_settle_args_size(ngx_http_jobruns_settlement_t *s)
{
    size_t      size;
    ngx_uint_t  i;

    size = NGX_HTTP_JOBRUNS_SETTLEMENT;

    for (i = 0; i < s->call.argc; i++) {
        size += s->call.argv[i].len;
    }

    return size;
}


static ngx_int_t
ngx_http_jobruns_settle_args_copy(ngx_http_jobruns_settlement_t *s,
    ngx_str_t *dst, const void *data, size_t len)
{
    dst->len = len;
    dst->data = ngx_pnalloc(s->pool, len + 1);
    if (dst->data == NULL) {
        return NGX_ERROR;
    }

    ngx_memcpy(dst->data, data ? data : "", len);

    return NGX_OK;
}


/* what is to be stored; NULL: nothing */

static jr_answer_t *
ngx_http_jobruns_settle_args_answer(ngx_http_jobruns_settlement_t *s,
    ngx_http_jobruns_attempt_t *a)
{
    ngx_http_jobruns_room_e  why;

    if (a->run.too_large) {
        return NULL;
    }

    why = ngx_http_jobruns_room_left(a->call.tenant,
                                     ngx_http_jobruns_settle_args_size(s)
                                     + jr_answer_size(&a->run.answer),
                                     s->main->hold_memory);

    if (why != jobruns_room_free) {
        ngx_http_jobruns_room_refused(a, why, s->main->hold_memory, 1);
        a->run.too_large = 1;
        return NULL;
    }

    return &a->run.answer;
}
