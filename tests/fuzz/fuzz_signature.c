/* SPDX-License-Identifier: BSD-2-Clause
 *
 * A request as it went over the wire, verified by a key that it does not know,
 * and session tokens.
 *
 * An input is a raw request.  One that begins with a line "token" is a header
 * and claims, a line each, which are encoded into a token; with a line "keys",
 * a file of keys.
 */

#include "fuzz.h"
#include "jr_auth.h"
#include "jr_base64.h"
#include "jr_http_date.h"
#include "jr_raw_request.h"
#include "jr_signing.h"


/* Fri, 27 Nov 2026 03:30:52 GMT */
#define NOW  1795750252


static void request(jr_str_t text);
static void token(jr_str_t text);
static void verdict(jr_auth_reason_e rc, const jr_auth_failure_t *failure);
static void files(jr_str_t text);
static const jr_auth_keys_t *key_set(void);
static void lines(const jr_signature_t *s, const jr_signature_request_t *rq,
    const jr_digest_t *md);
static size_t encode(jr_str_t text, char *dst);


int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char      *text;
    jr_str_t   rest, line;

    text = fuzz_copy(data, size);

    rest = (jr_str_t) { size, text };
    line = fuzz_line(&rest);

    if (jr_str_eq(line, "token", 5)) {
        token(rest);

    } else if (jr_str_eq(line, "keys", 4)) {
        files(rest);

    } else {
        request((jr_str_t) { size, text });
    }

    free(text);

    return 0;
}


static const jr_auth_keys_t *
key_set(void)
{
    char                    error[JR_AUTH_KEYS_ERROR];

    static jr_auth_keys_t  *keys;

    /* a modulus of 1024 bits: all of them are 1 */
    static const char  text[] =
        "{\"keys\":[{\"kid\":\"t/u/f\",\"kty\":\"RSA\",\"e\":\"AQAB\",\"n\":\""
        "__________________________________________________________________"
        "__________________________________________________________________"
        "______________________________________8\"}]}";

    if (keys == NULL) {
        keys = jr_auth_keys_create(JR_AUTH_KEYS_OF_USERS);
        fuzz_holds(keys != NULL);
        fuzz_holds(jr_auth_keys_add(keys, "k", (jr_str_t) jr_str(text), error)
                   == JR_OK);
        fuzz_holds(jr_auth_keys_seal(keys, error) == JR_OK);
    }

    return keys;
}


static void
verdict(jr_auth_reason_e rc, const jr_auth_failure_t *failure)
{
    char  reason[JR_AUTH_REASON_MAX], message[JR_AUTH_MESSAGE_MAX];

    fuzz_holds(rc != JR_AUTH_OK && rc < JR_AUTH_LAST);
    fuzz_holds(rc == failure->reason);
    fuzz_holds(rc != JR_AUTH_UNAVAILABLE);
    fuzz_holds(fuzz_is_plain(reason, jr_auth_reason_write(failure, reason)));
    fuzz_holds(fuzz_is_plain(message,
                             jr_auth_reason_message(failure, message)));
}


static void
request(jr_str_t text)
{
    size_t                          i, n;
    jr_str_t                        value;
    const char                     *what;
    jr_digest_t                     md;
    jr_auth_policy_t                policy;
    jr_raw_request_t                raw;
    jr_auth_reason_e                rc;
    jr_auth_failure_t               failure;
    jr_auth_identity_t              identity;
    jr_signature_request_t          rq;

    static jr_signature_t           s;
    static const jr_auth_issuer_t   issuer = { jr_str("i"), jr_str(""), NULL };

    if (jr_raw_request_read(text, &raw, &what) != JR_OK) {
        return;
    }

    memset(&s, 0x5a, sizeof(s));
    memset(&policy, 0, sizeof(policy));

    policy.keys = key_set();
    policy.users = 1;
    policy.issuers = &issuer;
    policy.nissuers = 1;
    policy.min_bits = 1024;
    policy.skew = 300;

    rq.method = raw.method;
    rq.target = raw.target;
    rq.body = raw.method.len == 4;

    value = jr_raw_request_field(&raw, "authorization", &n);
    rc = jr_signature_read(value, &s, &failure);

    if (rc != JR_AUTH_OK) {
        verdict(rc, &failure);
        return;
    }

    fuzz_holds(fuzz_within(s.key_id, text.data, text.len));
    fuzz_holds(s.nlines >= 1 && s.nlines <= JR_SIGNATURE_NAMES);

    for (i = 0; i < raw.nfields; i++) {
        jr_signature_field(&s, raw.fields[i].name, raw.fields[i].value);
    }

    rc = jr_signature_check(&s, &rq, NOW, policy.skew, &failure);

    if (rc != JR_AUTH_OK) {
        verdict(rc, &failure);
        return;
    }

    fuzz_holds(jr_signing_digest(&s, &rq, (int64_t) raw.body.len, &md)
               == JR_OK);
    lines(&s, &rq, &md);

    rc = jr_auth_check(&policy, &s, &rq, NOW, &failure);

    if (rc == JR_AUTH_OK) {
        rc = jr_auth_verify(&policy, &s, &rq, (int64_t) raw.body.len, NOW,
                            &identity, &failure);
    }

    /* the issuer has no keys: what is there of one may be unavailable */

    if (rc != JR_AUTH_UNAVAILABLE) {
        verdict(rc, &failure);
    }
}


static jr_status_e
count_line_ends(void *data, const char *text, size_t len)
{
    size_t  i;

    for (i = 0; i < len; i++) {
        *(size_t *) data += text[i] == '\n';
    }

    return JR_OK;
}


/* as many lines as there are names, and their digest is that of them all */

static void
lines(const jr_signature_t *s, const jr_signature_request_t *rq,
    const jr_digest_t *md)
{
    size_t       ends;
    unsigned     i;
    jr_digest_t  again;

    ends = 0;

    for (i = 0; i < s->nlines; i++) {
        fuzz_holds(jr_signing_line(s, rq, i, 0, count_line_ends, &ends)
                   == JR_OK);
    }

    fuzz_holds(ends == 0);

    /* the length counts where it is waited for, and nowhere else */

    fuzz_holds(jr_signing_digest(s, rq, 999999999, &again) == JR_OK);
    fuzz_holds(s->waits
               == (memcmp(md->bytes, again.bytes, JR_DIGEST_LEN) != 0));
}


static size_t
encode(jr_str_t text, char *dst)
{
    char    *p, *end;
    size_t   n;

    end = jr_base64_encode((const unsigned char *) text.data, text.len, dst);
    n = 0;

    for (p = dst; p < end && *p != '='; p++, n++) {
        *p = *p == '+' ? '-' : *p == '/' ? '_' : *p;
    }

    return n;
}


static void
token(jr_str_t text)
{
    char                *jwt, *p, *copy;
    jr_str_t             header;
    jr_auth_token_t      found;
    jr_auth_issuer_t     issuer;
    jr_auth_failure_t    failure;

    header = fuzz_line(&text);
    jwt = malloc(jr_base64_len(header.len) + jr_base64_len(text.len) + 400);
    fuzz_holds(jwt != NULL);

    p = jwt + encode(header, jwt);
    *p++ = '.';
    p += encode(text, p);
    *p++ = '.';
    memset(p, 'A', 171);
    p += 171;

    copy = fuzz_copy(jwt, (size_t) (p - jwt));

    issuer.name = (jr_str_t) jr_str("i");
    issuer.audience = (jr_str_t) jr_str("a");
    issuer.keys = key_set();

    /* nobody can sign for that key */

    verdict(jr_auth_token_verify((jr_str_t) { (size_t) (p - jwt), copy },
                                 &issuer, 1, 1024, NOW, &found, &failure),
            &failure);
    free(copy);
    free(jwt);
}


static void
files(jr_str_t text)
{
    char             error[JR_AUTH_KEYS_ERROR];
    size_t           i, n;
    unsigned         kind;
    jr_status_e      rc;
    jr_auth_keys_t  *keys;
    const jr_auth_key_t  *all;

    for (kind = JR_AUTH_KEYS_OF_USERS; kind <= JR_AUTH_KEYS_OF_ISSUER; kind++) {
        keys = jr_auth_keys_create((jr_auth_keys_kind_e) kind);
        fuzz_holds(keys != NULL);

        rc = jr_auth_keys_add(keys, "k", text, error);

        if (rc == JR_OK) {
            rc = jr_auth_keys_seal(keys, error);
        }

        fuzz_holds(rc == JR_OK || rc == JR_INVALID);
        fuzz_holds(rc == JR_OK || fuzz_is_plain(error, strlen(error)));

        all = jr_auth_keys_all(keys, &n);

        for (i = 0; i < n && rc == JR_OK; i++) {
            fuzz_holds(jr_auth_keys_find(keys, all[i].id) == &all[i]);
            fuzz_holds(all[i].bits >= JR_RSA_BITS_LEAST);
        }

        jr_auth_keys_free(keys);
    }
}
