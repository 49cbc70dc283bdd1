/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Sending: what waits goes to the socket in as few writes as there can be,
 * and of each command it is known whether a byte of it has left.
 */

#ifndef NGX_REDIS_SEND_H_INCLUDED
#define NGX_REDIS_SEND_H_INCLUDED

#include "ngx_redis_connection.h"


ngx_int_t ngx_redis_send(ngx_redis_connection_t *conn);


#endif /* NGX_REDIS_SEND_H_INCLUDED */
