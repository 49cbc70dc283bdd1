/* SPDX-License-Identifier: BSD-2-Clause
 *
 * jobruns_status: what the zone has counted, as text for Prometheus, as JSON,
 * and as a page.
 */

#ifndef NGX_HTTP_JOBRUNS_STATUS_H_INCLUDED
#define NGX_HTTP_JOBRUNS_STATUS_H_INCLUDED

#include "ngx_http_jobruns_zone.h"


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


char *ngx_http_jobruns_status(ngx_conf_t *cf, ngx_command_t *cmd, void *conf);

/* whether the request's location has that directive */
ngx_uint_t ngx_http_jobruns_status_is(ngx_http_request_t *r);

#endif /* NGX_HTTP_JOBRUNS_STATUS_H_INCLUDED */
