/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Lines of attempts that wait for a slot of a concurrency, one for each key in
 * this worker.
 *
 * Nothing is claimed while waiting.  Only the head asks, and only one of its
 * asking is under way: when a slot is given back in this worker, else after a
 * gap.  Every fourth slot that is given back here wakes nobody, so that the
 * heads of other workers' lines get theirs.  Who comes while others wait asks
 * once with the limit taken for full (its token may have an answer already),
 * and lines up behind them.
 */

#include "ngx_http_jobruns_delay_counter.h"
#include "ngx_http_jobruns_delay_slot.h"
#include "ngx_http_jobruns_flow.h"
#include "ngx_http_jobruns_settlement.h"


/* between two askings of a head while no slot is given back here, ms */
#define NGX_HTTP_JOBRUNS_SLOT_GAP_LEAST  100
#define NGX_HTTP_JOBRUNS_SLOT_GAP_MOST   500

/* of slots that are given back here, one in so many is left to others */
#define NGX_HTTP_JOBRUNS_SLOT_OTHERS     4


struct ngx_http_jobruns_delay_slot_s {
    ngx_http_jobruns_delay_counter_t   counter;
    ngx_queue_t                        line;      /* d->in_line, the head
                                                     first; freed with the
                                                     last */
    ngx_http_jobruns_delay_t          *asker;     /* NULL: nobody asks now */
    ngx_event_t                        event;     /* the next asking */
    ngx_uint_t                         freed;     /* slots that nobody has
                                                     asked for yet */
    ngx_uint_t                         seen;      /* all that were given
                                                     back */
};


static ngx_http_jobruns_delay_slot_t *ngx_http_jobruns_delay_slot_of(
    ngx_redis_server_t *server, ngx_str_t *key);
static void ngx_http_jobruns_delay_slot_join(ngx_http_jobruns_delay_t *d,
    ngx_http_jobruns_delay_slot_t *s);
static void ngx_http_jobruns_delay_slot_next(
    ngx_http_jobruns_delay_slot_t *s);
static void ngx_http_jobruns_delay_slot_on_event(ngx_event_t *ev);
static void ngx_http_jobruns_delay_slot_tell(
    ngx_http_jobruns_delay_slot_t *s, ngx_http_jobruns_attempt_t *a);


static ngx_http_jobruns_delay_table_t  ngx_http_jobruns_delay_slots;

/* the key has the name of the limit */
static const jr_str_t  ngx_http_jobruns_delay_slot_name = jr_str("");


ngx_int_t
ngx_http_jobruns_delay_slot_enter(ngx_http_jobruns_delay_t *d)
{
    ngx_str_t                      *key;
    ngx_http_jobruns_attempt_t     *a;
    ngx_http_jobruns_delay_slot_t  *s;

    a = d->attempt;
    key = &a->args.keys[a->args.places[a->reply.refusing]];

    s = ngx_http_jobruns_delay_slot_of(a->conf->server, key);

    if (s != NULL && s == d->slot) {

        /* it has asked, and stays where it is */

        d->ask = 0;

        if (s->asker == d) {
            s->asker = NULL;
        }

        ngx_http_jobruns_delay_slot_next(s);

        return NGX_OK;
    }

    if (s == NULL) {
        s = (ngx_http_jobruns_delay_slot_t *)
            ngx_http_jobruns_delay_counter_create(
                                       &ngx_http_jobruns_delay_slots,
                                       a->conf->server, key,
                                       ngx_http_jobruns_delay_slot_name,
                                       sizeof(ngx_http_jobruns_delay_slot_t));
        if (s == NULL) {
            return NGX_ERROR;
        }

        ngx_queue_init(&s->line);

        s->event.handler = ngx_http_jobruns_delay_slot_on_event;
        s->event.data = s;
        s->event.log = ngx_cycle->log;
    }

    ngx_http_jobruns_delay_slot_leave(d);
    ngx_http_jobruns_delay_slot_join(d, s);

    return NGX_OK;
}


static ngx_http_jobruns_delay_slot_t *
ngx_http_jobruns_delay_slot_of(ngx_redis_server_t *server, ngx_str_t *key)
{
    return (ngx_http_jobruns_delay_slot_t *)
           ngx_http_jobruns_delay_counter_find(&ngx_http_jobruns_delay_slots,
                                           server, key,
                                           ngx_http_jobruns_delay_slot_name);
}


static void
ngx_http_jobruns_delay_slot_join(ngx_http_jobruns_delay_t *d,
    ngx_http_jobruns_delay_slot_t *s)
{
    d->slot = s;
    d->ask = 0;

    ngx_queue_insert_tail(&s->line, &d->in_line);

    ngx_http_jobruns_delay_slot_next(s);
}


void
ngx_http_jobruns_delay_slot_leave(ngx_http_jobruns_delay_t *d)
{
    ngx_http_jobruns_delay_slot_t  *s;

    s = d->slot;

    if (s == NULL) {
        return;
    }

    d->slot = NULL;
    ngx_queue_remove(&d->in_line);

    if (s->asker == d) {
        s->asker = NULL;
        ngx_http_jobruns_delay_slot_tell(s, d->attempt);
    }

    if (!ngx_queue_empty(&s->line)) {
        ngx_http_jobruns_delay_slot_next(s);
        return;
    }

    if (s->event.timer_set) {
        ngx_del_timer(&s->event);
    }

    if (s->event.posted) {
        ngx_delete_posted_event(&s->event);
    }

    ngx_http_jobruns_delay_counter_free(&s->counter);
}


/* when the head asks next, unless somebody is asking */

static void
ngx_http_jobruns_delay_slot_next(ngx_http_jobruns_delay_slot_t *s)
{
    if (s->asker != NULL || s->event.posted) {
        return;
    }

    if (s->freed) {

        if (s->event.timer_set) {
            ngx_del_timer(&s->event);
        }

        ngx_post_event(&s->event, &ngx_posted_events);
        return;
    }

    if (!s->event.timer_set) {
        ngx_add_timer(&s->event, NGX_HTTP_JOBRUNS_SLOT_GAP_LEAST
                      + ngx_random() % (NGX_HTTP_JOBRUNS_SLOT_GAP_MOST
                                        - NGX_HTTP_JOBRUNS_SLOT_GAP_LEAST));
    }
}


static void
ngx_http_jobruns_delay_slot_on_event(ngx_event_t *ev)
{
    ngx_queue_t                    *q;
    ngx_http_jobruns_delay_t       *d;
    ngx_http_jobruns_delay_slot_t  *s;

    s = ev->data;
    q = ngx_queue_head(&s->line);
    d = ngx_queue_data(q, ngx_http_jobruns_delay_t, in_line);

    /* without a timer it is asking already, woken out of its turn */

    while (!d->timer.timer_set) {
        q = ngx_queue_next(q);

        if (q == ngx_queue_sentinel(&s->line)) {
            return;
        }

        d = ngx_queue_data(q, ngx_http_jobruns_delay_t, in_line);
    }

    s->asker = d;
    s->freed -= (s->freed != 0);

    /* its time goes on, but until the reply nothing else wakes it */

    ngx_del_timer(&d->timer);

    ngx_http_jobruns_flow_wake(d->attempt, NGX_OK);
}


/*
 * The attempt that asked has its verdict and leaves.  Retries of its token in
 * the line behind it are not held up by the limit any more: they ask once,
 * and then wait for its end, or have it.
 */

static void
ngx_http_jobruns_delay_slot_tell(ngx_http_jobruns_delay_slot_t *s,
    ngx_http_jobruns_attempt_t *a)
{
    ngx_str_t                 *record, *other;
    ngx_queue_t               *q;
    ngx_http_jobruns_delay_t  *d;

    record = &a->args.keys[a->args.nkeys - 1];

    for (q = ngx_queue_head(&s->line);
         q != ngx_queue_sentinel(&s->line);
         q = ngx_queue_next(q))
    {
        d = ngx_queue_data(q, ngx_http_jobruns_delay_t, in_line);
        other = &d->attempt->args.keys[d->attempt->args.nkeys - 1];

        if (d->timer.timer_set
            && other->len == record->len
            && ngx_memcmp(other->data, record->data, record->len) == 0)
        {
            d->ask = 1;
            ngx_http_jobruns_delay_until(d, ngx_current_msec);
        }
    }
}


ngx_uint_t
ngx_http_jobruns_delay_slot_is_awaited(ngx_http_jobruns_attempt_t *a,
    ngx_uint_t i)
{
    ngx_http_jobruns_delay_slot_t  *s;

    if (ngx_http_jobruns_worker.delayed == 0) {
        return 0;
    }

    s = ngx_http_jobruns_delay_slot_of(a->conf->server,
                                       &a->args.keys[a->args.places[i]]);

    return s != NULL && (s->asker == NULL || s->asker->attempt != a);
}


void
ngx_http_jobruns_delay_slot_settled(ngx_http_jobruns_settlement_t *s,
    ngx_http_jobruns_settled_e settled)
{
    ngx_uint_t                      i;
    ngx_http_jobruns_delay_slot_t  *slot;

    if (ngx_http_jobruns_worker.delayed == 0
        || settled == jobruns_settled_none
        || settled == jobruns_settled_early)
    {
        return;
    }

    for (i = 0; i < s->call.nkeys - 1; i++) {

        slot = ngx_http_jobruns_delay_slot_of(s->call.server,
                                              &s->call.argv[i]);

        if (slot != NULL
            && ++slot->seen % NGX_HTTP_JOBRUNS_SLOT_OTHERS != 0)
        {
            slot->freed++;
            ngx_http_jobruns_delay_slot_next(slot);
        }
    }
}
