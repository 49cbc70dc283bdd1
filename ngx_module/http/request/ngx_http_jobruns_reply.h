/*
 * Replies of Redis in the terms of an attempt: the one file that knows both
 * redisReply and the core's types.
 */

#ifndef NGX_HTTP_JOBRUNS_REPLY_H_INCLUDED
#define NGX_HTTP_JOBRUNS_REPLY_H_INCLUDED

#include "ngx_http_jobruns.h"


void ngx_http_jobruns_read_verdict(ngx_http_jobruns_attempt_t *a,
    redisReply *reply);

/* a may be NULL; run_key is set where another attempt was first, and points
   into the reply */
ngx_http_jobruns_settled_e ngx_http_jobruns_read_settled(redisReply *reply,
    ngx_http_jobruns_attempt_t *a, ngx_str_t *run_key, ngx_log_t *log);

/* NGX_DECLINED: the lease is lost; NGX_ERROR: the reply says nothing of it */
ngx_int_t ngx_http_jobruns_read_renewed(redisReply *reply);

/* the reply to WAIT: how many replicas have it, 0 where it is an error */
ngx_int_t ngx_http_jobruns_read_replicas(redisReply *reply);


#endif /* NGX_HTTP_JOBRUNS_REPLY_H_INCLUDED */
