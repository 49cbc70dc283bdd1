/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Records, counters and slots in Redis as text.
 */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "lib_stored.h"
#include "lib_text.h"

#include "jr_pack.h"
#include "jr_script.h"


static int record_read(redis_t *redis, const char *key, jr_str_t *value,
    jr_pack_t *v, redisReply **reply);
static size_t counter_tag(const char *name, char *tag);
static int counter_find(jr_str_t *rest, const char *tag, size_t len,
    jr_pack_t *v);


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
