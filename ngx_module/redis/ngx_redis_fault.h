/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The ways in which a connection comes to its end, and what each means for
 * the operations: which are lost, which wait for the next connection, and
 * whether the breaker opens.
 */

#ifndef NGX_REDIS_FAULT_H_INCLUDED
#define NGX_REDIS_FAULT_H_INCLUDED

#include "ngx_redis_connection.h"


void ngx_redis_fault_lost(ngx_redis_connection_t *conn, ngx_err_t err);
void ngx_redis_fault_dead(ngx_redis_connection_t *conn,
    ngx_redis_slot_t *slot);
void ngx_redis_fault_broken(ngx_redis_connection_t *conn,
    const char *what);
void ngx_redis_fault_leave(ngx_redis_connection_t *conn,
    ngx_queue_t *alone, ngx_uint_t denied);
void ngx_redis_fault_end(ngx_redis_connection_t *conn);


#endif /* NGX_REDIS_FAULT_H_INCLUDED */
