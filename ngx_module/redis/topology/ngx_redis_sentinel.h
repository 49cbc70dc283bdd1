/*
 * A server of which Redis Sentinel says where it is.
 *
 *   ngx_redis_sentinel.c        made at configuration time; the table
 *   ngx_redis_sentinel_ask.c    who the master is, asked before each connect
 *   ngx_redis_sentinel_watch.c  +switch-master, as soon as it is announced
 *
 * The master's server is the handle that callers have.  Each sentinel of the
 * configuration is two servers of its own, since in RESP2 a connection that
 * has subscribed answers nothing else; of the second kind one is used at a
 * time.  All live with the cycle.
 */

#ifndef NGX_REDIS_SENTINEL_H_INCLUDED
#define NGX_REDIS_SENTINEL_H_INCLUDED

#include "ngx_redis_topology.h"


/* a name of the DNS, and the zero byte that OpenSSL wants */
#define NGX_REDIS_SENTINEL_HOST   256

/* between two SUBSCRIBE, ms: it is also how silence is noticed */
#define NGX_REDIS_SENTINEL_WATCH  1000


typedef struct {
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
} ngx_redis_sentinel_t;


/* of a server whose conf.seeds are sentinels that know conf.master */
extern const ngx_redis_topology_t  ngx_redis_sentinel_topology;


#endif /* NGX_REDIS_SENTINEL_H_INCLUDED */
