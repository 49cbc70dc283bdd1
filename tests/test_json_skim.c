/* SPDX-License-Identifier: BSD-2-Clause
 *
 * One member of an object, skimmed from its text.
 */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "jr_json_skim.h"


/* want NULL: not found.  Read from a block of just its size, so that the
   address sanitizer sees a step too far. */

static void
key_of(const char *text, const char *want)
{
    char      *copy;
    size_t     len;
    jr_str_t   found;

    len = strlen(text);
    copy = malloc(len ? len : 1);
    assert_non_null(copy);
    memcpy(copy, text, len);

    found = jr_json_skim_string((jr_str_t) { len, copy },
                                (jr_str_t) jr_str("key"));

    if (want == NULL) {
        assert_int_equal(found.len, 0);

    } else {
        assert_int_equal(found.len, strlen(want));
        assert_memory_equal(found.data, want, found.len);
    }

    free(copy);
}


static void
the_member_is_found(void **state)
{
    (void) state;

    key_of("{\"key\":\"a\"}", "a");
    key_of(" \r\n\t{ \"key\" \n:\t \"a b\" , \"x\":1}", "a b");
    key_of("{\"x\":{\"key\":\"inner\"},\"y\":[{\"key\":\"deep\"}],"
           "\"key\":\"outer\"}", "outer");
    key_of("{\"x\":\"key\",\"key\":\"v\"}", "v");
    key_of("{\"x\":\"{[\\\"\",\"key\":\"v\"}", "v");
    key_of("{\"x\":\"\\\\\",\"key\":\"v\"}", "v");
    key_of("{\"x\":\"\\\\\\\"key\\\":\\\"w\",\"key\":\"v\"}", "v");
    key_of("{\"jobKey\":\"j\",\"key\":\"\"}", "");
}


static void
what_is_no_such_member_is_not(void **state)
{
    (void) state;

    key_of("", NULL);
    key_of("{", NULL);
    key_of("{}", NULL);
    key_of("null", NULL);
    key_of("\"key\"", NULL);
    key_of("[\"key\",\"v\"]", NULL);
    key_of("{\"x\":{\"key\":\"inner\"}}", NULL);
    key_of("{\"key\":1}", NULL);
    key_of("{\"key\":null}", NULL);
    key_of("{\"key\":\"a\\u0041\"}", NULL);
    key_of("{\"key", NULL);
    key_of("{\"key\"", NULL);
    key_of("{\"key\":", NULL);
    key_of("{\"key\":\"v", NULL);
    key_of("{\"key\":\"v\\\"", NULL);
    key_of("{} {\"key\":\"behind\"}", NULL);
    key_of("<html>\"key\":\"v\"</html>", NULL);
}


static void
escapes_stay_as_written(void **state)
{
    size_t       i;
    jr_str_t     found;

    static const char  *texts[][2] = {
        { "{\"key\":\"a\"}", "a" },
        { "{\"key\":\"a\\u0041\"}", "a\\u0041" },
        { "{\"key\":\"\\\"\"}", "\\\"" },
        { "{\"key\":\"\"}", "" },
        { "{\"key\":1}", "" },
        { "{\"key\":\"a\\\"", "" },
        { "{\"x\":{\"key\":\"a\"}}", "" },
    };

    (void) state;

    for (i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        found = jr_json_skim_spelled((jr_str_t) { strlen(texts[i][0]),
                                                  texts[i][0] },
                                     (jr_str_t) jr_str("key"));

        assert_int_equal(found.len, strlen(texts[i][1]));

        if (found.len) {
            assert_memory_equal(found.data, texts[i][1], found.len);
        }
    }
}


/* the text stands at the end of its memory: a byte too far is seen */

static int
ends(const char *text)
{
    int     rc;
    char   *copy;
    size_t  len;

    len = strlen(text);
    copy = malloc(len ? len : 1);
    assert_non_null(copy);
    memcpy(copy, text, len);

    rc = jr_json_skim_ends((jr_str_t) { len, copy });

    free(copy);

    return rc;
}


static void
a_whole_text_ends(void **state)
{
    (void) state;

    assert_true(ends("{}"));
    assert_true(ends("[]"));
    assert_true(ends(" \t\r\n{ } \t\r\n"));
    assert_true(ends("{\"a\":[1,{\"b\":\"}\"}],\"c\":\"]\"}"));
    assert_true(ends("{\"a\":\"\\\"}\"}"));
    assert_true(ends("{\"a\":\"\\\\\"}"));
}


static void
a_text_that_is_cut_does_not(void **state)
{
    char        copy[64];
    size_t      i;
    const char  *text = "{\"a\":[1,{\"b\":\"}\\\"]\\\\\"}],\"c\":{}}";

    (void) state;

    assert_true(ends(text));

    for (i = 0; i < strlen(text); i++) {
        memcpy(copy, text, i);
        copy[i] = '\0';
        assert_false(ends(copy));
    }

    assert_false(ends(" "));
    assert_false(ends("null"));
    assert_false(ends("\"{}\""));
    assert_false(ends("{}x"));
    assert_false(ends("{}{}"));
    assert_false(ends("}{"));
    assert_false(ends("<p>{}</p>"));
}


int
main(void)
{
    const struct CMUnitTest  tests[] = {
        cmocka_unit_test(the_member_is_found),
        cmocka_unit_test(what_is_no_such_member_is_not),
        cmocka_unit_test(escapes_stay_as_written),
        cmocka_unit_test(a_whole_text_ends),
        cmocka_unit_test(a_text_that_is_cut_does_not)
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
