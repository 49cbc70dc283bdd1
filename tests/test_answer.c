/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Stored answers: how they are written, byte by byte, and what is read of
 * values that are not as they were written.
 */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "jr_answer.h"
#include "lib_str.h"


static const char *const  names[JR_ANSWER_HEADERS] = {
    "content-type", "content-encoding", "content-location", "etag", "location",
    "opc-work-request-id", "opc-request-id"
};


/* written into no more than the room that was asked for */

static void
is_written(const jr_answer_t *answer, const char *want)
{
    char    *text;
    size_t   len;

    text = malloc(jr_answer_size(answer));
    assert_non_null(text);

    assert_int_equal(jr_answer_encode(answer, text, &len), JR_OK);
    assert_true(len <= jr_answer_size(answer));
    str_is((jr_str_t) { len, text }, want);

    free(text);
}


static void
an_answer_is_written_as_documented(void **state)
{
    jr_answer_t  answer = { .status = 201 };

    (void) state;

    is_written(&answer, "201 0 0\n");

    answer.body = str("{\"key\":\"k\"}");
    is_written(&answer, "201 0 11\n{\"key\":\"k\"}");

    answer.headers[JR_ANSWER_ETAG] = str("e1");
    answer.headers[JR_ANSWER_CONTENT_TYPE] = str("application/json");
    is_written(&answer, "201 40 11\ncontent-type: application/json\n"
               "etag: e1\n{\"key\":\"k\"}");

    answer.status = 299;
    answer.body.len = 0;
    answer.headers[JR_ANSWER_CONTENT_TYPE].data = NULL;
    answer.headers[JR_ANSWER_CONTENT_TYPE].len = 0;
    answer.headers[JR_ANSWER_REQUEST_ID] = str("");
    is_written(&answer, "299 26 0\netag: e1\nopc-request-id: \n");
}


/* however many digits the lengths have: nothing is read of what is that long */

static void
the_longest_lengths_have_room(void **state)
{
    int          first;
    size_t       i, headers;
    jr_answer_t  answer = { .status = 299 };

    (void) state;

    headers = 0;

    for (i = 0; i < JR_ANSWER_HEADERS; i++) {
        answer.headers[i] = (jr_str_t) { 1000000000000000000, "" };
        headers += strlen(names[i]) + strlen(": ") + answer.headers[i].len + 1;
    }

    answer.body = (jr_str_t) { 10000000000000000000u, "" };

    first = snprintf(NULL, 0, "%u %zu %zu\n", answer.status, headers,
                     answer.body.len);

    assert_true(jr_answer_size(&answer)
                >= (size_t) first + headers + answer.body.len);
}


static void
every_header_comes_back(void **state)
{
    size_t       i, len;
    char         text[512], value[32];
    jr_answer_t  answer, again;

    (void) state;

    for (i = 0; i < JR_ANSWER_HEADERS; i++) {
        str_is(jr_answer_header_name(i), names[i]);

        memset(&answer, 0, sizeof(answer));
        snprintf(value, sizeof(value), "a %zu", i);
        answer.status = 200;
        answer.headers[i] = str(value);
        answer.body = str("\n\0");

        assert_int_equal(jr_answer_encode(&answer, text, &len), JR_OK);
        assert_int_equal(jr_answer_decode((jr_str_t) { len, text }, &again),
                         JR_OK);
        assert_int_equal(again.status, 200);
        str_is(again.body, "\n");

        for (size_t k = 0; k < JR_ANSWER_HEADERS; k++) {
            if (k == i) {
                str_is(again.headers[k], value);

            } else {
                assert_null(again.headers[k].data);
            }
        }
    }
}


static void
what_is_no_answer_is_refused(void **state)
{
    size_t       i;
    jr_answer_t  answer;

    static const char  *const wrong[] = {
        "", "201", "201 0", "201 0 0", "201 0 0 ", "199 0 0\n", "300 0 0\n",
        "2010 0 0\n", "20 0 0\n", " 0 0\n", "201  0\n", "201 0 \n",
        "-201 0 0\n", "+201 0 0\n", "2/1 0 0\n", "2:1 0 0\n", "201 0 x\n",
        "201\n0\n0\n", "201 0 1\n", "201 0 0\nx", "201 0 2\nx", "201 1 0\n",
        "201 2 0\nx", "201 0000000000 0\n", "201 9999999999 0\n",

        /* what a header is that has no end, or is there twice */
        "201 7 0\netag: e", "201 8 2\netag: e\n\n",
        "201 16 0\netag: e\netag: e\n", "201 16 0\netag: \n\netag: e\n",

        /* a value that would end its line for whoever sends it */
        "201 10 0\netag: e\re\n", "201 9 0\netag: e\r\n",
        "201 8 0\netag: \x01\n", "201 8 0\netag: \x1f\n",
        "201 8 0\netag: \x7f\n", "201 26 0\netag: 0123456789abcdef\x0b.\n"
    };

    (void) state;

    for (i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        memset(&answer, 0x55, sizeof(answer));
        assert_int_equal(jr_answer_decode(str(wrong[i]), &answer), JR_INVALID);

        /* nothing of it is told */
        assert_int_equal(answer.status, 0x55555555);
    }
}


static void
bounds_of_an_answer(void **state)
{
    jr_answer_t  answer;

    (void) state;

    assert_int_equal(jr_answer_decode(str("200 0 0\n"), &answer), JR_OK);
    assert_int_equal(answer.status, 200);
    assert_int_equal(answer.body.len, 0);

    assert_int_equal(jr_answer_decode(str("299 000000000 000000001\nx"),
                                      &answer), JR_OK);
    assert_int_equal(answer.status, 299);
    str_is(answer.body, "x");

    assert_int_equal(jr_answer_decode(str("201 10 0\netag: \t~\x80\n"),
                                      &answer), JR_OK);
    str_is(answer.headers[JR_ANSWER_ETAG], "\t~\x80");

    assert_int_equal(jr_answer_decode(str("201 7 0\netag: \n"), &answer),
                     JR_OK);
    assert_non_null(answer.headers[JR_ANSWER_ETAG].data);
    str_is(answer.headers[JR_ANSWER_ETAG], "");
}


/* those of another release are not sent, and do not hide those that are */

static void
other_headers_are_left_out(void **state)
{
    size_t       i, k;
    char         text[128];
    jr_answer_t  answer;

    static const char  *const others[] = {
        "x: y\n", "\n", "etag\n", "etag:\n", "etag:y\n", "eta: y\n",
        "etags: y\n", "ETag: y\n", " etag: y\n", "opc-: y\n", "x: y\nx: y\n",
        "x: a\rb\n"
    };

    (void) state;

    for (i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
        snprintf(text, sizeof(text), "201 %zu 1\n%slocation: l\n%sb",
                 2 * strlen(others[i]) + 12, others[i], others[i]);

        assert_int_equal(jr_answer_decode(str(text), &answer), JR_OK);
        str_is(answer.body, "b");

        for (k = 0; k < JR_ANSWER_HEADERS; k++) {
            if (k == JR_ANSWER_LOCATION) {
                str_is(answer.headers[k], "l");

            } else {
                assert_null(answer.headers[k].data);
            }
        }
    }
}


/* wherever it stands: what is plain is skipped in steps */

static void
control_characters_are_not_stored(void **state)
{
    int          c;
    char         text[64], room[256];
    size_t       at, len;
    jr_answer_t  answer = { .status = 201 };

    (void) state;

    answer.headers[JR_ANSWER_LOCATION] = (jr_str_t) { sizeof(text), text };

    for (c = 0; c < 256; c++) {
        int  good = (c >= 0x20 && c != 0x7f) || c == '\t';

        for (at = 0; at < sizeof(text); at++) {
            memset(text, 'a', sizeof(text));
            text[0] = '\t';
            text[at] = (char) c;

            assert_int_equal(jr_answer_storable(
                                 answer.headers[JR_ANSWER_LOCATION]), good);
            assert_int_equal(jr_answer_encode(&answer, room, &len),
                             good ? JR_OK : JR_INVALID);
        }
    }
}


int
main(void)
{
    const struct CMUnitTest  tests[] = {
        cmocka_unit_test(an_answer_is_written_as_documented),
        cmocka_unit_test(the_longest_lengths_have_room),
        cmocka_unit_test(every_header_comes_back),
        cmocka_unit_test(what_is_no_answer_is_refused),
        cmocka_unit_test(bounds_of_an_answer),
        cmocka_unit_test(other_headers_are_left_out),
        cmocka_unit_test(control_characters_are_not_stored)
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
