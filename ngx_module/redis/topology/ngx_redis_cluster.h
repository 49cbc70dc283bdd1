/* SPDX-License-Identifier: BSD-2-Clause
 *
 * A Redis Cluster: one server to its callers, many to the network.
 *
 *   ngx_redis_cluster.c            where an operation goes, and is sent on to
 *   ngx_redis_cluster_node.c       the nodes: made when needed, and let go
 *   ngx_redis_cluster_refresh.c    asking for the map of hash slots
 *   ngx_redis_cluster_map.c        what nodes say, read within limits
 *
 * The handle is the ngx_redis_server_t that callers have.  It has no
 * connection: operations wait there only while a map is asked for, and its
 * breaker is open while none is known and nobody can be asked for one.  Each
 * node is a server of its own, with a connection, queues and a breaker.
 *
 * Nodes are created at any time, but destroyed in the handle's turn alone: no
 * function that was called by a node's events finds it gone.
 */

#ifndef NGX_REDIS_CLUSTER_H_INCLUDED
#define NGX_REDIS_CLUSTER_H_INCLUDED

#include "ngx_redis_topology.h"
#include "ngx_redis_cluster_map.h"


/* a command is not sent after more addresses than this */
#define NGX_REDIS_CLUSTER_REDIRECTS  5

/* nodes without hash slots, and without being in the configuration: who only
   ever redirects to new addresses shall not use up worker_connections */
#define NGX_REDIS_CLUSTER_STRANGERS  32

/* between two maps, ms: the second half of it at random */
#define NGX_REDIS_CLUSTER_GAP        500

/* until a command that came too early goes again, ms */
#define NGX_REDIS_CLUSTER_AGAIN      20

/* that a node without hash slots may be idle, ms */
#define NGX_REDIS_CLUSTER_IDLE       10000


/* an address of the configuration; lives with the cycle */
typedef struct {
    ngx_str_t                 address;    /* "host:port" */
    ngx_str_t                 host;
    ngx_addr_t               *addrs;
    ngx_uint_t                naddrs;
    in_port_t                 port;
} ngx_redis_seed_t;


typedef struct ngx_redis_cluster_s  ngx_redis_cluster_t;


/* one node, in a pool of its own */
typedef struct {
    ngx_redis_server_t        server;     /* first: it is one; its host and
                                             port are what maps call it */
    ngx_pool_t               *pool;
    ngx_queue_t               queue;      /* of cluster->nodes */
    ngx_uint_t                owned;      /* hash slots, by the map */
    ngx_uint_t                round;      /* in which it was asked for it */
    ngx_msec_t                used;       /* when last needed */
} ngx_redis_node_t;


struct ngx_redis_cluster_s {
    ngx_redis_server_t       *handle;
    const ngx_redis_topology_t  *member;  /* the table of each node */
    ngx_redis_seed_t         *seeds;
    ngx_uint_t                nseeds;
    ngx_str_t                 tls_name;   /* as configured; or a node's host */

    ngx_queue_t               nodes;
    ngx_uint_t                nnodes;

    ngx_queue_t               later;      /* slots of the handle, to go again */
    ngx_event_t               again;      /* when they do */

    ngx_redis_op_t            op;         /* CLUSTER SLOTS */
    ngx_redis_node_t         *asked;      /* by it */
    ngx_redis_node_t         *hint;       /* who to ask first: it was named by
                                             a MOVED */
    ngx_uint_t                round;      /* of asking one after another */
    ngx_uint_t                seed;       /* the next one of this round */
    ngx_msec_t                begun;      /* when this round did */

    ngx_event_t               idle;       /* when to look for nodes to let go */

    unsigned                  known:1;    /* there is a map */
    unsigned                  wanted:1;   /* a newer one */
    unsigned                  begins:1;   /* begun is set */
    unsigned                  sweep:1;    /* nodes may have to go */

    ngx_redis_node_t         *map[NGX_REDIS_CLUSTER_SLOTS];
};


/* of a server whose conf.seeds are some nodes of a cluster */
extern const ngx_redis_topology_t  ngx_redis_cluster_topology;


#endif /* NGX_REDIS_CLUSTER_H_INCLUDED */
