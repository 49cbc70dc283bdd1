/*
 * A server of which Redis Sentinel says where it is.
 *
 *   ngx_redis_sentinel.c        who the master is, asked before each connect
 *   ngx_redis_sentinel_watch.c  +switch-master, as soon as it is announced
 *
 * The master's server is the handle that callers have.  Each sentinel of the
 * configuration is two servers of its own, since in RESP2 a connection that
 * has subscribed answers nothing else; of the second kind one is used at a
 * time.  All live with the cycle.
 */

#ifndef NGX_REDIS_SENTINEL_H_INCLUDED
#define NGX_REDIS_SENTINEL_H_INCLUDED

#include "ngx_redis_connection.h"


/* a name of the DNS, and the zero byte that OpenSSL wants */
#define NGX_REDIS_SENTINEL_HOST   256

/* between two SUBSCRIBE, ms: it is also how silence is noticed */
#define NGX_REDIS_SENTINEL_WATCH  1000


struct ngx_redis_sentinel_s {
    ngx_redis_server_t       *master;
    ngx_redis_server_t      **asked;      /* nsentinels of each */
    ngx_redis_server_t      **watched;
    ngx_uint_t                nsentinels;

    ngx_redis_op_t            ask;        /* SENTINEL get-master-addr-by-name */
    ngx_uint_t                next;       /* who is asked next */
    ngx_uint_t                left;       /* to be asked, this time */

    ngx_redis_op_t            watch;      /* SUBSCRIBE */
    ngx_uint_t                watching;
    ngx_event_t               tick;

    /* of master->host, and of conf.tls_name if none is configured */
    u_char                    host[NGX_REDIS_SENTINEL_HOST];
    unsigned                  tls_by_host:1;
};


ngx_int_t ngx_redis_sentinel_create(ngx_conf_t *cf,
    ngx_redis_server_t *master);
void ngx_redis_sentinel_end(ngx_redis_sentinel_t *sentinel);
ngx_uint_t ngx_redis_sentinel_host(ngx_str_t *host);
void ngx_redis_sentinel_ask(ngx_redis_sentinel_t *sentinel);
void ngx_redis_sentinel_found(ngx_redis_sentinel_t *sentinel, ngx_str_t *host,
    in_port_t port);


#endif /* NGX_REDIS_SENTINEL_H_INCLUDED */
