/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Tokens that were verified, and how long that counts.
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

#include "jr_auth_cache.h"
#include "jr_rsa.h"
#include "lib_issuers.h"
#include "lib_signer.h"


static const jr_auth_cached_t *
cached(jr_auth_cache_t *cache, unsigned n, const void *policy,
    uint64_t generation, int64_t now)
{
    jr_digest_t            md;
    jr_auth_cache_rules_t  rules;

    assert_int_equal(jr_digest(&n, sizeof(n), &md), JR_OK);
    rules.policy = policy;
    rules.generation = generation;

    return jr_auth_cache_find(cache, &md, &rules, now);
}


static void
a_verified_token_counts_while_its_keys_do(void **state)
{
    char                    *jwk, *claims, *jwt;
    unsigned                 n, found;
    jr_digest_t              md;
    jr_auth_cache_t         *cache;
    jr_auth_token_t          token;
    jr_auth_failure_t        failure;
    const jr_auth_cached_t  *one;
    jr_auth_cache_rules_t    rules;

    (void) state;

    jwk = signer_jwk(signer_key_n(2048, 1), "");
    assert_true(asprintf(&claims, "{" CLAIMS ",\"nbf\":%d,\"jwk\":%s}", NOW,
                         jwk) > 0);
    jwt = signer_jwt(signer_key(2048), HEADER, claims);
    cache = jr_auth_cache_create();
    assert_non_null(cache);

    rules.policy = jwt;
    rules.generation = 7;

    for (n = 0; n < 2000; n++) {
        assert_int_equal(jr_auth_token_verify((jr_str_t) { strlen(jwt), jwt },
                                              issuers, ISSUERS, 2048, NOW,
                                              &token, &failure),
                         JR_AUTH_OK);
        assert_int_equal(jr_digest(&n, sizeof(n), &md), JR_OK);
        one = jr_auth_cache_put(cache, &md, &rules, &token);
        assert_non_null(one);
        assert_ptr_equal(cached(cache, n, jwt, 7, NOW), one);
    }

    assert_true(jr_str_eq(one->tenancy, "t1", 2));
    assert_true(jr_str_eq(one->subject, "s1", 2));
    assert_int_equal(jr_rsa_bits(EVP_PKEY_CTX_get0_pkey(one->verifier)), 2048);

    /* what does not fit gives way, and what is used stays */

    for (n = 0, found = 0; n < 2000; n++) {
        found += cached(cache, n, jwt, 7, NOW) != NULL;
    }

    assert_in_range(found, JR_AUTH_CACHE_SETS,
                    JR_AUTH_CACHE_SETS * JR_AUTH_CACHE_WAYS);

    /* not for another policy, nor under a digest that is not its own */

    n = 1999;
    assert_null(cached(cache, n, claims, 7, NOW));
    assert_null(cached(cache, 2000, jwt, 7, NOW));
    assert_non_null(cached(cache, n, jwt, 7, NOW - 60));
    assert_non_null(cached(cache, n, jwt, 7, NOW + 119));

    /* its time is over, or has not come; then it is verified again */

    assert_null(cached(cache, n, jwt, 7, NOW + 120));
    assert_null(cached(cache, n, jwt, 7, NOW));
    assert_non_null(cached(cache, n - 1, jwt, 7, NOW));
    assert_null(cached(cache, n - 1, jwt, 7, NOW - 61));

    /* nor once keys were exchanged, also for those before */

    assert_non_null(cached(cache, n - 2, jwt, 7, NOW));
    assert_null(cached(cache, n - 2, jwt, 8, NOW));
    assert_null(cached(cache, n - 2, jwt, 7, NOW));

    jr_auth_cache_free(cache);
    free(jwt);
    free(claims);
    free(jwk);
}


int
main(void)
{
    const struct CMUnitTest  tests[] = {
        cmocka_unit_test(a_verified_token_counts_while_its_keys_do)
    };

    return cmocka_run_group_tests(tests, issuers_start, issuers_stop);
}
