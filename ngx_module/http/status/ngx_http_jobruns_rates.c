/* SPDX-License-Identifier: BSD-2-Clause
 *
 * What happened lately: differences between samples of the zone's history.
 *
 * A second may have no sample, where no worker came to it; then the next
 * older one is taken, and rates are divided by the seconds there really are.
 */

#include "ngx_http_jobruns_figures.h"
#include "ngx_http_jobruns_rates.h"
#include "ngx_http_jobruns_status.h"


static ngx_http_jobruns_sample_t *ngx_http_jobruns_rates_from(
    ngx_http_jobruns_zone_t *zone, time_t second, time_t last);
static ngx_int_t ngx_http_jobruns_rates_share(ngx_atomic_uint_t *old,
    ngx_atomic_uint_t *now, ngx_uint_t n, ngx_uint_t share);


/* the first sample from a second on */

static ngx_http_jobruns_sample_t *
ngx_http_jobruns_rates_from(ngx_http_jobruns_zone_t *zone, time_t second,
    time_t last)
{
    ngx_http_jobruns_sample_t  *sample;

    for ( /* void */ ; second < last; second++) {
        sample = ngx_http_jobruns_figures_sample(zone, second);

        if (sample != NULL) {
            return sample;
        }
    }

    return NULL;
}


ngx_uint_t
ngx_http_jobruns_rates_outcome(ngx_http_jobruns_zone_t *zone,
    ngx_uint_t outcome)
{
    time_t                      last;
    ngx_uint_t                  i, n;
    ngx_http_jobruns_sample_t  *from, *to;

    last = (time_t) zone->shared->sampled;
    to = ngx_http_jobruns_figures_sample(zone, last);
    from = ngx_http_jobruns_rates_from(zone,
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
ngx_http_jobruns_rates_share(ngx_atomic_uint_t *old, ngx_atomic_uint_t *now,
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
ngx_http_jobruns_rates_span(ngx_http_jobruns_zone_t *zone,
    ngx_http_jobruns_sample_t **from, ngx_http_jobruns_sample_t **to)
{
    time_t  last;

    last = (time_t) zone->shared->sampled;

    *to = ngx_http_jobruns_figures_sample(zone, last);
    *from = ngx_http_jobruns_rates_from(zone,
                                        last - NGX_HTTP_JOBRUNS_TIMES_OVER,
                                        last);

    return *to != NULL && *from != NULL ? NGX_OK : NGX_DECLINED;
}


ngx_int_t
ngx_http_jobruns_rates_percentile(ngx_http_jobruns_zone_t *zone,
    ngx_http_jobruns_time_e time, ngx_uint_t share)
{
    ngx_int_t                   i;
    ngx_http_jobruns_sample_t  *from, *to;

    if (ngx_http_jobruns_rates_span(zone, &from, &to) != NGX_OK) {
        return 0;
    }

    i = ngx_http_jobruns_rates_share(from->times[time], to->times[time],
                                     NGX_HTTP_JOBRUNS_BOUNDS + 1, share);
    if (i < 0) {
        return 0;
    }

    return i < NGX_HTTP_JOBRUNS_BOUNDS
           ? (ngx_int_t) ngx_http_jobruns_metrics_bounds[i] : -1;
}


ngx_int_t
ngx_http_jobruns_rates_redis(ngx_http_jobruns_zone_t *zone,
    ngx_uint_t share)
{
    ngx_int_t                   i;
    ngx_http_jobruns_sample_t  *from, *to;

    if (ngx_http_jobruns_rates_span(zone, &from, &to) != NGX_OK) {
        return 0;
    }

    i = ngx_http_jobruns_rates_share(from->roundtrip, to->roundtrip,
                                     NGX_REDIS_STATS_BOUNDS + 1, share);
    if (i < 0) {
        return 0;
    }

    return i < NGX_REDIS_STATS_BOUNDS ? (ngx_int_t) ngx_redis_stats_bounds[i]
                                      : -1;
}
