/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The fullest keys of each limit, in a fixed space.
 *
 * A worker has NGX_HTTP_JOBRUNS_USAGE_SETS sets of as many places as
 * NGX_HTTP_JOBRUNS_USAGE_WAYS; a limit has one of the sets, and shares it only
 * where there are more limits than sets.  A key that is not there takes the
 * place of the one that has used least of its limit, if it has used more.  So
 * an admission looks at the few places of its limits and at no others.
 *
 * Nothing is asked of Redis for it: what has been used since is not seen.  A
 * rate drains as time passes, a quota is kept until its window ends, slots are
 * believed for NGX_HTTP_JOBRUNS_USAGE_HELD.
 */

#include "ngx_http_jobruns.h"
#include "ngx_http_jobruns_usage.h"


/* ms for which slots that were seen are shown */
#define NGX_HTTP_JOBRUNS_USAGE_HELD  15000

#define NGX_HTTP_JOBRUNS_USAGE_FULL  1000


static ngx_http_jobruns_usage_t *ngx_http_jobruns_usage_find(
    ngx_http_jobruns_attempt_t *a, ngx_uint_t n, ngx_uint_t limit,
    int64_t used, int64_t most, int64_t now);
static ngx_http_jobruns_usage_t *ngx_http_jobruns_usage_least(
    ngx_http_jobruns_usage_t *set, ngx_uint_t share, int64_t now);
static uint32_t ngx_http_jobruns_usage_hash(jr_str_t tenant, jr_str_t by);
static ngx_uint_t ngx_http_jobruns_usage_same(
    ngx_http_jobruns_usage_t *usage, jr_str_t tenant, jr_str_t by);
static ngx_uint_t ngx_http_jobruns_usage_share(
    ngx_http_jobruns_usage_t *usage, int64_t now);
static ngx_uint_t ngx_http_jobruns_usage_now(ngx_http_jobruns_usage_t *usage,
    int64_t now);
static ngx_int_t ngx_http_jobruns_usage_copy(ngx_http_jobruns_usage_t *usage,
    ngx_uint_t limit, int64_t now, ngx_http_jobruns_used_t *used);
static ngx_uint_t ngx_http_jobruns_usage_merge(
    ngx_http_jobruns_used_t *used, ngx_uint_t n,
    const ngx_http_jobruns_used_t *one);


static ngx_inline int64_t
ngx_http_jobruns_usage_clock(void)
{
    ngx_time_t  *tp;

    tp = ngx_timeofday();

    return (int64_t) tp->sec * 1000 + (int64_t) tp->msec;
}


void
ngx_http_jobruns_usage_see(ngx_http_jobruns_attempt_t *a)
{
    int64_t                    now, most, used;
    ngx_uint_t                 i, limit;
    jr_limit_t                *own;
    jr_limit_state_t          *state;
    ngx_http_jobruns_usage_t  *usage;

    if (ngx_http_jobruns_block == &ngx_http_jobruns_block_own) {
        return;
    }

    now = ngx_http_jobruns_usage_clock();

    for (i = 0; i < a->reply.nstates; i++) {

        own = &a->args.limits[i];
        state = &a->reply.states[i];
        most = state->count;

        /* one of 0 is not used, nor is one that does not count */

        if (state->state == JR_LIMIT_LIFTED || most <= 0) {
            continue;
        }

        if (own->kind == JR_LIMIT_RATE) {
            most = state->burst + 1;
        }

        used = most - ngx_min(state->remaining, most);

        limit = ngx_http_jobruns_zone_limit(own)
                - ngx_http_jobruns_block->limits;

        usage = ngx_http_jobruns_usage_find(a, i, limit, used, most, now);

        if (usage == NULL) {
            continue;
        }

        usage->used = (ngx_atomic_uint_t) used;
        usage->most = (ngx_atomic_uint_t) most;
        usage->at = (ngx_atomic_uint_t) now;
        usage->step = own->kind == JR_LIMIT_RATE
                      ? (ngx_atomic_uint_t) (state->period / state->count)
                      : 0;
        usage->end = jr_limit_kinds[own->kind].windowed
                     ? (ngx_atomic_uint_t) (now + state->reset) : 0;
    }
}


/* the place of the n-th limit's key, which it takes if it has not got one;
   NULL: others have used more */

static ngx_http_jobruns_usage_t *
ngx_http_jobruns_usage_find(ngx_http_jobruns_attempt_t *a, ngx_uint_t n,
    ngx_uint_t limit, int64_t used, int64_t most, int64_t now)
{
    u_char                     letter;
    uint32_t                   hash;
    jr_str_t                   tenant, by, window;
    ngx_uint_t                 i;
    ngx_http_jobruns_usage_t  *set, *least;

    tenant = a->call.tenant;
    by = a->args.by[n];
    window = a->args.limits[n].window;

    letter = window.len ? (u_char) window.data[0] : '-';
    hash = ngx_http_jobruns_usage_hash(tenant, by);

    set = ngx_http_jobruns_block->usage[limit % NGX_HTTP_JOBRUNS_USAGE_SETS];

    for (i = 0; i < NGX_HTTP_JOBRUNS_USAGE_WAYS; i++) {
        if (set[i].hash == hash && set[i].limit == limit && set[i].at
            && set[i].window == letter
            && ngx_http_jobruns_usage_same(&set[i], tenant, by))
        {
            return &set[i];
        }
    }

    least = ngx_http_jobruns_usage_least(set,
                      (ngx_uint_t) (used * NGX_HTTP_JOBRUNS_USAGE_FULL / most),
                      now);
    if (least == NULL) {
        return NULL;
    }

    least->seq++;
    ngx_memory_barrier();

    least->hash = hash;
    least->limit = (uint32_t) limit;
    least->window = letter;
    least->tenant_len = (uint32_t) tenant.len;
    least->by_len = (uint32_t) by.len;
    ngx_memcpy(least->tenant, tenant.data,
               ngx_min(tenant.len, NGX_HTTP_JOBRUNS_TENANT_LEN));

    if (by.len) {
        ngx_memcpy(least->by, by.data,
                   ngx_min(by.len, NGX_HTTP_JOBRUNS_TENANT_LEN));
    }

    ngx_memory_barrier();
    least->seq++;

    return least;
}


/* the place whose key has used least, and less than a share; NULL: none has */

static ngx_http_jobruns_usage_t *
ngx_http_jobruns_usage_least(ngx_http_jobruns_usage_t *set, ngx_uint_t share,
    int64_t now)
{
    ngx_uint_t                 i, other;
    ngx_http_jobruns_usage_t  *least;

    least = NULL;

    for (i = 0; i < NGX_HTTP_JOBRUNS_USAGE_WAYS; i++) {
        other = ngx_http_jobruns_usage_share(&set[i], now);

        if (other < share) {
            share = other;
            least = &set[i];
        }
    }

    return least;
}


/* names differ at their ends; whoever makes them alike is compared with all
   places of a set, which are few */

static uint32_t
ngx_http_jobruns_usage_hash(jr_str_t tenant, jr_str_t by)
{
    size_t    i;
    uint32_t  hash;

    hash = (uint32_t) (tenant.len ^ (by.len << 16));

    for (i = tenant.len - ngx_min(tenant.len, 8); i < tenant.len; i++) {
        hash = (uint32_t) ngx_hash(hash, (u_char) tenant.data[i]);
    }

    for (i = by.len - ngx_min(by.len, 8); i < by.len; i++) {
        hash = (uint32_t) ngx_hash(hash, (u_char) by.data[i]);
    }

    return hash;
}


static ngx_uint_t
ngx_http_jobruns_usage_same(ngx_http_jobruns_usage_t *usage, jr_str_t tenant,
    jr_str_t by)
{
    return usage->tenant_len == tenant.len && usage->by_len == by.len
           && ngx_memcmp(usage->tenant, tenant.data,
                         ngx_min(tenant.len, NGX_HTTP_JOBRUNS_TENANT_LEN))
              == 0
           && (by.len == 0
               || ngx_memcmp(usage->by, by.data,
                             ngx_min(by.len, NGX_HTTP_JOBRUNS_TENANT_LEN))
                  == 0);
}


static ngx_uint_t
ngx_http_jobruns_usage_share(ngx_http_jobruns_usage_t *usage, int64_t now)
{
    ngx_uint_t  most;

    most = usage->most;

    return most ? ngx_http_jobruns_usage_now(usage, now)
                  * NGX_HTTP_JOBRUNS_USAGE_FULL / most
                : 0;
}


/* what is used by now of what was used when it was seen */

static ngx_uint_t
ngx_http_jobruns_usage_now(ngx_http_jobruns_usage_t *usage, int64_t now)
{
    int64_t     age;
    ngx_uint_t  used, back;

    age = now - (int64_t) usage->at;
    used = usage->used;

    if (age < 0) {
        age = 0;
    }

    if (usage->end) {
        return now < (int64_t) usage->end ? used : 0;
    }

    if (usage->step) {
        back = (ngx_uint_t) (age * 1000) / usage->step;
        return used > back ? used - back : 0;
    }

    return age < NGX_HTTP_JOBRUNS_USAGE_HELD ? used : 0;
}


/* one as its worker may be writing it just now; NGX_DECLINED: not of this
   limit, nothing used, or not this time */

static ngx_int_t
ngx_http_jobruns_usage_copy(ngx_http_jobruns_usage_t *usage,
    ngx_uint_t limit, int64_t now, ngx_http_jobruns_used_t *used)
{
    ngx_atomic_uint_t  seq;

    seq = usage->seq;

    if (usage->at == 0 || usage->limit != limit || seq % 2) {
        return NGX_DECLINED;
    }

    ngx_memory_barrier();

    used->used = ngx_http_jobruns_usage_now(usage, now);
    used->most = usage->most;
    used->share = ngx_http_jobruns_usage_share(usage, now);
    used->age = (ngx_msec_int_t) ngx_max(now - (int64_t) usage->at, 0);
    used->resets = usage->end
                   ? (ngx_msec_int_t) ((int64_t) usage->end - now) : 0;
    used->window = usage->window;
    used->tenant_len = ngx_min(usage->tenant_len,
                               NGX_HTTP_JOBRUNS_TENANT_LEN);
    used->by_len = ngx_min(usage->by_len, NGX_HTTP_JOBRUNS_TENANT_LEN);
    ngx_memcpy(used->tenant, usage->tenant, used->tenant_len);
    ngx_memcpy(used->by, usage->by, used->by_len);

    ngx_memory_barrier();

    return usage->seq == seq && used->used ? NGX_OK : NGX_DECLINED;
}


/* into its place; of two workers that know a key, the later one is right */

static ngx_uint_t
ngx_http_jobruns_usage_merge(ngx_http_jobruns_used_t *used, ngx_uint_t n,
    const ngx_http_jobruns_used_t *one)
{
    ngx_uint_t  i;

    for (i = 0; i < n; i++) {
        if (used[i].window == one->window
            && used[i].tenant_len == one->tenant_len
            && used[i].by_len == one->by_len
            && ngx_memcmp(used[i].tenant, one->tenant, one->tenant_len) == 0
            && ngx_memcmp(used[i].by, one->by, one->by_len) == 0)
        {
            if (used[i].age < one->age
                || (used[i].age == one->age && used[i].share >= one->share))
            {
                return n;
            }

            ngx_memmove(&used[i], &used[i + 1],
                        (n - i - 1) * sizeof(ngx_http_jobruns_used_t));
            n--;
            break;
        }
    }

    for (i = 0; i < n && used[i].share >= one->share; i++) {
        /* void */
    }

    if (i == NGX_HTTP_JOBRUNS_USAGE_WAYS) {
        return n;
    }

    n = ngx_min(n, NGX_HTTP_JOBRUNS_USAGE_WAYS - 1);

    ngx_memmove(&used[i + 1], &used[i],
                (n - i) * sizeof(ngx_http_jobruns_used_t));
    used[i] = *one;

    return n + 1;
}


ngx_uint_t
ngx_http_jobruns_usage_read(ngx_http_jobruns_shared_t *shared,
    ngx_uint_t limit, ngx_http_jobruns_used_t *used)
{
    int64_t                    now;
    ngx_uint_t                 i, k, n;
    ngx_http_jobruns_used_t    one;
    ngx_http_jobruns_usage_t  *set;

    n = 0;
    now = ngx_http_jobruns_usage_clock();

    for (i = 0; i < shared->nblocks; i++) {

        set = ngx_http_jobruns_zone_block(shared, i)
                  ->usage[limit % NGX_HTTP_JOBRUNS_USAGE_SETS];

        for (k = 0; k < NGX_HTTP_JOBRUNS_USAGE_WAYS; k++) {
            if (ngx_http_jobruns_usage_copy(&set[k], limit, now, &one)
                == NGX_OK)
            {
                n = ngx_http_jobruns_usage_merge(used, n, &one);
            }
        }
    }

    return n;
}
