/*
 * What a server tells of itself when it is asked in the greeting: that it is
 * a master, and that it forgets nothing.
 *
 * A user that may not ask, and a server that cannot tell, are taken as they
 * are, unless it was demanded that nothing be evicted.
 */

#include "ngx_redis_connection.h"
#include "ngx_redis_info.h"
#include "ngx_redis_server_log.h"
#include "ngx_redis_topology.h"


static ngx_int_t ngx_redis_info_field(redisReply *reply, const char *name,
    ngx_str_t *value);
static ngx_int_t ngx_redis_info_unknown(ngx_redis_connection_t *conn);


/* NGX_ERROR: this server is not to be used, and the operator has been told. */

ngx_int_t
ngx_redis_info_reply(ngx_redis_connection_t *conn, redisReply *reply)
{
    ngx_str_t            role, policy;
    ngx_redis_server_t  *server;

    server = conn->server;

    if (reply->type != REDIS_REPLY_STRING) {
        return ngx_redis_info_unknown(conn);
    }

    /* in a cluster MOVED tells who is the master, by key */

    if (!server->topology->replicas_too
        && ngx_redis_info_field(reply, "role:", &role) == NGX_OK
        && !(role.len == 6 && ngx_strncmp(role.data, "master", 6) == 0))
    {
        ngx_redis_server_log(server, ngx_redis_log_unreachable, NGX_LOG_ERR,
                             0, "%V is a replica and takes no writes, "
                             "operations are refused until it is a master; "
                             "name the master, or let Redis Sentinel or "
                             "Cluster tell it", conn->peer.name);
        return NGX_ERROR;
    }

    if (ngx_redis_info_field(reply, "maxmemory_policy:", &policy) != NGX_OK) {
        return ngx_redis_info_unknown(conn);
    }

    if (policy.len == 10 && ngx_strncmp(policy.data, "noeviction", 10) == 0) {
        return NGX_OK;
    }

    ngx_redis_server_log(server, ngx_redis_log_policy, NGX_LOG_CRIT, 0,
                         "maxmemory_policy of %V is \"%V\": when memory is "
                         "full it drops retry tokens, and a retry then makes "
                         "a second job run; set maxmemory-policy noeviction",
                         conn->peer.name, &policy);

    return server->conf.require_noeviction ? NGX_ERROR : NGX_OK;
}


static ngx_int_t
ngx_redis_info_unknown(ngx_redis_connection_t *conn)
{
    if (!conn->server->conf.require_noeviction) {
        return NGX_OK;
    }

    ngx_redis_server_log(conn->server, ngx_redis_log_unreachable, NGX_LOG_ERR,
                         0, "%V does not tell its maxmemory_policy, and it "
                         "is required that it be noeviction; grant the user "
                         "INFO, or require it no more", conn->peer.name);

    return NGX_ERROR;
}


/* the value of a line "name:value" of INFO; name has the colon */

static ngx_int_t
ngx_redis_info_field(redisReply *reply, const char *name, ngx_str_t *value)
{
    u_char  *p, *last, *end;
    size_t   len;

    p = (u_char *) reply->str;
    last = p + reply->len;
    len = ngx_strlen(name);

    while (p < last) {

        end = ngx_strlchr(p, last, CR);
        end = end ? end : last;

        if ((size_t) (end - p) > len && ngx_strncmp(p, name, len) == 0) {
            value->data = p + len;
            value->len = end - p - len;
            return NGX_OK;
        }

        p = end + 2;
    }

    return NGX_DECLINED;
}
