/*
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


int
main(void)
{
    const struct CMUnitTest  tests[] = {
        cmocka_unit_test(the_member_is_found),
        cmocka_unit_test(what_is_no_such_member_is_not)
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
