/* SPDX-License-Identifier: BSD-2-Clause
 *
 * What happened lately: a sample of the sums for each of the last seconds,
 * the outcomes of the last minutes, and when each counter last grew.
 */

#ifndef NGX_HTTP_JOBRUNS_HISTORY_H_INCLUDED
#define NGX_HTTP_JOBRUNS_HISTORY_H_INCLUDED

#include "ngx_http_jobruns_status.h"


/* adds the sums of a second, which is over: by one worker, once */
void ngx_http_jobruns_history_add(ngx_http_jobruns_figures_t *figures,
    time_t second);

/* the sample of a second; NULL: there is none */
ngx_http_jobruns_sample_t *ngx_http_jobruns_history_sample(
    ngx_http_jobruns_zone_t *zone, time_t second);

/* outcomes per second, in thousandths, over the last seconds that are known;
   an outcome of JR_OUTCOME_LAST means all */
ngx_uint_t ngx_http_jobruns_history_rate(ngx_http_jobruns_zone_t *zone,
    ngx_uint_t outcome);

/* how many attempts of the last seconds had an outcome: fewer than 120, or
   NGX_HTTP_JOBRUNS_LATELY */
ngx_uint_t ngx_http_jobruns_history_lately(
    ngx_http_jobruns_figures_t *figures, ngx_uint_t outcome,
    ngx_uint_t seconds);

/* seconds since an attempt last had an outcome, or a counter last grew; -1:
   never */
time_t ngx_http_jobruns_history_outcome_age(
    ngx_http_jobruns_figures_t *figures, ngx_uint_t outcome);
time_t ngx_http_jobruns_history_count_age(
    ngx_http_jobruns_figures_t *figures, ngx_http_jobruns_count_e counter);

/* the upper bound of the bucket that the given share (thousandths) of what
   was timed lately lies in, ms; 0: nothing was; -1: beyond all bounds */
ngx_int_t ngx_http_jobruns_history_percentile(ngx_http_jobruns_zone_t *zone,
    ngx_http_jobruns_time_e time, ngx_uint_t share);

/* the same of Redis' round trips, microseconds */
ngx_int_t ngx_http_jobruns_history_redis(ngx_http_jobruns_zone_t *zone,
    ngx_uint_t share);


#endif /* NGX_HTTP_JOBRUNS_HISTORY_H_INCLUDED */
