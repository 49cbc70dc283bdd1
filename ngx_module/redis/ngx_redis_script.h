/*
 * Scripts: EVALSHA, and EVAL when the server does not know the script (it
 * was restarted, or this is its first run).  The server then knows it, so
 * there is no SCRIPT LOAD to be done anywhere else.
 */

#ifndef NGX_REDIS_SCRIPT_H_INCLUDED
#define NGX_REDIS_SCRIPT_H_INCLUDED

#include "ngx_redis_connection.h"


ngx_int_t ngx_redis_script_again(ngx_redis_slot_t *slot, redisReply *reply);


#endif /* NGX_REDIS_SCRIPT_H_INCLUDED */
