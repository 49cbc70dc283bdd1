/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Reading the zone: the sum of all workers, and the tenants that are refused
 * most often.
 */

#ifndef NGX_HTTP_JOBRUNS_FIGURES_H_INCLUDED
#define NGX_HTTP_JOBRUNS_FIGURES_H_INCLUDED

#include "ngx_http_jobruns_zone.h"


/* adds the counters of all workers of figures->zone to figures, without the
   tenants */
void ngx_http_jobruns_figures_sum(ngx_http_jobruns_figures_t *figures);

/* all of it */
void ngx_http_jobruns_figures_read(ngx_http_jobruns_zone_t *zone,
    ngx_http_jobruns_figures_t *figures);


#endif /* NGX_HTTP_JOBRUNS_FIGURES_H_INCLUDED */
