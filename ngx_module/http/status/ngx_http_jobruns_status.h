/*
 * jobruns_status: what the zone has counted, as text for Prometheus, as JSON,
 * and as a page.
 */

#ifndef NGX_HTTP_JOBRUNS_STATUS_H_INCLUDED
#define NGX_HTTP_JOBRUNS_STATUS_H_INCLUDED

#include "ngx_http_jobruns_zone.h"


#define NGX_HTTP_JOBRUNS_VERSION  "0.1.0"


/* text that grows: a chain of buffers in a pool */
typedef struct {
    ngx_pool_t    *pool;
    ngx_chain_t   *first;
    ngx_chain_t  **last;
    ngx_buf_t     *buf;         /* the one being filled */
    size_t         size;        /* of all that is written */
    unsigned       failed:1;    /* no memory: the rest is lost */
} ngx_http_jobruns_text_t;


/* seconds that rates and percentiles are taken over */
#define NGX_HTTP_JOBRUNS_RATE_OVER  10
#define NGX_HTTP_JOBRUNS_TIMES_OVER 60


/* ngx_http_jobruns_text.c */

void ngx_http_jobruns_text_init(ngx_http_jobruns_text_t *text,
    ngx_pool_t *pool);

/* as ngx_sprintf(); at most 2000 bytes at a time, what is more is cut */
void ngx_cdecl ngx_http_jobruns_text(ngx_http_jobruns_text_t *text,
    const char *fmt, ...);

/* bytes of somebody else, escaped for HTML, or for a label's value */
void ngx_http_jobruns_text_html(ngx_http_jobruns_text_t *text,
    const u_char *data, size_t len);
void ngx_http_jobruns_text_label(ngx_http_jobruns_text_t *text,
    const u_char *data, size_t len);
/* bytes as they are */
void ngx_http_jobruns_text_add(ngx_http_jobruns_text_t *text,
    const u_char *data, size_t len);


/* ngx_http_jobruns_status.c */

char *ngx_http_jobruns_status(ngx_conf_t *cf, ngx_command_t *cmd, void *conf);

/* "rate", "quota", "concurrency" */
const char *ngx_http_jobruns_status_kind(ngx_uint_t kind);


/* the three forms, each in a file of its own name */

void ngx_http_jobruns_status_prometheus(ngx_http_jobruns_text_t *text,
    ngx_http_jobruns_figures_t *figures);

void ngx_http_jobruns_status_json(ngx_http_jobruns_text_t *text,
    ngx_http_jobruns_figures_t *figures);

/* nonce: of the page's script */
void ngx_http_jobruns_status_page(ngx_http_jobruns_text_t *text,
    ngx_http_jobruns_figures_t *figures, ngx_str_t *nonce);


/* ngx_http_jobruns_rates.c: what happened in the last seconds */

/* outcomes per second, in thousandths, over the last seconds that are known;
   an outcome of NGX_HTTP_JOBRUNS_OUTCOMES means all */
ngx_uint_t ngx_http_jobruns_rate(ngx_http_jobruns_zone_t *zone,
    ngx_uint_t outcome);

/* the upper bound of the bucket that the given share (thousandths) of what
   was timed lately lies in, ms; 0: nothing was; -1: beyond all bounds */
ngx_int_t ngx_http_jobruns_percentile(ngx_http_jobruns_zone_t *zone,
    ngx_http_jobruns_time_e time, ngx_uint_t share);

/* the same of Redis' round trips, microseconds */
ngx_int_t ngx_http_jobruns_percentile_redis(ngx_http_jobruns_zone_t *zone,
    ngx_uint_t share);


#endif /* NGX_HTTP_JOBRUNS_STATUS_H_INCLUDED */
