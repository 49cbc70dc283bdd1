/* SPDX-License-Identifier: BSD-2-Clause
 *
 * What the client counts of a server.
 *
 * The counters stand where the caller wants them, in memory that other
 * processes read, say: ngx_redis_server_stats_at().  Several servers, or the
 * nodes of one, may count into one place, so what is now is a number too:
 * how many connections, how many breakers that are open.
 *
 * One process writes a place, and needs no lock for it; whoever reads sees
 * each counter whole, but not all of one moment.
 */

#ifndef NGX_REDIS_STATS_H_INCLUDED
#define NGX_REDIS_STATS_H_INCLUDED

#include <ngx_config.h>
#include <ngx_core.h>


/* how an operation ended */
typedef enum {
    ngx_redis_ok = 0,           /* a reply, which may be an error reply */
    ngx_redis_unreachable,      /* no connection; fails fast while the
                                   breaker is open */
    ngx_redis_timeout,          /* the deadline of the operation passed */
    ngx_redis_lost,             /* the connection ended before the reply */
    ngx_redis_protocol          /* the server does not speak RESP */
} ngx_redis_status_e;

/* how an operation can fail; what the counter of each is called */
typedef enum {
    ngx_redis_err_refused = 0,  /* not accepted: breaker open, queue full */
    ngx_redis_err_behind,       /* not accepted: older ones wait too long */
    ngx_redis_err_unreachable,
    ngx_redis_err_timeout,
    ngx_redis_err_lost,
    ngx_redis_err_protocol,
    ngx_redis_err_reply,        /* answered by an error reply */
    ngx_redis_err_last
} ngx_redis_error_e;


/* upper bounds of the buckets stand in ngx_redis_stats_bounds; the last
   bucket has none */
#define NGX_REDIS_STATS_BOUNDS  14


/* words that any process may read while one writes */
typedef volatile ngx_atomic_uint_t  ngx_redis_counter_t;


typedef struct {
    /* now */
    ngx_redis_counter_t   connections;    /* greeted, in use or idle */
    ngx_redis_counter_t   breakers;       /* that are open */
    ngx_redis_counter_t   pending;        /* operations */

    /* by the last look of ngx_redis_watch.c at each server */
    ngx_redis_counter_t   reached;        /* it had a reply */
    ngx_redis_counter_t   unreached;      /* it had none */
    ngx_redis_counter_t   replicas;       /* it found a replica */
    ngx_redis_counter_t   roleless;       /* the role was not told */

    /* of the server, not to be added up */
    ngx_redis_counter_t   memory_used;    /* bytes */
    ngx_redis_counter_t   memory_most;    /* bytes; 0: no limit */
    ngx_redis_counter_t   memory_seen;    /* when; 0: both are unknown */

    /* since the place was made */
    ngx_redis_counter_t   connects;
    ngx_redis_counter_t   errors[ngx_redis_err_last];
    ngx_redis_counter_t   roundtrip[NGX_REDIS_STATS_BOUNDS + 1];
    ngx_redis_counter_t   roundtrip_us;   /* sum of all */
} ngx_redis_stats_t;


/* bounds of the round trip's buckets, microseconds, ascending */
extern const ngx_uint_t  ngx_redis_stats_bounds[NGX_REDIS_STATS_BOUNDS];

/* "timeout" and the like, as labels */
extern const ngx_str_t  ngx_redis_stats_errors[ngx_redis_err_last];


/* microseconds of the monotonic clock, for differences only */
uint64_t ngx_redis_stats_clock(void);

/* counts one round trip of us microseconds */
void ngx_redis_stats_roundtrip(ngx_redis_stats_t *stats, uint64_t us);

/* "timeout" and the like, for messages */
const char *ngx_redis_stats_text(ngx_redis_status_e status);

void ngx_redis_stats_failed(ngx_redis_stats_t *stats,
    ngx_redis_status_e status);


#endif /* NGX_REDIS_STATS_H_INCLUDED */
