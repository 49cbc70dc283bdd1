/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Operations: from ngx_redis_op_submit() to the call of their handler.
 */

#ifndef NGX_REDIS_PIPELINE_H_INCLUDED
#define NGX_REDIS_PIPELINE_H_INCLUDED

#include "ngx_redis_connection.h"


ngx_int_t ngx_redis_pipeline_check(ngx_redis_server_t **to,
    ngx_redis_op_t *op, ngx_str_t *key, size_t size, uint16_t *keyslot);
ngx_int_t ngx_redis_pipeline_accept(ngx_redis_server_t *server,
    ngx_redis_op_t *op, ngx_str_t *key, size_t size, ngx_redis_slot_t **slot);
void ngx_redis_pipeline_submit(ngx_redis_slot_t *slot, ngx_redis_op_t *op,
    ngx_msec_t timeout);
void ngx_redis_pipeline_attach(ngx_redis_slot_t *slot, ngx_redis_op_t *op,
    ngx_msec_t timeout);
ngx_int_t ngx_redis_pipeline_receive(ngx_redis_connection_t *conn,
    u_char *data, size_t size);
ngx_uint_t ngx_redis_pipeline_silent(ngx_redis_connection_t *conn);
void ngx_redis_pipeline_fail(ngx_queue_t *slots, ngx_redis_status_e status);
void ngx_redis_pipeline_refuse(ngx_redis_server_t *server);


#endif /* NGX_REDIS_PIPELINE_H_INCLUDED */
