/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Calls of a script for one attempt each that leave together: those of one
 * turn of the event loop that count by the same keys are one EVALSHA.
 */

#ifndef NGX_HTTP_JOBRUNS_BATCH_H_INCLUDED
#define NGX_HTTP_JOBRUNS_BATCH_H_INCLUDED

#include "ngx_redis.h"


typedef struct ngx_http_jobruns_batch_call_s    ngx_http_jobruns_batch_call_t;
typedef struct ngx_http_jobruns_batch_gather_s  ngx_http_jobruns_batch_gather_t;


/*
 * A call for one attempt.  The memory is the caller's, zeroed before its first
 * use; it and all that argv has stay until the handler is called.
 *
 * argv is what the script gets where the call is alone: nkeys keys, of which
 * the last one is the attempt's record, then arguments, of which the last one
 * is the attempt's own.  All others are the same in a batch.
 *
 * The handler is called as ngx_redis.h says of an operation of its own: with
 * the reply to this attempt alone, and op telling what became of it.  refused
 * is not NGX_OK where the call was not sent for what ngx_redis_op_eval() has
 * returned; the handler gets ngx_redis_unreachable then.
 */
struct ngx_http_jobruns_batch_call_s {
    ngx_redis_op_t                    op;     /* first; data, log and sheds are
                                                 set by the caller */
    ngx_redis_handler_pt              handler;
    ngx_redis_server_t               *server;
    ngx_redis_script_t               *script;
    ngx_uint_t                        nkeys;
    ngx_uint_t                        argc;
    ngx_str_t                        *argv;
    size_t                            tag;    /* bytes of each key up to the
                                                 brace that ends the tenant */
    ngx_uint_t                        stamp;  /* of op, where it is alone */
    ngx_int_t                         refused;

    /* of the batch */

    ngx_queue_t                       queue;  /* of those that gather, or of
                                                 the members of a batch */
    ngx_queue_t                       members;    /* of its first one */
    ngx_http_jobruns_batch_gather_t  *gather; /* of its first one */
    ngx_msec_t                        begun;  /* held then */
    unsigned                          held:1; /* behind others: not sent in
                                                 the turn that it is of */
};


/*
 * Sends a call with others at the end of this turn, or, while two batches by
 * the same keys are under way, behind one of them.  Returns as
 * ngx_redis_op_eval(); with NGX_OK the handler will be called.
 */
ngx_int_t ngx_http_jobruns_batch_call(ngx_http_jobruns_batch_call_t *call);

/* Sends it by itself, at once.  Returns likewise. */
ngx_int_t ngx_http_jobruns_batch_alone(ngx_http_jobruns_batch_call_t *call);


#endif /* NGX_HTTP_JOBRUNS_BATCH_H_INCLUDED */
