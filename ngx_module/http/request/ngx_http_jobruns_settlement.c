/* SPDX-License-Identifier: BSD-2-Clause
 *
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
#include "ngx_http_jobruns_args.h"
#include "ngx_http_jobruns_batch.h"
#include "ngx_http_jobruns_flow.h"
#include "ngx_http_jobruns_log.h"
#include "ngx_http_jobruns_reply.h"
#include "ngx_http_jobruns_room.h"
#include "ngx_http_jobruns_settle_args.h"
#include "ngx_http_jobruns_settlement.h"
#include "ngx_http_jobruns_takeback.h"


/* bytes of the words for a memory that is full */
#define NGX_HTTP_JOBRUNS_WHY  128


static ngx_http_jobruns_settlement_t *ngx_http_jobruns_settlement_create(
    ngx_http_jobruns_attempt_t *a);
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

    s->main = ngx_http_get_module_main_conf(a->request,
                                            ngx_http_jobruns_module);

    s->call.op.data = s;
    s->call.op.log = &s->log;
    s->call.handler = ngx_http_jobruns_on_settled;
    s->call.server = a->conf->server;
    s->call.script = &s->main->settle;
    s->call.tag = ngx_http_jobruns_args_tag(a);

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

    if (ngx_http_jobruns_settle_args_build(s, a) != NGX_OK) {
        ngx_destroy_pool(pool);
        return NULL;
    }

    ngx_http_jobruns_room_take(&s->room, a->call.tenant,
                               ngx_http_jobruns_settle_args_size(s));

    /* the claim is this settlement's to end now */

    a->claimed = 0;

    return s;
}


/* with others the first time, then alone: tries come when each is due */

static ngx_int_t
ngx_http_jobruns_settlement_try(ngx_http_jobruns_settlement_t *s)
{
    return s->pending ? ngx_http_jobruns_batch_alone(&s->call)
                      : ngx_http_jobruns_batch_call(&s->call);
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


ngx_str_t *
ngx_http_jobruns_settlement_key(ngx_http_jobruns_settlement_t *s)
{
    return &s->call.argv[s->call.nkeys - 1];
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
    ngx_str_t  word, full;

    word.data = (u_char *) jr_outcome_settle_words[s->as].word.data;
    word.len = jr_outcome_settle_words[s->as].word.len;

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
                  &word, ngx_http_jobruns_settlement_key(s),
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
                      "kept", &s->run_key, ngx_http_jobruns_settlement_key(s));
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
                      run_key, &s->run_key, ngx_http_jobruns_settlement_key(s));
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
