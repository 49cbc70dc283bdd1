/*
 * Where hiredis makes the values of a reply: in memory that the next reply
 * uses again, instead of two allocations for each of its thirty values.
 *
 * One reply lives at a time in a worker: from ngx_redis_stream_next() until
 * the handler it is given to returns.
 */

#ifndef NGX_REDIS_VALUE_H_INCLUDED
#define NGX_REDIS_VALUE_H_INCLUDED

#include <hiredis/hiredis.h>


/* NULL: no memory; freed by redisReaderFree() */
redisReader *ngx_redis_value_reader(void);

/* the reply that was made last is gone with this; freeReplyObject() must
   not be called for it */
void ngx_redis_value_release(void);


/*
 * Makes bytes of others fit for a line of a log: "?" for what a terminal
 * would act upon.
 */
void ngx_redis_printable(u_char *p, u_char *last);


#endif /* NGX_REDIS_VALUE_H_INCLUDED */
