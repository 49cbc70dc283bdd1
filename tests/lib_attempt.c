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
#include "lib_packed.h"
#include "lib_reply.h"
#include "lib_stored.h"

#include "jr_embedded.h"
#include "jr_limit.h"
#include "jr_script.h"


#define WORDS_MAX  128
#define WORD_MAX   1024


/* a command under construction; the words are copies */
typedef struct {
    char     words[WORDS_MAX][WORD_MAX];
    size_t   lens[WORDS_MAX];
    size_t   n;
} words_t;


static redisReply *run(redis_t *redis, const char *name, const words_t *keys,
    const words_t *args, int64_t time);
static redisReply *eval(redis_t *redis, const char *text,
    const words_t *keys, const words_t *args);
static void put(words_t *words, const char *text, size_t len);
static void put_text(words_t *words, const char *format, ...);
static void put_admit(words_t *keys, words_t *args, const attempt_t *a,
    size_t n);
static void put_settle(redis_t *redis, words_t *args, const attempt_t *a,
    const char *outcome, int64_t lost, const char *tail, size_t len);
static void begin_of(redis_t *redis, const attempt_t *a, jr_pack_t *v);
static void put_limits(words_t *keys, words_t *shared, const attempt_t *a);
static void put_shared(words_t *args, const attempt_t *a,
    const limits_t *limits);
static void put_record(words_t *keys, const attempt_t *a);


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
    const char *text;

    admit_all(redis, a, 1, &text, time);

    return text;
}


void
admit_all(redis_t *redis, const attempt_t *a, size_t n, const char **texts,
    int64_t time)
{
    size_t       i;
    limits_t     limits;
    redisReply  *reply;

    static words_t  keys, args;

    keys.n = args.n = 0;

    put_admit(&keys, &args, a, n);
    limits_of(a->limits, &limits);

    reply = run(redis, "admit", &keys, &args, time);

    for (i = 0; i < n; i++) {
        texts[i] = verdict_text(reply, i, &limits);
    }

    freeReplyObject(reply);
}


const char *
admit_driven(redis_t *redis, const attempt_t *a, const char *driver)
{
    char        *function, *text;
    size_t       size;
    limits_t     limits;
    redisReply  *reply;
    const char  *got;

    static words_t  keys, args;

    keys.n = args.n = 0;

    put_admit(&keys, &args, a, 1);

    function = script_function("admit");
    size = strlen(function) + strlen(driver) + 1;
    text = malloc(size);
    assert_non_null(text);
    snprintf(text, size, "%s%s", function, driver);

    limits_of(a->limits, &limits);

    reply = eval(redis, text, &keys, &args);
    got = reply->type == REDIS_REPLY_ARRAY
          && reply->element[0]->type == REDIS_REPLY_STRING
          ? verdict_text(reply, 0, &limits) : redis_reply_text(reply);
    freeReplyObject(reply);

    free(function);
    free(text);

    return got;
}


const char *
renew(redis_t *redis, const attempt_t *a, int64_t time)
{
    redisReply  *reply;
    const char  *got;

    static words_t  keys, args;

    keys.n = args.n = 0;

    put_limits(&keys, &args, a);
    put_record(&keys, a);
    put(&args, owner_of(a->owner), OWNER_LEN);

    reply = run(redis, "renew", &keys, &args, time);
    got = redis_reply_text(reply);
    freeReplyObject(reply);

    return got;
}


const char *
settle(redis_t *redis, const attempt_t *a, const char *outcome, int64_t time)
{
    const char *text;

    settle_all(redis, a, 1, &outcome, &text, time);

    return text;
}


void
settle_all(redis_t *redis, const attempt_t *a, size_t n,
    const char *const *outcomes, const char **texts, int64_t time)
{
    char         tail[WORD_MAX];
    size_t       i, len;
    redisReply  *reply;

    static words_t  keys, args;

    keys.n = args.n = 0;

    put_limits(&keys, &args, a);

    for (i = 0; i < n; i++) {
        put_record(&keys, &a[i]);

        len = strcmp(outcomes[i], "created") == 0
              ? done_tail("", "", "", tail) : 0;
        put_settle(redis, &args, &a[i], outcomes[i], a[i].lost, tail, len);
    }

    reply = run(redis, "settle", &keys, &args, time);

    for (i = 0; i < n; i++) {
        texts[i] = settled_text(reply, i);
    }

    freeReplyObject(reply);
}


const char *
settle_created(redis_t *redis, const attempt_t *a, const char *answer,
    const char *location, const char *run_key, int64_t time)
{
    char         tail[WORD_MAX];
    size_t       len;
    redisReply  *reply;
    const char  *got;

    static words_t  keys, args;

    keys.n = args.n = 0;

    put_limits(&keys, &args, a);
    put_record(&keys, a);

    len = done_tail(answer, location, run_key, tail);
    put_settle(redis, &args, a, "created", 0, tail, len);

    reply = run(redis, "settle", &keys, &args, time);
    got = settled_text(reply, 0);
    freeReplyObject(reply);

    return got;
}


static void
put_admit(words_t *keys, words_t *args, const attempt_t *a, size_t n)
{
    char        text[WORD_MAX];
    size_t      i;
    jr_pack_t   v[JR_ADMIT_LAST];

    put_text(keys, "{t}:limits");
    put_text(args, "%016lld", a->deadline);
    put_limits(keys, args, a);

    for (i = 0; i < n; i++, a++) {
        put_record(keys, a);

        v[JR_ADMIT_OWNER].text = (jr_str_t) { OWNER_LEN, owner_of(a->owner) };
        fingerprint_of(a->fingerprint, &v[JR_ADMIT_VERSION],
                       &v[JR_ADMIT_FINGERPRINT]);
        v[JR_ADMIT_LIFE].number = a->ttl;
        v[JR_ADMIT_HEAD_LEN].number = (int64_t) (JR_RECORD_SIZE
                                                 + strlen(a->id));
        v[JR_ADMIT_REQUEST_ID].text = (jr_str_t) { strlen(a->id), a->id };
        v[JR_ADMIT_CORRUPT].text = (jr_str_t) {
            a->corrupt ? JR_DONE_SUM_LEN : 0, a->corrupt };

        put(args, text, (size_t) (jr_pack_write(text, JR_ADMIT, v) - text));
    }
}


static void
put_settle(redis_t *redis, words_t *args, const attempt_t *a,
    const char *outcome, int64_t lost, const char *tail, size_t len)
{
    char       text[WORD_MAX], *p;
    jr_pack_t  v[JR_RECORD_LAST];

    v[JR_RECORD_FORMAT].text = (jr_str_t) jr_str(JR_SCRIPT_FORMAT);
    v[JR_RECORD_STATE].text = settle_letter_of(outcome);
    v[JR_RECORD_FLAGS].number = (a->record ? 0 : JR_SETTLE_ALONE)
                                + (lost ? JR_SETTLE_LOST : 0);
    v[JR_RECORD_LEASE_END].number = lost;
    v[JR_RECORD_LEASE].number = 0;
    v[JR_RECORD_END].number = a->ttl;
    v[JR_RECORD_BEGIN].number = 0;
    v[JR_RECORD_OWNER].text = (jr_str_t) { OWNER_LEN, owner_of(a->owner) };
    fingerprint_of(a->fingerprint, &v[JR_RECORD_VERSION],
                   &v[JR_RECORD_FINGERPRINT]);
    v[JR_RECORD_HEAD_LEN].number = (int64_t) (JR_RECORD_SIZE + strlen(a->id));
    v[JR_RECORD_FIRST_LEN].number = (int64_t) strlen(a->id);

    begin_of(redis, a, v);

    p = jr_pack_write(text, JR_SETTLE, v);
    memcpy(p, a->id, strlen(a->id));
    p += strlen(a->id);

    if (len) {
        memcpy(p, tail, len);
    }

    put(args, text, (size_t) (p - text) + len);
}


/* the begin of a new claim, which its admission was told */

static void
begin_of(redis_t *redis, const attempt_t *a, jr_pack_t *v)
{
    char         key[WORD_MAX];
    jr_str_t     text;
    jr_pack_t    claim[JR_RECORD_LAST];
    redisReply  *reply;

    snprintf(key, sizeof(key), "%s%s", a->record ? a->record : "{t}:attempt:",
             a->record ? "" : a->owner);

    reply = redis_reply(redis, "GET %s", key);
    text = (jr_str_t) { reply->len, reply->str };

    if (reply->type == REDIS_REPLY_STRING
        && jr_pack_read(&text, JR_RECORD_HEAD, claim) == JR_OK
        && claim[JR_RECORD_STATE].text.data[0] == JR_STATE_CLAIMED[0]
        && claim[JR_RECORD_FLAGS].number == 0
        && memcmp(claim[JR_RECORD_OWNER].text.data, owner_of(a->owner),
                  OWNER_LEN)
           == 0)
    {
        v[JR_RECORD_BEGIN].number = claim[JR_RECORD_BEGIN].number;
        v[JR_RECORD_END].number += claim[JR_RECORD_BEGIN].number;
    }

    freeReplyObject(reply);
}


/* keys of limits, those of slots first, and what all scripts get of them */

static void
put_limits(words_t *keys, words_t *args, const attempt_t *a)
{
    size_t    i;
    limits_t  limits;

    limits_of(a->limits, &limits);

    for (i = 0; i < limits.n; i++) {
        if (limits.limit[i].kind == JR_LIMIT_CONCURRENCY) {
            put_text(keys, "{t}:slots:%.*s", (int) limits.limit[i].name.len,
                     limits.limit[i].name.data);
        }
    }

    if (limits.slots < limits.n) {
        put_text(keys, "{t}:counters");
    }

    put_shared(args, a, &limits);
}


static void
put_shared(words_t *args, const attempt_t *a, const limits_t *limits)
{
    char       text[WORD_MAX], *p;
    size_t     i;
    unsigned   slot;
    jr_pack_t  v[JR_SHARED_LAST];

    v[JR_SHARED_FORMAT].text = (jr_str_t) jr_str(JR_SCRIPT_FORMAT);
    v[JR_SHARED_REFUSE].number = strcmp(a->unknown, "refuse") == 0;
    v[JR_SHARED_LEASE].number = a->lease;
    v[JR_SHARED_SLOTS].number = (int64_t) limits->slots;
    v[JR_SHARED_LIMITS].number = (int64_t) limits->n;

    p = jr_pack_write(text, JR_SHARED, v);

    for (i = 0, slot = 0; i < limits->n; i++) {
        assert_true(p + jr_limit_packed_size(&limits->limit[i])
                    < text + WORD_MAX);
        p = jr_limit_pack(&limits->limit[i],
                          limits->limit[i].kind == JR_LIMIT_CONCURRENCY
                          ? ++slot : limits->slots + 1, p);
    }

    put(args, text, (size_t) (p - text));
}


static void
put_record(words_t *keys, const attempt_t *a)
{
    if (a->record != NULL) {
        put_text(keys, "%s", a->record);

    } else {
        put_text(keys, "{t}:attempt:%s", a->owner);
    }
}


static void
put(words_t *words, const char *text, size_t len)
{
    assert_true(words->n < WORDS_MAX && len <= WORD_MAX);

    memcpy(words->words[words->n], text, len);
    words->lens[words->n++] = len;
}


static void
put_text(words_t *words, const char *format, ...)
{
    int      n;
    char     text[WORD_MAX];
    va_list  args;

    va_start(args, format);
    n = vsnprintf(text, sizeof(text), format, args);
    va_end(args);

    assert_true(n >= 0 && n < WORD_MAX);

    put(words, text, (size_t) n);
}


static redisReply *
run(redis_t *redis, const char *name, const words_t *keys,
    const words_t *args, int64_t time)
{
    char        *text, *driven;
    size_t       size;
    redisReply  *reply;

    static words_t     timed;
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
    put_text(&timed, "%lld", (long long) (time / SECOND));
    put_text(&timed, "%lld", (long long) (time % SECOND));

    reply = eval(redis, driven, keys, &timed);

    free(text);
    free(driven);

    return reply;
}


static redisReply *
eval(redis_t *redis, const char *text, const words_t *keys,
    const words_t *args)
{
    int          argc;
    char         nkeys[24];
    size_t       i, lens[2 * WORDS_MAX + 8];
    const char  *argv[2 * WORDS_MAX + 8];

    snprintf(nkeys, sizeof(nkeys), "%zu", keys->n);

    argc = 0;
    argv[argc] = "EVAL";
    lens[argc++] = 4;
    argv[argc] = text;
    lens[argc++] = strlen(text);
    argv[argc] = nkeys;
    lens[argc++] = strlen(nkeys);

    for (i = 0; i < keys->n; i++) {
        argv[argc] = keys->words[i];
        lens[argc++] = keys->lens[i];
    }

    for (i = 0; i < args->n; i++) {
        argv[argc] = args->words[i];
        lens[argc++] = args->lens[i];
    }

    return redis_reply_argv(redis, argc, argv, lens);
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
    char    *text, *begin, *at, *function, *p;
    size_t   size, n;

    static const char  call[] = "redis.call(\"TIME\")";
    static const char  left[] = "call(\"PTTL\", ";

    /* what is left of a key, by the same clock */
    static const char  head[] =
        "local function script(KEYS, ARGV, NOW)\n"
        "local function PTTL(key)\n"
        "  local ends = redis.call('PEXPIRETIME', key)\n"
        "  local now = NOW[1] * 1000 + math.floor(NOW[2] / 1000)\n"
        "  return ends < 0 and ends or ends - now\n"
        "end\n";
    static const char  tail[] = "\nend\n";

    text = script_text(name);
    begin = text;

    /* flags of a script are for Redis alone */

    if (strncmp(text, "#!", 2) == 0) {
        begin = strchr(text, '\n');
        assert_non_null(begin);
    }

    for (p = begin; (p = strstr(p, left)) != NULL; /* void */) {
        memcpy(p, "PTTL(        ", sizeof(left) - 1);
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


const char *
record(redis_t *redis, const attempt_t *a, const char *field)
{
    char  key[WORD_MAX];

    snprintf(key, sizeof(key), "%s%s",
             a->record ? a->record : "{t}:attempt:",
             a->record ? "" : a->owner);

    return record_of(redis, key, field);
}
