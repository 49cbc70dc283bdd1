/* SPDX-License-Identifier: BSD-2-Clause
 *
 * What admit.lua is given: the keys of the token and of the limits that count
 * a request, and the arguments.  Made once per attempt; renewing and settling
 * use the same keys.
 */

#include "ngx_http_jobruns.h"
#include "ngx_http_jobruns_args.h"
#include "ngx_http_jobruns_attempt.h"

#include "jr_decimal.h"
#include "jr_script.h"


/* the limit that a digest was last made for */
typedef struct {
    jr_limit_t  *limit;         /* NULL: none yet */
    jr_str_t     by;
} ngx_http_jobruns_partition_t;


/* the client writes the deadline into the argument that stands for it */
_Static_assert(NGX_REDIS_STAMP_LEN == JR_SCRIPT_TIME_LEN,
               "a deadline has one length");


static ngx_int_t ngx_http_jobruns_args_limits(ngx_http_request_t *r,
    ngx_http_jobruns_attempt_t *a);
static ngx_int_t ngx_http_jobruns_args_keys(ngx_http_request_t *r,
    ngx_http_jobruns_attempt_t *a);
static ngx_int_t ngx_http_jobruns_args_partition(jr_limit_t *limit,
    jr_str_t by, ngx_http_jobruns_partition_t *last);
static ngx_int_t ngx_http_jobruns_args_key(ngx_http_request_t *r,
    ngx_http_jobruns_attempt_t *a, ngx_str_t *text, const jr_key_t *what);
static ngx_int_t ngx_http_jobruns_args_list(ngx_http_request_t *r,
    ngx_http_jobruns_attempt_t *a);
static void ngx_http_jobruns_args_text(ngx_str_t *arg, jr_str_t value);
static ngx_int_t ngx_http_jobruns_args_number(ngx_http_request_t *r,
    ngx_str_t *arg, int64_t value);


ngx_int_t
ngx_http_jobruns_args_build(ngx_http_request_t *r,
    ngx_http_jobruns_attempt_t *a)
{
    if (ngx_http_jobruns_args_limits(r, a) != NGX_OK
        || ngx_http_jobruns_args_keys(r, a) != NGX_OK)
    {
        return NGX_ERROR;
    }

    return ngx_http_jobruns_args_list(r, a);
}


/* the limits that count this request: an empty key skips one, as in
   limit_req */

static ngx_int_t
ngx_http_jobruns_args_limits(ngx_http_request_t *r,
    ngx_http_jobruns_attempt_t *a)
{
    ngx_str_t                  key;
    ngx_uint_t                 i, n;
    ngx_http_jobruns_limit_t  *limit;

    n = a->conf->limits ? a->conf->limits->nelts : 0;

    a->args.keys = ngx_pcalloc(r->pool, (JR_ADMIT_KEY_LIMITS + n)
                                        * sizeof(ngx_str_t));
    a->args.limits = ngx_palloc(r->pool, n * sizeof(jr_limit_t));
    a->reply.states = ngx_palloc(r->pool, n * sizeof(jr_limit_state_t));

    if (a->args.keys == NULL
        || (n && (a->args.limits == NULL || a->reply.states == NULL)))
    {
        return NGX_ERROR;
    }

    a->args.nkeys = JR_ADMIT_KEY_LIMITS;

    for (i = 0; i < n; i++) {
        limit = (ngx_http_jobruns_limit_t *) a->conf->limits->elts + i;

        if (limit->by == jobruns_key_variable) {
            if (ngx_http_complex_value(r, limit->key, &key) != NGX_OK) {
                return NGX_ERROR;
            }

            if (key.len == 0) {
                continue;
            }

            a->args.keys[a->args.nkeys] = key;

        } else if (limit->by == jobruns_key_platform) {
            a->args.keys[a->args.nkeys].data =
                                       (u_char *) a->call.path.platform.data;
            a->args.keys[a->args.nkeys].len = a->call.path.platform.len;

        } else if (limit->by == jobruns_key_workspace) {
            a->args.keys[a->args.nkeys].data =
                                      (u_char *) a->call.path.workspace.data;
            a->args.keys[a->args.nkeys].len = a->call.path.workspace.len;
        }

        /* by tenant: the tenant is in every key already */

        a->args.limits[a->args.nlimits++] = limit->limit;
        a->args.nkeys++;
    }

    return NGX_OK;
}


/* the record, the overrides, and a key for each limit: see jr_key.h */

static ngx_int_t
ngx_http_jobruns_args_keys(ngx_http_request_t *r,
    ngx_http_jobruns_attempt_t *a)
{
    u_char                        *buf;
    jr_str_t                       by;
    jr_key_t                       key;
    ngx_uint_t                     i;
    ngx_http_jobruns_partition_t   last;

    last.limit = NULL;

    ngx_memzero(&key, sizeof(jr_key_t));

    if (a->call.token.data != NULL) {
        key.kind = JR_KEY_TOKEN;
        key.name = (jr_str_t) { JR_DIGEST_HEX, (char *) a->check.token_hash };

    } else {
        key.kind = JR_KEY_ATTEMPT;
        key.name = (jr_str_t) { NGX_HTTP_JOBRUNS_OWNER_LEN,
                                (char *) a->call.owner };
    }

    if (ngx_http_jobruns_args_key(r, a, &a->args.keys[JR_ADMIT_KEY_RECORD],
                                  &key)
        != NGX_OK)
    {
        return NGX_ERROR;
    }

    ngx_memzero(&key, sizeof(jr_key_t));

    key.kind = JR_KEY_OVERRIDES;

    if (ngx_http_jobruns_args_key(r, a, &a->args.keys[JR_ADMIT_KEY_OVERRIDES],
                                  &key)
        != NGX_OK)
    {
        return NGX_ERROR;
    }

    key.kind = JR_KEY_LIMIT;

    for (i = 0; i < a->args.nlimits; i++) {
        by = ngx_http_jobruns_str(a->args.keys[JR_ADMIT_KEY_LIMITS + i]);

        if (by.len) {
            buf = ngx_pnalloc(r->pool, JR_NAME_DIGEST);

            if (buf == NULL
                || ngx_http_jobruns_args_partition(&a->args.limits[i],
                                                             by, &last)
                   != NGX_OK
                || jr_identity_name(by, (char *) buf, &by) != JR_OK)
            {
                return NGX_ERROR;
            }
        }

        key.limit = a->args.limits[i].kind;
        key.name = a->args.limits[i].name;
        key.window = a->args.limits[i].window;
        key.by = by;

        if (ngx_http_jobruns_args_key(r, a,
                                      &a->args.keys[JR_ADMIT_KEY_LIMITS + i],
                                      &key)
            != NGX_OK)
        {
            return NGX_ERROR;
        }
    }

    return NGX_OK;
}


/* a digest of what the limit counts by, which often is what the last one
   counted by too */

static ngx_int_t
ngx_http_jobruns_args_partition(jr_limit_t *limit, jr_str_t by,
    ngx_http_jobruns_partition_t *last)
{
    if (last->limit != NULL && by.data == last->by.data
        && by.len == last->by.len)
    {
        ngx_memcpy(limit->partition, last->limit->partition,
                   sizeof(limit->partition));
        return NGX_OK;
    }

    last->limit = limit;
    last->by = by;

    return jr_limit_partition(by, limit->partition) == JR_OK ? NGX_OK
                                                             : NGX_ERROR;
}


static ngx_int_t
ngx_http_jobruns_args_key(ngx_http_request_t *r,
    ngx_http_jobruns_attempt_t *a, ngx_str_t *text, const jr_key_t *what)
{
    jr_key_t  key;

    key = *what;
    key.prefix = ngx_http_jobruns_str(a->conf->prefix);
    key.tenant = a->call.tenant;

    text->len = jr_key_size(&key);
    text->data = ngx_pnalloc(r->pool, text->len);
    if (text->data == NULL) {
        return NGX_ERROR;
    }

    (void) jr_key_write(&key, (char *) text->data);

    return NGX_OK;
}


/* KEYS and ARGV of admit.lua; kept, since a waiter asks again */

static ngx_int_t
ngx_http_jobruns_args_list(ngx_http_request_t *r,
    ngx_http_jobruns_attempt_t *a)
{
    ngx_str_t               *arg;
    ngx_uint_t               i;
    jr_limit_t              *limit;
    ngx_http_jobruns_ctx_t  *ctx;

    static ngx_str_t  forward = ngx_string("forward");
    static ngx_str_t  refuse = ngx_string("refuse");
    static ngx_str_t  enforce = ngx_string("enforce");
    static ngx_str_t  dry_run = ngx_string("dry_run");

    ctx = ngx_http_jobruns_attempt_get_ctx(r);

    a->args.argc = a->args.nkeys + JR_ADMIT_LIMITS
                   + JR_LIMIT_ARG_LAST * a->args.nlimits;

    a->args.argv = ngx_pcalloc(r->pool, a->args.argc * sizeof(ngx_str_t));
    if (a->args.argv == NULL) {
        return NGX_ERROR;
    }

    ngx_memcpy(a->args.argv, a->args.keys, a->args.nkeys * sizeof(ngx_str_t));

    arg = a->args.argv + a->args.nkeys;

    arg[JR_ADMIT_OWNER].data = a->call.owner;
    arg[JR_ADMIT_OWNER].len = NGX_HTTP_JOBRUNS_OWNER_LEN;
    arg[JR_ADMIT_FINGERPRINT].data = a->check.fingerprint;
    arg[JR_ADMIT_FINGERPRINT].len = NGX_HTTP_JOBRUNS_FINGERPRINT_LEN;
    arg[JR_ADMIT_REQUEST_ID] = ctx->request_id;
    arg[JR_ADMIT_UNKNOWN] = a->conf->retry_refuse ? refuse : forward;

    /* known when it is sent: ngx_redis_op_t */
    ngx_str_set(&arg[JR_ADMIT_DEADLINE], JR_SCRIPT_TIME_NONE);

    if (ngx_http_jobruns_args_number(r, &arg[JR_ADMIT_LEASE],
                                a->conf->retry_lease)
        != NGX_OK
        || ngx_http_jobruns_args_number(r, &arg[JR_ADMIT_LIFE],
                                   a->call.token.data ? a->conf->retry_ttl
                                                 : NGX_HTTP_JOBRUNS_TOKENLESS)
           != NGX_OK)
    {
        return NGX_ERROR;
    }

    for (i = 0; i < a->args.nlimits; i++) {
        limit = &a->args.limits[i];
        arg = a->args.argv + a->args.nkeys + JR_ADMIT_LIMITS
              + JR_LIMIT_ARG_LAST * i;

        ngx_http_jobruns_args_text(&arg[JR_LIMIT_ARG_KIND],
                                   jr_limit_kinds[limit->kind].name);
        ngx_http_jobruns_args_text(&arg[JR_LIMIT_ARG_NAME], limit->name);
        ngx_http_jobruns_args_text(&arg[JR_LIMIT_ARG_PERIOD], limit->window);

        arg[JR_LIMIT_ARG_MODE] = limit->dry_run ? dry_run : enforce;

        if (ngx_http_jobruns_args_number(r, &arg[JR_LIMIT_ARG_COUNT],
                                         limit->count)
            != NGX_OK
            || (limit->window.len == 0
                && ngx_http_jobruns_args_number(r, &arg[JR_LIMIT_ARG_PERIOD],
                                                limit->period)
                   != NGX_OK)
            || ngx_http_jobruns_args_number(r, &arg[JR_LIMIT_ARG_BURST],
                                            limit->burst)
               != NGX_OK)
        {
            return NGX_ERROR;
        }
    }

    return NGX_OK;
}


static void
ngx_http_jobruns_args_text(ngx_str_t *arg, jr_str_t value)
{
    arg->data = (u_char *) value.data;
    arg->len = value.len;
}


static ngx_int_t
ngx_http_jobruns_args_number(ngx_http_request_t *r, ngx_str_t *arg,
    int64_t value)
{
    char  *p;

    if (value == 0) {
        ngx_str_set(arg, "0");
        return NGX_OK;
    }

    p = ngx_pnalloc(r->pool, JR_DECIMAL_LEN);
    if (p == NULL) {
        return NGX_ERROR;
    }

    arg->data = (u_char *) p;
    arg->len = jr_decimal_signed(p, value) - p;

    return NGX_OK;
}
