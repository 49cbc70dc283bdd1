/* SPDX-License-Identifier: BSD-2-Clause
 *
 * How much of each limit its fullest keys have used, as replies of admit.lua
 * told it last.
 */

#ifndef NGX_HTTP_JOBRUNS_USAGE_H_INCLUDED
#define NGX_HTTP_JOBRUNS_USAGE_H_INCLUDED

#include "ngx_http_jobruns_zone.h"


/* one key now; names are cut after so many bytes */
typedef struct {
    ngx_uint_t      used;
    ngx_uint_t      most;       /* in force; of a rate burst + 1 */
    ngx_msec_int_t  age;        /* ms since it was seen */
    ngx_msec_int_t  resets;     /* ms until its window ends; 0: it has none */
    ngx_uint_t      share;      /* thousandths */
    u_char          window;     /* of a quota: 'h', 'd', 'm'; else '-' */
    size_t          tenant_len;
    size_t          by_len;     /* 0: the limit counts by tenant */
    u_char          tenant[NGX_HTTP_JOBRUNS_TENANT_LEN];
    u_char          by[NGX_HTTP_JOBRUNS_TENANT_LEN];
} ngx_http_jobruns_used_t;


/* a reply has told the states of the attempt's limits */
void ngx_http_jobruns_usage_see(ngx_http_jobruns_attempt_t *a);

/* the fullest keys of a limit (its index in the zone) of all workers, the
   fullest first; returns how many, at most NGX_HTTP_JOBRUNS_USAGE_WAYS */
ngx_uint_t ngx_http_jobruns_usage_read(ngx_http_jobruns_shared_t *shared,
    ngx_uint_t limit, ngx_http_jobruns_used_t *used);


#endif /* NGX_HTTP_JOBRUNS_USAGE_H_INCLUDED */
