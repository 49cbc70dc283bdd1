/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The stream of replies: hiredis parses it, this file keeps hiredis within
 * limits.
 */

#ifndef NGX_REDIS_REPLY_H_INCLUDED
#define NGX_REDIS_REPLY_H_INCLUDED

#include "ngx_redis_connection.h"


/*
 * One reply lives at a time in a worker: from ngx_redis_reply_next() until
 * ngx_redis_reply_release(), when the handler it is given to has returned;
 * freeReplyObject() must not be called for it.
 */
ngx_int_t ngx_redis_reply_init(ngx_redis_stream_t *stream);
void ngx_redis_reply_free(ngx_redis_stream_t *stream);
ngx_int_t ngx_redis_reply_feed(ngx_redis_stream_t *stream, u_char *data,
    size_t *size);
ngx_int_t ngx_redis_reply_next(ngx_redis_stream_t *stream,
    redisReply **reply);
void ngx_redis_reply_release(void);

ngx_uint_t ngx_redis_reply_starts(redisReply *reply, const char *prefix);

/*
 * The value of a line "name:value" of INFO, whose reply is a string; name has
 * the colon.  NGX_DECLINED: there is no such line.
 */
ngx_int_t ngx_redis_reply_field(redisReply *reply, const char *name,
    ngx_str_t *value);

/*
 * Makes bytes of others fit for a line of a log: "?" for what a terminal
 * would act upon.
 */
void ngx_redis_reply_printable(u_char *p, u_char *last);


#endif /* NGX_REDIS_REPLY_H_INCLUDED */
