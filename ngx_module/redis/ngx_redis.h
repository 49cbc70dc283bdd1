/* SPDX-License-Identifier: BSD-2-Clause
 *
 * A Redis client inside NGINX's event loop.
 *
 * One pipelined connection per worker process and server, owned by NGINX
 * (ngx_event_connect_peer, timers, NGINX's own TLS); hiredis only parses
 * replies.  All operations submitted in one turn of the event loop leave in
 * one write.  Nothing here knows HTTP, and nothing here
 * blocks.
 *
 * What a caller may rely on:
 *   - the handler of an operation is called exactly once, and never before
 *     the function that submitted it has returned;
 *   - it is not called at all when the submitting function failed, or after
 *     ngx_redis_op_cancel();
 *   - a reply is valid only while the handler runs;
 *   - op->sent tells whether any byte of the operation may have reached the
 *     server: 0 means it was certainly not carried out, 1 without a reply
 *     means that nobody knows.  (A script answered by NOSCRIPT counts as not
 *     sent, until a byte of its EVAL has left.)
 *
 * An operation ends with
 *   ngx_redis_ok            whenever there is a reply, also an error reply:
 *                           what LOADING, READONLY or OOM mean is the caller's
 *                           to say;
 *   ngx_redis_unreachable   sent = 0;
 *   ngx_redis_timeout       sent = 0 or 1, the timeout after it was submitted;
 *   ngx_redis_lost,         sent = 1.
 *   ngx_redis_protocol
 */

#ifndef NGX_REDIS_H_INCLUDED
#define NGX_REDIS_H_INCLUDED

#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_event.h>
#include <hiredis/read.h>
#include <hiredis/hiredis.h>

#include "ngx_redis_stats.h"


typedef struct ngx_redis_server_s    ngx_redis_server_t;
typedef struct ngx_redis_topology_s  ngx_redis_topology_t;
typedef struct ngx_redis_op_s        ngx_redis_op_t;


typedef void (*ngx_redis_handler_pt)(ngx_redis_op_t *op,
    ngx_redis_status_e status, redisReply *reply);


/*
 * The deadline of an operation as the command says it: ms, digits with zeroes
 * in front; the caller writes zeroes, which mean none.
 */
#define NGX_REDIS_STAMP_LEN  16


/*
 * One operation.  The memory is the caller's (zeroed before its first use)
 * and must stay until the handler has been called or ngx_redis_op_cancel() has
 * returned; it may be used again from within the handler.  The caller sets
 * handler, data and log; the rest belongs to the client.
 */
struct ngx_redis_op_s {
    ngx_redis_handler_pt      handler;
    void                     *data;
    ngx_log_t                *log;

    unsigned                  sheds:1;    /* set by the caller: NGX_BUSY while
                                             the server is behind */
    unsigned                  quiet:1;    /* set by the caller: not among the
                                             round trips and error replies
                                             counted, and NOPERM not logged */
    unsigned                  sent:1;     /* see above; set by the client */
    unsigned                  denied:1;   /* set by the client where an
                                             operation is refused: the server
                                             is there, but accepts nobody with
                                             these credentials */
    unsigned                  active:1;   /* submitted, handler not called */

    ngx_uint_t                stamp;      /* set by the caller: which of argv,
                                             NGX_REDIS_STAMP_LEN bytes, is to
                                             be its deadline; 0: none */
    int64_t                   expires;    /* that, ms of the server's clock;
                                             0: the clock is not known */
    ngx_msec_t                waited;     /* set by the caller of a script:
                                             ms of its timeout that are over */
    uint64_t                  sent_us;    /* by ngx_redis_stats_clock() */

    struct ngx_redis_slot_s  *slot;       /* the client's own part */
    ngx_redis_server_t       *server;     /* who has replied */
};


/*
 * A Lua script: its text and the hex SHA-1 by which EVALSHA names it,
 * filled in by ngx_redis_op_script_init() at configuration time.
 */
typedef struct {
    ngx_str_t                 name;       /* for messages: "admit" */
    ngx_str_t                 text;
    u_char                    sha1[40];
} ngx_redis_script_t;


/* What `jobruns_redis` and its companions say; see docs/directives.md. */
typedef struct {
    ngx_str_t                 address;    /* "host:port", "[::1]:6379",
                                             "unix:/path"; of a cluster, only
                                             for messages */
    ngx_str_t                *seeds;      /* some nodes of a cluster, each
                                             "host:port"; NULL: no cluster */
    ngx_uint_t                nseeds;
    ngx_str_t                 master;     /* its name, if seeds are sentinels
                                             that know where it is */
    ngx_str_t                 sentinel_user;
    ngx_str_t                 sentinel_password;
    ngx_resolver_t           *resolver;   /* asked for names again before each
                                             connect; NULL: only at start-up.
                                             Lives as long as the server */
    ngx_int_t                 db;
    ngx_str_t                 user;
    ngx_str_t                 password;   /* from password_file= */
    ngx_msec_t                timeout;    /* of one operation */
    ngx_msec_t                connect_timeout;
    ngx_uint_t                replicas;   /* 0: ngx_redis_op_await() is not
                                             used */
    ngx_msec_t                replicas_timeout;
    unsigned                  require_noeviction:1;
#if (NGX_SSL)
    ngx_uint_t                sentinel_tls;
    ngx_str_t                 sentinel_tls_ca;
    ngx_str_t                 sentinel_tls_name;
    ngx_uint_t                tls;
    ngx_str_t                 tls_ca;
    ngx_str_t                 tls_name;
    ngx_str_t                 tls_certificate;
    ngx_str_t                 tls_certificate_key;
#endif
} ngx_redis_conf_t;


/*
 * Makes a server for the cycle from *conf (copied, strings included) at
 * configuration time: resolves the address, sets up TLS.  The topology is what
 * ngx_redis_topology_select() says of *conf; NULL: a single server at
 * conf->address.  Logs and returns NULL on error.  Freed with the cycle's
 * pool.
 */
ngx_redis_server_t *ngx_redis_server_create(ngx_conf_t *cf,
    ngx_redis_conf_t *conf, const ngx_redis_topology_t *topology);

/*
 * Has this process count into *stats, which must outlive its use of the
 * server; NULL: into the server itself, where nobody looks, as before the
 * first call and in every other process.
 */
void ngx_redis_server_stats_at(ngx_redis_server_t *server,
    ngx_redis_stats_t *stats);

/* Fills in script->sha1. */
void ngx_redis_op_script_init(ngx_redis_script_t *script);


/*
 * Submits one command.  argv is copied.  NGX_OK: the handler will be
 * called.  NGX_DECLINED: certainly not sent (breaker open, queue full, no
 * node for it); NGX_BUSY: the same, of an operation with op->sheds, since the
 * queue is full, or the oldest one under way there is older than half its
 * timeout: the server works, but behind all that waits; NGX_ERROR: no memory.
 * In a cluster it goes by argv[1], where most commands have their key.
 */
ngx_int_t ngx_redis_op_submit(ngx_redis_server_t *server, ngx_redis_op_t *op,
    ngx_uint_t argc, ngx_str_t *argv);

/*
 * Runs a script with the given keys and arguments by EVALSHA; a NOSCRIPT
 * reply is answered with EVAL within the same deadline, unseen by the
 * caller.  argv has argc strings, of which the first nkeys are the keys; the
 * script must outlive the operation.  Returns as ngx_redis_op_submit().  In a
 * cluster the first key says where it goes, and all must have its hash slot.
 */
ngx_int_t ngx_redis_op_eval(ngx_redis_server_t *server, ngx_redis_op_t *op,
    ngx_redis_script_t *script, ngx_uint_t nkeys, ngx_uint_t argc,
    ngx_str_t *argv);

/*
 * Would an operation by the key be accepted now?  Returns as
 * ngx_redis_op_submit(), and sets op->denied likewise; submits nothing.
 */
ngx_int_t ngx_redis_op_check(ngx_redis_server_t *server, ngx_redis_op_t *op,
    ngx_str_t *key);

/*
 * From within the handler of an operation that had a reply, on a server with
 * conf.replicas: NGX_OK, and the handler (op->handler may be set anew) will
 * be called once more, with the reply to a WAIT behind the operation: an
 * integer, how many replicas have all that it wrote, or an error.  Without a
 * reply, nothing is known of replicas; op->sent is 1 in any case.  NGX_ERROR
 * and NGX_DECLINED: it will not be called, and nothing is known.
 */
ngx_int_t ngx_redis_op_await(ngx_redis_op_t *op);

/*
 * From within the handler of an operation whose reply tells the server's time
 * in ms: deadlines of what is sent next go by it.
 */
void ngx_redis_clock(ngx_redis_op_t *op, int64_t ms);

/*
 * Forgets an operation: its handler will not be called, a reply still to
 * come is dropped.  Does nothing for an operation that is not active.
 */
void ngx_redis_op_cancel(ngx_redis_op_t *op);

#endif /* NGX_REDIS_H_INCLUDED */
