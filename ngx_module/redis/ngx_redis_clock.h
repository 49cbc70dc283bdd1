/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The clock of a server, and deadlines by it: an operation may carry the time
 * by which it is to be carried out, so that one that comes late does nothing.
 */

#ifndef NGX_REDIS_CLOCK_H_INCLUDED
#define NGX_REDIS_CLOCK_H_INCLUDED

#include "ngx_redis_connection.h"


/* ms, far beyond any date; all that is computed with it fits into 64 bits */
#define NGX_REDIS_CLOCK_MAX  UINT64_C(9999999999999)


void ngx_redis_clock_greeting(ngx_redis_connection_t *conn, redisReply *reply,
    uint64_t sent_us);
void ngx_redis_clock_stamp(ngx_redis_slot_t *slot,
    ngx_redis_connection_t *conn);


#endif /* NGX_REDIS_CLOCK_H_INCLUDED */
