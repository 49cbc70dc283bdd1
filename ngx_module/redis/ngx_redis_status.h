/*
 * How an operation ended.
 */

#ifndef NGX_REDIS_STATUS_H_INCLUDED
#define NGX_REDIS_STATUS_H_INCLUDED


typedef enum {
    ngx_redis_ok = 0,           /* a reply, which may be an error reply */
    ngx_redis_unreachable,      /* no connection; fails fast while the
                                   breaker is open */
    ngx_redis_timeout,          /* the deadline of the operation passed */
    ngx_redis_lost,             /* the connection ended before the reply */
    ngx_redis_protocol          /* the server does not speak RESP */
} ngx_redis_status_e;


#endif /* NGX_REDIS_STATUS_H_INCLUDED */
