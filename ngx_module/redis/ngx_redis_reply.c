/* SPDX-License-Identifier: BSD-2-Clause
 *
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
 *
 * The functions by which hiredis makes a value are ours, in memory that the
 * next reply uses again instead of two allocations for each of its thirty
 * values.  They fill in what functions of its own would (hiredis.c,
 * createStringObject() and those beside it), for the types of RESP2.  Arrays
 * have been counted before, so their sizes are bounded.
 */

#include "ngx_redis_reply.h"


/* true also before the first byte of a reply */

#define ngx_redis_stream_whole(stream)                                        \
    ((stream)->type == 0 && (stream)->skip == 0 && (stream)->depth == 0)


/* the values of a usual reply; what does not fit is allocated for itself */
#define NGX_REDIS_VALUE_BLOCK  16384

#define NGX_REDIS_VALUE_ALIGN  16


/* until 1.0.0 the length of an array was an int */
#if (HIREDIS_MAJOR >= 1)
typedef size_t  ngx_redis_value_length_t;
#else
typedef int     ngx_redis_value_length_t;
#endif

typedef struct ngx_redis_value_large_s  ngx_redis_value_large_t;

struct ngx_redis_value_large_s {
    ngx_redis_value_large_t  *next;
    void                     *unused;         /* keeps what follows aligned */
};


static size_t ngx_redis_stream_scan(ngx_redis_stream_t *stream, u_char *data,
    u_char *last);
static ngx_int_t ngx_redis_stream_type(ngx_redis_stream_t *stream, u_char ch);
static ngx_int_t ngx_redis_stream_number(ngx_redis_stream_t *stream,
    u_char ch);
static ngx_int_t ngx_redis_stream_line(ngx_redis_stream_t *stream);
static ngx_int_t ngx_redis_stream_array(ngx_redis_stream_t *stream);
static void *ngx_redis_value_alloc(size_t size);
static redisReply *ngx_redis_value_create(const redisReadTask *task);
static void *ngx_redis_value_string(const redisReadTask *task, char *text,
    size_t len);
static void *ngx_redis_value_array(const redisReadTask *task,
    ngx_redis_value_length_t n);
static void *ngx_redis_value_integer(const redisReadTask *task,
    long long number);
static void *ngx_redis_value_nil(const redisReadTask *task);
static void ngx_redis_value_keep(void *reply);


static union {
    u_char                   bytes[NGX_REDIS_VALUE_BLOCK];
    long double              aligned;
} ngx_redis_value_block;

static size_t                    ngx_redis_value_used;
static ngx_redis_value_large_t  *ngx_redis_value_large;


static redisReplyObjectFunctions  ngx_redis_value_functions = {
    .createString = ngx_redis_value_string,
    .createArray = ngx_redis_value_array,
    .createInteger = ngx_redis_value_integer,
    .createNil = ngx_redis_value_nil,
    .freeObject = ngx_redis_value_keep
};


ngx_int_t
ngx_redis_reply_init(ngx_redis_stream_t *stream)
{
    ngx_memzero(stream, sizeof(ngx_redis_stream_t));

    stream->reader = redisReaderCreateWithFunctions(&ngx_redis_value_functions);

    return stream->reader ? NGX_OK : NGX_ERROR;
}


void
ngx_redis_reply_free(ngx_redis_stream_t *stream)
{
    if (stream->reader) {
        redisReaderFree(stream->reader);
        stream->reader = NULL;
    }
}


/*
 * Takes at most *size bytes, up to the end of one reply, and says in *size
 * how many.  NGX_OK: ngx_redis_reply_next() has a reply; NGX_AGAIN: all was
 * taken and more is needed; NGX_ERROR: stream->error says what is wrong.
 */

ngx_int_t
ngx_redis_reply_feed(ngx_redis_stream_t *stream, u_char *data, size_t *size)
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
        stream->error = "more than fits in memory";
        return NGX_ERROR;
    }

    return ngx_redis_stream_whole(stream) ? NGX_OK : NGX_AGAIN;
}


ngx_int_t
ngx_redis_reply_next(ngx_redis_stream_t *stream, redisReply **reply)
{
    void  *p;

    p = NULL;

    if (redisReaderGetReply(stream->reader, &p) != REDIS_OK) {
        ngx_redis_reply_release();
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


void
ngx_redis_reply_release(void)
{
    ngx_redis_value_large_t  *large;

    ngx_redis_value_used = 0;

    while (ngx_redis_value_large) {
        large = ngx_redis_value_large;
        ngx_redis_value_large = large->next;
        free(large);
    }
}


static void *
ngx_redis_value_alloc(size_t size)
{
    u_char                   *p;
    ngx_redis_value_large_t  *large;

    size = ngx_align(size, NGX_REDIS_VALUE_ALIGN);

    if (size <= NGX_REDIS_VALUE_BLOCK - ngx_redis_value_used) {
        p = ngx_redis_value_block.bytes + ngx_redis_value_used;
        ngx_redis_value_used += size;

        return p;
    }

    large = malloc(sizeof(ngx_redis_value_large_t) + size);
    if (large == NULL) {
        return NULL;
    }

    large->next = ngx_redis_value_large;
    ngx_redis_value_large = large;

    return large + 1;
}


/* a value in its place in the array that is being read, if one is */

static redisReply *
ngx_redis_value_create(const redisReadTask *task)
{
    redisReply  *reply, *array;

    reply = ngx_redis_value_alloc(sizeof(redisReply));
    if (reply == NULL) {
        return NULL;
    }

    ngx_memzero(reply, sizeof(redisReply));

    reply->type = task->type;

    if (task->parent) {
        array = task->parent->obj;
        array->element[task->idx] = reply;
    }

    return reply;
}


static void *
ngx_redis_value_string(const redisReadTask *task, char *text, size_t len)
{
    u_char      *copy;
    redisReply  *reply;

    copy = ngx_redis_value_alloc(len + 1);
    if (copy == NULL) {
        return NULL;
    }

    reply = ngx_redis_value_create(task);
    if (reply == NULL) {
        return NULL;
    }

    *ngx_cpymem(copy, text, len) = '\0';

    if (task->type == REDIS_REPLY_ERROR) {

        /* it goes to logs */

        ngx_redis_reply_printable(copy, copy + len);
    }

    reply->str = (char *) copy;
    reply->len = len;

    return reply;
}


static void *
ngx_redis_value_array(const redisReadTask *task, ngx_redis_value_length_t n)
{
    size_t       size;
    redisReply  *reply;

    reply = ngx_redis_value_create(task);
    if (reply == NULL) {
        return NULL;
    }

    if (n > 0) {
        size = (size_t) n * sizeof(redisReply *);

        reply->element = ngx_redis_value_alloc(size);
        if (reply->element == NULL) {
            return NULL;
        }

        ngx_memzero(reply->element, size);
    }

    reply->elements = (size_t) n;

    return reply;
}


static void *
ngx_redis_value_integer(const redisReadTask *task, long long number)
{
    redisReply  *reply;

    reply = ngx_redis_value_create(task);

    if (reply != NULL) {
        reply->integer = number;
    }

    return reply;
}


static void *
ngx_redis_value_nil(const redisReadTask *task)
{
    redisReply  *reply;

    reply = ngx_redis_value_create(task);

    if (reply != NULL) {
        /* the task's is that of a string, or of an array */
        reply->type = REDIS_REPLY_NIL;
    }

    return reply;
}


/* what hiredis gives up goes with the reply */

static void
ngx_redis_value_keep(void *reply)
{
    (void) reply;
}


void
ngx_redis_reply_printable(u_char *p, u_char *last)
{
    for ( /* void */ ; p < last; p++) {
        if (*p < 0x20 || *p == 0x7f) {
            *p = '?';
        }
    }
}


ngx_int_t
ngx_redis_reply_field(redisReply *reply, const char *name, ngx_str_t *value)
{
    u_char  *p, *last, *end;
    size_t   len;

    p = (u_char *) reply->str;
    last = p + reply->len;
    len = ngx_strlen(name);

    while (p < last) {

        end = ngx_strlchr(p, last, CR);
        end = end ? end : last;

        if ((size_t) (end - p) > len && ngx_strncmp(p, name, len) == 0) {
            value->data = p + len;
            value->len = end - p - len;
            return NGX_OK;
        }

        p = end + 2;
    }

    return NGX_DECLINED;
}
