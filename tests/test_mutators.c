/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The mutators of the fuzz targets: what they make is within its bounds, and
 * mostly has the structure that they know.
 */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <hiredis/hiredis.h>

/* each of them has the name that libFuzzer calls, and names of its own */
#define LLVMFuzzerCustomMutator  mutate_path
#define segments                 path_segments
#define value                    path_value
#include "fuzz/mutate_path.c"
#undef LLVMFuzzerCustomMutator

#define LLVMFuzzerCustomMutator  mutate_header
#define words                    header_words
#include "fuzz/mutate_header.c"
#undef LLVMFuzzerCustomMutator
#undef words

#define LLVMFuzzerCustomMutator  mutate_resp
#include "fuzz/mutate_resp.c"


#define ROUNDS  20000


/* libFuzzer's part: it leaves the bytes as they are here */

static size_t  left;

size_t
LLVMFuzzerMutate(uint8_t *data, size_t size, size_t max_size)
{
    left++;

    if (size == 0 && max_size > 0) {
        data[0] = 'x';
        return 1;
    }

    return size < max_size ? size : max_size;
}


typedef size_t (*mutator_t)(uint8_t *data, size_t size, size_t max_size,
    unsigned seed);


/* the bytes of exactly max, so that a step beyond is seen */

static void
stays_within(mutator_t mutate, const char *seed)
{
    size_t    len, max;
    uint8_t  *data;
    unsigned  i;

    for (i = 0; i < ROUNDS; i++) {
        max = strlen(seed) + i % 64;
        data = malloc(max + 1);
        assert_non_null(data);
        memcpy(data, seed, strlen(seed));

        len = mutate(data, strlen(seed), max, i);

        assert_true(len <= max);
        free(data);
    }
}


static void
results_are_within_their_bounds(void **state)
{
    (void) state;

    stays_within(mutate_path, "/20260430/aiDataPlatforms/a/workspaces/w/%41");
    stays_within(mutate_path, "a\nb");
    stays_within(mutate_path, "%\n%4");
    stays_within(mutate_path, "");
    stays_within(mutate_header, "application/json; charset=utf-8");
    stays_within(mutate_header, "");
    stays_within(mutate_resp, "1*2\r\n$2\r\nab\r\n*1\r\n:1\r\n+OK\r\n");
    stays_within(mutate_resp, "1*2\r\n$2\r\nab\r");
    stays_within(mutate_resp, "1$9999999\r\nab\r\n");
    stays_within(mutate_resp, "");
}


static int
is_whole(const uint8_t *data, size_t len)
{
    int           rc;
    void         *reply;
    size_t        replies;
    redisReader  *reader;

    reader = redisReaderCreate();
    assert_non_null(reader);
    redisReaderFeed(reader, (const char *) data, len);

    replies = 0;

    do {
        reply = NULL;
        rc = redisReaderGetReply(reader, &reply);
        replies += reply != NULL;

        if (reply != NULL) {
            freeReplyObject(reply);
        }
    } while (rc == REDIS_OK && reply != NULL);

    rc = rc == REDIS_OK && replies > 0 && reader->pos == reader->len;
    redisReaderFree(reader);

    return rc;
}


static void
replies_stay_whole(void **state)
{
    size_t       len, whole, same;
    uint8_t      data[4096];
    unsigned     i;
    const char  *seed;

    (void) state;

    seed = "1*3\r\n$7\r\nforward\r\n*1\r\n:1\r\n$0\r\n\r\n*0\r\n";
    whole = 0;
    same = 0;

    for (i = 0; i < ROUNDS; i++) {
        memcpy(data, seed, strlen(seed));
        len = mutate_resp(data, strlen(seed), sizeof(data), i);

        whole += len > 1 && is_whole(data + 1, len - 1);
        same += len == strlen(seed) && memcmp(data, seed, len) == 0;
    }

    assert_in_range(same, 0, ROUNDS / 3);
    assert_in_range(whole, ROUNDS * 3 / 4, ROUNDS);
}


/* the second line is what the first one decodes to, in a good part */

static void
targets_come_with_their_uri(void **state)
{
    char         text[4096], *uri;
    size_t       len, spelled;
    unsigned     i;
    const char  *seed;

    (void) state;

    seed = "/a/b";
    spelled = 0;

    for (i = 0; i < ROUNDS; i++) {
        memcpy(text, seed, strlen(seed));
        len = mutate_path((uint8_t *) text, strlen(seed), sizeof(text) - 1, i);
        text[len] = '\0';
        uri = strchr(text, '\n');

        if (uri != NULL && memchr(text, '%', (size_t) (uri - text))
            && strcmp(uri, "\n/a/b") == 0)
        {
            spelled++;
        }
    }

    assert_in_range(spelled, ROUNDS / 100, ROUNDS);
}


int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(results_are_within_their_bounds),
        cmocka_unit_test(replies_stay_whole),
        cmocka_unit_test(targets_come_with_their_uri),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
