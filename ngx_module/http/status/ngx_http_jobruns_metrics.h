/* SPDX-License-Identifier: BSD-2-Clause
 *
 * What the gateway counts, and the calls by which the other files count it.
 *
 * Each worker writes one block of counters, and nobody else does, so counting
 * takes no lock: an increment of a word that others only read.  With
 * jobruns_zone the block lies in shared memory and jobruns_status adds up the
 * blocks of all workers; without, it is the worker's own and nobody reads it.
 *
 * A block outlives its worker: the next one goes on where it stopped, so what
 * was counted survives a reload and a worker that was killed.  What is true
 * of this moment only (ngx_http_jobruns_now_t) begins anew.
 */

#ifndef NGX_HTTP_JOBRUNS_METRICS_H_INCLUDED
#define NGX_HTTP_JOBRUNS_METRICS_H_INCLUDED

#include <ngx_config.h>
#include <ngx_core.h>

#include "jr_auth_reason.h"
#include "jr_outcome.h"
#include "ngx_redis_stats.h"


typedef struct ngx_http_jobruns_attempt_s  ngx_http_jobruns_attempt_t;


/* label values are bounded: what comes after the last of these is "other" */
#define NGX_HTTP_JOBRUNS_SERVERS    16
#define NGX_HTTP_JOBRUNS_LIMITS     64

/* words of ngx_http_jobruns_settled_e */
#define NGX_HTTP_JOBRUNS_SETTLED    8

/* tenants watched per worker, and for how long a count of them is shown */
#define NGX_HTTP_JOBRUNS_TENANTS    32
#define NGX_HTTP_JOBRUNS_TENANT_LEN 128
#define NGX_HTTP_JOBRUNS_TOP_FOR    300

/* places for keys of limits in each worker: those of one limit are in a set */
#define NGX_HTTP_JOBRUNS_USAGE_SETS 8
#define NGX_HTTP_JOBRUNS_USAGE_WAYS 4

/* of a histogram; the last bucket has no bound */
#define NGX_HTTP_JOBRUNS_BOUNDS     15


typedef ngx_redis_counter_t  ngx_http_jobruns_counter_t;


/* names and help of each stand in ngx_http_jobruns_metrics_counters */
typedef enum {
    jobruns_count_unprotected = 0,
    jobruns_count_unreplicated,
    jobruns_count_lease_lost,
    jobruns_count_unkept,
    jobruns_count_room_full,    /* of ngx_http_jobruns_room_e, in its order */
    jobruns_count_room_tenant,
    jobruns_count_dry_run,
    jobruns_count_waited,
    jobruns_count_wait_refused,
    jobruns_count_delayed,
    jobruns_count_delay_refused,
    jobruns_count_check_refused,
    jobruns_count_damaged,
    jobruns_count_bad_override,
    jobruns_count_settle_lost,
    jobruns_count_second_run,
    jobruns_count_audit_records,
    jobruns_count_audit_failures,
    jobruns_count_audit_torn,
    jobruns_count_audit_lost,
    jobruns_count_audit_reopen_failures,
    jobruns_count_audit_refusals,
    jobruns_count_audit_syncs,
    jobruns_count_audit_sync_failures,
    jobruns_count_auth_keys_failures,
    jobruns_count_folded,
    jobruns_count_last
} ngx_http_jobruns_count_e;


typedef enum {
    jobruns_time_admission = 0, /* asking Redis, until its verdict */
    jobruns_time_service,       /* forwarded, until the answer's header */
    jobruns_time_hold,          /* that, until the answer is let go */
    jobruns_time_last
} ngx_http_jobruns_time_e;


/* where a forwarded attempt is */
typedef enum {
    jobruns_stage_none = 0,
    jobruns_stage_forwarding,
    jobruns_stage_holding,
    jobruns_stage_last
} ngx_http_jobruns_stage_e;


typedef struct {
    ngx_http_jobruns_counter_t     buckets[NGX_HTTP_JOBRUNS_BOUNDS + 1];
    ngx_http_jobruns_counter_t     sum;       /* ms */
} ngx_http_jobruns_histogram_t;


/* true of this moment, in this worker */
typedef struct {
    volatile size_t                held;      /* bytes of held answers and of
                                                 keeps still to be made */
    ngx_http_jobruns_counter_t     waiters;
    ngx_http_jobruns_counter_t     delayed;   /* by limits */
    ngx_http_jobruns_counter_t     stages[jobruns_stage_last];
    ngx_http_jobruns_counter_t     pending_keeps;
    ngx_http_jobruns_counter_t     pending_settles;
    ngx_http_jobruns_counter_t     auth_broken;   /* sets of key files that
                                                     cannot be read */
    ngx_http_jobruns_counter_t     audit_lost;    /* files that are not the
                                                     ones at their paths */
    ngx_http_jobruns_counter_t     audit_lag;     /* ms that records wait to
                                                     be on the disk */
} ngx_http_jobruns_now_t;


typedef struct {
    ngx_http_jobruns_counter_t     refused;
    ngx_http_jobruns_counter_t     would_refuse;  /* but is dry_run */
} ngx_http_jobruns_limit_count_t;


/* one tenant of the sketch; seq is odd while it is written */
typedef struct {
    ngx_http_jobruns_counter_t     seq;
    ngx_http_jobruns_counter_t     count;     /* 0: free */
    ngx_http_jobruns_counter_t     error;     /* by so much count may be too
                                                 high */
    uint32_t                       hash;
    uint32_t                       len;
    u_char                         name[NGX_HTTP_JOBRUNS_TENANT_LEN];
} ngx_http_jobruns_tenant_t;


/*
 * The tenants that limits refused most often, in a fixed space
 * (space-saving: Metwally, Agrawal, El Abbadi, 2005): one that is not in it
 * takes the place, and the count, of the least.  Two of them take turns, so
 * that what is shown is of the last minutes.
 */
typedef struct {
    ngx_http_jobruns_counter_t     epoch;     /* of NGX_HTTP_JOBRUNS_TOP_FOR
                                                 seconds */
    ngx_http_jobruns_tenant_t      tenants[NGX_HTTP_JOBRUNS_TENANTS];
} ngx_http_jobruns_top_t;


/* how much a key had used of a limit when a reply told it; seq is odd while
   the names are written */
typedef struct {
    ngx_http_jobruns_counter_t     seq;
    ngx_http_jobruns_counter_t     at;        /* ms of the epoch; 0: free */
    ngx_http_jobruns_counter_t     used;
    ngx_http_jobruns_counter_t     most;
    ngx_http_jobruns_counter_t     step;      /* us until one more of a rate
                                                 is free; 0: no rate */
    ngx_http_jobruns_counter_t     end;       /* of the window, ms of the
                                                 epoch; 0: none */
    uint32_t                       hash;
    uint32_t                       limit;     /* of the zone's */
    uint32_t                       tenant_len;
    uint32_t                       by_len;
    u_char                         window;
    u_char                         tenant[NGX_HTTP_JOBRUNS_TENANT_LEN];
    u_char                         by[NGX_HTTP_JOBRUNS_TENANT_LEN];
} ngx_http_jobruns_usage_t;


typedef struct {
    ngx_atomic_t                   pid;       /* of its worker; 0: of nobody */
    ngx_http_jobruns_now_t         now;
    ngx_http_jobruns_counter_t     counters[jobruns_count_last];
    ngx_http_jobruns_counter_t     outcomes[JR_OUTCOME_LAST];
    ngx_http_jobruns_counter_t     auth[JR_AUTH_LAST];    /* JR_AUTH_OK:
                                                     verified */
    ngx_http_jobruns_counter_t     auth_dry_run[JR_AUTH_LAST];
    ngx_http_jobruns_counter_t     settled[NGX_HTTP_JOBRUNS_SETTLED];
    ngx_http_jobruns_histogram_t   times[jobruns_time_last];
    ngx_http_jobruns_limit_count_t limits[NGX_HTTP_JOBRUNS_LIMITS];
    ngx_redis_stats_t              redis[NGX_HTTP_JOBRUNS_SERVERS];
    ngx_http_jobruns_top_t         top[2];
    ngx_http_jobruns_usage_t       usage[NGX_HTTP_JOBRUNS_USAGE_SETS]
                                        [NGX_HTTP_JOBRUNS_USAGE_WAYS];
} ngx_http_jobruns_block_t;


typedef struct {
    const char  *name;
    const char  *help;
} ngx_http_jobruns_metric_t;


extern const ngx_http_jobruns_metric_t
    ngx_http_jobruns_metrics_counters[];
extern const ngx_http_jobruns_metric_t
    ngx_http_jobruns_metrics_times[];

/* words of ngx_http_jobruns_settled_e, as labels */
extern const char *const
    ngx_http_jobruns_metrics_settled[];

/* ms, ascending */
extern const ngx_msec_t
    ngx_http_jobruns_metrics_bounds[];

/* what this worker writes; never NULL */
extern ngx_http_jobruns_block_t  *ngx_http_jobruns_block;

/* one that is not shared, for a worker without a zone */
extern ngx_http_jobruns_block_t   ngx_http_jobruns_block_own;


/* this worker's figures of this moment */
#define ngx_http_jobruns_worker  (ngx_http_jobruns_block->now)


static ngx_inline void
ngx_http_jobruns_count(ngx_http_jobruns_count_e counter)
{
    ngx_http_jobruns_block->counters[counter]++;
}


static ngx_inline void
ngx_http_jobruns_count_settled(ngx_uint_t settled)
{
    ngx_http_jobruns_block->settled[settled]++;
}


/* counts a duration that ends now; its beginning is of ngx_current_msec */
void ngx_http_jobruns_metrics_observe(ngx_http_jobruns_time_e time,
    ngx_msec_t since);

/* the attempt is at another stage now */
void ngx_http_jobruns_metrics_count_stage(ngx_http_jobruns_attempt_t *a,
    ngx_http_jobruns_stage_e stage);

/* all that became of an attempt, when its outcome is final: once for each */
void ngx_http_jobruns_metrics_count_attempt(ngx_http_jobruns_attempt_t *a);


#endif /* NGX_HTTP_JOBRUNS_METRICS_H_INCLUDED */
