/*
 * What admit.lua is given: the keys of the token and of the limits that count
 * a request, and the arguments.  Made once per attempt; renewing and settling
 * use the same keys.
 */

#include "ngx_http_jobruns.h"

#include "jr_decimal.h"


/* the limit that a digest was last made for */
typedef struct {
    jr_limit_t  *limit;         /* NULL: none yet */
    jr_str_t     by;
} ngx_http_jobruns_partition_t;


static ngx_int_t ngx_http_jobruns_select_limits(ngx_http_request_t *r,
    ngx_http_jobruns_attempt_t *a);
static ngx_int_t ngx_http_jobruns_build_keys(ngx_http_request_t *r,
    ngx_http_jobruns_attempt_t *a);
static ngx_int_t ngx_http_jobruns_partition(jr_limit_t *limit, jr_str_t by,
    ngx_http_jobruns_partition_t *last);
static ngx_int_t ngx_http_jobruns_build_key(ngx_http_request_t *r,
    ngx_http_jobruns_attempt_t *a, ngx_str_t *text, jr_key_kind_e kind,
    jr_str_t name, jr_str_t by);
static ngx_int_t ngx_http_jobruns_build_args(ngx_http_request_t *r,
    ngx_http_jobruns_attempt_t *a);
static ngx_int_t ngx_http_jobruns_number(ngx_http_request_t *r,
    ngx_str_t *arg, int64_t value);


ngx_int_t
ngx_http_jobruns_admission_args(ngx_http_request_t *r,
    ngx_http_jobruns_attempt_t *a)
{
    if (ngx_http_jobruns_select_limits(r, a) != NGX_OK
        || ngx_http_jobruns_build_keys(r, a) != NGX_OK)
    {
        return NGX_ERROR;
    }

    return ngx_http_jobruns_build_args(r, a);
}


/* the limits that count this request: an empty key skips one, as in
   limit_req */

static ngx_int_t
ngx_http_jobruns_select_limits(ngx_http_request_t *r,
    ngx_http_jobruns_attempt_t *a)
{
    ngx_str_t                  key;
    ngx_uint_t                 i, n;
    ngx_http_jobruns_limit_t  *limit;

    n = a->conf->limits ? a->conf->limits->nelts : 0;

    a->keys = ngx_pcalloc(r->pool, (n + 2) * sizeof(ngx_str_t));
    a->limits = ngx_palloc(r->pool, n * sizeof(jr_limit_t));
    a->states = ngx_palloc(r->pool, n * sizeof(jr_limit_state_t));

    if (a->keys == NULL || (n && (a->limits == NULL || a->states == NULL))) {
        return NGX_ERROR;
    }

    a->nkeys = 2;

    for (i = 0; i < n; i++) {
        limit = (ngx_http_jobruns_limit_t *) a->conf->limits->elts + i;

        if (limit->by == jobruns_key_variable) {
            if (ngx_http_complex_value(r, limit->key, &key) != NGX_OK) {
                return NGX_ERROR;
            }

            if (key.len == 0) {
                continue;
            }

            a->keys[a->nkeys] = key;

        } else if (limit->by == jobruns_key_platform) {
            a->keys[a->nkeys].data = (u_char *) a->path.platform.data;
            a->keys[a->nkeys].len = a->path.platform.len;

        } else if (limit->by == jobruns_key_workspace) {
            a->keys[a->nkeys].data = (u_char *) a->path.workspace.data;
            a->keys[a->nkeys].len = a->path.workspace.len;
        }

        /* by tenant: the tenant is in every key already */

        a->limits[a->nlimits++] = limit->limit;
        a->nkeys++;
    }

    return NGX_OK;
}


/* the record, the overrides, and a key for each limit: see jr_key.h */

static ngx_int_t
ngx_http_jobruns_build_keys(ngx_http_request_t *r,
    ngx_http_jobruns_attempt_t *a)
{
    u_char                        *buf;
    jr_str_t                       by, none;
    ngx_int_t                      rc;
    ngx_uint_t                     i;
    ngx_http_jobruns_partition_t   last;

    none.data = NULL;
    none.len = 0;

    last.limit = NULL;

    if (a->token.data != NULL) {
        rc = ngx_http_jobruns_build_key(r, a, &a->keys[0], JR_KEY_TOKEN,
                  (jr_str_t) { JR_DIGEST_HEX, (char *) a->token_hash }, none);

    } else {
        rc = ngx_http_jobruns_build_key(r, a, &a->keys[0], JR_KEY_ATTEMPT,
                  (jr_str_t) { NGX_HTTP_JOBRUNS_OWNER_LEN,
                               (char *) a->owner }, none);
    }

    if (rc != NGX_OK
        || ngx_http_jobruns_build_key(r, a, &a->keys[1], JR_KEY_LIMITS, none,
                                      none)
           != NGX_OK)
    {
        return NGX_ERROR;
    }

    for (i = 0; i < a->nlimits; i++) {
        by = ngx_http_jobruns_str(a->keys[i + 2]);

        if (by.len) {
            buf = ngx_pnalloc(r->pool, JR_NAME_DIGEST);

            if (buf == NULL
                || ngx_http_jobruns_partition(&a->limits[i], by, &last)
                   != NGX_OK
                || jr_identity_name(by, (char *) buf, &by) != JR_OK)
            {
                return NGX_ERROR;
            }
        }

        if (ngx_http_jobruns_build_key(r, a, &a->keys[i + 2],
                                       (jr_key_kind_e) a->limits[i].kind,
                                       a->limits[i].name, by)
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
ngx_http_jobruns_partition(jr_limit_t *limit, jr_str_t by,
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
ngx_http_jobruns_build_key(ngx_http_request_t *r,
    ngx_http_jobruns_attempt_t *a, ngx_str_t *text, jr_key_kind_e kind,
    jr_str_t name, jr_str_t by)
{
    jr_key_t  key;

    key.prefix = ngx_http_jobruns_str(a->conf->prefix);
    key.tenant = a->tenant;
    key.kind = kind;
    key.name = name;
    key.by = by;

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
ngx_http_jobruns_build_args(ngx_http_request_t *r,
    ngx_http_jobruns_attempt_t *a)
{
    ngx_str_t               *arg;
    ngx_uint_t               i;
    jr_limit_t              *limit;
    ngx_http_jobruns_ctx_t  *ctx;

    static ngx_str_t  kinds[] = { ngx_string("rate"), ngx_string("quota"),
                                  ngx_string("slots") };
    static ngx_str_t  forward = ngx_string("forward");
    static ngx_str_t  refuse = ngx_string("refuse");
    static ngx_str_t  enforce = ngx_string("enforce");
    static ngx_str_t  dry_run = ngx_string("dry_run");
    static ngx_str_t  zero = ngx_string("0");

    ctx = ngx_http_jobruns_get_ctx(r);

    a->argc = a->nkeys + 6 + 6 * a->nlimits;

    a->argv = ngx_pcalloc(r->pool, a->argc * sizeof(ngx_str_t));
    if (a->argv == NULL) {
        return NGX_ERROR;
    }

    ngx_memcpy(a->argv, a->keys, a->nkeys * sizeof(ngx_str_t));

    arg = a->argv + a->nkeys;

    arg[0].data = a->owner;
    arg[0].len = NGX_HTTP_JOBRUNS_OWNER_LEN;
    arg[1].data = a->fingerprint;
    arg[1].len = NGX_HTTP_JOBRUNS_FINGERPRINT_LEN;
    arg[2] = ctx->request_id;
    arg[5] = a->conf->retry_refuse ? refuse : forward;

    if (ngx_http_jobruns_number(r, &arg[3], a->conf->retry_lease) != NGX_OK
        || ngx_http_jobruns_number(r, &arg[4],
                                   a->token.data ? a->conf->retry_ttl
                                                 : NGX_HTTP_JOBRUNS_TOKENLESS)
           != NGX_OK)
    {
        return NGX_ERROR;
    }

    for (i = 0; i < a->nlimits; i++) {
        limit = &a->limits[i];
        arg = a->argv + a->nkeys + 6 + 6 * i;

        arg[0] = kinds[limit->kind];
        arg[1].data = (u_char *) limit->name.data;
        arg[1].len = limit->name.len;
        arg[5] = limit->dry_run ? dry_run : enforce;

        arg[3] = zero;
        arg[4] = zero;

        if (ngx_http_jobruns_number(r, &arg[2], limit->count) != NGX_OK) {
            return NGX_ERROR;
        }

        if (limit->kind == JR_LIMIT_QUOTA) {
            arg[3].data = (u_char *) limit->window.data;
            arg[3].len = limit->window.len;

        } else if (limit->kind == JR_LIMIT_RATE
                   && (ngx_http_jobruns_number(r, &arg[3], limit->period)
                       != NGX_OK
                       || ngx_http_jobruns_number(r, &arg[4], limit->burst)
                          != NGX_OK))
        {
            return NGX_ERROR;
        }
    }

    return NGX_OK;
}


static ngx_int_t
ngx_http_jobruns_number(ngx_http_request_t *r, ngx_str_t *arg, int64_t value)
{
    char  *p;

    p = ngx_pnalloc(r->pool, JR_DECIMAL_LEN);
    if (p == NULL) {
        return NGX_ERROR;
    }

    arg->data = (u_char *) p;
    arg->len = jr_decimal_signed(p, value) - p;

    return NGX_OK;
}
