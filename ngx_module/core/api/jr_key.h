/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Names of keys in Redis, and the digest by which a retry token is named: one
 * place for the gateway that writes them and for the tools that look at them.
 *
 *   <prefix>{<tenant>}:v1:token:<hash>     the record of a token
 *   <prefix>{<tenant>}:v1:attempt:<owner>  of an attempt without one
 *   <prefix>{<tenant>}:limits              overrides of the tenant's limits
 *   <prefix>{<tenant>}:v1:counters[:<by>]  rates and quotas
 *   <prefix>{<tenant>}:v1:slots:<name>[:<by>]  of a concurrency
 *
 * The braces are a Redis Cluster's hash tag: all keys of one call are on one
 * node.
 */

#ifndef JR_KEY_H_INCLUDED
#define JR_KEY_H_INCLUDED

#include "jr_limit.h"


typedef enum {
    JR_KEY_TOKEN = 0,
    JR_KEY_ATTEMPT,
    JR_KEY_OVERRIDES,
    JR_KEY_COUNTERS,
    JR_KEY_SLOTS,
    JR_KEY_LAST
} jr_key_kind_e;


/* what a key is made of; all but prefix, tenant and kind may be empty */
typedef struct {
    jr_str_t       prefix;
    jr_str_t       tenant;      /* as jr_identity_name() has it */
    jr_key_kind_e  kind;
    jr_str_t       name;        /* a limit's, a token's digest, an owner */
    jr_str_t       by;          /* what a limit counts by, likewise named */
} jr_key_t;


/* what stands between the tenant and the name, the brace included */
jr_str_t jr_key_part(jr_key_kind_e kind);

/* bytes of the key */
size_t jr_key_size(const jr_key_t *key);

/* writes so many bytes, no NUL; returns the end */
char *jr_key_write(const jr_key_t *key, char *dst);

/*
 * The digest of a token in its scope, JR_DIGEST_HEX digits to hex.  The
 * tenant is in the key already, but a digest that stands alone in a log
 * should be of one tenant, too.  platform and workspace are decoded.
 */
jr_status_e jr_key_token(jr_str_t tenant, jr_str_t principal,
    jr_str_t platform, jr_str_t workspace, jr_str_t token, char *hex);


#endif /* JR_KEY_H_INCLUDED */
