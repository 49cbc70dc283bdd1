/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The order in which attempts of this worker go that wait for one rate.
 *
 * Redis gives each its turn, at which the rate has worked off what came
 * before; the order is kept here for those who leave: all behind one that
 * left move up by one turn, and its settlement gives the last turn back.  So
 * nobody's turn is lost, and no two go at once.  Turns of other workers stay
 * as they are.
 */

#include "ngx_http_jobruns_delay_counter.h"
#include "ngx_http_jobruns_delay_rate.h"


struct ngx_http_jobruns_delay_rate_s {
    ngx_http_jobruns_delay_counter_t   counter;
    ngx_queue_t                        turns;     /* by at; freed with the
                                                     last */
};


static ngx_http_jobruns_delay_rate_t *ngx_http_jobruns_delay_rate_of(
    ngx_http_jobruns_attempt_t *a, ngx_uint_t i);
static void ngx_http_jobruns_delay_rate_insert(
    ngx_http_jobruns_delay_turn_t *t);
static void ngx_http_jobruns_delay_rate_move_up(
    ngx_http_jobruns_delay_turn_t *t);
static void ngx_http_jobruns_delay_rate_latest(ngx_http_jobruns_delay_t *d);


static ngx_http_jobruns_delay_table_t  ngx_http_jobruns_delay_rates;


ngx_int_t
ngx_http_jobruns_delay_rate_enter(ngx_http_jobruns_delay_t *d)
{
    ngx_uint_t                      i;
    ngx_http_jobruns_attempt_t     *a;
    ngx_http_jobruns_delay_turn_t  *t;

    a = d->attempt;

    if (d->turns == NULL) {
        d->turns = ngx_palloc(a->request->pool,
                              a->args.nlimits
                              * sizeof(ngx_http_jobruns_delay_turn_t));
        if (d->turns == NULL) {
            return NGX_ERROR;
        }
    }

    for (i = 0; i < a->args.nlimits; i++) {

        if (a->reply.states[i].state != JR_LIMIT_DELAYED) {
            continue;
        }

        t = &d->turns[d->nturns];

        t->delay = d;
        t->at = ngx_current_msec
                + (ngx_msec_t) jr_limit_turn(&a->reply.states[i]);
        t->rate = ngx_http_jobruns_delay_rate_of(a, i);

        if (t->rate == NULL) {
            return NGX_ERROR;
        }

        ngx_http_jobruns_delay_rate_insert(t);
        d->nturns++;
    }

    ngx_http_jobruns_delay_rate_latest(d);

    return NGX_OK;
}


static ngx_http_jobruns_delay_rate_t *
ngx_http_jobruns_delay_rate_of(ngx_http_jobruns_attempt_t *a, ngx_uint_t i)
{
    ngx_str_t                      *key;
    ngx_http_jobruns_delay_rate_t  *rate;

    key = &a->args.keys[a->args.places[i]];

    rate = (ngx_http_jobruns_delay_rate_t *)
           ngx_http_jobruns_delay_counter_find(&ngx_http_jobruns_delay_rates,
                                               a->conf->server, key,
                                               a->args.limits[i].name);
    if (rate != NULL) {
        return rate;
    }

    rate = (ngx_http_jobruns_delay_rate_t *)
           ngx_http_jobruns_delay_counter_create(
                                       &ngx_http_jobruns_delay_rates,
                                       a->conf->server, key,
                                       a->args.limits[i].name,
                                       sizeof(ngx_http_jobruns_delay_rate_t));
    if (rate != NULL) {
        ngx_queue_init(&rate->turns);
    }

    return rate;
}


/* mostly the last: replies come in the order in which turns are given */

static void
ngx_http_jobruns_delay_rate_insert(ngx_http_jobruns_delay_turn_t *t)
{
    ngx_queue_t                    *q;
    ngx_http_jobruns_delay_turn_t  *other;

    for (q = ngx_queue_last(&t->rate->turns);
         q != ngx_queue_sentinel(&t->rate->turns);
         q = ngx_queue_prev(q))
    {
        other = ngx_queue_data(q, ngx_http_jobruns_delay_turn_t, queue);

        if ((ngx_msec_int_t) (t->at - other->at) >= 0) {
            break;
        }
    }

    ngx_queue_insert_after(q, &t->queue);
}


void
ngx_http_jobruns_delay_rate_leave(ngx_http_jobruns_delay_t *d,
    ngx_uint_t left)
{
    ngx_http_jobruns_delay_turn_t  *t;

    while (d->nturns) {
        t = &d->turns[--d->nturns];

        if (left) {
            ngx_http_jobruns_delay_rate_move_up(t);
        }

        ngx_queue_remove(&t->queue);

        if (ngx_queue_empty(&t->rate->turns)) {
            ngx_http_jobruns_delay_counter_free(&t->rate->counter);
        }
    }
}


/* each behind t takes the turn of the one before it */

static void
ngx_http_jobruns_delay_rate_move_up(ngx_http_jobruns_delay_turn_t *t)
{
    ngx_queue_t                    *q;
    ngx_http_jobruns_delay_turn_t  *turn, *before;

    for (q = ngx_queue_last(&t->rate->turns);
         q != &t->queue;
         q = ngx_queue_prev(q))
    {
        turn = ngx_queue_data(q, ngx_http_jobruns_delay_turn_t, queue);

        before = ngx_queue_data(ngx_queue_prev(q),
                                ngx_http_jobruns_delay_turn_t, queue);
        turn->at = before->at;

        ngx_http_jobruns_delay_rate_latest(turn->delay);
        ngx_http_jobruns_delay_until(turn->delay, turn->delay->until);
    }
}


/* an attempt goes at the last of its turns */

static void
ngx_http_jobruns_delay_rate_latest(ngx_http_jobruns_delay_t *d)
{
    ngx_uint_t  i;

    d->until = d->turns[0].at;

    for (i = 1; i < d->nturns; i++) {
        if ((ngx_msec_int_t) (d->turns[i].at - d->until) > 0) {
            d->until = d->turns[i].at;
        }
    }
}
