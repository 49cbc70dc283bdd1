/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The head of a request on its way out: what is read of it, and what is not
 * one head.
 */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "jr_head.h"


/* reads a copy without a NUL behind it, for the sanitizer to see who reads on;
   what is read points into *copy, to be freed */

static jr_status_e
read_head(const char *text, size_t len, char **copy, jr_head_t *head)
{
    *copy = malloc(len ? len : 1);
    assert_non_null(*copy);
    memcpy(*copy, text, len);

    return jr_head_read((jr_str_t) { len, *copy }, head);
}


static void
is_text(jr_str_t got, const char *want)
{
    assert_int_equal(got.len, strlen(want));
    assert_memory_equal(got.data, want, got.len);
}


static void
one_of_each(void **state)
{
    char       *copy;
    jr_head_t   head;

    static const char  text[] =
        "POST /a/b?c=%3B HTTP/1.1\r\n"
        "HOST: service:8080 \r\n"
        "Content-length:\t17\r\n"
        "authorization: Signature keyId=\"a:b\"\r\n"
        "Opc-Retry-Token:abc\r\n"
        "X-Opc-Retry-Token: not this\r\n"
        "Host2: nor this\r\n"
        ": no name\r\n"
        "X-HTTP-Method: PATCH\r\n"
        "\r\n";

    (void) state;

    assert_int_equal(read_head(text, sizeof(text) - 1, &copy, &head), JR_OK);

    is_text(head.method, "POST");
    is_text(head.target, "/a/b?c=%3B");
    is_text(head.fields[JR_HEAD_HOST].value, "service:8080");
    is_text(head.fields[JR_HEAD_CONTENT_LENGTH].value, "17");
    is_text(head.fields[JR_HEAD_AUTHORIZATION].value,
            "Signature keyId=\"a:b\"");
    is_text(head.fields[JR_HEAD_RETRY_TOKEN].value, "abc");
    assert_int_equal(head.fields[JR_HEAD_HOST].count, 1);
    assert_int_equal(head.fields[JR_HEAD_RETRY_TOKEN].count, 1);
    assert_false(head.chunked);
    assert_false(head.override);

    free(copy);
}


static void
none_and_many(void **state)
{
    char       *copy;
    jr_head_t   head;

    static const char  none[] = "GET / HTTP/1.0\r\n\r\n";
    static const char  many[] =
        "PUT /x y HTTP/1.1\r\n"
        "opc-retry-token: first\r\n"
        "Transfer-Encoding: chunked\r\n"
        "opc-retry-token:\r\n"
        "x-method-override: get, pOsT\r\n"
        "\r\n";

    (void) state;

    assert_int_equal(read_head(none, sizeof(none) - 1, &copy, &head), JR_OK);
    is_text(head.target, "/");
    assert_null(head.fields[JR_HEAD_HOST].value.data);
    assert_int_equal(head.fields[JR_HEAD_HOST].count, 0);
    assert_int_equal(head.fields[JR_HEAD_CONTENT_LENGTH].count, 0);
    free(copy);

    assert_int_equal(read_head(many, sizeof(many) - 1, &copy, &head), JR_OK);
    is_text(head.method, "PUT");
    is_text(head.target, "/x y");
    is_text(head.fields[JR_HEAD_RETRY_TOKEN].value, "first");
    assert_int_equal(head.fields[JR_HEAD_RETRY_TOKEN].count, 2);
    assert_true(head.chunked);
    assert_true(head.override);
    free(copy);
}


/* each name that a method is read from, and no other */

static void
overrides(void **state)
{
    char        text[256], *copy;
    size_t      i;
    jr_head_t   head;

    static const struct {
        const char  *line;
        int          override;
    } cases[] = {
        { "X-HTTP-Method-Override: POST", 1 },
        { "x-http-method:post", 1 },
        { "X-Method-Override: Post", 1 },
        { "X-Method-Override: pos", 0 },
        { "X-HTTP-Method-Override: PUT", 0 },
        { "X-HTTP-Methods: POST", 0 },
        { "X-Note: POST", 0 }
    };

    (void) state;

    for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        strcpy(text, "GET /a HTTP/1.1\r\n");
        strcat(strcat(text, cases[i].line), "\r\n\r\n");

        assert_int_equal(read_head(text, strlen(text), &copy, &head), JR_OK);
        assert_int_equal(head.override, cases[i].override);
        free(copy);
    }
}


static void
not_one_head(void **state)
{
    char       *copy;
    size_t      i;
    jr_head_t   head;

    static const char *const  texts[] = {
        "",
        "\r\n",
        "\r\n\r\n",
        "POST /a HTTP/1.1",
        "POST /a HTTP/1.1\r\n",
        "POST /a HTTP/1.1\r\nHost: a\r\n",
        "POST /a HTTP/1.1\n\n",
        "POST /a HTTP/1.1\r\nHost: a\n\r\n",
        "POST /a HTTP/1.1\r\nA: b\rHost: a\r\n\r\n",
        "POST /a HTTP/1.1\r\nA: b\n\nPOST /b HTTP/1.1\r\n\r\n",
        "POST /a HTTP/1.1\r\n\r\nbody",
        "GET /a HTTP/1.1\r\nX: y\r\n\r\nPOST /b HTTP/1.1\r\n\r\n",
        "POST /a HTTP/2.0\r\n\r\n",
        "POST /a HTTP/1.2\r\n\r\n",
        "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        "POST /a\r\n\r\n",
        "POST HTTP/1.1\r\n\r\n",
        " /a HTTP/1.1\r\n\r\n",
        " HTTP/1.1\r\n\r\n",
        "get key\r\n",
        "25:CONTENT_LENGTH",
    };

    static const char  binary[] = "\1\1\0\1\0\10\0\0\0\1\0\0\0\0\0\0";

    (void) state;

    for (i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        assert_int_equal(read_head(texts[i], strlen(texts[i]), &copy, &head),
                         JR_INVALID);
        free(copy);
    }

    assert_int_equal(read_head(binary, sizeof(binary), &copy, &head),
                     JR_INVALID);
    free(copy);
}


int
main(void)
{
    const struct CMUnitTest  tests[] = {
        cmocka_unit_test(one_of_each),
        cmocka_unit_test(none_and_many),
        cmocka_unit_test(overrides),
        cmocka_unit_test(not_one_head),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
