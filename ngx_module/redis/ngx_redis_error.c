/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Error replies by which a server says that it cannot do its work at all,
 * for nobody: what that means for the operation and for the connection, and
 * what an operator is told to do.
 *
 * Each of them comes before the command, or a script's first write, has done
 * anything (processCommand(), scriptCall() of Redis), so an operation that
 * ends here counts as not sent.
 */

#include "ngx_redis_connection.h"
#include "ngx_redis_error.h"
#include "ngx_redis_reply.h"
#include "ngx_redis_server_log.h"


typedef struct {
    ngx_str_t          prefix;
    ngx_redis_means_e  means;
    const char        *remedy;
} ngx_redis_error_t;


static ngx_redis_error_t  ngx_redis_errors[] = {

    { ngx_string("READONLY"), ngx_redis_means_leave,
      "this is a replica now: all addresses are tried for its master; "
      "configure the master, Redis Sentinel or Cluster" },

    { ngx_string("LOADING"), ngx_redis_means_leave,
      "the server is loading its dataset: wait" },

    { ngx_string("MASTERDOWN"), ngx_redis_means_leave,
      "this is a replica without its master: check replication, and configure "
      "the master" },

    { ngx_string("NOAUTH"), ngx_redis_means_denied,
      "the server requires a password: configure a user and a password file" },

    { ngx_string("BUSY"), ngx_redis_means_end,
      "a script blocks the server: find its owner, and stop it with SCRIPT "
      "KILL" },

    { ngx_string("OOM"), ngx_redis_means_told,
      "memory is full: raise maxmemory, or shorten jobruns_retry_ttl" },

    { ngx_string("NOPERM"), ngx_redis_means_told,
      "the ACL lacks a command or a key: grant the permissions listed in "
      "docs/redis.md" },

    { ngx_string("MISCONF"), ngx_redis_means_told,
      "the server cannot write its files: check its disk and its log" },

    { ngx_string("NOREPLICAS"), ngx_redis_means_told,
      "too few replicas for min-replicas-to-write: check replication" },

    { ngx_string("MOVED"), ngx_redis_means_told,
      "this is a node of a cluster: use \"jobruns_redis cluster ...\"" },

    { ngx_string("ASK"), ngx_redis_means_told,
      "this is a node of a cluster: use \"jobruns_redis cluster ...\"" },

    { ngx_string("CLUSTERDOWN"), ngx_redis_means_told,
      "this is a node of a cluster that is down: see CLUSTER INFO, and use "
      "\"jobruns_redis cluster ...\"" },

    { ngx_string("CROSSSLOT"), ngx_redis_means_told,
      "keys of one call are on different nodes: check for a proxy that ignores "
      "hash tags" },

    { ngx_null_string, ngx_redis_means_told, NULL }
};


/* What a reply means, which is logged if it means more than itself. */

ngx_redis_means_e
ngx_redis_error_means(ngx_redis_connection_t *conn, redisReply *reply)
{
    ngx_uint_t          leaves;
    ngx_redis_error_t  *error;

    if (reply->type != REDIS_REPLY_ERROR) {
        return ngx_redis_means_told;
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
        return ngx_redis_means_told;
    }

    leaves = (error->means == ngx_redis_means_leave
              || error->means == ngx_redis_means_denied);

    ngx_redis_server_log(conn->server, leaves
                         ? ngx_redis_log_unreachable : ngx_redis_log_refused,
                         NGX_LOG_ERR, 0, "%V answered \"%*s\", %s; %s",
                         conn->peer.name,
                         ngx_min((size_t) reply->len, 256), reply->str,
                         leaves ? "operations are refused until it recovers"
                         : "nothing was done", error->remedy);

    return error->means;
}
