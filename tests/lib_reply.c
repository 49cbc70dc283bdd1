/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Replies of the scripts as text.
 */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "lib_reply.h"
#include "lib_text.h"

#include "jr_pack.h"
#include "jr_script.h"


static void text_limits(text_t *text, jr_str_t shared, jr_str_t rest,
    const limits_t *limits);
static void text_record(text_t *text, jr_str_t value);
static int element(const redisReply *reply, size_t n, text_t *text,
    jr_str_t *value);


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
