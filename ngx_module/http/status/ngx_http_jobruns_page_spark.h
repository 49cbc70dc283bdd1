/*
 * Sparklines: one point for each of the last seconds, drawn in SVG.
 */

#ifndef NGX_HTTP_JOBRUNS_PAGE_SPARK_H_INCLUDED
#define NGX_HTTP_JOBRUNS_PAGE_SPARK_H_INCLUDED

#include "ngx_http_jobruns_page.h"


/* a drawing of the attempts of each of the last seconds, of a set of
   outcomes; tone: class of the drawing, for its colour */
void ngx_http_jobruns_page_spark(ngx_http_jobruns_text_t *text,
    ngx_http_jobruns_zone_t *zone, ngx_uint_t set, const char *tone);

/* the same of what was at the service and held */
void ngx_http_jobruns_page_spark_stages(ngx_http_jobruns_text_t *text,
    ngx_http_jobruns_zone_t *zone);


#endif /* NGX_HTTP_JOBRUNS_PAGE_SPARK_H_INCLUDED */
