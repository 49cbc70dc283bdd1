/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Issuers of session tokens, with their keys.
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

#include "lib_issuers.h"
#include "lib_signer.h"


jr_auth_issuer_t  issuers[ISSUERS];


int
issuers_start(void **state)
{
    char            *one, *two, *text;
    size_t           i;
    jr_auth_keys_t  *set;
    char             error[JR_AUTH_KEYS_ERROR];

    (void) state;

    one = signer_jwk(signer_key(2048), ",\"kid\":\"k1\"");
    two = signer_jwk(signer_key(1024), ",\"kid\":\"weak\",\"use\":\"sig\"");
    assert_true(asprintf(&text, "{\"keys\":[%s,%s,{\"kid\":\"old\","
                         "\"lifecycleState\":\"INACTIVE\",%s,{\"kid\":\"past\","
                         "\"not-after\":%d,%s]}", one, two, one + 1, NOW,
                         one + 1) > 0);

    /* kid stands in front of the rest there, and within it: "k1" once more */
    for (i = 0; i < 2; i++) {
        char  *again;

        again = strstr(strstr(text, i ? "past" : "old"), ",\"kid\":\"k1\"");
        assert_non_null(again);
        memset(again, ' ', strlen(",\"kid\":\"k1\""));
    }

    set = jr_auth_keys_create(JR_AUTH_KEYS_OF_ISSUER);
    assert_non_null(set);

    if (jr_auth_keys_add(set, "jwks", (jr_str_t) { strlen(text), text }, error)
        != JR_OK || jr_auth_keys_seal(set, error) != JR_OK)
    {
        fail_msg("%s", error);
    }

    issuers[0].name = (jr_str_t) jr_str("another");
    issuers[0].keys = set;
    issuers[1].name = (jr_str_t) jr_str("issuer");
    issuers[1].keys = set;

    free(one);
    free(two);
    free(text);

    return 0;
}


int
issuers_stop(void **state)
{
    (void) state;

    jr_auth_keys_free((jr_auth_keys_t *) issuers[0].keys);
    signer_free();

    return 0;
}
