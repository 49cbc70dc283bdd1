/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Names of keys in Redis, and the digest of a token in its scope.
 */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "jr_digest.h"
#include "jr_key.h"


static void
is_written(const jr_key_t *key, const char *want)
{
    char    text[256];
    size_t  size;

    memset(text, 'x', sizeof(text));

    size = jr_key_size(key);
    assert_int_equal(size, strlen(want));
    assert_ptr_equal(jr_key_write(key, text), text + size);
    assert_memory_equal(text, want, size);
    assert_int_equal(text[size], 'x');
}


static void
keys_are_named_as_documented(void **state)
{
    jr_key_t  key;

    (void) state;

    memset(&key, 0, sizeof(key));
    key.prefix = (jr_str_t) jr_str("jobruns:");
    key.tenant = (jr_str_t) jr_str("acme");
    key.name = (jr_str_t) jr_str("0f");

    key.kind = JR_KEY_TOKEN;
    is_written(&key, "jobruns:{acme}:v1:token:0f");

    key.kind = JR_KEY_ATTEMPT;
    is_written(&key, "jobruns:{acme}:v1:attempt:0f");

    key.kind = JR_KEY_SLOTS;
    key.name = (jr_str_t) jr_str("calls");
    is_written(&key, "jobruns:{acme}:v1:slots:calls");

    key.by = (jr_str_t) jr_str("ws");
    is_written(&key, "jobruns:{acme}:v1:slots:calls:ws");

    memset(&key.name, 0, sizeof(key.name));
    key.kind = JR_KEY_COUNTERS;
    is_written(&key, "jobruns:{acme}:v1:counters:ws");

    memset(&key.by, 0, sizeof(key.by));
    is_written(&key, "jobruns:{acme}:v1:counters");

    key.kind = JR_KEY_OVERRIDES;
    is_written(&key, "jobruns:{acme}:limits");

    memset(&key.prefix, 0, sizeof(key.prefix));
    is_written(&key, "{acme}:limits");
}


static void
digest(const char *const parts[5], char hex[JR_DIGEST_HEX + 1])
{
    size_t    i;
    jr_str_t  s[5];

    for (i = 0; i < 5; i++) {
        s[i].data = parts[i];
        s[i].len = strlen(parts[i]);
    }

    memset(hex, 'x', JR_DIGEST_HEX + 1);
    assert_int_equal(jr_key_token(s[0], s[1], s[2], s[3], s[4], hex), JR_OK);
    assert_int_equal(hex[JR_DIGEST_HEX], 'x');
    hex[JR_DIGEST_HEX] = '\0';
    assert_int_equal(strspn(hex, "0123456789abcdef"), JR_DIGEST_HEX);
}


/* none of the five may be left out, nor end in the place of another */

static void
each_part_of_the_scope_counts(void **state)
{
    char         first[JR_DIGEST_HEX + 1], other[JR_DIGEST_HEX + 1];
    size_t       i;
    const char  *parts[5] = { "tenant", "user", "platform", "ws", "token" };

    (void) state;

    digest(parts, first);
    digest(parts, other);
    assert_string_equal(first, other);

    for (i = 0; i < 5; i++) {
        const char  *part = parts[i];

        parts[i] = "another";
        digest(parts, other);
        assert_string_not_equal(first, other);
        parts[i] = part;
    }

    parts[3] = "wst";
    parts[4] = "oken";
    digest(parts, other);
    assert_string_not_equal(first, other);
}


int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(keys_are_named_as_documented),
        cmocka_unit_test(each_part_of_the_scope_counts),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
