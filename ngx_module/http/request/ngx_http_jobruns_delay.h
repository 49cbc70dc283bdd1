/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Creations that wait for a limit with "delay=": the places of this worker,
 * and how a wait begins and ends.  How they take turns is the limit's:
 * ngx_http_jobruns_delay_rate.c and ngx_http_jobruns_delay_slot.c.
 */

#ifndef NGX_HTTP_JOBRUNS_DELAY_H_INCLUDED
#define NGX_HTTP_JOBRUNS_DELAY_H_INCLUDED

#include "ngx_http_jobruns.h"


/* attempts that may wait for a limit in a worker; one more gets its 429 at
   once, and no tenant takes more than a quarter of them */
#define NGX_HTTP_JOBRUNS_DELAYED         1024
#define NGX_HTTP_JOBRUNS_DELAYED_TENANT  (NGX_HTTP_JOBRUNS_DELAYED / 4)


typedef struct ngx_http_jobruns_delay_rate_s  ngx_http_jobruns_delay_rate_t;
typedef struct ngx_http_jobruns_delay_slot_s  ngx_http_jobruns_delay_slot_t;


/* the turn that an attempt has in one rate */
typedef struct {
    ngx_queue_t                     queue;    /* of the rate, by at */
    ngx_http_jobruns_delay_rate_t  *rate;
    ngx_http_jobruns_delay_t       *delay;
    ngx_msec_t                      at;
} ngx_http_jobruns_delay_turn_t;


/* One wait: of the attempt's pool, and in the tables of this worker from
   ngx_http_jobruns_delay_begin() to ngx_http_jobruns_delay_end(). */
struct ngx_http_jobruns_delay_s {
    ngx_queue_t                     queue;    /* of all in this worker */
    ngx_http_jobruns_attempt_t     *attempt;
    ngx_http_jobruns_share_t       *share;
    ngx_event_t                     timer;    /* its turn, or its end */
    ngx_msec_t                      since;
    ngx_msec_t                      until;    /* as the timer */

    /* for rates: the claim is made, its turn comes */
    ngx_uint_t                      nturns;   /* in use */
    ngx_http_jobruns_delay_turn_t  *turns;    /* of all limits; NULL: none */

    /* for a slot: nothing is claimed; NULL: does not */
    ngx_http_jobruns_delay_slot_t  *slot;
    ngx_queue_t                     in_line;
    unsigned                        ask:1;    /* woken to ask out of turn */
};


/* Before each asking: a limit for which others wait is taken for full, and
   what the attempt has waited is taken off the delays of rates. */
void ngx_http_jobruns_delay_args(ngx_http_jobruns_attempt_t *a);

/*
 * The attempt has been admitted, or refused by a limit, and is to wait if that
 * limit lets it.  NGX_AGAIN: it waits; the flow is woken with NGX_OK when it
 * is its turn (to go, or to ask again), NGX_DECLINED when it has waited for as
 * long as it may, NGX_ABORT when this worker exits before that.  NGX_OK:
 * admitted, there is nothing to wait for.  NGX_DECLINED: it is refused, as
 * a->verdict says: by now also an admitted one for which there is no place.
 */
ngx_int_t ngx_http_jobruns_delay_begin(ngx_http_jobruns_attempt_t *a);

/*
 * The wait is over, of which rc says why (as the flow is woken).  NGX_OK: it
 * goes; NGX_BUSY: its lease is renewed first; NGX_AGAIN: it asks for its slot,
 * and waits on; NGX_DECLINED: it is refused, as a->verdict says.
 */
ngx_int_t ngx_http_jobruns_delay_over(ngx_http_jobruns_attempt_t *a,
    ngx_int_t rc);

/* Ends the wait: its turn has come, or it has left and others move up.
   An attempt that does not wait is left alone. */
void ngx_http_jobruns_delay_end(ngx_http_jobruns_attempt_t *a,
    ngx_uint_t left);

/* Sets when the wait is over, by ngx_current_msec: for the files of limits. */
void ngx_http_jobruns_delay_until(ngx_http_jobruns_delay_t *d, ngx_msec_t at);


#endif /* NGX_HTTP_JOBRUNS_DELAY_H_INCLUDED */
