/* SPDX-License-Identifier: BSD-2-Clause
 *
 * OCI request signatures.
 *
 * All of it comes from a client that nobody has verified yet: sizes are bounded
 * before anything is looked at, and what could be read in two ways is refused.
 */

#include "jr_base64.h"
#include "jr_header.h"
#include "jr_identity.h"
#include "jr_parameter.h"
#include "jr_signature.h"


/* parameters of the header */
enum {
    JR_SIGNATURE_KEY_ID = 0,
    JR_SIGNATURE_ALGORITHM,
    JR_SIGNATURE_VERSION,
    JR_SIGNATURE_HEADERS,
    JR_SIGNATURE_SIGNATURE,
    JR_SIGNATURE_CREATED,
    JR_SIGNATURE_EXPIRES,
    JR_SIGNATURE_PARAMETERS
};


static jr_auth_reason_e jr_signature_parameters(jr_str_t list,
    jr_str_t params[JR_SIGNATURE_PARAMETERS], jr_auth_failure_t *failure);
static jr_auth_reason_e jr_signature_names(jr_signature_t *s, jr_str_t list,
    jr_auth_failure_t *failure);
static const char *jr_signature_name(jr_signature_t *s, char *name,
    size_t len);
static jr_signature_header_e jr_signature_known(jr_str_t name);
static int jr_signature_same(jr_str_t name, jr_str_t lower);
static void jr_signature_add(jr_signature_t *s, jr_signature_line_t *line,
    jr_str_t value);


const jr_str_t  jr_signature_headers[JR_SIGNATURE_KNOWN] = {
    jr_str("(request-target)"),
    jr_str("host"),
    jr_str("date"),
    jr_str("x-date"),
    jr_str("content-length"),
    jr_str("content-type"),
    jr_str("x-content-sha256")
};


jr_auth_reason_e
jr_signature_read(jr_str_t authorization, jr_signature_t *s,
    jr_auth_failure_t *failure)
{
    int       other;
    size_t    i;
    jr_str_t  scheme, list, params[JR_SIGNATURE_PARAMETERS];

    memset(failure, 0, sizeof(*failure));

    s->nlines = 0;
    s->nvalues = 0;
    s->others = 0;
    s->excess = 0;
    s->waits = 0;
    s->body.length = -1;

    memset(s->known, 0, sizeof(s->known));
    memset(s->sent, 0, sizeof(s->sent));
    memset(s->signs, 0, sizeof(s->signs));

    list = jr_header_trim(authorization);

    if (list.len == 0) {
        return jr_auth_reason_fail(failure, JR_AUTH_MISSING, "");
    }

    if (list.len > JR_AUTHORIZATION_MAX) {
        return jr_auth_reason_fail(failure, JR_AUTH_MALFORMED, "too long");
    }

    scheme.data = list.data;
    scheme.len = list.len < 10 ? list.len : 10;

    if (!jr_str_is(scheme, "signature ")) {
        return jr_auth_reason_fail(failure, JR_AUTH_MALFORMED, "scheme");
    }

    list.data += scheme.len;
    list.len -= scheme.len;

    if (jr_signature_parameters(list, params, failure) != JR_AUTH_OK) {
        return failure->reason;
    }

    s->key_id = params[JR_SIGNATURE_KEY_ID];
    s->encoded = params[JR_SIGNATURE_SIGNATURE];
    s->names = params[JR_SIGNATURE_HEADERS];

    if (s->key_id.len == 0) {
        return jr_auth_reason_fail(failure, JR_AUTH_MALFORMED, "keyId");
    }

    /* printable, without a blank; a token has more than a thousand */

    for (i = 0, other = 0; i < s->key_id.len; i++) {
        other |= (unsigned char) (s->key_id.data[i] - 0x21) > 0x7e - 0x21;
    }

    if (other) {
        return jr_auth_reason_fail(failure, JR_AUTH_MALFORMED, "keyId");
    }

    if (s->encoded.len == 0
        || s->encoded.len > jr_base64_len(JR_RSA_BYTES))
    {
        return jr_auth_reason_fail(failure, JR_AUTH_MALFORMED, "signature");
    }

    return jr_signature_names(s, s->names, failure);
}


/* A parameter that is not known means nothing (draft 10, 2.2), but one that
   would end the signature's validity is not to be passed over. */

static jr_auth_reason_e
jr_signature_parameters(jr_str_t list,
    jr_str_t params[JR_SIGNATURE_PARAMETERS], jr_auth_failure_t *failure)
{
    int       rc;
    size_t    i;
    jr_str_t  name, value;

    static const struct {
        const char  *lower;
        const char  *name;
    } names[] = {
        { "keyid", "keyId" },
        { "algorithm", "algorithm" },
        { "version", "version" },
        { "headers", "headers" },
        { "signature", "signature" },
        { "created", "created" },
        { "expires", "expires" }
    };

    memset(params, 0, JR_SIGNATURE_PARAMETERS * sizeof(jr_str_t));

    while ((rc = jr_parameter_next(&list, &name, &value)) > 0) {

        for (i = 0; i < JR_SIGNATURE_PARAMETERS; i++) {
            if (jr_str_is(name, names[i].lower)) {
                break;
            }
        }

        if (i == JR_SIGNATURE_PARAMETERS) {
            continue;
        }

        if (params[i].data != NULL || i >= JR_SIGNATURE_CREATED) {
            return jr_auth_reason_fail(failure, JR_AUTH_MALFORMED,
                                       names[i].name);
        }

        params[i] = value;
    }

    if (rc < 0) {
        return jr_auth_reason_fail(failure, JR_AUTH_MALFORMED, "parameters");
    }

    if (!jr_str_eq(params[JR_SIGNATURE_ALGORITHM], "rsa-sha256", 10)) {
        return jr_auth_reason_fail(failure, JR_AUTH_MALFORMED, "algorithm");
    }

    if (params[JR_SIGNATURE_VERSION].data != NULL
        && !jr_str_eq(params[JR_SIGNATURE_VERSION], "1", 1))
    {
        return jr_auth_reason_fail(failure, JR_AUTH_MALFORMED, "version");
    }

    return JR_AUTH_OK;
}


/* Names are separated by one blank each, and written in lower case to s->list
   with a NUL behind each. */

static jr_auth_reason_e
jr_signature_names(jr_signature_t *s, jr_str_t list,
    jr_auth_failure_t *failure)
{
    char        *name, *p, *end;
    const char  *fault;

    if (list.len == 0 || list.len > JR_SIGNATURE_LIST) {
        return jr_auth_reason_fail(failure, JR_AUTH_MALFORMED, "headers");
    }

    memcpy(s->list, list.data, list.len);

    end = s->list + list.len;
    *end = ' ';

    for (name = s->list, p = name; p <= end; p++) {

        if (*p >= 'A' && *p <= 'Z') {
            *p |= 0x20;
        }

        if (*p != ' ') {
            continue;
        }

        *p = '\0';
        fault = jr_signature_name(s, name, (size_t) (p - name));

        if (fault != NULL) {
            return jr_auth_reason_fail(failure, JR_AUTH_MALFORMED, fault);
        }

        name = p + 1;
    }

    return JR_AUTH_OK;
}


/* adds a name of the list; NULL, or what is wrong */

static const char *
jr_signature_name(jr_signature_t *s, char *name, size_t len)
{
    char                 *p;
    unsigned              i;
    jr_signature_line_t  *line;

    static const char  others[] = "abcdefghijklmnopqrstuvwxyz0123456789"
                                  "!#$%&'*+-.^_`|~";

    if (s->nlines == JR_SIGNATURE_NAMES) {
        return "too many headers";
    }

    line = &s->lines[s->nlines];

    line->name.data = name;
    line->name.len = len;
    line->header = jr_signature_known(line->name);
    line->first = 0;
    line->last = 0;

    /* also "(created)", "(expires)" and whatever else is not a header */

    for (p = name; line->header == JR_SIGNATURE_OTHER && p < name + len; p++) {
        if (strchr(others, *p) == NULL || *p == '\0') {
            return "headers";
        }
    }

    if (len == 0 || strcmp(name, "authorization") == 0) {
        return "headers";
    }

    for (i = 0; i < s->nlines; i++) {
        if (jr_str_eq(s->lines[i].name, name, len)) {
            return "header named twice";
        }
    }

    s->nlines++;

    if (line->header == JR_SIGNATURE_OTHER) {
        s->others++;

    } else {
        s->signs[line->header] = (unsigned char) s->nlines;
    }

    return NULL;
}


/* whatever the case of name */

static jr_signature_header_e
jr_signature_known(jr_str_t name)
{
    unsigned  i;

    for (i = 0; i < JR_SIGNATURE_KNOWN; i++) {
        if (jr_signature_same(name, jr_signature_headers[i])) {
            break;
        }
    }

    return (jr_signature_header_e) i;
}


static int
jr_signature_same(jr_str_t name, jr_str_t lower)
{
    return name.len == lower.len && jr_str_is(name, lower.data);
}


void
jr_signature_field(jr_signature_t *s, jr_str_t name, jr_str_t value)
{
    unsigned               i;
    jr_signature_header_e  header;

    value = jr_header_trim(value);
    header = jr_signature_known(name);

    if (header == JR_SIGNATURE_OTHER) {

        for (i = 0; s->others && i < s->nlines; i++) {

            if (s->lines[i].header == JR_SIGNATURE_OTHER
                && jr_signature_same(name, s->lines[i].name))
            {
                jr_signature_add(s, &s->lines[i], value);
                return;
            }
        }

        return;
    }

    /* a header cannot be called "(request-target)" */

    if (header == JR_SIGNATURE_TARGET) {
        return;
    }

    if (s->sent[header]++ == 0) {
        s->known[header] = value;

        if (s->signs[header]) {
            jr_signature_add(s, &s->lines[s->signs[header] - 1], value);
        }
    }
}


static void
jr_signature_add(jr_signature_t *s, jr_signature_line_t *line, jr_str_t value)
{
    jr_signature_value_t  *v;

    if (s->nvalues == JR_SIGNATURE_VALUES) {
        s->excess = 1;
        return;
    }

    v = &s->values[s->nvalues++];

    v->text = value;
    v->next = 0;

    if (line->first == 0) {
        line->first = (unsigned char) s->nvalues;

    } else {
        s->values[line->last - 1].next = (unsigned char) s->nvalues;
    }

    line->last = (unsigned char) s->nvalues;
}


jr_auth_reason_e
jr_signature_body(const jr_signature_body_t *body, const char *text,
    size_t len, jr_auth_failure_t *failure)
{
    jr_digest_t  md;

    memset(failure, 0, sizeof(*failure));

    if (body->length != -1 && (uint64_t) body->length != len) {
        return jr_auth_reason_fail(failure, JR_AUTH_LENGTH, "");
    }

    if (jr_digest(text, len, &md) != JR_OK) {
        return jr_auth_reason_fail(failure, JR_AUTH_UNAVAILABLE, "memory");
    }

    /* no secret, so no comparison in constant time: both are in the request */

    if (memcmp(body->digest.bytes, md.bytes, JR_DIGEST_LEN) != 0) {
        return jr_auth_reason_fail(failure, JR_AUTH_DIGEST, "");
    }

    return JR_AUTH_OK;
}
