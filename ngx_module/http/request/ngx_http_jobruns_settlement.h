/*
 * A settlement, for the files that try it: ngx_http_jobruns_settlement.c, and
 * ngx_http_jobruns_takeback.c for those that take back an admission.
 */

#ifndef NGX_HTTP_JOBRUNS_SETTLEMENT_H
#define NGX_HTTP_JOBRUNS_SETTLEMENT_H


#include "ngx_http_jobruns.h"


/* gaps between tries, ms: they double */
#define NGX_HTTP_JOBRUNS_TRY_FIRST  50
#define NGX_HTTP_JOBRUNS_TRY_MOST   2000


/*
 * Owned by itself: it goes with its pool when Redis has replied or the time
 * is up.  attempt is NULL once the request does not wait any more; then
 * nothing of the request may be touched.
 */
struct ngx_http_jobruns_settlement_s {
    ngx_pool_t                    *pool;
    ngx_log_t                      log;
    ngx_redis_op_t                 op;
    ngx_event_t                    timer;     /* the next try */
    ngx_msec_t                     deadline;
    ngx_msec_t                     gap;

    ngx_redis_server_t            *server;
    ngx_http_jobruns_main_conf_t  *main;
    ngx_uint_t                     nkeys;
    ngx_uint_t                     argc;
    ngx_str_t                     *argv;
    ngx_http_jobruns_room_t        room;      /* of jobruns_hold_memory */
    ngx_str_t                      run_key;

    ngx_http_jobruns_attempt_t    *attempt;
    unsigned                       created:1;
    unsigned                       unsure:1;  /* of an admission whose reply
                                                 is lost: it may still reach
                                                 Redis, behind us */
    unsigned                       pending:1; /* counted: waits for a try */
    unsigned                       takeback:1;    /* of an admission whose
                                                     deadline is known: tried
                                                     until Redis replies */
    unsigned                       early:1;   /* Redis said so */
    unsigned                       leaving:1; /* this worker exits: no longer
                                                 than the deadline */
    ngx_queue_t                    queue;     /* of take-backs that wait */
    ngx_queue_t                    of_tenant; /* the same, of its tenant */
};


/* ms until the deadline of s; negative behind it */
ngx_msec_int_t ngx_http_jobruns_settlement_left(
    ngx_http_jobruns_settlement_t *s);


/* Tries s again after a gap; or gives it up, says so, and frees it. */
void ngx_http_jobruns_settlement_later(ngx_http_jobruns_settlement_t *s);


/* Ends s, wherever it waits; its pool and its memory are given back. */
void ngx_http_jobruns_settlement_free(ngx_http_jobruns_settlement_t *s);


/* Queues s behind the take-backs that wait; freeing it takes it out. */
void ngx_http_jobruns_takeback_add(ngx_http_jobruns_settlement_t *s);


/* Takes s, which may be queued, out of the take-backs that wait. */
void ngx_http_jobruns_takeback_remove(ngx_http_jobruns_settlement_t *s);


/*
 * Redis' clock has not come to the deadline of the lost admission: tries s
 * again.  Where it does not come within a minute, it was set back: what was
 * to come has come, and s is told without a deadline.
 */
void ngx_http_jobruns_takeback_early(ngx_http_jobruns_settlement_t *s);


/*
 * Makes room for a take-back at the cost of the oldest ones, and ends what a
 * worker that exits has not told within a minute.  Whether s itself, which
 * is queued, is gone.
 */
ngx_uint_t ngx_http_jobruns_takeback_over(ngx_http_jobruns_settlement_t *s);


/*
 * Makes room for s at the cost of take-backs that wait, the oldest first: of
 * its tenant, until that has no more than its half of jobruns_hold_memory,
 * then of all.  Each is logged and counted.  Whether s itself is gone.
 */
ngx_uint_t ngx_http_jobruns_takebacks_drop(ngx_http_jobruns_settlement_t *s);


#endif /* NGX_HTTP_JOBRUNS_SETTLEMENT_H */
