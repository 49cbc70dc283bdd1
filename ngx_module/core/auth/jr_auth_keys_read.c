/* SPDX-License-Identifier: BSD-2-Clause
 *
 * What a file of keys says.
 *
 * An entry that cannot be read is an error of the whole file: to go on without
 * it would lock its user out and say so to nobody.
 */

#include <string.h>

#include "jr_auth_keys_read.h"
#include "jr_http_date.h"


/* values of a member that has two spellings */
typedef struct {
    const char  *cli;
    const char  *api;
} jr_auth_keys_name_t;


typedef struct {
    jr_auth_keys_kind_e    kind;
    jr_auth_keys_take_pt   take;
    void                  *data;
    jr_text_t             *said;
    const char            *what;        /* is wrong with an entry */
} jr_auth_keys_reader_t;


static json_t *jr_auth_keys_read_list(json_t *root, jr_auth_keys_kind_e kind,
    int *jwks, const char **what);
static jr_status_e jr_auth_keys_read_entries(jr_auth_keys_reader_t *reader,
    const json_t *list, int jwks);
static jr_status_e jr_auth_keys_read_entry(jr_auth_keys_reader_t *reader,
    const json_t *entry, int jwks, jr_auth_key_t *key);
static int jr_auth_keys_read_is_other(const json_t *jwk);
static jr_status_e jr_auth_keys_read_name(jr_auth_keys_reader_t *reader,
    const json_t *value, jr_auth_key_t *key);
static jr_status_e jr_auth_keys_read_state(jr_auth_keys_reader_t *reader,
    const json_t *entry, int jwks, jr_auth_key_t *key);
static jr_status_e jr_auth_keys_read_end(jr_auth_keys_reader_t *reader,
    const json_t *entry, jr_auth_key_t *key);
static const json_t *jr_auth_keys_read_member(const json_t *entry,
    const jr_auth_keys_name_t *name, int *twice);
static jr_str_t jr_auth_keys_read_string(const json_t *value);
static void jr_auth_keys_read_say(jr_auth_keys_reader_t *reader,
    const json_t *entry, size_t i, int jwks);


static const jr_auth_keys_name_t  jr_auth_keys_id = { "key-id", "keyId" };
static const jr_auth_keys_name_t  jr_auth_keys_value =
    { "key-value", "keyValue" };
static const jr_auth_keys_name_t  jr_auth_keys_state =
    { "lifecycle-state", "lifecycleState" };
static const jr_auth_keys_name_t  jr_auth_keys_not_after =
    { "not-after", "notAfter" };


jr_status_e
jr_auth_keys_read(jr_str_t text, jr_auth_keys_kind_e kind,
    jr_auth_keys_take_pt take, void *data, jr_text_t *said)
{
    int                     jwks;
    json_t                 *root, *list;
    const char             *what;
    jr_status_e             rc;
    json_error_t            error;
    jr_auth_keys_reader_t   reader;

    root = json_loadb(text.data, text.len, JSON_REJECT_DUPLICATES, &error);

    if (root == NULL) {

        if (json_error_code(&error) == json_error_out_of_memory) {
            return JR_NO_MEMORY;
        }

        jr_text_str(said, "line ");
        jr_text_int(said, error.line);
        jr_text_str(said, ", column ");
        jr_text_int(said, error.column);
        jr_text_str(said, ": is not JSON, or not all of it: ");
        jr_text_escape(said, error.text, strlen(error.text), 160, 0);

        return JR_INVALID;
    }

    list = jr_auth_keys_read_list(root, kind, &jwks, &what);

    if (list == NULL) {
        jr_text_str(said, what);
        json_decref(root);
        return JR_INVALID;
    }

    reader.kind = kind;
    reader.take = take;
    reader.data = data;
    reader.said = said;

    rc = jr_auth_keys_read_entries(&reader, list, jwks);

    json_decref(root);

    return rc;
}


static json_t *
jr_auth_keys_read_list(json_t *root, jr_auth_keys_kind_e kind, int *jwks,
    const char **what)
{
    json_t  *list, *keys;

    keys = json_object_get(root, "keys");
    list = json_is_array(root) ? root : json_object_get(root, "data");

    *jwks = keys != NULL;

    if (kind == JR_AUTH_KEYS_OF_ISSUER && !json_is_array(keys)) {
        *what = "is not a JWKS: an object with \"keys\"";
        return NULL;
    }

    if (keys != NULL && list != NULL) {
        *what = "has \"keys\" and \"data\", and only one of them can be meant";
        return NULL;
    }

    list = keys != NULL ? keys : list;

    if (!json_is_array(list)) {
        *what = "is neither a list of API keys (an array, or one as \"data\") "
                "nor a JWKS (one as \"keys\")";
        return NULL;
    }

    if (json_array_size(list) > JR_AUTH_KEYS_MOST) {
        *what = "has more than 100000 keys";
        return NULL;
    }

    return list;
}


static jr_status_e
jr_auth_keys_read_entries(jr_auth_keys_reader_t *reader, const json_t *list,
    int jwks)
{
    size_t          i;
    jr_status_e     rc;
    const json_t   *entry;
    jr_auth_key_t   key;

    for (i = 0; i < json_array_size(list); i++) {
        entry = json_array_get(list, i);

        if (reader->kind == JR_AUTH_KEYS_OF_ISSUER
            && jr_auth_keys_read_is_other(entry))
        {
            continue;
        }

        memset(&key, 0, sizeof(key));
        key.entry = (unsigned) i + 1;

        rc = jr_auth_keys_read_entry(reader, entry, jwks, &key);

        if (rc == JR_OK) {
            rc = reader->take(reader->data, &key);
            reader->what = "has a keyId that is not "
                           "<tenancy>/<user>/<fingerprint>";
        }

        if (rc != JR_OK) {
            EVP_PKEY_free(key.pkey);

            if (rc == JR_INVALID) {
                jr_auth_keys_read_say(reader, entry, i, jwks);
            }

            return rc;
        }
    }

    return JR_OK;
}


/* sets pkey last, so that it is there only where JR_OK is returned */

static jr_status_e
jr_auth_keys_read_entry(jr_auth_keys_reader_t *reader, const json_t *entry,
    int jwks, jr_auth_key_t *key)
{
    int            twice;
    const json_t  *id, *pem;
    jr_status_e    rc;

    if (!json_is_object(entry)) {
        reader->what = "is not an object";
        return JR_INVALID;
    }

    twice = 0;
    pem = jr_auth_keys_read_member(entry, &jr_auth_keys_value, &twice);
    id = jwks ? json_object_get(entry, "kid")
              : jr_auth_keys_read_member(entry, &jr_auth_keys_id, &twice);

    if (twice) {
        reader->what = "has a member in both spellings";
        return JR_INVALID;
    }

    rc = jr_auth_keys_read_name(reader, id, key);

    if (rc == JR_OK) {
        rc = jr_auth_keys_read_state(reader, entry, jwks, key);
    }

    if (rc == JR_OK) {
        rc = jr_auth_keys_read_end(reader, entry, key);
    }

    if (rc != JR_OK) {
        return rc;
    }

    if (!jwks && !json_is_string(pem)) {
        reader->what = "has no \"key-value\", the public key in PEM";
        return JR_INVALID;
    }

    rc = jwks ? jr_auth_keys_read_jwk(entry, &key->pkey, &reader->what)
              : jr_rsa_read_pem(jr_auth_keys_read_string(pem), &key->pkey,
                                &reader->what);

    if (rc == JR_OK) {
        key->bits = jr_rsa_bits(key->pkey);
    }

    return rc;
}


/* of a JWKS, what is for another algorithm or another use */

static int
jr_auth_keys_read_is_other(const json_t *jwk)
{
    jr_str_t  kty, alg, use;

    kty = jr_auth_keys_read_string(json_object_get(jwk, "kty"));
    alg = jr_auth_keys_read_string(json_object_get(jwk, "alg"));
    use = jr_auth_keys_read_string(json_object_get(jwk, "use"));

    return (kty.len && !jr_str_eq(kty, "RSA", 3))
           || (alg.len && !jr_str_eq(alg, "RS256", 5))
           || (use.len && !jr_str_eq(use, "sig", 3));
}


jr_status_e
jr_auth_keys_read_jwk(const json_t *jwk, EVP_PKEY **key, const char **what)
{
    size_t    i;
    jr_str_t  n, e;

    static const char *const  private[] = {
        "d", "p", "q", "dp", "dq", "qi", "oth", "k"
    };

    for (i = 0; i < sizeof(private) / sizeof(private[0]); i++) {
        if (json_object_get(jwk, private[i]) != NULL) {
            *what = "is a private key, which belongs to its owner alone; give "
                    "the public one";
            return JR_INVALID;
        }
    }

    if (!jr_str_eq(jr_auth_keys_read_string(json_object_get(jwk, "kty")),
                   "RSA", 3)
        || jr_auth_keys_read_is_other(jwk))
    {
        *what = "is not an RSA key for signatures with RS256: \"kty\" has to "
                "be \"RSA\", \"use\" and \"alg\", if there, \"sig\" and "
                "\"RS256\"";
        return JR_INVALID;
    }

    n = jr_auth_keys_read_string(json_object_get(jwk, "n"));
    e = jr_auth_keys_read_string(json_object_get(jwk, "e"));

    return jr_rsa_read_jwk(n, e, key, what);
}


/* printable, without a blank: what jr_signature_read() takes as a keyId */

static jr_status_e
jr_auth_keys_read_name(jr_auth_keys_reader_t *reader, const json_t *value,
    jr_auth_key_t *key)
{
    size_t  i;

    key->id = jr_auth_keys_read_string(value);

    if (key->id.len == 0) {
        reader->what = "has no \"key-id\" (\"kid\" in a JWKS)";
        return JR_INVALID;
    }

    if (key->id.len > JR_AUTH_KEYS_ID) {
        reader->what = "has a keyId of more than 1024 bytes";
        return JR_INVALID;
    }

    for (i = 0; i < key->id.len; i++) {
        if (key->id.data[i] < 0x21 || key->id.data[i] > 0x7e
            || key->id.data[i] == '"' || key->id.data[i] == '\\')
        {
            reader->what = "has a keyId with a blank, a quotation mark or "
                           "another byte that none has";
            return JR_INVALID;
        }
    }

    return JR_OK;
}


static jr_status_e
jr_auth_keys_read_state(jr_auth_keys_reader_t *reader, const json_t *entry,
    int jwks, jr_auth_key_t *key)
{
    int            twice;
    jr_str_t       state;
    const json_t  *value;

    twice = 0;
    value = jr_auth_keys_read_member(entry, &jr_auth_keys_state, &twice);

    if (twice || (value == NULL && !jwks)
        || (value != NULL && !json_is_string(value)))
    {
        reader->what = "has no \"lifecycle-state\", or not one: \"ACTIVE\", "
                       "\"INACTIVE\" ...";
        return JR_INVALID;
    }

    state = jr_auth_keys_read_string(value);
    key->active = value == NULL || jr_str_eq(state, "ACTIVE", 6);

    return JR_OK;
}


static jr_status_e
jr_auth_keys_read_end(jr_auth_keys_reader_t *reader, const json_t *entry,
    jr_auth_key_t *key)
{
    int            twice;
    const json_t  *value;

    twice = 0;
    value = jr_auth_keys_read_member(entry, &jr_auth_keys_not_after, &twice);

    if (!twice && (value == NULL || json_is_null(value))) {
        return JR_OK;
    }

    if (json_is_integer(value)) {
        key->not_after = json_integer_value(value);

    } else if (!json_is_string(value)
               || jr_http_date_read_rfc3339(jr_auth_keys_read_string(value),
                                            &key->not_after)
                  != JR_OK)
    {
        twice = 1;
    }

    if (twice || key->not_after <= 0) {
        reader->what = "has a \"not-after\" that is not a time in UTC, "
                       "\"2026-12-31T00:00:00Z\"";
        return JR_INVALID;
    }

    return JR_OK;
}


static const json_t *
jr_auth_keys_read_member(const json_t *entry, const jr_auth_keys_name_t *name,
    int *twice)
{
    const json_t  *cli, *api;

    cli = json_object_get(entry, name->cli);
    api = json_object_get(entry, name->api);

    if (cli != NULL && api != NULL) {
        *twice = 1;
    }

    return cli != NULL ? cli : api;
}


/* len 0: it is not a string */

static jr_str_t
jr_auth_keys_read_string(const json_t *value)
{
    jr_str_t  text;

    text.data = json_string_value(value);
    text.len = json_string_length(value);

    return text;
}


static void
jr_auth_keys_read_say(jr_auth_keys_reader_t *reader, const json_t *entry,
    size_t i, int jwks)
{
    int       twice;
    jr_str_t  id;

    id = jr_auth_keys_read_string(jwks ? json_object_get(entry, "kid")
                                       : jr_auth_keys_read_member(entry,
                                             &jr_auth_keys_id, &twice));

    jr_text_str(reader->said, "entry ");
    jr_text_size(reader->said, i + 1);

    if (id.len) {
        jr_text_str(reader->said, ", ");
        jr_text_str(reader->said, "\"");
        jr_text_escape(reader->said, id.data, id.len, 300, JR_TEXT_QUOTES);
        jr_text_str(reader->said, "\",");
    }

    jr_text_str(reader->said, " ");
    jr_text_str(reader->said, reader->what);
}
