/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The two calls of a creation, alone: what they take from a client that does
 * nothing else, so that the gateway's latency can be measured against them.
 *
 *   calls SOCKET FILE N
 *
 * FILE holds one admission and one settlement as the gateway sent them, each
 * as a number of arguments, then per argument its length, a newline, its
 * bytes and a newline.  Each of N rounds makes both anew, under a token and
 * an owner of its own.  Prints the medians in microseconds as JSON.
 */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <hiredis/hiredis.h>


#define CALLS_ARGS    256
#define CALLS_DIGITS  12        /* of a key or owner, replaced by a counter */


typedef struct {
    int     argc;
    char   *argv[CALLS_ARGS];
    size_t  len[CALLS_ARGS];
} calls_command_t;


static void
calls_fail(const char *what)
{
    fprintf(stderr, "calls: %s\n", what);
    exit(1);
}


static void
calls_read(FILE *f, calls_command_t *command)
{
    int  i;

    if (fscanf(f, "%d", &command->argc) != 1 || command->argc < 4
        || command->argc > CALLS_ARGS)
    {
        calls_fail("bad number of arguments");
    }

    for (i = 0; i < command->argc; i++) {

        if (fscanf(f, "%zu", &command->len[i]) != 1 || fgetc(f) != '\n') {
            calls_fail("bad length");
        }

        command->argv[i] = malloc(command->len[i] + 1);

        if (command->argv[i] == NULL
            || fread(command->argv[i], 1, command->len[i], f)
               != command->len[i])
        {
            calls_fail("short argument");
        }
    }
}


/* the record's key and the owner become those of another attempt */

static void
calls_renew(calls_command_t *command, unsigned long n)
{
    int     i, at[2];
    char    digits[32];

    /* EVALSHA sha1 nkeys KEYS[1]... ARGV[1]... */

    at[0] = 3;
    at[1] = 3 + atoi(command->argv[2]);

    snprintf(digits, sizeof(digits), "%0*lx", CALLS_DIGITS, n);

    for (i = 0; i < 2; i++) {

        if (at[i] >= command->argc || command->len[at[i]] < CALLS_DIGITS) {
            calls_fail("no key or owner where one is expected");
        }

        memcpy(command->argv[at[i]] + command->len[at[i]] - CALLS_DIGITS,
               digits, CALLS_DIGITS);
    }
}


static double
calls_time(redisContext *redis, calls_command_t *command, const char *want)
{
    redisReply       *reply;
    struct timespec   from, to;

    clock_gettime(CLOCK_MONOTONIC, &from);

    reply = redisCommandArgv(redis, command->argc,
                             (const char **) command->argv, command->len);

    clock_gettime(CLOCK_MONOTONIC, &to);

    if (reply == NULL || reply->type != REDIS_REPLY_ARRAY
        || reply->elements == 0
        || strcmp(reply->element[0]->str, want) != 0)
    {
        calls_fail(reply && reply->type == REDIS_REPLY_ERROR
                   ? reply->str : want);
    }

    freeReplyObject(reply);

    return (double) (to.tv_sec - from.tv_sec) * 1e6
           + (double) (to.tv_nsec - from.tv_nsec) / 1e3;
}


static int
calls_compare(const void *one, const void *two)
{
    double  a, b;

    a = *(const double *) one;
    b = *(const double *) two;

    return (a > b) - (a < b);
}


int
main(int argc, char **argv)
{
    long              i, n;
    FILE             *f;
    double           *admit, *settle;
    redisContext     *redis;
    calls_command_t   commands[2];

    if (argc != 4) {
        calls_fail("usage: calls SOCKET FILE N");
    }

    n = atol(argv[3]);
    f = fopen(argv[2], "rb");
    redis = redisConnectUnix(argv[1]);

    if (n < 1 || f == NULL || redis == NULL || redis->err) {
        calls_fail("cannot read the file or reach Redis");
    }

    calls_read(f, &commands[0]);
    calls_read(f, &commands[1]);

    admit = calloc(n, sizeof(double));
    settle = calloc(n, sizeof(double));

    if (admit == NULL || settle == NULL) {
        calls_fail("no memory");
    }

    srandom((unsigned) time(NULL));

    for (i = 0; i < n; i++) {
        calls_renew(&commands[0], ((unsigned long) random() << 16) + i);
        memcpy(commands[1].argv[3], commands[0].argv[3], commands[0].len[3]);
        memcpy(commands[1].argv[3 + atoi(commands[1].argv[2])],
               commands[0].argv[3 + atoi(commands[0].argv[2])],
               commands[0].len[3 + atoi(commands[0].argv[2])]);

        admit[i] = calls_time(redis, &commands[0], "forward");
        settle[i] = calls_time(redis, &commands[1], "kept");
    }

    qsort(admit, n, sizeof(double), calls_compare);
    qsort(settle, n, sizeof(double), calls_compare);

    printf("{\"admit\":%.1f,\"settle\":%.1f}\n", admit[n / 2], settle[n / 2]);

    return 0;
}
