/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Authorization headers, also such with a token in them.
 *
 * An input whose first line is "claims" has the rest of it encoded into a
 * token: base64 is a wall to a fuzzer.
 */

#include "fuzz.h"
#include "jr_identity.h"


#define CLAIMS  "claims\n"


static char *token_of(const char *claims, size_t len, size_t *size);
static void read_and_check(const char *text, size_t len);
static void part(jr_str_t value, const char *buf);
static void name(jr_str_t value);


int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char    *text;
    size_t   len, skip;

    skip = sizeof(CLAIMS) - 1;

    if (size >= skip && memcmp(data, CLAIMS, skip) == 0) {
        text = token_of((const char *) data + skip, size - skip, &len);

    } else {
        text = fuzz_copy(data, size);
        len = size;
    }

    read_and_check(text, len);

    free(text);

    return 0;
}


static char *
token_of(const char *claims, size_t len, size_t *size)
{
    char      *text, *p;
    size_t     i;
    uint32_t   bits;

    static const char  head[] = "Signature version=\"1\",keyId=\"ST$e30.";
    static const char  tail[] = ".c2ln\",headers=\"date host\",signature=\"x\"";
    static const char  digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
                                  "abcdefghijklmnopqrstuvwxyz0123456789-_";

    text = malloc(sizeof(head) + sizeof(tail) + len / 3 * 4 + 4);
    fuzz_holds(text != NULL);

    p = text + sizeof(head) - 1;
    memcpy(text, head, sizeof(head) - 1);

    for (i = 0; i < len; i += 3) {
        bits = (uint32_t) (unsigned char) claims[i] << 16;
        bits |= i + 1 < len ? (uint32_t) (unsigned char) claims[i + 1] << 8
                            : 0;
        bits |= i + 2 < len ? (uint32_t) (unsigned char) claims[i + 2] : 0;

        *p++ = digits[bits >> 18];
        *p++ = digits[bits >> 12 & 63];

        if (i + 1 < len) {
            *p++ = digits[bits >> 6 & 63];
        }

        if (i + 2 < len) {
            *p++ = digits[bits & 63];
        }
    }

    memcpy(p, tail, sizeof(tail) - 1);
    *size = (size_t) (p - text) + sizeof(tail) - 1;

    return text;
}


static void
read_and_check(const char *text, size_t len)
{
    jr_str_t       value;
    jr_status_e    rc;
    jr_identity_t  identity;

    value.data = text;
    value.len = len;

    rc = jr_identity_read(value, &identity);
    fuzz_holds(rc == JR_OK || rc == JR_INVALID);
    fuzz_holds(rc == JR_INVALID || identity.tenancy.len);

    part(identity.tenancy, identity.tenancy_buf);
    part(identity.principal, identity.principal_buf);

    fuzz_holds(fuzz_within(identity.signed_headers, text, len));
    fuzz_holds(identity.auth_type.data != NULL);

    /* a token's text is a secret */

    if (jr_str_eq(identity.auth_type, "token", 5)) {
        fuzz_holds(identity.credential.len <= 8);
    }

    (void) jr_identity_signs(&identity, "opc-request-id");
    (void) jr_identity_signs(&identity, "");

    name(identity.tenancy);
    name(identity.principal);
    name(value);
}


static void
part(jr_str_t value, const char *buf)
{
    fuzz_holds(value.len <= JR_IDENTITY_MAX);
    fuzz_holds(fuzz_within(value, buf, JR_IDENTITY_MAX));
}


/* what stands in a key of Redis cannot end its hash tag or its part */

static void
name(jr_str_t value)
{
    char      buf[JR_NAME_DIGEST];
    size_t    i;
    jr_str_t  out;

    fuzz_holds(jr_identity_name(value, buf, &out) == JR_OK);
    fuzz_holds(out.len >= 1 && out.len <= JR_NAME_MAX);

    for (i = 0; i < out.len; i++) {
        fuzz_holds(memchr("{}", out.data[i], 2) == NULL);
        fuzz_holds((unsigned char) out.data[i] > 0x20
                   && (unsigned char) out.data[i] < 0x7f);
    }
}
