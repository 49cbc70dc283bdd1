/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Take-backs: settlements of admissions whose reply is lost and that Redis
 * may have carried out.  Each is tried until Redis replies and its clock is
 * past the deadline of the admission, however long that takes.  They are
 * bounded by jobruns_hold_memory and a tenant's half of it, the oldest go
 * first; a worker that exits gives up after a minute.
 */

#include "ngx_http_jobruns.h"
#include "ngx_http_jobruns_log.h"
#include "ngx_http_jobruns_room.h"
#include "ngx_http_jobruns_settlement.h"
#include "ngx_http_jobruns_takeback.h"

#include "jr_script.h"


static void ngx_http_jobruns_takeback_drop(ngx_http_jobruns_settlement_t *s,
    ngx_http_jobruns_room_e why);


/* take-backs that wait for their next try, the oldest first */
static ngx_queue_t  ngx_http_jobruns_takebacks = {
    &ngx_http_jobruns_takebacks, &ngx_http_jobruns_takebacks
};


void
ngx_http_jobruns_takeback_add(ngx_http_jobruns_settlement_t *s)
{
    ngx_queue_insert_tail(&ngx_http_jobruns_takebacks, &s->queue);

    if (s->room.holding != NULL) {
        ngx_queue_insert_tail(&s->room.holding->takebacks, &s->of_tenant);
    }
}


void
ngx_http_jobruns_takeback_remove(ngx_http_jobruns_settlement_t *s)
{
    ngx_queue_remove(&s->queue);
    ngx_queue_init(&s->queue);

    ngx_queue_remove(&s->of_tenant);
    ngx_queue_init(&s->of_tenant);
}


void
ngx_http_jobruns_takeback_early(ngx_http_jobruns_settlement_t *s)
{
    if (!s->early) {
        s->early = 1;
        s->deadline = ngx_current_msec + NGX_HTTP_JOBRUNS_KEEP_FOR;

    } else if (ngx_http_jobruns_settlement_left(s)
               <= NGX_HTTP_JOBRUNS_TRY_MOST)
    {
        ngx_memzero(s->call.argv[s->call.nkeys + JR_SETTLE_ATTEMPTS].data
                    + JR_SETTLE_LOST_AT, JR_SETTLE_LOST_LEN);
    }

    ngx_http_jobruns_settlement_later(s);
}


ngx_uint_t
ngx_http_jobruns_takeback_over(ngx_http_jobruns_settlement_t *s)
{
    if (ngx_http_jobruns_takeback_trim(s)) {
        return 1;
    }

    if (ngx_exiting && !s->leaving) {
        s->leaving = 1;
        s->deadline = ngx_current_msec + NGX_HTTP_JOBRUNS_KEEP_FOR;
    }

    if (!s->leaving || ngx_http_jobruns_settlement_left(s) > 0) {
        return 0;
    }

    ngx_http_jobruns_log_fault(&s->log, jobruns_log_takeback, NGX_LOG_ERR, 0,
                               "this worker exits, and could not take back an "
                               "admission without a reply within a minute: "
                               "key \"%V\" is unknown when its lease ends",
                               ngx_http_jobruns_settlement_key(s));

    ngx_http_jobruns_count(jobruns_count_settle_lost);
    ngx_http_jobruns_settlement_free(s);

    return 1;
}


ngx_uint_t
ngx_http_jobruns_takeback_trim(ngx_http_jobruns_settlement_t *s)
{
    size_t                          most;
    ngx_uint_t                      gone;
    ngx_queue_t                    *own;
    ngx_http_jobruns_settlement_t  *oldest;

    gone = 0;
    most = s->main->hold_memory;

    /* what its tenant has is there as long as s is */

    while (!gone
           && ngx_http_jobruns_room_over(&s->room, most)
              == jobruns_room_tenant)
    {
        own = &s->room.holding->takebacks;

        if (ngx_queue_empty(own)) {
            break;
        }

        oldest = ngx_queue_data(ngx_queue_head(own),
                                ngx_http_jobruns_settlement_t, of_tenant);
        gone = (oldest == s);

        ngx_http_jobruns_takeback_drop(oldest, jobruns_room_tenant);
    }

    while (ngx_http_jobruns_worker.held > most
           && !ngx_queue_empty(&ngx_http_jobruns_takebacks))
    {
        oldest = ngx_queue_data(ngx_queue_head(&ngx_http_jobruns_takebacks),
                                ngx_http_jobruns_settlement_t, queue);
        gone |= (oldest == s);

        ngx_http_jobruns_takeback_drop(oldest, jobruns_room_full);
    }

    return gone;
}


static void
ngx_http_jobruns_takeback_drop(ngx_http_jobruns_settlement_t *s,
    ngx_http_jobruns_room_e why)
{
    ngx_http_jobruns_log_fault(&s->log, jobruns_log_takeback, NGX_LOG_ERR, 0,
                               "jobruns_hold_memory %uz %s, an admission "
                               "without a reply is not taken back: key \"%V\" "
                               "is unknown when its lease ends; is Redis "
                               "away? else raise it", s->main->hold_memory,
                               ngx_http_jobruns_room_text(why),
                               ngx_http_jobruns_settlement_key(s));

    ngx_http_jobruns_count(jobruns_count_room_full + why);
    ngx_http_jobruns_count(jobruns_count_settle_lost);
    ngx_http_jobruns_settlement_free(s);
}
