/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Who asks: every form of a keyId, and what is none.
 */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <openssl/evp.h>

#include "jr_identity.h"
#include "jr_key_read.h"
#include "lib_str.h"


#define LEN(a)  (sizeof(a) / sizeof((a)[0]))

#define KEY  "ocid1.tenancy.oc1..aaaa/ocid1.user.oc1..bbbb/20:3b:97:13"


static jr_identity_t  identity;


static jr_status_e
read_value(const char *text)
{
    char         *copy;
    size_t        len;
    jr_status_e   rc;

    /* a copy of its own length, so that reading past its end is seen; what
       is found is copied, but for credential and signed_headers */

    static char  *last;

    len = strlen(text);
    copy = malloc(len ? len : 1);
    assert_non_null(copy);
    memcpy(copy, text, len);

    free(last);
    last = copy;

    memset(&identity, 0x5a, sizeof(identity));

    rc = jr_identity_read((jr_str_t) { len, copy }, &identity);

    if (text[0] == '\0') {
        free(copy);
        last = NULL;
    }

    return rc;
}


/* "ST$header.payload.signature" around claims */

static const char *
token_of(const char *claims, size_t len)
{
    char  *p;
    int    n;

    static char  value[65536], encoded[49152];

    n = EVP_EncodeBlock((unsigned char *) encoded,
                        (const unsigned char *) claims, (int) len);

    while (n > 0 && encoded[n - 1] == '=') {
        n--;
    }

    for (p = encoded; p < encoded + n; p++) {
        *p = *p == '+' ? '-' : *p == '/' ? '_' : *p;
    }

    snprintf(value, sizeof(value), "Signature version=\"1\",keyId=\"ST$"
             "eyJhbGciOiJSUzI1NiJ9.%.*s.c2ln\",headers=\"date host\","
             "signature=\"c2ln\"", n, encoded);

    return value;
}


static jr_status_e
read_claims(const char *claims)
{
    return read_value(token_of(claims, strlen(claims)));
}


static void
a_key_is_tenancy_user_and_fingerprint(void **state)
{
    size_t  i;

    static const char *const  values[] = {
        "Signature version=\"1\",keyId=\"" KEY "\",algorithm=\"rsa-sha256\","
            "headers=\"(request-target) date host\",signature=\"c2ln==\"",

        /* in any order, blanks, any case, without version */
        "Signature algorithm=\"rsa-sha256\", headers=\"(request-target) date "
            "host\", keyId=\"" KEY "\", signature=\"a+/=\", version=\"1\"",
        "signature keyid=\"" KEY "\"\t,\theaders=\"(request-target) date "
            "host\"",
        "SIGNATURE   KEYID = \"" KEY "\" , HEADERS =\"(request-target) date "
            "host\",",
        "Signature ,,signature=c2ln,headers=\"(request-target) date host\","
            "keyId=" KEY,

        /* a value that looks like another parameter */
        "Signature signature=\"keyId=x/y/z,\",headers=\"(request-target) date "
            "host\",keyId=\"" KEY "\",notkeyId=\"x/y/z\",keyIds=\"x/y/z\""
    };

    (void) state;

    for (i = 0; i < LEN(values); i++) {
        assert_int_equal(read_value(values[i]), JR_OK);
        str_is(identity.tenancy, "ocid1.tenancy.oc1..aaaa");
        str_is(identity.principal, "ocid1.user.oc1..bbbb");
        str_is(identity.auth_type, "key");
        str_is(identity.credential, KEY);
        str_is(identity.signed_headers, "(request-target) date host");
    }

    /* identities of old are no OCIDs of today */
    assert_int_equal(read_value("Signature keyId=\"ocidv1:tenancy:oc1:phx:1:"
                                "a/ocidv1:user:oc1:phx:1:b/f\""), JR_OK);
    str_is(identity.tenancy, "ocidv1:tenancy:oc1:phx:1:a");
    str_is(identity.principal, "ocidv1:user:oc1:phx:1:b");

    /* nobody knows where its user ends */
    assert_int_equal(read_value("Signature keyId=\"t/idp/ann/f\""), JR_INVALID);
    str_is(identity.tenancy, "");
    str_is(identity.principal, "");
}


static void
a_resource_has_a_version_that_names_its_tenancy(void **state)
{
    (void) state;

    assert_int_equal(read_value("Signature keyId=\"resource/v2.1.1/ocid1."
                                "tenancy.oc1..a/ocid1.instance.oc1..b\""),
                     JR_OK);
    str_is(identity.tenancy, "ocid1.tenancy.oc1..a");
    str_is(identity.principal, "ocid1.instance.oc1..b");
    str_is(identity.auth_type, "resource");

    assert_int_equal(read_value("Signature keyId=\"resource/v2.1.2/t/r/s\""),
                     JR_OK);
    str_is(identity.principal, "r/s");

    assert_int_equal(read_value("Signature keyId=\"resource/v2.1/ocid1.x\""),
                     JR_INVALID);
    assert_int_equal(read_value("Signature keyId=\"resource/v2.1.3/t/r\""),
                     JR_INVALID);
    assert_int_equal(read_value("Signature keyId=\"resource/v2.1.1//r\""),
                     JR_INVALID);
    assert_int_equal(read_value("Signature keyId=\"resource/v2.1.1/t/\""),
                     JR_INVALID);
}


/* [value of the header] from which no tenancy comes */

static void
what_is_no_signature_names_nobody(void **state)
{
    size_t  i;

    static const char *const  values[] = {
        "", "Signature", "Signature ", "Bearer abc", "Basic a2V5SWQ9",
        "Signatures keyId=\"" KEY "\"",
        "Signature keyId", "Signature keyId=", "Signature keyId=\"\"",
        "Signature keyId=\"" KEY, "Signature keyId=\"a/b\"",
        "Signature keyId=\"a//c\"", "Signature keyId=\"/b/c\"",
        "Signature keyId=\"a/b/\"", "Signature keyId=\"a\"",
        "Signature key=\"" KEY "\"", "Signature =\"" KEY "\"",
        "Signature keyId\"" KEY "\"",
        "Signature keyId=\"" KEY "\"x",
        "Signature keyId=\"" KEY "\" headers=\"date\"",

        /* which of two would the verifier take? */
        "Signature keyId=\"" KEY "\",keyId=\"" KEY "\"",
        "Signature keyId=\"" KEY "\",KEYID=\"x/y/z\"",

        /* and where does this one end? */
        "Signature signature=\"\\\",keyId=\"" KEY "\"",
        "Signature keyId=\"" KEY "\",signature=\"\\\"",

        "Signature keyId=\"" KEY "\",signature=\"c2ln",
        "Signature keyId=\"ST$\"", "Signature keyId=\"ST$a\"",
        "Signature keyId=\"ST$a.b\"", "Signature keyId=\"ST$a..c\"",
        "Signature keyId=\"ST$a.!.c\"", "Signature keyId=\"ST$a.e30.c\"",
        "Signature keyId=\"ST$a.eyJ0.c\"", "Signature keyId=\"ST$a.b.c\""
    };

    (void) state;

    for (i = 0; i < LEN(values); i++) {
        if (read_value(values[i]) != JR_INVALID) {
            fail_msg("%s", values[i]);
        }

        str_is(identity.tenancy, "");
    }

    assert_int_equal(read_value("Signature headers=\"host date\",keyId=\"x\""),
                     JR_INVALID);
    str_is(identity.signed_headers, "host date");
}


/* [claims, tenancy, principal] */

static void
a_session_token_has_claims(void **state)
{
    size_t  i;

    static const char *const  cases[][3] = {
        { "{\"tenant\":\"t\",\"sub\":\"s\"}", "t", "s" },
        { "{\"sub\":\"s\",\"opc-tenant\":\"o\"}", "o", "s" },
        { "{\"opc-tenant\":\"o\",\"tenant\":\"t\",\"res_tenant\":\"r\","
          "\"sub\":\"s\"}", "r", "s" },
        { "{\"opc-tenant\":\"o\",\"tenant\":\"t\"}", "t", "" },
        { "{\"res_tenant\":7,\"tenant\":null,\"opc-tenant\":\"o\","
          "\"sub\":[]}", "o", "" },
        { "{\"res_tenant\":\"\",\"tenant\":\"ocidv1:tenancy:oc1:phx:1:a\"}",
          "ocidv1:tenancy:oc1:phx:1:a", "" },
        { "{\"tenant\":\"\\u00e4 }{\",\"sub\":\"\\\"\"}", "\xc3\xa4 }{",
          "\"" },

        /* what would end the line of a header is no name */
        { "{\"tenant\":\"t\",\"sub\":\"s\\r\\nx-evil: 1\"}", "t", "" },
        { "{\"tenant\":\"t\",\"sub\":\"s\\u0001\"}", "t", "" },
        { "{\"tenant\":\"t\",\"sub\":\"\\u007f\"}", "t", "" },
        { "{\"res_tenant\":\"r\\n\",\"tenant\":\"t\",\"sub\":\"s\\t\"}",
          "t", "" },

        { "{\"tenant\":\"t\",\"jwk\":\"{\\\"kid\\\":\\\"k\\\"}\",\"exp\":1e9,"
          "\"a\":{\"tenant\":\"no\"}}", "t", "" }
    };

    (void) state;

    for (i = 0; i < LEN(cases); i++) {
        assert_int_equal(read_claims(cases[i][0]), JR_OK);
        str_is(identity.tenancy, cases[i][1]);
        str_is(identity.principal, cases[i][2]);
        str_is(identity.auth_type, "token");

        /* never the token itself */
        str_is(identity.credential, "ST$");
        str_is(identity.signed_headers, "date host");
    }
}


static void
a_broken_session_token_names_nobody(void **state)
{
    size_t  i;

    static const char *const  cases[] = {
        "{\"sub\":\"s\"}", "{}", "[]", "[\"tenant\",\"t\"]", "\"tenant\"",
        "7", "null", "{\"tenant\":\"t\"", "{\"tenant\":\"t\"} x",
        "{\"tenant\":\"t\",\"tenant\":\"u\"}", "{\"tenant\":{\"a\":\"t\"}}",
        "{\"tenant\":\"\"}", "{\"tenant\":\"\xff\"}", "{'tenant':'t'}"
    };

    (void) state;

    for (i = 0; i < LEN(cases); i++) {
        if (read_claims(cases[i]) != JR_INVALID) {
            fail_msg("%s", cases[i]);
        }

        str_is(identity.tenancy, "");
    }
}


static void
all_sizes_are_bounded(void **state)
{
    char    text[40000];
    size_t  n;

    (void) state;

    /* 255 of a tenancy or a user, and no more */

    for (n = 254; n < 258; n++) {
        snprintf(text, sizeof(text), "Signature keyId=\"%0*d/u/f\"", (int) n,
                 0);
        assert_int_equal(read_value(text), n <= 255 ? JR_OK : JR_INVALID);
        assert_int_equal(identity.tenancy.len, n <= 255 ? n : 0);

        snprintf(text, sizeof(text), "Signature keyId=\"t/%0*d/f\"", (int) n,
                 0);
        assert_int_equal(read_value(text), n <= 255 ? JR_OK : JR_INVALID);
        assert_int_equal(identity.principal.len, n <= 255 ? n : 0);

        snprintf(text, sizeof(text), "{\"tenant\":\"%0*d\"}", (int) n, 0);
        assert_int_equal(read_claims(text), n <= 255 ? JR_OK : JR_INVALID);

        snprintf(text, sizeof(text), "{\"res_tenant\":\"%0*d\","
                 "\"tenant\":\"t\"}", (int) n, 0);
        assert_int_equal(read_claims(text), JR_OK);
        assert_int_equal(identity.tenancy.len, n <= 255 ? n : 1);
    }

    /* a token of 8 KB, and a header of 16 KB */

    for (n = 8100; n < 8300; n++) {
        snprintf(text, sizeof(text), "{\"tenant\":\"t\",\"pad\":\"%0*d\"}",
                 (int) n, 0);
        assert_int_equal(read_claims(text), strlen(text) <= 8192
                                            ? JR_OK : JR_INVALID);
    }

    for (n = 16300; n < 16400; n++) {
        snprintf(text, sizeof(text), "Signature keyId=\"t/u/f\",x=\"%0*d\"",
                 (int) n, 0);
        assert_int_equal(read_value(text), strlen(text) <= 16384
                                           ? JR_OK : JR_INVALID);
    }

    /* a million brackets are no stack */
    memset(text, '[', 8000);
    assert_int_equal(read_value(token_of(text, 8000)), JR_INVALID);
}


/* whatever bytes come: no crash, and nothing beyond what is there */

static void
damaged_values_are_read_safely(void **state)
{
    int           k, n;
    char          text[512];
    size_t        i, len;
    unsigned int  random;

    static const char  pieces[] = "\",= \\/$.";
    const char        *whole;

    (void) state;

    random = 1;

    for (k = 0; k < 50000; k++) {
        whole = k % 2 ? "Signature version=\"1\",keyId=\"" KEY "\","
                        "headers=\"date host\",signature=\"c2ln\""
                      : token_of("{\"tenant\":\"t\",\"sub\":\"s\"}", 24);
        len = strlen(whole);
        memcpy(text, whole, len + 1);

        for (n = 0; n < 3; n++) {
            random = random * 1103515245 + 12345;
            i = 10 + (random >> 8) % (len - 10);
            random = random * 1103515245 + 12345;
            text[i] = pieces[(random >> 16) % (sizeof(pieces) - 1)];
        }

        random = random * 1103515245 + 12345;

        if (random >> 16 & 1) {
            text[10 + (random >> 17) % (len - 10)] = '\0';
        }

        if (read_value(text) == JR_OK) {
            assert_in_range(identity.tenancy.len, 1, JR_IDENTITY_MAX);
            assert_ptr_equal(identity.tenancy.data, identity.tenancy_buf);

        } else {
            assert_int_equal(identity.tenancy.len, 0);
        }
    }
}


/* of a copy that ends where it ends */

static int
header_signs(const char *authorization, const char *name)
{
    int     signs;
    char   *copy;
    size_t  len;

    len = strlen(authorization);
    copy = malloc(len + 1);
    assert_non_null(copy);
    memcpy(copy + 1, authorization, len);

    signs = jr_identity_header_signs((jr_str_t) { len, copy + 1 }, name);

    free(copy);

    return signs;
}


static void
the_list_of_signed_headers(void **state)
{
    (void) state;

    read_value("Signature headers=\"(request-target) date  Accept-Encoding "
               "opc-request-id\",keyId=\"" KEY "\"");

    assert_true(jr_identity_signs(&identity, "date"));
    assert_true(jr_identity_signs(&identity, "accept-encoding"));
    assert_true(jr_identity_signs(&identity, "opc-request-id"));
    assert_true(jr_identity_signs(&identity, "(request-target)"));
    assert_false(jr_identity_signs(&identity, "dat"));
    assert_false(jr_identity_signs(&identity, "accept"));
    assert_false(jr_identity_signs(&identity, "opc-request-i"));
    assert_false(jr_identity_signs(&identity, "opc-request-id2"));
    assert_false(jr_identity_signs(&identity, "host"));

    read_value("Signature keyId=\"" KEY "\"");
    assert_false(jr_identity_signs(&identity, "date"));
    assert_false(jr_identity_signs(&identity, ""));

    /* alone, whatever the keyId */

    assert_true(header_signs("Signature headers=\"Date\",keyId=\"?\",keyId=\""
                             KEY "\"", "date"));
    assert_true(header_signs("Signature headers=\"host Opc-Request-ID\"",
                             "opc-request-id"));
    assert_false(header_signs("Signature headers=\"host\",x=\"opc-request-id\"",
                              "opc-request-id"));
    assert_false(header_signs("Signature headers=\"opc-request-i\"",
                              "opc-request-id"));
    assert_false(header_signs("Signature headers=\"opc-opc-request\"",
                              "opc-request-id"));
    assert_false(header_signs("Bearer headers=\"date\"", "date"));
    assert_false(header_signs("dat", "date"));
    assert_false(header_signs("", "date"));
}


/* SHA-256 as sha256sum prints it */

static void
a_name_may_stand_in_a_key(void **state)
{
    char      buf[JR_NAME_DIGEST], text[300];
    int       ch;
    size_t    n;
    jr_str_t  name, value;

    (void) state;

    for (ch = 0; ch < 256; ch++) {
        text[0] = 'a';
        text[1] = (char) ch;
        value = (jr_str_t) { 2, text };

        assert_int_equal(jr_identity_name(value, buf, &name), JR_OK);

        if (ch && strchr("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
                         "0123456789._:-", ch))
        {
            assert_ptr_equal(name.data, text);
            assert_int_equal(name.len, 2);

        } else {
            assert_ptr_equal(name.data, buf);
            assert_int_equal(name.len, 65);
        }
    }

    memset(text, 'x', sizeof(text));

    for (n = 1; n < sizeof(text); n++) {
        value = (jr_str_t) { n, text };
        assert_int_equal(jr_identity_name(value, buf, &name), JR_OK);
        assert_int_equal(name.len, n <= 255 ? n : 65);
    }

    assert_int_equal(jr_identity_name((jr_str_t) { 3, "a b" }, buf, &name),
                     JR_OK);
    str_is(name, "~c8687a08aa5d6ed2044328fa6a697ab8"
                 "e96dc34291e8c2034ae8c38e6fcc6d65");

    assert_int_equal(jr_identity_name((jr_str_t) { 0, "" }, buf, &name),
                     JR_OK);
    str_is(name, "~e3b0c44298fc1c149afbf4c8996fb924"
                 "27ae41e4649b934ca495991b7852b855");
}


/* whoever is named as the digest of another shares nothing with it */

static void
no_value_has_the_name_of_another(void **state)
{
    char      buf[JR_NAME_DIGEST], other[JR_NAME_DIGEST];
    jr_str_t  name, again;

    (void) state;

    assert_int_equal(jr_identity_name((jr_str_t) { 3, "a b" }, buf, &name),
                     JR_OK);
    assert_true(jr_key_read_digest(name));

    /* the digits alone are a plain name */
    assert_int_equal(jr_identity_name((jr_str_t) { 64, name.data + 1 }, other,
                                      &again), JR_OK);
    assert_int_equal(again.len, 64);
    assert_false(jr_key_read_digest(again));

    /* and the whole form is not one: it gets a digest of its own */
    assert_int_equal(jr_identity_name(name, other, &again), JR_OK);
    assert_int_equal(again.len, JR_NAME_DIGEST);
    assert_memory_not_equal(again.data, name.data, JR_NAME_DIGEST);

    buf[64] = 'G';
    assert_false(jr_key_read_digest(name));
    buf[64] = 'A';
    assert_false(jr_key_read_digest(name));
}


int
main(void)
{
    const struct CMUnitTest  tests[] = {
        cmocka_unit_test(a_key_is_tenancy_user_and_fingerprint),
        cmocka_unit_test(a_resource_has_a_version_that_names_its_tenancy),
        cmocka_unit_test(what_is_no_signature_names_nobody),
        cmocka_unit_test(a_session_token_has_claims),
        cmocka_unit_test(a_broken_session_token_names_nobody),
        cmocka_unit_test(all_sizes_are_bounded),
        cmocka_unit_test(damaged_values_are_read_safely),
        cmocka_unit_test(the_list_of_signed_headers),
        cmocka_unit_test(a_name_may_stand_in_a_key),
        cmocka_unit_test(no_value_has_the_name_of_another)
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
