/* SPDX-License-Identifier: BSD-2-Clause */

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

#include "lib_signed.h"
#include "lib_signer.h"


signed_rq_t         rq;
char               *signed_auth;
jr_auth_policy_t    signed_policy;
jr_auth_identity_t  signed_who;
char                signed_reason[JR_AUTH_REASON_MAX];
char                signed_message[JR_AUTH_MESSAGE_MAX];

static char         signed_digest[64];


void
signed_set(const char *name, const char *value)
{
    size_t  i;

    for (i = 0; i < rq.n; i++) {
        if (strcmp(rq.fields[i].name, name) == 0) {
            rq.fields[i].value = value;
            return;
        }
    }

    rq.fields[rq.n++] = (signed_field_t) { name, value };
}


void
signed_add(const char *name, const char *value)
{
    rq.fields[rq.n++] = (signed_field_t) { name, value };
}


void
signed_unset(const char *name)
{
    size_t  i, k;

    for (i = 0, k = 0; i < rq.n; i++) {
        if (strcmp(rq.fields[i].name, name) != 0) {
            rq.fields[k++] = rq.fields[i];
        }
    }

    rq.n = k;
}


void
signed_good(void)
{
    char           *encoded;
    unsigned        n;
    unsigned char   md[32];

    memset(&rq, 0, sizeof(rq));

    rq.method = "POST";
    rq.target = PATH;
    rq.body = "{\"jobKey\":\"nightly\"}";
    rq.body_len = strlen(rq.body);
    rq.names = "date (request-target) host content-length content-type "
               "x-content-sha256";
    rq.params = "version=\"1\",headers=\"%2$s\",keyId=\"" KEY "\","
                "algorithm=\"rsa-sha256\",signature=\"%1$s\"";
    rq.bits = 2048;
    rq.now = NOW;

    assert_int_equal(EVP_Digest(rq.body, rq.body_len, md, &n, EVP_sha256(),
                                NULL), 1);
    encoded = signer_base64(md, n, 0);
    strcpy(signed_digest, encoded);
    free(encoded);

    signed_set("Host", "gateway.example.com");
    signed_set("Date", "Fri, 27 Nov 2026 03:30:52 GMT");
    signed_set("Content-Type", "application/json");
    signed_set("Content-Length", "20");
    signed_set("X-Content-SHA256", signed_digest);
    signed_set("opc-retry-token", "t");
}


/* A reading of the rules of its own: the values of a name, trimmed. */

static void
values(char *line, const char *name)
{
    char         one[4096];
    size_t       i, n;
    const char  *p;

    n = 0;

    for (i = 0; i < rq.n; i++) {
        if (strcasecmp(rq.fields[i].name, name) != 0) {
            continue;
        }

        p = rq.fields[i].value + strspn(rq.fields[i].value, " \t");
        snprintf(one, sizeof(one), "%s", p);

        while (one[0] && strchr(" \t", one[strlen(one) - 1])) {
            one[strlen(one) - 1] = '\0';
        }

        strcat(line, n++ ? ", " : "");
        strcat(line, one);
    }

    if (n == 0 && strcasecmp(name, "content-length") == 0) {
        sprintf(line + strlen(line), "%zu", rq.body_len);
    }
}


void
signed_sign(void)
{
    char        *text, *names, *name, *rest, *signature, *p;
    const char  *target;

    text = calloc(1, 65536);
    names = strdup(rq.names);
    assert_non_null(text);

    for (name = strtok_r(names, " ", &rest); name != NULL;
         name = strtok_r(NULL, " ", &rest))
    {
        for (p = name; *p; p++) {
            *p = (char) (*p >= 'A' && *p <= 'Z' ? *p + 32 : *p);
        }

        strcat(text, *text ? "\n" : "");
        strcat(text, name);
        strcat(text, ": ");

        if (strcmp(name, "(request-target)") == 0) {
            target = *rq.target == '/' ? NULL : strstr(rq.target, "://");
            target = target ? strchr(target + 3, '/') : rq.target;

            p = text + strlen(text);
            strcat(text, rq.method);

            for ( /* void */ ; *p; p++) {
                *p = (char) (*p >= 'A' && *p <= 'Z' ? *p + 32 : *p);
            }

            strcat(text, " ");
            strcat(text, target);

        } else {
            values(text, name);
        }
    }

    signature = signer_sign(signer_key(rq.bits), text, strlen(text), 0);

    free(signed_auth);
    assert_true(asprintf(&p, rq.params, signature, rq.names) > 0);
    assert_true(asprintf(&signed_auth, "Signature %s", p) > 0);

    free(p);
    free(signature);
    free(names);
    free(text);
}


/* exact copies, so that a step beyond one is seen */

static jr_str_t
exact(const char *text, size_t len, char **copies, size_t *n)
{
    copies[*n] = malloc(len ? len : 1);
    assert_non_null(copies[*n]);
    memcpy(copies[*n], text, len);

    return (jr_str_t) { len, copies[(*n)++] };
}


/* verifies what stands in rq and auth; the reason, "" where there is none */

const char *
signed_verify_with(jr_signature_t *s)
{
    char                    *copies[2 * MOST + 140];
    size_t                   i, n, len;
    jr_str_t                 name, value;
    jr_auth_reason_e         rc;
    jr_auth_failure_t        failure;
    jr_signature_request_t   request;

    n = 0;
    request.method = exact(rq.method, strlen(rq.method), copies, &n);
    request.target = exact(rq.target, strlen(rq.target), copies, &n);
    request.body = !rq.get;

    memset(&signed_who, 0, sizeof(signed_who));

    rc = jr_signature_read(exact(signed_auth, strlen(signed_auth), copies, &n),
                           s, &failure);

    for (i = 0; i < rq.n && rc == JR_AUTH_OK; i++) {
        name = exact(rq.fields[i].name, strlen(rq.fields[i].name), copies, &n);
        value = exact(rq.fields[i].value, strlen(rq.fields[i].value), copies,
                      &n);
        jr_signature_field(s, name, value);
    }

    if (rc == JR_AUTH_OK) {
        rc = jr_auth_check(&signed_policy, s, &request, rq.now, &failure);
    }

    if (rc == JR_AUTH_OK) {
        rc = jr_auth_verify(&signed_policy, s, &request, (int64_t) rq.body_len,
                            rq.now, &signed_who, &failure);
    }

    if (rc == JR_AUTH_OK && !rq.get) {
        rc = jr_signature_body(&s->body, rq.body, rq.body_len, &failure);
    }

    signed_reason[0] = '\0';
    signed_message[0] = '\0';

    if (rc != JR_AUTH_OK) {
        assert_int_equal(rc, failure.reason);
        len = jr_auth_reason_write(&failure, signed_reason);
        assert_int_equal(len, strlen(signed_reason));
        len = jr_auth_reason_message(&failure, signed_message);
        assert_int_equal(len, strlen(signed_message));
    }

    /* NGINX's TLS would report what was left there as its own */
    assert_int_equal(ERR_peek_error(), 0);

    while (n) {
        free(copies[--n]);
    }

    return signed_reason;
}


const char *
signed_verify(void)
{
    static jr_signature_t  s;

    /* nothing of an earlier request counts */
    memset(&s, 0x5a, sizeof(s));

    return signed_verify_with(&s);
}


int
signed_setup(void **state)
{
    char            *pem, *text, error[JR_AUTH_KEYS_ERROR];
    size_t           i;
    jr_auth_keys_t  *keys;

    static const unsigned  bits[] = { 2048, 1024, 4096 };

    (void) state;

    keys = jr_auth_keys_create(JR_AUTH_KEYS_OF_USERS);
    assert_non_null(keys);

    for (i = 0; i < LEN(bits); i++) {
        pem = signer_pem_json(signer_key(bits[i]));
        assert_true(asprintf(&text, "[{\"keyId\":\"%s%s\",\"keyValue\":\"%s\","
                             "\"lifecycleState\":\"ACTIVE\"}]", KEY,
                             i == 0 ? "" : i == 1 ? ":1024" : ":4096", pem)
                    > 0);
        assert_int_equal(jr_auth_keys_add(keys, "keys",
                                          (jr_str_t) { strlen(text), text },
                                          error), JR_OK);
        free(text);
        free(pem);
    }

    assert_int_equal(jr_auth_keys_seal(keys, error), JR_OK);

    signed_policy.keys = keys;
    signed_policy.users = 1;
    signed_policy.min_bits = 2048;
    signed_policy.skew = 300;

    return 0;
}


int
signed_teardown(void **state)
{
    (void) state;

    jr_auth_keys_free((jr_auth_keys_t *) signed_policy.keys);
    free(signed_auth);
    signer_free();

    return 0;
}


void
signed_is(const char *want)
{
    signed_verify();

    if (strcmp(signed_reason, want) != 0) {
        fail_msg("\"%s\" is not \"%s\"; %s", signed_reason, want, signed_auth);
    }
}


void
signed_now_is(const char *want)
{
    signed_sign();
    signed_is(want);
}


void
params_are(const char *params, const char *want)
{
    signed_good();
    rq.params = params;
    signed_now_is(want);
}


void
names_are(const char *names, const char *want)
{
    signed_good();
    rq.names = names;
    signed_now_is(want);
}
