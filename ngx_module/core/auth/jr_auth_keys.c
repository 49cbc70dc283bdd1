/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Public keys by name.
 */

#include <stdlib.h>
#include <string.h>

#include "jr_auth_keys.h"
#include "jr_auth_keys_read.h"
#include "jr_text.h"


struct jr_auth_keys_s {
    jr_auth_keys_kind_e    kind;
    jr_auth_key_t         *key;
    size_t                 n;
    size_t                 room;
    char                 **files;       /* names */
    unsigned               nfiles;
};


static jr_status_e jr_auth_keys_add_file(jr_auth_keys_t *keys,
    const char *file);
static jr_status_e jr_auth_keys_take(void *data, const jr_auth_key_t *key);
static jr_status_e jr_auth_keys_room(jr_auth_keys_t *keys);
static int jr_auth_keys_split(jr_auth_key_t *key);
static int jr_auth_keys_compare(const void *one, const void *two);
static int jr_auth_keys_order(jr_str_t one, jr_str_t two);


jr_auth_keys_t *
jr_auth_keys_create(jr_auth_keys_kind_e kind)
{
    jr_auth_keys_t  *keys;

    keys = calloc(1, sizeof(*keys));

    if (keys != NULL) {
        keys->kind = kind;
    }

    return keys;
}


jr_status_e
jr_auth_keys_add(jr_auth_keys_t *keys, const char *file, jr_str_t text,
    char error[JR_AUTH_KEYS_ERROR])
{
    jr_text_t    said;
    jr_status_e  rc;

    jr_text_init(&said, error, JR_AUTH_KEYS_ERROR);
    jr_text_str(&said, "\"");
    jr_text_str(&said, file);
    jr_text_str(&said, "\": ");

    rc = jr_auth_keys_add_file(keys, file);

    if (rc == JR_OK) {
        rc = jr_auth_keys_read(text, keys->kind, jr_auth_keys_take, keys,
                               &said);
    }

    if (rc == JR_NO_MEMORY) {
        jr_text_str(&said, "there is not enough memory for its keys");
    }

    return rc;
}


static jr_status_e
jr_auth_keys_add_file(jr_auth_keys_t *keys, const char *file)
{
    char    **files;
    size_t    size;

    files = realloc(keys->files, (keys->nfiles + 1) * sizeof(char *));

    if (files == NULL) {
        return JR_NO_MEMORY;
    }

    keys->files = files;

    size = strlen(file) + 1;
    files[keys->nfiles] = malloc(size);

    if (files[keys->nfiles] == NULL) {
        return JR_NO_MEMORY;
    }

    memcpy(files[keys->nfiles++], file, size);

    return JR_OK;
}


/* takes pkey over where it returns JR_OK; JR_INVALID: the name is not one */

static jr_status_e
jr_auth_keys_take(void *data, const jr_auth_key_t *key)
{
    char            *id;
    jr_status_e      rc;
    jr_auth_key_t   *taken;
    jr_auth_keys_t  *keys;

    keys = data;
    rc = jr_auth_keys_room(keys);

    if (rc != JR_OK) {
        return rc;
    }

    id = malloc(key->id.len + 1);

    if (id == NULL) {
        return JR_NO_MEMORY;
    }

    memcpy(id, key->id.data, key->id.len);
    id[key->id.len] = '\0';

    taken = &keys->key[keys->n];

    *taken = *key;
    taken->id.data = id;
    taken->file = keys->nfiles - 1;

    if (keys->kind == JR_AUTH_KEYS_OF_USERS && !jr_auth_keys_split(taken)) {
        free(id);
        return JR_INVALID;
    }

    keys->n++;

    return JR_OK;
}


static jr_status_e
jr_auth_keys_room(jr_auth_keys_t *keys)
{
    size_t          room;
    jr_auth_key_t  *key;

    if (keys->n < keys->room) {
        return JR_OK;
    }

    room = keys->room ? 2 * keys->room : 16;
    key = realloc(keys->key, room * sizeof(jr_auth_key_t));

    if (key == NULL) {
        return JR_NO_MEMORY;
    }

    keys->key = key;
    keys->room = room;

    return JR_OK;
}


/* "<tenancy>/<user>/<fingerprint>", none of them empty */

static int
jr_auth_keys_split(jr_auth_key_t *key)
{
    const char  *slash, *second, *end;

    end = key->id.data + key->id.len;
    slash = memchr(key->id.data, '/', key->id.len);

    if (slash == NULL) {
        return 0;
    }

    second = memchr(slash + 1, '/', (size_t) (end - slash - 1));

    if (second == NULL
        || second + 1 == end
        || memchr(second + 1, '/', (size_t) (end - second - 1)) != NULL)
    {
        return 0;
    }

    key->tenancy.data = key->id.data;
    key->tenancy.len = (size_t) (slash - key->id.data);
    key->user.data = slash + 1;
    key->user.len = (size_t) (second - slash - 1);

    /* "resource/v2.1.2/..." is a resource's, not of a tenancy so called */

    return key->tenancy.len && key->tenancy.len <= JR_AUTH_KEYS_NAME
           && key->user.len && key->user.len <= JR_AUTH_KEYS_NAME
           && !jr_str_eq(key->tenancy, "resource", 8);
}


jr_status_e
jr_auth_keys_seal(jr_auth_keys_t *keys, char error[JR_AUTH_KEYS_ERROR])
{
    size_t                i;
    jr_text_t             said;
    const jr_auth_key_t  *one, *two;

    if (keys->n == 0) {
        return JR_OK;
    }

    qsort(keys->key, keys->n, sizeof(jr_auth_key_t), jr_auth_keys_compare);

    for (i = 1; i < keys->n; i++) {
        one = &keys->key[i - 1];
        two = &keys->key[i];

        if (jr_auth_keys_order(one->id, two->id) != 0) {
            continue;
        }

        jr_text_init(&said, error, JR_AUTH_KEYS_ERROR);
        jr_text_str(&said, "\"");
        jr_text_str(&said, keys->files[two->file]);
        jr_text_str(&said, "\": entry ");
        jr_text_int(&said, two->entry);
        jr_text_str(&said, ": ");
        jr_text_found(&said, two->id.data, two->id.len);
        jr_text_str(&said, " is entry ");
        jr_text_int(&said, one->entry);
        jr_text_str(&said, " of \"");
        jr_text_str(&said, keys->files[one->file]);
        jr_text_str(&said, "\", too; remove one of them");

        return JR_INVALID;
    }

    return JR_OK;
}


/* of one name, the one that was added first is the first */

static int
jr_auth_keys_compare(const void *one, const void *two)
{
    int                   order;
    const jr_auth_key_t  *a, *b;

    a = one;
    b = two;
    order = jr_auth_keys_order(a->id, b->id);

    if (order == 0) {
        order = a->file != b->file ? (a->file < b->file ? -1 : 1)
                                   : (a->entry < b->entry ? -1 : 1);
    }

    return order;
}


static int
jr_auth_keys_order(jr_str_t one, jr_str_t two)
{
    int  order;

    order = memcmp(one.data, two.data, one.len < two.len ? one.len : two.len);

    if (order == 0 && one.len != two.len) {
        order = one.len < two.len ? -1 : 1;
    }

    return order;
}


jr_auth_key_t *
jr_auth_keys_find(const jr_auth_keys_t *keys, jr_str_t id)
{
    int     order;
    size_t  low, high, middle;

    if (id.len == 0) {
        return NULL;
    }

    low = 0;
    high = keys->n;

    while (low < high) {
        middle = low + (high - low) / 2;
        order = jr_auth_keys_order(id, keys->key[middle].id);

        if (order == 0) {
            return &keys->key[middle];
        }

        if (order < 0) {
            high = middle;

        } else {
            low = middle + 1;
        }
    }

    return NULL;
}


jr_status_e
jr_auth_keys_verify(jr_auth_key_t *key, const jr_digest_t *md,
    const unsigned char *signature, size_t len)
{
    /* not of all keys when they are read: most are of people who never call
       this worker */

    if (key->verifier == NULL) {
        key->verifier = jr_rsa_verifier(key->pkey);

        if (key->verifier == NULL) {
            return JR_NO_MEMORY;
        }
    }

    return jr_rsa_verify(key->verifier, md, signature, len);
}


const jr_auth_key_t *
jr_auth_keys_all(const jr_auth_keys_t *keys, size_t *n)
{
    *n = keys->n;

    return keys->key;
}


const char *
jr_auth_keys_file(const jr_auth_keys_t *keys, unsigned file)
{
    return keys->files[file];
}


void
jr_auth_keys_free(jr_auth_keys_t *keys)
{
    size_t  i;

    if (keys == NULL) {
        return;
    }

    for (i = 0; i < keys->n; i++) {
        EVP_PKEY_CTX_free(keys->key[i].verifier);
        EVP_PKEY_free(keys->key[i].pkey);
        free((char *) keys->key[i].id.data);
    }

    for (i = 0; i < keys->nfiles; i++) {
        free(keys->files[i]);
    }

    free(keys->files);
    free(keys->key);
    free(keys);
}
