/* SPDX-License-Identifier: BSD-2-Clause
 *
 * What settle.lua is given.
 */

#ifndef NGX_HTTP_JOBRUNS_SETTLE_ARGS_H_INCLUDED
#define NGX_HTTP_JOBRUNS_SETTLE_ARGS_H_INCLUDED

#include "ngx_http_jobruns_settlement.h"


/* of the pool: the settlement and its arguments but for a kept answer, for
   which there is more */
#define NGX_HTTP_JOBRUNS_SETTLEMENT  2048


/*
 * Makes argv and the texts of s of what the attempt has come to; all are of
 * the pool of s.  Where there is no room for its response, the attempt is
 * marked as too large.  NGX_ERROR: no memory.
 */
ngx_int_t ngx_http_jobruns_settle_args_build(ngx_http_jobruns_settlement_t *s,
    ngx_http_jobruns_attempt_t *a);

/* bytes that s is counted as */
size_t ngx_http_jobruns_settle_args_size(ngx_http_jobruns_settlement_t *s);


#endif /* NGX_HTTP_JOBRUNS_SETTLE_ARGS_H_INCLUDED */
