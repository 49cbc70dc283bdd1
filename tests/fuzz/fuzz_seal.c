/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Seals of Authorization headers.
 *
 * The same header has the same seal, and a keyId that is put in front of or
 * behind the parameters of a Signature is never left out.
 */

#include "fuzz.h"
#include "jr_seal.h"


static jr_digest_t seal_of(const char *text, size_t len);
static jr_digest_t seal_with(const char *before, const char *text, size_t len,
    const char *after);


int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char         *text;
    jr_digest_t   one, two;

    text = fuzz_copy(data, size);

    one = seal_of(text, size);
    two = seal_of(text, size);
    fuzz_holds(memcmp(&one, &two, sizeof(one)) == 0);

    one = seal_with("Signature keyId=\"ann\",", text, size, "");
    two = seal_with("Signature keyId=\"bob\",", text, size, "");
    fuzz_holds(memcmp(&one, &two, sizeof(one)) != 0);

    one = seal_with("Signature ", text, size, ",keyId=\"ann\"");
    two = seal_with("Signature ", text, size, ",keyId=\"bob\"");
    fuzz_holds(memcmp(&one, &two, sizeof(one)) != 0);

    one = seal_with("Basic ", text, size, "ann");
    two = seal_with("Basic ", text, size, "bob");
    fuzz_holds(memcmp(&one, &two, sizeof(one)) != 0);

    free(text);

    return 0;
}


static jr_digest_t
seal_of(const char *text, size_t len)
{
    jr_digest_t  seal;

    fuzz_holds(jr_seal((jr_str_t) { len, text }, &seal) == JR_OK);

    return seal;
}


static jr_digest_t
seal_with(const char *before, const char *text, size_t len, const char *after)
{
    char         *whole;
    size_t        n, k;
    jr_digest_t   seal;

    n = strlen(before);
    k = strlen(after);

    whole = malloc(n + len + k);
    fuzz_holds(whole != NULL);

    memcpy(whole, before, n);

    if (len) {
        memcpy(whole + n, text, len);
    }

    memcpy(whole + n + len, after, k);

    seal = seal_of(whole, n + len + k);

    free(whole);

    return seal;
}
