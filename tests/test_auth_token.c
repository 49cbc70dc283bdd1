/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Session tokens: what verifies one, and each fault.
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

#include "jr_auth_token.h"
#include "lib_issuers.h"
#include "lib_signer.h"


#define LEN(a)  (sizeof(a) / sizeof((a)[0]))


static jr_auth_token_t  token;
static char             reason[JR_AUTH_REASON_MAX];
static unsigned         min_bits = 2048;


/* what becomes of a JWT at a time */

static const char *
token_verdict(const char *jwt, int64_t now)
{
    char               *copy;
    size_t              len;
    jr_auth_reason_e    rc;
    jr_auth_failure_t   failure;

    len = strlen(jwt);
    copy = malloc(len ? len : 1);
    assert_non_null(copy);
    memcpy(copy, jwt, len);
    memset(&token, 0x5a, sizeof(token));

    rc = jr_auth_token_verify((jr_str_t) { len, copy }, issuers, ISSUERS,
                              min_bits, now, &token, &failure);

    assert_int_equal(ERR_peek_error(), 0);
    assert_int_equal(rc, failure.reason);
    (void) jr_auth_reason_write(&failure, reason);
    free(copy);

    if (rc == JR_AUTH_OK) {
        EVP_PKEY_free(token.pkey);
    }

    return reason;
}


/* of a header and claims, to which a good jwk is added where there is none */

static void
token_is(const char *header, const char *claims, int64_t now,
    const char *want)
{
    char  *jwk, *all, *jwt;

    jwk = signer_jwk(signer_key_n(2048, 1), "");
    assert_true(asprintf(&all, "{%s%s%s}", claims,
                         strstr(claims, "\"jwk\"") ? "" : ",\"jwk\":",
                         strstr(claims, "\"jwk\"") ? "" : jwk) > 0);
    jwt = signer_jwt(signer_key(2048), header, all);

    if (strcmp(token_verdict(jwt, now), want) != 0) {
        fail_msg("%s %s: \"%s\" is not \"%s\"", header, claims, reason, want);
    }

    free(jwt);
    free(all);
    free(jwk);
}


static void
a_token_says_who_it_is_for(void **state)
{
    (void) state;

    token_is(HEADER, CLAIMS, NOW, "");
    assert_true(jr_str_eq(token.tenancy, "t1", 2));
    assert_true(jr_str_eq(token.subject, "s1", 2));

    token_is(HEADER, CLAIMS ",\"res_tenant\":\"t2\",\"opc-tenant\":\"t3\"", NOW,
             "");
    assert_true(jr_str_eq(token.tenancy, "t2", 2));

    token_is(HEADER, "\"iss\":\"issuer\",\"exp\":1795750312,\"sub\":\"s\","
             "\"opc-tenant\":\"t3\"", NOW, "");
    assert_true(jr_str_eq(token.tenancy, "t3", 2));

    token_is(HEADER, "\"iss\":\"issuer\",\"exp\":1795750312,\"sub\":\"s\"", NOW,
             "token_malformed:tenant");
    token_is(HEADER, "\"iss\":\"issuer\",\"exp\":1795750312,\"tenant\":\"t\"",
             NOW, "token_malformed:sub");
    token_is(HEADER, "\"iss\":\"issuer\",\"exp\":1795750312,\"tenant\":[\"t\"],"
             "\"sub\":\"s\"", NOW, "token_malformed:tenant");
    token_is(HEADER, "\"iss\":\"issuer\",\"exp\":1795750312,\"tenant\":\"t\","
             "\"sub\":\"\"", NOW, "token_malformed:sub");

    /* what would end the line of a header is no name */

    token_is(HEADER, "\"iss\":\"issuer\",\"exp\":1795750312,\"tenant\":\"t\","
             "\"sub\":\"s\\r\\nx-evil: 1\"", NOW, "token_malformed:sub");
    token_is(HEADER, "\"iss\":\"issuer\",\"exp\":1795750312,"
             "\"tenant\":\"t\\n\",\"sub\":\"s\"", NOW,
             "token_malformed:tenant");
}


static void
only_rs256(void **state)
{
    char    *jwk, *all, *jwt, *dot;
    size_t   i;

    static const char *const  others[] = {
        "{\"kid\":\"k1\",\"alg\":\"none\"}",
        "{\"kid\":\"k1\",\"alg\":\"HS256\"}",
        "{\"kid\":\"k1\",\"alg\":\"None\"}",
        "{\"kid\":\"k1\",\"alg\":\"rs256\"}",
        "{\"kid\":\"k1\",\"alg\":\"RS512\"}",
        "{\"kid\":\"k1\",\"alg\":\"PS256\"}",
        "{\"kid\":\"k1\",\"alg\":\"ES256\"}",
        "{\"kid\":\"k1\",\"alg\":\"\"}",
        "{\"kid\":\"k1\",\"alg\":null}", "{\"kid\":\"k1\"}",
        "{\"kid\":\"k1\",\"alg\":[\"RS256\"]}"
    };

    (void) state;

    for (i = 0; i < LEN(others); i++) {
        token_is(others[i], CLAIMS, NOW, "token_algorithm");
    }

    token_is("{\"alg\":\"RS256\",\"alg\":\"none\",\"kid\":\"k1\"}", CLAIMS, NOW,
             "token_malformed:JSON");
    token_is("{\"kid\":\"k1\",\"alg\":\"RS256\",\"crit\":[\"exp\"]}", CLAIMS,
             NOW, "token_malformed:crit");

    /* none at all, and none where RS256 is said */

    jwk = signer_jwk(signer_key_n(2048, 1), "");
    assert_true(asprintf(&all, "{" CLAIMS ",\"jwk\":%s}", jwk) > 0);
    jwt = signer_jwt(signer_key(2048), HEADER, all);
    dot = strrchr(jwt, '.');
    dot[1] = '\0';
    assert_string_equal(token_verdict(jwt, NOW), "token_signature");
    dot[0] = '\0';
    assert_string_equal(token_verdict(jwt, NOW), "token_malformed:parts");

    free(jwt);
    free(all);
    free(jwk);
}


static void
an_issuer_its_audience_and_its_keys(void **state)
{
    const jr_auth_keys_t  *set;

    (void) state;

    token_is(HEADER, "\"iss\":\"nobody\",\"exp\":1795750312,\"tenant\":\"t\","
             "\"sub\":\"s\"", NOW, "token_issuer");
    token_is(HEADER, "\"exp\":1795750312,\"tenant\":\"t\",\"sub\":\"s\"", NOW,
             "token_issuer");
    token_is(HEADER, "\"iss\":[\"issuer\"],\"exp\":1795750312", NOW,
             "token_issuer");
    token_is(HEADER, "\"iss\":\"Issuer\",\"exp\":1795750312", NOW,
             "token_issuer");

    issuers[1].audience = (jr_str_t) jr_str("us");
    token_is(HEADER, CLAIMS, NOW, "token_audience");
    token_is(HEADER, CLAIMS ",\"aud\":\"them\"", NOW, "token_audience");
    token_is(HEADER, CLAIMS ",\"aud\":[]", NOW, "token_audience");
    token_is(HEADER, CLAIMS ",\"aud\":[\"them\",7,null]", NOW,
             "token_audience");
    token_is(HEADER, CLAIMS ",\"aud\":{\"us\":\"us\"}", NOW, "token_audience");
    token_is(HEADER, CLAIMS ",\"aud\":\"us\"", NOW, "");
    token_is(HEADER, CLAIMS ",\"aud\":[\"them\",\"us\"]", NOW, "");
    issuers[1].audience.len = 0;
    token_is(HEADER, CLAIMS ",\"aud\":\"them\"", NOW, "");

    token_is("{\"kid\":\"k2\",\"alg\":\"RS256\"}", CLAIMS, NOW,
             "token_key:unknown");
    token_is("{\"kid\":\"\",\"alg\":\"RS256\"}", CLAIMS, NOW,
             "token_key:unknown");
    token_is("{\"alg\":\"RS256\"}", CLAIMS, NOW, "token_key:unknown");
    token_is("{\"kid\":1,\"alg\":\"RS256\"}", CLAIMS, NOW,
             "token_key:unknown");
    token_is("{\"kid\":\"weak\",\"alg\":\"RS256\"}", CLAIMS, NOW,
             "token_key:weak");
    token_is("{\"kid\":\"old\",\"alg\":\"RS256\"}", CLAIMS, NOW,
             "token_key:inactive");
    token_is("{\"kid\":\"past\",\"alg\":\"RS256\"}", CLAIMS, NOW,
             "token_key:expired");
    token_is("{\"kid\":\"past\",\"alg\":\"RS256\"}", CLAIMS, NOW - 1, "");

    /* a key in the header is nobody's */
    token_is("{\"kid\":\"k2\",\"alg\":\"RS256\",\"jwk\":{},\"jku\":\"x\"}",
             CLAIMS, NOW, "token_key:unknown");

    set = issuers[1].keys;
    issuers[1].keys = NULL;
    token_is(HEADER, CLAIMS, NOW, "unavailable:issuer");
    issuers[1].keys = set;
}


static void
a_token_has_its_time(void **state)
{
    (void) state;

    /* exp is NOW + 60 */

    token_is(HEADER, CLAIMS, NOW + 119, "");
    token_is(HEADER, CLAIMS, NOW + 120, "token_expired");
    token_is(HEADER, CLAIMS ",\"nbf\":1795750312", NOW, "");
    token_is(HEADER, CLAIMS ",\"nbf\":1795750313", NOW, "token_early");
    token_is(HEADER, CLAIMS ",\"nbf\":1795750252.5", NOW, "");
    token_is(HEADER, CLAIMS ",\"nbf\":\"1\"", NOW, "token_malformed:nbf");
    token_is(HEADER, CLAIMS ",\"nbf\":null", NOW, "token_malformed:nbf");

#define WHO  "\"iss\":\"issuer\",\"tenant\":\"t\",\"sub\":\"s\""

    token_is(HEADER, WHO, NOW, "token_malformed:exp");
    token_is(HEADER, WHO ",\"exp\":\"1795750312\"", NOW,
             "token_malformed:exp");
    token_is(HEADER, WHO ",\"exp\":true", NOW, "token_malformed:exp");
    token_is(HEADER, WHO ",\"exp\":1795750312.75", NOW, "");
    token_is(HEADER, WHO ",\"exp\":1e300", NOW, "");
    token_is(HEADER, WHO ",\"exp\":-1", NOW, "token_expired");
    token_is(HEADER, WHO ",\"exp\":-1e300", NOW, "token_expired");
    token_is(HEADER, WHO ",\"exp\":9223372036854775807", NOW, "");
    token_is(HEADER, WHO ",\"exp\":1e999", NOW, "token_malformed:JSON");
    token_is(HEADER, WHO ",\"exp\":1795750312,\"exp\":9999999999", NOW,
             "token_malformed:JSON");
}


static void
the_key_in_a_token_is_a_good_one(void **state)
{
    char    *jwk, *claims, *p;
    size_t   i;

    static const struct {
        const char  *jwk;
        const char  *want;
    } broken[] = {
        { "null", "token_jwk:JSON" }, { "7", "token_jwk:JSON" },
        { "\"\"", "token_jwk:JSON" }, { "\"{\"", "token_jwk:JSON" },
        { "\"[]\"", "token_jwk:JSON" }, { "{}", "token_jwk:key" },
        { "\"{}\"", "token_jwk:key" },
        { "{\"kty\":\"EC\"}", "token_jwk:key" },
        { "{\"kty\":\"RSA\",\"n\":\"AQAB\",\"e\":\"AQAB\"}", "token_jwk:key" },
        { "\"{\\\"kty\\\":\\\"RSA\\\",\\\"kty\\\":\\\"RSA\\\"}\"",
          "token_jwk:JSON" }
    };

    (void) state;

    for (i = 0; i < LEN(broken); i++) {
        assert_true(asprintf(&claims, CLAIMS ",\"jwk\":%s", broken[i].jwk) > 0);
        token_is(HEADER, claims, NOW, broken[i].want);
        free(claims);
    }

    /* as a string, with members that a JWK may have */

    jwk = signer_jwk(signer_key_n(2048, 1),
                     ",\"alg\":\"RS256\",\"use\":\"sig\",\"kid\":\"s\"");
    claims = calloc(1, 8192);
    assert_non_null(claims);
    strcpy(claims, CLAIMS ",\"jwk\":\"");

    for (p = jwk; *p; p++) {
        strncat(claims, *p == '"' ? "\\\"" : p, *p == '"' ? 2 : 1);
    }

    strcat(claims, "\"");
    token_is(HEADER, claims, NOW, "");
    free(jwk);

    /* short, and private */

    jwk = signer_jwk(signer_key(1024), "");
    sprintf(claims, CLAIMS ",\"jwk\":%s", jwk);
    token_is(HEADER, claims, NOW, "token_jwk:weak");
    free(jwk);

    jwk = signer_jwk(signer_key_n(2048, 1), ",\"d\":\"AQ\"");
    sprintf(claims, CLAIMS ",\"jwk\":%s", jwk);
    token_is(HEADER, claims, NOW, "token_jwk:key");
    free(jwk);

    jwk = signer_jwk(signer_key_n(2048, 1), ",\"use\":\"enc\"");
    sprintf(claims, CLAIMS ",\"jwk\":%s", jwk);
    token_is(HEADER, claims, NOW, "token_jwk:key");
    free(jwk);

    jwk = signer_jwk(signer_key_n(2048, 1), ",\"alg\":\"HS256\"");
    sprintf(claims, CLAIMS ",\"jwk\":%s", jwk);
    token_is(HEADER, claims, NOW, "token_jwk:key");
    free(jwk);
    free(claims);
}


static void
a_token_is_signed_by_its_issuer(void **state)
{
    char    *jwk, *claims, *jwt, *evil, *dot;
    size_t   i, n;

    (void) state;

    jwk = signer_jwk(signer_key_n(2048, 1), "");
    assert_true(asprintf(&claims, "{" CLAIMS ",\"jwk\":%s}", jwk) > 0);

    /* by the owner's own key, under the issuer's kid */

    evil = signer_jwt(signer_key_n(2048, 1), HEADER, claims);
    assert_string_equal(token_verdict(evil, NOW), "token_signature");
    free(evil);

    /* nor is anything made of what a forged one says of its key */

    evil = signer_jwt(signer_key_n(2048, 1), HEADER, "{" CLAIMS
                      ",\"jwk\":\"{\"}");
    assert_string_equal(token_verdict(evil, NOW), "token_signature");
    free(evil);

    jwt = signer_jwt(signer_key(2048), HEADER, claims);
    assert_string_equal(token_verdict(jwt, NOW), "");

    /* each byte of it changed: nothing of it passes */

    n = strlen(jwt);

    for (i = 0; i < n; i++) {
        jwt[i] ^= 1;
        assert_string_not_equal(token_verdict(jwt, NOW), "");
        jwt[i] ^= 1;
    }

    /* cut anywhere */

    for (i = 0; i < n; i++) {
        evil = strndup(jwt, i);
        assert_string_not_equal(token_verdict(evil, NOW), "");
        free(evil);
    }

    assert_true(asprintf(&evil, "%s.x", jwt) > 0);
    assert_string_equal(token_verdict(evil, NOW), "token_malformed:parts");
    free(evil);
    assert_true(asprintf(&evil, "%s=", jwt) > 0);
    assert_string_equal(token_verdict(evil, NOW), "token_malformed:base64");
    free(evil);

    /* sizes */

    evil = calloc(1, 16384);
    assert_non_null(evil);
    memset(evil, 'A', 12289);
    evil[10] = '.';
    evil[20] = '.';
    assert_string_equal(token_verdict(evil, NOW), "token_malformed:too long");
    evil[12288] = '\0';
    assert_string_not_equal(token_verdict(evil, NOW), "");

    /* a header of more than 1 KB, a payload of more than 8 KB */

    memset(evil, 'A', 2000);
    evil[10] = 'A';
    evil[2000] = '.';
    evil[20] = 'A';
    evil[2010] = '.';
    assert_string_equal(token_verdict(evil, NOW), "token_malformed:base64");
    free(evil);

    dot = strchr(jwt, '.');
    assert_non_null(dot);
    evil = calloc(1, 16384);
    assert_non_null(evil);
    memcpy(evil, jwt, (size_t) (dot - jwt) + 1);
    memset(evil + strlen(evil), 'A', 11000);
    strcat(evil, ".AAAA");
    assert_string_equal(token_verdict(evil, NOW), "token_malformed:base64");
    free(evil);

    assert_string_equal(token_verdict("", NOW), "token_malformed:parts");
    assert_string_equal(token_verdict("..", NOW), "token_malformed:JSON");

    free(jwt);
    free(claims);
    free(jwk);
}


static void
no_issuer_no_token(void **state)
{
    jr_auth_failure_t  failure;

    (void) state;

    assert_int_equal(jr_auth_token_verify((jr_str_t) jr_str("a.b.c"), NULL, 0,
                                          2048, NOW, &token, &failure),
                     JR_AUTH_TOKEN_ISSUER);
}


int
main(void)
{
    const struct CMUnitTest  tests[] = {
        cmocka_unit_test(a_token_says_who_it_is_for),
        cmocka_unit_test(only_rs256),
        cmocka_unit_test(an_issuer_its_audience_and_its_keys),
        cmocka_unit_test(a_token_has_its_time),
        cmocka_unit_test(the_key_in_a_token_is_a_good_one),
        cmocka_unit_test(a_token_is_signed_by_its_issuer),
        cmocka_unit_test(no_issuer_no_token)
    };

    return cmocka_run_group_tests(tests, issuers_start, issuers_stop);
}
