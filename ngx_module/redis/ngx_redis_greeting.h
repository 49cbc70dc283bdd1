/* SPDX-License-Identifier: BSD-2-Clause
 *
 * What is said on a new connection before any operation, in one write: AUTH
 * and SELECT as configured, TIME, INFO, CLIENT SETNAME always, so that each
 * connection has proved that a Redis server reads it and wants us, and PING
 * if the breaker asks whether it is well again.
 */

#ifndef NGX_REDIS_GREETING_H_INCLUDED
#define NGX_REDIS_GREETING_H_INCLUDED

#include "ngx_redis_connection.h"


ngx_int_t ngx_redis_greeting_create(ngx_redis_connection_t *conn);
ngx_int_t ngx_redis_greeting_reply(ngx_redis_connection_t *conn,
    ngx_redis_cmd_e cmd, redisReply *reply);


#endif /* NGX_REDIS_GREETING_H_INCLUDED */
