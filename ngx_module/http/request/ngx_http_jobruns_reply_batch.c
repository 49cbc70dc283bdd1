/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The reply to a call of several attempts: what all are told, if there is
 * such, then a string for each, in their order.
 */

#include "ngx_http_jobruns_reply_batch.h"

#include "jr_script.h"


ngx_int_t
ngx_http_jobruns_reply_batch_part(redisReply *reply, ngx_uint_t i,
    ngx_uint_t n, redisReply *one)
{
    size_t       shared;
    redisReply  *part;

    /* what all are told, then what one is: for as long as the handler runs */
    static redisReply  *own[2];

    *one = *reply;

    if (reply->type == REDIS_REPLY_ERROR) {
        return NGX_DECLINED;
    }

    if (reply->type != REDIS_REPLY_ARRAY) {
        return NGX_OK;
    }

    if (reply->elements != n && reply->elements != n + 1) {
        one->elements = 0;
        return NGX_OK;
    }

    shared = reply->elements - n;
    part = reply->element[shared + i];

    own[0] = reply->element[0];
    own[shared] = part;

    one->elements = shared + 1;
    one->element = own;

    return part->type == REDIS_REPLY_STRING && part->len >= 2
           && part->str[0] == JR_SCRIPT_FORMAT[0]
           && part->str[1] == JR_VERDICT_ERROR[0]
           ? NGX_DECLINED : NGX_OK;
}
