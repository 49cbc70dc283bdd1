/* SPDX-License-Identifier: BSD-2-Clause
 * Redis, asked one command after the other.
 */

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "jobrunsctl.h"


#define CTL_PORT       6379
#define CTL_REDIRECTS  5
#define CTL_NODES      1024


/* "host:port", "[ipv6]:port", "host"; takes address apart */

static redisContext *
ctl_open(const ctl_access_t *access, const char *address, char *host,
    struct timeval timeout)
{
    int            port, fd;
    char          *colon;
    redisContext  *redis, *plain;

    port = CTL_PORT;
    colon = strrchr(host, ':');

    if (colon != NULL && strchr(colon, ']') == NULL) {
        *colon = '\0';
        port = atoi(colon + 1);
    }

    if (host[0] == '[' && host[strlen(host) - 1] == ']') {
        host[strlen(host) - 1] = '\0';
        host++;
    }

    redis = redisConnectWithTimeout(host, port, timeout);

    if (redis == NULL || redis->err || !access->tls) {
        return redis;
    }

    (void) redisSetTimeout(redis, timeout);

    fd = ctl_tls(access, address, host, redis->fd);
    redisFree(redis);

    if (fd == -1) {
        return NULL;
    }

    plain = redisConnectFd(fd);

    if (plain == NULL) {
        close(fd);
    }

    return plain;
}


static int
ctl_greet(ctl_t *ctl, const ctl_access_t *access, int db)
{
    char         number[16];
    redisReply  *reply;
    const char  *auth[3] = { "AUTH", access->user, access->password };
    const char  *select[2] = { "SELECT", number };

    if (access->password != NULL) {

        if (access->user == NULL) {
            auth[1] = access->password;
        }

        reply = ctl_command(ctl, 0, access->user ? 3 : 2, auth);

        if (reply == NULL) {
            return CTL_FAILED;
        }

        freeReplyObject(reply);
    }

    if (db) {
        snprintf(number, sizeof(number), "%d", db);
        reply = ctl_command(ctl, 0, 2, select);

        if (reply == NULL) {
            return CTL_FAILED;
        }

        freeReplyObject(reply);
    }

    return CTL_OK;
}


static int
ctl_connect_to(ctl_t *ctl, const ctl_access_t *access, const char *address,
    int db)
{
    char            *host;
    struct timeval   timeout;

    if (ctl->redis != NULL) {
        redisFree(ctl->redis);
        ctl->redis = NULL;
    }

    timeout.tv_sec = (long) ctl->timeout;
    timeout.tv_usec = (long) ((ctl->timeout - (double) timeout.tv_sec)
                              * 1000000);

    host = strdup(address);

    if (host != NULL) {
        ctl->redis = strncmp(address, "unix:", 5) == 0
                     ? redisConnectUnixWithTimeout(address + 5, timeout)
                     : ctl_open(access, address, host, timeout);
        free(host);
    }

    if (ctl->redis == NULL || ctl->redis->err) {
        return ctl_fail(CTL_FAILED, "Redis \"%s\" cannot be reached: %s; "
                        "check the address (--redis, --conf) and that it "
                        "runs", address,
                        ctl->redis ? ctl->redis->errstr
                                   : "there is no connection");
    }

    (void) redisSetTimeout(ctl->redis, timeout);

    free(ctl->at);
    ctl->at = strdup(address);

    return ctl_greet(ctl, access, db);
}


/* whether what is connected to says of itself that it is a master */

static int
ctl_is_master(ctl_t *ctl)
{
    int          master;
    redisReply  *reply;
    const char  *argv[2] = { "INFO", "replication" };

    reply = ctl_command(ctl, 0, 2, argv);

    master = reply != NULL && reply->str != NULL
             && strstr(reply->str, "role:master") != NULL;

    if (reply != NULL) {
        freeReplyObject(reply);
    }

    return master;
}


/* asks the sentinel that is connected to; to be freed, NULL: it knows none */

static char *
ctl_ask_sentinel(ctl_t *ctl)
{
    char        *at;
    size_t       size;
    redisReply  *reply;
    const char  *host, *port;
    const char  *argv[3] = { "SENTINEL", "get-master-addr-by-name",
                             ctl->master };

    reply = ctl_command(ctl, 0, 3, argv);

    if (reply == NULL) {
        return NULL;
    }

    at = NULL;

    if (reply->type == REDIS_REPLY_ARRAY && reply->elements == 2
        && reply->element[0]->str != NULL && reply->element[1]->str != NULL)
    {
        host = reply->element[0]->str;
        port = reply->element[1]->str;
        size = strlen(host) + strlen(port) + sizeof("[]:");
        at = malloc(size);

        if (at != NULL) {
            snprintf(at, size, strchr(host, ':') ? "[%s]:%s" : "%s:%s", host,
                     port);
        }

    } else {
        (void) ctl_fail(CTL_FAILED, "sentinel \"%s\" knows no master \"%s\"",
                        ctl->at, ctl->master);
    }

    freeReplyObject(reply);

    return at;
}


static int
ctl_connect_seed(ctl_t *ctl, const char *seed)
{
    int    rc;
    char  *master;

    if (ctl->master == NULL) {
        return ctl_connect_to(ctl, &ctl->access, seed, ctl->db);
    }

    if (ctl_connect_to(ctl, &ctl->sentinels, seed, 0) != CTL_OK) {
        return CTL_FAILED;
    }

    master = ctl_ask_sentinel(ctl);

    if (master == NULL) {
        return CTL_FAILED;
    }

    rc = ctl_connect_to(ctl, &ctl->access, master, ctl->db);

    if (rc == CTL_OK && !ctl_is_master(ctl)) {
        rc = ctl_fail(CTL_FAILED, "\"%s\", which sentinel \"%s\" names, is no "
                      "master", master, seed);
    }

    free(master);

    return rc;
}


/* one after another, until one is of use */

int
ctl_connect(ctl_t *ctl)
{
    int     rc;
    size_t  i;

    if (ctl->nseeds == 0) {
        return ctl_fail(CTL_USAGE, "which Redis? Say --redis host:port or "
                        "--redis unix:/path, or --conf nginx.conf");
    }

    rc = CTL_FAILED;

    for (i = 0; i < ctl->nseeds && rc != CTL_OK; i++) {
        rc = ctl_connect_seed(ctl, ctl->seeds[i]);
    }

    return rc;
}


/* "MOVED 3999 127.0.0.1:6381", and "ASK ...": reconnects there */

static int
ctl_redirected(ctl_t *ctl, redisReply *reply)
{
    int          ask;
    redisReply  *asking;
    const char  *address;

    if (reply->type != REDIS_REPLY_ERROR) {
        return 0;
    }

    ask = strncmp(reply->str, "ASK ", 4) == 0;

    if (!ask && strncmp(reply->str, "MOVED ", 6) != 0) {
        return 0;
    }

    address = strrchr(reply->str, ' ') + 1;

    if (address[0] == ':'
        || ctl_connect_to(ctl, &ctl->access, address, 0) != CTL_OK)
    {
        return 0;
    }

    if (ask) {
        asking = redisCommand(ctl->redis, "ASKING");

        if (asking != NULL) {
            freeReplyObject(asking);
        }
    }

    return 1;
}


redisReply *
ctl_command(ctl_t *ctl, int tolerant, int argc, const char **argv)
{
    int          left;
    redisReply  *reply;

    for (left = CTL_REDIRECTS; left; left--) {

        reply = redisCommandArgv(ctl->redis, argc, argv, NULL);

        if (reply == NULL) {
            (void) ctl_fail(CTL_FAILED, "no reply of Redis \"%s\" to %s: %s",
                            ctl->at, argv[0], ctl->redis->errstr);
            return NULL;
        }

        if (!ctl_redirected(ctl, reply)) {
            break;
        }

        freeReplyObject(reply);
        reply = NULL;
    }

    if (reply == NULL) {
        (void) ctl_fail(CTL_FAILED, "the nodes of the cluster send %s from "
                        "one to another; is it being reshaped?", argv[0]);
        return NULL;
    }

    if (reply->type == REDIS_REPLY_ERROR && !tolerant) {
        (void) ctl_fail(CTL_FAILED, "Redis \"%s\" refuses %s: %s", ctl->at,
                        argv[0], reply->str);
        freeReplyObject(reply);
        return NULL;
    }

    return reply;
}


/* the address of the master of a range of CLUSTER SLOTS; to be freed */

static char *
ctl_range_master(const redisReply *range, const char *asked)
{
    char              *at;
    size_t             size, len;
    const char        *host, *colon;
    const redisReply  *node;

    if (range->type != REDIS_REPLY_ARRAY || range->elements < 3
        || range->element[2]->type != REDIS_REPLY_ARRAY
        || range->element[2]->elements < 2
        || range->element[2]->element[1]->type != REDIS_REPLY_INTEGER)
    {
        return NULL;
    }

    node = range->element[2];
    host = node->element[0]->str;

    /* without a name it is the host that was asked */

    if (host == NULL || host[0] == '\0') {
        colon = strrchr(asked, ':');
        host = asked;
        len = colon ? (size_t) (colon - asked) : strlen(asked);

    } else {
        len = strlen(host);
    }

    size = len + sizeof("[]:65535") + 16;
    at = malloc(size);

    if (at != NULL) {
        snprintf(at, size,
                 host[0] != '[' && memchr(host, ':', len) ? "[%.*s]:%lld"
                                                          : "%.*s:%lld",
                 (int) len, host, (long long) node->element[1]->integer);
    }

    return at;
}


int
ctl_masters(ctl_t *ctl, ctl_visit_pt visit, void *data)
{
    int          rc;
    char        *at, *asked, *seen[CTL_NODES];
    size_t       i, k, n;
    redisReply  *reply;
    const char  *argv[2] = { "CLUSTER", "SLOTS" };

    reply = ctl_command(ctl, 1, 2, argv);

    if (reply == NULL) {
        return CTL_FAILED;
    }

    if (reply->type != REDIS_REPLY_ARRAY || reply->elements == 0) {
        freeReplyObject(reply);
        return visit(ctl, data);
    }

    rc = CTL_OK;
    n = 0;
    asked = strdup(ctl->at);

    for (i = 0; i < reply->elements && rc == CTL_OK; i++) {

        at = asked ? ctl_range_master(reply->element[i], asked) : NULL;

        if (at == NULL) {
            rc = ctl_fail(CTL_FAILED, "CLUSTER SLOTS of \"%s\" names a node "
                          "that is none", ctl->at);
            break;
        }

        for (k = 0; k < n && strcmp(seen[k], at) != 0; k++) { /* void */ }

        if (k < n || n == CTL_NODES) {
            free(at);
            continue;
        }

        seen[n++] = at;
        rc = ctl_connect_to(ctl, &ctl->access, at, 0);

        if (rc == CTL_OK) {
            rc = visit(ctl, data);
        }
    }

    while (n) {
        free(seen[--n]);
    }

    free(asked);
    freeReplyObject(reply);

    return rc;
}


int
ctl_key_split(const ctl_t *ctl, const char *text, size_t len, jr_key_t *key)
{
    return jr_key_read((jr_str_t) { len, text },
                       (jr_str_t) { strlen(ctl->prefix), ctl->prefix }, key)
           == JR_OK;
}


char *
ctl_key(ctl_t *ctl, jr_key_kind_e kind, const char *name)
{
    char      *text;
    jr_key_t   key;

    memset(&key, 0, sizeof(key));

    key.prefix = (jr_str_t) { strlen(ctl->prefix), ctl->prefix };
    key.tenant = (jr_str_t) { strlen(ctl->tenant), ctl->tenant };
    key.kind = kind;

    if (name != NULL) {
        key.name = (jr_str_t) { strlen(name), name };
    }

    text = malloc(jr_key_size(&key) + 1);

    if (text != NULL) {
        *jr_key_write(&key, text) = '\0';
    }

    return text;
}


long long
ctl_now(ctl_t *ctl)
{
    long long    now;
    redisReply  *reply;
    const char  *argv[1] = { "TIME" };

    reply = ctl_command(ctl, 0, 1, argv);

    if (reply == NULL) {
        return -1;
    }

    now = -1;

    if (reply->type == REDIS_REPLY_ARRAY && reply->elements == 2
        && reply->element[0]->str != NULL && reply->element[1]->str != NULL)
    {
        now = atoll(reply->element[0]->str) * 1000
              + atoll(reply->element[1]->str) / 1000;
    }

    freeReplyObject(reply);

    return now;
}
