/*
 * The parts of the status page.
 */

#ifndef NGX_HTTP_JOBRUNS_PAGE_H_INCLUDED
#define NGX_HTTP_JOBRUNS_PAGE_H_INCLUDED

#include "ngx_http_jobruns_status.h"


/* a set of outcomes */
#define ngx_http_jobruns_page_set(outcome)  ((ngx_uint_t) 1 << (outcome))

#define NGX_HTTP_JOBRUNS_PAGE_ALL                                            \
    ((ngx_uint_t) (1 << NGX_HTTP_JOBRUNS_OUTCOMES) - 1)

/* what asks for somebody to look */
#define NGX_HTTP_JOBRUNS_PAGE_TROUBLE                                        \
    (ngx_http_jobruns_page_set(JR_OUTCOME_UNAVAILABLE)                       \
     | ngx_http_jobruns_page_set(JR_OUTCOME_UNSENT)                          \
     | ngx_http_jobruns_page_set(JR_OUTCOME_UNKNOWN))


/* ngx_http_jobruns_page_frame.c */

void ngx_http_jobruns_page_begin(ngx_http_jobruns_text_t *text);
void ngx_http_jobruns_page_end(ngx_http_jobruns_text_t *text,
    ngx_str_t *nonce);


/* ngx_http_jobruns_page_spark.c */

/* a drawing of the attempts of each of the last seconds, of a set of
   outcomes; tone: class of the drawing, for its colour */
void ngx_http_jobruns_page_spark(ngx_http_jobruns_text_t *text,
    ngx_http_jobruns_zone_t *zone, ngx_uint_t set, const char *tone);

/* the same of what was at the service and held */
void ngx_http_jobruns_page_spark_stages(ngx_http_jobruns_text_t *text,
    ngx_http_jobruns_zone_t *zone);


/* ngx_http_jobruns_page_tables.c */

void ngx_http_jobruns_page_outcomes(ngx_http_jobruns_text_t *text,
    ngx_http_jobruns_figures_t *figures);
void ngx_http_jobruns_page_redis(ngx_http_jobruns_text_t *text,
    ngx_http_jobruns_figures_t *figures);
void ngx_http_jobruns_page_limits(ngx_http_jobruns_text_t *text,
    ngx_http_jobruns_figures_t *figures);
void ngx_http_jobruns_page_tenants(ngx_http_jobruns_text_t *text,
    ngx_http_jobruns_figures_t *figures);
void ngx_http_jobruns_page_counters(ngx_http_jobruns_text_t *text,
    ngx_http_jobruns_figures_t *figures);


#endif /* NGX_HTTP_JOBRUNS_PAGE_H_INCLUDED */
