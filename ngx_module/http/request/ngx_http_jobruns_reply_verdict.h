/* SPDX-License-Identifier: BSD-2-Clause
 *
 * What admit.lua says.
 */

#ifndef NGX_HTTP_JOBRUNS_REPLY_VERDICT_H_INCLUDED
#define NGX_HTTP_JOBRUNS_REPLY_VERDICT_H_INCLUDED

#include "ngx_http_jobruns.h"


/*
 * Reads the reply to an admission into a->verdict and what belongs to it;
 * whatever it cannot read is logged, and the verdict "damaged".
 */
void ngx_http_jobruns_reply_verdict(ngx_http_jobruns_attempt_t *a,
    redisReply *reply);


#endif /* NGX_HTTP_JOBRUNS_REPLY_VERDICT_H_INCLUDED */
