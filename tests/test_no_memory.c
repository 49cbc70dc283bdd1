/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Want of memory: whatever core/ does is done again and again, with the
 * first allocation failing, then the second, until none is left to fail.
 * Each time it says JR_NO_MEMORY; AddressSanitizer sees that nothing is
 * leaked, used when it is gone, or freed twice.
 *
 * The linker leads the allocations of core/ here (--wrap, see the Makefile);
 * those of libraries within themselves it does not.
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

#include "jr_auth.h"
#include "jr_body.h"
#include "jr_canonical.h"
#include "jr_embedded.h"
#include "jr_identity.h"
#include "jr_verify.h"
#include "lib_signer.h"


/* more allocations than any scenario makes */
#define MOST  100000


typedef jr_status_e (*scenario_pt)(void);


void *__real_malloc(size_t size);
void *__real_calloc(size_t n, size_t size);
void *__real_realloc(void *p, size_t size);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t n, size_t size);
void *__wrap_realloc(void *p, size_t size);


static size_t  left;            /* allocations until one fails; 0: none does */
static int     failed;

static int fails(void);
static size_t each_allocation_fails(scenario_pt scenario);


static int
fails(void)
{
    if (left == 0 || --left > 0) {
        return 0;
    }

    failed = 1;

    return 1;
}


void *
__wrap_malloc(size_t size)
{
    return fails() ? NULL : __real_malloc(size);
}


void *
__wrap_calloc(size_t n, size_t size)
{
    return fails() ? NULL : __real_calloc(n, size);
}


void *
__wrap_realloc(void *p, size_t size)
{
    return fails() ? NULL : __real_realloc(p, size);
}


/* how many allocations there were to fail */

static size_t
each_allocation_fails(scenario_pt scenario)
{
    size_t       n;
    jr_status_e  rc;

    left = 0;
    assert_int_equal(scenario(), JR_OK);

    for (n = 1; n < MOST; n++) {
        failed = 0;
        left = n;
        rc = scenario();
        left = 0;

        if (!failed) {
            assert_int_equal(rc, JR_OK);
            break;
        }

        if (rc != JR_NO_MEMORY) {
            fail_msg("allocation %zu failed, and that was said to be %d", n,
                     (int) rc);
        }
    }

    assert_true(n < MOST);

    return n - 1;
}


/* ------------------------------------------------------------------ schemas */

static jr_status_e
compile(const char *text, size_t len)
{
    char          err[512];
    jr_schema_t  *schema;
    jr_status_e   rc;

    rc = jr_schema_compile(text, len, err, sizeof(err), &schema);

    if (rc == JR_OK) {
        jr_schema_free(schema);

    } else if (rc == JR_INVALID) {
        print_message("# %s\n", err);
    }

    return rc;
}


static jr_status_e
our_schema(void)
{
    return compile(jr_embedded_create_job_run_details_json,
                   jr_embedded_create_job_run_details_json_len);
}


static jr_status_e
every_keyword(void)
{
    static const char  text[] =
        "{\"type\":[\"object\",\"null\"],\"properties\":{\"a\":{\"$ref\":"
        "\"#/$defs/a\"},\"b\":{\"anyOf\":[{\"const\":1},{\"enum\":[\"x\","
        "{\"y\":[1,2.5]}]}]}},\"patternProperties\":{\"^x-[a-z]+$\":"
        "{\"items\":{\"pattern\":\"\\\\d{3}\"}}},\"required\":[\"a\"],"
        "\"additionalProperties\":{\"not\":{\"type\":\"array\"}},"
        "\"oneOf\":[{\"type\":\"object\"},{\"type\":\"null\"}],"
        "\"allOf\":[{\"type\":\"object\"}],"
        "\"$defs\":{\"a\":{\"type\":\"string\",\"format\":\"quartz-cron\"}}}";

    return compile(text, sizeof(text) - 1);
}


static void
schemas_say_no_memory(void **state)
{
    (void) state;

    assert_true(each_allocation_fails(our_schema) > 50);
    assert_true(each_allocation_fails(every_keyword) > 20);
}


/* ------------------------------------------------------------------- bodies */

static jr_schema_t  *schema;

static const char  body[] =
    "{\"jobKey\":\"\\u00e9\\n and more\",\"parameters\":[{\"name\":\"a\","
    "\"value\":\"b\"},{\"name\":\"c.d\"}],\"queue\":{\"isEnabled\":true},"
    "\"more\":[1,2.5,-9e9,{\"k\":null,\"l\":[[]],\"m\":\"\\ud83d\\ude00\"}]}";


static jr_status_e
check_and_digest(void)
{
    jr_arena_t        *arena;
    jr_digest_t        md;
    jr_status_e        rc;
    jr_json_error_t    err;
    const jr_value_t  *value;

    static jr_report_t  report;

    arena = jr_arena_create();
    if (arena == NULL) {
        return JR_NO_MEMORY;
    }

    rc = jr_json_parse(arena, body, sizeof(body) - 1, &err, &value);

    if (rc == JR_OK) {
        rc = jr_schema_check(schema, NULL, value, JR_SCHEMA_GATEWAY, &report);
    }

    if (rc == JR_OK) {
        rc = jr_canonical_digest(value, &md);
    }

    jr_arena_free(arena);

    return rc;
}


/* the schema's own arena: what a request leaves must not harm the next */

static jr_status_e
whole_body(void)
{
    jr_status_e        rc;
    jr_json_error_t    err;
    const jr_value_t  *value;

    static jr_report_t  report;

    value = NULL;
    rc = jr_body_check(schema, NULL, body, sizeof(body) - 1, JR_SCHEMA_GATEWAY,
                       &err, &report, &value);

    return rc;
}


static void
bodies_say_no_memory(void **state)
{
    char  err[512];

    (void) state;

    assert_int_equal(jr_schema_compile(
                         jr_embedded_create_job_run_details_json,
                         jr_embedded_create_job_run_details_json_len, err,
                         sizeof(err), &schema), JR_OK);

    assert_true(each_allocation_fails(check_and_digest) > 2);
    (void) each_allocation_fails(whole_body);

    jr_schema_free(schema);
}


/* ------------------------------------------------------------------- tokens */

/* {"sub":"u","tenant":"t"} */

static jr_status_e
session_token(void)
{
    jr_identity_t  identity;

    static const jr_str_t  value = jr_str(
        "Signature version=\"1\",keyId=\"ST$e30."
        "eyJzdWIiOiJ1IiwidGVuYW50IjoidCJ9.c2ln\",headers=\"date\"");

    return jr_identity_read(value, &identity);
}


static void
tokens_say_no_memory(void **state)
{
    (void) state;

    assert_true(each_allocation_fails(session_token) >= 2);
}


/* ------------------------------------------------------ keys and signatures */

static char  *key_file, *jwks, *authorization;

static const char  text_signed[] = "(request-target): get /\nhost: h\n"
                                   "date: Fri, 27 Nov 2026 03:30:52 GMT";


static jr_status_e
read_keys(jr_auth_keys_kind_e kind, const char *text, jr_auth_keys_t **keys)
{
    char         error[JR_AUTH_KEYS_ERROR];
    jr_status_e  rc;

    *keys = jr_auth_keys_create(kind);

    if (*keys == NULL) {
        return JR_NO_MEMORY;
    }

    rc = jr_auth_keys_add(*keys, "keys", (jr_str_t) { strlen(text), text },
                          error);

    return rc == JR_OK ? jr_auth_keys_seal(*keys, error) : rc;
}


/* keys of users and of an issuer, and a request that is verified by them */

static jr_status_e
verify_request(void)
{
    jr_status_e              rc;
    jr_auth_keys_t          *users, *issuers;
    jr_auth_issuer_t         issuer;
    jr_auth_policy_t         policy;
    jr_auth_failure_t        failure;
    jr_auth_identity_t       who;
    jr_signature_request_t   rq;

    static jr_signature_t  s;

    memset(&policy, 0, sizeof(policy));
    memset(&issuer, 0, sizeof(issuer));
    issuers = NULL;

    rc = read_keys(JR_AUTH_KEYS_OF_USERS, key_file, &users);

    if (rc == JR_OK) {
        rc = read_keys(JR_AUTH_KEYS_OF_ISSUER, jwks, &issuers);
    }

    if (rc == JR_OK) {
        policy.cache = jr_auth_cache_create();
        rc = policy.cache != NULL ? JR_OK : JR_NO_MEMORY;
    }

    if (rc == JR_OK) {
        issuer.name = (jr_str_t) jr_str("i");
        issuer.keys = issuers;
        policy.keys = users;
        policy.users = 1;
        policy.issuers = &issuer;
        policy.nissuers = 1;
        policy.min_bits = 1024;
        policy.skew = 300;
        rq.method = (jr_str_t) jr_str("GET");
        rq.target = (jr_str_t) jr_str("/");
        rq.body = 0;

        (void) jr_signature_read((jr_str_t) { strlen(authorization),
                                              authorization }, &s, &failure);
        jr_signature_field(&s, (jr_str_t) jr_str("Host"),
                           (jr_str_t) jr_str("h"));
        jr_signature_field(&s, (jr_str_t) jr_str("Date"),
                           (jr_str_t) jr_str("Fri, 27 Nov 2026 03:30:52 GMT"));

        rc = jr_auth_check(&policy, &s, &rq, 1795750252, &failure)
             == JR_AUTH_OK
             && jr_auth_verify(&policy, &s, &rq, 0, 1795750252, &who, &failure)
                == JR_AUTH_OK ? JR_OK : JR_INVALID;

        if (failure.reason == JR_AUTH_UNAVAILABLE) {
            rc = JR_NO_MEMORY;
        }
    }

    jr_auth_cache_free(policy.cache);
    jr_auth_keys_free(users);
    jr_auth_keys_free(issuers);

    return rc;
}


static void
authenticating_says_no_memory(void **state)
{
    char  *jwk, *pem, *jwt, *claims, *signature, *owner;

    (void) state;

    pem = signer_pem_json(signer_key(1024));
    jwk = signer_jwk(signer_key_n(1024, 1), ",\"kid\":\"k\"");
    owner = signer_jwk(signer_key(1024), "");
    signature = signer_sign(signer_key(1024), text_signed,
                            sizeof(text_signed) - 1, 0);

    assert_true(asprintf(&key_file, "[{\"keyId\":\"t/u/f\",\"keyValue\":"
                         "\"%s\",\"lifecycleState\":\"ACTIVE\"}]", pem) > 0);
    assert_true(asprintf(&jwks, "{\"keys\":[%s]}", jwk) > 0);
    assert_true(asprintf(&claims, "{\"iss\":\"i\",\"exp\":1795750300,"
                         "\"tenant\":\"t\",\"sub\":\"s\",\"jwk\":%s}",
                         owner) > 0);
    jwt = signer_jwt(signer_key_n(1024, 1),
                     "{\"alg\":\"RS256\",\"kid\":\"k\"}", claims);

    assert_true(asprintf(&authorization, "Signature keyId=\"t/u/f\","
                         "algorithm=\"rsa-sha256\",headers=\"(request-target) "
                         "host date\",signature=\"%s\"", signature) > 0);
    assert_true(each_allocation_fails(verify_request) >= 8);
    free(authorization);

    assert_true(asprintf(&authorization, "Signature keyId=\"ST$%s\","
                         "algorithm=\"rsa-sha256\",headers=\"(request-target) "
                         "host date\",signature=\"%s\"", jwt, signature) > 0);
    assert_true(each_allocation_fails(verify_request) >= 8);
    free(authorization);

    free(key_file);
    free(jwks);
    free(claims);
    free(jwt);
    free(signature);
    free(owner);
    free(jwk);
    free(pem);
    signer_free();
}


/* -------------------------------------------------------------- audit files */

static void
no_report(void *data, const jr_verify_finding_t *finding)
{
    (void) data;
    (void) finding;
}


static jr_status_e
two_chains(void)
{
    char          line[1024];
    size_t        i, len;
    jr_chain_t    chains[2];
    jr_status_e   rc;
    jr_verify_t  *verify;

    static const char *const  texts[] = {
        "{\"eventType\":\"com.oraclecloud.aidataplatform.CreateJobRun.begin\""
        ",\"eventGroupingId\":\"00000000000000000000000000000001\"}",
        "{\"eventType\":\"com.oraclecloud.aidataplatform.CreateJobRun.begin\""
        ",\"eventGroupingId\":\"00000000000000000000000000000002\"}",
        "{\"eventType\":\"com.oraclecloud.aidataplatform.CreateJobRun.end\""
        ",\"eventGroupingId\":\"00000000000000000000000000000001\"}"
    };

    jr_chain_init(&chains[0], "0000000000000000000000000000000a", NULL);
    jr_chain_init(&chains[1], "0000000000000000000000000000000b", NULL);

    rc = jr_verify_create(0, no_report, NULL, &verify);
    if (rc != JR_OK) {
        return rc;
    }

    jr_verify_file(verify, 0);

    for (i = 0; i < 6 && rc == JR_OK; i++) {

        len = strlen(texts[i % 3]);
        memcpy(line, texts[i % 3], len);

        rc = jr_chain_seal(&chains[i % 2], line, &len);

        if (rc == JR_OK) {
            rc = jr_verify_line(verify, line, len);
        }
    }

    if (rc == JR_OK) {
        rc = jr_verify_end(verify);
    }

    jr_verify_free(verify);

    return rc;
}


static void
verifying_says_no_memory(void **state)
{
    (void) state;

    assert_true(each_allocation_fails(two_chains) > 4);
}


int
main(void)
{
    const struct CMUnitTest  tests[] = {
        cmocka_unit_test(schemas_say_no_memory),
        cmocka_unit_test(bodies_say_no_memory),
        cmocka_unit_test(tokens_say_no_memory),
        cmocka_unit_test(authenticating_says_no_memory),
        cmocka_unit_test(verifying_says_no_memory),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
