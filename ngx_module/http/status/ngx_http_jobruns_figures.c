/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Reading the zone: the sum of all workers, and the tenants that are refused
 * most often.
 *
 * Workers count meanwhile: each word is read whole, all of them are not of
 * one moment.
 */

#include "ngx_http_jobruns_figures.h"
#include "ngx_http_jobruns_zone.h"


static void ngx_http_jobruns_figures_add(void *sum, void *block, size_t from,
    size_t to);
static void ngx_http_jobruns_figures_now(ngx_http_jobruns_figures_t *figures,
    ngx_redis_stats_t *stats, ngx_uint_t server);
static ngx_int_t ngx_http_jobruns_figures_tenant(
    ngx_http_jobruns_tenant_t *tenant, ngx_http_jobruns_refused_t *refused);
static void ngx_http_jobruns_figures_merge(
    ngx_http_jobruns_figures_t *figures, ngx_http_jobruns_refused_t *refused);
static int ngx_libc_cdecl ngx_http_jobruns_figures_compare(const void *one,
    const void *two);
static void ngx_http_jobruns_figures_top(ngx_http_jobruns_shared_t *shared,
    ngx_http_jobruns_figures_t *figures);


/* adds the words between two members */

static void
ngx_http_jobruns_figures_add(void *sum, void *block, size_t from, size_t to)
{
    ngx_http_jobruns_counter_t  *dst, *src, *last;

    dst = (ngx_http_jobruns_counter_t *) ((u_char *) sum + from);
    src = (ngx_http_jobruns_counter_t *) ((u_char *) block + from);
    last = (ngx_http_jobruns_counter_t *) ((u_char *) block + to);

    while (src < last) {
        *dst++ += *src++;
    }
}


void
ngx_http_jobruns_figures_sum(ngx_http_jobruns_figures_t *figures)
{
    ngx_uint_t                  i, k, lag, alive;
    ngx_http_jobruns_block_t   *block, *sum;
    ngx_http_jobruns_shared_t  *shared;

    sum = &figures->sum;
    shared = figures->zone->shared;

    for (i = 0; i < shared->nblocks; i++) {

        block = ngx_http_jobruns_zone_block(shared, i);

        alive = (block->pid != 0
                 && (kill((ngx_pid_t) block->pid, 0) == 0
                     || ngx_errno != ESRCH));

        ngx_http_jobruns_figures_add(sum, block,
                              offsetof(ngx_http_jobruns_block_t, counters),
                              offsetof(ngx_http_jobruns_block_t, redis));

        for (k = 0; k < shared->nservers; k++) {
            ngx_http_jobruns_figures_add(&sum->redis[k], &block->redis[k],
                                      offsetof(ngx_redis_stats_t, connects),
                                      sizeof(ngx_redis_stats_t));
        }

        if (!alive) {
            continue;
        }

        figures->workers++;

        lag = ngx_max(sum->now.audit_lag, block->now.audit_lag);

        ngx_http_jobruns_figures_add(sum, block,
                              offsetof(ngx_http_jobruns_block_t, now),
                              offsetof(ngx_http_jobruns_block_t, counters));

        sum->now.audit_lag = lag;

        for (k = 0; k < shared->nservers; k++) {
            ngx_http_jobruns_figures_now(figures, &block->redis[k], k);
        }
    }
}


/*
 * What is true of a server now, by one worker.  A worker that has not asked yet
 * (it has neither a connection nor an error) says nothing of it.
 */

static void
ngx_http_jobruns_figures_now(ngx_http_jobruns_figures_t *figures,
    ngx_redis_stats_t *stats, ngx_uint_t server)
{
    ngx_redis_stats_t         *sum;
    ngx_http_jobruns_asked_t  *asked;

    sum = &figures->sum.redis[server];
    asked = &figures->asked[server];

    ngx_http_jobruns_figures_add(sum, stats, 0,
                                 offsetof(ngx_redis_stats_t, memory_used));

    if (stats->breakers || stats->unreached) {
        asked->failed++;

    } else if (stats->connections || stats->reached) {
        asked->good++;
    }

    asked->replica += (stats->replicas != 0);

    if (stats->memory_seen > sum->memory_seen) {
        sum->memory_used = stats->memory_used;
        sum->memory_most = stats->memory_most;
        sum->memory_seen = stats->memory_seen;
    }
}


/* a tenant as its worker may be writing it just now; NGX_DECLINED: not this
   time */

static ngx_int_t
ngx_http_jobruns_figures_tenant(ngx_http_jobruns_tenant_t *tenant,
    ngx_http_jobruns_refused_t *refused)
{
    ngx_atomic_uint_t  seq;

    seq = tenant->seq;

    if (tenant->count == 0 || seq % 2) {
        return NGX_DECLINED;
    }

    ngx_memory_barrier();

    refused->count = tenant->count;
    refused->error = tenant->error;
    refused->len = ngx_min(tenant->len, NGX_HTTP_JOBRUNS_TENANT_LEN);
    ngx_memcpy(refused->name, tenant->name, refused->len);

    ngx_memory_barrier();

    return tenant->seq == seq ? NGX_OK : NGX_DECLINED;
}


/* merges one into those found so far; of too many the least goes */

static void
ngx_http_jobruns_figures_merge(ngx_http_jobruns_figures_t *figures,
    ngx_http_jobruns_refused_t *refused)
{
    ngx_uint_t                   i, least;
    ngx_http_jobruns_refused_t  *top;

    top = figures->top;
    least = 0;

    for (i = 0; i < figures->ntop; i++) {

        if (top[i].len == refused->len
            && ngx_memcmp(top[i].name, refused->name, refused->len) == 0)
        {
            top[i].count += refused->count;
            top[i].error += refused->error;
            return;
        }

        if (top[i].count < top[least].count) {
            least = i;
        }
    }

    if (figures->ntop < NGX_HTTP_JOBRUNS_TENANTS) {
        top[figures->ntop++] = *refused;

    } else if (top[least].count < refused->count) {
        top[least] = *refused;
    }
}


static int ngx_libc_cdecl
ngx_http_jobruns_figures_compare(const void *one, const void *two)
{
    const ngx_http_jobruns_refused_t *first = one;
    const ngx_http_jobruns_refused_t *second = two;

    return (first->count < second->count) - (first->count > second->count);
}


static void
ngx_http_jobruns_figures_top(ngx_http_jobruns_shared_t *shared,
    ngx_http_jobruns_figures_t *figures)
{
    ngx_uint_t                   i, k, n, epoch;
    ngx_http_jobruns_top_t      *top;
    ngx_http_jobruns_refused_t   refused;

    epoch = (ngx_uint_t) ngx_time() / NGX_HTTP_JOBRUNS_TOP_FOR;

    for (i = 0; i < shared->nblocks; i++) {

        for (k = 0; k < 2; k++) {
            top = &ngx_http_jobruns_zone_block(shared, i)->top[k];

            if (top->epoch + 1 < epoch) {
                continue;
            }

            for (n = 0; n < NGX_HTTP_JOBRUNS_TENANTS; n++) {
                if (ngx_http_jobruns_figures_tenant(&top->tenants[n],
                                                      &refused)
                    == NGX_OK)
                {
                    ngx_http_jobruns_figures_merge(figures, &refused);
                }
            }
        }
    }

    ngx_qsort(figures->top, figures->ntop,
              sizeof(ngx_http_jobruns_refused_t),
              ngx_http_jobruns_figures_compare);

    figures->ntop = ngx_min(figures->ntop, NGX_HTTP_JOBRUNS_TOP);
}


void
ngx_http_jobruns_figures_read(ngx_http_jobruns_zone_t *zone,
    ngx_http_jobruns_figures_t *figures)
{
    ngx_memzero(figures, sizeof(ngx_http_jobruns_figures_t));

    figures->zone = zone;

    ngx_http_jobruns_figures_sum(figures);
    ngx_http_jobruns_figures_top(zone->shared, figures);
}
