/*
 * Scripts: EVALSHA, and EVAL when the server does not know the script (it
 * was restarted, or this is its first run).  The server then knows it, so
 * there is no SCRIPT LOAD to be done anywhere else.
 */

#include "ngx_redis_command.h"
#include "ngx_redis_connection.h"
#include "ngx_redis_pipeline.h"
#include "ngx_redis_script.h"
#include "ngx_redis_slot.h"
#include <ngx_sha1.h>


void
ngx_redis_script_init(ngx_redis_script_t *script)
{
    u_char      digest[20];
    ngx_sha1_t  sha1;

    ngx_sha1_init(&sha1);
    ngx_sha1_update(&sha1, script->text.data, script->text.len);
    ngx_sha1_final(digest, &sha1);

    ngx_hex_dump(script->sha1, digest, sizeof(digest));
}


ngx_int_t
ngx_redis_eval(ngx_redis_server_t *server, ngx_redis_op_t *op,
    ngx_redis_script_t *script, ngx_uint_t nkeys, ngx_uint_t argc,
    ngx_str_t *argv)
{
    u_char             number[NGX_INT_T_LEN];
    size_t             size;
    ngx_str_t          head[3];
    ngx_int_t          rc;
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

    ngx_redis_pipeline_submit(slot, op, slot->server->conf.timeout);

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
ngx_redis_script_again(ngx_redis_slot_t *slot, redisReply *reply)
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
