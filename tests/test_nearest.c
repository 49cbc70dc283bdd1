/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The nearest right word to a wrong one.
 */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "jr_nearest.h"


typedef struct {
    const char  *name;
    int          other;
} row_t;


static const row_t  rows[] = {
    { "token", 1 }, { "tenant", 2 }, { "inflight", 3 }, { NULL, 0 }
};


static void
says(const char *word, const char *expected)
{
    char  buf[128];

    jr_nearest_say(buf, sizeof(buf), "verb", word, rows, sizeof(row_t));
    assert_string_equal(buf, expected);
}


static void
test_nearest(void **state)
{
    (void) state;

    says("tokn", "unknown verb \"tokn\": did you mean \"token\"?");
    says("tennant", "unknown verb \"tennant\": did you mean \"tenant\"?");
    says("in-flight", "unknown verb \"in-flight\": did you mean \"inflight\"?");
    says("frobnicate", "unknown verb \"frobnicate\": there are token, tenant, "
                       "inflight");
    says("", "unknown verb \"\": there are token, tenant, inflight");
    says("--tokn=x", "unknown verb \"--tokn\": did you mean \"--token\"?");
    says("--zzzzzzzz", "unknown verb \"--zzzzzzzz\": there are --token, "
                       "--tenant, --inflight");
}


/* what does not fit is cut, and nothing is written behind the buffer */

static void
test_small(void **state)
{
    char    buf[64], word[200];
    size_t  size;

    (void) state;

    memset(word, 'x', sizeof(word) - 1);
    word[sizeof(word) - 1] = '\0';

    for (size = 1; size < sizeof(buf); size++) {
        memset(buf, '#', sizeof(buf));
        jr_nearest_say(buf, size, "verb", word, rows, sizeof(row_t));
        assert_true(strlen(buf) < size);
        assert_int_equal(buf[size], '#');
    }
}


int
main(void)
{
    const struct CMUnitTest  tests[] = {
        cmocka_unit_test(test_nearest),
        cmocka_unit_test(test_small)
    };

    return cmocka_run_group_tests_name("nearest", tests, NULL, NULL);
}
