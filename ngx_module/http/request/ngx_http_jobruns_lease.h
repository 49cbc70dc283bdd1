/*
 * The lease of an attempt: renewed every third of it for as long as the
 * attempt is forwarded, so that a slow service never loses its claim and a
 * dead worker's frees itself.
 */

#ifndef NGX_HTTP_JOBRUNS_LEASE_H_INCLUDED
#define NGX_HTTP_JOBRUNS_LEASE_H_INCLUDED

#include "ngx_http_jobruns.h"


void ngx_http_jobruns_lease_keep(ngx_http_jobruns_attempt_t *a);
void ngx_http_jobruns_lease_drop(ngx_http_jobruns_attempt_t *a);

/* one renewal now; returns as ngx_redis_op_submit() */
ngx_int_t ngx_http_jobruns_lease_renew(ngx_http_jobruns_attempt_t *a,
    ngx_redis_handler_pt handler);


#endif /* NGX_HTTP_JOBRUNS_LEASE_H_INCLUDED */
