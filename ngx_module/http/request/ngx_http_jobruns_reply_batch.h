/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The reply to a call of several attempts.
 */

#ifndef NGX_HTTP_JOBRUNS_REPLY_BATCH_H_INCLUDED
#define NGX_HTTP_JOBRUNS_REPLY_BATCH_H_INCLUDED

#include "ngx_redis.h"


/*
 * Makes *one what the i-th of n attempts would be replied alone; it points
 * into the reply, and is good until the next call.  One that has not so many
 * parts is an empty list to each of them.
 * NGX_DECLINED: that is an error, for all or for this one.
 */
ngx_int_t ngx_http_jobruns_reply_batch_part(redisReply *reply, ngx_uint_t i,
    ngx_uint_t n, redisReply *one);


#endif /* NGX_HTTP_JOBRUNS_REPLY_BATCH_H_INCLUDED */
