/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Request signatures: all vectors, every part of them changed, and each rule
 * broken by itself.
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

#include "jr_auth.h"
#include "jr_http_date.h"
#include "jr_raw_request.h"
#include "jr_signing.h"
#include "lib_corpus.h"
#include "lib_signer.h"


#define LEN(a)  (sizeof(a) / sizeof((a)[0]))

/* Fri, 27 Nov 2026 03:30:52 GMT */
#define NOW   1795750252

#define KEY   "ocid1.tenancy.oc1..t/ocid1.user.oc1..u/4b:cc:0e"

#define PATH  "/20260430/aiDataPlatforms/ocid1.a/workspaces/w/jobRuns"

#define MOST  48


/* a request that is built, signed, spoiled and verified */

typedef struct {
    const char  *name;
    const char  *value;
} field_t;

static struct {
    const char  *method;
    const char  *target;
    field_t      fields[MOST + 64];
    size_t       n;
    const char  *body;
    size_t       body_len;
    const char  *names;         /* headers="..." */
    const char  *params;        /* the header's, with "%s" for a signature */
    int          get;           /* what a GET needs */
    unsigned     bits;
    int64_t      now;
} rq;

static char                  *auth;
static char                   digest[64];
static jr_auth_policy_t       policy;
static jr_auth_identity_t     who;
static char                   reason[JR_AUTH_REASON_MAX];
static char                   message[JR_AUTH_MESSAGE_MAX];


static void
set(const char *name, const char *value)
{
    size_t  i;

    for (i = 0; i < rq.n; i++) {
        if (strcmp(rq.fields[i].name, name) == 0) {
            rq.fields[i].value = value;
            return;
        }
    }

    rq.fields[rq.n++] = (field_t) { name, value };
}


static void
add(const char *name, const char *value)
{
    rq.fields[rq.n++] = (field_t) { name, value };
}


static void
unset(const char *name)
{
    size_t  i, k;

    for (i = 0, k = 0; i < rq.n; i++) {
        if (strcmp(rq.fields[i].name, name) != 0) {
            rq.fields[k++] = rq.fields[i];
        }
    }

    rq.n = k;
}


static void
good(void)
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
    strcpy(digest, encoded);
    free(encoded);

    set("Host", "gateway.example.com");
    set("Date", "Fri, 27 Nov 2026 03:30:52 GMT");
    set("Content-Type", "application/json");
    set("Content-Length", "20");
    set("X-Content-SHA256", digest);
    set("opc-retry-token", "t");
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


static void
sign(void)
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

    free(auth);
    assert_true(asprintf(&p, rq.params, signature, rq.names) > 0);
    assert_true(asprintf(&auth, "Signature %s", p) > 0);

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

static const char *
verify_with(jr_signature_t *s)
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

    memset(&who, 0, sizeof(who));

    rc = jr_signature_read(exact(auth, strlen(auth), copies, &n), s, &failure);

    for (i = 0; i < rq.n && rc == JR_AUTH_OK; i++) {
        name = exact(rq.fields[i].name, strlen(rq.fields[i].name), copies, &n);
        value = exact(rq.fields[i].value, strlen(rq.fields[i].value), copies,
                      &n);
        jr_signature_field(s, name, value);
    }

    if (rc == JR_AUTH_OK) {
        rc = jr_auth_check(&policy, s, &request, rq.now, &failure);
    }

    if (rc == JR_AUTH_OK) {
        rc = jr_auth_verify(&policy, s, &request, (int64_t) rq.body_len,
                            rq.now, &who, &failure);
    }

    if (rc == JR_AUTH_OK && !rq.get) {
        rc = jr_signature_body(&s->body, rq.body, rq.body_len, &failure);
    }

    reason[0] = '\0';
    message[0] = '\0';

    if (rc != JR_AUTH_OK) {
        assert_int_equal(rc, failure.reason);
        len = jr_auth_reason_write(&failure, reason);
        assert_int_equal(len, strlen(reason));
        len = jr_auth_reason_message(&failure, message);
        assert_int_equal(len, strlen(message));
    }

    /* NGINX's TLS would report what was left there as its own */
    assert_int_equal(ERR_peek_error(), 0);

    while (n) {
        free(copies[--n]);
    }

    return reason;
}


static const char *
verify(void)
{
    static jr_signature_t  s;

    /* nothing of an earlier request counts */
    memset(&s, 0x5a, sizeof(s));

    return verify_with(&s);
}


static int
keys_of_tests(void **state)
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

    policy.keys = keys;
    policy.users = 1;
    policy.min_bits = 2048;
    policy.skew = 300;

    return 0;
}


static int
no_keys(void **state)
{
    (void) state;

    jr_auth_keys_free((jr_auth_keys_t *) policy.keys);
    free(auth);
    signer_free();

    return 0;
}


/* --------------------------------------------------------------- vectors */

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


/* ------------------------------------------------------------- each rule */

static void
is(const char *want)
{
    verify();

    if (strcmp(reason, want) != 0) {
        fail_msg("\"%s\" is not \"%s\"; %s", reason, want, auth);
    }
}


static void
signed_is(const char *want)
{
    sign();
    is(want);
}


static void
with_params(const char *params, const char *want)
{
    good();
    rq.params = params;
    signed_is(want);
}


static void
with_names(const char *names, const char *want)
{
    good();
    rq.names = names;
    signed_is(want);
}


static void
a_good_request_says_who_it_is_from(void **state)
{
    (void) state;

    good();
    signed_is("");

    assert_true(jr_str_eq(who.type, "key", 3));
    assert_true(jr_str_eq(who.tenancy, "ocid1.tenancy.oc1..t", 20));
    assert_true(jr_str_eq(who.principal, "ocid1.user.oc1..u", 17));
}


static void
parameters_stand_once_and_say_rsa_sha256(void **state)
{
    (void) state;

#define H  "headers=\"%2$s\""
#define K  "keyId=\"" KEY "\""
#define A  "algorithm=\"rsa-sha256\""
#define S  "signature=\"%1$s\""

    with_params(S "," A "," K "," H, "");
    with_params(H ", " K " ,\t" A "," S ",VERSION = \"1\"", "");
    with_params("KEYID=\"" KEY "\"," H "," A "," S, "");
    with_params(H "," K "," A "," S ",version=1", "");
    with_params(H "," K "," A "," S ",unknown=\"1\",unknown=\"2\"", "");

    with_params(H "," K "," A "," S ",version=\"2\"", "malformed:version");
    with_params(H "," K "," A "," S ",version=\"\"", "malformed:version");
    with_params(H "," K "," S, "malformed:algorithm");
    with_params(H "," K "," S ",algorithm=\"hs2019\"", "malformed:algorithm");
    with_params(H "," K "," S ",algorithm=\"rsa-sha1\"",
                "malformed:algorithm");
    with_params(H "," K "," S ",algorithm=\"hmac-sha256\"",
                "malformed:algorithm");
    with_params(H "," A "," S, "malformed:keyId");
    with_params(H "," A "," S ",keyId=\"\"", "malformed:keyId");
    with_params(H "," A "," S ",keyId=\"a b\"", "malformed:keyId");
    with_params(H "," A "," S ",keyId=\"a\x01\"", "malformed:keyId");
    with_params(H "," A "," S ",keyId=\"\xc3\xa4\"", "malformed:keyId");
    with_params(H "," K "," A, "malformed:signature");
    with_params(H "," K "," A ",signature=\"\"", "malformed:signature");
    with_params(K "," A "," S, "malformed:headers");
    with_params(K "," A "," S ",headers=\"\"", "malformed:headers");

    with_params(H "," K "," A "," S "," K, "malformed:keyId");
    with_params(H "," K "," A "," S ",keyid=\"other\"", "malformed:keyId");
    with_params(H "," K "," A "," S "," A, "malformed:algorithm");
    with_params(H "," K "," A "," S "," H, "malformed:headers");
    with_params(H "," K "," A "," S "," S, "malformed:signature");
    with_params(H "," K "," A "," S ",version=\"1\",Version=\"1\"",
                "malformed:version");

    with_params(H "," K "," A "," S ",created=1795750252", "malformed:created");
    with_params(H "," K "," A "," S ",expires=1795750252", "malformed:expires");

    with_params(H "," K "," A "," S " x", "malformed:parameters");
    with_params(H "," K "," A "," S ",x", "malformed:parameters");
    with_params(H "," K "," A "," S ",x=\"", "malformed:parameters");
    with_params(H "," K "," A "," S ",x=\"\\\"\"", "malformed:parameters");
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

    good();
    sign();

    for (i = 0; i < LEN(others); i++) {
        free(auth);
        auth = strdup(others[i]);
        is("malformed:scheme");
    }

    free(auth);
    auth = strdup("");
    is("missing");

    free(auth);
    auth = strdup(" \t ");
    is("missing");
    assert_string_equal(message, "The required information to complete "
                        "authentication was not provided or was incorrect.");

    /* a scheme is of any case (RFC 9110, 11.1) */
    good();
    sign();
    memcpy(auth, "SIGNATURE", 9);
    is("");
}


static void
what_has_to_be_signed(void **state)
{
    (void) state;

    with_names("date host content-length content-type x-content-sha256",
               "header_not_signed:(request-target)");
    with_names("date (request-target) content-length content-type "
               "x-content-sha256", "header_not_signed:host");
    with_names("date (request-target) host content-type x-content-sha256",
               "header_not_signed:content-length");
    with_names("date (request-target) host content-length x-content-sha256",
               "header_not_signed:content-type");
    with_names("date (request-target) host content-length content-type",
               "header_not_signed:x-content-sha256");
    with_names("(request-target) host content-length content-type "
               "x-content-sha256", "header_not_signed:date");

    /* what a GET needs */

    good();
    rq.get = 1;
    rq.method = "GET";
    rq.names = "(request-target) host date";
    signed_is("");
    rq.names = "(request-target) host";
    signed_is("header_not_signed:date");
    rq.names = "(request-target) date";
    signed_is("header_not_signed:host");
    rq.names = "host date";
    signed_is("header_not_signed:(request-target)");
}


static void
names_are_names_of_headers(void **state)
{
    char    *names;
    size_t   i;

#define ALL "date (request-target) host content-length content-type " \
            "x-content-sha256"

    static const char *const  broken[] = {
        ALL " ", " " ALL, "date  (request-target) host content-length "
        "content-type x-content-sha256", ALL "\tx", ALL " (created)",
        ALL " (expires)", ALL " (Request-Target", ALL " a:b", ALL " a(b",
        ALL " \x80", ALL " authorization", ALL " Authorization", ALL " :path"
    };

    (void) state;

    for (i = 0; i < LEN(broken); i++) {
        with_names(broken[i], "malformed:headers");
    }

    with_names(ALL " date", "malformed:header named twice");
    with_names(ALL " Date", "malformed:header named twice");
    with_names(ALL " (request-target)", "malformed:header named twice");
    with_names(ALL " opc-x OPC-X", "malformed:header named twice");

    with_names("DATE (Request-Target) HOST Content-Length CONTENT-TYPE "
               "X-Content-Sha256", "");

    /* 32 names pass, and 33 do not */

    names = calloc(1, 4096);
    assert_non_null(names);
    strcpy(names, ALL);

    good();

    for (i = 6; i < 32; i++) {
        static char  name[33][8];

        sprintf(name[i], "x%zu", i);
        sprintf(names + strlen(names), " %s", name[i]);
        add(name[i], "v");
    }

    rq.names = names;
    signed_is("");

    strcat(names, " x99");
    add("x99", "v");
    signed_is("malformed:too many headers");

    /* a list that is longer than any */

    memset(names, 'a', 2000);
    names[2000] = '\0';
    good();
    rq.names = names;
    add("a", "b");
    signed_is("malformed:headers");

    free(names);
}


static void
what_is_signed_was_sent(void **state)
{
    (void) state;

    with_names(ALL " opc-note", "header_missing:opc-note");

    good();
    rq.names = ALL " opc-note";
    add("OPC-Note", "");
    signed_is("");

    good();
    unset("Host");
    signed_is("header_missing:host");

    good();
    unset("Date");
    signed_is("header_missing:date");

    good();
    unset("Content-Type");
    signed_is("header_missing:content-type");

    good();
    unset("X-Content-SHA256");
    signed_is("header_missing:x-content-sha256");

    /* the length of the body stands for the header */

    good();
    unset("Content-Length");
    signed_is("");
    rq.body = "{\"jobKey\":\"nightly!\"}";
    rq.body_len = strlen(rq.body);
    is("signature");
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
        good();
        add(once[i], rq.fields[i].value);
        signed_is(wants[i]);
    }

    /* others are joined, in their order */

    good();
    rq.names = ALL " tag";
    add("tag", "b");
    add("TAG", " a\t");
    add("Tag", "");
    signed_is("");
    rq.fields[rq.n - 1].value = "c";
    is("signature");

    good();
    rq.names = ALL " tag";
    add("tag", "b");
    add("tag", "a");
    sign();
    rq.fields[rq.n - 1].value = "b";
    rq.fields[rq.n - 2].value = "a";
    is("signature");

    good();
    rq.names = ALL " tag";
    add("tag", "b");
    sign();
    add("tag", "a");
    is("signature");

    /* more values than can be */

    good();
    rq.names = ALL " tag";

    for (i = 0; i < 60; i++) {
        add("tag", "a");
    }

    signed_is("malformed:too many signed headers");
}


static void
the_date_that_counts_is_signed(void **state)
{
    (void) state;

    /* x-date, where both are sent */

    good();
    add("x-date", "Fri, 27 Nov 2026 03:30:52 GMT");
    signed_is("header_not_signed:x-date");

    sign();
    set("x-date", "Fri, 27 Nov 2026 01:30:52 GMT");
    is("header_not_signed:x-date");

    good();
    set("Date", "Fri, 27 Nov 2026 01:00:00 GMT");
    add("x-date", "Fri, 27 Nov 2026 03:30:52 GMT");
    rq.names = "x-date (request-target) host content-length content-type "
               "x-content-sha256";
    signed_is("");

    set("Date", "nonsense");
    is("");

    set("x-date", "Fri, 27 Nov 2026 01:30:52 GMT");
    signed_is("skew:-7200");

    unset("x-date");
    signed_is("header_missing:x-date");

    /* both signed: x-date still */

    good();
    rq.names = ALL " x-date";
    set("Date", "Fri, 27 Nov 2026 01:00:00 GMT");
    add("x-date", "Fri, 27 Nov 2026 03:30:52 GMT");
    signed_is("");

    /* two of one that is not signed */

    good();
    rq.names = "x-date (request-target) host content-length content-type "
               "x-content-sha256";
    add("Date", "Fri, 27 Nov 2026 03:30:52 GMT");
    add("x-date", "Fri, 27 Nov 2026 03:30:52 GMT");
    signed_is("malformed:date");
}


static void
a_date_is_within_the_skew(void **state)
{
    (void) state;

    good();
    sign();

    rq.now = NOW + 300;
    is("");
    rq.now = NOW - 300;
    is("");
    rq.now = NOW + 301;
    is("skew:-301");
    assert_string_equal(message,
        "Date 'Fri, 27 Nov 2026 03:30:52 UTC' is not within allowed clock "
        "skew. Current 'Fri, 27 Nov 2026 03:35:53 UTC', valid datetime "
        "range: ['Fri, 27 Nov 2026 03:30:53 UTC', 'Fri, 27 Nov 2026 03:40:53 "
        "UTC']");
    rq.now = NOW - 301;
    is("skew:+301");

    policy.skew = 30;
    rq.now = NOW + 31;
    is("skew:-31");
    policy.skew = 300;

    good();
    set("Date", "Mon, 27 Nov 2026 03:30:52 GMT");
    signed_is("");
    set("Date", "Fri, 27 Nov 2026 03:30:52 UTC");
    signed_is("malformed:date");
    set("Date", "");
    signed_is("malformed:date");
    set("Date", "1795750252");
    signed_is("malformed:date");
    set("Date", "Fri, 31 Dec 9999 23:59:60 GMT");
    signed_is("skew:+251606550548");
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
        good();
        rq.target = pairs[i][0];
        signed_is("");
        rq.target = pairs[i][1];
        is("signature");
    }

    /* of an absolute form, from its path on */

    good();
    rq.target = "https://gateway.example.com:8443" PATH "?x=https://a/b";
    signed_is("");
    rq.target = PATH "?x=https://a/b";
    is("");

    good();
    rq.target = "/";
    sign();
    rq.target = "http://gateway.example.com";
    is("");

    good();
    rq.target = "/?a";
    sign();
    rq.target = "http://gateway.example.com?a";
    is("");

    /* "://" behind a path is no scheme's */

    good();
    rq.target = "/p?u=http://h/q";
    signed_is("");

    good();
    sign();
    rq.method = "PUT";
    is("signature");

    rq.method = "POST\n";
    is("malformed:method");
    rq.method = "";
    is("malformed:method");
    rq.method = "POSTPOSTPOSTPOSTPOSTPOSTPOSTPOSTPOST";
    is("malformed:method");
    rq.method = "POST";
    rq.target = "";
    is("malformed:request target");
    rq.target = "/a\nhost: b";
    is("malformed:request target");
}


static void
no_line_is_put_into_another(void **state)
{
    (void) state;

    good();
    rq.names = ALL " opc-note";
    add("opc-note", "a\nopc-other: b");
    signed_is("malformed:line end in a header");

    good();
    rq.names = ALL " opc-note";
    add("opc-note", "a\rb");
    signed_is("malformed:line end in a header");
}


static void
the_body_is_the_one_that_was_signed(void **state)
{
    char    *big;
    char    *encoded;
    size_t   i;
    unsigned n;
    unsigned char  md[32];

    static const char *const  broken[] = {
        "", "x", "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU",
        "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU==",
        "47DEQpj8HBSa-_TImW-5JCeuQeRkm5NMpJWZG3hSuFU=",
        "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFV=",     /* bits behind */
        "47DEQpj8HBSa+/TImW+5JCeu QeRkm5NMpJWZG3hSuFU=",
        "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFUA",     /* 33 bytes */
        "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hS",         /* 30 */
        "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
    };

    (void) state;

    for (i = 0; i < LEN(broken); i++) {
        good();
        set("X-Content-SHA256", broken[i]);
        signed_is("malformed:x-content-sha256");
    }

    good();
    sign();
    rq.body = "{\"jobKey\":\"nightlY\"}";
    is("digest");
    assert_string_equal(message, "Failed to verify the HTTP(S) Signature");

    rq.body_len--;
    is("length");

    good();
    set("Content-Length", "21");
    signed_is("length");
    set("Content-Length", "020");
    signed_is("");
    set("Content-Length", "+20");
    signed_is("malformed:content-length");
    set("Content-Length", "-1");
    signed_is("malformed:content-length");
    set("Content-Length", "");
    signed_is("malformed:content-length");
    set("Content-Length", "9999999999999999999");
    signed_is("malformed:content-length");
    set("Content-Length", "20, 20");
    signed_is("malformed:content-length");

    /* one of 600 KB, and none */

    big = malloc(614400);
    assert_non_null(big);
    memset(big, 'x', 614400);
    assert_int_equal(EVP_Digest(big, 614400, md, &n, EVP_sha256(), NULL), 1);
    encoded = signer_base64(md, n, 0);

    good();
    rq.body = big;
    rq.body_len = 614400;
    set("Content-Length", "614400");
    set("X-Content-SHA256", encoded);
    signed_is("");
    big[614399] = 'y';
    is("digest");

    free(encoded);
    free(big);

    good();
    rq.body = "";
    rq.body_len = 0;
    set("Content-Length", "0");
    set("X-Content-SHA256", "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=");
    signed_is("");
    unset("Content-Length");
    signed_is("");
}


static void
the_signature_is_strict_base64(void **state)
{
    char    *p, *whole;

    (void) state;

    good();
    sign();
    whole = strdup(auth);

    p = strstr(auth, "signature=\"") + 11;
    p[0] = p[0] == 'A' ? 'B' : 'A';
    is("signature");
    strcpy(auth, whole);

    /* the same bytes, spelled in another way */

    p = strstr(auth, "==\"");
    assert_non_null(p);
    p[-1]++;
    is("malformed:signature");
    strcpy(auth, whole);

    p = strstr(auth, "==\"");
    strcpy(p, "\"");
    is("malformed:signature");
    strcpy(auth, whole);

    p = strstr(auth, "signature=\"") + 11;
    p[20] = '-';
    is("malformed:signature");
    p[20] = ' ';
    is("malformed:signature");
    strcpy(auth, whole);

    /* shorter and longer ones are of no such key */

    p = strstr(auth, "signature=\"") + 11;
    strcpy(p, "AAAA\"");
    is("signature");

    free(auth);
    auth = calloc(1, 8192);
    assert_non_null(auth);
    strcpy(auth, "Signature keyId=\"" KEY "\",algorithm=\"rsa-sha256\","
                 "headers=\"" ALL "\",signature=\"");
    memset(auth + strlen(auth), 'A', 1364);
    strcat(auth, "\"");
    is("signature");
    auth[strlen(auth) - 1] = '\0';
    strcat(auth, "AAAAAAAA\"");
    is("malformed:signature");

    /* a header as a whole is bounded, too */

    free(auth);
    auth = calloc(1, 20000);
    assert_non_null(auth);
    strcpy(auth, whole);
    strcat(auth, ",x=\"");
    memset(auth + strlen(auth), 'A', 16384);
    strcat(auth, "\"");
    is("malformed:too long");

    free(whole);
}


static void
a_key_is_known_active_and_long_enough(void **state)
{
    (void) state;

    with_params(H "," A "," S ",keyId=\"ocid1.tenancy.oc1..t/u/x\"",
                "key_unknown");
    assert_string_equal(message, "Failed to verify the HTTP(S) Signature");
    with_params(H "," A "," S ",keyId=\"" KEY ":\"", "key_unknown");
    with_params(H "," A "," S ",keyId=\"" KEY "%%00\"", "key_unknown");

    with_params(H "," A "," S ",keyId=\"" KEY ":1024\"", "key_weak");

    /* the weak one is right as soon as it is let in */

    rq.bits = 1024;
    policy.min_bits = 1024;
    signed_is("");
    policy.min_bits = 2048;
    signed_is("key_weak");

    rq.bits = 4096;
    rq.params = H "," A "," S ",keyId=\"" KEY ":4096\"";
    signed_is("");
    policy.min_bits = 4096;
    signed_is("");
    good();
    signed_is("key_weak");
    policy.min_bits = 2048;

    /* the signature of one key under the name of another */

    good();
    rq.bits = 4096;
    signed_is("signature");

    /* none of the above costs RSA before all else is right */

    good();
    sign();
    rq.now = NOW + 1000;
    rq.params = H "," A "," S ",keyId=\"nobody\"";
    is("skew:-1000");
}


static void
without_keys_it_is_not_the_clients_fault(void **state)
{
    jr_auth_policy_t  saved;

    (void) state;

    saved = policy;
    policy.keys = NULL;

    good();
    signed_is("unavailable:keys");
    rq.names = "host";
    signed_is("header_not_signed:(request-target)");

    policy = saved;
}


static void
only_tenants_that_are_let_in(void **state)
{
    static const jr_str_t  one[] = {
        jr_str("ocid1.tenancy.oc1..other"), jr_str("ocid1.tenancy.oc1..t")
    };

    (void) state;

    policy.tenants = one;

    policy.ntenants = 1;
    good();
    signed_is("tenant");

    policy.ntenants = 2;
    signed_is("");

    policy.ntenants = 0;
    policy.tenants = NULL;
}


static void
a_session_token_needs_an_issuer(void **state)
{
    (void) state;

    with_params(H "," A "," S ",keyId=\"ST$a.b.c\"", "token_issuer");
    with_params(H "," A "," S ",keyId=\"ST$\"", "token_issuer");

    /* "st$" is not a token but a name that nobody has */
    with_params(H "," A "," S ",keyId=\"st$a.b.c\"", "key_unknown");
}


/* ------------------------------------------------------------------ dates */

static void
dates_are_imf_fixdates(void **state)
{
    char      text[JR_HTTP_DATE_LEN + 1];
    size_t    i;
    int64_t   time, back, days;

    static const struct {
        const char  *text;
        int64_t      time;
    } good_ones[] = {
        { "Thu, 01 Jan 1970 00:00:00 GMT", 0 },
        { "Fri, 27 Nov 2026 03:30:52 GMT", NOW },
        { "Tue, 29 Feb 2028 23:59:59 GMT", 1835481599 },
        { "Tue, 29 Feb 2000 00:00:00 GMT", 951782400 },
        { "Sun, 06 Nov 1994 08:49:37 GMT", 784111777 },
        { "Sat, 31 Dec 2016 23:59:60 GMT", 1483228800 },
        { "Sat, 01 Jan 0000 00:00:00 GMT", -62167219200 },
        { "Fri, 31 Dec 9999 23:59:59 GMT", 253402300799 }
    };

    static const char *const  bad[] = {
        "", "Fri, 27 Nov 2026 03:30:52", "Fri, 27 Nov 2026 03:30:52 GMT ",
        "Fri, 27 Nov 2026 24:30:52 GMT", "Fri, 27 Nov 2026 03:60:52 GMT",
        "Fri, 27 Nov 2026 03:30:61 GMT", "Fri, 31 Nov 2026 03:30:52 GMT",
        "Fri, 00 Nov 2026 03:30:52 GMT", "Mon, 29 Feb 2027 03:30:52 GMT",
        "Mon, 29 Feb 2100 03:30:52 GMT", "Fri, 27 nov 2026 03:30:52 GMT",
        "Xxx, 27 Nov 2026 03:30:52 GMT", "Fri, 27 Nov 2026 03:30:52 gmt",
        "Fri, 27-Nov-2026 03:30:52 GMT", "Fri,  7 Nov 2026 03:30:52 GMT",
        "Fri, 7 Nov 2026 03:30:52 GMT", "Sunday, 06-Nov-94 08:49:37 GMT",
        "Sun Nov  6 08:49:37 1994     ", "Fri, 27 Nov +026 03:30:52 GMT"
    };

    (void) state;

    for (i = 0; i < LEN(good_ones); i++) {
        assert_int_equal(jr_http_date_read((jr_str_t) { 29, good_ones[i].text },
                                           &time), JR_OK);
        assert_int_equal(time, good_ones[i].time);
    }

    for (i = 0; i < LEN(bad); i++) {
        assert_int_equal(jr_http_date_read((jr_str_t) { strlen(bad[i]),
                                                        bad[i] }, &time),
                         JR_INVALID);
    }

    /* each day of ten thousand years, there and back */

    for (days = -719528; days < 2932897; days++) {
        time = days * 86400 + 11 * 3600 + 22 * 60 + 33;
        assert_ptr_equal(jr_http_date_write(time, "GMT", text),
                         text + JR_HTTP_DATE_LEN);

        if (jr_http_date_read((jr_str_t) { JR_HTTP_DATE_LEN, text }, &back)
            != JR_OK || back != time)
        {
            fail_msg("%.29s", text);
        }
    }

    (void) jr_http_date_write(INT64_MAX, "GMT", text);
    assert_memory_equal(text, "Fri, 31 Dec 9999 23:59:59 GMT", 29);
    (void) jr_http_date_write(INT64_MIN, "GMT", text);
    assert_memory_equal(text, "Sat, 01 Jan 0000 00:00:00 GMT", 29);
    (void) jr_http_date_write(NOW, "UTC", text);
    assert_memory_equal(text, "Fri, 27 Nov 2026 03:30:52 UTC", 29);
}


static void
a_reason_is_a_word_for_each(void **state)
{
    int                i, k;
    jr_auth_failure_t  failure;

    (void) state;

    memset(&failure, 0, sizeof(failure));

    for (i = 1; i < JR_AUTH_LAST; i++) {
        failure.reason = (jr_auth_reason_e) i;
        assert_true(jr_auth_reason_write(&failure, reason) > 2);
        assert_true(jr_auth_reason_message(&failure, message) > 10);
        assert_null(strchr(jr_auth_reason_word(failure.reason), ':'));

        for (k = 1; k < i; k++) {
            assert_string_not_equal(jr_auth_reason_word((jr_auth_reason_e) i),
                                    jr_auth_reason_word((jr_auth_reason_e) k));
        }
    }

    /* the longest that there can be */
    failure.reason = JR_AUTH_SKEW;
    failure.date = INT64_MIN / 2;
    failure.now = INT64_MAX / 2;
    (void) jr_auth_reason_write(&failure, reason);
    assert_string_equal(reason, "skew:-9223372036854775807");
    assert_true(jr_auth_reason_message(&failure, message) > 150);
}


int
main(void)
{
    const struct CMUnitTest  tests[] = {
        cmocka_unit_test(the_projects_vectors),
        cmocka_unit_test(requests_signed_by_oracles_sdks),
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
        cmocka_unit_test(no_line_is_put_into_another),
        cmocka_unit_test(the_body_is_the_one_that_was_signed),
        cmocka_unit_test(the_signature_is_strict_base64),
        cmocka_unit_test(a_key_is_known_active_and_long_enough),
        cmocka_unit_test(without_keys_it_is_not_the_clients_fault),
        cmocka_unit_test(only_tenants_that_are_let_in),
        cmocka_unit_test(a_session_token_needs_an_issuer),
        cmocka_unit_test(dates_are_imf_fixdates),
        cmocka_unit_test(a_reason_is_a_word_for_each)
    };

    return cmocka_run_group_tests(tests, keys_of_tests, no_keys);
}
