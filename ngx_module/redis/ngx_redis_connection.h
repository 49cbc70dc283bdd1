/* SPDX-License-Identifier: BSD-2-Clause
 *
 * What the files of this folder share, and nobody else includes.
 *
 *   ngx_redis_server.c       configuration time, the turn, the end of a cycle
 *   ngx_redis_breaker.c      when to try again
 *   ngx_redis_server_log.c   lines about a server in error.log
 *   ngx_redis_fold.c         how often a line is written
 *   ngx_redis_connection.c   the life of a socket
 *   ngx_redis_fault.c        the ways in which it ends
 *   ngx_redis_tls.c          its TLS
 *   ngx_redis_locate.c       where the server is, asked before each connect
 *   ngx_redis_greeting.c     what is said on it before any operation
 *   ngx_redis_error.c        error replies that mean it serves nobody
 *   ngx_redis_op.c           operations: commands, scripts, WAIT
 *   ngx_redis_pipeline.c     how they go on: answered, late, failed
 *   ngx_redis_send.c         their bytes on the way out
 *   ngx_redis_clock.c        deadlines by the clock of the server
 *   ngx_redis_command.c      a command as bytes
 *   ngx_redis_reply.c        bytes as replies, within limits
 *   ngx_redis_stats.c        what is counted
 *   ngx_redis_watch.c        looking at a server that nobody uses
 *
 * What makes a server more than one address stands in topology/, behind
 * ngx_redis_topology.h: those files call these, and are called by table.
 *
 * Every handler of a caller is called by ngx_redis_pipeline.c alone, from an
 * event, after the queues and the state have become what they will be.
 */

#ifndef NGX_REDIS_CONNECTION_H_INCLUDED
#define NGX_REDIS_CONNECTION_H_INCLUDED

#include "ngx_redis.h"
#include "ngx_redis_fold.h"
#include <ngx_event_connect.h>

#if (NGX_SSL)
#include <ngx_event_openssl.h>
#endif


#define NGX_REDIS_MAX_OPS        10000
#define NGX_REDIS_MAX_QUEUE      (64 * 1024 * 1024)
#define NGX_REDIS_MAX_REPLY      (16 * 1024 * 1024)
#define NGX_REDIS_MAX_LINE       (64 * 1024)
#define NGX_REDIS_MAX_ELEMENTS   (1024 * 1024)
#define NGX_REDIS_MAX_DEPTH      8

/* timeouts for which one reply may hold up all behind it */
#define NGX_REDIS_PATIENCE       10

/* one TLS record, so that SSL_write() takes a batch whole or not at all */
#define NGX_REDIS_TLS_BATCH      16384
#define NGX_REDIS_BATCH          65536
#define NGX_REDIS_READ           16384


typedef struct ngx_redis_slot_s        ngx_redis_slot_t;
typedef struct ngx_redis_connection_s  ngx_redis_connection_t;


/*
 * The state of a server in this worker.  A connection is made, and destroyed,
 * in one step each: there is no state in between, since TLS says goodbye
 * without waiting.
 *
 *   idle         There is no socket; operations may wait for the next turn,
 *                which goes to connecting, unless the breaker is open: then
 *                none waits, and its timer goes to connecting.
 *   locating     As idle, but the resolver or the topology is asked where the
 *                server is: its answer goes to connecting, or to idle with
 *                the breaker open.  Only between idle and connecting of a
 *                server of which that can change.
 *   connecting   connect() is under way.  The socket's write event goes to
 *                handshaking or greeting; an error or c->write's timer, to
 *                connecting with the next address, or to idle.
 *   handshaking  Both events drive NGINX's SSL until the certificate has been
 *                seen: if it is good, to greeting.  Errors as above.
 *   greeting     Our own commands are in flight, operations still wait.  The
 *                last reply goes to ready; an error reply, to the next
 *                address or to idle.
 *   ready        Operations leave and are answered.  The end of the
 *                connection goes to idle, with the breaker open if the
 *                server was silent for a whole timeout.
 *
 * In all but these two server->connection owns the socket, and
 * ngx_redis_connection_close() is the only way out.
 */
typedef enum {
    ngx_redis_st_idle = 0,
    ngx_redis_st_locating,
    ngx_redis_st_connecting,
    ngx_redis_st_handshaking,
    ngx_redis_st_greeting,
    ngx_redis_st_ready
} ngx_redis_state_e;


typedef enum {
    ngx_redis_cmd_op = 0,       /* an operation of the caller */
    ngx_redis_cmd_auth,         /* these are ours, in the greeting */
    ngx_redis_cmd_select,
    ngx_redis_cmd_time,
    ngx_redis_cmd_info,
    ngx_redis_cmd_setname,
    ngx_redis_cmd_ping,
    ngx_redis_cmd_wait          /* ours, behind a batch of operations */
} ngx_redis_cmd_e;


/* goes in front of a command, to a node that is only just getting its keys */
#define NGX_REDIS_ASKING      "*1\r\n$6\r\nASKING\r\n"
#define NGX_REDIS_ASKING_LEN  (sizeof(NGX_REDIS_ASKING) - 1)


/*
 * One command on its way: a place in the queue of a server (waiting) or of a
 * connection (greeting, inflight), and its bytes, allocated behind it.  Its
 * life begins in ngx_redis_slot_create() and ends in ngx_redis_slot_free(),
 * when its reply has come or its connection is gone.  It may outlive its
 * operation (op == NULL): a command of which a byte has left stays, so that
 * its late reply is not taken for another's.
 */
struct ngx_redis_slot_s {
    ngx_redis_op_t           *op;
    ngx_redis_server_t       *server;
    ngx_redis_script_t       *script;     /* set while this is an EVALSHA */

    /* event ident must be after 3 pointers as in ngx_connection_t */
    ngx_socket_t              ident;

    ngx_queue_t               queue;
    ngx_event_t               deadline;   /* not cancelable: a worker told to
                                             exit waits for operations */
    ngx_msec_t                begun_at;   /* when it was submitted */
    ngx_msec_t                timeout;    /* of its operation */
    ngx_msec_t                sent_at;    /* when its first byte left */
    uint64_t                  sent_us;    /* the same, for the round trip */
    u_char                   *pos;        /* next byte to send */
    u_char                   *last;
    u_char                   *stamp;      /* in the command: its deadline, or
                                             NULL */
    size_t                    size;       /* of the command */
    size_t                    tail;       /* what EVAL and EVALSHA share */
    ngx_uint_t                argc;       /* of an EVALSHA */
    ngx_redis_cmd_e           cmd;
    ngx_uint_t                redirects;  /* followed so far, in a cluster */
    uint16_t                  keyslot;    /* where it belongs there */
    unsigned                  sent:1;     /* a byte may have left */
    unsigned                  asking:1;   /* ASKING is a part of it */
    unsigned                  asked:1;    /* and has been answered */
};


/* behind its slot there is room for ASKING, and then the command begins */
#define ngx_redis_slot_command(slot)                                          \
    ((u_char *) (slot) + sizeof(*(slot)) + NGX_REDIS_ASKING_LEN)


/*
 * Watches the stream of one connection: where replies end, and that none of
 * them is larger than we are ready to hold, before hiredis allocates for it.
 */
typedef struct {
    redisReader              *reader;
    size_t                    bytes;      /* of the reply being read */
    size_t                    line;       /* of its current line */
    size_t                    skip;       /* left of the current bulk string */
    int64_t                   number;     /* behind '$' or '*' */
    ngx_uint_t                elements;   /* announced in this reply */
    ngx_uint_t                depth;      /* arrays we are inside of */
    ngx_uint_t                left[NGX_REDIS_MAX_DEPTH];  /* of their values */
    u_char                    type;       /* 0: a line begins */
    unsigned                  negative:1;
    const char               *error;
} ngx_redis_stream_t;


/*
 * One socket.  Lives in its own pool, made by ngx_redis_connection_dial()
 * and destroyed by ngx_redis_connection_close() with everything in it.
 */
struct ngx_redis_connection_s {
    ngx_redis_server_t       *server;
    ngx_peer_connection_t     peer;
    ngx_pool_t               *pool;
    ngx_log_t                 log;        /* names the server in each line */
    ngx_queue_t               greeting;   /* ours, not sent yet */
    ngx_queue_t               inflight;   /* sent, in the order of replies */
    ngx_redis_stream_t        stream;
    ngx_msec_t                heard;      /* when a byte last came */
    uint64_t                  heard_us;   /* the same, for the round trips */
    ngx_buf_t                 out;        /* handed to send() at once */
    u_char                   *in;
    int64_t                   clock;      /* of the server, us: what it is
                                             ahead of ngx_redis_stats_clock() */
    unsigned                  timed:1;    /* clock is known */
    unsigned                  probe:1;    /* of the breaker: greets by PING */
    unsigned                  tls:1;      /* c->ssl is in use */
    unsigned                  used:1;     /* an operation was sent on it */
    unsigned                  counted:1;  /* among stats->connections */
};


/* what is told to the operator at most once in a while, each for itself */
typedef enum {
    ngx_redis_log_unreachable = 0,
    ngx_redis_log_lost,
    ngx_redis_log_timeout,
    ngx_redis_log_protocol,
    ngx_redis_log_full,
    ngx_redis_log_behind,
    ngx_redis_log_greeting,
    ngx_redis_log_replicas,
    ngx_redis_log_cluster,
    ngx_redis_log_redirect,
    ngx_redis_log_refused,
    ngx_redis_log_policy,
    ngx_redis_log_clock,
    ngx_redis_log_locate,
    ngx_redis_log_last
} ngx_redis_log_e;


/*
 * A server as configured, and what this worker knows of it.  Lives in the
 * pool of its cycle; written by a worker only after fork(), so each worker
 * has its own.
 */
struct ngx_redis_server_s {
    ngx_redis_connection_t   *connection;
    ngx_log_t                *log;        /* the cycle's */
    ngx_addr_t               *addrs;

    /* event ident must be after 3 pointers as in ngx_connection_t */
    ngx_socket_t              ident;

    const ngx_redis_topology_t  *topology;  /* never NULL */
    ngx_redis_conf_t          conf;
    ngx_str_t                 host;       /* without brackets; "" for unix */
    ngx_uint_t                naddrs;
    ngx_uint_t                addr;       /* the one in use, or tried last */
    ngx_uint_t                tries;      /* addresses left to be tried */
    in_port_t                 port;       /* of addresses yet to be found */
    ngx_pool_t               *found;      /* has addrs, unless the cycle has */
    ngx_resolver_ctx_t       *resolving;
#if (NGX_SSL)
    ngx_ssl_t                *ssl;
#endif

    ngx_redis_state_e         state;
    ngx_queue_t               waiting;    /* not a byte sent, but of the first
                                             (or what one TLS record holds) */
    ngx_uint_t                slots;      /* waiting and in flight */
    ngx_uint_t                live;       /* those with an operation */
    size_t                    bytes;
    ngx_event_t               turn;       /* posted: acts for all operations
                                             submitted in this turn */
    ngx_redis_slot_t         *wait;       /* see ngx_redis_op.c */
    ngx_queue_t               followers;

    ngx_event_t               retry;      /* the breaker's timer */
    ngx_msec_t                gap;
    void                     *members;    /* topology's: the cluster or the
                                             sentinels that it goes by */
    unsigned                  open:1;     /* the breaker: nothing is accepted */
    unsigned                  denies:1;   /* an address has refused what we
                                             are, since we connect */
    unsigned                  denied:1;   /* that is why the breaker is open */
    unsigned                  told:1;     /* that it is unreachable */
    unsigned                  named:1;    /* host is for the resolver */

    ngx_redis_fold_t          folds[ngx_redis_log_last];

    ngx_redis_stats_t        *stats;      /* ours, or somewhere else */
    ngx_redis_stats_t         own_stats;
};


void ngx_redis_connection_dial(ngx_redis_server_t *server);
void ngx_redis_connection_next(ngx_redis_connection_t *conn);
void ngx_redis_connection_ready(ngx_redis_connection_t *conn);
void ngx_redis_connection_close(ngx_redis_connection_t *conn,
    ngx_queue_t *lost);


#endif /* NGX_REDIS_CONNECTION_H_INCLUDED */
