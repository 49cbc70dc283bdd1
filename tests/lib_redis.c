/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Starting, asking and stopping a private Redis.
 */

/* mkdtemp(), prctl() */
#define _GNU_SOURCE

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <errno.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "lib_redis.h"


#define ARGS_MAX  32

/* seconds that a reply may take; only a broken test waits so long */
#define REPLY_TIMEOUT  60


struct redis_s {
    char           dir[64];
    char           socket[128];
    pid_t          pid;
    int            log;
    redisContext  *context;
};


static void redis_exec(redis_t *redis, const char *const *args, int out,
    pid_t parent);
static int redis_is_ready(int fd);
static redisReply *redis_vreply(redis_t *redis, const char *format,
    va_list args);
static char *redis_append(char *p, char *end, const redisReply *reply);


redis_t *
redis_start(const char *const *args)
{
    int             fds[2];
    pid_t           parent;
    redis_t        *redis;
    struct timeval  timeout = { REPLY_TIMEOUT, 0 };

    redis = calloc(1, sizeof(redis_t));
    assert_non_null(redis);

    strcpy(redis->dir, "/tmp/jobruns-test-XXXXXX");
    assert_non_null(mkdtemp(redis->dir));
    snprintf(redis->socket, sizeof(redis->socket), "%s/redis.sock",
             redis->dir);

    assert_int_equal(pipe(fds), 0);

    parent = getpid();
    redis->pid = fork();
    assert_true(redis->pid >= 0);

    if (redis->pid == 0) {
        close(fds[0]);
        redis_exec(redis, args, fds[1], parent);
    }

    close(fds[1]);

    if (!redis_is_ready(fds[0])) {
        fail_msg("redis-server did not start");
    }

    /* left open, or its next line of log would end it */

    redis->log = fds[0];

    redis->context = redisConnectUnixWithTimeout(redis->socket, timeout);
    assert_non_null(redis->context);
    assert_int_equal(redis->context->err, 0);
    assert_int_equal(redisSetTimeout(redis->context, timeout), REDIS_OK);

    return redis;
}


static void
redis_exec(redis_t *redis, const char *const *args, int out, pid_t parent)
{
    size_t       n;
    const char  *argv[ARGS_MAX], *binary;

    binary = getenv("TEST_REDIS_BINARY");

    n = 0;
    argv[n++] = binary && *binary ? binary : "redis-server";
    argv[n++] = "--port";
    argv[n++] = "0";
    argv[n++] = "--unixsocket";
    argv[n++] = redis->socket;
    argv[n++] = "--dir";
    argv[n++] = redis->dir;
    argv[n++] = "--save";
    argv[n++] = "";
    argv[n++] = "--daemonize";
    argv[n++] = "no";

    while (args != NULL && *args != NULL && n + 1 < ARGS_MAX) {
        argv[n++] = *args++;
    }

    argv[n] = NULL;

    prctl(PR_SET_PDEATHSIG, SIGKILL);

    if (getppid() == parent) {
        dup2(out, 1);
        dup2(out, 2);
        execvp(argv[0], (char *const *) argv);
        dprintf(out, "%s: %s\n", argv[0], strerror(errno));
    }

    _exit(1);
}


/* reads its log until it says so, or ends */

static int
redis_is_ready(int fd)
{
    char     log[8192];
    size_t   len;
    ssize_t  n;

    len = 0;

    while (len < sizeof(log) - 1) {
        n = read(fd, log + len, sizeof(log) - 1 - len);

        if (n <= 0) {
            break;
        }

        len += n;
        log[len] = '\0';

        /* it listens by then */

        if (strstr(log, "eady to accept connections") != NULL) {
            return 1;
        }
    }

    log[len] = '\0';
    print_message("# %s\n", log);

    return 0;
}


void
redis_stop(redis_t *redis)
{
    char  path[192];

    static const char *const  left[] = { "redis.sock", "nodes.conf", NULL };

    redisFree(redis->context);
    close(redis->log);

    kill(redis->pid, SIGKILL);
    assert_int_equal(waitpid(redis->pid, NULL, 0), redis->pid);

    for (size_t i = 0; left[i] != NULL; i++) {
        snprintf(path, sizeof(path), "%s/%s", redis->dir, left[i]);
        unlink(path);
    }

    rmdir(redis->dir);
    free(redis);
}


redisReply *
redis_reply(redis_t *redis, const char *format, ...)
{
    va_list      args;
    redisReply  *reply;

    va_start(args, format);
    reply = redis_vreply(redis, format, args);
    va_end(args);

    return reply;
}


static redisReply *
redis_vreply(redis_t *redis, const char *format, va_list args)
{
    redisReply  *reply;

    reply = redisvCommand(redis->context, format, args);

    if (reply == NULL) {
        fail_msg("redis: %s", redis->context->errstr);
    }

    return reply;
}


redisReply *
redis_reply_argv(redis_t *redis, int argc, const char **argv,
    const size_t *lens)
{
    redisReply  *reply;

    reply = redisCommandArgv(redis->context, argc, argv, lens);

    if (reply == NULL) {
        fail_msg("redis: %s", redis->context->errstr);
    }

    return reply;
}


const char *
redis_text(redis_t *redis, const char *format, ...)
{
    va_list      args;
    redisReply  *reply;
    const char  *text;

    va_start(args, format);
    reply = redis_vreply(redis, format, args);
    va_end(args);

    text = redis_reply_text(reply);
    freeReplyObject(reply);

    return text;
}


int64_t
redis_integer(redis_t *redis, const char *format, ...)
{
    int64_t      n;
    va_list      args;
    redisReply  *reply;

    va_start(args, format);
    reply = redis_vreply(redis, format, args);
    va_end(args);

    if (reply->type != REDIS_REPLY_INTEGER) {
        fail_msg("\"%s\": no integer: %s", format, redis_reply_text(reply));
    }

    n = reply->integer;
    freeReplyObject(reply);

    return n;
}


const char *
redis_reply_text(const redisReply *reply)
{
    char  *p;

    static char  text[65536];

    p = redis_append(text, text + sizeof(text) - 1, reply);
    *p = '\0';

    return text;
}


static char *
redis_append(char *p, char *end, const redisReply *reply)
{
    size_t  i;

    switch (reply->type) {

    case REDIS_REPLY_INTEGER:
        p += snprintf(p, end - p, "%lld", reply->integer);
        break;

    case REDIS_REPLY_NIL:
        p += snprintf(p, end - p, "(nil)");
        break;

    case REDIS_REPLY_ARRAY:
        for (i = 0; i < reply->elements && p < end; i++) {
            if (i > 0) {
                *p++ = ' ';
            }

            p = redis_append(p, end, reply->element[i]);
        }

        break;

    default:
        p += snprintf(p, end - p, "%s%s",
                      reply->type == REDIS_REPLY_ERROR ? "(error) " : "",
                      reply->len ? reply->str : "\"\"");
    }

    return p < end ? p : end;
}


const char *
redis_all(redis_t *redis)
{
    return redis_text(redis, "EVAL %s 0",
                      "local all, keys = {}, redis.call('KEYS', '*') "
                      "table.sort(keys) "
                      "for _, key in ipairs(keys) do "
                      "all[#all + 1] = key .. redis.call('DUMP', key) .. ' ' "
                      ".. redis.call('PEXPIRETIME', key) "
                      "end "
                      "return redis.sha1hex(table.concat(all)) .. #all");
}
