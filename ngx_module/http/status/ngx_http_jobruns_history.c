/* SPDX-License-Identifier: BSD-2-Clause
 *
 * What happened lately: a sample of the sums for each of the last seconds,
 * the outcomes of the last minutes, and when each counter last grew.
 *
 * A second may have no sample, where no worker came to it; then the next
 * older one is taken, and rates are divided by the seconds there really are.
 */

#include "ngx_http_jobruns_figures.h"
#include "ngx_http_jobruns_history.h"
#include "ngx_http_jobruns_status.h"


static time_t ngx_http_jobruns_history_age(ngx_http_jobruns_counter_t now,
    ngx_http_jobruns_counter_t seen, ngx_http_jobruns_counter_t at);
static void ngx_http_jobruns_history_grew(ngx_http_jobruns_counter_t *seen,
    ngx_http_jobruns_counter_t *at, const volatile ngx_atomic_uint_t *now,
    ngx_uint_t n, time_t second);
static ngx_http_jobruns_sample_t *ngx_http_jobruns_history_from(
    ngx_http_jobruns_zone_t *zone, time_t second, time_t last);
static ngx_int_t ngx_http_jobruns_history_share(ngx_atomic_uint_t *old,
    ngx_atomic_uint_t *now, ngx_uint_t n, ngx_uint_t share);


void
ngx_http_jobruns_history_add(ngx_http_jobruns_figures_t *figures,
    time_t second)
{
    ngx_uint_t                   i, k;
    ngx_http_jobruns_past_t     *past;
    ngx_http_jobruns_block_t    *sum;
    ngx_http_jobruns_sample_t   *sample;
    ngx_http_jobruns_shared_t   *shared;

    sum = &figures->sum;
    shared = figures->zone->shared;
    sample = &shared->history[second % NGX_HTTP_JOBRUNS_HISTORY];

    sample->second = 0;
    ngx_memory_barrier();

    ngx_memcpy(sample->outcomes, (void *) sum->outcomes,
               sizeof(sample->outcomes));
    ngx_memcpy(sample->stages, (void *) sum->now.stages,
               sizeof(sample->stages));

    for (i = 0; i < jobruns_time_last; i++) {
        ngx_memcpy(sample->times[i], (void *) sum->times[i].buckets,
                   sizeof(sample->times[i]));
    }

    ngx_memzero(sample->roundtrip, sizeof(sample->roundtrip));

    for (k = 0; k < shared->nservers; k++) {
        for (i = 0; i <= NGX_REDIS_STATS_BOUNDS; i++) {
            sample->roundtrip[i] += sum->redis[k].roundtrip[i];
        }
    }

    sample->waiters = sum->now.waiters;

    ngx_memory_barrier();
    sample->second = second;

    ngx_http_jobruns_history_grew(shared->outcomes_seen, shared->outcomes_at,
                                  sum->outcomes, JR_OUTCOME_LAST, second);
    ngx_http_jobruns_history_grew(shared->counters_seen, shared->counters_at,
                                  sum->counters, jobruns_count_last, second);

    if (second % NGX_HTTP_JOBRUNS_PAST_EVERY) {
        return;
    }

    past = &shared->past[second / NGX_HTTP_JOBRUNS_PAST_EVERY
                         % NGX_HTTP_JOBRUNS_PAST];

    past->second = 0;
    ngx_memory_barrier();

    ngx_memcpy(past->outcomes, (void *) sum->outcomes,
               sizeof(past->outcomes));

    ngx_memory_barrier();
    past->second = second;
}


static void
ngx_http_jobruns_history_grew(ngx_http_jobruns_counter_t *seen,
    ngx_http_jobruns_counter_t *at, const volatile ngx_atomic_uint_t *now,
    ngx_uint_t n, time_t second)
{
    ngx_uint_t  i;

    for (i = 0; i < n; i++) {
        if (seen[i] != now[i]) {
            seen[i] = now[i];
            at[i] = second;
        }
    }
}


ngx_http_jobruns_sample_t *
ngx_http_jobruns_history_sample(ngx_http_jobruns_zone_t *zone, time_t second)
{
    ngx_http_jobruns_sample_t  *sample;

    if (second <= 0) {
        /* asked for what came before the first sample */
        return NULL;
    }

    sample = &zone->shared->history[second % NGX_HTTP_JOBRUNS_HISTORY];

    return sample->second == (ngx_atomic_uint_t) second ? sample : NULL;
}


/*
 * Counts from the oldest sums that are young enough, or from the beginning,
 * where that is.
 */

ngx_uint_t
ngx_http_jobruns_history_lately(ngx_http_jobruns_figures_t *figures,
    ngx_uint_t outcome, ngx_uint_t seconds)
{
    time_t                      since;
    ngx_uint_t                  i, n;
    ngx_http_jobruns_past_t    *past, *oldest;
    ngx_http_jobruns_sample_t  *sample;
    ngx_http_jobruns_shared_t  *shared;

    n = figures->sum.outcomes[outcome];
    shared = figures->zone->shared;
    since = ngx_time() - seconds;

    if (shared->created >= since) {
        return n;
    }

    if (seconds < NGX_HTTP_JOBRUNS_HISTORY) {
        sample = ngx_http_jobruns_history_from(figures->zone, since,
                                               ngx_time() + 1);
        return sample ? n - sample->outcomes[outcome] : 0;
    }

    oldest = NULL;

    for (i = 0; i < NGX_HTTP_JOBRUNS_PAST; i++) {
        past = &shared->past[i];

        if ((time_t) past->second >= since
            && (oldest == NULL || past->second < oldest->second))
        {
            oldest = past;
        }
    }

    return oldest ? n - oldest->outcomes[outcome] : 0;
}


time_t
ngx_http_jobruns_history_outcome_age(ngx_http_jobruns_figures_t *figures,
    ngx_uint_t outcome)
{
    ngx_http_jobruns_shared_t  *shared;

    shared = figures->zone->shared;

    return ngx_http_jobruns_history_age(figures->sum.outcomes[outcome],
                                        shared->outcomes_seen[outcome],
                                        shared->outcomes_at[outcome]);
}


time_t
ngx_http_jobruns_history_count_age(ngx_http_jobruns_figures_t *figures,
    ngx_http_jobruns_count_e counter)
{
    ngx_http_jobruns_shared_t  *shared;

    shared = figures->zone->shared;

    return ngx_http_jobruns_history_age(figures->sum.counters[counter],
                                        shared->counters_seen[counter],
                                        shared->counters_at[counter]);
}


/* what has grown since the last sample did so now */

static time_t
ngx_http_jobruns_history_age(ngx_http_jobruns_counter_t now,
    ngx_http_jobruns_counter_t seen, ngx_http_jobruns_counter_t at)
{
    if (now != seen) {
        return 0;
    }

    return at ? ngx_max(ngx_time() - (time_t) at, 0) : -1;
}


/* the first sample from a second on */

static ngx_http_jobruns_sample_t *
ngx_http_jobruns_history_from(ngx_http_jobruns_zone_t *zone, time_t second,
    time_t last)
{
    ngx_http_jobruns_sample_t  *sample;

    for ( /* void */ ; second < last; second++) {
        sample = ngx_http_jobruns_history_sample(zone, second);

        if (sample != NULL) {
            return sample;
        }
    }

    return NULL;
}


ngx_uint_t
ngx_http_jobruns_history_rate(ngx_http_jobruns_zone_t *zone,
    ngx_uint_t outcome)
{
    time_t                      last;
    ngx_uint_t                  i, n;
    ngx_http_jobruns_sample_t  *from, *to;

    last = (time_t) zone->shared->sampled;
    to = ngx_http_jobruns_history_sample(zone, last);
    from = ngx_http_jobruns_history_from(zone,
                                       last - NGX_HTTP_JOBRUNS_RATE_OVER,
                                       last);

    if (to == NULL || from == NULL || from->second >= to->second) {
        return 0;
    }

    n = 0;

    for (i = 0; i < JR_OUTCOME_LAST; i++) {
        if (i == outcome || outcome == JR_OUTCOME_LAST) {
            n += to->outcomes[i] - from->outcomes[i];
        }
    }

    return n * 1000 / (to->second - from->second);
}


/* the bucket in which a share of what came between two samples lies; -1:
   nothing came */

static ngx_int_t
ngx_http_jobruns_history_share(ngx_atomic_uint_t *old, ngx_atomic_uint_t *now,
    ngx_uint_t n, ngx_uint_t share)
{
    ngx_uint_t  i, all, below;

    all = 0;

    for (i = 0; i < n; i++) {
        all += now[i] - old[i];
    }

    if (all == 0) {
        return -1;
    }

    below = 0;

    for (i = 0; i < n - 1; i++) {
        below += now[i] - old[i];

        if (below * 1000 >= all * share) {
            break;
        }
    }

    return (ngx_int_t) i;
}


/* the samples at both ends of the last minute; NGX_DECLINED: too early */

static ngx_int_t
ngx_http_jobruns_history_span(ngx_http_jobruns_zone_t *zone,
    ngx_http_jobruns_sample_t **from, ngx_http_jobruns_sample_t **to)
{
    time_t  last;

    last = (time_t) zone->shared->sampled;

    *to = ngx_http_jobruns_history_sample(zone, last);
    *from = ngx_http_jobruns_history_from(zone,
                                        last - NGX_HTTP_JOBRUNS_TIMES_OVER,
                                        last);

    return *to != NULL && *from != NULL ? NGX_OK : NGX_DECLINED;
}


ngx_int_t
ngx_http_jobruns_history_percentile(ngx_http_jobruns_zone_t *zone,
    ngx_http_jobruns_time_e time, ngx_uint_t share)
{
    ngx_int_t                   i;
    ngx_http_jobruns_sample_t  *from, *to;

    if (ngx_http_jobruns_history_span(zone, &from, &to) != NGX_OK) {
        return 0;
    }

    i = ngx_http_jobruns_history_share(from->times[time], to->times[time],
                                     NGX_HTTP_JOBRUNS_BOUNDS + 1, share);
    if (i < 0) {
        return 0;
    }

    return i < NGX_HTTP_JOBRUNS_BOUNDS
           ? (ngx_int_t) ngx_http_jobruns_metrics_bounds[i] : -1;
}


ngx_int_t
ngx_http_jobruns_history_redis(ngx_http_jobruns_zone_t *zone,
    ngx_uint_t share)
{
    ngx_int_t                   i;
    ngx_http_jobruns_sample_t  *from, *to;

    if (ngx_http_jobruns_history_span(zone, &from, &to) != NGX_OK) {
        return 0;
    }

    i = ngx_http_jobruns_history_share(from->roundtrip, to->roundtrip,
                                     NGX_REDIS_STATS_BOUNDS + 1, share);
    if (i < 0) {
        return 0;
    }

    return i < NGX_REDIS_STATS_BOUNDS ? (ngx_int_t) ngx_redis_stats_bounds[i]
                                      : -1;
}
