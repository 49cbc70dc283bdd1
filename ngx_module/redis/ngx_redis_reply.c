/*
 * The stream of replies: hiredis parses it, this file keeps hiredis within
 * limits.
 *
 * hiredis allocates for an array as soon as its length is read, whatever it
 * is, and walks all of it to free it: "*1000000000" would stop the worker.
 * So each byte is looked at before hiredis sees it, by a scanner that knows
 * just enough of RESP2 to count: how many values the current reply still
 * needs, how deep they are, and how many bytes it has.  That a type is not
 * one of RESP2, or an array too deep, is found here too: versions of hiredis
 * differ in that, and the later ones free a reply by recursion.
 */

#include "ngx_redis_connection.h"
#include "ngx_redis_reply.h"
#include "ngx_redis_value.h"


/* true also before the first byte of a reply */

#define ngx_redis_stream_whole(stream)                                        \
    ((stream)->type == 0 && (stream)->skip == 0 && (stream)->depth == 0)


static size_t ngx_redis_stream_scan(ngx_redis_stream_t *stream, u_char *data,
    u_char *last);
static ngx_int_t ngx_redis_stream_type(ngx_redis_stream_t *stream, u_char ch);
static ngx_int_t ngx_redis_stream_number(ngx_redis_stream_t *stream,
    u_char ch);
static ngx_int_t ngx_redis_stream_line(ngx_redis_stream_t *stream);
static ngx_int_t ngx_redis_stream_array(ngx_redis_stream_t *stream);


ngx_int_t
ngx_redis_stream_init(ngx_redis_stream_t *stream)
{
    ngx_memzero(stream, sizeof(ngx_redis_stream_t));

    stream->reader = ngx_redis_value_reader();

    return stream->reader ? NGX_OK : NGX_ERROR;
}


void
ngx_redis_stream_free(ngx_redis_stream_t *stream)
{
    if (stream->reader) {
        redisReaderFree(stream->reader);
        stream->reader = NULL;
    }
}


/*
 * Takes at most *size bytes, up to the end of one reply, and says in *size
 * how many.  NGX_OK: ngx_redis_stream_next() has a reply; NGX_AGAIN: all was
 * taken and more is needed; NGX_ERROR: stream->error says what is wrong.
 */

ngx_int_t
ngx_redis_stream_feed(ngx_redis_stream_t *stream, u_char *data, size_t *size)
{
    u_char  *p, *last;
    size_t   n;

    last = data + *size;

    for (p = data; p < last; /* void */) {

        if (stream->skip) {
            n = ngx_min(stream->skip, (size_t) (last - p));
            stream->skip -= n;
            stream->bytes += n;
            p += n;

        } else if (stream->type == 0) {
            stream->bytes++;

            if (ngx_redis_stream_type(stream, *p++) != NGX_OK) {
                return NGX_ERROR;
            }

        } else {
            n = ngx_redis_stream_scan(stream, p, last);

            if (n == 0) {
                return NGX_ERROR;
            }

            stream->bytes += n;
            p += n;
        }

        if (stream->bytes > NGX_REDIS_MAX_REPLY) {
            stream->error = "a reply above 16 MB";
            return NGX_ERROR;
        }

        if (ngx_redis_stream_whole(stream)) {
            break;
        }
    }

    *size = p - data;

    if (redisReaderFeed(stream->reader, (char *) data, *size) != REDIS_OK) {
        stream->error = "more than there is memory for";
        return NGX_ERROR;
    }

    return ngx_redis_stream_whole(stream) ? NGX_OK : NGX_AGAIN;
}


ngx_int_t
ngx_redis_stream_next(ngx_redis_stream_t *stream, redisReply **reply)
{
    void  *p;

    p = NULL;

    if (redisReaderGetReply(stream->reader, &p) != REDIS_OK) {
        ngx_redis_value_release();
        stream->error = stream->reader->errstr;
        return NGX_ERROR;
    }

    /* the scanner and hiredis must agree on where a reply ends */

    if (p == NULL) {
        stream->error = "a malformed reply";
        return NGX_ERROR;
    }

    stream->bytes = 0;
    stream->elements = 0;

    *reply = p;

    return NGX_OK;
}


/* Takes what there is of a line behind its type: how many bytes, or 0 where
   stream->error says what is wrong. */

static size_t
ngx_redis_stream_scan(ngx_redis_stream_t *stream, u_char *data, u_char *last)
{
    u_char      *p;
    ngx_uint_t   number;

    number = (stream->type == '$' || stream->type == '*');

    for (p = data; p < last; p++) {

        if (++stream->line > NGX_REDIS_MAX_LINE) {
            stream->error = "a line above 64 KB";
            return 0;
        }

        if (*p == '\n') {
            return ngx_redis_stream_line(stream) == NGX_OK ? p + 1 - data : 0;
        }

        if (number && *p != '\r'
            && ngx_redis_stream_number(stream, *p) != NGX_OK)
        {
            return 0;
        }
    }

    return p - data;
}


static ngx_int_t
ngx_redis_stream_type(ngx_redis_stream_t *stream, u_char ch)
{
    switch (ch) {

    case '+':
    case '-':
    case ':':
    case '$':
    case '*':
        break;

    default:
        stream->error = "not the Redis protocol";
        return NGX_ERROR;
    }

    stream->type = ch;
    stream->line = 1;
    stream->number = 0;
    stream->negative = 0;

    return NGX_OK;
}


static ngx_int_t
ngx_redis_stream_number(ngx_redis_stream_t *stream, u_char ch)
{
    if (ch == '-' && stream->line == 2) {
        stream->negative = 1;
        return NGX_OK;
    }

    if (ch < '0' || ch > '9') {
        stream->error = "a length that is not a number";
        return NGX_ERROR;
    }

    stream->number = stream->number * 10 + (ch - '0');

    if (stream->number > NGX_REDIS_MAX_REPLY) {
        stream->error = (stream->type == '*') ? "an array that is too long"
                                              : "a reply above 16 MB";
        return NGX_ERROR;
    }

    return NGX_OK;
}


static ngx_int_t
ngx_redis_stream_line(ngx_redis_stream_t *stream)
{
    u_char  type;

    type = stream->type;

    stream->type = 0;

    if (type == '*' && stream->number && !stream->negative) {
        return ngx_redis_stream_array(stream);
    }

    if (type == '$' && !stream->negative) {
        stream->skip = (size_t) stream->number + sizeof("\r\n") - 1;
    }

    /* a value ends here, or with what is skipped, and maybe arrays with it */

    while (stream->depth && --stream->left[stream->depth - 1] == 0) {
        stream->depth--;
    }

    return NGX_OK;
}


static ngx_int_t
ngx_redis_stream_array(ngx_redis_stream_t *stream)
{
    stream->elements += (ngx_uint_t) stream->number;

    if (stream->elements > NGX_REDIS_MAX_ELEMENTS) {
        stream->error = "an array that is too long";
        return NGX_ERROR;
    }

    if (stream->depth == NGX_REDIS_MAX_DEPTH) {
        stream->error = "an array that is too deep";
        return NGX_ERROR;
    }

    stream->left[stream->depth++] = (ngx_uint_t) stream->number;

    return NGX_OK;
}


/* Does an error reply begin with these words? */

ngx_uint_t
ngx_redis_reply_starts(redisReply *reply, const char *prefix)
{
    return ngx_strncmp(reply->str, prefix, ngx_strlen(prefix)) == 0;
}
