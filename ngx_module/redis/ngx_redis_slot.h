/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Slots: a command on its way to a server, and its bytes.
 */

#ifndef NGX_REDIS_SLOT_H_INCLUDED
#define NGX_REDIS_SLOT_H_INCLUDED

#include "ngx_redis_connection.h"


ngx_redis_slot_t *ngx_redis_slot_create(ngx_redis_server_t *server,
    size_t size, ngx_log_t *log);
void ngx_redis_slot_free(ngx_redis_slot_t *slot);
void ngx_redis_slot_mark(ngx_redis_slot_t *slot, uint64_t now);
void ngx_redis_slot_move(ngx_redis_slot_t *slot, ngx_redis_server_t *to);
void ngx_redis_slot_ask(ngx_redis_slot_t *slot);
ngx_redis_op_t *ngx_redis_slot_release(ngx_redis_slot_t *slot);


#endif /* NGX_REDIS_SLOT_H_INCLUDED */
