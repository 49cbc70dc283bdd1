/* SPDX-License-Identifier: BSD-2-Clause
 *
 * What makes a server more than one address: a table of functions through
 * which the client asks the files of topology/, none of which it knows by
 * name.  Set when a server is created, and the same for all its life.
 *
 * A function that a topology does not need is NULL, and then the client does
 * what it does for a single server, whose table is empty.  server->members
 * belongs to the topology alone.
 */

#ifndef NGX_REDIS_TOPOLOGY_H_INCLUDED
#define NGX_REDIS_TOPOLOGY_H_INCLUDED

#include "ngx_redis_connection.h"


struct ngx_redis_topology_s {

    /*
     * At configuration time, instead of resolving conf.address: server->conf
     * is filled in.  Sets server->members, and server->host for TLS.  Logs and
     * returns NGX_ERROR on failure; memory is of cf->pool.
     */
    ngx_int_t            (*create)(ngx_conf_t *cf, ngx_redis_server_t *server);

    /* With the end of its cycle, before that of the server.  Calls no handler
       of a caller. */
    void                 (*end)(ngx_redis_server_t *server);

    /*
     * The server that takes an operation with this key (NULL: without one),
     * and in *keyslot what slot->keyslot is to be.  NULL: nobody takes it, as
     * logged.  Calls no handler.
     */
    ngx_redis_server_t  *(*route)(ngx_redis_server_t *server, ngx_str_t *key,
        uint16_t *keyslot);

    /*
     * Finds the address, instead of the resolver, before each connect.  The
     * server is locating; ends in ngx_redis_connection_dial() or in
     * ngx_redis_locate_failed(), at once or later.
     */
    void                 (*locate)(ngx_redis_server_t *server);

    /* Forgets such a search, if there is one. */
    void                 (*cancel)(ngx_redis_server_t *server);

    /* The breaker has opened, or stays open.  Calls no handler. */
    void                 (*failed)(ngx_redis_server_t *server);

    /* There will be no connection for these slots, which are in no other
       queue: those that it takes away do not end.  Calls no handler. */
    void                 (*rescue)(ngx_redis_server_t *server,
        ngx_queue_t *refused);

    /*
     * Looks at the reply to a slot that is in no queue.  NGX_DECLINED: it is
     * the caller's; NGX_OK: the slot has been moved or has ended, and the
     * connection is as it was.
     */
    ngx_int_t            (*reply)(ngx_redis_connection_t *conn,
        ngx_redis_slot_t *slot, redisReply *reply);

    /* Takes a reply that nobody waits for; NULL: none may come. */
    void                 (*push)(ngx_redis_server_t *server,
        redisReply *reply);

    /* ngx_redis_server_stats_move() for the servers behind this one. */
    void                 (*stats)(ngx_redis_server_t *server,
        ngx_redis_stats_t *stats);

    /* For the log: what follows when a name that locate() found is not
       resolved; the addresses known before are then not tried. */
    const char            *unresolved;

    /* The server need not be a master: its replies say who is. */
    unsigned               replicas_too:1;
};


#endif /* NGX_REDIS_TOPOLOGY_H_INCLUDED */
