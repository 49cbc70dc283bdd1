/* SPDX-License-Identifier: BSD-2-Clause */

#ifndef NGX_HTTP_JOBRUNS_BATCH_EVAL_H_INCLUDED
#define NGX_HTTP_JOBRUNS_BATCH_EVAL_H_INCLUDED

#include "ngx_http_jobruns_batch.h"


/* calls of a batch at most */
#define NGX_HTTP_JOBRUNS_BATCH_MOST  32

/* its keys and arguments; a call by more keys is alone */
#define NGX_HTTP_JOBRUNS_BATCH_ARGS  512


/*
 * Sends the n members of the first one, which is one of them, as its
 * operation.  Returns as ngx_redis_op_eval(); the client copies.
 */
ngx_int_t ngx_http_jobruns_batch_eval(ngx_http_jobruns_batch_call_t *first,
    ngx_uint_t n);


#endif /* NGX_HTTP_JOBRUNS_BATCH_EVAL_H_INCLUDED */
