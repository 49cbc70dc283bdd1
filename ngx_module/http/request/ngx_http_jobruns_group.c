/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Groups: attempts that wait behind one claim, and when their next poll is.
 *
 *   buckets, by record        group                      members, oldest first
 *   +---+                +-------------+               +---------+  +---------+
 *   |   |---> group ---> | event: poll | ------------> | attempt |->| attempt |
 *   +---+                | asker ------+-------------> +---------+  +---------+
 *   |   |                | verdict     |                timer: for how long
 *   +---+                +-------------+                it may wait
 *
 * A group is owned by the worker's table and freed with its last member.  It
 * copies what it needs: a member may leave at any time, and whoever is the
 * first then asks when the next poll is due.  The asker is always the first,
 * so that one whose poll got no reply, and may hold the claim, is the one who
 * asks again.
 *
 * A verdict for all takes the group out of the table, and is given to its
 * members from the event loop, some in each turn.
 */

#include "ngx_http_jobruns_flow.h"
#include "ngx_http_jobruns_group.h"
#include "ngx_http_jobruns_room.h"
#include "ngx_http_jobruns_settlement.h"
#include "ngx_http_jobruns_verdict.h"

#include "jr_script.h"


/* gaps between the polls of a group, ms: they grow by half, with jitter */
#define NGX_HTTP_JOBRUNS_GAP_MOST        250

/* members that are given their verdict in one turn of the event loop */
#define NGX_HTTP_JOBRUNS_GROUP_TURN      64

/* a power of 2 */
#define NGX_HTTP_JOBRUNS_GROUP_BUCKETS   256


static ngx_queue_t *ngx_http_jobruns_group_bucket(ngx_str_t *record);
static ngx_uint_t ngx_http_jobruns_group_is_of(ngx_http_jobruns_group_t *g,
    ngx_str_t *record);
static ngx_http_jobruns_group_t *ngx_http_jobruns_group_of(
    ngx_http_jobruns_attempt_t *a);
static ngx_http_jobruns_group_t *ngx_http_jobruns_group_create(
    ngx_http_jobruns_attempt_t *a, ngx_queue_t *bucket);
static void ngx_http_jobruns_group_free(ngx_http_jobruns_group_t *g);
static void ngx_http_jobruns_group_on_event(ngx_event_t *ev);
static void ngx_http_jobruns_group_give(ngx_http_jobruns_group_t *g);


/* of this worker; a bucket that was never used is all zeroes */
static ngx_queue_t  ngx_http_jobruns_groups[NGX_HTTP_JOBRUNS_GROUP_BUCKETS];

static ngx_http_jobruns_places_t  ngx_http_jobruns_group_places = {
    .most = NGX_HTTP_JOBRUNS_WAITERS,
    .each = NGX_HTTP_JOBRUNS_WAITERS_TENANT
};


ngx_int_t
ngx_http_jobruns_group_join(ngx_http_jobruns_attempt_t *a)
{
    ngx_int_t                  rc;
    ngx_http_jobruns_group_t  *g;

    rc = ngx_http_jobruns_room_take_place(&ngx_http_jobruns_group_places,
                                     a->call.tenant, &a->waiting.place);
    if (rc != NGX_OK) {
        return rc;
    }

    g = ngx_http_jobruns_group_of(a);

    if (g == NULL) {
        ngx_http_jobruns_room_give_place(&ngx_http_jobruns_group_places,
                                    a->waiting.place);
        return NGX_ERROR;
    }

    ngx_queue_insert_tail(&g->members, &a->waiting.queue);
    a->waiting.group = g;

    ngx_http_jobruns_worker.waiters++;
    ngx_http_jobruns_count(jobruns_count_waited);

    return NGX_OK;
}


/* the group that an attempt belongs to, or a new one; NULL: no memory */

static ngx_http_jobruns_group_t *
ngx_http_jobruns_group_of(ngx_http_jobruns_attempt_t *a)
{
    ngx_queue_t               *q, *bucket;
    ngx_http_jobruns_group_t  *g;

    bucket = ngx_http_jobruns_group_bucket(ngx_http_jobruns_record(a));

    for (q = ngx_queue_head(bucket);
         q != ngx_queue_sentinel(bucket);
         q = ngx_queue_next(q))
    {
        g = ngx_queue_data(q, ngx_http_jobruns_group_t, queue);

        if (g->conf == a->conf
            && ngx_http_jobruns_group_is_of(g,
                                       ngx_http_jobruns_record(a))
            && ngx_memcmp(g->fingerprint, a->check.fingerprint,
                          NGX_HTTP_JOBRUNS_FINGERPRINT_LEN)
               == 0)
        {
            return g;
        }
    }

    return ngx_http_jobruns_group_create(a, bucket);
}


static ngx_http_jobruns_group_t *
ngx_http_jobruns_group_create(ngx_http_jobruns_attempt_t *a,
    ngx_queue_t *bucket)
{
    ngx_str_t                 *record;
    ngx_http_jobruns_group_t  *g;

    record = ngx_http_jobruns_record(a);

    g = ngx_calloc(sizeof(ngx_http_jobruns_group_t) + record->len,
                   ngx_cycle->log);
    if (g == NULL) {
        return NULL;
    }

    g->conf = a->conf;

    g->record.len = record->len;
    g->record.data = (u_char *) (g + 1);
    ngx_memcpy(g->record.data, record->data, record->len);
    ngx_memcpy(g->fingerprint, a->check.fingerprint,
               NGX_HTTP_JOBRUNS_FINGERPRINT_LEN);

    ngx_queue_init(&g->members);
    ngx_queue_insert_tail(bucket, &g->queue);

    g->event.handler = ngx_http_jobruns_group_on_event;
    g->event.data = g;
    g->event.log = ngx_cycle->log;

    g->gap = NGX_HTTP_JOBRUNS_GAP_FIRST;
    g->lease_end = ngx_current_msec + a->reply.wait;
    ngx_http_jobruns_group_note(&g->running, &a->run.original_id);

    ngx_http_jobruns_group_later(g);

    return g;
}


static ngx_queue_t *
ngx_http_jobruns_group_bucket(ngx_str_t *record)
{
    ngx_queue_t  *bucket;

    bucket = &ngx_http_jobruns_groups[ngx_crc32_long(record->data,
                                                     record->len)
                                      & (NGX_HTTP_JOBRUNS_GROUP_BUCKETS - 1)];

    if (bucket->next == NULL) {
        ngx_queue_init(bucket);
    }

    return bucket;
}


static ngx_uint_t
ngx_http_jobruns_group_is_of(ngx_http_jobruns_group_t *g, ngx_str_t *record)
{
    return g->record.len == record->len
           && ngx_memcmp(g->record.data, record->data, record->len) == 0;
}


ngx_int_t
ngx_http_jobruns_group_leave(ngx_http_jobruns_attempt_t *a)
{
    ngx_http_jobruns_group_t  *g;

    g = a->waiting.group;

    ngx_queue_remove(&a->waiting.queue);
    a->waiting.group = NULL;

    ngx_http_jobruns_room_give_place(&ngx_http_jobruns_group_places,
                                a->waiting.place);
    ngx_http_jobruns_worker.waiters--;

    if (!ngx_queue_empty(&g->members) || g->giving) {
        return NGX_OK;
    }

    ngx_http_jobruns_group_free(g);

    return NGX_DONE;
}


static void
ngx_http_jobruns_group_free(ngx_http_jobruns_group_t *g)
{
    ngx_queue_remove(&g->queue);

    if (g->event.timer_set) {
        ngx_del_timer(&g->event);
    }

    if (g->event.posted) {
        ngx_delete_posted_event(&g->event);
    }

    if (g->verdict != NULL) {
        ngx_http_jobruns_verdict_release(g->verdict);
    }

    ngx_free(g->running.data);
    ngx_free(g->error.data);
    ngx_free(g);
}


static void
ngx_http_jobruns_group_on_event(ngx_event_t *ev)
{
    ngx_http_jobruns_group_t    *g;
    ngx_http_jobruns_attempt_t  *a;

    g = ev->data;

    if (g->verdict != NULL) {
        ngx_http_jobruns_group_give(g);
        return;
    }

    a = ngx_queue_data(ngx_queue_head(&g->members),
                       ngx_http_jobruns_attempt_t, waiting.queue);

    g->asker = a;
    g->again = 0;

    /* its time goes on, but until the reply nothing else wakes it */

    ngx_del_timer(&a->timer);

    ngx_http_jobruns_flow_wake(a, NGX_OK);
}


void
ngx_http_jobruns_group_later(ngx_http_jobruns_group_t *g)
{
    ngx_msec_t      gap;
    ngx_msec_int_t  left;

    gap = g->gap - ngx_random() % (g->gap / 2 + 1);
    g->gap = ngx_min(g->gap + g->gap / 2, NGX_HTTP_JOBRUNS_GAP_MOST);

    left = (ngx_msec_int_t) (g->lease_end - ngx_current_msec);

    if (left > 0) {
        gap = ngx_min(gap, (ngx_msec_t) left);
    }

    ngx_add_timer(&g->event, gap);
}


void
ngx_http_jobruns_group_at_once(ngx_http_jobruns_group_t *g)
{
    if (g->asker != NULL) {
        /* the poll under way may have passed Redis before */
        g->again = 1;
        return;
    }

    if (g->event.timer_set) {
        ngx_del_timer(&g->event);
    }

    ngx_post_event(&g->event, &ngx_posted_events);
}


void
ngx_http_jobruns_group_settled(ngx_http_jobruns_settlement_t *s,
    ngx_http_jobruns_settled_e settled)
{
    ngx_str_t                   *key;
    ngx_queue_t                 *q, *bucket;
    ngx_http_jobruns_group_t    *g;
    ngx_http_jobruns_verdict_t  *v;

    if (ngx_http_jobruns_group_places.used == 0) {
        return;
    }

    switch (settled) {

    case jobruns_settled_kept:
    case jobruns_settled_freed:
    case jobruns_settled_unknown:
    case jobruns_settled_done:
    case jobruns_settled_gone:
        break;

    default:
        /* it ended nobody's claim */
        return;
    }

    v = NULL;

    key = ngx_http_jobruns_settlement_key(s);
    bucket = ngx_http_jobruns_group_bucket(key);
    q = ngx_queue_head(bucket);

    while (q != ngx_queue_sentinel(bucket)) {

        g = ngx_queue_data(q, ngx_http_jobruns_group_t, queue);
        q = ngx_queue_next(q);

        if (g->conf->server != s->call.server
            || !ngx_http_jobruns_group_is_of(g, key))
        {
            continue;
        }

        if (settled != jobruns_settled_kept
            || s->answer.len == 0
            || ngx_memcmp(g->fingerprint, s->fingerprint,
                          NGX_HTTP_JOBRUNS_FINGERPRINT_LEN)
               != 0)
        {
            ngx_http_jobruns_group_at_once(g);
            continue;
        }

        /* what is stored now is what Redis would say to each of them */

        if (v == NULL) {
            v = ngx_http_jobruns_verdict_replay(s->answer, &s->request_id);
        }

        if (v == NULL) {
            ngx_http_jobruns_group_at_once(g);

        } else {
            ngx_http_jobruns_verdict_hold(v);
            ngx_http_jobruns_group_over(g, v);
        }
    }

    if (v != NULL) {
        ngx_http_jobruns_verdict_release(v);
    }
}


void
ngx_http_jobruns_group_over(ngx_http_jobruns_group_t *g,
    ngx_http_jobruns_verdict_t *v)
{
    g->verdict = v;

    ngx_queue_remove(&g->queue);
    ngx_queue_init(&g->queue);

    if (g->event.timer_set) {
        ngx_del_timer(&g->event);
    }

    ngx_post_event(&g->event, &ngx_posted_events);
}


/* gives its verdict to as many of a group as have their turn; an asker gets it
   when its poll is back (ngx_http_jobruns_waiters_decided()) */

static void
ngx_http_jobruns_group_give(ngx_http_jobruns_group_t *g)
{
    ngx_uint_t                   n;
    ngx_queue_t                 *q;
    ngx_http_jobruns_attempt_t  *a;

    /* what is woken may end other members, but not the group */

    g->giving = 1;

    for (n = 0; !ngx_queue_empty(&g->members); n++) {

        q = ngx_queue_head(&g->members);

        if (g->asker != NULL) {
            q = ngx_queue_next(q);

            if (q == ngx_queue_sentinel(&g->members)) {
                break;
            }
        }

        if (n == NGX_HTTP_JOBRUNS_GROUP_TURN) {
            ngx_post_event(&g->event, &ngx_posted_next_events);
            break;
        }

        a = ngx_queue_data(q, ngx_http_jobruns_attempt_t, waiting.queue);

        ngx_del_timer(&a->timer);

        ngx_http_jobruns_verdict_give(g->verdict, a);
        (void) ngx_http_jobruns_group_leave(a);

        ngx_http_jobruns_flow_wake(a, NGX_DECLINED);
    }

    g->giving = 0;

    if (ngx_queue_empty(&g->members)) {
        ngx_http_jobruns_group_free(g);
    }
}


void
ngx_http_jobruns_group_note(ngx_str_t *dst, const ngx_str_t *src)
{
    u_char  *p;

    if (src->len == 0
        || (dst->len == src->len
            && ngx_memcmp(dst->data, src->data, src->len) == 0))
    {
        dst->len = src->len;
        return;
    }

    p = ngx_alloc(src->len, ngx_cycle->log);
    if (p == NULL) {
        return;
    }

    ngx_memcpy(p, src->data, src->len);

    ngx_free(dst->data);

    dst->data = p;
    dst->len = src->len;
}


void
ngx_http_jobruns_group_tell(const ngx_str_t *src, ngx_str_t *dst,
    ngx_pool_t *pool)
{
    u_char  *p;

    if (src->len == 0) {
        return;
    }

    p = ngx_pnalloc(pool, src->len);

    if (p != NULL) {
        ngx_memcpy(p, src->data, src->len);

        dst->data = p;
        dst->len = src->len;
    }
}
