/* SPDX-License-Identifier: BSD-2-Clause
 *
 * What a Redis Cluster says of itself: which of its 16384 hash slots a key
 * belongs to, which node serves a slot, where a command is to go instead.
 *
 * Plain C and hiredis' replies, without a type of NGINX and without memory of
 * its own, so that the unit tests compile it alone.  What is read comes from
 * a server that may lie: every number has its limits, and a reply that breaks
 * one of them counts for nothing.
 *
 * Sources: the Redis Cluster specification ("Hash tags", "MOVED Redirection",
 * "ASK redirection") and the page of CLUSTER SLOTS.
 */

#ifndef NGX_REDIS_CLUSTER_MAP_H_INCLUDED
#define NGX_REDIS_CLUSTER_MAP_H_INCLUDED

#include <stddef.h>
#include <stdint.h>

#include <hiredis/hiredis.h>


#define NGX_REDIS_CLUSTER_SLOTS  16384

/* masters; the specification suggests no more than 1000 nodes of all kinds */
#define NGX_REDIS_CLUSTER_NODES  1024

/* bytes of a name or address, as in DNS */
#define NGX_REDIS_CLUSTER_HOST   255

/* the owner of a slot that nobody serves */
#define NGX_REDIS_CLUSTER_NONE   0xffff


/* where a node listens; the name is part of the reply, without a NUL */
typedef struct {
    size_t                     len;       /* 0: the host that was asked */
    const char                *host;
    uint16_t                   port;
} ngx_redis_endpoint_t;


/* good as long as the reply that it was read from */
typedef struct {
    ngx_redis_endpoint_t       nodes[NGX_REDIS_CLUSTER_NODES];
    uint16_t                   nnodes;
    uint16_t                   owners[NGX_REDIS_CLUSTER_SLOTS];
    unsigned                   served;    /* slots that have an owner */
} ngx_redis_cluster_map_t;


typedef enum {
    ngx_redis_redirect_none = 0,    /* another error */
    ngx_redis_redirect_moved,       /* from now on */
    ngx_redis_redirect_ask,         /* this command only, behind ASKING */
    ngx_redis_redirect_bad          /* one of both, but not to be followed */
} ngx_redis_redirect_e;


typedef struct {
    ngx_redis_endpoint_t       to;
    uint16_t                   slot;
} ngx_redis_redirect_t;


/*
 * The hash slot of a key: CRC-16/XMODEM (polynomial 0x1021, initial value 0,
 * nothing reflected; appendix A of the specification) modulo 16384; of a key
 * with a non-empty "{...}", of what is between the first "{" and the first "}"
 * behind it.
 */
uint16_t ngx_redis_cluster_map_slot(const void *key, size_t len);

/*
 * Reads the reply to CLUSTER SLOTS.  Returns NULL, or what is wrong with the
 * reply for a log line; *map is of no use then.
 */
const char *ngx_redis_cluster_map_read(ngx_redis_cluster_map_t *map,
    const redisReply *reply);

/*
 * Whether this can be the host of a node: an address or a name of letters,
 * digits and ".:-_", or "" for the host that was asked.
 */
int ngx_redis_cluster_map_host(const char *text, size_t len);

/* Reads the text of an error reply, which need not end in a NUL. */
ngx_redis_redirect_e ngx_redis_cluster_map_redirect(const char *text,
    size_t len, ngx_redis_redirect_t *redirect);


#endif /* NGX_REDIS_CLUSTER_MAP_H_INCLUDED */
