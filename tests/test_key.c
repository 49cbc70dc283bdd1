/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Names of keys: written, taken apart, and refused.
 */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "jr_digest.h"
#include "jr_key_read.h"


#define S(text)  ((jr_str_t) { sizeof(text) - 1, text })


typedef struct {
    jr_key_t     key;
    const char  *text;
} key_case_t;


static const jr_str_t  none = { 0, "" };


static int
same(jr_str_t one, jr_str_t other)
{
    return one.len == other.len
           && (one.len == 0 || memcmp(one.data, other.data, one.len) == 0);
}


static void
test_written_and_read(void **state)
{
    char        buf[256];
    size_t      i, len;
    jr_key_t    back;
    key_case_t  cases[] = {
        { { S("jobruns:"), S("t1"), JR_KEY_TOKEN, S("ab12"), none },
          "jobruns:{t1}:v1:token:ab12" },
        { { S("jobruns:"), S("t1"), JR_KEY_ATTEMPT, S("0f"), none },
          "jobruns:{t1}:v1:attempt:0f" },
        { { S("p:"), S("ocid1.tenancy:x"), JR_KEY_OVERRIDES, none, none },
          "p:{ocid1.tenancy:x}:limits" },
        { { S(""), S("t"), JR_KEY_COUNTERS, none, none },
          "{t}:v1:counters" },
        { { S("j:"), S("t"), JR_KEY_COUNTERS, none, S("a:b") },
          "j:{t}:v1:counters:a:b" },
        { { S("j:"), S("t"), JR_KEY_SLOTS, S("once"), none },
          "j:{t}:v1:slots:once" },
        { { S("j:"), S("t"), JR_KEY_SLOTS, S("once"), S("w:x") },
          "j:{t}:v1:slots:once:w:x" }
    };

    (void) state;

    for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        len = strlen(cases[i].text);

        assert_int_equal(jr_key_size(&cases[i].key), len);
        assert_ptr_equal(jr_key_write(&cases[i].key, buf), buf + len);
        assert_memory_equal(buf, cases[i].text, len);

        assert_int_equal(jr_key_read((jr_str_t) { len, buf },
                                     cases[i].key.prefix, &back), JR_OK);
        assert_int_equal(back.kind, cases[i].key.kind);
        assert_true(jr_str_eq(back.tenant, cases[i].key.tenant.data,
                              cases[i].key.tenant.len));
        assert_true(jr_str_eq(back.name, cases[i].key.name.data,
                              cases[i].key.name.len));
        assert_true(same(back.by, cases[i].key.by));
    }
}


static void
test_not_ours(void **state)
{
    size_t    i;
    jr_key_t  key;

    static const char *const  texts[] = {
        "", "jobruns:", "jobruns:t", "jobruns:{t", "other:{t}:limits",
        "jobruns:{t}", "jobruns:{t}:v2:token:a", "jobruns:{t}:v1:tok:a",
        "jobruns:{t}:v1:countersx", "jobruns:{t}:v1:slots:"
    };

    (void) state;

    for (i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        assert_int_equal(jr_key_read((jr_str_t) { strlen(texts[i]),
                                                  texts[i] },
                                     S("jobruns:"), &key), JR_INVALID);
    }
}


/* each part of the scope makes another token */

static void
test_token_scope(void **state)
{
    char      one[JR_DIGEST_HEX], other[JR_DIGEST_HEX];
    size_t    i;
    jr_str_t  parts[5] = { S("t"), S("p"), S("i"), S("w"), S("k") };

    (void) state;

    assert_int_equal(jr_key_token(parts[0], parts[1], parts[2], parts[3],
                                  parts[4], one), JR_OK);

    for (i = 0; i < 5; i++) {
        parts[i] = S("x");
        assert_int_equal(jr_key_token(parts[0], parts[1], parts[2], parts[3],
                                      parts[4], other), JR_OK);
        assert_memory_not_equal(one, other, JR_DIGEST_HEX);
        parts[i] = (jr_str_t) { 1, &"tpiwk"[i] };
    }
}


int
main(void)
{
    const struct CMUnitTest  tests[] = {
        cmocka_unit_test(test_written_and_read),
        cmocka_unit_test(test_not_ours),
        cmocka_unit_test(test_token_scope)
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
