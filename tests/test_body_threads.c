/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Bodies read by several threads at once with one schema: each gets what one
 * alone gets.  `make check` runs this under ThreadSanitizer too, which sees all
 * that two threads touch without order.
 */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <pthread.h>

#include <openssl/opensslv.h>

#include <cmocka.h>

#include "jr_body.h"
#include "jr_embedded.h"


#define THREADS  4
#define ROUNDS   25
#define BODIES   8
#define MEMBERS  500


typedef struct {
    char       *text;
    size_t      len;
    int         dry_run;
    jr_body_t   expected;
} sample_t;

typedef struct {
    const jr_schema_t  *schema;
    const sample_t     *samples;
    int                 same;       /* what all of its reads gave */
} reader_t;


/* From OpenSSL 3.5 on threads find an algorithm in tables that are read without
   a lock.  libcrypto orders that by atomics that ThreadSanitizer does not see,
   since the library is not compiled for it; what is ours has other frames. */

#if (OPENSSL_VERSION_NUMBER >= 0x30500000L)

const char *__tsan_default_suppressions(void);


const char *
__tsan_default_suppressions(void)
{
    return "race:libcrypto.so\n";
}

#endif


/* what the check of a body walks through: names to be sorted, texts to be
   unescaped, patterns, numbers, reports, what is not JSON */

static void
sample_make(sample_t *sample, size_t kind)
{
    char    *p;
    size_t   i, size;

    static const char *const  begins[BODIES] = {
        "{\"jobKey\":\"plain\",\"x\":[1]",
        "{\"jobKey\":\"sp\\u00e4t\",\"name\":\"a \\\"b\\\" \\ud83d\\ude00\"",
        "{\"jobKey\":7,\"description\":[]",
        "{\"jobKey\":\"x\",\"n\":[1.5e300,-0.1,9007199254740993,12e-3]",
        "{\"jobKey\":\"x\",\"n\":1e999",
        "{\"jobKey\":\"x\",\"broken\":tru",
        "{\"jobKey\":\"with \\u0000 in it\"",
        "{\"parameters\":[{\"name\":\"p\",\"value\":\"v\"}]"
    };

    size = 256 + MEMBERS * 32;

    sample->text = p = malloc(size);
    assert_non_null(p);

    sample->dry_run = (int) (kind % 2);

    p += sprintf(p, "%s", begins[kind]);

    for (i = 0; i < MEMBERS; i++) {
        p += sprintf(p, ",\"m%zu\":\"%zu\"", i * 7919 % MEMBERS, i);
    }

    p += sprintf(p, "}");

    sample->len = (size_t) (p - sample->text);
}


static int
body_equal(const jr_body_t *one, const jr_body_t *two, int dry_run)
{
    if (one->status != two->status
        || one->report.count != two->report.count
        || one->report.len != two->report.len
        || memcmp(one->report.text, two->report.text, one->report.len) != 0
        || one->job_key_len != two->job_key_len
        || memcmp(one->job_key, two->job_key, one->job_key_len) != 0)
    {
        return 0;
    }

    if (one->status == JR_INVALID && one->report.count == 0
        && strcmp(one->err.text, two->err.text) != 0)
    {
        return 0;
    }

    if (one->status != JR_OK && !dry_run) {
        return 1;
    }

    return one->json == two->json
           && memcmp(one->digest.bytes, two->digest.bytes, JR_DIGEST_LEN)
              == 0;
}


static void *
read_bodies(void *data)
{
    int         round;
    size_t      i;
    reader_t   *reader = data;
    jr_work_t  *work;
    jr_body_t  *body;

    const sample_t  *sample;

    work = jr_schema_work_create();
    body = malloc(sizeof(jr_body_t));

    reader->same = (work != NULL && body != NULL);

    for (round = 0; reader->same && round < ROUNDS; round++) {
        for (i = 0; i < BODIES; i++) {
            sample = &reader->samples[i];

            jr_body_read(reader->schema, work, sample->text, sample->len,
                         JR_SCHEMA_GATEWAY, sample->dry_run, body);

            if (!body_equal(body, &sample->expected, sample->dry_run)) {
                reader->same = 0;
            }
        }
    }

    free(body);
    jr_schema_work_free(work);

    return NULL;
}


static void
threads_share_a_schema(void **state)
{
    char          err[256];
    size_t        i, invalid;
    reader_t      readers[THREADS];
    sample_t     *samples;
    pthread_t     threads[THREADS];
    jr_schema_t  *schema;

    (void) state;

    assert_int_equal(jr_schema_compile(
                         jr_embedded_create_job_run_details_json,
                         jr_embedded_create_job_run_details_json_len, err,
                         sizeof(err), &schema),
                     JR_OK);

    samples = calloc(BODIES, sizeof(sample_t));
    assert_non_null(samples);

    for (i = 0; i < THREADS; i++) {
        readers[i].schema = schema;
        readers[i].samples = samples;
    }

    for (i = 0; i < BODIES; i++) {
        sample_make(&samples[i], i);
    }

    for (i = 0; i < BODIES; i++) {
        jr_body_read(schema, NULL, samples[i].text, samples[i].len,
                     JR_SCHEMA_GATEWAY, samples[i].dry_run,
                     &samples[i].expected);
    }

    invalid = 0;

    for (i = 0; i < BODIES; i++) {
        invalid += samples[i].expected.status == JR_INVALID;
    }

    assert_in_range(invalid, 3, BODIES - 2);

    for (i = 0; i < THREADS; i++) {
        assert_int_equal(pthread_create(&threads[i], NULL, read_bodies,
                                        &readers[i]), 0);
    }

    /* the schema's own work memory is the event loop's meanwhile */

    for (i = 0; i < BODIES; i++) {
        jr_body_t  body;

        jr_body_read(schema, NULL, samples[i].text, samples[i].len,
                     JR_SCHEMA_GATEWAY, samples[i].dry_run, &body);
        assert_true(body_equal(&body, &samples[i].expected,
                               samples[i].dry_run));
    }

    for (i = 0; i < THREADS; i++) {
        assert_int_equal(pthread_join(threads[i], NULL), 0);
        assert_true(readers[i].same);
    }

    for (i = 0; i < BODIES; i++) {
        free(samples[i].text);
    }

    free(samples);
    jr_schema_free(schema);
}


/* first uses of libcrypto by several threads at the same time */

static void *
digest_once(void *data)
{
    jr_digest_t *md = data;

    return jr_digest("abc", 3, md) == JR_OK ? md : NULL;
}


static void
threads_digest_first(void **state)
{
    void         *done;
    size_t        i;
    pthread_t     threads[THREADS];
    jr_digest_t   md[THREADS];

    (void) state;

    for (i = 0; i < THREADS; i++) {
        assert_int_equal(pthread_create(&threads[i], NULL, digest_once,
                                        &md[i]), 0);
    }

    for (i = 0; i < THREADS; i++) {
        assert_int_equal(pthread_join(threads[i], &done), 0);
        assert_non_null(done);
        assert_memory_equal(md[i].bytes, md[0].bytes, JR_DIGEST_LEN);
    }
}


int
main(void)
{
    const struct CMUnitTest  tests[] = {
        cmocka_unit_test(threads_digest_first),
        cmocka_unit_test(threads_share_a_schema)
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
