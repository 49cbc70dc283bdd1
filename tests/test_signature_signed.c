/* SPDX-License-Identifier: BSD-2-Clause
 *
 * What a signature has to say and to sign: each rule of its parameters, its
 * headers, its date and its target, broken by itself.
 */

/* strdup() */
#define _GNU_SOURCE

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "lib_signed.h"


static void
a_good_request_says_who_it_is_from(void **state)
{
    (void) state;

    signed_good();
    signed_now_is("");

    assert_true(jr_str_eq(signed_who.type, "key", 3));
    assert_true(jr_str_eq(signed_who.tenancy, "ocid1.tenancy.oc1..t", 20));
    assert_true(jr_str_eq(signed_who.principal, "ocid1.user.oc1..u", 17));
}


static void
parameters_stand_once_and_say_rsa_sha256(void **state)
{
    (void) state;

    params_are(S "," A "," K "," H, "");
    params_are(H ", " K " ,\t" A "," S ",VERSION = \"1\"", "");
    params_are("KEYID=\"" KEY "\"," H "," A "," S, "");
    params_are(H "," K "," A "," S ",version=1", "");
    params_are(H "," K "," A "," S ",unknown=\"1\",unknown=\"2\"", "");

    params_are(H "," K "," A "," S ",version=\"2\"", "malformed:version");
    params_are(H "," K "," A "," S ",version=\"\"", "malformed:version");
    params_are(H "," K "," S, "malformed:algorithm");
    params_are(H "," K "," S ",algorithm=\"hs2019\"", "malformed:algorithm");
    params_are(H "," K "," S ",algorithm=\"rsa-sha1\"",
               "malformed:algorithm");
    params_are(H "," K "," S ",algorithm=\"hmac-sha256\"",
               "malformed:algorithm");
    params_are(H "," A "," S, "malformed:keyId");
    params_are(H "," A "," S ",keyId=\"\"", "malformed:keyId");
    params_are(H "," A "," S ",keyId=\"a b\"", "malformed:keyId");
    params_are(H "," A "," S ",keyId=\"a\x01\"", "malformed:keyId");
    params_are(H "," A "," S ",keyId=\"\xc3\xa4\"", "malformed:keyId");
    params_are(H "," K "," A, "malformed:signature");
    params_are(H "," K "," A ",signature=\"\"", "malformed:signature");
    params_are(K "," A "," S, "malformed:headers");
    params_are(K "," A "," S ",headers=\"\"", "malformed:headers");

    params_are(H "," K "," A "," S "," K, "malformed:keyId");
    params_are(H "," K "," A "," S ",keyid=\"other\"", "malformed:keyId");
    params_are(H "," K "," A "," S "," A, "malformed:algorithm");
    params_are(H "," K "," A "," S "," H, "malformed:headers");
    params_are(H "," K "," A "," S "," S, "malformed:signature");
    params_are(H "," K "," A "," S ",version=\"1\",Version=\"1\"",
               "malformed:version");

    params_are(H "," K "," A "," S ",created=1795750252", "malformed:created");
    params_are(H "," K "," A "," S ",expires=1795750252", "malformed:expires");

    params_are(H "," K "," A "," S " x", "malformed:parameters");
    params_are(H "," K "," A "," S ",x", "malformed:parameters");
    params_are(H "," K "," A "," S ",x=\"", "malformed:parameters");
    params_are(H "," K "," A "," S ",x=\"\\\"\"", "malformed:parameters");
}


static void
only_the_scheme_signature(void **state)
{
    size_t  i;

    static const char *const  others[] = {
        "Signature", "Signature\tkeyId=\"x\"", "Basic eDp5", "Bearer x.y.z",
        "Signatures keyId=\"x\""
    };

    (void) state;

    signed_good();
    signed_sign();

    for (i = 0; i < LEN(others); i++) {
        free(signed_auth);
        signed_auth = strdup(others[i]);
        signed_is("malformed:scheme");
    }

    free(signed_auth);
    signed_auth = strdup("");
    signed_is("missing");

    free(signed_auth);
    signed_auth = strdup(" \t ");
    signed_is("missing");
    assert_string_equal(signed_message, "The required information to complete "
                        "authentication was not provided or was incorrect.");

    /* a scheme is of any case (RFC 9110, 11.1) */
    signed_good();
    signed_sign();
    memcpy(signed_auth, "SIGNATURE", 9);
    signed_is("");
}


static void
what_has_to_be_signed(void **state)
{
    (void) state;

    names_are("date host content-length content-type x-content-sha256",
              "header_not_signed:(request-target)");
    names_are("date (request-target) content-length content-type "
               "x-content-sha256", "header_not_signed:host");
    names_are("date (request-target) host content-type x-content-sha256",
              "header_not_signed:content-length");
    names_are("date (request-target) host content-length x-content-sha256",
              "header_not_signed:content-type");
    names_are("date (request-target) host content-length content-type",
              "header_not_signed:x-content-sha256");
    names_are("(request-target) host content-length content-type "
               "x-content-sha256", "header_not_signed:date");

    /* what a GET needs */

    signed_good();
    rq.get = 1;
    rq.method = "GET";
    rq.names = "(request-target) host date";
    signed_now_is("");
    rq.names = "(request-target) host";
    signed_now_is("header_not_signed:date");
    rq.names = "(request-target) date";
    signed_now_is("header_not_signed:host");
    rq.names = "host date";
    signed_now_is("header_not_signed:(request-target)");
}


static void
names_are_names_of_headers(void **state)
{
    char    *names;
    size_t   i;

    static const char *const  broken[] = {
        ALL " ", " " ALL, "date  (request-target) host content-length "
        "content-type x-content-sha256", ALL "\tx", ALL " (created)",
        ALL " (expires)", ALL " (Request-Target", ALL " a:b", ALL " a(b",
        ALL " \x80", ALL " authorization", ALL " Authorization", ALL " :path"
    };

    (void) state;

    for (i = 0; i < LEN(broken); i++) {
        names_are(broken[i], "malformed:headers");
    }

    names_are(ALL " date", "malformed:header named twice");
    names_are(ALL " Date", "malformed:header named twice");
    names_are(ALL " (request-target)", "malformed:header named twice");
    names_are(ALL " opc-x OPC-X", "malformed:header named twice");

    names_are("DATE (Request-Target) HOST Content-Length CONTENT-TYPE "
               "X-Content-Sha256", "");

    /* 32 names pass, and 33 do not */

    names = calloc(1, 4096);
    assert_non_null(names);
    strcpy(names, ALL);

    signed_good();

    for (i = 6; i < 32; i++) {
        static char  name[33][8];

        sprintf(name[i], "x%zu", i);
        sprintf(names + strlen(names), " %s", name[i]);
        signed_add(name[i], "v");
    }

    rq.names = names;
    signed_now_is("");

    strcat(names, " x99");
    signed_add("x99", "v");
    signed_now_is("malformed:too many headers");

    /* a list that is longer than any */

    memset(names, 'a', 2000);
    names[2000] = '\0';
    signed_good();
    rq.names = names;
    signed_add("a", "b");
    signed_now_is("malformed:headers");

    free(names);
}


static void
what_is_signed_was_sent(void **state)
{
    (void) state;

    names_are(ALL " opc-note", "header_missing:opc-note");

    signed_good();
    rq.names = ALL " opc-note";
    signed_add("OPC-Note", "");
    signed_now_is("");

    signed_good();
    signed_unset("Host");
    signed_now_is("header_missing:host");

    signed_good();
    signed_unset("Date");
    signed_now_is("header_missing:date");

    signed_good();
    signed_unset("Content-Type");
    signed_now_is("header_missing:content-type");

    signed_good();
    signed_unset("X-Content-SHA256");
    signed_now_is("header_missing:x-content-sha256");

    /* the length of the body stands for the header */

    signed_good();
    signed_unset("Content-Length");
    signed_now_is("");
    rq.body = "{\"jobKey\":\"nightly!\"}";
    rq.body_len = strlen(rq.body);
    signed_is("signature");
}


static void
headers_that_stand_once(void **state)
{
    size_t  i;

    static const char *const  once[] = {
        "Host", "Date", "Content-Length", "Content-Type", "X-Content-SHA256"
    };

    static const char *const  wants[] = {
        "malformed:host", "malformed:date", "malformed:content-length",
        "malformed:content-type", "malformed:x-content-sha256"
    };

    (void) state;

    for (i = 0; i < LEN(once); i++) {
        signed_good();
        signed_add(once[i], rq.fields[i].value);
        signed_now_is(wants[i]);
    }

    /* others are joined, in their order */

    signed_good();
    rq.names = ALL " tag";
    signed_add("tag", "b");
    signed_add("TAG", " a\t");
    signed_add("Tag", "");
    signed_now_is("");
    rq.fields[rq.n - 1].value = "c";
    signed_is("signature");

    signed_good();
    rq.names = ALL " tag";
    signed_add("tag", "b");
    signed_add("tag", "a");
    signed_sign();
    rq.fields[rq.n - 1].value = "b";
    rq.fields[rq.n - 2].value = "a";
    signed_is("signature");

    signed_good();
    rq.names = ALL " tag";
    signed_add("tag", "b");
    signed_sign();
    signed_add("tag", "a");
    signed_is("signature");

    /* more values than can be */

    signed_good();
    rq.names = ALL " tag";

    for (i = 0; i < 60; i++) {
        signed_add("tag", "a");
    }

    signed_now_is("malformed:too many signed headers");
}


static void
the_date_that_counts_is_signed(void **state)
{
    (void) state;

    /* x-date, where both are sent */

    signed_good();
    signed_add("x-date", "Fri, 27 Nov 2026 03:30:52 GMT");
    signed_now_is("header_not_signed:x-date");

    signed_sign();
    signed_set("x-date", "Fri, 27 Nov 2026 01:30:52 GMT");
    signed_is("header_not_signed:x-date");

    signed_good();
    signed_set("Date", "Fri, 27 Nov 2026 01:00:00 GMT");
    signed_add("x-date", "Fri, 27 Nov 2026 03:30:52 GMT");
    rq.names = "x-date (request-target) host content-length content-type "
               "x-content-sha256";
    signed_now_is("");

    signed_set("Date", "nonsense");
    signed_is("");

    signed_set("x-date", "Fri, 27 Nov 2026 01:30:52 GMT");
    signed_now_is("skew:-7200");

    signed_unset("x-date");
    signed_now_is("header_missing:x-date");

    /* both signed: x-date still */

    signed_good();
    rq.names = ALL " x-date";
    signed_set("Date", "Fri, 27 Nov 2026 01:00:00 GMT");
    signed_add("x-date", "Fri, 27 Nov 2026 03:30:52 GMT");
    signed_now_is("");

    /* two of one that is not signed */

    signed_good();
    rq.names = "x-date (request-target) host content-length content-type "
               "x-content-sha256";
    signed_add("Date", "Fri, 27 Nov 2026 03:30:52 GMT");
    signed_add("x-date", "Fri, 27 Nov 2026 03:30:52 GMT");
    signed_now_is("malformed:date");
}


static void
a_date_is_within_the_skew(void **state)
{
    (void) state;

    signed_good();
    signed_sign();

    rq.now = NOW + 300;
    signed_is("");
    rq.now = NOW - 300;
    signed_is("");
    rq.now = NOW + 301;
    signed_is("skew:-301");
    assert_string_equal(signed_message,
        "Date 'Fri, 27 Nov 2026 03:30:52 UTC' is not within allowed clock "
        "skew. Current 'Fri, 27 Nov 2026 03:35:53 UTC', valid datetime "
        "range: ['Fri, 27 Nov 2026 03:30:53 UTC', 'Fri, 27 Nov 2026 03:40:53 "
        "UTC']");
    rq.now = NOW - 301;
    signed_is("skew:+301");

    signed_policy.skew = 30;
    rq.now = NOW + 31;
    signed_is("skew:-31");
    signed_policy.skew = 300;

    signed_good();
    signed_set("Date", "Mon, 27 Nov 2026 03:30:52 GMT");
    signed_now_is("");
    signed_set("Date", "Fri, 27 Nov 2026 03:30:52 UTC");
    signed_now_is("malformed:date");
    signed_set("Date", "");
    signed_now_is("malformed:date");
    signed_set("Date", "1795750252");
    signed_now_is("malformed:date");
    signed_set("Date", "Fri, 31 Dec 9999 23:59:60 GMT");
    signed_now_is("skew:+251606550548");
}


static void
the_target_is_signed_as_it_stands(void **state)
{
    size_t  i;

    static const char *const  pairs[][2] = {
        { PATH, PATH "?" }, { PATH "?a=1&b=2", PATH "?b=2&a=1" },
        { PATH "?a=1", PATH }, { "/a%2Fb/jobRuns", "/a/b/jobRuns" },
        { "/a%2fb", "/a%2Fb" }, { "/a%20b", "/a+b" }, { "/a", "//a" }
    };

    (void) state;

    for (i = 0; i < LEN(pairs); i++) {
        signed_good();
        rq.target = pairs[i][0];
        signed_now_is("");
        rq.target = pairs[i][1];
        signed_is("signature");
    }

    /* of an absolute form, from its path on */

    signed_good();
    rq.target = "https://gateway.example.com:8443" PATH "?x=https://a/b";
    signed_now_is("");
    rq.target = PATH "?x=https://a/b";
    signed_is("");

    signed_good();
    rq.target = "/";
    signed_sign();
    rq.target = "http://gateway.example.com";
    signed_is("");

    signed_good();
    rq.target = "/?a";
    signed_sign();
    rq.target = "http://gateway.example.com?a";
    signed_is("");

    /* "://" behind a path is no scheme's */

    signed_good();
    rq.target = "/p?u=http://h/q";
    signed_now_is("");

    signed_good();
    signed_sign();
    rq.method = "PUT";
    signed_is("signature");

    rq.method = "POST\n";
    signed_is("malformed:method");
    rq.method = "";
    signed_is("malformed:method");
    rq.method = "POSTPOSTPOSTPOSTPOSTPOSTPOSTPOSTPOST";
    signed_is("malformed:method");
    rq.method = "POST";
    rq.target = "";
    signed_is("malformed:request target");
    rq.target = "/a\nhost: b";
    signed_is("malformed:request target");
}


static void
no_line_is_put_into_another(void **state)
{
    (void) state;

    signed_good();
    rq.names = ALL " opc-note";
    signed_add("opc-note", "a\nopc-other: b");
    signed_now_is("malformed:line end in a header");

    signed_good();
    rq.names = ALL " opc-note";
    signed_add("opc-note", "a\rb");
    signed_now_is("malformed:line end in a header");
}


int
main(void)
{
    const struct CMUnitTest  tests[] = {
        cmocka_unit_test(a_good_request_says_who_it_is_from),
        cmocka_unit_test(parameters_stand_once_and_say_rsa_sha256),
        cmocka_unit_test(only_the_scheme_signature),
        cmocka_unit_test(what_has_to_be_signed),
        cmocka_unit_test(names_are_names_of_headers),
        cmocka_unit_test(what_is_signed_was_sent),
        cmocka_unit_test(headers_that_stand_once),
        cmocka_unit_test(the_date_that_counts_is_signed),
        cmocka_unit_test(a_date_is_within_the_skew),
        cmocka_unit_test(the_target_is_signed_as_it_stands),
        cmocka_unit_test(no_line_is_put_into_another)
    };

    return cmocka_run_group_tests(tests, signed_setup, signed_teardown);
}
