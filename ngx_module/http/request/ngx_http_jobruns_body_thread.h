/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Large bodies: read, parsed, checked and digested in NGINX's thread pool,
 * since half a million member names would hold up the event loop for a tenth
 * of a second and more.
 */

#ifndef NGX_HTTP_JOBRUNS_BODY_THREAD_H_INCLUDED
#define NGX_HTTP_JOBRUNS_BODY_THREAD_H_INCLUDED

#include "ngx_http_jobruns.h"


/* at configuration time: the pool is there without being named */
ngx_int_t ngx_http_jobruns_body_thread_add(ngx_conf_t *cf);

/* in a worker: finds the pool of its cycle */
void ngx_http_jobruns_body_thread_init(ngx_cycle_t *cycle);

/*
 * Has a body checked as ngx_http_jobruns_body_check() does.  NGX_DECLINED: too
 * many wait, the answer is a 503.
 */
ngx_int_t ngx_http_jobruns_body_thread_check(ngx_http_request_t *r,
    ngx_http_jobruns_attempt_t *a);


#endif /* NGX_HTTP_JOBRUNS_BODY_THREAD_H_INCLUDED */
