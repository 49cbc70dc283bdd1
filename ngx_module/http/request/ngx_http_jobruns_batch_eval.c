/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The command of a batch: shared keys, the record of each call, shared
 * arguments, the own argument of each.
 */

#include <ngx_config.h>
#include <ngx_core.h>

#include "ngx_http_jobruns_batch_eval.h"


ngx_int_t
ngx_http_jobruns_batch_eval(ngx_http_jobruns_batch_call_t *first,
    ngx_uint_t n)
{
    ngx_str_t                      *records, *own;
    ngx_uint_t                      shared;
    ngx_queue_t                    *q;
    ngx_http_jobruns_batch_call_t  *call;

    /* the client copies */
    static ngx_str_t                argv[NGX_HTTP_JOBRUNS_BATCH_ARGS];

    if (n == 1) {
        return ngx_redis_op_eval(first->server, &first->op, first->script,
                                 first->nkeys, first->argc, first->argv);
    }

    shared = first->argc - first->nkeys - 1;
    records = argv + first->nkeys - 1;
    own = records + n + shared;

    ngx_memcpy(argv, first->argv, (first->nkeys - 1) * sizeof(ngx_str_t));
    ngx_memcpy(records + n, first->argv + first->nkeys,
               shared * sizeof(ngx_str_t));

    for (q = ngx_queue_head(&first->members);
         q != ngx_queue_sentinel(&first->members);
         q = ngx_queue_next(q))
    {
        call = ngx_queue_data(q, ngx_http_jobruns_batch_call_t, queue);

        *records++ = call->argv[call->nkeys - 1];
        *own++ = call->argv[call->argc - 1];
    }

    return ngx_redis_op_eval(first->server, &first->op, first->script,
                             first->nkeys + n - 1,
                             first->argc + 2 * (n - 1), argv);
}
