/* SPDX-License-Identifier: BSD-2-Clause
 *
 * What admit.lua is given: the keys of the token and of the limits that count
 * a request, and the arguments.  Made once per attempt; renewing and settling
 * use the same keys.
 */

#ifndef NGX_HTTP_JOBRUNS_ARGS_H_INCLUDED
#define NGX_HTTP_JOBRUNS_ARGS_H_INCLUDED

#include "ngx_http_jobruns.h"


ngx_int_t ngx_http_jobruns_args_build(ngx_http_request_t *r,
    ngx_http_jobruns_attempt_t *a);


#endif /* NGX_HTTP_JOBRUNS_ARGS_H_INCLUDED */
