/*
 * Redis, asked one command after the other.
 */

#include <stdlib.h>
#include <string.h>

#include "jobrunsctl.h"


#define CTL_PORT       6379
#define CTL_REDIRECTS  5


/* "host:port", "[ipv6]:port", "host" */

static redisContext *
ctl_open(ctl_t *ctl, const char *address)
{
    int             port;
    char           *host, *colon;
    redisContext   *redis;
    struct timeval  timeout;

    timeout.tv_sec = (long) ctl->timeout;
    timeout.tv_usec = (long) ((ctl->timeout - (double) timeout.tv_sec)
                              * 1000000);

    if (strncmp(address, "unix:", 5) == 0) {
        redis = redisConnectUnixWithTimeout(address + 5, timeout);

    } else {
        host = strdup(address);

        if (host == NULL) {
            return NULL;
        }

        port = CTL_PORT;
        colon = strrchr(host, ':');

        if (colon != NULL && strchr(colon, ']') == NULL) {
            *colon = '\0';
            port = atoi(colon + 1);
        }

        if (host[0] == '[' && host[strlen(host) - 1] == ']') {
            host[strlen(host) - 1] = '\0';
            memmove(host, host + 1, strlen(host));
        }

        redis = redisConnectWithTimeout(host, port, timeout);
        free(host);
    }

    if (redis != NULL && !redis->err) {
        (void) redisSetTimeout(redis, timeout);
    }

    return redis;
}


static int
ctl_greet(ctl_t *ctl)
{
    char         db[16];
    redisReply  *reply;
    const char  *auth[3] = { "AUTH", ctl->user, ctl->password };
    const char  *select[2] = { "SELECT", db };

    if (ctl->password != NULL) {

        if (ctl->user == NULL) {
            auth[1] = ctl->password;
        }

        reply = ctl_command(ctl, 0, ctl->user ? 3 : 2, auth);

        if (reply == NULL) {
            return CTL_FAILED;
        }

        freeReplyObject(reply);
    }

    if (ctl->db) {
        snprintf(db, sizeof(db), "%d", ctl->db);
        reply = ctl_command(ctl, 0, 2, select);

        if (reply == NULL) {
            return CTL_FAILED;
        }

        freeReplyObject(reply);
    }

    return CTL_OK;
}


static int
ctl_connect_to(ctl_t *ctl, const char *address)
{
    if (ctl->redis != NULL) {
        redisFree(ctl->redis);
    }

    ctl->redis = ctl_open(ctl, address);

    if (ctl->redis == NULL || ctl->redis->err) {
        return ctl_fail(CTL_FAILED, "Redis \"%s\" cannot be reached: %s; "
                        "check the address (--redis, --conf) and that it "
                        "runs", address,
                        ctl->redis ? ctl->redis->errstr : "no memory");
    }

    return ctl_greet(ctl);
}


int
ctl_connect(ctl_t *ctl)
{
    if (ctl->address == NULL) {
        return ctl_fail(CTL_USAGE, "which Redis? Say --redis host:port or "
                        "--redis unix:/path, or --conf nginx.conf");
    }

    return ctl_connect_to(ctl, ctl->address);
}


/* "MOVED 3999 127.0.0.1:6381": reconnects there */

static int
ctl_redirected(ctl_t *ctl, redisReply *reply)
{
    const char  *address;

    if (reply->type != REDIS_REPLY_ERROR
        || strncmp(reply->str, "MOVED ", 6) != 0)
    {
        return 0;
    }

    address = strrchr(reply->str, ' ');

    return address[1] != ':' && ctl_connect_to(ctl, address + 1) == CTL_OK;
}


redisReply *
ctl_command(ctl_t *ctl, int tolerant, int argc, const char **argv)
{
    int          left;
    redisReply  *reply;

    for (left = CTL_REDIRECTS; left; left--) {

        reply = redisCommandArgv(ctl->redis, argc, argv, NULL);

        if (reply == NULL) {
            (void) ctl_fail(CTL_FAILED, "no reply of Redis to %s: %s",
                            argv[0], ctl->redis->errstr);
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
        (void) ctl_fail(CTL_FAILED, "Redis refuses %s: %s", argv[0],
                        reply->str);
        freeReplyObject(reply);
        return NULL;
    }

    return reply;
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


int
ctl_scan(ctl_t *ctl, const char *pattern, ctl_scan_pt handler, void *data)
{
    int          rc;
    char         cursor[32] = "0";
    size_t       i;
    redisReply  *reply, *keys;
    const char  *argv[6] = { "SCAN", cursor, "MATCH", pattern, "COUNT",
                             "1000" };

    do {
        reply = ctl_command(ctl, 0, 6, argv);

        if (reply == NULL) {
            return CTL_FAILED;
        }

        if (reply->type != REDIS_REPLY_ARRAY || reply->elements != 2
            || reply->element[0]->str == NULL
            || reply->element[1]->type != REDIS_REPLY_ARRAY)
        {
            freeReplyObject(reply);
            return ctl_fail(CTL_FAILED, "Redis answers SCAN with something "
                            "that is no cursor and no list of keys");
        }

        snprintf(cursor, sizeof(cursor), "%s", reply->element[0]->str);
        keys = reply->element[1];
        rc = CTL_OK;

        for (i = 0; i < keys->elements && rc == CTL_OK; i++) {
            if (keys->element[i]->str != NULL) {
                rc = handler(ctl, keys->element[i]->str,
                             (size_t) keys->element[i]->len, data);
            }
        }

        freeReplyObject(reply);

    } while (rc == CTL_OK && strcmp(cursor, "0") != 0);

    return rc;
}


char *
ctl_quote(const char *text)
{
    char  *quoted, *p;

    quoted = malloc(2 * strlen(text) + 1);

    if (quoted == NULL) {
        return NULL;
    }

    for (p = quoted; *text; text++) {

        if (strchr("*?[]^-\\", *text)) {
            *p++ = '\\';
        }

        *p++ = *text;
    }

    *p = '\0';

    return quoted;
}
