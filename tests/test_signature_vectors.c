/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Requests that were signed elsewhere and by the project: each is verified, and
 * none is with any byte of what is signed changed.
 */

/* strcasestr() */
#define _GNU_SOURCE

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "jr_raw_request.h"
#include "jr_signing.h"
#include "lib_corpus.h"
#include "lib_signed.h"
#include "lib_signer.h"


typedef struct {
    const char  *file;
    const char  *key;           /* of the request's signature */
    int64_t      now;
    int          get;
    unsigned     names;         /* signed */
} vector_t;


static const vector_t  oracle[] = {
    { "go-api-key", "user", NOW, 0, 6 },
    { "python-api-key", "user", NOW, 0, 6 },
    { "python-space-in-path", "user", NOW, 0, 6 },
    { "typescript-api-key", "user", NOW, 0, 6 },
    { "typescript-empty-body", "user", NOW, 0, 6 },
    { "typescript-obo", "user", NOW, 0, 7 },
    { "typescript-query", "user", NOW, 0, 6 },
    { "typescript-session-token", "session", NOW, 0, 6 },
    /* Sun, 05 Jan 2014 21:31:40 GMT, whatever the weekday there says */
    { "oracle-docs-get", "oracle-docs", 1388957500, 1, 3 },
    { "oracle-docs-post", "oracle-docs", 1388957500, 0, 6 }
};

static const vector_t  own[] = {
    { "api-key", "user", NOW, 0, 6 },
    { "parameters-in-another-order", "user", NOW, 0, 6 },
    { "without-version", "user", NOW, 0, 6 },
    { "x-date-and-mixed-case", "user", NOW, 0, 6 },
    { "query", "user", NOW, 0, 6 },
    { "escapes-in-the-path", "user", NOW, 0, 6 },
    { "absolute-form", "user", NOW, 0, 6 },
    { "empty-body", "user", NOW, 0, 6 },
    { "repeated-headers", "user", NOW, 0, 8 },
    { "empty-header", "user", NOW, 0, 7 },
    { "blanks-around-values", "user", NOW, 0, 6 },
    { "utf-8-body", "user", NOW, 0, 6 },
    { "length-of-the-body", "user", NOW, 0, 6 },
    { "wrong-weekday", "user", NOW, 0, 6 },
    { "get", "user", NOW, 1, 3 },
    { "rsa-4096", "user-4096", NOW, 0, 6 },
    { "token-jwk-string", "session", NOW, 0, 6 },
    { "token-jwk-object", "session", NOW, 0, 6 },
    { "token-resource", "session", NOW, 0, 6 }
};


static EVP_PKEY *
key_of(const char *dir, const char *name)
{
    char         path[512], *pem;
    size_t       len;
    EVP_PKEY    *key;
    const char  *what;

    snprintf(path, sizeof(path), "%s/%s.pub.pem", dir, name);
    pem = read_file(path, &len);

    assert_int_equal(jr_rsa_read_pem((jr_str_t) { len, pem }, &key, &what),
                     JR_OK);
    free(pem);

    return key;
}


/* the verdict of text, which may have been changed */

static jr_auth_reason_e
vector_verdict(const vector_t *v, EVP_PKEY *key, jr_str_t text,
    jr_signature_t *s)
{
    size_t                   i, n;
    const char              *what;
    jr_digest_t              md;
    jr_status_e              rc;
    EVP_PKEY_CTX            *verifier;
    jr_raw_request_t         raw;
    jr_auth_failure_t        failure;
    jr_signature_request_t   request;

    if (jr_raw_request_read(text, &raw, &what) != JR_OK) {
        return JR_AUTH_MALFORMED;
    }

    request.method = raw.method;
    request.target = raw.target;
    request.body = !v->get;

    if (jr_signature_read(jr_raw_request_field(&raw, "authorization", &n), s,
                          &failure) != JR_AUTH_OK)
    {
        return failure.reason;
    }

    for (i = 0; i < raw.nfields; i++) {
        jr_signature_field(s, raw.fields[i].name, raw.fields[i].value);
    }

    if (jr_signature_check(s, &request, v->now, 300, &failure) != JR_AUTH_OK) {
        return failure.reason;
    }

    assert_int_equal(jr_signing_digest(s, &request, (int64_t) raw.body.len,
                                         &md), JR_OK);

    verifier = jr_rsa_verifier(key);
    assert_non_null(verifier);
    rc = jr_rsa_verify(verifier, &md, s->signature, s->signature_len);
    EVP_PKEY_CTX_free(verifier);

    if (rc != JR_OK) {
        return JR_AUTH_SIGNATURE;
    }

    if (v->get) {
        return JR_AUTH_OK;
    }

    return jr_signature_body(&s->body, raw.body.data, raw.body.len, &failure);
}


/* Each byte of the request line, of the signed headers and of the body is
   another one in turn: nothing of that is a request that was signed.  Bytes
   that do not matter: case and blanks, what is not signed. */

static void
vector_changed(const vector_t *v, EVP_PKEY *key, char *text, size_t len)
{
    size_t           i, changed;
    jr_str_t         value;
    const char      *p, *mark;
    jr_signature_t   s;

    static const char *const  marks[] = {
        "\r\nhost: ", "\r\nx-content-sha256: ", "\r\ncontent-type: ",
        "\r\ncontent-length: ", "signature=\""
    };

    value = (jr_str_t) { len, text };
    changed = 0;

    for (i = 0; i < LEN(marks); i++) {
        mark = strcasestr(text, marks[i]);

        if (mark == NULL) {
            continue;
        }

        for (p = mark + strlen(marks[i]); strchr("\r\"", *p) == NULL; p++) {

            if (strchr(" \t", *p)) {
                continue;
            }

            text[p - text] ^= 1;
            assert_int_not_equal(vector_verdict(v, key, value, &s),
                                 JR_AUTH_OK);
            text[p - text] ^= 1;
            changed++;
        }
    }

    for (p = text; strncmp(p, " HTTP/", 6) != 0; p++) {

        if (strstr(v->file, "absolute") && p - text > 4 && p - text < 31) {
            continue;
        }

        text[p - text] ^= 1;
        assert_int_not_equal(vector_verdict(v, key, value, &s), JR_AUTH_OK);
        text[p - text] ^= 1;
        changed++;
    }

    for (p = strstr(text, "\r\n\r\n") + 4; !v->get && p < text + len; p++) {
        text[p - text] ^= 1;
        assert_int_equal(vector_verdict(v, key, value, &s), JR_AUTH_DIGEST);
        text[p - text] ^= 1;
        changed++;
    }

    assert_int_equal(vector_verdict(v, key, value, &s), JR_AUTH_OK);
    assert_true(changed > 50);
}


static void
run_vectors(const char *dir, const vector_t *vectors, size_t n)
{
    char            path[512], *text;
    size_t          i, len;
    EVP_PKEY       *key, *other;
    jr_signature_t  s;

    for (i = 0; i < n; i++) {
        snprintf(path, sizeof(path), "%s/%s.http", dir, vectors[i].file);
        text = read_file(path, &len);
        key = key_of(dir, vectors[i].key);

        if (vector_verdict(&vectors[i], key, (jr_str_t) { len, text }, &s)
            != JR_AUTH_OK)
        {
            fail_msg("%s is not verified", path);
        }

        assert_int_equal(s.nlines, vectors[i].names);

        other = signer_key(EVP_PKEY_get_bits(key) < 2048 ? 1024 : 2048);
        assert_int_equal(vector_verdict(&vectors[i], other,
                                        (jr_str_t) { len, text }, &s),
                         JR_AUTH_SIGNATURE);

        vector_changed(&vectors[i], key, text, len);

        EVP_PKEY_free(key);
        free(text);
    }

    print_message("# %zu requests of %s\n", n, dir);
}


static void
the_projects_vectors(void **state)
{
    (void) state;

    run_vectors("tests/vectors/signatures", own, LEN(own));
}


static void
requests_signed_by_oracles_sdks(void **state)
{
    FILE        *file;
    char         dir[400], path[512];
    const char  *suites;

    (void) state;

    suites = getenv("JR_SUITES");
    snprintf(dir, sizeof(dir), "%s/oci_signatures",
             suites ? suites : "../shared/suites");
    snprintf(path, sizeof(path), "%s/user.pub.pem", dir);

    file = fopen(path, "r");

    if (file == NULL) {
        fprintf(stderr, "# skip: %s is not here\n", dir);
        return;
    }

    fclose(file);
    run_vectors(dir, oracle, LEN(oracle));
}


int
main(void)
{
    const struct CMUnitTest  tests[] = {
        cmocka_unit_test(the_projects_vectors),
        cmocka_unit_test(requests_signed_by_oracles_sdks)
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
