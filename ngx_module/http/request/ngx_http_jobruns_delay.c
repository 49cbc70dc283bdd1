/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Waits for limits with "delay=".
 *
 * An attempt over a rate is admitted with a turn to come: its claim is made
 * and its lease is renewed while it waits.  One over a concurrency has claimed
 * nothing and asks again.  Both are parked without being blocked, so that a
 * client that leaves ends its wait.
 *
 * A wait is bounded by the limit's delay.  A worker that exits with
 * worker_shutdown_timeout ends those that would be cut off by it with 503:
 * nothing of theirs was forwarded.
 */

#include "ngx_http_jobruns.h"
#include "ngx_http_jobruns_delay.h"
#include "ngx_http_jobruns_delay_rate.h"
#include "ngx_http_jobruns_delay_slot.h"
#include "ngx_http_jobruns_flow.h"
#include "ngx_http_jobruns_lease.h"
#include "ngx_http_jobruns_log.h"

#include "jr_script.h"


/* how often waits are looked at for whether this worker exits, ms */
#define NGX_HTTP_JOBRUNS_DELAY_TICK  500


static ngx_int_t ngx_http_jobruns_delay_admitted(
    ngx_http_jobruns_attempt_t *a);
static ngx_int_t ngx_http_jobruns_delay_limited(
    ngx_http_jobruns_attempt_t *a);
static ngx_int_t ngx_http_jobruns_delay_take(ngx_http_jobruns_attempt_t *a);
static void ngx_http_jobruns_delay_full(ngx_http_jobruns_attempt_t *a,
    ngx_int_t rc);
static void ngx_http_jobruns_delay_on_over(ngx_event_t *ev);
static void ngx_http_jobruns_delay_on_tick(ngx_event_t *ev);
static ngx_msec_t ngx_http_jobruns_delay_read_timeout(ngx_http_request_t *r);


/* of this worker */
static ngx_queue_t  ngx_http_jobruns_delays = {
    &ngx_http_jobruns_delays, &ngx_http_jobruns_delays
};

static ngx_event_t  ngx_http_jobruns_delay_tick;
static ngx_msec_t   ngx_http_jobruns_delay_exits;   /* since when; 0: not */

static ngx_http_jobruns_places_t  ngx_http_jobruns_delay_places = {
    .most = NGX_HTTP_JOBRUNS_DELAYED,
    .each = NGX_HTTP_JOBRUNS_DELAYED_TENANT
};


void
ngx_http_jobruns_delay_args(ngx_http_jobruns_attempt_t *a)
{
    char                      *p;
    int64_t                    waited;
    jr_limit_t                 limit;
    ngx_uint_t                 i;
    ngx_http_jobruns_delay_t  *d;

    for (i = 0; i < a->args.nlimits && a->args.limits[i].delay == 0; i++) {
        /* void */
    }

    if (i == a->args.nlimits) {
        return;
    }

    d = a->delayed.wait;

    waited = (int64_t) a->delayed.total
             + (d != NULL && d->share != NULL ? ngx_current_msec - d->since
                                              : 0);

    p = (char *) a->args.shared.data + JR_SHARED_SIZE;

    for (i = 0; i < a->args.nlimits; i++) {
        limit = a->args.limits[i];

        if (limit.delay == 0) {
            p += limit.packed.len;
            continue;
        }

        limit.awaited = ngx_http_jobruns_delay_slot_is_awaited(a, i);
        limit.delay -= ngx_min(limit.delay, waited);

        p = jr_limit_pack(&limit, a->args.places[i], p);
    }
}


ngx_int_t
ngx_http_jobruns_delay_begin(ngx_http_jobruns_attempt_t *a)
{
    switch (a->verdict) {

    case jobruns_verdict_forward:
        return ngx_http_jobruns_delay_admitted(a);

    case jobruns_verdict_limited:
        return ngx_http_jobruns_delay_limited(a);

    default:
        return NGX_OK;
    }
}


static ngx_int_t
ngx_http_jobruns_delay_admitted(ngx_http_jobruns_attempt_t *a)
{
    ngx_int_t   rc;
    ngx_msec_t  turn;
    ngx_uint_t  i;

    a->delayed.withdrawn = 0;

    if (a->reply.nstates) {
        for (i = 0; i < a->args.nlimits; i++) {
            if (a->reply.states[i].state == JR_LIMIT_DELAYED) {
                a->delayed.withdrawn = 1;
                break;
            }
        }
    }

    if (!a->delayed.withdrawn) {
        return NGX_OK;
    }

    rc = ngx_http_jobruns_delay_take(a);

    if (rc == NGX_OK) {

        /* it has its slot, and waits in no line any more */

        ngx_http_jobruns_delay_slot_leave(a->delayed.wait);

        a->delayed.wait->until = ngx_current_msec;
        rc = ngx_http_jobruns_delay_rate_enter(a->delayed.wait);

        if (rc == NGX_OK) {
            ngx_http_jobruns_delay_until(a->delayed.wait,
                                         a->delayed.wait->until);
            ngx_http_jobruns_lease_keep(a);

            return NGX_AGAIN;
        }

        ngx_http_jobruns_delay_end(a, 0);
    }

    ngx_http_jobruns_delay_full(a, rc);

    /* the longest wait is what the client is told */

    a->verdict = jobruns_verdict_limited;
    a->reply.wait = 0;

    for (i = 0; i < a->args.nlimits; i++) {
        if (a->reply.states[i].state == JR_LIMIT_DELAYED) {
            turn = (ngx_msec_t) jr_limit_turn(&a->reply.states[i]);

            if (turn > a->reply.wait) {
                a->reply.refusing = i;
                a->reply.wait = turn;
            }
        }
    }

    return NGX_DECLINED;
}


static ngx_int_t
ngx_http_jobruns_delay_limited(ngx_http_jobruns_attempt_t *a)
{
    ngx_int_t        rc;
    jr_limit_t      *limit;
    ngx_msec_int_t   left;

    limit = &a->args.limits[a->reply.refusing];

    if (limit->delay == 0 || !jr_limit_kinds[limit->kind].held
        || a->request->connection->error)
    {
        return NGX_DECLINED;
    }

    rc = ngx_http_jobruns_delay_take(a);

    if (rc == NGX_OK) {

        /* what it has waited before, and left for another wait, counts */

        left = (ngx_msec_int_t) (a->delayed.wait->since + limit->delay
                                 - a->delayed.total - ngx_current_msec);
        if (left <= 0) {
            return NGX_DECLINED;
        }

        rc = ngx_http_jobruns_delay_slot_enter(a->delayed.wait);

        if (rc == NGX_OK) {
            ngx_http_jobruns_delay_until(a->delayed.wait,
                                         ngx_current_msec + left);
            return NGX_AGAIN;
        }

        ngx_http_jobruns_delay_end(a, 0);
    }

    ngx_http_jobruns_delay_full(a, rc);

    return NGX_DECLINED;
}


/* a place, unless the attempt has one */

static ngx_int_t
ngx_http_jobruns_delay_take(ngx_http_jobruns_attempt_t *a)
{
    ngx_int_t                  rc;
    ngx_event_t               *ev;
    ngx_http_jobruns_delay_t  *d;

    d = a->delayed.wait;

    if (d != NULL && d->share != NULL) {
        return NGX_OK;
    }

    if (d == NULL) {
        d = ngx_pcalloc(a->request->pool, sizeof(ngx_http_jobruns_delay_t));
        if (d == NULL) {
            return NGX_ERROR;
        }

        d->attempt = a;
        d->timer.handler = ngx_http_jobruns_delay_on_over;
        d->timer.data = d;
        d->timer.log = a->request->connection->log;

        a->delayed.wait = d;
    }

    rc = ngx_http_jobruns_room_take_place(&ngx_http_jobruns_delay_places,
                                     a->call.tenant, &d->share);
    if (rc != NGX_OK) {
        return rc;
    }

    d->since = ngx_current_msec;

    ngx_queue_insert_tail(&ngx_http_jobruns_delays, &d->queue);

    ngx_http_jobruns_worker.delayed++;
    ngx_http_jobruns_count(jobruns_count_delayed);

    ev = &ngx_http_jobruns_delay_tick;

    if (!ev->timer_set) {
        ev->handler = ngx_http_jobruns_delay_on_tick;
        ev->log = ngx_cycle->log;
        ngx_add_timer(ev, NGX_HTTP_JOBRUNS_DELAY_TICK);
    }

    return NGX_OK;
}


static void
ngx_http_jobruns_delay_full(ngx_http_jobruns_attempt_t *a, ngx_int_t rc)
{
    ngx_http_jobruns_count(jobruns_count_delay_refused);

    if (rc == NGX_ERROR) {
        ngx_http_jobruns_log(a, jobruns_log_no_memory, NGX_LOG_ERR,
                             "no memory to let a creation wait for a limit, "
                             "it gets 429 at once; give this machine or its "
                             "unit more memory");
        return;
    }

    ngx_http_jobruns_log(a, jobruns_log_delayed, NGX_LOG_WARN,
                         "a creation gets 429 at once and does not wait for "
                         "a limit: %d %s wait in this worker already; raise "
                         "the limit, or lower its \"delay=\"",
                         rc == NGX_BUSY ? NGX_HTTP_JOBRUNS_DELAYED_TENANT
                                        : NGX_HTTP_JOBRUNS_DELAYED,
                         rc == NGX_BUSY ? "of its tenant" : "creations");
}


void
ngx_http_jobruns_delay_until(ngx_http_jobruns_delay_t *d, ngx_msec_t at)
{
    ngx_msec_int_t  left;

    d->until = at;

    if (d->timer.timer_set) {
        ngx_del_timer(&d->timer);
    }

    left = (ngx_msec_int_t) (at - ngx_current_msec);

    ngx_add_timer(&d->timer, left > 0 ? (ngx_msec_t) left : 0);
}


void
ngx_http_jobruns_delay_end(ngx_http_jobruns_attempt_t *a, ngx_uint_t left)
{
    ngx_http_jobruns_delay_t  *d;

    d = a->delayed.wait;

    if (d == NULL || d->share == NULL) {
        return;
    }

    if (d->timer.timer_set) {
        ngx_del_timer(&d->timer);
    }

    ngx_http_jobruns_delay_rate_leave(d, left);
    ngx_http_jobruns_delay_slot_leave(d);

    ngx_http_jobruns_room_give_place(&ngx_http_jobruns_delay_places, d->share);
    d->share = NULL;

    ngx_queue_remove(&d->queue);
    ngx_http_jobruns_worker.delayed--;

    a->delayed.total += ngx_current_msec - d->since;
}


ngx_int_t
ngx_http_jobruns_delay_over(ngx_http_jobruns_attempt_t *a, ngx_int_t rc)
{
    if (rc == NGX_OK && a->verdict == jobruns_verdict_limited) {
        return NGX_AGAIN;
    }

    ngx_http_jobruns_delay_end(a, rc != NGX_OK);
    ngx_http_jobruns_lease_drop(a);

    switch (rc) {

    case NGX_OK:
        a->delayed.withdrawn = 0;

        /* what an earlier attempt made is not known, or this one's claim is
           lost: nobody else may be on its way */

        return a->reply.unknown || a->lease.lost ? NGX_BUSY : NGX_OK;

    case NGX_ABORT:
        a->verdict = jobruns_verdict_exiting;
        return NGX_DECLINED;

    default:
        return NGX_DECLINED;
    }
}


static void
ngx_http_jobruns_delay_on_over(ngx_event_t *ev)
{
    ngx_http_jobruns_delay_t  *d;

    d = ev->data;

    ngx_http_jobruns_flow_wake(d->attempt, d->slot == NULL || d->ask
                                           ? NGX_OK : NGX_DECLINED);
}


static void
ngx_http_jobruns_delay_on_tick(ngx_event_t *ev)
{
    ngx_msec_t                 left;
    ngx_queue_t               *q;
    ngx_core_conf_t           *ccf;
    ngx_http_jobruns_delay_t  *d;

    if (ngx_queue_empty(&ngx_http_jobruns_delays)) {
        return;
    }

    ngx_add_timer(ev, NGX_HTTP_JOBRUNS_DELAY_TICK);

    ccf = (ngx_core_conf_t *) ngx_get_conf(ngx_cycle->conf_ctx,
                                           ngx_core_module);

    if (!ngx_exiting || ccf->shutdown_timeout == 0) {
        return;
    }

    if (ngx_http_jobruns_delay_exits == 0) {
        ngx_http_jobruns_delay_exits = ngx_current_msec;
    }

    left = ngx_current_msec - ngx_http_jobruns_delay_exits;
    left = left < ccf->shutdown_timeout ? ccf->shutdown_timeout - left : 0;

    q = ngx_queue_head(&ngx_http_jobruns_delays);

    while (q != ngx_queue_sentinel(&ngx_http_jobruns_delays)) {

        d = ngx_queue_data(q, ngx_http_jobruns_delay_t, queue);
        q = ngx_queue_next(q);

        /* without a timer it is asking for its slot */

        if (d->timer.timer_set
            && d->timer.timer.key - ngx_current_msec
               + ngx_http_jobruns_delay_read_timeout(d->attempt->request)
               > left)
        {
            ngx_http_jobruns_flow_wake(d->attempt, NGX_ABORT);

            /* others may have gone with it */

            q = ngx_queue_head(&ngx_http_jobruns_delays);
        }
    }
}


/* for how long the service may take after the wait */

static ngx_msec_t
ngx_http_jobruns_delay_read_timeout(ngx_http_request_t *r)
{
    ngx_http_upstream_conf_t      *ucf;
    ngx_http_jobruns_main_conf_t  *jmcf;

    jmcf = ngx_http_get_module_main_conf(r, ngx_http_jobruns_module);

    if (jmcf->proxy == NULL) {
        return 0;
    }

    /* the first member of ngx_http_proxy_loc_conf_t */

    ucf = ngx_http_get_module_loc_conf(r, (*jmcf->proxy));

    return ucf->read_timeout;
}
