/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The lease of an attempt: renewed every third of it for as long as the
 * attempt is forwarded, so that a slow service never loses its claim and a
 * dead worker's frees itself.
 */

#ifndef NGX_HTTP_JOBRUNS_LEASE_H_INCLUDED
#define NGX_HTTP_JOBRUNS_LEASE_H_INCLUDED

#include "ngx_http_jobruns.h"


/* Was the attempt held up for more than half the lease since it asked? */
ngx_uint_t ngx_http_jobruns_lease_is_late(ngx_http_jobruns_attempt_t *a);

/*
 * One renewal before the attempt is forwarded.  NGX_AGAIN, then
 * ngx_http_jobruns_flow_wake() with NGX_OK, or NGX_DECLINED: the lease is
 * lost; NGX_ERROR: nobody knows.
 */
ngx_int_t ngx_http_jobruns_lease_renew(ngx_http_jobruns_attempt_t *a);

/* Renews it from now on, until it is dropped. */
void ngx_http_jobruns_lease_keep(ngx_http_jobruns_attempt_t *a);
void ngx_http_jobruns_lease_drop(ngx_http_jobruns_attempt_t *a);


#endif /* NGX_HTTP_JOBRUNS_LEASE_H_INCLUDED */
