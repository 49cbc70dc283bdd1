/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Session tokens that were verified.
 */

#include <stdlib.h>
#include <string.h>

#include "jr_auth_cache.h"


typedef struct {
    jr_digest_t            md;
    jr_auth_cache_rules_t  rules;       /* policy NULL: the place is free */
    uint64_t               used;        /* by the cache's clock */
    double                 from;
    double                 until;
    jr_auth_cached_t       cached;
    char                   tenancy[JR_AUTH_TOKEN_NAME];
    char                   subject[JR_AUTH_TOKEN_NAME];
} jr_auth_cache_entry_t;


struct jr_auth_cache_s {
    uint64_t               clock;       /* counts uses */
    jr_auth_cache_entry_t  entry[JR_AUTH_CACHE_SETS][JR_AUTH_CACHE_WAYS];
};


static jr_auth_cache_entry_t *jr_auth_cache_set(jr_auth_cache_t *cache,
    const jr_digest_t *md);
static jr_auth_cache_entry_t *jr_auth_cache_place(jr_auth_cache_t *cache,
    const jr_digest_t *md, const jr_auth_cache_rules_t *rules);
static int jr_auth_cache_is(const jr_auth_cache_entry_t *entry,
    const jr_digest_t *md, const void *policy);
static void jr_auth_cache_drop(jr_auth_cache_entry_t *entry);
static jr_str_t jr_auth_cache_copy(char *buf, jr_str_t value);


jr_auth_cache_t *
jr_auth_cache_create(void)
{
    return calloc(1, sizeof(jr_auth_cache_t));
}


void
jr_auth_cache_free(jr_auth_cache_t *cache)
{
    size_t  i, k;

    if (cache == NULL) {
        return;
    }

    for (i = 0; i < JR_AUTH_CACHE_SETS; i++) {
        for (k = 0; k < JR_AUTH_CACHE_WAYS; k++) {
            jr_auth_cache_drop(&cache->entry[i][k]);
        }
    }

    free(cache);
}


const jr_auth_cached_t *
jr_auth_cache_find(jr_auth_cache_t *cache, const jr_digest_t *md,
    const jr_auth_cache_rules_t *rules, int64_t now)
{
    size_t                  k;
    jr_auth_cache_entry_t  *entry;

    entry = jr_auth_cache_set(cache, md);

    for (k = 0; k < JR_AUTH_CACHE_WAYS; k++, entry++) {

        if (!jr_auth_cache_is(entry, md, rules->policy)) {
            continue;
        }

        if (entry->rules.generation != rules->generation
            || (double) now < entry->from || (double) now >= entry->until)
        {
            jr_auth_cache_drop(entry);
            return NULL;
        }

        entry->used = ++cache->clock;

        return &entry->cached;
    }

    return NULL;
}


const jr_auth_cached_t *
jr_auth_cache_put(jr_auth_cache_t *cache, const jr_digest_t *md,
    const jr_auth_cache_rules_t *rules, const jr_auth_token_t *token)
{
    EVP_PKEY_CTX           *verifier;
    jr_auth_cache_entry_t  *entry;

    verifier = jr_rsa_verifier(token->pkey);

    if (verifier == NULL) {
        return NULL;
    }

    /* which holds it */

    EVP_PKEY_free(token->pkey);

    entry = jr_auth_cache_place(cache, md, rules);

    jr_auth_cache_drop(entry);

    entry->md = *md;
    entry->rules = *rules;
    entry->used = ++cache->clock;
    entry->from = token->from;
    entry->until = token->until;
    entry->cached.verifier = verifier;
    entry->cached.tenancy = jr_auth_cache_copy(entry->tenancy, token->tenancy);
    entry->cached.subject = jr_auth_cache_copy(entry->subject, token->subject);

    return &entry->cached;
}


/* the token's own place, a free one, or that of the one to give way */

static jr_auth_cache_entry_t *
jr_auth_cache_place(jr_auth_cache_t *cache, const jr_digest_t *md,
    const jr_auth_cache_rules_t *rules)
{
    size_t                  k;
    jr_auth_cache_entry_t  *entry, *least;

    entry = jr_auth_cache_set(cache, md);
    least = entry;

    for (k = 0; k < JR_AUTH_CACHE_WAYS; k++, entry++) {

        if (jr_auth_cache_is(entry, md, rules->policy)) {
            return entry;
        }

        if (entry->used < least->used) {
            least = entry;
        }
    }

    return least;
}


static jr_auth_cache_entry_t *
jr_auth_cache_set(jr_auth_cache_t *cache, const jr_digest_t *md)
{
    return cache->entry[md->bytes[0] % JR_AUTH_CACHE_SETS];
}


static int
jr_auth_cache_is(const jr_auth_cache_entry_t *entry, const jr_digest_t *md,
    const void *policy)
{
    return entry->rules.policy == policy
           && memcmp(entry->md.bytes, md->bytes, JR_DIGEST_LEN) == 0;
}


static void
jr_auth_cache_drop(jr_auth_cache_entry_t *entry)
{
    EVP_PKEY_CTX_free(entry->cached.verifier);
    memset(entry, 0, sizeof(*entry));
}


static jr_str_t
jr_auth_cache_copy(char *buf, jr_str_t value)
{
    memcpy(buf, value.data, value.len);

    value.data = buf;

    return value;
}
