/*
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
#include "lib_corpus.h"


#define WORDS_MAX  128
#define WORD_MAX   256


/* a command under construction; the words are copies */
typedef struct {
    char     words[WORDS_MAX][WORD_MAX];
    size_t   n;
} words_t;


static const char *run(redis_t *redis, const char *name, const words_t *keys,
    const words_t *args, int64_t time);
static void add(words_t *words, const char *format, ...);
static void add_record(words_t *keys, const attempt_t *a);
static void add_limits(words_t *keys, words_t *args, const attempt_t *a,
    const char *kind);


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

    add_record(&keys, a);
    add(&keys, "{t}:limits");

    add(&args, "%s", a->owner);
    add(&args, "%s", a->fingerprint);
    add(&args, "%s", a->id);
    add(&args, "%lld", a->lease);
    add(&args, "%lld", a->ttl);
    add(&args, "%s", a->unknown);
    add(&args, "%016lld", a->deadline);

    add_limits(&keys, &args, a, NULL);

    return run(redis, "admit", &keys, &args, time);
}


const char *
renew(redis_t *redis, const attempt_t *a, int64_t time)
{
    words_t  keys = { .n = 0 }, args = { .n = 0 };

    add_record(&keys, a);
    add_limits(&keys, NULL, a, NULL);

    add(&args, "%s", a->owner);
    add(&args, "%lld", a->lease);

    return run(redis, "renew", &keys, &args, time);
}


const char *
settle(redis_t *redis, const attempt_t *a, const char *outcome, int64_t time)
{
    words_t  keys = { .n = 0 }, args = { .n = 0 };

    add_record(&keys, a);
    add_limits(&keys, NULL, a, NULL);

    add(&args, "%s", a->owner);
    add(&args, "%d", a->record != NULL);
    add(&args, "%s", outcome);
    add(&args, "%s", a->fingerprint);
    add(&args, "%s", a->id);
    add(&args, "%lld", a->ttl);
    add(&args, "");
    add(&args, "");
    add(&args, "");
    add(&args, "%lld", a->lease);
    add(&args, "%016lld", a->lost);

    return run(redis, "settle", &keys, &args, time);
}


const char *
settle_created(redis_t *redis, const attempt_t *a, const char *answer,
    const char *location, const char *run_key, int64_t time)
{
    words_t  keys = { .n = 0 }, args = { .n = 0 };

    /* as the gateway does: a creation gives nothing else back */

    add_record(&keys, a);
    add_limits(&keys, NULL, a, "slots");

    add(&args, "%s", a->owner);
    add(&args, "%d", a->record != NULL);
    add(&args, "created");
    add(&args, "%s", a->fingerprint);
    add(&args, "%s", a->id);
    add(&args, "%lld", a->ttl);
    add(&args, "%s", answer);
    add(&args, "%s", location);
    add(&args, "%s", run_key);
    add(&args, "%lld", a->lease);
    add(&args, "%016d", 0);

    return run(redis, "settle", &keys, &args, time);
}


const char *
record(redis_t *redis, const attempt_t *a, const char *field)
{
    words_t  keys = { .n = 0 };

    add_record(&keys, a);

    return redis_text(redis, "HGET %s %s", keys.words[0], field);
}


static void
add_record(words_t *keys, const attempt_t *a)
{
    if (a->record != NULL) {
        add(keys, "%s", a->record);

    } else {
        add(keys, "{t}:attempt:%s", a->owner);
    }
}


/* keys and arguments of the limits, or of those of one kind */

static void
add_limits(words_t *keys, words_t *args, const attempt_t *a, const char *kind)
{
    int          len;
    char         word[6][64];
    const char  *p;

    for (p = a->limits; *p != '\0'; p += len) {

        len = 0;
        assert_int_equal(sscanf(p, "%63s %63s %63s %63s %63s %63[a-z_]%n",
                                word[0], word[1], word[2], word[3], word[4],
                                word[5], &len), 6);

        if (kind == NULL || strcmp(word[0], kind) == 0) {
            add(keys, "{t}:%s:%s", word[0], word[1]);
        }

        for (size_t i = 0; args != NULL && i < 6; i++) {
            add(args, "%s", word[i]);
        }

        len += p[len] == ',' ? 2 : 0;
    }
}


static void
add(words_t *words, const char *format, ...)
{
    int      n;
    va_list  args;

    assert_true(words->n < WORDS_MAX);

    va_start(args, format);
    n = vsnprintf(words->words[words->n], WORD_MAX, format, args);
    va_end(args);

    assert_true(n >= 0 && n < WORD_MAX);

    words->n++;
}


static const char *
run(redis_t *redis, const char *name, const words_t *keys,
    const words_t *args, int64_t time)
{
    int          argc;
    char        *text, *driven, seconds[24], micros[24], nkeys[24];
    size_t       i, size;
    redisReply  *reply;
    const char  *argv[2 * WORDS_MAX + 8];

    static const char  driver[] =
        "local args = {}\n"
        "for i = 1, #ARGV - 2 do args[i] = ARGV[i] end\n"
        "return script(KEYS, args, { ARGV[#ARGV - 1], ARGV[#ARGV] })\n";

    text = time == REAL ? script_text(name) : script_function(name);

    if (time != REAL) {
        size = strlen(text) + sizeof(driver);
        driven = malloc(size);
        assert_non_null(driven);
        snprintf(driven, size, "%s%s", text, driver);
        free(text);
        text = driven;
    }

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

    if (time != REAL) {
        snprintf(seconds, sizeof(seconds), "%lld",
                 (long long) (time / SECOND));
        snprintf(micros, sizeof(micros), "%lld",
                 (long long) (time % SECOND));
        argv[argc++] = seconds;
        argv[argc++] = micros;
    }

    reply = redis_reply_argv(redis, argc, argv, NULL);
    free(text);

    text = (char *) redis_reply_text(reply);
    freeReplyObject(reply);

    return text;
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
    char    path[128];
    size_t  len;

    snprintf(path, sizeof(path), "ngx_module/lua/%s.lua", name);

    return read_file(path, &len);
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
