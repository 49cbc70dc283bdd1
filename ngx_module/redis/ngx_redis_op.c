/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The ways to submit an operation: a command, a script, and waiting for
 * replicas.
 *
 * A script is EVALSHA, and EVAL when the server does not know it (it was
 * restarted, or this is its first run).  The server then knows it, so there is
 * no SCRIPT LOAD to be done anywhere else.
 *
 * Behind each batch of operations goes one WAIT, and who wants to know whether
 * its writes are on the replicas is told its reply.  WAIT counts what was
 * written on its own connection, and holds up all that follows there.  So a
 * server with conf.replicas is used for operations that want to wait and for
 * no others, and the next batch leaves when the last WAIT is answered: what
 * comes meanwhile shares the next one.
 *
 * server->wait is that one WAIT, from the moment it is put behind the batch
 * in server->waiting until ngx_redis_slot_free(); server->followers are slots
 * without a command, one for each operation that waits for its reply.
 */

#include "ngx_redis_command.h"
#include "ngx_redis_op.h"
#include "ngx_redis_pipeline.h"
#include "ngx_redis_server.h"
#include "ngx_redis_server_log.h"
#include "ngx_redis_slot.h"
#include "ngx_redis_stats.h"
#include <ngx_sha1.h>


ngx_int_t
ngx_redis_op_submit(ngx_redis_server_t *server, ngx_redis_op_t *op,
    ngx_uint_t argc, ngx_str_t *argv)
{
    ngx_int_t          rc;
    ngx_redis_slot_t  *slot;

    rc = ngx_redis_pipeline_accept(server, op, argc > 1 ? &argv[1] : NULL,
                                   ngx_redis_command_size(argc, argv), &slot);
    if (rc != NGX_OK) {
        return rc;
    }

    slot->last = ngx_redis_command_argc(slot->pos, argc);
    slot->last = ngx_redis_command_args(slot->last, argc, argv);

    ngx_redis_pipeline_submit(slot, op, slot->server->conf.timeout);

    return NGX_OK;
}


void
ngx_redis_op_cancel(ngx_redis_op_t *op)
{
    ngx_redis_slot_t  *slot;

    if (!op->active) {
        return;
    }

    slot = op->slot;

    ngx_log_debug2(NGX_LOG_DEBUG_EVENT, op->log, 0,
                   "redis op %p: cancel, sent:%ui",
                   op, (ngx_uint_t) slot->sent);

    (void) ngx_redis_slot_release(slot);

    if (!slot->sent) {
        ngx_queue_remove(&slot->queue);
        ngx_redis_slot_free(slot);
    }
}


void
ngx_redis_op_script_init(ngx_redis_script_t *script)
{
    u_char      digest[20];
    ngx_sha1_t  sha1;

    ngx_sha1_init(&sha1);
    ngx_sha1_update(&sha1, script->text.data, script->text.len);
    ngx_sha1_final(digest, &sha1);

    ngx_hex_dump(script->sha1, digest, sizeof(digest));
}


ngx_int_t
ngx_redis_op_check(ngx_redis_server_t *server, ngx_redis_op_t *op,
    ngx_str_t *key)
{
    uint16_t  keyslot;

    return ngx_redis_pipeline_check(&server, op, key, 0, &keyslot);
}


ngx_int_t
ngx_redis_op_eval(ngx_redis_server_t *server, ngx_redis_op_t *op,
    ngx_redis_script_t *script, ngx_uint_t nkeys, ngx_uint_t argc,
    ngx_str_t *argv)
{
    u_char             number[NGX_INT_T_LEN];
    size_t             size;
    ngx_str_t          head[3];
    ngx_int_t          rc;
    ngx_msec_t         timeout;
    ngx_redis_slot_t  *slot;

    ngx_str_set(&head[0], "EVALSHA");

    head[1].data = script->sha1;
    head[1].len = sizeof(script->sha1);

    head[2].data = number;
    head[2].len = ngx_sprintf(number, "%ui", nkeys) - number;

    size = ngx_redis_command_size(3, head)
           + ngx_redis_command_size(argc, argv);

    rc = ngx_redis_pipeline_accept(server, op, nkeys ? argv : NULL, size,
                                   &slot);
    if (rc != NGX_OK) {
        return rc;
    }

    slot->script = script;

    slot->last = ngx_redis_command_argc(slot->pos, 3 + argc);
    slot->last = ngx_redis_command_args(slot->last, 2, head);

    /* EVAL differs only in what stands before this */

    slot->tail = slot->last - slot->pos;
    slot->argc = 3 + argc;

    slot->last = ngx_redis_command_args(slot->last, 1, &head[2]);
    slot->last = ngx_redis_command_args(slot->last, op->stamp, argv);

    if (op->stamp) {
        slot->stamp = slot->last + sizeof("$16\r\n") - 1;
    }

    slot->last = ngx_redis_command_args(slot->last, argc - op->stamp,
                                        argv + op->stamp);

    timeout = slot->server->conf.timeout;

    ngx_redis_pipeline_submit(slot, op, timeout - ngx_min(op->waited,
                                                          timeout));

    return NGX_OK;
}


/*
 * Looks at the reply to a slot already taken from its queue.  NGX_OK: the
 * operation has moved to a new slot, which waits, and the old one is freed.
 * NGX_DECLINED: the reply is the caller's.
 *
 * The operation counts as not sent again: NOSCRIPT says that the server did
 * nothing.
 */

ngx_int_t
ngx_redis_op_again(ngx_redis_slot_t *slot, redisReply *reply)
{
    u_char            *tail;
    size_t             rest;
    ngx_str_t          head[2];
    ngx_msec_int_t     left;
    ngx_redis_op_t    *op;
    ngx_redis_slot_t  *eval;

    if (slot->script == NULL
        || reply->type != REDIS_REPLY_ERROR
        || ngx_strncmp(reply->str, "NOSCRIPT", sizeof("NOSCRIPT") - 1) != 0)
    {
        return NGX_DECLINED;
    }

    op = slot->op;

    ngx_log_debug2(NGX_LOG_DEBUG_EVENT, op->log, 0,
                   "redis op %p: NOSCRIPT, eval \"%V\"",
                   op, &slot->script->name);

    ngx_str_set(&head[0], "EVAL");
    head[1] = slot->script->text;

    tail = ngx_redis_slot_command(slot) + slot->tail;
    rest = slot->last - tail;

    eval = ngx_redis_slot_create(slot->server,
                                 ngx_redis_command_size(2, head) + rest,
                                 op->log);
    if (eval == NULL) {
        return NGX_DECLINED;
    }

    eval->last = ngx_redis_command_argc(eval->pos, slot->argc);
    eval->last = ngx_redis_command_args(eval->last, 2, head);

    if (slot->stamp) {
        eval->stamp = eval->last + (slot->stamp - tail);
    }

    eval->last = ngx_cpymem(eval->last, tail, rest);

    eval->keyslot = slot->keyslot;
    eval->redirects = slot->redirects;

    if (slot->asking) {
        ngx_redis_slot_ask(eval);
    }

    left = (ngx_msec_int_t) (slot->deadline.timer.key - ngx_current_msec);

    (void) ngx_redis_slot_release(slot);
    ngx_redis_slot_free(slot);

    ngx_redis_pipeline_submit(eval, op, left > 0 ? (ngx_msec_t) left : 0);

    return NGX_OK;
}


/* Puts a WAIT behind all that waits to be sent now, if none is under way. */

void
ngx_redis_op_close_batch(ngx_redis_server_t *server)
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
        /* ngx_redis_op_await() will say that nothing is known */
        return;
    }

    slot->cmd = ngx_redis_cmd_wait;
    slot->last = ngx_redis_command_argc(slot->pos, 3);
    slot->last = ngx_redis_command_args(slot->last, 3, argv);

    ngx_queue_insert_tail(&server->waiting, &slot->queue);

    server->wait = slot;
}


ngx_int_t
ngx_redis_op_await(ngx_redis_op_t *op)
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
ngx_redis_op_waited(ngx_redis_server_t *server, redisReply *reply)
{
    ngx_queue_t        followers, *q;
    ngx_redis_op_t    *op;
    ngx_redis_slot_t  *slot;

    ngx_log_debug2(NGX_LOG_DEBUG_EVENT, server->log, 0,
                   "redis wait: reply of type %d, %L",
                   reply->type, (int64_t) reply->integer);

    if (reply->type == REDIS_REPLY_ERROR) {
        ngx_redis_server_log(server, ngx_redis_log_replicas, NGX_LOG_ERR, 0,
                             "WAIT was refused: \"%s\"; no claim counts as "
                             "replicated, check that the server is a master "
                             "and that its user has +wait",
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
