/* SPDX-License-Identifier: BSD-2-Clause
 *
 * key: files of keys by which requests are verified, and a request that is not.
 *
 * A file is written as a whole and put in the place of the old one, so that
 * whoever reads it meanwhile reads one of them.
 */

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "jobrunsctl.h"

#include "jr_auth_file.h"
#include "jr_auth_keys.h"
#include "jr_http_date.h"


#define CTL_PEM_MAX  (64 * 1024)


static int ctl_key_list(ctl_t *ctl, int argc, char **argv);
static int ctl_key_add(ctl_t *ctl, int argc, char **argv);
static int ctl_key_revoke(ctl_t *ctl, int argc, char **argv);


int
ctl_key_verb(ctl_t *ctl, int argc, char **argv)
{
    if (argc > 1 && strcmp(argv[0], "list") == 0) {
        return ctl_key_list(ctl, argc - 1, argv + 1);
    }

    if (argc > 1 && strcmp(argv[0], "check") == 0) {
        return ctl_key_check(ctl, argc - 1, argv + 1);
    }

    if (argc == 4 && strcmp(argv[0], "add") == 0) {
        return ctl_key_add(ctl, argc - 1, argv + 1);
    }

    if (argc == 3 && strcmp(argv[0], "revoke") == 0) {
        return ctl_key_revoke(ctl, argc - 1, argv + 1);
    }

    return ctl_fail(CTL_USAGE, "key list|check FILE..., key add FILE "
                    "TENANCY/USER PEM-FILE, or key revoke FILE KEY-ID is "
                    "expected");
}


int
ctl_key_read(ctl_t *ctl, int n, char **files, jr_auth_keys_t **keys)
{
    int           i;
    char         *text, said[JR_AUTH_FILE_ERROR], error[JR_AUTH_KEYS_ERROR];
    size_t        len;
    jr_status_e   rc;

    *keys = jr_auth_keys_create(ctl->issuer ? JR_AUTH_KEYS_OF_ISSUER
                                            : JR_AUTH_KEYS_OF_USERS);

    if (*keys == NULL) {
        return ctl_fail(CTL_FAILED, "there is not enough memory");
    }

    rc = JR_OK;

    for (i = 0; i < n && rc == JR_OK; i++) {

        rc = jr_auth_file_read(files[i], JR_AUTH_KEYS_FILE, &text, &len, said);

        if (rc != JR_OK) {
            jr_auth_keys_free(*keys);
            return ctl_fail(CTL_FAILED, "%s", said);
        }

        rc = jr_auth_keys_add(*keys, files[i], (jr_str_t) { len, text },
                              error);
        free(text);
    }

    if (rc == JR_OK) {
        rc = jr_auth_keys_seal(*keys, error);
    }

    if (rc != JR_OK) {
        jr_auth_keys_free(*keys);
        return ctl_fail(CTL_FAILED, "%s", error);
    }

    return CTL_OK;
}


char *
ctl_key_slurp(const char *path, size_t most, size_t *len)
{
    char   *text, said[JR_AUTH_FILE_ERROR];

    if (strcmp(path, "-") != 0) {

        if (jr_auth_file_read(path, most, &text, len, said) != JR_OK) {
            (void) ctl_fail(CTL_FAILED, "%s", said);
            return NULL;
        }

        return text;
    }

    text = malloc(most);

    if (text == NULL) {
        (void) ctl_fail(CTL_FAILED, "there is not enough memory");
        return NULL;
    }

    *len = fread(text, 1, most, stdin);

    return text;
}


/* in the words of the reasons that a request is refused for */

static const char *
ctl_key_state(const ctl_t *ctl, const jr_auth_key_t *key, int64_t now)
{
    if (!key->active) {
        return "inactive";
    }

    if (key->not_after && now >= key->not_after) {
        return "expired";
    }

    return key->bits < ctl->min_bits ? "weak" : "active";
}


static int
ctl_key_list(ctl_t *ctl, int argc, char **argv)
{
    int                   rc, same;
    char                  print[JR_RSA_FINGERPRINT], date[JR_HTTP_DATE_LEN];
    size_t                i, n;
    json_t               *rows, *row;
    jr_auth_keys_t       *keys;
    const jr_auth_key_t  *key;

    static const ctl_column_t  columns[] = {
        { "keyId", "KEY ID" }, { "bits", "BITS" }, { "state", "STATE" },
        { "notAfter", "NOT AFTER" }, { "fingerprint", "FINGERPRINT" },
        { "note", "NOTE" }, { "file", "FILE" }, { NULL, NULL }
    };

    rc = ctl_key_read(ctl, argc, argv, &keys);

    if (rc != CTL_OK) {
        return rc;
    }

    rows = json_array();
    key = jr_auth_keys_all(keys, &n);

    for (i = 0; i < n; i++, key++) {

        if (jr_rsa_fingerprint(key->pkey, print) != JR_OK) {
            rc = ctl_fail(CTL_FAILED, "a fingerprint cannot be made");
            break;
        }

        row = json_pack("{s:o, s:i, s:s, s:s%, s:s}",
                        "keyId", ctl_string(key->id.data, key->id.len),
                        "bits", (int) key->bits,
                        "state", ctl_key_state(ctl, key, (int64_t) time(NULL)),
                        "fingerprint", print, sizeof(print),
                        "file", jr_auth_keys_file(keys, key->file));

        if (key->not_after) {
            (void) jr_http_date_write(key->not_after, "GMT", date);
            json_object_set_new(row, "notAfter",
                                json_stringn(date, sizeof(date)));
        }

        /* a keyId is but a name; one with another key's fingerprint is one
           that was mixed up, more often than not */

        same = key->id.len > sizeof(print)
               && memcmp(key->id.data + key->id.len - sizeof(print), print,
                         sizeof(print))
                  == 0;

        if (!same && !ctl->issuer) {
            json_object_set_new(row, "note", json_string(
                "the keyId has another fingerprint"));
        }

        json_array_append_new(rows, row);
    }

    jr_auth_keys_free(keys);

    if (rc != CTL_OK) {
        json_decref(rows);
        return rc;
    }

    return ctl_show(ctl, rows, columns);
}


/* ---------------------------------------------------------------- writing */

/* Is what would be written a good file?  Says why not. */

static int
ctl_key_try(const char *path, const char *text, size_t len)
{
    char             error[JR_AUTH_KEYS_ERROR];
    jr_status_e      rc;
    jr_auth_keys_t  *keys;

    keys = jr_auth_keys_create(JR_AUTH_KEYS_OF_USERS);

    if (keys == NULL) {
        return ctl_fail(CTL_FAILED, "there is not enough memory");
    }

    rc = jr_auth_keys_add(keys, path, (jr_str_t) { len, text }, error);

    if (rc == JR_OK) {
        rc = jr_auth_keys_seal(keys, error);
    }

    jr_auth_keys_free(keys);

    return rc == JR_OK ? CTL_OK
                       : ctl_fail(CTL_FAILED, "nothing was written: %s",
                                  error);
}


/* owner and mode of the file that is there, or 0640 */

static int
ctl_key_put(int fd, const char *path, const char *text)
{
    size_t       len, done;
    ssize_t      n;
    struct stat  st;

    if (stat(path, &st) == 0) {
        if (fchown(fd, st.st_uid, st.st_gid) == -1 && errno != EPERM) {
            return -1;
        }

    } else {
        st.st_mode = 0640;
    }

    if (fchmod(fd, st.st_mode & 07777) == -1) {
        return -1;
    }

    len = strlen(text);

    for (done = 0; done < len; done += (size_t) n) {
        n = write(fd, text + done, len - done);

        if (n <= 0) {
            return -1;
        }
    }

    return fsync(fd);
}


/* The file that path leads to, to be freed: a link stays, so that the gateway
   reads what is written, by whichever name.  NULL: there is none, errno says
   why; a file that is not there yet is path itself. */

static char *
ctl_key_file(const char *path)
{
    char         *file;
    struct stat   link;

    file = realpath(path, NULL);

    return file != NULL || errno != ENOENT || lstat(path, &link) == 0
           ? file : strdup(path);
}


static int
ctl_key_write(const char *path, json_t *root)
{
    int    fd, rc;
    char  *file, *text, *temporary;

    file = ctl_key_file(path);

    if (file == NULL) {
        return ctl_fail(CTL_FAILED, "\"%s\": cannot be written: %s", path,
                        strerror(errno));
    }

    text = json_dumps(root, JSON_INDENT(2));
    temporary = malloc(strlen(file) + sizeof(".XXXXXX"));

    if (text == NULL || temporary == NULL) {
        free(file);
        free(text);
        free(temporary);
        return ctl_fail(CTL_FAILED, "there is not enough memory");
    }

    rc = ctl_key_try(path, text, strlen(text));

    if (rc == CTL_OK) {
        sprintf(temporary, "%s.XXXXXX", file);
        fd = mkstemp(temporary);

        if (fd == -1) {
            rc = ctl_fail(CTL_FAILED, "\"%s\": cannot be made: %s", temporary,
                          strerror(errno));

        } else {

            if (ctl_key_put(fd, file, text) != 0
                || rename(temporary, file) != 0)
            {
                rc = ctl_fail(CTL_FAILED, "\"%s\": cannot be written: %s",
                              path, strerror(errno));
                (void) unlink(temporary);
            }

            (void) close(fd);
        }
    }

    free(temporary);
    free(text);
    free(file);

    return rc;
}


/* The JSON of a file that is good, and its list, which is root's; of a file
   that is not there, where it may be missing, an empty one. */

static int
ctl_key_load(const char *path, int may_miss, json_t **root, json_t **list)
{
    int           rc;
    char         *text, said[JR_AUTH_FILE_ERROR];
    size_t        len;
    json_error_t  error;

    *root = NULL;
    *list = NULL;

    if (may_miss && access(path, F_OK) == -1 && errno == ENOENT) {
        *root = json_pack("{s:[]}", "data");
        *list = json_object_get(*root, "data");
        return CTL_OK;
    }

    if (jr_auth_file_read(path, JR_AUTH_KEYS_FILE, &text, &len, said)
        != JR_OK)
    {
        return ctl_fail(CTL_FAILED, "%s", said);
    }

    rc = ctl_key_try(path, text, len);
    *root = rc == CTL_OK ? json_loadb(text, len, 0, &error) : NULL;
    free(text);

    if (*root == NULL) {
        return rc != CTL_OK ? rc : ctl_fail(CTL_FAILED, "\"%s\": is not JSON",
                                            path);
    }

    *list = json_is_array(*root) ? *root
            : json_object_get(*root, json_object_get(*root, "keys") ? "keys"
                                                                    : "data");

    return CTL_OK;
}


/* as the entries that are there are spelled */

static const char *
ctl_key_spelling(const json_t *list, const char *cli, const char *api)
{
    return json_object_get(json_array_get(list, 0), "keyId") ? api : cli;
}


static int
ctl_key_add(ctl_t *ctl, int argc, char **argv)
{
    int           rc;
    char         *pem, said[JR_AUTH_FILE_ERROR], id[JR_AUTH_KEYS_ID + 2];
    size_t        len, n;
    json_t       *root, *list, *entry;
    EVP_PKEY     *key;
    const char   *what, *slash;

    (void) argc;

    if (jr_auth_file_read(argv[2], CTL_PEM_MAX, &pem, &len, said) != JR_OK) {
        return ctl_fail(CTL_FAILED, "%s", said);
    }

    what = "cannot be read: there is not enough memory";

    if (jr_rsa_read_pem((jr_str_t) { len, pem }, &key, &what) != JR_OK) {
        free(pem);
        return ctl_fail(CTL_FAILED, "\"%s\": %s", argv[2], what);
    }

    /* TENANCY/USER becomes the keyId that the client says */

    root = NULL;
    list = NULL;
    slash = strchr(argv[1], '/');
    n = strlen(argv[1]);

    if (n + 1 + JR_RSA_FINGERPRINT > JR_AUTH_KEYS_ID) {
        n = 0;
    }

    memcpy(id, argv[1], n);
    id[n] = '\0';

    if (n && slash != NULL && strchr(slash + 1, '/') == NULL) {
        id[n++] = '/';
        (void) jr_rsa_fingerprint(key, id + n);
        id[n + JR_RSA_FINGERPRINT] = '\0';
    }

    if (jr_rsa_bits(key) < ctl->min_bits) {
        rc = ctl_fail(CTL_FAILED, "\"%s\": is an RSA key of %u bits, less than "
                      "the %u that are needed", argv[2], jr_rsa_bits(key),
                      ctl->min_bits);
    } else {
        rc = ctl_key_load(argv[0], 1, &root, &list);
    }

    EVP_PKEY_free(key);

    if (rc != CTL_OK) {
        free(pem);
        return rc;
    }

    if (json_object_get(root, "keys") != NULL) {
        json_decref(root);
        free(pem);
        return ctl_fail(CTL_FAILED, "\"%s\": is a JWKS; add the key where it "
                        "comes from, or give another file", argv[0]);
    }

    entry = json_pack("{s:s, s:o, s:s}",
                      ctl_key_spelling(list, "key-id", "keyId"), id,
                      ctl_key_spelling(list, "key-value", "keyValue"),
                      ctl_string(pem, len),
                      ctl_key_spelling(list, "lifecycle-state",
                                       "lifecycleState"), "ACTIVE");
    free(pem);

    if (ctl->not_after != NULL) {
        json_object_set_new(entry, ctl_key_spelling(list, "not-after",
                                                    "notAfter"),
                            json_string(ctl->not_after));
    }

    json_array_append_new(list, entry);
    rc = ctl_key_write(argv[0], root);
    json_decref(root);

    if (rc == CTL_OK) {
        printf("added ");
        ctl_put(stdout, id);
        putchar('\n');
    }

    return rc;
}


static int
ctl_key_revoke(ctl_t *ctl, int argc, char **argv)
{
    int          rc;
    char         question[JR_AUTH_KEYS_ID + 64];
    size_t       i;
    json_t      *root, *list, *entry;
    const char  *id, *state;

    (void) argc;

    rc = ctl_key_load(argv[0], 0, &root, &list);

    if (rc != CTL_OK) {
        return rc;
    }

    entry = NULL;

    json_array_foreach(list, i, entry) {

        id = json_string_value(json_object_get(entry, "kid"));
        id = id ? id : json_string_value(json_object_get(entry, "keyId"));
        id = id ? id : json_string_value(json_object_get(entry, "key-id"));

        if (id != NULL && strcmp(id, argv[1]) == 0) {
            break;
        }
    }

    if (i == json_array_size(list)) {
        json_decref(root);
        return ctl_fail(CTL_NOTHING, "\"%s\" has no key \"%s\"", argv[0],
                        argv[1]);
    }

    snprintf(question, sizeof(question), "Requests signed with \"%s\" will be "
             "refused.", argv[1]);

    rc = ctl_confirm(ctl, question);

    if (rc == CTL_OK) {
        /* the entry stays, so that a record says "key_inactive" */

        state = json_object_get(entry, "lifecycle-state") ? "lifecycle-state"
                                                          : "lifecycleState";
        json_object_set_new(entry, state, json_string("INACTIVE"));
        rc = ctl_key_write(argv[0], root);
    }

    json_decref(root);

    if (rc == CTL_OK) {
        printf("revoked ");
        ctl_put(stdout, argv[1]);
        putchar('\n');
    }

    return rc;
}
