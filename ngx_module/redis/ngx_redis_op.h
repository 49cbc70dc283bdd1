/* SPDX-License-Identifier: BSD-2-Clause
 *
 * What operations are to the rest of the client; ways to submit one stand in
 * ngx_redis.h.
 */

#ifndef NGX_REDIS_OP_H_INCLUDED
#define NGX_REDIS_OP_H_INCLUDED

#include "ngx_redis_connection.h"


ngx_int_t ngx_redis_op_again(ngx_redis_slot_t *slot, redisReply *reply);
void ngx_redis_op_close_batch(ngx_redis_server_t *server);
void ngx_redis_op_waited(ngx_redis_server_t *server, redisReply *reply);


#endif /* NGX_REDIS_OP_H_INCLUDED */
