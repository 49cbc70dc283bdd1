/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Which line of what was signed differs.
 *
 * Of a signature nothing can be seen but that it is not one of these lines.  So
 * each line is replaced by what clients and proxies are known to make of it,
 * and the one that the signature fits is the one that was changed on its way,
 * or signed wrongly.
 */

#include <stdlib.h>
#include <string.h>

#include "jobrunsctl_key.h"

#include "jr_base64.h"
#include "jr_hex.h"
#include "jr_http_date.h"


/* Does the signature fit, if the line at is another one? */

static int
ctl_check_fits(ctl_check_t *check, EVP_PKEY_CTX *verifier, unsigned at,
    const char *other)
{
    unsigned       i;
    jr_status_e    rc;
    jr_digest_t    md;
    const char    *line;
    jr_hasher_t   *hasher;

    if (jr_digest_begin(&hasher) != JR_OK) {
        return 0;
    }

    rc = JR_OK;

    for (i = 0; i < check->s.nlines && rc == JR_OK; i++) {
        line = i == at ? other : check->lines[i];

        if (i) {
            rc = jr_digest_update(hasher, "\n", 1);
        }

        if (rc == JR_OK) {
            rc = jr_digest_update(hasher, line, strlen(line));
        }
    }

    if (rc != JR_OK) {
        jr_digest_abort(hasher);
        return 0;
    }

    return jr_digest_final(hasher, &md) == JR_OK
           && jr_rsa_verify(verifier, &md, check->s.signature,
                            check->s.signature_len)
              == JR_OK;
}


/* Says so where the line fits with that value. */

static int
ctl_check_try(ctl_check_t *check, EVP_PKEY_CTX *verifier, unsigned at,
    const char *name, jr_str_t value)
{
    int    fits;
    char  *line;

    line = malloc(strlen(name) + 2 + value.len + 1);

    if (line == NULL) {
        return 0;
    }

    sprintf(line, "%s: %.*s", name, (int) value.len,
            value.len ? value.data : "");

    fits = ctl_check_fits(check, verifier, at, line);

    if (fits) {
        json_object_set_new(check->result, "differs", json_integer(at + 1));
        json_object_set_new(check->result, "here",
                            ctl_string(check->lines[at],
                                       strlen(check->lines[at])));
        json_object_set_new(check->result, "signed",
                            ctl_string(line, strlen(line)));
    }

    free(line);

    return fits;
}


static int
ctl_check_try_host(ctl_check_t *check, EVP_PKEY_CTX *verifier, unsigned at)
{
    int          fits;
    char         lower[256], name[272];
    size_t       i, n;
    jr_str_t     host, bare, value;
    const char  *colon;

    static const char *const  forwarded[] = {
        "x-forwarded-host", "x-original-host", ":authority"
    };

    static const char *const  ports[] = { "443", "80", "8443", "8080" };

    host = check->s.known[JR_SIGNATURE_HOST];
    fits = 0;

    for (i = 0; i < 3 && !fits; i++) {
        value = jr_raw_request_field(&check->raw, forwarded[i], &n);
        fits = n && ctl_check_try(check, verifier, at, "host", value);
    }

    if (fits || host.len == 0 || host.len >= sizeof(lower)) {
        return fits;
    }

    bare = host;
    colon = memchr(host.data, ':', host.len);

    if (colon != NULL) {
        bare.len = (size_t) (colon - host.data);
        fits = ctl_check_try(check, verifier, at, "host", bare);
    }

    for (i = 0; i < 4 && !fits; i++) {
        value.data = name;
        value.len = (size_t) sprintf(name, "%.*s:%s", (int) bare.len,
                                     bare.data, ports[i]);
        fits = ctl_check_try(check, verifier, at, "host", value);
    }

    for (i = 0; i < host.len; i++) {
        lower[i] = host.data[i] >= 'A' && host.data[i] <= 'Z'
                   ? (char) (host.data[i] | 0x20) : host.data[i];
    }

    value.data = lower;
    value.len = host.len;

    return fits || ctl_check_try(check, verifier, at, "host", value);
}


static int
ctl_check_try_target(ctl_check_t *check, EVP_PKEY_CTX *verifier, unsigned at)
{
    int          fits;
    char        *text, *p;
    size_t       i, n;
    jr_str_t     target, method, value;
    const char  *mark, *name;

    name = "(request-target)";
    method = check->rq.method;
    target = check->rq.target;

    text = malloc(method.len + target.len + 32);

    if (text == NULL) {
        return 0;
    }

    value.data = text;

    for (i = 0; i < method.len; i++) {
        text[i] = method.data[i] >= 'A' && method.data[i] <= 'Z'
                  ? (char) (method.data[i] | 0x20) : method.data[i];
    }

    text[i++] = ' ';
    n = i;

    /* as it stands: of an absolute form all */

    memcpy(text + n, target.data, target.len);
    value.len = n + target.len;
    fits = ctl_check_try(check, verifier, at, name, value);

    /* with what else stands in the request line */

    value.len += (size_t) sprintf(text + value.len, " HTTP/1.1");
    fits = fits || ctl_check_try(check, verifier, at, name, value);

    /* without a query, and with an empty one */

    mark = memchr(target.data, '?', target.len);
    value.len = n + (mark ? (size_t) (mark - target.data) : target.len);
    fits = fits || ctl_check_try(check, verifier, at, name, value);

    text[value.len++] = '?';
    fits = fits || ctl_check_try(check, verifier, at, name, value);

    /* decoded, as a proxy passes it on */

    p = text + n;

    for (i = 0; i < target.len; i++) {
        if (target.data[i] == '%' && target.len - i > 2
            && jr_hex_digit(target.data[i + 1]) >= 0
            && jr_hex_digit(target.data[i + 2]) >= 0)
        {
            *p++ = (char) (jr_hex_digit(target.data[i + 1]) << 4
                           | jr_hex_digit(target.data[i + 2]));
            i += 2;

        } else {
            *p++ = target.data[i];
        }
    }

    value.len = (size_t) (p - text);

    fits = fits || (memchr(text, '\0', value.len) == NULL
                    && ctl_check_try(check, verifier, at, name, value));

    /* the method in upper case */

    memcpy(text, method.data, method.len);
    memcpy(text + n, target.data, target.len);
    value.len = n + target.len;
    fits = fits || ctl_check_try(check, verifier, at, name, value);

    free(text);

    return fits;
}


static int
ctl_check_try_body(ctl_check_t *check, EVP_PKEY_CTX *verifier, unsigned at)
{
    char         text[64];
    jr_str_t     value;
    jr_digest_t  md;

    static const jr_str_t  nothing =
        jr_str("47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=");

    if (check->s.lines[at].header == JR_SIGNATURE_CONTENT_LENGTH) {
        value.data = text;
        value.len = (size_t) sprintf(text, "%zu", check->raw.body.len);

        return ctl_check_try(check, verifier, at, "content-length", value)
               || ctl_check_try(check, verifier, at, "content-length",
                                (jr_str_t) jr_str("0"))
               || ctl_check_try(check, verifier, at, "content-length",
                                (jr_str_t) jr_str(""));
    }

    if (jr_digest(check->raw.body.data, check->raw.body.len, &md) != JR_OK) {
        return 0;
    }

    value.data = text;
    value.len = (size_t) (jr_base64_encode(md.bytes, JR_DIGEST_LEN, text)
                          - text);

    return ctl_check_try(check, verifier, at, "x-content-sha256", value)
           || ctl_check_try(check, verifier, at, "x-content-sha256", nothing);
}


static int
ctl_check_try_line(ctl_check_t *check, EVP_PKEY_CTX *verifier, unsigned at)
{
    char      date[JR_HTTP_DATE_LEN];
    size_t    i;
    int64_t   time;
    jr_str_t  value, other;

    static const jr_str_t  types[] = {
        jr_str("application/json"), jr_str("application/json; charset=utf-8"),
        jr_str("application/json;charset=utf-8"),
        jr_str("application/json; charset=UTF-8"),
        jr_str("application/json;charset=UTF-8"), jr_str("")
    };

    switch (check->s.lines[at].header) {

    case JR_SIGNATURE_TARGET:
        return ctl_check_try_target(check, verifier, at);

    case JR_SIGNATURE_HOST:
        return ctl_check_try_host(check, verifier, at);

    case JR_SIGNATURE_DATE:
    case JR_SIGNATURE_X_DATE:
        value = check->s.known[check->s.lines[at].header];
        other = check->s.known[check->s.lines[at].header == JR_SIGNATURE_DATE
                               ? JR_SIGNATURE_X_DATE : JR_SIGNATURE_DATE];

        if (other.data != NULL
            && ctl_check_try(check, verifier, at, check->s.lines[at].name.data,
                             other))
        {
            return 1;
        }

        if (jr_http_date_read(value, &time) != JR_OK) {
            return 0;
        }

        (void) jr_http_date_write(time, "GMT", date);
        value.data = date;
        value.len = sizeof(date);

        return ctl_check_try(check, verifier, at, check->s.lines[at].name.data,
                             value);

    case JR_SIGNATURE_CONTENT_TYPE:

        for (i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
            if (ctl_check_try(check, verifier, at, "content-type", types[i])) {
                return 1;
            }
        }

        return 0;

    case JR_SIGNATURE_CONTENT_LENGTH:
    case JR_SIGNATURE_CONTENT_SHA256:
        return ctl_check_try_body(check, verifier, at);

    default:
        return 0;
    }
}


/* the key of the request, where it is one of the files; a token's is left out,
   since of a token that is not verified nothing is believed */

void
ctl_key_explain(ctl_check_t *check)
{
    unsigned              i;
    EVP_PKEY_CTX         *verifier;
    const jr_auth_key_t  *key;

    if (check->failure.reason != JR_AUTH_SIGNATURE
        || check->policy.keys == NULL)
    {
        return;
    }

    key = jr_auth_keys_find(check->policy.keys, check->s.key_id);
    verifier = key != NULL ? jr_rsa_verifier(key->pkey) : NULL;

    for (i = 0; verifier != NULL && i < check->s.nlines; i++) {
        if (ctl_check_try_line(check, verifier, i)) {
            break;
        }
    }

    EVP_PKEY_CTX_free(verifier);
}
