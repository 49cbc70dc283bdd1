/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Packed values and the records of tokens: what is written, byte by byte, and
 * that nothing is read of what is cut, corrupt or somebody else's.
 */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "jr_record.h"
#include "lib_packed.h"
#include "lib_str.h"


#define OWNER        "0123456789abcdef"
#define FINGERPRINT  "fingerprint-of-thirty-two-bytes."


/* as a value of its own, so that a step beyond its end is seen */

static jr_str_t
cut(const char *data, size_t len)
{
    char  *copy;

    copy = malloc(len ? len : 1);
    assert_non_null(copy);
    memcpy(copy, data, len);

    return (jr_str_t) { len, copy };
}


static void
values_are_packed_as_documented(void **state)
{
    char       text[64];
    size_t     len;
    jr_str_t   rest, whole;
    jr_pack_t  v[7], got[7];

    static const char  format[] = ">c1BI2I4I7c3Bc0";
    static const char  want[] = "x\xfe\x01\x02\x7f\xff\xff\xff"
                                "\x1f\xff\xff\xff\xff\xff\xff" "abc\x02" "de";

    (void) state;

    v[0].text = str("x");
    v[1].number = 254;
    v[2].number = 258;
    v[3].number = INT32_MAX;
    v[4].number = JR_PACK_MAX - 1;
    v[5].text = str("abc");
    v[6].text = str("de");

    assert_int_equal(jr_pack_size(format, v), sizeof(want) - 1);

    memset(text, 0x55, sizeof(text));
    whole = packed(text, format, v);
    assert_int_equal(whole.len, sizeof(want) - 1);
    assert_memory_equal(text, want, sizeof(want) - 1);
    assert_int_equal(text[whole.len], 0x55);

    /* with something behind it, which is left */

    for (len = 0; len < sizeof(want) + 9; len++) {
        whole = cut(text, len);
        rest = whole;

        if (len < sizeof(want) - 1) {
            assert_int_equal(jr_pack_read(&rest, format, got), JR_INVALID);
            assert_ptr_equal(rest.data, whole.data);
            assert_int_equal(rest.len, len);

        } else {
            assert_int_equal(jr_pack_read(&rest, format, got), JR_OK);
            assert_int_equal(rest.len, len - (sizeof(want) - 1));
            assert_ptr_equal(rest.data, whole.data + sizeof(want) - 1);

            str_is(got[0].text, "x");
            assert_int_equal(got[1].number, 254);
            assert_int_equal(got[2].number, 258);
            assert_int_equal(got[3].number, INT32_MAX);
            assert_int_equal(got[4].number, JR_PACK_MAX - 1);
            str_is(got[5].text, "abc");
            str_is(got[6].text, "de");
        }

        free((void *) whole.data);
    }
}


static void
numbers_that_lua_cannot_hold_are_refused(void **state)
{
    int        i;
    char       text[8];
    jr_str_t   rest;
    jr_pack_t  v;

    (void) state;

    /* the last bytes there are, and others behind them */

    for (i = 7; i <= 8; i++) {
        memcpy(text, "\x1f\xff\xff\xff\xff\xff\xff", 8);
        rest = (jr_str_t) { (size_t) i, text };
        assert_int_equal(jr_pack_read(&rest, ">I7", &v), JR_OK);
        assert_int_equal(v.number, INT64_C(9007199254740991));

        memcpy(text, "\x20\0\0\0\0\0\0", 8);
        rest = (jr_str_t) { (size_t) i, text };
        assert_int_equal(jr_pack_read(&rest, ">I7", &v), JR_INVALID);
        assert_int_equal(rest.len, i);
    }
}


static void
an_empty_text_needs_no_place(void **state)
{
    char       text[2];
    jr_pack_t  v;

    (void) state;

    v.text = (jr_str_t) { 0, NULL };
    assert_int_equal(packed(text, ">I2c0", &v).len, 2);
    assert_memory_equal(text, "\0\0", 2);
    assert_int_equal(jr_pack_size(">I2c0", &v), 2);
}


/* a head, its ids and a tail; returns its length */

static size_t
record_of(char *dst, char state, size_t head, size_t first, int64_t end,
    const char *behind)
{
    jr_pack_t  v[JR_RECORD_LAST];

    memset(v, 0, sizeof(v));

    v[JR_RECORD_FORMAT].text = str(JR_SCRIPT_FORMAT);
    v[JR_RECORD_STATE].text = (jr_str_t) { 1, &state };
    v[JR_RECORD_LEASE_END].number = 1;
    v[JR_RECORD_LEASE].number = 2;
    v[JR_RECORD_END].number = end;
    v[JR_RECORD_BEGIN].number = 3;
    v[JR_RECORD_OWNER].text = str(OWNER);
    v[JR_RECORD_VERSION].number = 4;
    v[JR_RECORD_FINGERPRINT].text = str(FINGERPRINT);
    v[JR_RECORD_HEAD_LEN].number = (int64_t) head;
    v[JR_RECORD_FIRST_LEN].number = (int64_t) first;

    assert_int_equal(packed(dst, JR_RECORD_HEAD, v).len, JR_RECORD_SIZE);
    memcpy(dst + JR_RECORD_SIZE, behind, strlen(behind));

    return JR_RECORD_SIZE + strlen(behind);
}


static void
a_record_is_read(void **state)
{
    char         text[256];
    size_t       len;
    jr_record_t  record;

    (void) state;

    len = record_of(text, JR_STATE_CLAIMED[0], JR_RECORD_SIZE + 8, 5, 9,
                    "firstownslots");
    assert_int_equal(jr_record_read((jr_str_t) { len, text }, &record), JR_OK);

    str_is(record.first_id, "first");
    str_is(record.id, "own");
    str_is(record.tail, "slots");
    str_is(record.head[JR_RECORD_OWNER].text, OWNER);
    str_is(record.head[JR_RECORD_FINGERPRINT].text, FINGERPRINT);
    assert_int_equal(record.head[JR_RECORD_LEASE_END].number, 1);
    assert_int_equal(record.head[JR_RECORD_LEASE].number, 2);
    assert_int_equal(record.head[JR_RECORD_END].number, 9);
    assert_int_equal(record.head[JR_RECORD_BEGIN].number, 3);
    assert_int_equal(record.head[JR_RECORD_VERSION].number, 4);

    /* the owner is the first attempt */

    len = record_of(text, JR_STATE_UNKNOWN[0], JR_RECORD_SIZE + 5, 5, 9,
                    "first");
    assert_int_equal(jr_record_read((jr_str_t) { len, text }, &record), JR_OK);
    str_is(record.first_id, "first");
    str_is(record.id, "first");
    str_is(record.tail, "");

    /* no id at all, and nothing behind */

    len = record_of(text, JR_STATE_CLAIMED[0], JR_RECORD_SIZE, 0, 9, "");
    assert_int_equal(jr_record_read((jr_str_t) { len, text }, &record), JR_OK);
    str_is(record.id, "");
}


static void
is_no_record(const char *text, size_t len)
{
    jr_str_t     value;
    jr_record_t  record;

    value = cut(text, len);
    assert_int_equal(jr_record_read(value, &record), JR_INVALID);
    free((void *) value.data);
}


static void
what_is_no_record_is_refused(void **state)
{
    int          c;
    char         text[256];
    size_t       len, n;
    jr_record_t  record;

    (void) state;

    len = record_of(text, JR_STATE_DONE[0], JR_RECORD_SIZE + 3, 3, 9,
                    "ids12345678");

    assert_int_equal(jr_record_read((jr_str_t) { len, text }, &record), JR_OK);
    str_is(record.tail, "12345678");

    /* cut anywhere: without the whole sum it is not a done one */

    for (n = 0; n < len; n++) {
        is_no_record(text, n);
    }

    for (c = 0; c < 256; c++) {

        if (c != JR_SCRIPT_FORMAT[0]) {
            text[0] = (char) c;
            is_no_record(text, len);
            text[0] = JR_SCRIPT_FORMAT[0];
        }

        if (c != JR_STATE_CLAIMED[0] && c != JR_STATE_DONE[0]
            && c != JR_STATE_UNKNOWN[0])
        {
            text[1] = (char) c;
            is_no_record(text, len);
            text[1] = JR_STATE_DONE[0];
        }
    }

    /* a head that is shorter than itself or its first id, or beyond the end */

    len = record_of(text, JR_STATE_CLAIMED[0], JR_RECORD_SIZE - 1, 0, 9, "id");
    is_no_record(text, len);
    len = record_of(text, JR_STATE_CLAIMED[0], JR_RECORD_SIZE + 1, 2, 9, "id");
    is_no_record(text, len);
    len = record_of(text, JR_STATE_CLAIMED[0], JR_RECORD_SIZE + 3, 2, 9, "id");
    is_no_record(text, len);

    /* one that never ends */

    len = record_of(text, JR_STATE_CLAIMED[0], JR_RECORD_SIZE + 2, 2, 0, "id");
    is_no_record(text, len);
}


/* a done record with such a tail */

static jr_record_t
done_record(char *dst, const char *tail, size_t len)
{
    jr_record_t  record;

    record_of(dst, JR_STATE_DONE[0], JR_RECORD_SIZE, 0, 9, "");
    memcpy(dst + JR_RECORD_SIZE, tail, len);
    assert_int_equal(jr_record_read((jr_str_t) { JR_RECORD_SIZE + len, dst },
                                    &record), JR_OK);

    return record;
}


static void
a_done_tail_comes_back(void **state)
{
    char              text[512], tail[256];
    size_t            len, with, i;
    jr_answer_t       answer = { .status = 201 };
    jr_record_t       record;
    jr_record_done_t  done;

    (void) state;

    /* no response is stored */

    assert_int_equal(jr_record_write_done(str("/l"), str("k"), NULL, tail,
                                          &len), JR_OK);
    assert_int_equal(len, JR_DONE_SUM_LEN + 2 + 2 + 2 + 1);
    assert_int_equal(len, jr_record_done_size(str("/l"), str("k"), NULL));

    record = done_record(text, tail, len);
    assert_int_equal(jr_record_read_done(&record, &done), JR_OK);
    str_is(done.location, "/l");
    str_is(done.run_key, "k");
    str_is(done.answer, "");
    str_is(jr_record_answer(record.tail), "");

    /* one that has another location */

    answer.headers[JR_ANSWER_LOCATION] = str("/m");
    answer.body = str("{}");

    assert_int_equal(jr_record_write_done(str("/l"), str("k"), &answer, tail,
                                          &with), JR_OK);
    assert_true(with <= jr_record_done_size(str("/l"), str("k"), &answer));

    record = done_record(text, tail, with);
    assert_int_equal(jr_record_read_done(&record, &done), JR_OK);
    str_is(done.location, "/l");
    str_is(done.answer, "201 13 2\nlocation: /m\n{}");
    str_is(jr_record_answer(record.tail), "201 13 2\nlocation: /m\n{}");

    /* one that has this location, which is not stored twice */

    answer.headers[JR_ANSWER_LOCATION] = str("/l");

    assert_int_equal(jr_record_write_done(str("/l"), str("k"), &answer, tail,
                                          &len), JR_OK);
    assert_int_equal(len, with - 2);

    record = done_record(text, tail, len);
    assert_int_equal(jr_record_read_done(&record, &done), JR_OK);
    str_is(done.location, "/l");
    str_is(done.run_key, "k");

    /* any byte of it changed, or cut off: the sum is told all the same */

    for (i = 0; i < len; i++) {
        tail[i] ^= 1;
        record = done_record(text, tail, len);
        assert_int_equal(jr_record_read_done(&record, &done), JR_INVALID);
        assert_int_equal(done.sum.len, JR_DONE_SUM_LEN);
        assert_memory_equal(done.sum.data, tail, JR_DONE_SUM_LEN);
        tail[i] ^= 1;

        if (i >= JR_DONE_SUM_LEN) {
            record = done_record(text, tail, i);
            assert_int_equal(jr_record_read_done(&record, &done), JR_INVALID);
        }
    }

    str_is(jr_record_answer((jr_str_t) { JR_DONE_SUM_LEN + 3, tail }), "");

    /* a header that cannot be stored */

    answer.headers[JR_ANSWER_ETAG] = str("a\nb");
    assert_int_equal(jr_record_write_done(str("/l"), str("k"), &answer, tail,
                                          &len), JR_INVALID);
}


int
main(void)
{
    const struct CMUnitTest  tests[] = {
        cmocka_unit_test(values_are_packed_as_documented),
        cmocka_unit_test(numbers_that_lua_cannot_hold_are_refused),
        cmocka_unit_test(an_empty_text_needs_no_place),
        cmocka_unit_test(a_record_is_read),
        cmocka_unit_test(what_is_no_record_is_refused),
        cmocka_unit_test(a_done_tail_comes_back)
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
