/*
 * Error replies by which a server says that it cannot do its work at all,
 * for nobody: what that means for the operation and for the connection, and
 * what an operator is told to do.
 *
 * Each of them comes before the command, or a script's first write, has done
 * anything (processCommand(), scriptCall() of Redis), so an operation that
 * ends here counts as not sent.
 */

#include "ngx_redis_breaker.h"
#include "ngx_redis_connection.h"
#include "ngx_redis_error.h"
#include "ngx_redis_pipeline.h"
#include "ngx_redis_reply.h"


typedef enum {
    ngx_redis_means_told = 0,   /* the reply is the caller's */
    ngx_redis_means_end,        /* the operation ends as unreachable */
    ngx_redis_means_leave       /* and so does the connection: a probe finds
                                   out when the server, or another of its
                                   addresses, is well again */
} ngx_redis_means_e;


typedef struct {
    ngx_str_t          prefix;
    ngx_redis_means_e  means;
    const char        *remedy;
} ngx_redis_error_t;


static void ngx_redis_error_leave_server(ngx_redis_connection_t *conn,
    ngx_queue_t *alone, ngx_uint_t denied);


static ngx_redis_error_t  ngx_redis_errors[] = {

    { ngx_string("READONLY"), ngx_redis_means_leave,
      "this is a replica by now: its master is looked for at all addresses; "
      "name the master, or let Redis Sentinel or Cluster tell it" },

    { ngx_string("LOADING"), ngx_redis_means_leave,
      "the server reads its dataset: wait" },

    { ngx_string("MASTERDOWN"), ngx_redis_means_leave,
      "this is a replica without its master: check replication, and name the "
      "master" },

    { ngx_string("NOAUTH"), ngx_redis_means_leave,
      "the server wants a password since: configure a user and a password "
      "file" },

    { ngx_string("BUSY"), ngx_redis_means_end,
      "a script holds the server: find out whose it is, and end it by "
      "SCRIPT KILL" },

    { ngx_string("OOM"), ngx_redis_means_told,
      "memory is full: raise maxmemory, or shorten jobruns_retry_ttl" },

    { ngx_string("NOPERM"), ngx_redis_means_told,
      "the ACL lacks a command or a key: grant what docs/redis.md lists" },

    { ngx_string("MISCONF"), ngx_redis_means_told,
      "the server cannot write its files: check its disk and its log" },

    { ngx_string("NOREPLICAS"), ngx_redis_means_told,
      "too few replicas for min-replicas-to-write: check replication" },

    { ngx_string("MOVED"), ngx_redis_means_told,
      "this is a node of a cluster: say \"jobruns_redis cluster ...\"" },

    { ngx_string("ASK"), ngx_redis_means_told,
      "this is a node of a cluster: say \"jobruns_redis cluster ...\"" },

    { ngx_string("CLUSTERDOWN"), ngx_redis_means_told,
      "this is a node of a cluster that is down: see CLUSTER INFO, and say "
      "\"jobruns_redis cluster ...\"" },

    { ngx_string("CROSSSLOT"), ngx_redis_means_told,
      "keys of one call are on different nodes: is there a proxy that "
      "ignores hash tags?" },

    { ngx_null_string, ngx_redis_means_told, NULL }
};


/*
 * Looks at the reply to a slot already taken from its queue.  NGX_DECLINED:
 * the reply is the caller's.  NGX_OK: the operation has ended.  NGX_ERROR:
 * it has, and the connection is gone.
 */

ngx_int_t
ngx_redis_error_reply(ngx_redis_connection_t *conn, ngx_redis_slot_t *slot,
    redisReply *reply)
{
    ngx_queue_t         alone;
    ngx_redis_error_t  *error;

    if (reply->type != REDIS_REPLY_ERROR) {
        return NGX_DECLINED;
    }

    for (error = ngx_redis_errors; error->prefix.len; error++) {

        if ((size_t) reply->len > error->prefix.len
            && ngx_redis_reply_starts(reply, (char *) error->prefix.data)
            && reply->str[error->prefix.len] == ' ')
        {
            break;
        }
    }

    if (error->prefix.len == 0) {
        return NGX_DECLINED;
    }

    ngx_redis_server_log(conn->server, error->means == ngx_redis_means_leave
                         ? ngx_redis_log_unreachable : ngx_redis_log_refused,
                         NGX_LOG_ERR, 0, "%V answered \"%*s\", %s; %s",
                         conn->peer.name,
                         ngx_min((size_t) reply->len, 256), reply->str,
                         error->means == ngx_redis_means_leave
                         ? "operations are refused until it is well"
                         : "nothing was done", error->remedy);

    if (error->means == ngx_redis_means_told) {
        return NGX_DECLINED;
    }

    conn->server->stats->errors[ngx_redis_err_reply]++;

    slot->op->sent = 0;

    ngx_queue_init(&alone);
    ngx_queue_insert_tail(&alone, &slot->queue);

    if (error->means == ngx_redis_means_end) {
        ngx_redis_pipeline_fail(&alone, ngx_redis_unreachable);
        return NGX_OK;
    }

    ngx_redis_error_leave_server(conn, &alone,
                                 ngx_redis_reply_starts(reply, "NOAUTH"));

    return NGX_ERROR;
}


/*
 * What else is in flight would be refused as well, but has to be told that
 * nobody knows: it is asked again, or settled, by its owner.
 */

static void
ngx_redis_error_leave_server(ngx_redis_connection_t *conn, ngx_queue_t *alone,
    ngx_uint_t denied)
{
    ngx_queue_t          lost;
    ngx_redis_server_t  *server;

    server = conn->server;

    ngx_queue_init(&lost);
    ngx_redis_connection_close(conn, &lost);

    server->addr = (server->addr + 1) % server->naddrs;

    server->denies = denied;
    ngx_redis_breaker_open(server);

    ngx_redis_pipeline_fail(alone, ngx_redis_unreachable);
    ngx_redis_pipeline_fail(&lost, ngx_redis_lost);
    ngx_redis_pipeline_refuse(server);
}
