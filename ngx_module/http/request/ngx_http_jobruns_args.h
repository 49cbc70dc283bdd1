/* SPDX-License-Identifier: BSD-2-Clause
 *
 * What admit.lua is given: the keys of the token and of the limits that count
 * a request, and the arguments.  Made once per attempt; renewing and settling
 * use the same keys.
 */

#ifndef NGX_HTTP_JOBRUNS_ARGS_H_INCLUDED
#define NGX_HTTP_JOBRUNS_ARGS_H_INCLUDED

#include "ngx_http_jobruns.h"


/* Makes a->limits, keys, shared and argv.  NGX_ERROR: no memory. */
ngx_int_t ngx_http_jobruns_args_build(ngx_http_request_t *r,
    ngx_http_jobruns_attempt_t *a);

/*
 * Makes the argument of the attempt itself again; corrupt is the sum
 * (JR_DONE_SUM_LEN bytes) of a done record that is not to be used, or NULL.
 * NGX_ERROR: no memory.
 */
ngx_int_t ngx_http_jobruns_args_attempt(ngx_http_request_t *r,
    ngx_http_jobruns_attempt_t *a, const u_char *corrupt);

/* the owner as it is packed */
jr_str_t ngx_http_jobruns_args_owner(ngx_http_jobruns_attempt_t *a);

/* bytes of each of its keys up to the brace behind the tenant */
size_t ngx_http_jobruns_args_tag(ngx_http_jobruns_attempt_t *a);

/* how long its record lives, in ms from its first use */
int64_t ngx_http_jobruns_args_life(ngx_http_jobruns_attempt_t *a);


#endif /* NGX_HTTP_JOBRUNS_ARGS_H_INCLUDED */
