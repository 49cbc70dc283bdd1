/* SPDX-License-Identifier: BSD-2-Clause
 *
 * What admit.lua is given: the keys of the limits that count a request and of
 * its record, and the packed arguments.  Made once per attempt; renewing and
 * settling use the same keys, and the same words on the limits.
 *
 *   a->args.keys   overrides | slots... counters... | record
 *             <--------------- admit.lua -------------->
 *                         <- renew.lua, settle.lua ---->
 */

#include "ngx_http_jobruns.h"
#include "ngx_http_jobruns_args.h"
#include "ngx_http_jobruns_attempt.h"

#include "jr_pack.h"
#include "jr_script.h"


/* limits of one location, at most: a byte in JR_SHARED */
#define NGX_HTTP_JOBRUNS_ARGS_LIMITS  255


/* the limit whose partition was last made, what it counts by, and how that
   stands in keys */
typedef struct {
    jr_limit_t  *limit;         /* NULL: none yet */
    jr_str_t     by;
    jr_str_t     name;
} ngx_http_jobruns_partition_t;


/* the client writes the deadline into the argument that stands for it */
_Static_assert(NGX_REDIS_STAMP_LEN == JR_SCRIPT_TIME_LEN,
               "a deadline has one length");


static ngx_int_t ngx_http_jobruns_args_limits(ngx_http_request_t *r,
    ngx_http_jobruns_attempt_t *a, jr_str_t *by);
static ngx_int_t ngx_http_jobruns_args_by(ngx_http_request_t *r,
    ngx_http_jobruns_attempt_t *a, ngx_http_jobruns_limit_t *limit,
    jr_str_t *by);
static ngx_int_t ngx_http_jobruns_args_partition(ngx_http_request_t *r,
    jr_limit_t *limit, jr_str_t *by, ngx_http_jobruns_partition_t *last);
static ngx_int_t ngx_http_jobruns_args_keys(ngx_http_request_t *r,
    ngx_http_jobruns_attempt_t *a, jr_str_t *by, u_char *places);
static ngx_int_t ngx_http_jobruns_args_counters(ngx_http_request_t *r,
    ngx_http_jobruns_attempt_t *a, jr_str_t *by, u_char *places);
static ngx_int_t ngx_http_jobruns_args_record(ngx_http_request_t *r,
    ngx_http_jobruns_attempt_t *a);
static ngx_int_t ngx_http_jobruns_args_key(ngx_http_request_t *r,
    ngx_http_jobruns_attempt_t *a, ngx_str_t *text, jr_key_t *key);
static ngx_int_t ngx_http_jobruns_args_shared(ngx_http_request_t *r,
    ngx_http_jobruns_attempt_t *a, u_char *places);
static ngx_int_t ngx_http_jobruns_args_list(ngx_http_request_t *r,
    ngx_http_jobruns_attempt_t *a);


ngx_int_t
ngx_http_jobruns_args_build(ngx_http_request_t *r,
    ngx_http_jobruns_attempt_t *a)
{
    u_char      *places;
    jr_str_t    *by;
    ngx_uint_t   n;

    n = a->conf->limits ? a->conf->limits->nelts : 0;

    if (n > NGX_HTTP_JOBRUNS_ARGS_LIMITS) {
        return NGX_ERROR;
    }

    a->args.keys = ngx_palloc(r->pool,
                         (JR_ADMIT_KEY_LIMITS + n + 1) * sizeof(ngx_str_t)
                         + n * (sizeof(jr_limit_t) + sizeof(jr_limit_state_t)
                                + sizeof(jr_str_t) + sizeof(u_char)));
    if (a->args.keys == NULL) {
        return NGX_ERROR;
    }

    a->args.limits = (jr_limit_t *) (a->args.keys + JR_ADMIT_KEY_LIMITS + n
                                     + 1);
    a->reply.states = (jr_limit_state_t *) (a->args.limits + n);
    a->args.by = by = (jr_str_t *) (a->reply.states + n);
    places = (u_char *) (by + n);
    a->args.places = places;

    if (ngx_http_jobruns_args_limits(r, a, by) != NGX_OK
        || ngx_http_jobruns_args_keys(r, a, by, places) != NGX_OK
        || ngx_http_jobruns_args_shared(r, a, places) != NGX_OK)
    {
        return NGX_ERROR;
    }

    return ngx_http_jobruns_args_list(r, a);
}


/* the limits that count this request, and what by, as it stands in keys: an
   empty key skips one, as in limit_req */

static ngx_int_t
ngx_http_jobruns_args_limits(ngx_http_request_t *r,
    ngx_http_jobruns_attempt_t *a, jr_str_t *by)
{
    ngx_int_t                      rc;
    jr_limit_t                    *own;
    ngx_uint_t                     i, n;
    ngx_http_jobruns_limit_t      *limit;
    ngx_http_jobruns_partition_t   last;

    last.limit = NULL;
    own = a->args.limits;

    n = a->conf->limits ? a->conf->limits->nelts : 0;

    for (i = 0; i < n; i++) {
        limit = (ngx_http_jobruns_limit_t *) a->conf->limits->elts + i;

        rc = ngx_http_jobruns_args_by(r, a, limit, by);

        if (rc == NGX_DECLINED) {
            continue;
        }

        *own = limit->limit;

        if (rc == NGX_OK && by->len) {
            rc = ngx_http_jobruns_args_partition(r, own, by, &last);
        }

        if (rc != NGX_OK) {
            return NGX_ERROR;
        }

        own++;
        by++;
    }

    a->args.nlimits = own - a->args.limits;

    return NGX_OK;
}


/* by tenant: nothing, the tenant is in every key already.  NGX_DECLINED: it
   does not count this request */

static ngx_int_t
ngx_http_jobruns_args_by(ngx_http_request_t *r, ngx_http_jobruns_attempt_t *a,
    ngx_http_jobruns_limit_t *limit, jr_str_t *by)
{
    ngx_str_t  key;

    switch (limit->by) {

    case jobruns_key_variable:

        if (ngx_http_complex_value(r, limit->key, &key) != NGX_OK) {
            return NGX_ERROR;
        }

        *by = ngx_http_jobruns_str(key);

        return key.len ? NGX_OK : NGX_DECLINED;

    case jobruns_key_platform:
        *by = a->call.path.platform;
        return NGX_OK;

    case jobruns_key_workspace:
        *by = a->call.path.workspace;
        return NGX_OK;

    default:
        by->data = NULL;
        by->len = 0;
        return NGX_OK;
    }
}


/* a digest of what the limit counts by, and how that stands in keys; often it
   is what the last one counted by too */

static ngx_int_t
ngx_http_jobruns_args_partition(ngx_http_request_t *r, jr_limit_t *limit,
    jr_str_t *by, ngx_http_jobruns_partition_t *last)
{
    char  *buf;

    if (last->limit != NULL && by->data == last->by.data
        && by->len == last->by.len)
    {
        ngx_memcpy(limit->partition, last->limit->partition,
                   sizeof(limit->partition));
        *by = last->name;

        return NGX_OK;
    }

    buf = ngx_pnalloc(r->pool, JR_NAME_DIGEST);

    last->by = *by;

    if (buf == NULL
        || jr_limit_partition(*by, limit->partition) != JR_OK
        || jr_identity_name(*by, buf, by) != JR_OK)
    {
        return NGX_ERROR;
    }

    last->limit = limit;
    last->name = *by;

    return NGX_OK;
}


/* see jr_key.h; places: of each limit, its key from 1 among those of limits */

static ngx_int_t
ngx_http_jobruns_args_keys(ngx_http_request_t *r,
    ngx_http_jobruns_attempt_t *a, jr_str_t *by, u_char *places)
{
    jr_key_t    key;
    ngx_uint_t  i;

    ngx_memzero(&key, sizeof(jr_key_t));

    key.kind = JR_KEY_OVERRIDES;

    if (ngx_http_jobruns_args_key(r, a, &a->args.keys[JR_ADMIT_KEY_OVERRIDES],
                                  &key)
        != NGX_OK)
    {
        return NGX_ERROR;
    }

    a->args.nkeys = JR_ADMIT_KEY_LIMITS;

    key.kind = JR_KEY_SLOTS;

    for (i = 0; i < a->args.nlimits; i++) {

        if (!jr_limit_kinds[a->args.limits[i].kind].held) {
            continue;
        }

        key.name = a->args.limits[i].name;
        key.by = by[i];

        if (ngx_http_jobruns_args_key(r, a, &a->args.keys[a->args.nkeys], &key)
            != NGX_OK)
        {
            return NGX_ERROR;
        }

        places[i] = (u_char) a->args.nkeys++;
    }

    a->args.nslots = a->args.nkeys - JR_ADMIT_KEY_LIMITS;

    if (ngx_http_jobruns_args_counters(r, a, by, places) != NGX_OK) {
        return NGX_ERROR;
    }

    return ngx_http_jobruns_args_record(r, a);
}


/* all that count by the same have one key */

static ngx_int_t
ngx_http_jobruns_args_counters(ngx_http_request_t *r,
    ngx_http_jobruns_attempt_t *a, jr_str_t *by, u_char *places)
{
    jr_key_t    key;
    ngx_uint_t  i, k;

    ngx_memzero(&key, sizeof(jr_key_t));

    key.kind = JR_KEY_COUNTERS;

    for (i = 0; i < a->args.nlimits; i++) {

        if (jr_limit_kinds[a->args.limits[i].kind].held) {
            continue;
        }

        for (k = 0; k < i; k++) {
            if (!jr_limit_kinds[a->args.limits[k].kind].held
                && by[k].len == by[i].len
                && (by[i].len == 0
                    || ngx_memcmp(by[k].data, by[i].data, by[i].len) == 0))
            {
                break;
            }
        }

        if (k < i) {
            places[i] = places[k];
            continue;
        }

        key.by = by[i];

        if (ngx_http_jobruns_args_key(r, a, &a->args.keys[a->args.nkeys], &key)
            != NGX_OK)
        {
            return NGX_ERROR;
        }

        places[i] = (u_char) a->args.nkeys++;
    }

    return NGX_OK;
}


static ngx_int_t
ngx_http_jobruns_args_record(ngx_http_request_t *r,
    ngx_http_jobruns_attempt_t *a)
{
    jr_key_t  key;

    ngx_memzero(&key, sizeof(jr_key_t));

    if (a->call.token.data != NULL) {
        key.kind = JR_KEY_TOKEN;
        key.name = (jr_str_t) { JR_DIGEST_HEX, (char *) a->check.token_hash };

    } else {
        key.kind = JR_KEY_ATTEMPT;
        key.name = (jr_str_t) { NGX_HTTP_JOBRUNS_OWNER_LEN,
                                (char *) a->call.owner_hex };
    }

    return ngx_http_jobruns_args_key(r, a, &a->args.keys[a->args.nkeys++],
                                     &key);
}


static ngx_int_t
ngx_http_jobruns_args_key(ngx_http_request_t *r,
    ngx_http_jobruns_attempt_t *a, ngx_str_t *text, jr_key_t *key)
{
    key->prefix = ngx_http_jobruns_str(a->conf->prefix);
    key->tenant = a->call.tenant;

    text->len = jr_key_size(key);
    text->data = ngx_pnalloc(r->pool, text->len);
    if (text->data == NULL) {
        return NGX_ERROR;
    }

    (void) jr_key_write(key, (char *) text->data);

    return NGX_OK;
}


/* JR_SHARED, and the limits */

static ngx_int_t
ngx_http_jobruns_args_shared(ngx_http_request_t *r,
    ngx_http_jobruns_attempt_t *a, u_char *places)
{
    char        *p;
    size_t       size;
    jr_pack_t    v[JR_SHARED_LAST];
    ngx_uint_t   i;

    v[JR_SHARED_FORMAT].text = (jr_str_t) jr_str(JR_SCRIPT_FORMAT);
    v[JR_SHARED_REFUSE].number = a->conf->retry_refuse;
    v[JR_SHARED_LEASE].number = (int64_t) a->conf->retry_lease;
    v[JR_SHARED_SLOTS].number = (int64_t) a->args.nslots;
    v[JR_SHARED_LIMITS].number = (int64_t) a->args.nlimits;

    size = JR_SHARED_SIZE;

    for (i = 0; i < a->args.nlimits; i++) {
        size += a->args.limits[i].packed.len;
    }

    p = ngx_pnalloc(r->pool, size);
    if (p == NULL) {
        return NGX_ERROR;
    }

    a->args.shared.data = (u_char *) p;
    a->args.shared.len = size;

    p = jr_pack_write(p, JR_SHARED, v);

    for (i = 0; i < a->args.nlimits; i++) {
        p = jr_limit_packed(&a->args.limits[i], places[i], p);
    }

    return NGX_OK;
}


/* KEYS and ARGV of admit.lua; kept, since a waiter asks again */

static ngx_int_t
ngx_http_jobruns_args_list(ngx_http_request_t *r,
    ngx_http_jobruns_attempt_t *a)
{
    ngx_str_t  *arg;

    a->args.argc = a->args.nkeys + JR_ADMIT_ATTEMPTS + 1;

    a->args.argv = ngx_palloc(r->pool, a->args.argc * sizeof(ngx_str_t));
    if (a->args.argv == NULL) {
        return NGX_ERROR;
    }

    ngx_memcpy(a->args.argv, a->args.keys, a->args.nkeys * sizeof(ngx_str_t));

    arg = a->args.argv + a->args.nkeys;

    /* known when it is sent: ngx_redis_op_t */
    ngx_str_set(&arg[JR_ADMIT_DEADLINE], JR_SCRIPT_TIME_NONE);

    arg[JR_ADMIT_SHARED] = a->args.shared;

    return ngx_http_jobruns_args_attempt(r, a, NULL);
}


ngx_int_t
ngx_http_jobruns_args_attempt(ngx_http_request_t *r,
    ngx_http_jobruns_attempt_t *a, const u_char *corrupt)
{
    jr_pack_t                v[JR_ADMIT_LAST];
    ngx_str_t               *arg;
    ngx_http_jobruns_ctx_t  *ctx;

    ctx = ngx_http_jobruns_attempt_get_ctx(r);

    v[JR_ADMIT_OWNER].text = ngx_http_jobruns_args_owner(a);
    v[JR_ADMIT_VERSION].number = NGX_HTTP_JOBRUNS_FINGERPRINT_VERSION;
    v[JR_ADMIT_FINGERPRINT].text = (jr_str_t) {
        JR_DIGEST_LEN, (char *) a->check.fingerprint };
    v[JR_ADMIT_LIFE].number = ngx_http_jobruns_args_life(a);
    v[JR_ADMIT_HEAD_LEN].number = (int64_t) (JR_RECORD_SIZE
                                             + ctx->request_id.len);
    v[JR_ADMIT_REQUEST_ID].text = ngx_http_jobruns_str(ctx->request_id);
    v[JR_ADMIT_CORRUPT].text.data = (const char *) corrupt;
    v[JR_ADMIT_CORRUPT].text.len = corrupt ? JR_DONE_SUM_LEN : 0;

    arg = &a->args.argv[a->args.nkeys + JR_ADMIT_ATTEMPTS];

    arg->len = jr_pack_size(JR_ADMIT, v);
    arg->data = ngx_pnalloc(r->pool, arg->len);
    if (arg->data == NULL) {
        return NGX_ERROR;
    }

    (void) jr_pack_write((char *) arg->data, JR_ADMIT, v);

    return NGX_OK;
}


jr_str_t
ngx_http_jobruns_args_owner(ngx_http_jobruns_attempt_t *a)
{
    return (jr_str_t) { NGX_HTTP_JOBRUNS_OWNER_LEN / 2,
                        (char *) a->call.owner };
}


size_t
ngx_http_jobruns_args_tag(ngx_http_jobruns_attempt_t *a)
{
    return a->conf->prefix.len + a->call.tenant.len + sizeof("{}") - 1;
}


int64_t
ngx_http_jobruns_args_life(ngx_http_jobruns_attempt_t *a)
{
    return a->call.token.data ? (int64_t) a->conf->retry_ttl
                         : NGX_HTTP_JOBRUNS_TOKENLESS;
}
