/*
 * Waiting for replicas: behind each batch of operations goes one WAIT, and
 * who wants to know whether its writes are on the replicas is told its reply.
 *
 * WAIT counts what was written on its own connection, and holds up all that
 * follows there.  So a server with conf.replicas is used for operations that
 * want to wait and for no others, and the next batch leaves when the last
 * WAIT is answered: what comes meanwhile shares the next one.
 *
 * server->wait is that one WAIT, from the moment it is put behind the batch
 * in server->waiting until ngx_redis_slot_free(); server->followers are slots
 * without a command, one for each operation that waits for its reply.
 */

#include "ngx_redis_command.h"
#include "ngx_redis_connection.h"
#include "ngx_redis_pipeline.h"
#include "ngx_redis_replicas.h"
#include "ngx_redis_server.h"
#include "ngx_redis_server_log.h"
#include "ngx_redis_slot.h"
#include "ngx_redis_stats.h"


/* Puts a WAIT behind all that waits to be sent now, if none is under way. */

void
ngx_redis_replicas_close_batch(ngx_redis_server_t *server)
{
    u_char             number[NGX_INT_T_LEN], timeout[NGX_INT_T_LEN];
    ngx_str_t          argv[3];
    ngx_redis_slot_t  *slot;

    if (server->conf.replicas == 0
        || server->wait
        || ngx_queue_empty(&server->waiting))
    {
        return;
    }

    ngx_str_set(&argv[0], "WAIT");

    argv[1].data = number;
    argv[1].len = ngx_sprintf(number, "%ui", server->conf.replicas) - number;

    argv[2].data = timeout;
    argv[2].len = ngx_sprintf(timeout, "%M", server->conf.replicas_timeout)
                  - timeout;

    slot = ngx_redis_slot_create(server, ngx_redis_command_size(3, argv),
                                 server->log);
    if (slot == NULL) {
        /* ngx_redis_await() will say that nothing is known */
        return;
    }

    slot->cmd = ngx_redis_cmd_wait;
    slot->last = ngx_redis_command_argc(slot->pos, 3);
    slot->last = ngx_redis_command_args(slot->last, 3, argv);

    ngx_queue_insert_tail(&server->waiting, &slot->queue);

    server->wait = slot;
}


ngx_int_t
ngx_redis_await(ngx_redis_op_t *op)
{
    ngx_redis_slot_t    *slot;
    ngx_redis_server_t  *server;

    server = op->server;

    if (server->wait == NULL) {
        return NGX_DECLINED;
    }

    slot = ngx_redis_slot_create(server, 0, op->log);
    if (slot == NULL) {
        return NGX_ERROR;
    }

    ngx_redis_pipeline_attach(slot, op, server->conf.timeout);
    ngx_redis_slot_mark(slot, ngx_redis_stats_clock());

    ngx_queue_insert_tail(&server->followers, &slot->queue);

    return NGX_OK;
}


/* The reply to server->wait, whose slot is gone. */

void
ngx_redis_replicas_reply(ngx_redis_server_t *server, redisReply *reply)
{
    ngx_queue_t        followers, *q;
    ngx_redis_op_t    *op;
    ngx_redis_slot_t  *slot;

    ngx_log_debug2(NGX_LOG_DEBUG_EVENT, server->log, 0,
                   "redis wait: reply of type %d, %L",
                   reply->type, (int64_t) reply->integer);

    if (reply->type == REDIS_REPLY_ERROR) {
        ngx_redis_server_log(server, ngx_redis_log_replicas, NGX_LOG_ERR, 0,
                             "WAIT was refused: \"%s\"; nothing counts as "
                             "being on a replica, check that the server is a "
                             "master and that its user has +wait",
                             reply->str);
    }

    if (!ngx_queue_empty(&server->waiting)) {
        ngx_redis_server_post(server);
    }

    if (ngx_queue_empty(&server->followers)) {
        return;
    }

    /* a handler may cancel another's operation, so each is looked up anew */

    ngx_queue_init(&followers);
    ngx_queue_add(&followers, &server->followers);
    ngx_queue_init(&server->followers);

    while (!ngx_queue_empty(&followers)) {
        q = ngx_queue_head(&followers);
        ngx_queue_remove(q);

        slot = ngx_queue_data(q, ngx_redis_slot_t, queue);

        op = slot->op ? ngx_redis_slot_release(slot) : NULL;

        ngx_redis_slot_free(slot);

        if (op) {
            op->handler(op, ngx_redis_ok, reply);
        }
    }
}
