/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Batches: admissions, and settlements, of one turn of the event loop that
 * count by the same keys leave as one EVALSHA.
 *
 *   buckets, by tenant     gather                  calls, oldest first
 *   +---+              +-------------+            +------+   +------+
 *   |   |--> gather -> | calls ------+----------> | call |-->| call |
 *   +---+              | out[0], [1] |            +------+   +------+
 *                      +---|---------+
 *                          v
 *                        call, the first of a batch under way: its operation
 *                        is that of all; members: itself and the others
 *
 * A call that is alone in its turn is sent as it stands: a batch of one has
 * nothing to be put together.  The client copies what it sends, and sends the
 * whole batch again for NOSCRIPT, MOVED, ASK and TRYAGAIN; one WAIT behind it
 * is for all that await it.
 *
 * At most two batches of a gather are under way: what comes meanwhile leaves
 * together.  A call waits no longer than the older of the two, whose timeout
 * began before its own.
 *
 * An attempt is blocked while it asks, and a settlement is its own: so no
 * call ends before its handler was called, also where the client has left.
 *
 * No two calls of a batch have the same record: scripts read all records before
 * they write one, so both would be told that nobody has it.  The second one is
 * sent alone behind the batch, so that many tries of a token wait for one round
 * trip, as many tokens do.
 *
 * What an error has kept a batch from deciding is asked for each attempt
 * alone, once: what is wrong with one is not held against the others, and the
 * client and the attempt act on an error as it is for one.
 */

#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_event.h>

#include "ngx_http_jobruns_batch.h"
#include "ngx_http_jobruns_batch_eval.h"
#include "ngx_http_jobruns_reply_batch.h"


#define NGX_HTTP_JOBRUNS_BATCH_OUT    2

/* bytes that attempts of a batch add to it; a larger one is alone */
#define NGX_HTTP_JOBRUNS_BATCH_SIZE   (64 * 1024)

/* ms by which calls of a batch may have waited less than its first one, whose
   deadline is that of all */
#define NGX_HTTP_JOBRUNS_BATCH_SPREAD  20

/* a power of 2; gathers that are kept for the next turn */
#define NGX_HTTP_JOBRUNS_BATCH_BUCKETS  256
#define NGX_HTTP_JOBRUNS_BATCH_SPARE  64


struct ngx_http_jobruns_batch_gather_s {
    ngx_queue_t                     queue;    /* of its bucket, or spare */
    ngx_queue_t                     turn;     /* of what may leave at its end */
    ngx_queue_t                     calls;    /* that gather */
    ngx_http_jobruns_batch_call_t  *out[NGX_HTTP_JOBRUNS_BATCH_OUT];
};


static ngx_http_jobruns_batch_gather_t *ngx_http_jobruns_batch_gather_of(
    ngx_http_jobruns_batch_call_t *call);
static ngx_http_jobruns_batch_gather_t *ngx_http_jobruns_batch_gather_create(
    ngx_queue_t *bucket);
static void ngx_http_jobruns_batch_gather_rest(
    ngx_http_jobruns_batch_gather_t *g);
static void ngx_http_jobruns_batch_gather_held(
    ngx_http_jobruns_batch_gather_t *g);
static ngx_msec_t ngx_http_jobruns_batch_age(
    ngx_http_jobruns_batch_call_t *call);
static ngx_uint_t ngx_http_jobruns_batch_is_of(
    ngx_http_jobruns_batch_gather_t *g, ngx_http_jobruns_batch_call_t *call);
static ngx_uint_t ngx_http_jobruns_batch_is_same(ngx_str_t *one,
    ngx_str_t *two, ngx_uint_t n);
static void ngx_http_jobruns_batch_on_turn(ngx_event_t *ev);
static void ngx_http_jobruns_batch_send(ngx_http_jobruns_batch_gather_t *g,
    ngx_uint_t out);
static ngx_uint_t ngx_http_jobruns_batch_take(
    ngx_http_jobruns_batch_gather_t *g, ngx_http_jobruns_batch_call_t *first,
    ngx_queue_t *rest);
static ngx_int_t ngx_http_jobruns_batch_send_one(
    ngx_http_jobruns_batch_call_t *call, ngx_msec_t waited);
static ngx_uint_t ngx_http_jobruns_batch_has(
    ngx_http_jobruns_batch_call_t *first, ngx_http_jobruns_batch_call_t *call);
static void ngx_http_jobruns_batch_on_reply(ngx_redis_op_t *op,
    ngx_redis_status_e status, redisReply *reply);
static void ngx_http_jobruns_batch_tell(ngx_http_jobruns_batch_call_t *first,
    ngx_int_t refused, ngx_redis_status_e status, redisReply *reply);


/* of this worker; a bucket that was never used is all zeroes */
static ngx_queue_t  ngx_http_jobruns_batch_buckets[
                                             NGX_HTTP_JOBRUNS_BATCH_BUCKETS];

/* posted: the end of this turn */
static ngx_event_t  ngx_http_jobruns_batch_turn;

static struct {
    ngx_queue_t   turn;         /* gathers, in the order of their first call */
    ngx_queue_t   spare;
    ngx_uint_t    spares;
} ngx_http_jobruns_batches = {
    .turn = { &ngx_http_jobruns_batches.turn, &ngx_http_jobruns_batches.turn },
    .spare = { &ngx_http_jobruns_batches.spare,
               &ngx_http_jobruns_batches.spare }
};


ngx_int_t
ngx_http_jobruns_batch_alone(ngx_http_jobruns_batch_call_t *call)
{
    return ngx_http_jobruns_batch_send_one(call, 0);
}


static ngx_int_t
ngx_http_jobruns_batch_send_one(ngx_http_jobruns_batch_call_t *call,
    ngx_msec_t waited)
{
    call->refused = NGX_OK;

    call->op.handler = call->handler;
    call->op.stamp = call->stamp;
    call->op.waited = waited;

    return ngx_redis_op_eval(call->server, &call->op, call->script,
                             call->nkeys, call->argc, call->argv);
}


ngx_int_t
ngx_http_jobruns_batch_call(ngx_http_jobruns_batch_call_t *call)
{
    ngx_int_t                         rc;
    ngx_http_jobruns_batch_gather_t  *g;

    /* what would be refused now has nothing to wait for */

    rc = ngx_redis_op_check(call->server, &call->op, &call->argv[0]);

    if (rc != NGX_OK) {
        return rc;
    }

    /* a worker that exits ends when it has no timer left, and a call has none
       before it is sent */

    g = ngx_exiting || call->argc + 2 * NGX_HTTP_JOBRUNS_BATCH_MOST
                       > NGX_HTTP_JOBRUNS_BATCH_ARGS
        ? NULL : ngx_http_jobruns_batch_gather_of(call);

    if (g == NULL) {
        return ngx_http_jobruns_batch_alone(call);
    }

    call->held = 0;
    ngx_queue_insert_tail(&g->calls, &call->queue);

    ngx_http_jobruns_batch_gather_rest(g);

    return NGX_OK;
}


/* that of its keys, or a new one; NULL: no memory */

static ngx_http_jobruns_batch_gather_t *
ngx_http_jobruns_batch_gather_of(ngx_http_jobruns_batch_call_t *call)
{
    uint32_t                          hash;
    ngx_queue_t                      *q, *bucket;
    ngx_http_jobruns_batch_gather_t  *g;

    hash = ngx_murmur_hash2(call->argv[0].data, call->tag)
           ^ (uint32_t) ((uintptr_t) call->script >> 4);
    bucket = &ngx_http_jobruns_batch_buckets[
                               hash & (NGX_HTTP_JOBRUNS_BATCH_BUCKETS - 1)];

    if (bucket->next == NULL) {
        ngx_queue_init(bucket);
    }

    for (q = ngx_queue_head(bucket);
         q != ngx_queue_sentinel(bucket);
         q = ngx_queue_next(q))
    {
        g = ngx_queue_data(q, ngx_http_jobruns_batch_gather_t, queue);

        if (ngx_http_jobruns_batch_is_of(g, call)) {
            return g;
        }
    }

    return ngx_http_jobruns_batch_gather_create(bucket);
}


static ngx_http_jobruns_batch_gather_t *
ngx_http_jobruns_batch_gather_create(ngx_queue_t *bucket)
{
    ngx_queue_t                      *q;
    ngx_http_jobruns_batch_gather_t  *g;

    if (ngx_http_jobruns_batches.spares) {
        q = ngx_queue_head(&ngx_http_jobruns_batches.spare);
        ngx_queue_remove(q);
        ngx_http_jobruns_batches.spares--;

        g = ngx_queue_data(q, ngx_http_jobruns_batch_gather_t, queue);

    } else {
        g = ngx_alloc(sizeof(ngx_http_jobruns_batch_gather_t),
                      ngx_cycle->log);
        if (g == NULL) {
            return NULL;
        }
    }

    ngx_memzero(g, sizeof(ngx_http_jobruns_batch_gather_t));

    ngx_queue_init(&g->turn);
    ngx_queue_init(&g->calls);
    ngx_queue_insert_tail(bucket, &g->queue);

    return g;
}


/* what becomes of a gather now: calls leave at the turn's end, if they may; one
   without calls goes */

static void
ngx_http_jobruns_batch_gather_rest(ngx_http_jobruns_batch_gather_t *g)
{
    ngx_event_t  *turn;

    if (!ngx_queue_empty(&g->calls)) {

        if (g->out[0] != NULL && g->out[1] != NULL) {
            ngx_http_jobruns_batch_gather_held(g);

        } else if (ngx_queue_empty(&g->turn)) {
            ngx_queue_insert_tail(&ngx_http_jobruns_batches.turn, &g->turn);

            turn = &ngx_http_jobruns_batch_turn;
            turn->handler = ngx_http_jobruns_batch_on_turn;
            turn->log = ngx_cycle->log;
            ngx_post_event(turn, &ngx_posted_events);
        }

        return;
    }

    if (g->out[0] != NULL || g->out[1] != NULL) {
        return;
    }

    ngx_queue_remove(&g->queue);

    if (ngx_http_jobruns_batches.spares == NGX_HTTP_JOBRUNS_BATCH_SPARE) {
        ngx_free(g);
        return;
    }

    ngx_queue_insert_head(&ngx_http_jobruns_batches.spare, &g->queue);
    ngx_http_jobruns_batches.spares++;
}


/* notes since when those wait that do not leave with this turn */

static void
ngx_http_jobruns_batch_gather_held(ngx_http_jobruns_batch_gather_t *g)
{
    ngx_queue_t                    *q;
    ngx_http_jobruns_batch_call_t  *call;

    for (q = ngx_queue_last(&g->calls);
         q != ngx_queue_sentinel(&g->calls);
         q = ngx_queue_prev(q))
    {
        call = ngx_queue_data(q, ngx_http_jobruns_batch_call_t, queue);

        if (call->held) {
            break;
        }

        call->held = 1;
        call->begun = ngx_current_msec;
    }
}


/* ms that it has waited; the rest of its turn is not the server's time */

static ngx_msec_t
ngx_http_jobruns_batch_age(ngx_http_jobruns_batch_call_t *call)
{
    return call->held ? ngx_current_msec - call->begun : 0;
}


/* A gather has no keys of its own: any of its calls has them.  One without a
   call, which is about to go, is nobody's. */

static ngx_uint_t
ngx_http_jobruns_batch_is_of(ngx_http_jobruns_batch_gather_t *g,
    ngx_http_jobruns_batch_call_t *call)
{
    ngx_http_jobruns_batch_call_t  *own;

    own = g->out[0] != NULL ? g->out[0] : g->out[1];

    if (own == NULL) {

        if (ngx_queue_empty(&g->calls)) {
            return 0;
        }

        own = ngx_queue_data(ngx_queue_head(&g->calls),
                             ngx_http_jobruns_batch_call_t, queue);
    }

    return own->server == call->server
           && own->script == call->script
           && own->tag == call->tag
           && own->nkeys == call->nkeys
           && own->argc == call->argc
           && ngx_memcmp(own->argv[0].data, call->argv[0].data, call->tag) == 0
           && ngx_http_jobruns_batch_is_same(own->argv, call->argv,
                                             call->nkeys - 1)
           && ngx_http_jobruns_batch_is_same(own->argv + call->nkeys,
                                             call->argv + call->nkeys,
                                             call->argc - call->nkeys - 1);
}


static ngx_uint_t
ngx_http_jobruns_batch_is_same(ngx_str_t *one, ngx_str_t *two, ngx_uint_t n)
{
    ngx_uint_t  i;

    for (i = 0; i < n; i++) {
        if (one[i].len != two[i].len
            || ngx_memcmp(one[i].data, two[i].data, one[i].len) != 0)
        {
            return 0;
        }
    }

    return 1;
}


static void
ngx_http_jobruns_batch_on_turn(ngx_event_t *ev)
{
    ngx_uint_t                        i;
    ngx_queue_t                      *q;
    ngx_http_jobruns_batch_gather_t  *g;

    while (!ngx_queue_empty(&ngx_http_jobruns_batches.turn)) {

        q = ngx_queue_head(&ngx_http_jobruns_batches.turn);
        g = ngx_queue_data(q, ngx_http_jobruns_batch_gather_t, turn);

        for (i = 0; i < NGX_HTTP_JOBRUNS_BATCH_OUT; i++) {
            /* what is freed below has left the queue:
               NOLINTNEXTLINE(clang-analyzer-unix.Malloc) */
            while (g->out[i] == NULL && !ngx_queue_empty(&g->calls)) {
                ngx_http_jobruns_batch_send(g, i);
            }
        }

        ngx_queue_remove(&g->turn);
        ngx_queue_init(&g->turn);

        ngx_http_jobruns_batch_gather_rest(g);
    }
}


/* puts a batch of a gather under way, or says that it is refused */

static void
ngx_http_jobruns_batch_send(ngx_http_jobruns_batch_gather_t *g,
    ngx_uint_t out)
{
    ngx_int_t                       rc;
    ngx_uint_t                      n;
    ngx_queue_t                     rest, *q;
    ngx_http_jobruns_batch_call_t  *first, *call;

    first = ngx_queue_data(ngx_queue_head(&g->calls),
                           ngx_http_jobruns_batch_call_t, queue);

    n = ngx_http_jobruns_batch_take(g, first, &rest);

    first->gather = g;
    first->refused = NGX_OK;
    first->op.handler = ngx_http_jobruns_batch_on_reply;
    first->op.stamp = first->stamp ? first->stamp + n - 1 : 0;
    first->op.waited = ngx_http_jobruns_batch_age(first);

    rc = ngx_http_jobruns_batch_eval(first, n);

    if (rc == NGX_OK) {
        g->out[out] = first;

    } else {
        ngx_http_jobruns_batch_tell(first, rc, ngx_redis_unreachable, NULL);
    }

    while (!ngx_queue_empty(&rest)) {

        q = ngx_queue_head(&rest);
        ngx_queue_remove(q);

        call = ngx_queue_data(q, ngx_http_jobruns_batch_call_t, queue);
        rc = ngx_http_jobruns_batch_send_one(call,
                                          ngx_http_jobruns_batch_age(call));
        if (rc != NGX_OK) {
            call->refused = rc;
            call->handler(&call->op, ngx_redis_unreachable, NULL);
        }
    }
}


/* makes what gathers members of the first, as many as a batch has; the rest is
   those on the way that have the record of a member */

static ngx_uint_t
ngx_http_jobruns_batch_take(ngx_http_jobruns_batch_gather_t *g,
    ngx_http_jobruns_batch_call_t *first, ngx_queue_t *rest)
{
    size_t                          size;
    ngx_msec_t                      age;
    ngx_uint_t                      n;
    ngx_queue_t                    *q, *next;
    ngx_http_jobruns_batch_call_t  *call;

    n = 0;
    size = 0;
    age = ngx_http_jobruns_batch_age(first);

    ngx_queue_init(&first->members);
    ngx_queue_init(rest);

    for (q = ngx_queue_head(&g->calls);
         q != ngx_queue_sentinel(&g->calls) && n < NGX_HTTP_JOBRUNS_BATCH_MOST;
         q = next)
    {
        next = ngx_queue_next(q);
        call = ngx_queue_data(q, ngx_http_jobruns_batch_call_t, queue);

        if (ngx_http_jobruns_batch_has(first, call)) {
            ngx_queue_remove(q);
            ngx_queue_insert_tail(rest, q);
            continue;
        }

        size += call->argv[call->nkeys - 1].len
                + call->argv[call->argc - 1].len;

        if (n > 0 && (size > NGX_HTTP_JOBRUNS_BATCH_SIZE
                      || age - ngx_http_jobruns_batch_age(call)
                         > NGX_HTTP_JOBRUNS_BATCH_SPREAD))
        {
            break;
        }

        ngx_queue_remove(q);
        ngx_queue_insert_tail(&first->members, q);
        n++;
    }

    return n;
}


static ngx_uint_t
ngx_http_jobruns_batch_has(ngx_http_jobruns_batch_call_t *first,
    ngx_http_jobruns_batch_call_t *call)
{
    ngx_queue_t                    *q;
    ngx_http_jobruns_batch_call_t  *own;

    for (q = ngx_queue_head(&first->members);
         q != ngx_queue_sentinel(&first->members);
         q = ngx_queue_next(q))
    {
        own = ngx_queue_data(q, ngx_http_jobruns_batch_call_t, queue);

        if (ngx_http_jobruns_batch_is_same(&own->argv[own->nkeys - 1],
                                           &call->argv[call->nkeys - 1], 1))
        {
            return 1;
        }
    }

    return 0;
}


static void
ngx_http_jobruns_batch_on_reply(ngx_redis_op_t *op, ngx_redis_status_e status,
    redisReply *reply)
{
    ngx_http_jobruns_batch_call_t    *first;
    ngx_http_jobruns_batch_gather_t  *g;

    first = (ngx_http_jobruns_batch_call_t *) op;
    g = first->gather;

    g->out[g->out[0] == first ? 0 : 1] = NULL;

    ngx_http_jobruns_batch_gather_rest(g);

    ngx_http_jobruns_batch_tell(first, NGX_OK, status, reply);
}


/* Calls the handler of each member, which may free it: nothing of a member is
   looked at behind that. */

static void
ngx_http_jobruns_batch_tell(ngx_http_jobruns_batch_call_t *first,
    ngx_int_t refused, ngx_redis_status_e status, redisReply *reply)
{
    ngx_uint_t                      i, n;
    redisReply                      one;
    ngx_queue_t                     members, *q;
    ngx_redis_op_t                  op;
    ngx_http_jobruns_batch_call_t  *call;

    op = first->op;
    n = 0;

    ngx_queue_init(&members);
    ngx_queue_add(&members, &first->members);

    for (q = ngx_queue_head(&members);
         q != ngx_queue_sentinel(&members);
         q = ngx_queue_next(q))
    {
        n++;
    }

    for (i = 0; i < n; i++) {
        q = ngx_queue_head(&members);
        ngx_queue_remove(q);

        call = ngx_queue_data(q, ngx_http_jobruns_batch_call_t, queue);

        call->refused = refused;
        call->op.sent = op.sent;
        call->op.denied = op.denied;
        call->op.expires = op.expires;
        call->op.sent_us = op.sent_us;
        call->op.server = op.server;

        if (n == 1 || reply == NULL) {
            call->handler(&call->op, status, reply);
            continue;
        }

        if (ngx_http_jobruns_reply_batch_part(reply, i, n, &one) != NGX_OK
            && ngx_http_jobruns_batch_alone(call) == NGX_OK)
        {
            continue;
        }

        call->handler(&call->op, status, &one);
    }
}
