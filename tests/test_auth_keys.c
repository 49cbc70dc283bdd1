/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Files of keys: all forms, and each fault.
 */

/* asprintf() */
#define _GNU_SOURCE

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>

#include "jr_auth_keys.h"
#include "lib_corpus.h"
#include "lib_signer.h"


#define LEN(a)  (sizeof(a) / sizeof((a)[0]))

#define NOW     1795750252
#define VECTORS "tests/vectors/signatures/"

/* what most entries begin with */
#define ID      "\"key-id\":\"t/u/f\""
#define ACTIVE  "\"lifecycle-state\":\"ACTIVE\""


static char            error[JR_AUTH_KEYS_ERROR];
static jr_auth_keys_t *keys;


/* reads one file of that text, in a copy of its own length */

static jr_status_e
read_text(jr_auth_keys_kind_e kind, const char *text, size_t len)
{
    char         *copy;
    jr_status_e   rc;

    copy = malloc(len ? len : 1);
    assert_non_null(copy);
    memcpy(copy, text, len);

    jr_auth_keys_free(keys);
    keys = jr_auth_keys_create(kind);
    assert_non_null(keys);

    error[0] = '\0';
    rc = jr_auth_keys_add(keys, "keys.json", (jr_str_t) { len, copy }, error);
    free(copy);

    if (rc == JR_OK) {
        rc = jr_auth_keys_seal(keys, error);
    }

    assert_int_equal(ERR_peek_error(), 0);

    return rc;
}


static jr_status_e
read_users(const char *text)
{
    return read_text(JR_AUTH_KEYS_OF_USERS, text, strlen(text));
}


static const jr_auth_key_t *
find(const char *id)
{
    char                 *copy;
    size_t                len;
    const jr_auth_key_t  *key;

    len = strlen(id);
    copy = malloc(len ? len : 1);
    assert_non_null(copy);
    memcpy(copy, id, len);

    key = jr_auth_keys_find(keys, (jr_str_t) { len, copy });
    free(copy);

    return key;
}


static int
end(void **state)
{
    (void) state;

    jr_auth_keys_free(keys);
    signer_free();

    return 0;
}


/* ------------------------------------------------------------------ files */

static void
the_forms_of_a_file(void **state)
{
    char                 *text;
    size_t                i, len;
    const jr_auth_key_t  *key, *all;

    static const char *const  files[] = {
        VECTORS "keys.cli.json", VECTORS "keys.api.json",
        VECTORS "keys.jwks.json"
    };

    (void) state;

    for (i = 0; i < LEN(files); i++) {
        text = read_file(files[i], &len);
        assert_int_equal(read_text(JR_AUTH_KEYS_OF_USERS, text, len), JR_OK);
        free(text);

        all = jr_auth_keys_all(keys, &len);
        assert_int_equal(len, i == 0 ? 2 : 1);

        key = find(all[len - 1].id.data);
        assert_ptr_equal(key, &all[len - 1]);
        assert_true(jr_str_eq(key->tenancy, "ocid1.tenancy.oc1..vectors", 26));
        assert_true(key->active);
        assert_int_equal(key->not_after, 0);
        assert_int_equal(key->file, 0);

        if (i == 0) {
            assert_int_equal(all[0].bits + all[1].bits, 4096 + 2048);
        }
    }

    assert_string_equal(jr_auth_keys_file(keys, 0), "keys.json");

    text = read_file(VECTORS "issuer.jwks.json", &len);
    assert_int_equal(read_text(JR_AUTH_KEYS_OF_ISSUER, text, len), JR_OK);
    assert_non_null(find("issuer-1"));
    assert_null(find("other"));
    assert_null(find(""));

    /* an EC key among users' keys is a mistake */
    assert_int_equal(read_text(JR_AUTH_KEYS_OF_USERS, text, len), JR_INVALID);
    assert_non_null(strstr(error, "entry 1, \"other\", is not an RSA key"));
    free(text);
}


/* a list of one entry that has a good key-value and these members; "%s" in
   it is the PEM */

static const char *
fault(const char *fmt)
{
    char  *pem, *text;

    pem = signer_pem_json(signer_key(2048));
    assert_true(asprintf(&text, fmt, pem) >= 0);

    if (read_users(text) == JR_OK) {
        fail_msg("read: %s", fmt);
    }

    free(text);
    free(pem);

    assert_int_equal(strncmp(error, "\"keys.json\": ", 13), 0);

    return error + 13;
}


static void
each_fault_is_named(void **state)
{
    size_t  i;

    static const struct {
        const char  *text;
        const char  *error;
    } faults[] = {
        { "", "line 1, column 0: is not JSON, or not all of it: " },
        { "[", "line 1, column 1: is not JSON, or not all of it: " },
        { "[] x", "line 1, column 4: is not JSON" },
        { "{\"keys\":[],\"keys\":[]}", "line 1, column 17: is not JSON" },
        { "{}", "is neither a list of API keys" },
        { "{\"data\":{}}", "is neither a list of API keys" },
        { "{\"keys\":null}", "is neither a list of API keys" },
        { "{\"keys\":[],\"data\":[]}", "has \"keys\" and \"data\"" },
        { "[1]", "entry 1 is not an object" },
        { "[{" ACTIVE ",\"key-value\":\"%s\"}]",
          "entry 1 has no \"key-id\"" },
        { "[{\"key-id\":7," ACTIVE ",\"key-value\":\"%s\"}]",
          "entry 1 has no \"key-id\"" },
        { "[{\"key-id\":\"t/u/f\",\"keyId\":\"t/u/f\"," ACTIVE
          ",\"key-value\":\"%s\"}]", "entry 1, \"t/u/f\", has a member in both "
          "spellings" },
        { "[{" ID "," ACTIVE ",\"key-value\":\"%s\",\"keyValue\":\"x\"}]",
          "entry 1, \"t/u/f\", has a member in both spellings" },
        { "[{" ID ",\"key-value\":\"%s\"}]",
          "entry 1, \"t/u/f\", has no \"lifecycle-state\"" },
        { "[{" ID ",\"lifecycle-state\":1,\"key-value\":\"%s\"}]",
          "entry 1, \"t/u/f\", has no \"lifecycle-state\"" },
        { "[{" ID "," ACTIVE ",\"lifecycleState\":\"ACTIVE\","
          "\"key-value\":\"%s\"}]", "entry 1, \"t/u/f\", has no \"lifecycle" },
        { "[{" ID "," ACTIVE "}]",
          "entry 1, \"t/u/f\", has no \"key-value\"" },
        { "[{" ID "," ACTIVE ",\"key-value\":\"\"}]",
          "entry 1, \"t/u/f\", is not a public key in PEM" },
        { "[{" ID "," ACTIVE ",\"key-value\":\"-----BEGIN PUBLIC KEY-----\\n"
          "AAAA\\n-----END PUBLIC KEY-----\\n\"}]",
          "entry 1, \"t/u/f\", is a broken public key" },
        { "[{" ID "," ACTIVE ",\"key-value\":\"-----BEGIN PUBLIC KEY-----\\n"
          "Proc-Type: 4,ENCRYPTED\\nDEK-Info: AES-128-CBC,00000000000000000000"
          "000000000000\\n\\nAAAA\\n-----END PUBLIC KEY-----\\n\"}]",
          "entry 1, \"t/u/f\", is a broken public key" },
        { "[{" ID "," ACTIVE ",\"key-value\":\"-----BEGIN RSA PRIVATE KEY-----"
          "\\n%s\"}]", "entry 1, \"t/u/f\", is a private key" },
        { "[{" ID "," ACTIVE ",\"key-value\":\"%1$s%1$s\"}]",
          "entry 1, \"t/u/f\", has more than one key" },
        { "[{" ID "," ACTIVE ",\"key-value\":\"%s\",\"not-after\":\"soon\"}]",
          "entry 1, \"t/u/f\", has a \"not-after\"" },
        { "[{" ID "," ACTIVE ",\"key-value\":\"%s\",\"not-after\":true}]",
          "entry 1, \"t/u/f\", has a \"not-after\"" },
        { "[{" ID "," ACTIVE ",\"key-value\":\"%s\",\"not-after\":0}]",
          "entry 1, \"t/u/f\", has a \"not-after\"" },
        { "[{" ID "," ACTIVE ",\"key-value\":\"%s\",\"not-after\":"
          "\"2026-11-27T03:30:52\"}]",
          "entry 1, \"t/u/f\", has a \"not-after\"" },
        { "[{" ID "," ACTIVE ",\"key-value\":\"%1$s\"},{" ID "," ACTIVE
          ",\"key-value\":\"%1$s\"}]",
          "entry 2: \"t/u/f\" is entry 1 of \"keys.json\", too" },
        { "[{\"key-id\":\"t/u\"," ACTIVE ",\"key-value\":\"%s\"}]",
          "entry 1, \"t/u\", has a keyId that is not <tenancy>/<user>/" },
        { "[{\"key-id\":\"tuf\"," ACTIVE ",\"key-value\":\"%s\"}]",
          "entry 1, \"tuf\", has a keyId that is not" },
        { "[{\"key-id\":\"t/u/\"," ACTIVE ",\"key-value\":\"%s\"}]",
          "entry 1, \"t/u/\", has a keyId that is not" },
        { "[{\"key-id\":\"/u/f\"," ACTIVE ",\"key-value\":\"%s\"}]",
          "entry 1, \"/u/f\", has a keyId that is not" },
        { "[{\"key-id\":\"t//f\"," ACTIVE ",\"key-value\":\"%s\"}]",
          "entry 1, \"t//f\", has a keyId that is not" },
        { "[{\"key-id\":\"t/u/f/g\"," ACTIVE ",\"key-value\":\"%s\"}]",
          "entry 1, \"t/u/f/g\", has a keyId that is not" },
        { "[{\"key-id\":\"resource/v2.1.2/t\"," ACTIVE
          ",\"key-value\":\"%s\"}]", "entry 1, \"resource/v2.1.2/t\", has a" },
        { "[{\"key-id\":\"t/u/f g\"," ACTIVE ",\"key-value\":\"%s\"}]",
          "entry 1, \"t/u/f g\", has a keyId with a blank" },
        { "[{\"key-id\":\"t/u/\\u202ef\"," ACTIVE ",\"key-value\":\"%s\"}]",
          "entry 1, \"t/u/\\u202ef\", has a keyId with a blank" },
        { "[{\"key-id\":\"t/u/f\\\"\"," ACTIVE ",\"key-value\":\"%s\"}]",
          "entry 1, \"t/u/f\\\"\", has a keyId with a blank" },
        { "{\"keys\":[{\"kid\":\"t/u/f\"}]}",
          "entry 1, \"t/u/f\", is not an RSA key for signatures" },
        { "{\"keys\":[{\"kid\":\"t/u/f\",\"kty\":\"EC\"}]}",
          "entry 1, \"t/u/f\", is not an RSA key for signatures" },
        { "{\"keys\":[{\"kid\":\"t/u/f\",\"kty\":\"oct\",\"k\":\"AAAA\"}]}",
          "entry 1, \"t/u/f\", is a private key" },
        { "{\"keys\":[{\"kid\":\"t/u/f\",\"kty\":\"RSA\",\"d\":\"AA\"}]}",
          "entry 1, \"t/u/f\", is a private key" },
        { "{\"keys\":[{\"kid\":\"t/u/f\",\"kty\":\"RSA\",\"use\":\"enc\"}]}",
          "entry 1, \"t/u/f\", is not an RSA key for signatures" },
        { "{\"keys\":[{\"kid\":\"t/u/f\",\"kty\":\"RSA\",\"alg\":\"PS256\"}]}",
          "entry 1, \"t/u/f\", is not an RSA key for signatures" },
        { "{\"keys\":[{\"kid\":\"t/u/f\",\"kty\":\"RSA\",\"n\":\"AA==\","
          "\"e\":\"AQAB\"}]}", "entry 1, \"t/u/f\", has an \"n\" or \"e\"" },
        { "{\"keys\":[{\"kid\":\"t/u/f\",\"kty\":\"RSA\",\"e\":\"AQAB\"}]}",
          "entry 1, \"t/u/f\", has an \"n\" or \"e\"" },
        { "{\"keys\":[{\"kid\":\"t/u/f\",\"kty\":\"RSA\",\"n\":\"AQAB\","
          "\"e\":\"AQAB\"}]}", "entry 1, \"t/u/f\", is an RSA key of less" },
        { "{\"keys\":[{\"kty\":\"RSA\",\"n\":\"AQAB\",\"e\":\"AQAB\"}]}",
          "entry 1 has no \"key-id\" (\"kid\" in a JWKS)" }
    };

    (void) state;

    for (i = 0; i < LEN(faults); i++) {
        (void) fault(faults[i].text);

        if (strncmp(error + 13, faults[i].error, strlen(faults[i].error)) != 0)
        {
            fail_msg("%s: \"%s\" is not \"%s\"", faults[i].text, error + 13,
                     faults[i].error);
        }
    }

    /* of an issuer only a JWKS */
    assert_int_equal(read_text(JR_AUTH_KEYS_OF_ISSUER, "[]", 2), JR_INVALID);
    assert_non_null(strstr(error, "is not a JWKS"));
}


static void
a_file_that_was_cut_is_not_read(void **state)
{
    char    *text;
    size_t   i, len;

    (void) state;

    text = read_file(VECTORS "keys.cli.json", &len);

    while (text[len - 1] != '}') {
        len--;
    }

    for (i = 0; i < len; i++) {
        if (read_text(JR_AUTH_KEYS_OF_USERS, text, i) != JR_INVALID) {
            fail_msg("read with %zu bytes", i);
        }
    }

    assert_int_equal(read_text(JR_AUTH_KEYS_OF_USERS, text, len), JR_OK);

    /* a NUL ends nothing */
    text[len] = '\0';
    assert_int_equal(read_text(JR_AUTH_KEYS_OF_USERS, text, len + 1),
                     JR_INVALID);
    free(text);
}


static void
an_empty_list_is_valid(void **state)
{
    size_t  i, n;

    static const char *const  texts[] = {
        "[]", "{\"data\":[]}", "{\"keys\":[]}"
    };

    (void) state;

    for (i = 0; i < LEN(texts); i++) {
        assert_int_equal(read_users(texts[i]), JR_OK);
        (void) jr_auth_keys_all(keys, &n);
        assert_int_equal(n, 0);
        assert_null(find("t/u/f"));
    }
}


static void
states_and_ends(void **state)
{
    char                 *pem, *text;
    size_t                i;
    const jr_auth_key_t  *key;

    static const struct {
        const char  *members;
        int          active;
        int64_t      not_after;
    } entries[] = {
        { "\"lifecycle-state\":\"ACTIVE\"", 1, 0 },
        { "\"lifecycleState\":\"ACTIVE\",\"notAfter\":null", 1, 0 },
        { "\"lifecycle-state\":\"INACTIVE\"", 0, 0 },
        { "\"lifecycle-state\":\"DELETED\"", 0, 0 },
        { "\"lifecycle-state\":\"active\"", 0, 0 },
        { "\"lifecycle-state\":\"\"", 0, 0 },
        { ACTIVE ",\"not-after\":1795750252", 1, NOW },
        { ACTIVE ",\"not-after\":\"2026-11-27T03:30:52Z\"", 1, NOW },
        { ACTIVE ",\"notAfter\":\"2026-11-27T03:30:52.123456+00:00\"", 1,
          NOW }
    };

    (void) state;

    pem = signer_pem_json(signer_key(2048));

    for (i = 0; i < LEN(entries); i++) {
        assert_true(asprintf(&text, "[{" ID ",\"key-value\":\"%s\",%s}]", pem,
                             entries[i].members) > 0);

        if (read_users(text) != JR_OK) {
            fail_msg("%s: %s", entries[i].members, error);
        }

        key = find("t/u/f");
        assert_non_null(key);
        assert_int_equal(key->active, entries[i].active);
        assert_int_equal(key->not_after, entries[i].not_after);
        free(text);
    }

    free(pem);
}


static void
keys_of_any_size_are_found_by_name(void **state)
{
    char                 *pem, *text, *p, id[64];
    size_t                i, n;
    const jr_auth_key_t  *all;

    static const unsigned  bits[] = { 1024, 2048, 4096 };

    (void) state;

    for (i = 0; i < LEN(bits); i++) {
        pem = signer_pem_json(signer_key(bits[i]));
        assert_true(asprintf(&text, "[{" ID "," ACTIVE
                             ",\"key-value\":\"%s\"}]", pem) > 0);
        assert_int_equal(read_users(text), JR_OK);
        assert_int_equal(find("t/u/f")->bits, bits[i]);
        free(text);
        free(pem);
    }

    /* a thousand, added in no order */

    pem = signer_pem_json(signer_key(1024));
    text = malloc(1000 * (strlen(pem) + 200));
    assert_non_null(text);
    p = text + sprintf(text, "[");

    for (i = 0; i < 1000; i++) {
        p += sprintf(p, "%s{\"keyId\":\"t/u%zu/f\",\"keyValue\":\"%s\","
                     "\"lifecycleState\":\"ACTIVE\"}", i ? "," : "",
                     i * 7919 % 1000, pem);
    }

    strcpy(p, "]");
    assert_int_equal(read_users(text), JR_OK);
    free(text);
    free(pem);

    all = jr_auth_keys_all(keys, &n);
    assert_int_equal(n, 1000);

    for (i = 0; i < 1000; i++) {
        sprintf(id, "t/u%zu/f", i);
        assert_non_null(find(id));
        assert_string_equal(find(id)->id.data, id);
        assert_true(i == 0 || strcmp(all[i - 1].id.data, all[i].id.data) < 0);
    }

    assert_null(find("t/u1000/f"));
    assert_null(find("t/u/f"));
    assert_null(find("t/u1/"));
    assert_null(find("t/u1/ff"));
    assert_null(find("a"));
    assert_null(find("z"));
}


static void
two_files_are_one_set(void **state)
{
    char    *pem, *one, *two;
    size_t   n;

    (void) state;

    pem = signer_pem_json(signer_key(1024));
    assert_true(asprintf(&one, "[{" ID "," ACTIVE ",\"key-value\":\"%s\"}]",
                         pem) > 0);
    assert_true(asprintf(&two, "[{\"key-id\":\"t/v/f\"," ACTIVE
                         ",\"key-value\":\"%s\"}]", pem) > 0);

    assert_int_equal(read_users(one), JR_OK);
    assert_int_equal(jr_auth_keys_add(keys, "second.json",
                                      (jr_str_t) { strlen(two), two }, error),
                     JR_OK);
    assert_int_equal(jr_auth_keys_seal(keys, error), JR_OK);
    (void) jr_auth_keys_all(keys, &n);
    assert_int_equal(n, 2);
    assert_int_equal(find("t/v/f")->file, 1);
    assert_string_equal(jr_auth_keys_file(keys, 1), "second.json");

    assert_int_equal(jr_auth_keys_add(keys, "third.json",
                                      (jr_str_t) { strlen(one), one }, error),
                     JR_OK);
    assert_int_equal(jr_auth_keys_seal(keys, error), JR_INVALID);
    assert_string_equal(error, "\"third.json\": entry 1: \"t/u/f\" is entry 1 "
                        "of \"keys.json\", too; remove one of them");

    free(one);
    free(two);
    free(pem);
}


/* A set takes the place of another while verifying goes on: a thousand times,
   old and new keys in turns. */

static void
sets_are_exchanged_whole(void **state)
{
    char             *pem[2], *text[2];
    size_t            i;
    jr_auth_keys_t   *old;

    (void) state;

    for (i = 0; i < 2; i++) {
        pem[i] = signer_pem_json(signer_key_n(1024, (unsigned) i));
        assert_true(asprintf(&text[i], "[{\"key-id\":\"t/u/%zu\"," ACTIVE
                             ",\"key-value\":\"%s\"}]", i, pem[i]) > 0);
    }

    assert_int_equal(read_users(text[0]), JR_OK);

    for (i = 1; i <= 1000; i++) {
        old = keys;
        keys = NULL;

        if (i % 3 == 0) {
            assert_int_equal(read_text(JR_AUTH_KEYS_OF_USERS, text[i % 2],
                                       strlen(text[i % 2]) - 1), JR_INVALID);
            jr_auth_keys_free(keys);
            keys = old;
            continue;
        }

        assert_int_equal(read_users(text[i % 2]), JR_OK);
        jr_auth_keys_free(old);

        assert_non_null(find(i % 2 ? "t/u/1" : "t/u/0"));
        assert_null(find(i % 2 ? "t/u/0" : "t/u/1"));
    }

    for (i = 0; i < 2; i++) {
        free(text[i]);
        free(pem[i]);
    }
}


static void
a_fingerprint_is_the_consoles(void **state)
{
    char         *text, fingerprint[JR_RSA_FINGERPRINT];
    size_t        len, n;
    const jr_auth_key_t  *all;

    (void) state;

    text = read_file(VECTORS "keys.cli.json", &len);
    assert_int_equal(read_text(JR_AUTH_KEYS_OF_USERS, text, len), JR_OK);
    free(text);

    all = jr_auth_keys_all(keys, &n);

    while (n--) {
        assert_int_equal(jr_rsa_fingerprint(all[n].pkey, fingerprint), JR_OK);
        assert_memory_equal(fingerprint, all[n].id.data + all[n].id.len
                            - JR_RSA_FINGERPRINT, JR_RSA_FINGERPRINT);
    }
}


int
main(void)
{
    const struct CMUnitTest  tests[] = {
        cmocka_unit_test(the_forms_of_a_file),
        cmocka_unit_test(each_fault_is_named),
        cmocka_unit_test(a_file_that_was_cut_is_not_read),
        cmocka_unit_test(an_empty_list_is_valid),
        cmocka_unit_test(states_and_ends),
        cmocka_unit_test(keys_of_any_size_are_found_by_name),
        cmocka_unit_test(two_files_are_one_set),
        cmocka_unit_test(sets_are_exchanged_whole),
        cmocka_unit_test(a_fingerprint_is_the_consoles)
    };

    return cmocka_run_group_tests(tests, NULL, end);
}
