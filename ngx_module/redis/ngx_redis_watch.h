/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Looks at a server every few seconds, also when nobody uses it: whether it
 * replies, whether it is a master, how much of its memory is used.
 */

#ifndef NGX_REDIS_WATCH_H_INCLUDED
#define NGX_REDIS_WATCH_H_INCLUDED

#include "ngx_redis.h"


/*
 * Begins to look at a server, in a worker, until the cycle's pool goes or the
 * worker is told to exit.  gap: ms between two looks, about.  What is seen
 * stands in the server's stats.  Not for a server with conf.replicas, whose
 * WAIT would hold it up.  NGX_ERROR: no memory.
 */
ngx_int_t ngx_redis_watch_start(ngx_redis_server_t *server,
    ngx_cycle_t *cycle, ngx_msec_t gap);


#endif /* NGX_REDIS_WATCH_H_INCLUDED */
