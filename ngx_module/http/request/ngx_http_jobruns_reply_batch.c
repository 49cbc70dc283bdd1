/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The reply to a call of several attempts: a string for each, in their order.
 */

#include "ngx_http_jobruns_reply_batch.h"

#include "jr_script.h"


ngx_int_t
ngx_http_jobruns_reply_batch_part(redisReply *reply, ngx_uint_t i,
    ngx_uint_t n, redisReply *one)
{
    redisReply  *part;

    *one = *reply;

    if (reply->type == REDIS_REPLY_ERROR) {
        return NGX_DECLINED;
    }

    if (reply->type != REDIS_REPLY_ARRAY) {
        return NGX_OK;
    }

    if (reply->elements != n) {
        one->elements = 0;
        return NGX_OK;
    }

    one->elements = 1;
    one->element = &reply->element[i];

    part = reply->element[i];

    return part->type == REDIS_REPLY_STRING && part->len >= 2
           && part->str[0] == JR_SCRIPT_FORMAT[0]
           && part->str[1] == JR_VERDICT_ERROR[0]
           ? NGX_DECLINED : NGX_OK;
}
