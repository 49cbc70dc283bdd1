/* SPDX-License-Identifier: BSD-2-Clause
 *
 * What happened lately: differences between samples of the zone's history.
 */

#ifndef NGX_HTTP_JOBRUNS_RATES_H_INCLUDED
#define NGX_HTTP_JOBRUNS_RATES_H_INCLUDED

#include "ngx_http_jobruns_status.h"


/* outcomes per second, in thousandths, over the last seconds that are known;
   an outcome of JR_OUTCOME_LAST means all */
ngx_uint_t ngx_http_jobruns_rates_outcome(ngx_http_jobruns_zone_t *zone,
    ngx_uint_t outcome);

/* the upper bound of the bucket that the given share (thousandths) of what
   was timed lately lies in, ms; 0: nothing was; -1: beyond all bounds */
ngx_int_t ngx_http_jobruns_rates_percentile(ngx_http_jobruns_zone_t *zone,
    ngx_http_jobruns_time_e time, ngx_uint_t share);

/* the same of Redis' round trips, microseconds */
ngx_int_t ngx_http_jobruns_rates_redis(ngx_http_jobruns_zone_t *zone,
    ngx_uint_t share);


#endif /* NGX_HTTP_JOBRUNS_RATES_H_INCLUDED */
