/* SPDX-License-Identifier: BSD-2-Clause
 * Settling: telling Redis how an attempt ended.
 *
 * A settlement has a pool of its own, since it may outlive its request: the
 * request waits for the first try only.  Where that gets no reply the client
 * has its answer, and the settlement is tried again: a creation for up to a
 * minute, anything else until the lease would have ended by itself.  All of
 * it counts as jobruns_hold_memory, together with the held answers: where
 * that is full, for all or for its tenant, an answer is not kept, and nothing
 * is tried again.  Taking back an admission has rules of its own:
 * ngx_http_jobruns_takeback.c.
 */

#include "ngx_http_jobruns.h"
#include "ngx_http_jobruns_flow.h"
#include "ngx_http_jobruns_log.h"
#include "ngx_http_jobruns_reply.h"
#include "ngx_http_jobruns_room.h"
#include "ngx_http_jobruns_settlement.h"
#include "ngx_http_jobruns_takeback.h"

#include "jr_script.h"


/* of the pool: the settlement and its arguments but for a kept answer, for
   which there is more */
#define NGX_HTTP_JOBRUNS_SETTLEMENT  2048

/* bytes of the words for a memory that is full */
#define NGX_HTTP_JOBRUNS_WHY  128


static ngx_http_jobruns_settlement_t *ngx_http_jobruns_settlement_create(
    ngx_http_jobruns_attempt_t *a);
static ngx_int_t ngx_http_jobruns_settlement_args(
    ngx_http_jobruns_settlement_t *s, ngx_http_jobruns_attempt_t *a);
static size_t ngx_http_jobruns_settlement_size(
    ngx_http_jobruns_settlement_t *s);
static ngx_int_t ngx_http_jobruns_settlement_copy(
    ngx_http_jobruns_settlement_t *s, ngx_str_t *dst, const void *data,
    size_t len);
static ngx_int_t ngx_http_jobruns_settlement_answer(
    ngx_http_jobruns_settlement_t *s, ngx_http_jobruns_attempt_t *a,
    ngx_str_t *arg);
static ngx_int_t ngx_http_jobruns_settlement_try(
    ngx_http_jobruns_settlement_t *s);
static void ngx_http_jobruns_on_settled(ngx_redis_op_t *op,
    ngx_redis_status_e status, redisReply *reply);
static void ngx_http_jobruns_settlement_let_go(
    ngx_http_jobruns_settlement_t *s, ngx_http_jobruns_settled_e settled);
static void ngx_http_jobruns_settlement_lost(
    ngx_http_jobruns_settlement_t *s, ngx_http_jobruns_room_e why);
static void ngx_http_jobruns_on_try_due(ngx_event_t *ev);
static void ngx_http_jobruns_settlement_tell(
    ngx_http_jobruns_settlement_t *s, ngx_http_jobruns_settled_e settled,
    ngx_str_t *run_key);
static void ngx_http_jobruns_settlement_pending(
    ngx_http_jobruns_settlement_t *s, ngx_uint_t pending);


ngx_int_t
ngx_http_jobruns_settlement_begin(ngx_http_jobruns_attempt_t *a)
{
    ngx_http_jobruns_settlement_t  *s;

    s = ngx_http_jobruns_settlement_create(a);
    if (s == NULL) {
        return NGX_OK;
    }

    if (ngx_http_jobruns_settlement_try(s) != NGX_OK) {
        ngx_http_jobruns_settlement_later(s);
        return NGX_OK;
    }

    s->attempt = a;

    return NGX_AGAIN;
}


void
ngx_http_jobruns_settlement_detached(ngx_http_jobruns_attempt_t *a)
{
    ngx_http_jobruns_settlement_t  *s;

    s = ngx_http_jobruns_settlement_create(a);

    if (s != NULL && ngx_http_jobruns_settlement_try(s) != NGX_OK) {
        ngx_http_jobruns_settlement_later(s);
    }
}


static ngx_http_jobruns_settlement_t *
ngx_http_jobruns_settlement_create(ngx_http_jobruns_attempt_t *a)
{
    size_t                          answer;
    ngx_pool_t                     *pool;
    ngx_http_jobruns_settlement_t  *s;

    /* in one piece where a pool would not make a piece of its own of it */

    answer = (a->outcome == JR_OUTCOME_CREATED)
             ? jr_answer_size(&a->run.answer) : 0;

    pool = ngx_create_pool(NGX_HTTP_JOBRUNS_SETTLEMENT
                           + (answer <= NGX_MAX_ALLOC_FROM_POOL ? answer : 0),
                           ngx_cycle->log);
    if (pool == NULL) {
        return NULL;
    }

    s = ngx_pcalloc(pool, sizeof(ngx_http_jobruns_settlement_t));
    if (s == NULL) {
        ngx_destroy_pool(pool);
        return NULL;
    }

    s->pool = pool;
    s->log = *ngx_cycle->log;
    s->log.handler = NULL;
    s->log.data = NULL;

    s->server = a->conf->server;
    s->main = ngx_http_get_module_main_conf(a->request,
                                            ngx_http_jobruns_module);
    s->created = (a->outcome == JR_OUTCOME_CREATED);
    s->unsure = (!ngx_http_jobruns_forwarded(a)
                 && a->verdict != jobruns_verdict_forward);
    s->takeback = (s->unsure && a->admission.lost);
    ngx_queue_init(&s->queue);
    ngx_queue_init(&s->of_tenant);
    s->gap = NGX_HTTP_JOBRUNS_TRY_FIRST;
    s->deadline = ngx_current_msec
                  + (s->created ? NGX_HTTP_JOBRUNS_KEEP_FOR
                                : a->conf->retry_lease);

    if (ngx_http_jobruns_settlement_args(s, a) != NGX_OK) {
        ngx_destroy_pool(pool);
        return NULL;
    }

    ngx_http_jobruns_room_take(&s->room, a->call.tenant,
                               ngx_http_jobruns_settlement_size(s));

    /* the claim is this settlement's to end now */

    a->claimed = 0;

    return s;
}


/* KEYS and ARGV of settle.lua, copied: the request may go first */

static ngx_int_t
ngx_http_jobruns_settlement_args(ngx_http_jobruns_settlement_t *s,
    ngx_http_jobruns_attempt_t *a)
{
    jr_str_t     word;
    ngx_str_t   *arg, *asked;
    ngx_uint_t   i, created;

    static const struct {
        jr_settle_arg_e  settle;
        jr_admit_arg_e   admit;
    } same[] = {
        { JR_SETTLE_OWNER, JR_ADMIT_OWNER },
        { JR_SETTLE_FINGERPRINT, JR_ADMIT_FINGERPRINT },
        { JR_SETTLE_REQUEST_ID, JR_ADMIT_REQUEST_ID },
        { JR_SETTLE_LIFE, JR_ADMIT_LIFE },
        { JR_SETTLE_LEASE, JR_ADMIT_LEASE }
    };

    word = ngx_http_jobruns_forwarded(a)
           ? jr_outcome_settle_word(a->outcome, a->exchange.status)
           : (jr_str_t) jr_str("unsent");
    created = (ngx_http_jobruns_forwarded(a) && s->created);

    s->argv = ngx_pcalloc(s->pool, (a->args.nkeys + JR_SETTLE_LAST)
                                   * sizeof(ngx_str_t));
    if (s->argv == NULL) {
        return NGX_ERROR;
    }

    arg = s->argv;
    asked = a->args.argv + a->args.nkeys;

    for (i = 0; i < a->args.nkeys; i++) {

        /* overrides are admission's; a creation gives back what is held */

        if (i == JR_ADMIT_KEY_OVERRIDES
            || (i >= JR_ADMIT_KEY_LIMITS && created
                && !jr_limit_kinds[a->args.limits[i - JR_ADMIT_KEY_LIMITS].kind]
                    .held))
        {
            continue;
        }

        if (ngx_http_jobruns_settlement_copy(s, arg++, a->args.keys[i].data,
                                             a->args.keys[i].len)
            != NGX_OK)
        {
            return NGX_ERROR;
        }
    }

    s->nkeys = arg - s->argv;
    s->argc = s->nkeys + JR_SETTLE_LAST;

    ngx_str_set(&arg[JR_SETTLE_IS_TOKEN], "0");

    if (a->call.token.data != NULL) {
        ngx_str_set(&arg[JR_SETTLE_IS_TOKEN], "1");
    }

    ngx_str_set(&arg[JR_SETTLE_DEADLINE], JR_SCRIPT_TIME_NONE);

    if (a->admission.lost && !created) {
        arg[JR_SETTLE_DEADLINE].data = ngx_pnalloc(s->pool,
                                                   JR_SCRIPT_TIME_LEN);
        if (arg[JR_SETTLE_DEADLINE].data == NULL) {
            return NGX_ERROR;
        }

        (void) ngx_sprintf(arg[JR_SETTLE_DEADLINE].data, "%016L",
                           a->admission.lost);
    }

    arg[JR_SETTLE_OUTCOME].data = (u_char *) word.data;
    arg[JR_SETTLE_OUTCOME].len = word.len;

    for (i = 0; i < sizeof(same) / sizeof(same[0]); i++) {
        if (ngx_http_jobruns_settlement_copy(s, &arg[same[i].settle],
                                             asked[same[i].admit].data,
                                             asked[same[i].admit].len)
            != NGX_OK)
        {
            return NGX_ERROR;
        }
    }

    if (ngx_http_jobruns_settlement_copy(s, &arg[JR_SETTLE_LOCATION],
                                         a->run.location.data,
                                         a->run.location.len)
        != NGX_OK
        || ngx_http_jobruns_settlement_copy(s, &arg[JR_SETTLE_RUN_KEY],
                                            a->run.key.data, a->run.key.len)
           != NGX_OK)
    {
        return NGX_ERROR;
    }

    s->run_key = arg[JR_SETTLE_RUN_KEY];

    return ngx_http_jobruns_settlement_answer(s, a, &arg[JR_SETTLE_ANSWER]);
}


static size_t
ngx_http_jobruns_settlement_size(ngx_http_jobruns_settlement_t *s)
{
    size_t      size;
    ngx_uint_t  i;

    size = NGX_HTTP_JOBRUNS_SETTLEMENT;

    for (i = 0; i < s->argc; i++) {
        size += s->argv[i].len;
    }

    return size;
}


static ngx_int_t
ngx_http_jobruns_settlement_copy(ngx_http_jobruns_settlement_t *s,
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


static ngx_int_t
ngx_http_jobruns_settlement_answer(ngx_http_jobruns_settlement_t *s,
    ngx_http_jobruns_attempt_t *a, ngx_str_t *arg)
{
    size_t                   size;
    ngx_http_jobruns_room_e  why;

    if (!s->created || a->run.too_large || a->call.token.data == NULL) {
        return NGX_OK;
    }

    size = jr_answer_size(&a->run.answer);

    why = ngx_http_jobruns_room_left(a->call.tenant,
                                     ngx_http_jobruns_settlement_size(s)
                                     + size,
                                     s->main->hold_memory);

    if (why != jobruns_room_free) {
        ngx_http_jobruns_room_refused(a, why, s->main->hold_memory, 1);
        a->run.too_large = 1;
        return NGX_OK;
    }

    arg->data = ngx_palloc(s->pool, size);
    if (arg->data == NULL) {
        return NGX_ERROR;
    }

    if (jr_answer_encode(&a->run.answer, (char *) arg->data, &arg->len)
        != JR_OK)
    {
        /* done without an answer: a retry is told where the run is */
        arg->len = 0;
        a->run.too_large = 1;
    }

    return NGX_OK;
}


static ngx_int_t
ngx_http_jobruns_settlement_try(ngx_http_jobruns_settlement_t *s)
{
    s->op.handler = ngx_http_jobruns_on_settled;
    s->op.data = s;
    s->op.log = &s->log;

    return ngx_redis_op_eval(s->server, &s->op, &s->main->settle, s->nkeys,
                             s->argc, s->argv);
}


static void
ngx_http_jobruns_on_settled(ngx_redis_op_t *op, ngx_redis_status_e status,
    redisReply *reply)
{
    ngx_str_t                       run_key;
    ngx_uint_t                      early;
    ngx_http_jobruns_settled_e      settled;
    ngx_http_jobruns_settlement_t  *s;

    s = op->data;
    settled = jobruns_settled_none;

    if (status == ngx_redis_ok) {
        settled = ngx_http_jobruns_reply_settled(reply, s->attempt, &run_key,
                                                &s->log);
        ngx_http_jobruns_settlement_tell(s, settled, &run_key);
    }

    ngx_http_jobruns_flow_unclaimed(s, settled);

    early = (settled == jobruns_settled_early);

    if (early) {
        settled = jobruns_settled_none;

    } else {
        ngx_http_jobruns_count_settled(settled);
    }

    if (s->attempt != NULL) {

        if (status != ngx_redis_ok) {
            ngx_http_jobruns_log_redis_failed(s->attempt, "no reply to a "
                                              "settlement: %s",
                                              ngx_redis_stats_text(status));
        }

        ngx_http_jobruns_settlement_let_go(s, settled);
    }

    /* repeating it changes nothing more, so it is safe where the reply was
       lost; an error reply (LOADING, READONLY ...) may pass */

    if (early) {
        ngx_http_jobruns_takeback_early(s);
        return;
    }

    if (settled == jobruns_settled_none
        || (settled == jobruns_settled_gone && s->unsure && !s->takeback
            && !ngx_exiting
            && ngx_http_jobruns_settlement_left(s) > 0))
    {
        ngx_http_jobruns_settlement_later(s);
        return;
    }

    ngx_http_jobruns_settlement_free(s);
}


/* lets the request go on */

static void
ngx_http_jobruns_settlement_let_go(ngx_http_jobruns_settlement_t *s,
    ngx_http_jobruns_settled_e settled)
{
    ngx_http_jobruns_attempt_t  *a;

    a = s->attempt;

    s->attempt = NULL;
    a->settled = settled;
    a->times.settled = ngx_current_msec;

    ngx_http_jobruns_flow_wake(a, NGX_OK);
}


ngx_msec_int_t
ngx_http_jobruns_settlement_left(ngx_http_jobruns_settlement_t *s)
{
    return (ngx_msec_int_t) (s->deadline - ngx_current_msec);
}


void
ngx_http_jobruns_settlement_later(ngx_http_jobruns_settlement_t *s)
{
    ngx_msec_int_t           left;
    ngx_http_jobruns_room_e  why;

    if (s->takeback) {
        ngx_http_jobruns_takeback_add(s);
        ngx_http_jobruns_settlement_pending(s, 1);

        /* this one may be the oldest, or too late */

        if (ngx_http_jobruns_takeback_over(s)) {
            return;
        }

    } else {
        (void) ngx_http_jobruns_takeback_trim(s);
    }

    left = ngx_http_jobruns_settlement_left(s);

    why = ngx_http_jobruns_room_over(&s->room, s->main->hold_memory);

    if (!s->takeback && (left <= 0 || why != jobruns_room_free)) {
        ngx_http_jobruns_settlement_lost(s, left <= 0 ? jobruns_room_free
                                                      : why);
        return;
    }

    ngx_http_jobruns_settlement_pending(s, 1);

    ngx_memzero(&s->timer, sizeof(ngx_event_t));

    s->timer.handler = ngx_http_jobruns_on_try_due;
    s->timer.data = s;
    s->timer.log = &s->log;

    ngx_add_timer(&s->timer, s->takeback ? s->gap
                             : ngx_min(s->gap, (ngx_msec_t) left));

    s->gap = ngx_min(s->gap * 2, NGX_HTTP_JOBRUNS_TRY_MOST);
}


/* why: jobruns_room_free where its time is up */

static void
ngx_http_jobruns_settlement_lost(ngx_http_jobruns_settlement_t *s,
    ngx_http_jobruns_room_e why)
{
    u_char     buf[NGX_HTTP_JOBRUNS_WHY];
    ngx_str_t  full;

    full.data = buf;
    full.len = 0;

    if (why != jobruns_room_free) {
        ngx_http_jobruns_count(jobruns_count_room_full + why);

        full.len = ngx_snprintf(buf, sizeof(buf),
                                "; jobruns_hold_memory %uz %s",
                                s->main->hold_memory,
                                ngx_http_jobruns_room_text(why))
                   - buf;
    }

    ngx_log_error(NGX_LOG_ERR, &s->log, 0,
                  "jobruns: could not tell Redis that an attempt ended as "
                  "\"%V\", key \"%V\", job run \"%V\": its token is unknown "
                  "when the lease ends%V",
                  &s->argv[s->nkeys + JR_SETTLE_OUTCOME],
                  &s->argv[JR_SETTLE_KEY_RECORD],
                  &s->run_key, &full);

    ngx_http_jobruns_count(jobruns_count_settle_lost);
    ngx_http_jobruns_settlement_free(s);
}


static void
ngx_http_jobruns_on_try_due(ngx_event_t *ev)
{
    ngx_http_jobruns_settlement_t  *s;

    s = ev->data;

    ngx_http_jobruns_takeback_remove(s);

    if (ngx_http_jobruns_settlement_try(s) != NGX_OK) {
        ngx_http_jobruns_settlement_later(s);
    }
}


/* what an operator must know; run_key is that of the attempt that was first */

static void
ngx_http_jobruns_settlement_tell(ngx_http_jobruns_settlement_t *s,
    ngx_http_jobruns_settled_e settled, ngx_str_t *run_key)
{
    if (!s->created) {
        return;
    }

    if (settled == jobruns_settled_foreign) {
        ngx_log_error(NGX_LOG_ALERT, &s->log, 0,
                      "jobruns: job run \"%V\" was created for key \"%V\", "
                      "which another request owns by now: its answer is not "
                      "kept", &s->run_key, &s->argv[JR_SETTLE_KEY_RECORD]);
    }

    /* an answer may name no run: then there is nothing to compare */

    if (settled == jobruns_settled_done
        && run_key->len && s->run_key.len
        && (run_key->len != s->run_key.len
            || ngx_memcmp(run_key->data, s->run_key.data, run_key->len) != 0))
    {
        ngx_log_error(NGX_LOG_ALERT, &s->log, 0,
                      "jobruns: one retry token made two job runs: \"%V\" is "
                      "kept, \"%V\" is not, key \"%V\"; cancel one of them",
                      run_key, &s->run_key, &s->argv[JR_SETTLE_KEY_RECORD]);
        ngx_http_jobruns_count(jobruns_count_second_run);
    }
}


/* what still waits to be told to Redis, as it is counted */

static void
ngx_http_jobruns_settlement_pending(ngx_http_jobruns_settlement_t *s,
    ngx_uint_t pending)
{
    ngx_http_jobruns_counter_t  *waiting;

    waiting = s->created ? &ngx_http_jobruns_worker.pending_keeps
                         : &ngx_http_jobruns_worker.pending_settles;

    *waiting += pending;
    *waiting -= s->pending;

    s->pending = pending;
}


void
ngx_http_jobruns_settlement_free(ngx_http_jobruns_settlement_t *s)
{
    ngx_http_jobruns_settlement_pending(s, 0);

    ngx_http_jobruns_takeback_remove(s);

    if (s->timer.timer_set) {
        ngx_del_timer(&s->timer);
    }

    ngx_http_jobruns_room_give(&s->room);

    ngx_destroy_pool(s->pool);
}
