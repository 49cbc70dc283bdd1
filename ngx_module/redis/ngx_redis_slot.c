/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Slots: a command on its way to a server, and its bytes.
 *
 * Whoever has a slot in a queue takes it out before it is freed or given to
 * another server.  What a server counts (slots, bytes, live, pending) changes
 * here and in ngx_redis_pipeline_attach() alone.
 */

#include "ngx_redis_command.h"
#include "ngx_redis_server.h"
#include "ngx_redis_slot.h"
#include "ngx_redis_stats.h"


/* The bytes of the command come from the caller: pos == last so far. */

ngx_redis_slot_t *
ngx_redis_slot_create(ngx_redis_server_t *server, size_t size, ngx_log_t *log)
{
    ngx_redis_slot_t  *slot;

    size += sizeof(ngx_redis_slot_t) + NGX_REDIS_ASKING_LEN;

    slot = ngx_alloc(size, log);
    if (slot == NULL) {
        return NULL;
    }

    ngx_memzero(slot, sizeof(ngx_redis_slot_t));

    slot->server = server;
    slot->ident = (ngx_socket_t) -1;
    slot->size = size;
    slot->pos = ngx_redis_slot_command(slot);
    slot->last = slot->pos;

    server->slots++;
    server->bytes += slot->size;

    return slot;
}


void
ngx_redis_slot_free(ngx_redis_slot_t *slot)
{
    if (slot->deadline.timer_set) {
        ngx_del_timer(&slot->deadline);
    }

    if (slot->server->wait == slot) {
        slot->server->wait = NULL;
    }

    slot->server->slots--;
    slot->server->bytes -= slot->size;

    ngx_free(slot);
}


/*
 * Gives a slot, which is in no queue, to another server, from the start: the
 * one it was sent to has said that it did nothing.
 */

void
ngx_redis_slot_move(ngx_redis_slot_t *slot, ngx_redis_server_t *to)
{
    ngx_redis_server_t  *from;

    from = slot->server;

    from->slots--;
    from->bytes -= slot->size;

    to->slots++;
    to->bytes += slot->size;

    slot->server = to;
    slot->pos = ngx_redis_slot_command(slot);
    slot->sent = 0;
    slot->asking = 0;
    slot->asked = 0;

    if (slot->op) {
        slot->op->sent = 0;

        to->live++;
        to->stats->pending++;
        from->stats->pending--;

        if (to->connection && to->connection->peer.connection) {
            to->connection->peer.connection->idle = 0;
        }

        if (--from->live == 0) {
            ngx_redis_server_rest(from);
        }
    }

    ngx_queue_insert_tail(&to->waiting, &slot->queue);
    ngx_redis_server_post(to);
}


/* Has ASKING sent directly before the command of a slot that waits. */

void
ngx_redis_slot_ask(ngx_redis_slot_t *slot)
{
    slot->asking = 1;
    slot->asked = 0;

    slot->pos = ngx_redis_slot_command(slot) - NGX_REDIS_ASKING_LEN;
    ngx_memcpy(slot->pos, NGX_REDIS_ASKING, NGX_REDIS_ASKING_LEN);
}


/* From here on it may have been carried out; now is the time of the write that
   it is in, by ngx_redis_stats_clock(). */

void
ngx_redis_slot_mark(ngx_redis_slot_t *slot, uint64_t now)
{
    if (slot->sent) {
        return;
    }

    slot->sent = 1;
    slot->sent_at = ngx_current_msec;
    slot->sent_us = now;

    if (slot->op) {
        slot->op->sent = 1;
        slot->op->sent_us = now;
    }
}


/* Parts a slot from its operation, which is then the caller's again. */

ngx_redis_op_t *
ngx_redis_slot_release(ngx_redis_slot_t *slot)
{
    ngx_redis_op_t  *op;

    op = slot->op;

    op->slot = NULL;
    op->active = 0;

    slot->op = NULL;

    if (slot->deadline.timer_set) {
        ngx_del_timer(&slot->deadline);
    }

    slot->server->stats->pending--;

    if (--slot->server->live == 0) {
        ngx_redis_server_rest(slot->server);
    }

    return op;
}
