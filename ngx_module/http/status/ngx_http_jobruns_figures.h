/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Reading the zone: the sum of all workers, the tenants that are refused most
 * often, and samples of the last minutes.
 */

#ifndef NGX_HTTP_JOBRUNS_FIGURES_H_INCLUDED
#define NGX_HTTP_JOBRUNS_FIGURES_H_INCLUDED

#include "ngx_http_jobruns_zone.h"


/* adds the counters of all workers to figures, without the tenants */
void ngx_http_jobruns_figures_sum(ngx_http_jobruns_shared_t *shared,
    ngx_http_jobruns_figures_t *figures);

/* all of it */
void ngx_http_jobruns_figures_read(ngx_http_jobruns_zone_t *zone,
    ngx_http_jobruns_figures_t *figures);

/* the sample of a second; NULL: there is none */
ngx_http_jobruns_sample_t *ngx_http_jobruns_figures_sample(
    ngx_http_jobruns_zone_t *zone, time_t second);


#endif /* NGX_HTTP_JOBRUNS_FIGURES_H_INCLUDED */
