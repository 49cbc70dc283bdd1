/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The breaker: once a server has proved unreachable, operations are refused
 * at once, and one probe at a time, in the background and ever more seldom,
 * finds out when it is back.  Gaps are jittered, so that the workers of many
 * gateways do not knock all together.
 */

#ifndef NGX_REDIS_BREAKER_H_INCLUDED
#define NGX_REDIS_BREAKER_H_INCLUDED

#include "ngx_redis_connection.h"


void ngx_redis_breaker_open(ngx_redis_server_t *server);
void ngx_redis_breaker_close(ngx_redis_server_t *server);


#endif /* NGX_REDIS_BREAKER_H_INCLUDED */
