/*
 * The tables of the status page.
 */

#ifndef NGX_HTTP_JOBRUNS_PAGE_TABLES_H_INCLUDED
#define NGX_HTTP_JOBRUNS_PAGE_TABLES_H_INCLUDED

#include "ngx_http_jobruns_page.h"


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


#endif /* NGX_HTTP_JOBRUNS_PAGE_TABLES_H_INCLUDED */
