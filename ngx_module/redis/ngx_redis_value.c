/*
 * The functions that hiredis calls to make a value.
 *
 * They fill in what functions of its own would (hiredis.c, createStringObject()
 * and those beside it), for the types of RESP2: others never get here, see
 * ngx_redis_reply.c.  Arrays have been counted there, so their sizes are
 * bounded.
 */

#include <ngx_config.h>
#include <ngx_core.h>

#include "ngx_redis_value.h"


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


redisReader *
ngx_redis_value_reader(void)
{
    return redisReaderCreateWithFunctions(&ngx_redis_value_functions);
}


void
ngx_redis_value_release(void)
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

        ngx_redis_printable(copy, copy + len);
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
ngx_redis_printable(u_char *p, u_char *last)
{
    for ( /* void */ ; p < last; p++) {
        if (*p < 0x20 || *p == 0x7f) {
            *p = '?';
        }
    }
}
