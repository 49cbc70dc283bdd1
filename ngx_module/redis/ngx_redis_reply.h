/*
 * The stream of replies: hiredis parses it, this file keeps hiredis within
 * limits.
 */

#ifndef NGX_REDIS_REPLY_H_INCLUDED
#define NGX_REDIS_REPLY_H_INCLUDED

#include "ngx_redis_connection.h"


ngx_int_t ngx_redis_stream_init(ngx_redis_stream_t *stream);
void ngx_redis_stream_free(ngx_redis_stream_t *stream);
ngx_int_t ngx_redis_stream_feed(ngx_redis_stream_t *stream, u_char *data,
    size_t *size);
ngx_int_t ngx_redis_stream_next(ngx_redis_stream_t *stream,
    redisReply **reply);
ngx_uint_t ngx_redis_reply_starts(redisReply *reply, const char *prefix);


#endif /* NGX_REDIS_REPLY_H_INCLUDED */
