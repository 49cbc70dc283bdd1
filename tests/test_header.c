/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Header values: where each rule ends.
 */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "jr_header.h"
#include "lib_rules.h"
#include "lib_str.h"


#define LEN(a)  (sizeof(a) / sizeof((a)[0]))


static void
blanks_around_a_value_are_dropped(void **state)
{
    size_t    i;
    jr_str_t  got;

    static const char *const  cases[][2] = {
        { "", "" }, { " ", "" }, { " \t \t", "" }, { "a", "a" },
        { " a", "a" }, { "a\t", "a" }, { "\t a b \t ", "a b" },
        { "\na\r", "\na\r" }, { "\xa0", "\xa0" }
    };

    (void) state;

    for (i = 0; i < LEN(cases); i++) {
        got = jr_header_trim(str(cases[i][0]));
        assert_true(jr_str_eq(got, cases[i][1], strlen(cases[i][1])));
    }
}


static void
a_retry_token_is_64_printable_characters(void **state)
{
    int          ch;
    char         token[66];
    const char  *what;

    (void) state;

    memset(token, 't', sizeof(token));

    assert_int_equal(jr_header_retry_token((jr_str_t) { 0, "" }, &what),
                     JR_INVALID);
    assert_non_null(strstr(what, "none"));
    assert_int_equal(jr_header_retry_token((jr_str_t) { 1, token }, &what),
                     JR_OK);
    assert_int_equal(jr_header_retry_token((jr_str_t) { 64, token }, &what),
                     JR_OK);
    assert_int_equal(jr_header_retry_token((jr_str_t) { 65, token }, &what),
                     JR_INVALID);
    assert_non_null(strstr(what, "64"));

    for (ch = 0; ch < 256; ch++) {
        for (size_t at = 0; at < 3; at++) {
            jr_status_e  want = ch >= 0x20 && ch <= 0x7e ? JR_OK : JR_INVALID;

            memset(token, 't', 3);
            token[at] = (char) ch;
            assert_int_equal(jr_header_retry_token((jr_str_t) { 3, token },
                                                   &what), want);
        }
    }
}


static void
a_request_id_is_of_its_alphabet(void **state)
{
    int          ch, mode;
    char         id[258];
    const char  *what;

    (void) state;

    for (mode = JR_REQUEST_ID_STRICT; mode <= JR_REQUEST_ID_REPLACE; mode++) {

        memset(id, 'A', sizeof(id));

        assert_int_equal(jr_header_request_id((jr_str_t) { 0, id }, mode,
                                              &what), JR_INVALID);
        assert_int_equal(jr_header_request_id((jr_str_t) { 1, id }, mode,
                                              &what), JR_OK);
        assert_int_equal(jr_header_request_id((jr_str_t) { 256, id }, mode,
                                              &what), JR_OK);
        assert_int_equal(jr_header_request_id((jr_str_t) { 257, id }, mode,
                                              &what), JR_INVALID);

        for (ch = 0; ch < 256; ch++) {
            int  ok = ch != 0
                      && strchr("abcdefghijklmnopqrstuvwxyz"
                                "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-", ch)
                         != NULL;

            if (ch == '/' && mode == JR_REQUEST_ID_LENIENT) {
                ok = 1;
            }

            id[1] = (char) ch;
            assert_int_equal(jr_header_request_id((jr_str_t) { 3, id }, mode,
                                                  &what),
                             ok ? JR_OK : JR_INVALID);
        }
    }
}


static void
segments_of_a_lenient_request_id_are_not_empty(void **state)
{
    size_t       i;
    const char  *what;

    static const struct {
        const char   *id;
        jr_status_e   want;
    } cases[] = {
        { "a/b", JR_OK }, { "a/b/c", JR_OK }, { "a-/_b", JR_OK },
        { "/", JR_INVALID }, { "/a", JR_INVALID }, { "a/", JR_INVALID },
        { "a//b", JR_INVALID }, { "a/b/", JR_INVALID }
    };

    (void) state;

    for (i = 0; i < LEN(cases); i++) {
        assert_int_equal(jr_header_request_id(str(cases[i].id),
                                              JR_REQUEST_ID_LENIENT, &what),
                         cases[i].want);
        assert_int_equal(jr_header_request_id(str(cases[i].id),
                                              JR_REQUEST_ID_STRICT, &what),
                         JR_INVALID);
    }
}


static void
a_boolean_is_of_any_case(void **state)
{
    int          flag;
    size_t       i;
    const char  *what;

    static const struct {
        const char   *value;
        jr_status_e   rc;
        int           flag;
    } cases[] = {
        { "true", JR_OK, 1 }, { "True", JR_OK, 1 }, { "TRUE", JR_OK, 1 },
        { "tRuE", JR_OK, 1 }, { "false", JR_OK, 0 }, { "False", JR_OK, 0 },
        { "FALSE", JR_OK, 0 },
        { "", JR_INVALID, 7 }, { "tru", JR_INVALID, 7 },
        { "truee", JR_INVALID, 7 }, { "true ", JR_INVALID, 7 },
        { "1", JR_INVALID, 7 }, { "0", JR_INVALID, 7 },
        { "yes", JR_INVALID, 7 }, { "true,true", JR_INVALID, 7 },
        { "\"true\"", JR_INVALID, 7 }, { "TRU\x05", JR_INVALID, 7 },
        { "fals\xe5", JR_INVALID, 7 }
    };

    (void) state;

    for (i = 0; i < LEN(cases); i++) {
        flag = 7;
        assert_int_equal(jr_header_boolean(str(cases[i].value), &flag, &what),
                         cases[i].rc);
        assert_int_equal(flag, cases[i].flag);
    }
}


static void
a_content_type_is_json(void **state)
{
    size_t       i;
    const char  *what;

    static const struct {
        const char   *value;
        jr_status_e   want;
    } cases[] = {
        { "application/json", JR_OK },
        { "Application/JSON", JR_OK },
        { "application/json;charset=utf-8", JR_OK },
        { "application/json; charset=UTF-8", JR_OK },
        { "application/json \t; \tcharset=\"utf-8\"", JR_OK },
        { "application/json; charset=utf8", JR_OK },
        { "application/json; Charset=Utf-8; x=y", JR_OK },
        { "application/json; x=\"a;b\\\"c\"; charset=utf-8", JR_OK },
        { "application/json; x=\"\"", JR_OK },

        /* one semicolon too many */
        { "application/json;", JR_OK },
        { "application/json; ", JR_OK },
        { "application/json;charset=utf-8;", JR_OK },
        { "application/json;;", JR_INVALID },
        { "application/json; ;", JR_INVALID },
        { "application/json;;charset=utf-8", JR_INVALID },

        { "", JR_INVALID },
        { ";", JR_INVALID },
        { "application/jso", JR_INVALID },
        { "application/jsonx", JR_INVALID },
        { "application/json-patch+json", JR_INVALID },
        { "application/merge-patch+json", JR_INVALID },
        { "text/json", JR_INVALID },
        { "text/plain; application/json", JR_INVALID },
        { "application/json, application/json", JR_INVALID },
        { "application/json charset=utf-8", JR_INVALID },
        { "application/json; charset=latin1", JR_INVALID },
        { "application/json; charset=utf-16", JR_INVALID },
        { "application/json; charset=\"utf-16\"", JR_INVALID },
        { "application/json; charset=utf-8; charset=utf-16", JR_INVALID },
        { "application/json; x=\"a\"; charset=utf-7", JR_INVALID },
        { "application/json; charset", JR_INVALID },
        { "application/json; charset=", JR_INVALID },
        { "application/json; charset =utf-8", JR_INVALID },
        { "application/json; =utf-8", JR_INVALID },
        { "application/json; x=\"a", JR_INVALID },
        { "application/json; x=\"a\\\"", JR_INVALID },
        { "application/json; x=\"a\\", JR_INVALID },
        { "application/json; x=a b", JR_INVALID },
        { "application/json; x=\"a\"b", JR_INVALID },
        { "application/json; x=\xff", JR_INVALID },
        { "application/json; \xe9=1", JR_INVALID }
    };

    (void) state;

    for (i = 0; i < LEN(cases); i++) {
        char         *copy;
        size_t        len = strlen(cases[i].value);
        jr_status_e   rc;

        copy = malloc(len ? len : 1);
        assert_non_null(copy);
        memcpy(copy, cases[i].value, len);

        rc = jr_header_content_type((jr_str_t) { len, copy }, &what);
        free(copy);

        if (rc != cases[i].want) {
            fail_msg("\"%s\": %d", cases[i].value, rc);
        }

        if (rc != JR_OK) {
            assert_non_null(strstr(what, "application/json"));
        }
    }
}


static void
vectors(void **state)
{
    corpus_t  corpus;

    (void) state;

    vectors_run(&corpus, "headers.jsonl", rule_header, NULL);
    corpus_end(&corpus);
}


static void
corpus_headers(void **state)
{
    corpus_t  corpus;

    (void) state;

    if (corpus_run(&corpus, "http_headers.jsonl", rule_header, NULL)) {
        corpus_end(&corpus);
    }
}


static void
corpus_strings(void **state)
{
    corpus_t  corpus;

    (void) state;

    vectors_run(&corpus, "strings.jsonl", rule_string, NULL);
    corpus_end(&corpus);

    if (corpus_run(&corpus, "naughty_strings.jsonl", rule_string, NULL)) {
        corpus_end(&corpus);
    }
}


int
main(void)
{
    const struct CMUnitTest  tests[] = {
        cmocka_unit_test(blanks_around_a_value_are_dropped),
        cmocka_unit_test(a_retry_token_is_64_printable_characters),
        cmocka_unit_test(a_request_id_is_of_its_alphabet),
        cmocka_unit_test(segments_of_a_lenient_request_id_are_not_empty),
        cmocka_unit_test(a_boolean_is_of_any_case),
        cmocka_unit_test(a_content_type_is_json),
        cmocka_unit_test(vectors),
        cmocka_unit_test(corpus_headers),
        cmocka_unit_test(corpus_strings)
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
