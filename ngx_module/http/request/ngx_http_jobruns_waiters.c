/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Waiters: retries that wait for the end of a running attempt with their
 * token.  Those of one location, record and fingerprint are a group, of which
 * one asks Redis for all: see ngx_http_jobruns_group.c.
 *
 * A waiter is not blocked; its client is watched, and leaving ends it at no
 * further cost.  Only the one that asks is, while its poll is under way.
 */

#include "ngx_http_jobruns_flow.h"
#include "ngx_http_jobruns_group.h"
#include "ngx_http_jobruns_log.h"
#include "ngx_http_jobruns_verdict.h"
#include "ngx_http_jobruns_waiters.h"


static void ngx_http_jobruns_waiters_full(ngx_http_jobruns_attempt_t *a,
    ngx_int_t rc);
static void ngx_http_jobruns_waiters_on_over(ngx_event_t *ev);


ngx_int_t
ngx_http_jobruns_waiters_wait(ngx_http_jobruns_attempt_t *a)
{
    ngx_int_t       rc;
    ngx_msec_int_t  left;

    left = (ngx_msec_int_t) (a->waiting.until - ngx_current_msec);

    if (left <= 0 || a->request->connection->error) {
        ngx_http_jobruns_waiters_leave(a);
        return NGX_DECLINED;
    }

    if (a->waiting.group == NULL) {
        rc = ngx_http_jobruns_group_join(a);

        if (rc != NGX_OK) {
            ngx_http_jobruns_waiters_full(a, rc);
            return NGX_DECLINED;
        }
    }

    ngx_memzero(&a->timer, sizeof(ngx_event_t));

    a->timer.handler = ngx_http_jobruns_waiters_on_over;
    a->timer.data = a;
    a->timer.log = a->request->connection->log;

    ngx_add_timer(&a->timer, (ngx_msec_t) left);

    return NGX_AGAIN;
}


static void
ngx_http_jobruns_waiters_full(ngx_http_jobruns_attempt_t *a, ngx_int_t rc)
{
    ngx_http_jobruns_count(jobruns_count_wait_refused);

    if (rc == NGX_ERROR) {
        ngx_http_jobruns_log(a, jobruns_log_no_memory, NGX_LOG_ERR,
                             "no memory to let a retry wait, it gets 409 at "
                             "once; give this machine or its unit more "
                             "memory");
        return;
    }

    ngx_http_jobruns_log(a, jobruns_log_waiters, NGX_LOG_WARN,
                         "a retry gets 409 at once and does not wait: %d %s "
                         "wait in this worker already; look for a slow "
                         "service, or lower jobruns_retry_wait",
                         rc == NGX_BUSY ? NGX_HTTP_JOBRUNS_WAITERS_TENANT
                                        : NGX_HTTP_JOBRUNS_WAITERS,
                         rc == NGX_BUSY ? "of its tenant" : "retries");
}


void
ngx_http_jobruns_waiters_leave(ngx_http_jobruns_attempt_t *a)
{
    if (a->timer.timer_set) {
        ngx_del_timer(&a->timer);
    }

    /* NGINX may have terminated the asker as its poll came back: what that
       said is the group's all the same */

    ngx_http_jobruns_waiters_decided(a);

    if (a->waiting.group == NULL) {
        return;
    }

    /* its record names the attempt that it was last known to wait for */

    ngx_http_jobruns_group_tell(&a->waiting.group->running, &a->run.original_id,
                                a->request->pool);
    ngx_http_jobruns_group_tell(&a->waiting.group->error, &a->redis_error.text,
                                a->request->pool);

    (void) ngx_http_jobruns_group_leave(a);
}


/* an attempt has waited for as long as it may */

static void
ngx_http_jobruns_waiters_on_over(ngx_event_t *ev)
{
    ngx_http_jobruns_group_t    *g;
    ngx_http_jobruns_attempt_t  *a;

    a = ev->data;
    g = a->waiting.group;

    if (g->verdict != NULL) {
        ngx_http_jobruns_verdict_give(g->verdict, a);
        (void) ngx_http_jobruns_group_leave(a);
    }

    ngx_http_jobruns_flow_wake(a, NGX_DECLINED);
}


void
ngx_http_jobruns_waiters_decided(ngx_http_jobruns_attempt_t *a)
{
    ngx_http_jobruns_group_t    *g;
    ngx_http_jobruns_verdict_t  *v;

    g = a->waiting.group;

    if (g == NULL || g->asker != a) {
        return;
    }

    v = NULL;
    g->asker = NULL;

    switch (a->verdict) {

    case jobruns_verdict_unavailable:

        /* what they wait for was running when Redis was last heard of:
           jobruns_redis_failure is about what nobody knows of */

        a->verdict = jobruns_verdict_running;
        ngx_http_jobruns_group_note(&g->error, &a->redis_error.text);
        break;

    case jobruns_verdict_running:
        g->lease_end = ngx_current_msec + a->reply.wait;
        g->error.len = 0;
        ngx_http_jobruns_group_note(&g->running, &a->run.original_id);
        break;

    case jobruns_verdict_replay:
    case jobruns_verdict_unkept:
    case jobruns_verdict_mismatch:
    case jobruns_verdict_refused:

        if (g->verdict == NULL
            && ngx_queue_next(&a->waiting.queue)
               != ngx_queue_sentinel(&g->members))
        {
            v = ngx_http_jobruns_verdict_of(a);
            g->again = (v == NULL);
        }

        break;

    case jobruns_verdict_forward:
        /* its claim is what the others wait for now */

        g->gap = NGX_HTTP_JOBRUNS_GAP_FIRST;
        g->lease_end = ngx_current_msec + a->conf->retry_lease;
        break;

    case jobruns_verdict_damaged:
        break;

    default:
        /* limited, or terminated before it was told */
        g->again = 1;
    }

    if (a->verdict == jobruns_verdict_running && g->verdict != NULL) {
        /* a settlement came meanwhile, and was given to the others */
        ngx_http_jobruns_verdict_give(g->verdict, a);
        (void) ngx_http_jobruns_group_leave(a);
        return;
    }

    if (a->verdict != jobruns_verdict_running
        && ngx_http_jobruns_group_leave(a) == NGX_DONE)
    {
        return;
    }

    if (v != NULL) {
        ngx_http_jobruns_group_over(g, v);

    } else if (g->verdict != NULL) {
        return;

    } else if (g->again) {
        ngx_http_jobruns_group_at_once(g);

    } else {
        ngx_http_jobruns_group_later(g);
    }
}
