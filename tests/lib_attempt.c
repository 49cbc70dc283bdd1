/* SPDX-License-Identifier: BSD-2-Clause
 *
 * KEYS and ARGV of the three scripts.
 */

/* memmem() */
#define _GNU_SOURCE

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "lib_attempt.h"

#include "jr_embedded.h"
#include "jr_limit.h"
#include "jr_script.h"


#define WORDS_MAX  128
#define WORD_MAX   256


/* a command under construction; the words are copies */
typedef struct {
    char     words[WORDS_MAX][WORD_MAX];
    size_t   n;
} words_t;


static const char *run(redis_t *redis, const char *name, const words_t *keys,
    const words_t *args, int64_t time);
static const char *eval(redis_t *redis, const char *text,
    const words_t *keys, const words_t *args);
static void put(words_t *words, size_t at, const char *format, ...);
static void put_admit(words_t *keys, words_t *args, const attempt_t *a);
static void put_settle(words_t *keys, words_t *args, const attempt_t *a,
    const char *outcome, int64_t lost);
static void put_record(words_t *keys, size_t at, const attempt_t *a);
static void put_limits(words_t *keys, words_t *args, const attempt_t *a,
    int held);
static const jr_limit_kind_t *kind_of(const char *name);


const attempt_t  attempt_default = {
    .record = "{t}:token:x",
    .owner = "owner-a",
    .fingerprint = "1:f00d",
    .id = "id-a",
    .lease = 15000,
    .ttl = 86400000,
    .unknown = "forward",
    .limits = ""
};


const char *
admit(redis_t *redis, const attempt_t *a, int64_t time)
{
    words_t  keys = { .n = 0 }, args = { .n = 0 };

    put_admit(&keys, &args, a);

    return run(redis, "admit", &keys, &args, time);
}


const char *
admit_driven(redis_t *redis, const attempt_t *a, const char *driver)
{
    char        *function, *text;
    size_t       size;
    words_t      keys = { .n = 0 }, args = { .n = 0 };
    const char  *reply;

    put_admit(&keys, &args, a);

    function = script_function("admit");
    size = strlen(function) + strlen(driver) + 1;
    text = malloc(size);
    assert_non_null(text);
    snprintf(text, size, "%s%s", function, driver);

    reply = eval(redis, text, &keys, &args);

    free(function);
    free(text);

    return reply;
}


const char *
renew(redis_t *redis, const attempt_t *a, int64_t time)
{
    words_t  keys = { .n = 0 }, args = { .n = 0 };

    put_record(&keys, JR_RENEW_KEY_RECORD, a);
    put_limits(&keys, NULL, a, 0);

    put(&args, JR_RENEW_OWNER, "%s", a->owner);
    put(&args, JR_RENEW_LEASE, "%lld", a->lease);

    return run(redis, "renew", &keys, &args, time);
}


const char *
settle(redis_t *redis, const attempt_t *a, const char *outcome, int64_t time)
{
    words_t  keys = { .n = 0 }, args = { .n = 0 };

    put_settle(&keys, &args, a, outcome, a->lost);
    put_limits(&keys, NULL, a, 0);

    return run(redis, "settle", &keys, &args, time);
}


const char *
settle_created(redis_t *redis, const attempt_t *a, const char *answer,
    const char *location, const char *run_key, int64_t time)
{
    words_t  keys = { .n = 0 }, args = { .n = 0 };

    put_settle(&keys, &args, a, "created", 0);

    /* as the gateway does: a creation gives nothing else back */

    put_limits(&keys, NULL, a, 1);

    put(&args, JR_SETTLE_ANSWER, "%s", answer);
    put(&args, JR_SETTLE_LOCATION, "%s", location);
    put(&args, JR_SETTLE_RUN_KEY, "%s", run_key);

    return run(redis, "settle", &keys, &args, time);
}


const char *
record(redis_t *redis, const attempt_t *a, const char *field)
{
    words_t  keys = { .n = 0 };

    put_record(&keys, JR_ADMIT_KEY_RECORD, a);

    return redis_text(redis, "HGET %s %s", keys.words[JR_ADMIT_KEY_RECORD],
                      field);
}


static void
put_admit(words_t *keys, words_t *args, const attempt_t *a)
{
    put_record(keys, JR_ADMIT_KEY_RECORD, a);
    put(keys, JR_ADMIT_KEY_OVERRIDES, "{t}:limits");

    put(args, JR_ADMIT_OWNER, "%s", a->owner);
    put(args, JR_ADMIT_FINGERPRINT, "%s", a->fingerprint);
    put(args, JR_ADMIT_REQUEST_ID, "%s", a->id);
    put(args, JR_ADMIT_LEASE, "%lld", a->lease);
    put(args, JR_ADMIT_LIFE, "%lld", a->ttl);
    put(args, JR_ADMIT_UNKNOWN, "%s", a->unknown);
    put(args, JR_ADMIT_DEADLINE, "%016lld", a->deadline);

    put_limits(keys, args, a, 0);
}


/* without the limits, and with nothing to store */

static void
put_settle(words_t *keys, words_t *args, const attempt_t *a,
    const char *outcome, int64_t lost)
{
    put_record(keys, JR_SETTLE_KEY_RECORD, a);

    put(args, JR_SETTLE_OWNER, "%s", a->owner);
    put(args, JR_SETTLE_IS_TOKEN, "%d", a->record != NULL);
    put(args, JR_SETTLE_OUTCOME, "%s", outcome);
    put(args, JR_SETTLE_FINGERPRINT, "%s", a->fingerprint);
    put(args, JR_SETTLE_REQUEST_ID, "%s", a->id);
    put(args, JR_SETTLE_LIFE, "%lld", a->ttl);
    put(args, JR_SETTLE_ANSWER, "");
    put(args, JR_SETTLE_LOCATION, "");
    put(args, JR_SETTLE_RUN_KEY, "");
    put(args, JR_SETTLE_LEASE, "%lld", a->lease);
    put(args, JR_SETTLE_DEADLINE, "%016lld", (long long) lost);
}


static void
put_record(words_t *keys, size_t at, const attempt_t *a)
{
    if (a->record != NULL) {
        put(keys, at, "%s", a->record);

    } else {
        put(keys, at, "{t}:attempt:%s", a->owner);
    }
}


/* keys of the limits, or of those that are held, and their arguments, behind
   what is there */

static void
put_limits(words_t *keys, words_t *args, const attempt_t *a, int held)
{
    int                     len;
    char                    word[JR_LIMIT_ARG_LAST][64], part[16];
    const char             *p;
    const jr_limit_kind_t  *kind;

    _Static_assert(JR_LIMIT_ARG_LAST == 6, "the words of a limit");

    for (p = a->limits; *p != '\0'; p += len) {

        len = 0;
        assert_int_equal(sscanf(p, "%63s %63s %63s %63s %63s %63[a-z_]%n",
                                word[JR_LIMIT_ARG_KIND],
                                word[JR_LIMIT_ARG_NAME],
                                word[JR_LIMIT_ARG_COUNT],
                                word[JR_LIMIT_ARG_PERIOD],
                                word[JR_LIMIT_ARG_BURST],
                                word[JR_LIMIT_ARG_MODE], &len),
                         JR_LIMIT_ARG_LAST);

        kind = kind_of(word[JR_LIMIT_ARG_KIND]);

        if (!held || kind->held) {
            assert_int_equal(sscanf(kind->key.data, "}:v1:%15[a-z]", part),
                             1);
            put(keys, keys->n, "{t}:%s:%s", part, word[JR_LIMIT_ARG_NAME]);
        }

        for (size_t i = 0; args != NULL && i < JR_LIMIT_ARG_LAST; i++) {
            put(args, args->n, "%s", word[i]);
        }

        len += p[len] == ',' ? 2 : 0;
    }
}


static const jr_limit_kind_t *
kind_of(const char *name)
{
    int  kind;

    for (kind = 0; kind < JR_LIMIT_LAST; kind++) {
        if (strcmp(jr_limit_kind_name(kind), name) == 0) {
            return &jr_limit_kinds[kind];
        }
    }

    fail_msg("\"%s\" is no kind of limit", name);

    return NULL;
}


/* at is where a word stands, or behind all that are there */

static void
put(words_t *words, size_t at, const char *format, ...)
{
    int      n;
    va_list  args;

    assert_true(at <= words->n && at < WORDS_MAX);

    va_start(args, format);
    n = vsnprintf(words->words[at], WORD_MAX, format, args);
    va_end(args);

    assert_true(n >= 0 && n < WORD_MAX);

    words->n += (at == words->n);
}


static const char *
run(redis_t *redis, const char *name, const words_t *keys,
    const words_t *args, int64_t time)
{
    char        *text, *driven;
    size_t       size;
    words_t      timed;
    const char  *reply;

    static const char  driver[] =
        "local micros, seconds = table.remove(ARGV), table.remove(ARGV)\n"
        "return script(KEYS, ARGV, { seconds, micros })\n";

    if (time == REAL) {
        text = script_text(name);
        reply = eval(redis, text, keys, args);
        free(text);

        return reply;
    }

    text = script_function(name);
    size = strlen(text) + sizeof(driver);
    driven = malloc(size);
    assert_non_null(driven);
    snprintf(driven, size, "%s%s", text, driver);

    timed = *args;
    put(&timed, timed.n, "%lld", (long long) (time / SECOND));
    put(&timed, timed.n, "%lld", (long long) (time % SECOND));

    reply = eval(redis, driven, keys, &timed);

    free(text);
    free(driven);

    return reply;
}


static const char *
eval(redis_t *redis, const char *text, const words_t *keys,
    const words_t *args)
{
    int          argc;
    char         nkeys[24];
    size_t       i;
    redisReply  *reply;
    const char  *argv[2 * WORDS_MAX + 8], *got;

    snprintf(nkeys, sizeof(nkeys), "%zu", keys->n);

    argc = 0;
    argv[argc++] = "EVAL";
    argv[argc++] = text;
    argv[argc++] = nkeys;

    for (i = 0; i < keys->n; i++) {
        argv[argc++] = keys->words[i];
    }

    for (i = 0; i < args->n; i++) {
        argv[argc++] = args->words[i];
    }

    reply = redis_reply_argv(redis, argc, argv, NULL);
    got = redis_reply_text(reply);
    freeReplyObject(reply);

    return got;
}


void
begins(const char *got, const char *want)
{
    if (strncmp(got, want, strlen(want)) != 0) {
        fail_msg("\"%s\" does not begin with \"%s\"", got, want);
    }
}


char *
script_text(const char *name)
{
    size_t  i;
    char   *text;

    static const struct {
        const char  *name;
        const char  *text;
    } scripts[] = {
        { "admit", jr_embedded_admit_lua },
        { "renew", jr_embedded_renew_lua },
        { "settle", jr_embedded_settle_lua }
    };

    for (i = 0; strcmp(scripts[i].name, name) != 0; i++) { /* void */ }

    text = strdup(scripts[i].text);
    assert_non_null(text);

    return text;
}


char *
script_function(const char *name)
{
    char    *text, *begin, *at, *function;
    size_t   size, n;

    static const char  call[] = "redis.call(\"TIME\")";
    static const char  head[] = "local function script(KEYS, ARGV, NOW)\n";
    static const char  tail[] = "\nend\n";

    text = script_text(name);
    begin = text;

    /* flags of a script are for Redis alone */

    if (strncmp(text, "#!", 2) == 0) {
        begin = strchr(text, '\n');
        assert_non_null(begin);
    }

    /* exactly one place asks for the time, or the test tests nothing */

    at = strstr(text, call);
    assert_non_null(at);
    assert_null(strstr(at + 1, call));
    assert_null(strstr(text, "\"time\""));

    size = strlen(text) + sizeof(head) + sizeof(tail) + 8;
    function = malloc(size);
    assert_non_null(function);

    n = snprintf(function, size, "%s%.*sNOW%s%s", head, (int) (at - begin),
                 begin, at + sizeof(call) - 1, tail);
    assert_true(n < size);

    free(text);

    return function;
}
