/* SPDX-License-Identifier: BSD-2-Clause
 *
 * A command as the bytes Redis reads: an array of bulk strings.
 */

#ifndef NGX_REDIS_COMMAND_H_INCLUDED
#define NGX_REDIS_COMMAND_H_INCLUDED

#include "ngx_redis_connection.h"


size_t ngx_redis_command_size(ngx_uint_t argc, ngx_str_t *argv);
u_char *ngx_redis_command_argc(u_char *p, ngx_uint_t argc);
u_char *ngx_redis_command_args(u_char *p, ngx_uint_t argc, ngx_str_t *argv);


#endif /* NGX_REDIS_COMMAND_H_INCLUDED */
