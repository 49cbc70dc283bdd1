/* SPDX-License-Identifier: BSD-2-Clause
 *
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
    ngx_http_jobruns_batch_call_t  call;
    ngx_event_t                    timer;     /* the next try */
    ngx_msec_t                     deadline;
    ngx_msec_t                     gap;

    ngx_http_jobruns_main_conf_t  *main;
    ngx_http_jobruns_room_t        room;      /* of jobruns_hold_memory */
    jr_settle_as_e                 as;
    int64_t                        lost;      /* 0, or the deadline of an
                                                 admission without a reply */
    u_char                         fingerprint[
                                           NGX_HTTP_JOBRUNS_FINGERPRINT_LEN];
    ngx_str_t                      request_id;
    ngx_str_t                      run_key;
    jr_str_t                       answer;    /* in the call's argv;
                                                 len 0: not stored */

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


/* the key of the attempt's record, in Redis and in messages */
ngx_str_t *ngx_http_jobruns_settlement_key(ngx_http_jobruns_settlement_t *s);

/* ms until the deadline of s; negative behind it */
ngx_msec_int_t ngx_http_jobruns_settlement_left(
    ngx_http_jobruns_settlement_t *s);


/* Tries s again after a gap; or gives it up, says so, and frees it. */
void ngx_http_jobruns_settlement_later(ngx_http_jobruns_settlement_t *s);


/* Ends s, wherever it waits; its pool and its memory are given back. */
void ngx_http_jobruns_settlement_free(ngx_http_jobruns_settlement_t *s);

/*
 * Settles an attempt by its outcome, and takes its claim over.  NGX_AGAIN,
 * then ngx_http_jobruns_flow_wake() with NGX_OK, a->settled being what Redis
 * said; NGX_OK: nothing to wait for, the settlement goes on without the
 * request where Redis is out of reach.
 */
ngx_int_t ngx_http_jobruns_settlement_begin(ngx_http_jobruns_attempt_t *a);

/* the same without waiting, for a request that is going away */
void ngx_http_jobruns_settlement_detached(ngx_http_jobruns_attempt_t *a);


#endif /* NGX_HTTP_JOBRUNS_SETTLEMENT_H */
