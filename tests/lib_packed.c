/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Packed values as text.
 */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "lib_packed.h"

#include "jr_outcome.h"
#include "jr_script.h"


#define TEXTS     8
#define TEXT_MAX  8192


typedef struct {
    char    *text;
    size_t   len;
} text_t;


static text_t text_begin(void);
static void text_add(text_t *text, const char *format, ...);
static void text_str(text_t *text, jr_str_t s);
static void text_limits(text_t *text, jr_str_t shared, jr_str_t rest,
    const limits_t *limits);
static void text_record(text_t *text, jr_str_t value);
static int element(const redisReply *reply, size_t n, text_t *text,
    jr_str_t *value);
static int record_read(redis_t *redis, const char *key, jr_str_t *value,
    jr_pack_t *v, redisReply **reply);
static size_t counter_tag(const char *name, char *tag);
static int counter_find(jr_str_t *rest, const char *tag, size_t len,
    jr_pack_t *v);


void
limits_of(const char *text, limits_t *limits)
{
    int          len, kind;
    char         words[2][64];
    jr_limit_t  *l;
    long long    count, burst;

    limits->n = 0;
    limits->slots = 0;

    while (*text != '\0') {
        assert_true(limits->n < LIMITS_MAX);

        l = &limits->limit[limits->n];
        memset(l, 0, sizeof(*l));

        len = 0;
        assert_int_equal(sscanf(text,
                                "%63s %63s %lld %63s %lld %63[a-z_=0-9]%n",
                                words[0], limits->text[limits->n][0], &count,
                                limits->text[limits->n][1], &burst, words[1],
                                &len), 6);

        for (kind = 0; strcmp(jr_limit_kind_name(kind), words[0]) != 0; kind++)
        {
            assert_true(kind < JR_LIMIT_LAST);
        }

        l->kind = (jr_limit_kind_e) kind;
        l->name = (jr_str_t) { strlen(limits->text[limits->n][0]),
                               limits->text[limits->n][0] };
        l->count = count;
        l->burst = burst;
        l->dry_run = strcmp(words[1], "dry_run") == 0;
        l->awaited = strcmp(words[1], "awaited") == 0;
        l->delay = strncmp(words[1], "delay=", 6) == 0 ? atoi(words[1] + 6)
                                                       : 0;

        if (kind == JR_LIMIT_QUOTA) {
            l->window = (jr_str_t) { strlen(limits->text[limits->n][1]),
                                     limits->text[limits->n][1] };
        } else {
            l->period = atoll(limits->text[limits->n][1]);
        }

        limits->slots += (kind == JR_LIMIT_CONCURRENCY);
        limits->n++;

        text += len;
        text += *text ? 2 : 0;
    }
}


const char *
owner_of(const char *owner)
{
    static int   n;
    static char  owners[TEXTS][OWNER_LEN + 1];

    n = (n + 1) % TEXTS;
    memset(owners[n], '.', OWNER_LEN);
    assert_true(strlen(owner) <= OWNER_LEN);
    memcpy(owners[n], owner, strlen(owner));

    return owners[n];
}


void
fingerprint_of(const char *text, jr_pack_t *version, jr_pack_t *bytes)
{
    static int   n;
    static char  prints[TEXTS][32];

    const char  *colon;

    n = (n + 1) % TEXTS;
    colon = strchr(text, ':');
    assert_non_null(colon);

    memset(prints[n], '0', sizeof(prints[n]));
    memcpy(prints[n], colon + 1, strlen(colon + 1));

    version->number = atoi(text);
    bytes->text = (jr_str_t) { sizeof(prints[n]), prints[n] };
}


jr_str_t
settle_letter_of(const char *outcome)
{
    size_t  as;

    for (as = 0; as < JR_SETTLE_AS_LAST; as++) {
        if (jr_str_eq(jr_outcome_settle_words[as].word, outcome,
                      strlen(outcome)))
        {
            return jr_outcome_settle_words[as].letter;
        }
    }

    fail_msg("settled as \"%s\"", outcome);

    return (jr_str_t) { 0, NULL };
}


size_t
done_tail(const char *answer, const char *location, const char *run_key,
    char *dst)
{
    char       *p;
    jr_pack_t   v[JR_DONE_LAST];

    /* the scripts do not look at the sum, but for telling it from another */

    v[JR_DONE_SUM].text = (jr_str_t) { JR_DONE_SUM_LEN, "the sum!" };
    v[JR_DONE_LOCATION].text = (jr_str_t) { strlen(location), location };
    v[JR_DONE_RUN_KEY].text = (jr_str_t) { strlen(run_key), run_key };

    p = jr_pack_write(dst, JR_DONE, v);
    memcpy(p, answer, strlen(answer));

    return (size_t) (p - dst) + strlen(answer);
}


const char *
verdict_text(const redisReply *reply, size_t n, const limits_t *limits)
{
    text_t     text;
    jr_str_t   rest, shared;
    jr_pack_t  v[8], told[JR_SHARED_REPLY_LAST];

    text = text_begin();

    if (!element(reply, n + JR_REPLY_ATTEMPTS, &text, &rest)) {
        return text.text;
    }

    shared = (jr_str_t) { reply->element[JR_REPLY_SHARED]->len,
                          reply->element[JR_REPLY_SHARED]->str };
    assert_int_equal(jr_pack_read(&shared, JR_SHARED_REPLY, told), JR_OK);

    switch (rest.data[-1]) {

    case 'f':
        assert_int_equal(jr_pack_read(&rest, JR_FORWARD, v), JR_OK);
        text_add(&text, "forward %s ",
                 v[0].text.data[0] == 'a' ? "absent"
                 : v[0].text.data[0] == 'u' ? "unknown" : "damaged");
        text_str(&text, told[JR_SHARED_REPLY_OVERRIDES].text);
        text_limits(&text, shared, rest, limits);
        break;

    case 'l':
        assert_int_equal(jr_pack_read(&rest, JR_LIMITED, v), JR_OK);
        text_add(&text, "limited %lld %lld ",
                 (long long) v[JR_LIMITED_INDEX].number,
                 (long long) v[JR_LIMITED_WAIT].number);
        text_str(&text, told[JR_SHARED_REPLY_OVERRIDES].text);
        text_limits(&text, shared, rest, limits);
        break;

    case 'd':
        rest.data -= 2;
        rest.len += 2;
        text_record(&text, rest);
        break;

    case 'r':
        assert_int_equal(jr_pack_read(&rest, JR_RUNNING, v), JR_OK);
        text_add(&text, "running %lld ", (long long) v[0].number);
        text_str(&text, rest);
        break;

    case 'm':
        text_add(&text, "mismatch ");
        text_str(&text, rest);
        break;

    case 'x':
        assert_int_equal(jr_pack_read(&rest, JR_REFUSED, v), JR_OK);
        text_add(&text, "refused ");
        text_str(&text, rest);
        text_add(&text, " %s", v[0].text.data[0] == 'd' ? "damaged" : "\"\"");
        break;

    case 't':
        assert_int_equal(jr_pack_read(&rest, JR_LATE, v), JR_OK);
        text_add(&text, "late %lld", (long long) v[0].number);
        break;

    default:
        fail_msg("a verdict \"%c\"", rest.data[-1]);
    }

    return text.text;
}


const char *
settled_text(const redisReply *reply, size_t n)
{
    text_t     text;
    jr_str_t   rest;
    jr_pack_t  v[2];

    text = text_begin();

    if (!element(reply, n, &text, &rest)) {
        return text.text;
    }

    switch (rest.data[-1]) {

    case 'k':
        text_add(&text, "kept");
        break;

    case 's':
        text_add(&text, "settled freed");
        break;

    case 'u':
        text_add(&text, "settled unknown");
        break;

    case 'd':
        rest.data -= 2;
        rest.len += 2;
        text_add(&text, "done ");
        text_record(&text, rest);
        break;

    case 'x':
        text_add(&text, "fenced %.*s", (int) rest.len, rest.data);
        break;

    case 'o':
        text_add(&text, "foreign");
        break;

    case 'g':
        text_add(&text, "gone");
        break;

    case 't':
        assert_int_equal(jr_pack_read(&rest, JR_LATE, v), JR_OK);
        text_add(&text, "early %lld", (long long) v[0].number);
        break;

    default:
        fail_msg("settled as \"%c\"", rest.data[-1]);
    }

    return text.text;
}


const char *
record_of(redis_t *redis, const char *key, const char *field)
{
    size_t       head, first;
    text_t       text;
    jr_str_t     value, id, own;
    jr_pack_t    v[JR_RECORD_LAST], d[JR_DONE_LAST];
    redisReply  *reply;
    const char  *state;

    text = text_begin();

    if (!record_read(redis, key, &value, v, &reply)) {
        text_add(&text, "(nil)");
        freeReplyObject(reply);
        return text.text;
    }

    state = v[JR_RECORD_STATE].text.data;
    head = (size_t) v[JR_RECORD_HEAD_LEN].number;
    first = (size_t) v[JR_RECORD_FIRST_LEN].number;

    id = (jr_str_t) { first, value.data + JR_RECORD_SIZE };
    own = (jr_str_t) { head - JR_RECORD_SIZE - first, id.data + first };

    value.data += head;
    value.len -= head;

    if (*state == 'd') {
        assert_int_equal(jr_pack_read(&value, JR_DONE, d), JR_OK);
    }

    if ((strchr("ltbkw", *field) != NULL && *state != 'c')
        || (strchr("njax", *field) != NULL && *field != 'x' && *state != 'd')
        || (*field == 'a' && value.len == 0))
    {
        text_add(&text, "(nil)");
        freeReplyObject(reply);
        return text.text;
    }

    switch (*field) {

    case 'v':
        text_str(&text, v[JR_RECORD_FORMAT].text);
        break;

    case 's':
        text_str(&text, v[JR_RECORD_STATE].text);
        break;

    case 'o':
        text_add(&text, "%.*s",
                 (int) strcspn(v[JR_RECORD_OWNER].text.data, "."),
                 v[JR_RECORD_OWNER].text.data);
        break;

    case 'l':
        text_add(&text, "%lld", (long long) v[JR_RECORD_LEASE_END].number);
        break;

    case 't':
        text_add(&text, "%lld", (long long) v[JR_RECORD_LEASE].number);
        break;

    case 'f':
        text_add(&text, "%lld:%.4s", (long long) v[JR_RECORD_VERSION].number,
                 v[JR_RECORD_FINGERPRINT].text.data);
        break;

    case 'r':
        text_str(&text, id);
        break;

    case 'i':
        text_str(&text, own.len ? own : id);
        break;

    case 'x':
        text_add(&text, "%lld", (long long) v[JR_RECORD_END].number);
        break;

    case 'b':
        text_add(&text, "%lld", (long long) v[JR_RECORD_BEGIN].number);
        break;

    case 'k':
    case 'a':
        text_str(&text, value);
        break;

    case 'w':
        text_add(&text, v[JR_RECORD_FLAGS].number ? "u" : "\"\"");
        break;

    case 'n':
        text_str(&text, d[JR_DONE_LOCATION].text);
        break;

    case 'j':
        text_str(&text, d[JR_DONE_RUN_KEY].text);
        break;

    default:
        fail_msg("a record has no \"%s\"", field);
    }

    freeReplyObject(reply);

    return text.text;
}


void
record_set(redis_t *redis, const char *key, const char *field, int64_t value)
{
    char        *copy;
    jr_str_t     text;
    jr_pack_t    v[JR_RECORD_LAST];
    redisReply  *reply, *set;

    assert_true(record_read(redis, key, &text, v, &reply));

    copy = malloc(text.len);
    assert_non_null(copy);
    memcpy(copy, text.data, text.len);

    v[*field == 'l' ? JR_RECORD_LEASE_END
      : *field == 't' ? JR_RECORD_LEASE : JR_RECORD_END].number = value;
    (void) jr_pack_write(copy, JR_RECORD_HEAD, v);

    set = redis_reply(redis, "SET %s %b KEEPTTL", key, copy, text.len);
    assert_int_equal(set->type, REDIS_REPLY_STATUS);

    freeReplyObject(set);
    freeReplyObject(reply);
    free(copy);
}


const char *
counter(redis_t *redis, const char *name)
{
    char         tag[64];
    size_t       len;
    text_t       text;
    jr_str_t     rest;
    jr_pack_t    v[JR_COUNTER_LAST];
    redisReply  *reply;

    text = text_begin();
    len = counter_tag(name, tag);
    tag[1] = strchr(strchr(name, ':') + 1, ':') ? tag[1] : '*';
    reply = redis_reply(redis, "GET {t}:counters");
    rest = (jr_str_t) { reply->len, reply->str };

    if (reply->type == REDIS_REPLY_STRING
        && counter_find(&rest, tag, len, v))
    {
        text_add(&text, "%lld %lld", (long long) v[JR_COUNTER_SINCE].number,
                 (long long) v[JR_COUNTER_COUNT].number);
    } else {
        text_add(&text, "(nil)");
    }

    freeReplyObject(reply);

    return text.text;
}


/* ends late enough not to be what a test sees */

void
counter_set(redis_t *redis, const char *name, const char *value)
{
    char         all[1024], *p;
    size_t       len;
    jr_pack_t    v[JR_COUNTER_LAST];
    long long    since, count;
    redisReply  *reply;

    assert_int_equal(sscanf(value, "%lld %lld", &since, &count), 2);

    v[JR_COUNTER_END].number = INT64_C(9000000000000);
    v[JR_COUNTER_SINCE].number = since;
    v[JR_COUNTER_COUNT].number = count;

    reply = redis_reply(redis, "GET {t}:counters");
    p = all;

    if (reply->type == REDIS_REPLY_STRING) {
        memcpy(p, reply->str, reply->len);
        p += reply->len;

    } else {
        *p++ = JR_SCRIPT_FORMAT[0];
    }

    freeReplyObject(reply);

    len = counter_tag(name, p);
    p = jr_pack_write(p + len, JR_COUNTER, v);

    reply = redis_reply(redis, "SET {t}:counters %b", all,
                        (size_t) (p - all));
    assert_int_equal(reply->type, REDIS_REPLY_STATUS);
    freeReplyObject(reply);
}


const char *
slots(redis_t *redis, const char *name, int scores)
{
    size_t       i;
    text_t       text;
    redisReply  *reply;
    const char  *word;

    text = text_begin();
    reply = redis_reply(redis, scores ? "ZRANGE {t}:slots:%s 0 -1 WITHSCORES"
                                      : "ZRANGE {t}:slots:%s 0 -1", name);

    for (i = 0; i < reply->elements; i++) {
        word = reply->element[i]->str;
        text_add(&text, "%s%.*s%s", i ? " " : "",
                 (int) strcspn(word, "."), word,
                 strchr(word, ':') && strchr(word, '.') ? strchr(word, ':')
                                                        : "");
    }

    freeReplyObject(reply);

    return text.text;
}


/* ------------------------------------------------------------------ parts */


static text_t
text_begin(void)
{
    static int   n;
    static char  texts[TEXTS][TEXT_MAX];

    n = (n + 1) % TEXTS;
    texts[n][0] = '\0';

    return (text_t) { texts[n], 0 };
}


static void
text_add(text_t *text, const char *format, ...)
{
    va_list  args;

    va_start(args, format);
    text->len += (size_t) vsnprintf(text->text + text->len,
                                    TEXT_MAX - text->len, format, args);
    va_end(args);

    assert_true(text->len < TEXT_MAX);
}


static void
text_str(text_t *text, jr_str_t s)
{
    if (s.len == 0) {
        text_add(text, "\"\"");

    } else {
        text_add(text, "%.*s", (int) s.len, s.data);
    }
}


static void
text_limits(text_t *text, jr_str_t shared, jr_str_t rest,
    const limits_t *limits)
{
    size_t            i;
    jr_limit_state_t  s;

    for (i = 0; rest.len; i++) {
        assert_true(i < limits->n);
        assert_int_equal(jr_limit_in_force(&limits->limit[i], &shared, &s),
                         JR_OK);
        assert_int_equal(jr_limit_measure(&limits->limit[i], &rest, &s),
                         JR_OK);

        text_add(text, " %d %lld %lld %lld %lld %lld", s.state,
                 (long long) s.count, (long long) s.period,
                 (long long) s.burst, (long long) s.remaining,
                 (long long) s.reset);

        if (s.state == JR_LIMIT_DELAYED) {
            text_add(text, " turn %lld", (long long) jr_limit_turn(&s));
        }
    }
}


/* "replay ANSWER ID", "unkept LOCATION RUN ID"; behind "done " all four */

static void
text_record(text_t *text, jr_str_t value)
{
    int        settled;
    size_t     head, first;
    jr_str_t   id;
    jr_pack_t  v[JR_RECORD_LAST], d[JR_DONE_LAST];

    settled = text->len != 0;
    id = value;

    assert_int_equal(jr_pack_read(&id, JR_RECORD_HEAD, v), JR_OK);

    head = (size_t) v[JR_RECORD_HEAD_LEN].number;
    first = (size_t) v[JR_RECORD_FIRST_LEN].number;

    id = (jr_str_t) { first, value.data + JR_RECORD_SIZE };

    if (head > JR_RECORD_SIZE + first) {
        id = (jr_str_t) { head - JR_RECORD_SIZE - first, id.data + first };
    }

    value.data += head;
    value.len -= head;

    assert_int_equal(jr_pack_read(&value, JR_DONE, d), JR_OK);

    if (value.len && !settled) {
        text_add(text, "replay ");
        text_str(text, value);

    } else {
        if (settled) {
            text_str(text, value);
            text_add(text, " ");
        } else {
            text_add(text, "unkept ");
        }

        text_str(text, d[JR_DONE_LOCATION].text);
        text_add(text, " ");
        text_str(text, d[JR_DONE_RUN_KEY].text);
    }

    text_add(text, " ");
    text_str(text, id);
}


/* what is behind form and letter; 0: there is an error in its place */

static int
element(const redisReply *reply, size_t n, text_t *text, jr_str_t *value)
{
    if (reply->type != REDIS_REPLY_ARRAY) {
        text_add(text, "%s", redis_reply_text(reply));
        return 0;
    }

    assert_true(n < reply->elements);

    reply = reply->element[n];
    assert_int_equal(reply->type, REDIS_REPLY_STRING);
    assert_true(reply->len >= 2);
    assert_int_equal(reply->str[0], JR_SCRIPT_FORMAT[0]);

    *value = (jr_str_t) { reply->len - 2, reply->str + 2 };

    if (reply->str[1] == JR_VERDICT_ERROR[0]) {
        text_add(text, "(error) %.*s", (int) value->len, value->data);
        return 0;
    }

    if (value->len >= TEXT_MAX / 2) {
        text_add(text, "large %c", reply->str[1]);
        return 0;
    }

    return 1;
}


static int
record_read(redis_t *redis, const char *key, jr_str_t *value, jr_pack_t *v,
    redisReply **reply)
{
    jr_str_t  rest;

    *reply = redis_reply(redis, "GET %s", key);

    if ((*reply)->type != REDIS_REPLY_STRING) {
        return 0;
    }

    *value = (jr_str_t) { (*reply)->len, (*reply)->str };
    rest = *value;

    assert_int_equal(jr_pack_read(&rest, JR_RECORD_HEAD, v), JR_OK);

    return 1;
}


/* of "rate:r", "quota:q:day" */

static size_t
counter_tag(const char *name, char *tag)
{
    size_t       len;
    const char  *limit, *window;

    limit = strchr(name, ':') + 1;
    window = strchr(limit, ':');
    len = window ? (size_t) (window - limit) : strlen(limit);

    tag[0] = name[0];
    tag[1] = window ? window[1] : name[0] == 'q' ? 'h' : '-';
    tag[2] = (char) len;
    memcpy(tag + 3, limit, len);

    return 3 + len;
}


static int
counter_find(jr_str_t *rest, const char *tag, size_t len, jr_pack_t *v)
{
    int     same;
    size_t  size;

    rest->data++;
    rest->len--;

    while (rest->len) {
        size = 3 + (size_t) rest->data[2];
        same = size == len && rest->data[0] == tag[0]
               && (tag[1] == '*' || rest->data[1] == tag[1])
               && memcmp(rest->data + 2, tag + 2, len - 2) == 0;

        rest->data += size;
        rest->len -= size;

        assert_int_equal(jr_pack_read(rest, JR_COUNTER, v), JR_OK);

        if (same) {
            return 1;
        }
    }

    return 0;
}
