/* SPDX-License-Identifier: BSD-2-Clause
 *
 * What is said on a new connection before any operation, in one write: AUTH
 * and SELECT as configured, TIME, INFO, CLIENT SETNAME always, so that each
 * connection has proved that a Redis server reads it and wants us, and PING
 * if the breaker asks whether it is well again.
 *
 * Must never log a password, nor an error message that may quote one.
 */

#include "ngx_redis_command.h"
#include "ngx_redis_connection.h"
#include "ngx_redis_greeting.h"
#include "ngx_redis_reply.h"
#include "ngx_redis_server_log.h"
#include "ngx_redis_slot.h"
#include "ngx_redis_topology.h"


typedef struct {
    ngx_str_t    prefix;
    const char  *remedy;
} ngx_redis_remedy_t;


static ngx_int_t ngx_redis_greeting_add(ngx_redis_connection_t *conn,
    ngx_redis_cmd_e cmd, ngx_uint_t argc, ngx_str_t *argv);
static ngx_uint_t ngx_redis_greeting_fatal(ngx_redis_cmd_e cmd,
    redisReply *reply);
static ngx_uint_t ngx_redis_greeting_denied(redisReply *reply);
static void ngx_redis_greeting_log(ngx_redis_connection_t *conn,
    ngx_redis_cmd_e cmd, redisReply *reply);
static ngx_int_t ngx_redis_info(ngx_redis_connection_t *conn,
    redisReply *reply);
static ngx_int_t ngx_redis_info_unknown(ngx_redis_connection_t *conn);


static const char  *ngx_redis_greeting_names[] = {
    "", "AUTH", "SELECT", "TIME", "INFO", "CLIENT SETNAME", "PING"
};


static ngx_redis_remedy_t  ngx_redis_remedies[] = {

    { ngx_string("WRONGPASS"),
      "check the user and the password file" },

    { ngx_string("ERR invalid password"),
      "check the password file" },

    { ngx_string("NOAUTH"),
      "the server requires a password: configure a user and a password file" },

    { ngx_string("ERR Client sent AUTH"),
      "the server has no password: set one there, or configure none here" },

    { ngx_string("ERR AUTH <password> called"),
      "the server has no password: set one there, or configure none here" },

    { ngx_string("ERR wrong number of arguments for 'auth'"),
      "servers before Redis 6 do not support users: configure only a "
      "password" },

    { ngx_string("NOPERM"),
      "grant the user this command" },

    { ngx_string("ERR DB index"),
      "check the database number against \"databases\" of the server" },

    { ngx_string("ERR invalid DB index"),
      "check the database number against \"databases\" of the server" },

    { ngx_string("ERR SELECT is not allowed"),
      "a cluster has database 0 only" },

    { ngx_string("ERR max number of clients"),
      "raise maxclients of the server" },

    { ngx_string("DENIED"),
      "the server is in protected mode: set a password or \"bind\" there" },

    { ngx_string("LOADING"),
      "the server is loading its dataset: it will be tried again" },

    { ngx_string("BUSY"),
      "a script blocks the server: see SCRIPT KILL" },

    { ngx_string("MASTERDOWN"),
      "this is a replica without its master: check replication" },

    { ngx_null_string, "check the server" }
};


ngx_int_t
ngx_redis_greeting_create(ngx_redis_connection_t *conn)
{
    u_char              number[NGX_INT_T_LEN];
    u_char              name[sizeof("nginx-") + NGX_INT64_LEN];
    ngx_str_t           argv[3];
    ngx_redis_conf_t   *conf;

    conf = &conn->server->conf;

    if (conf->user.len) {
        ngx_str_set(&argv[0], "AUTH");
        argv[1] = conf->user;
        argv[2] = conf->password;

        if (ngx_redis_greeting_add(conn, ngx_redis_cmd_auth, 3, argv)
            != NGX_OK)
        {
            return NGX_ERROR;
        }

    } else if (conf->password.len) {
        ngx_str_set(&argv[0], "AUTH");
        argv[1] = conf->password;

        if (ngx_redis_greeting_add(conn, ngx_redis_cmd_auth, 2, argv)
            != NGX_OK)
        {
            return NGX_ERROR;
        }
    }

    if (conf->db) {
        ngx_str_set(&argv[0], "SELECT");
        argv[1].data = number;
        argv[1].len = ngx_sprintf(number, "%i", conf->db) - number;

        if (ngx_redis_greeting_add(conn, ngx_redis_cmd_select, 2, argv)
            != NGX_OK)
        {
            return NGX_ERROR;
        }
    }

    ngx_str_set(&argv[0], "TIME");

    if (ngx_redis_greeting_add(conn, ngx_redis_cmd_time, 1, argv) != NGX_OK) {
        return NGX_ERROR;
    }

    ngx_str_set(&argv[0], "INFO");

    if (ngx_redis_greeting_add(conn, ngx_redis_cmd_info, 1, argv) != NGX_OK) {
        return NGX_ERROR;
    }

    ngx_str_set(&argv[0], "CLIENT");
    ngx_str_set(&argv[1], "SETNAME");
    argv[2].data = name;
    argv[2].len = ngx_sprintf(name, "nginx-%P", ngx_pid) - name;

    if (ngx_redis_greeting_add(conn, ngx_redis_cmd_setname, 3, argv)
        != NGX_OK)
    {
        return NGX_ERROR;
    }

    if (!conn->probe) {
        return NGX_OK;
    }

    ngx_str_set(&argv[0], "PING");

    return ngx_redis_greeting_add(conn, ngx_redis_cmd_ping, 1, argv);
}


static ngx_int_t
ngx_redis_greeting_add(ngx_redis_connection_t *conn, ngx_redis_cmd_e cmd,
    ngx_uint_t argc, ngx_str_t *argv)
{
    ngx_redis_slot_t  *slot;

    slot = ngx_redis_slot_create(conn->server,
                                 ngx_redis_command_size(argc, argv),
                                 &conn->log);
    if (slot == NULL) {
        return NGX_ERROR;
    }

    slot->cmd = cmd;
    slot->last = ngx_redis_command_argc(slot->pos, argc);
    slot->last = ngx_redis_command_args(slot->last, argc, argv);

    ngx_queue_insert_tail(&conn->greeting, &slot->queue);

    return NGX_OK;
}


/*
 * NGX_OK: more replies are to come; NGX_DONE: this was the last one, and all
 * is well; NGX_ERROR: the server does not accept us, as logged.
 */

ngx_int_t
ngx_redis_greeting_reply(ngx_redis_connection_t *conn, ngx_redis_cmd_e cmd,
    redisReply *reply)
{
    if (reply->type == REDIS_REPLY_ERROR) {

        if (ngx_redis_greeting_fatal(cmd, reply)) {
            ngx_redis_greeting_log(conn, cmd, reply);
            conn->server->denies |= ngx_redis_greeting_denied(reply);
            return NGX_ERROR;
        }

        ngx_log_debug2(NGX_LOG_DEBUG_EVENT, &conn->log, 0,
                       "redis %s refused: \"%s\"",
                       ngx_redis_greeting_names[cmd], reply->str);
    }

    if (cmd == ngx_redis_cmd_info
        && ngx_redis_info(conn, reply) != NGX_OK)
    {
        return NGX_ERROR;
    }

    if (ngx_queue_empty(&conn->inflight) && ngx_queue_empty(&conn->greeting)) {
        return NGX_DONE;
    }

    return NGX_OK;
}


/*
 * A user with just the commands that operations need may be refused INFO,
 * CLIENT and PING, which are no more than courtesies: such an answer proves
 * as well that the server is there.
 */

static ngx_uint_t
ngx_redis_greeting_fatal(ngx_redis_cmd_e cmd, redisReply *reply)
{
    ngx_uint_t  i;

    static const char  *fatal[] = {
        "NOAUTH", "DENIED", "ERR max number of clients", NULL
    };

    static const char  *unwell[] = {
        "LOADING", "BUSY", "MASTERDOWN", NULL
    };

    if (cmd == ngx_redis_cmd_auth || cmd == ngx_redis_cmd_select) {
        return 1;
    }

    for (i = 0; fatal[i]; i++) {
        if (ngx_redis_reply_starts(reply, fatal[i])) {
            return 1;
        }
    }

    for (i = 0; cmd == ngx_redis_cmd_ping && unwell[i]; i++) {
        if (ngx_redis_reply_starts(reply, unwell[i])) {
            return 1;
        }
    }

    return 0;
}


/*
 * Whether it is who we are that the server refuses: it may work for others,
 * who are configured rightly.
 */

static ngx_uint_t
ngx_redis_greeting_denied(redisReply *reply)
{
    ngx_uint_t  i;

    static const char  *passing[] = {
        "ERR max number of clients", "LOADING", "BUSY", "MASTERDOWN", NULL
    };

    for (i = 0; passing[i]; i++) {
        if (ngx_redis_reply_starts(reply, passing[i])) {
            return 0;
        }
    }

    return 1;
}


static void
ngx_redis_greeting_log(ngx_redis_connection_t *conn, ngx_redis_cmd_e cmd,
    redisReply *reply)
{
    size_t               len;
    const char          *quote;
    ngx_redis_remedy_t  *remedy;

    remedy = ngx_redis_remedies;

    while (remedy->prefix.len
           && !ngx_redis_reply_starts(reply, (char *) remedy->prefix.data))
    {
        remedy++;
    }

    /* "ERR unknown command `AUTH`, with args beginning with: `secret`" */

    quote = strstr(reply->str, ", with args");
    len = quote ? (size_t) (quote - reply->str) : ngx_strlen(reply->str);

    ngx_redis_server_log(conn->server, ngx_redis_log_unreachable, NGX_LOG_ERR,
                         0, "%V answered \"%*s\" to %s, operations are refused "
                         "until it accepts the connection; %s",
                         conn->peer.name, ngx_min(len, 256), reply->str,
                         ngx_redis_greeting_names[cmd], remedy->remedy);
}


/*
 * INFO: that it is a master, and that it forgets nothing.  A user that may not
 * ask, and a server that cannot tell, are taken as they are, unless it was
 * demanded that nothing be evicted.  NGX_ERROR: this server is not to be used,
 * as logged.
 */

static ngx_int_t
ngx_redis_info(ngx_redis_connection_t *conn, redisReply *reply)
{
    ngx_str_t            role, policy;
    ngx_redis_server_t  *server;

    server = conn->server;

    if (reply->type != REDIS_REPLY_STRING) {
        return ngx_redis_info_unknown(conn);
    }

    /* in a cluster MOVED tells who is the master, by key */

    if (!server->topology->replicas_too
        && ngx_redis_reply_field(reply, "role:", &role) == NGX_OK
        && !(role.len == 6 && ngx_strncmp(role.data, "master", 6) == 0))
    {
        ngx_redis_server_log(server, ngx_redis_log_unreachable, NGX_LOG_ERR,
                             0, "%V is a replica and accepts no writes, "
                             "operations are refused until it is a master; "
                             "configure the master, Redis Sentinel or Cluster",
                             conn->peer.name);
        return NGX_ERROR;
    }

    if (ngx_redis_reply_field(reply, "maxmemory_policy:", &policy) != NGX_OK) {
        return ngx_redis_info_unknown(conn);
    }

    if (policy.len == 10 && ngx_strncmp(policy.data, "noeviction", 10) == 0) {
        return NGX_OK;
    }

    ngx_redis_server_log(server, ngx_redis_log_policy, NGX_LOG_CRIT, 0,
                         "maxmemory_policy of %V is \"%V\": when memory is "
                         "full it evicts retry tokens, and a retry then "
                         "creates a second job run; set maxmemory-policy "
                         "noeviction",
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
                         0, "%V does not report its maxmemory_policy, but "
                         "noeviction is required; grant the user INFO, or set "
                         "jobruns_redis_require_noeviction off",
                         conn->peer.name);

    return NGX_ERROR;
}
