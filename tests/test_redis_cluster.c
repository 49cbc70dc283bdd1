/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The map of a Redis Cluster: hash slots, CLUSTER SLOTS, MOVED and ASK.
 */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "lib_redis.h"
#include "ngx_redis_cluster_map.h"


#define NONE  NGX_REDIS_CLUSTER_NONE


static ngx_redis_cluster_map_t  map;


/* without a byte behind it, for the sanitizer to see who reads on */

static unsigned
slot_of(const char *key, size_t len)
{
    char      *copy;
    unsigned   slot;

    copy = malloc(len ? len : 1);
    assert_non_null(copy);
    memcpy(copy, key, len);

    slot = ngx_redis_cluster_map_slot(copy, len);

    free(copy);

    return slot;
}


/*
 * "123456789" is 0x31c3: appendix A of the Redis Cluster specification;
 * "somekey" and "foo{hash_tag}": the page of CLUSTER KEYSLOT.
 */

static void
keys_have_the_slots_of_the_specification(void **state)
{
    size_t  i;

    static const struct {
        const char  *key;
        unsigned     slot;
    } cases[] = {
        { "123456789", 0x31c3 },
        { "somekey", 11058 },
        { "foo{hash_tag}", 2515 },
        { "bar{hash_tag}", 2515 },
        { "{hash_tag}", 2515 },
        { "hash_tag", 2515 },
        { "", 0 },
    };

    (void) state;

    for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        if (slot_of(cases[i].key, strlen(cases[i].key)) != cases[i].slot) {
            fail_msg("\"%s\"", cases[i].key);
        }
    }
}


/* the examples of "Hash tags" in the specification */

static void
only_the_first_tag_with_something_in_it_counts(void **state)
{
    (void) state;

    assert_int_equal(slot_of("{user1000}.following", 20),
                     slot_of("user1000", 8));
    assert_int_equal(slot_of("foo{{bar}}zap", 13), slot_of("{bar", 4));
    assert_int_equal(slot_of("foo{bar}{zap}", 13), slot_of("bar", 3));
    assert_int_equal(slot_of("a}b{c}d", 7), slot_of("c", 1));

    assert_int_not_equal(slot_of("foo{}{bar}", 10), slot_of("bar", 3));
    assert_int_not_equal(slot_of("foo{bar", 7), slot_of("bar", 3));
    assert_int_not_equal(slot_of("foo{", 4), slot_of("foo", 3));
}


/* a port that nobody has, as text: two Redises may start at the same time */

static const char *
free_port(void)
{
    int                 fd;
    socklen_t           len;
    static char         text[sizeof("65535")];
    struct sockaddr_in  address;

    memset(&address, 0, sizeof(address));
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    len = sizeof(address);

    fd = socket(AF_INET, SOCK_STREAM, 0);
    assert_true(fd >= 0);
    assert_int_equal(bind(fd, (struct sockaddr *) &address, len), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *) &address, &len), 0);
    close(fd);

    snprintf(text, sizeof(text), "%u", (unsigned) ntohs(address.sin_port));

    return text;
}


/* Redis itself is asked for what no page says */

static void
keys_have_the_slots_that_redis_gives_them(void **state)
{
    size_t       i, len;
    unsigned     seed;
    char         key[40];
    redis_t     *redis;
    redisReply  *reply;

    const char *const  args[] = {
        "--cluster-enabled", "yes", "--cluster-port", free_port(),
        "--bind", "127.0.0.1", NULL
    };
    static const char  letters[] = "{}{}{}ab:\0\xff\r\n ";

    (void) state;

    redis = redis_start(args);
    seed = 1;

    for (i = 0; i < 2000; i++) {

        for (len = 0; len < i % sizeof(key); len++) {
            seed = seed * 1103515245 + 12345;
            key[len] = letters[(seed >> 16) % (sizeof(letters) - 1)];
        }

        reply = redis_reply(redis, "CLUSTER KEYSLOT %b", key, len);

        assert_int_equal(reply->type, REDIS_REPLY_INTEGER);

        if (reply->integer != slot_of(key, len)) {
            fail_msg("key %zu: \"%.*s\": Redis says %lld, not %u", i,
                     (int) len, key, reply->integer, slot_of(key, len));
        }

        freeReplyObject(reply);
    }

    redis_stop(redis);
}


/* A reply as a server sends it.  NULL: it is good, and read into the map. */

static const char *
reads(const char *resp)
{
    void         *reply;
    const char   *wrong;
    redisReader  *reader;

    reader = redisReaderCreate();
    assert_non_null(reader);

    assert_int_equal(redisReaderFeed(reader, resp, strlen(resp)), REDIS_OK);
    assert_int_equal(redisReaderGetReply(reader, &reply), REDIS_OK);
    assert_non_null(reply);

    wrong = ngx_redis_cluster_map_read(&map, reply);

    /* the map points into the reply, which the tests do not read on for */

    freeReplyObject(reply);
    redisReaderFree(reader);

    return wrong;
}


#define ID     "$4\r\nabcd\r\n"
#define NODE4(ip, port)  "*3\r\n" ip ":" port "\r\n" ID
#define IP1    "$9\r\n127.0.0.1\r\n"
#define IP2    "$3\r\n::1\r\n"


static void
ranges_become_a_map(void **state)
{
    (void) state;

    assert_null(reads("*3\r\n"
        "*4\r\n:0\r\n:99\r\n" NODE4(IP1, "7000") NODE4(IP2, "7001")
        "*3\r\n:16383\r\n:16383\r\n" NODE4(IP2, "7000")
        "*3\r\n:101\r\n:16000\r\n" NODE4(IP1, "7000")));

    assert_int_equal(map.nnodes, 2);
    assert_int_equal(map.nodes[0].port, 7000);
    assert_int_equal(map.nodes[0].len, 9);
    assert_int_equal(map.nodes[1].port, 7000);
    assert_int_equal(map.nodes[1].len, 3);

    assert_int_equal(map.owners[0], 0);
    assert_int_equal(map.owners[99], 0);
    assert_int_equal(map.owners[100], NONE);
    assert_int_equal(map.owners[101], 0);
    assert_int_equal(map.owners[16000], 0);
    assert_int_equal(map.owners[16001], NONE);
    assert_int_equal(map.owners[16382], NONE);
    assert_int_equal(map.owners[16383], 1);
    assert_int_equal(map.served, 100 + 15900 + 1);

    assert_null(reads("*0\r\n"));
    assert_int_equal(map.nnodes, 0);
    assert_int_equal(map.served, 0);
    assert_int_equal(map.owners[0], NONE);
}


/* Redis 7 and later: a fourth element with further names */

static void
endpoints_may_be_names_or_nothing(void **state)
{
    (void) state;

    assert_null(reads("*5\r\n"
        "*3\r\n:0\r\n:0\r\n*4\r\n$7\r\nnode-1.\r\n:1\r\n" ID
            "*2\r\n$2\r\nip\r\n" IP1
        "*3\r\n:1\r\n:1\r\n*4\r\n$-1\r\n:2\r\n" ID "*0\r\n"
        "*3\r\n:2\r\n:2\r\n*3\r\n$0\r\n\r\n:2\r\n" ID
        "*3\r\n:3\r\n:3\r\n*4\r\n$1\r\n?\r\n:3\r\n" ID
            "*4\r\n$8\r\nhostname\r\n$1\r\nh\r\n$2\r\nip\r\n" IP1
        "*3\r\n:4\r\n:4\r\n*4\r\n$1\r\n?\r\n:4\r\n" ID
            "*2\r\n$2\r\nip\r\n$0\r\n\r\n"));

    assert_int_equal(map.nnodes, 3);

    assert_int_equal(map.nodes[map.owners[0]].len, 7);
    assert_int_equal(map.nodes[map.owners[1]].len, 0);
    assert_int_equal(map.owners[2], map.owners[1]);
    assert_int_equal(map.nodes[map.owners[3]].len, 9);
    assert_int_equal(map.nodes[map.owners[3]].port, 3);
    assert_int_equal(map.owners[4], NONE);
    assert_int_equal(map.served, 4);
}


static void
a_reply_that_breaks_a_limit_counts_for_nothing(void **state)
{
    size_t  i;

    static const char *const  cases[] = {
        ":1\r\n", "$-1\r\n", "*-1\r\n", "+OK\r\n", "-ERR no\r\n",
        "*1\r\n:1\r\n", "*1\r\n*0\r\n", "*1\r\n$-1\r\n", "*1\r\n*-1\r\n",
        "*1\r\n*2\r\n:0\r\n:1\r\n",
        "*1\r\n*3\r\n:0\r\n:1\r\n:2\r\n",
        "*1\r\n*3\r\n:0\r\n:1\r\n$-1\r\n",
        "*1\r\n*3\r\n:0\r\n:1\r\n*-1\r\n",
        "*1\r\n*3\r\n:0\r\n:1\r\n*0\r\n",
        "*1\r\n*3\r\n:0\r\n:1\r\n*1\r\n" IP1,
        "*1\r\n*3\r\n:0\r\n:1\r\n*2\r\n" IP1 "$1\r\n1\r\n",
        "*1\r\n*3\r\n:-1\r\n:1\r\n" NODE4(IP1, "1"),
        "*1\r\n*3\r\n:0\r\n:16384\r\n" NODE4(IP1, "1"),
        "*1\r\n*3\r\n:2\r\n:1\r\n" NODE4(IP1, "1"),
        "*1\r\n*3\r\n:0\r\n:9223372036854775807\r\n" NODE4(IP1, "1"),
        "*1\r\n*3\r\n:-9223372036854775808\r\n:1\r\n" NODE4(IP1, "1"),
        "*1\r\n*3\r\n$1\r\n0\r\n:1\r\n" NODE4(IP1, "1"),
        "*1\r\n*3\r\n:0\r\n:1\r\n" NODE4(IP1, "0"),
        "*1\r\n*3\r\n:0\r\n:1\r\n" NODE4(IP1, "65536"),
        "*1\r\n*3\r\n:0\r\n:1\r\n" NODE4(IP1, "-1"),
        "*1\r\n*3\r\n:0\r\n:1\r\n" NODE4(":7\r\n", "1"),
        "*1\r\n*3\r\n:0\r\n:1\r\n" NODE4("*0\r\n", "1"),
        "*1\r\n*3\r\n:0\r\n:1\r\n" NODE4("$3\r\na b\r\n", "1"),
        "*1\r\n*3\r\n:0\r\n:1\r\n" NODE4("$3\r\na\nb\r\n", "1"),
        "*1\r\n*3\r\n:0\r\n:1\r\n" NODE4("$3\r\n/tm\r\n", "1"),
        "*2\r\n*3\r\n:0\r\n:5\r\n" NODE4(IP1, "1")
            "*3\r\n:5\r\n:6\r\n" NODE4(IP1, "1"),
    };

    (void) state;

    for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        if (reads(cases[i]) == NULL) {
            fail_msg("\"%s\" is taken for a map", cases[i]);
        }
    }
}


/* of `count` masters with a slot each, told apart by their ports or names */

static const char *
reads_masters(size_t count, int by_port, size_t host)
{
    char        *p, *resp;
    size_t       i;
    const char  *wrong;

    resp = malloc(32 + count * (100 + host));
    assert_non_null(resp);
    p = resp + sprintf(resp, "*%zu\r\n", count);

    for (i = 0; i < count; i++) {
        p += sprintf(p, "*3\r\n:%zu\r\n:%zu\r\n*2\r\n$%zu\r\n", i, i, host);
        p += sprintf(p, "%0*zu\r\n:%zu\r\n", (int) host, by_port ? 7 : i,
                     by_port ? i + 1 : 7);
    }

    wrong = reads(resp);

    free(resp);

    return wrong;
}


static void
the_number_of_masters_and_the_length_of_names_are_bounded(void **state)
{
    size_t  i;

    (void) state;

    assert_null(reads_masters(1024, 1, 5));
    assert_int_equal(map.nnodes, 1024);

    for (i = 0; i < 1024; i++) {
        assert_int_equal(map.nodes[map.owners[i]].port, i + 1);
    }

    assert_null(reads_masters(1024, 0, 5));
    assert_int_equal(map.nnodes, 1024);

    assert_non_null(reads_masters(1025, 1, 5));
    assert_non_null(reads_masters(1025, 0, 5));

    assert_null(reads_masters(2, 1, NGX_REDIS_CLUSTER_HOST));
    assert_non_null(reads_masters(2, 1, NGX_REDIS_CLUSTER_HOST + 1));
}


static ngx_redis_redirect_e
redirects(const char *text, ngx_redis_redirect_t *redirect)
{
    char                  *copy;
    size_t                 len;
    ngx_redis_redirect_e   kind;

    len = strlen(text);
    copy = malloc(len ? len : 1);
    assert_non_null(copy);
    memcpy(copy, text, len);

    kind = ngx_redis_cluster_map_redirect(copy, len, redirect);

    free(copy);

    return kind;
}


static void
redirections_say_where_to_go(void **state)
{
    size_t                 i;
    ngx_redis_redirect_t   r;

    static const struct {
        const char            *text;
        ngx_redis_redirect_e   kind;
        unsigned               slot;
        size_t                 host;
        unsigned               port;
    } good[] = {
        { "MOVED 3999 127.0.0.1:6381", ngx_redis_redirect_moved,
          3999, 9, 6381 },
        { "ASK 0 node-1.internal:1", ngx_redis_redirect_ask, 0, 15, 1 },
        { "MOVED 16383 ::1:65535", ngx_redis_redirect_moved,
          16383, 3, 65535 },
        { "ASK 1 :6381", ngx_redis_redirect_ask, 1, 0, 6381 },
    };

    static const char *const  bad[] = {
        "MOVED 16384 127.0.0.1:6381", "MOVED -1 127.0.0.1:6381",
        "MOVED 1", "MOVED 1 ", "MOVED 1 a", "MOVED 1 a:", "MOVED 1 a:0",
        "MOVED 1 a:65536", "MOVED 1 a:99999999999999999999",
        "MOVED  a:1", "MOVED x a:1", "MOVED 1x a:1", "ASK 1 a:1x",
        "ASK 1 a b:1", "ASK 1 /tmp/x:1", "ASK 1 ?:1", "ASK 1 a:1 ",
        "MOVED 99999999999999999999 a:1",
    };

    static const char *const  none[] = {
        "", "MOVED", "ASK", "MOVED ", "ASK ", "MOVEDX 1 a:1", "ASKING",
        "moved 1 a:1", "ERR MOVED 1 a:1", "CLUSTERDOWN The cluster is down",
    };

    (void) state;

    for (i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
        if (redirects(good[i].text, &r) != good[i].kind
            || r.slot != good[i].slot
            || r.to.len != good[i].host
            || r.to.port != good[i].port)
        {
            fail_msg("\"%s\"", good[i].text);
        }
    }

    for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        if (redirects(bad[i], &r) != ngx_redis_redirect_bad) {
            fail_msg("\"%s\" is followed", bad[i]);
        }
    }

    for (i = 0; i < sizeof(none) / sizeof(none[0]); i++) {
        if (redirects(none[i], &r) != ngx_redis_redirect_none) {
            fail_msg("\"%s\" is taken for a redirection", none[i]);
        }
    }
}


int
main(void)
{
    const struct CMUnitTest  tests[] = {
        cmocka_unit_test(keys_have_the_slots_of_the_specification),
        cmocka_unit_test(only_the_first_tag_with_something_in_it_counts),
        cmocka_unit_test(keys_have_the_slots_that_redis_gives_them),
        cmocka_unit_test(ranges_become_a_map),
        cmocka_unit_test(endpoints_may_be_names_or_nothing),
        cmocka_unit_test(a_reply_that_breaks_a_limit_counts_for_nothing),
        cmocka_unit_test(
            the_number_of_masters_and_the_length_of_names_are_bounded),
        cmocka_unit_test(redirections_say_where_to_go),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
