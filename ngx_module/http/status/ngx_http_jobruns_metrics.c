/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Counting: the names of what is counted, histograms, and the sketch of the
 * tenants that are refused most.
 */

#include "ngx_http_jobruns.h"
#include "ngx_http_jobruns_metrics.h"
#include "ngx_http_jobruns_zone.h"


static void ngx_http_jobruns_metrics_count_tenant(const u_char *name,
    size_t len);
static ngx_http_jobruns_top_t *ngx_http_jobruns_top_now(void);
static ngx_http_jobruns_tenant_t *ngx_http_jobruns_top_find(
    ngx_http_jobruns_top_t *top, uint32_t hash, const u_char *name,
    size_t len, ngx_uint_t *found);


const ngx_http_jobruns_metric_t
    ngx_http_jobruns_metrics_counters[] =
{
    { "jobruns_unprotected_total",
      "Attempts forwarded without protection against a second run, since Redis "
      "was unreachable and jobruns_redis_failure is allow." },

    { "jobruns_unreplicated_total",
      "Attempts whose claim was on fewer replicas than required." },

    { "jobruns_leases_lost_total",
      "Forwarded attempts that lost their lease to another attempt." },

    { "jobruns_answers_unkept_total",
      "Responses that are not stored: larger than jobruns_response_max_size, "
      "no room in jobruns_hold_memory, or libcrypto could not compute a "
      "digest." },

    { "jobruns_hold_full_total",
      "Responses, settlements to retry and admissions to take back for which "
      "jobruns_hold_memory was full." },

    { "jobruns_hold_tenant_full_total",
      "The same, for a tenant that had used its half of jobruns_hold_memory." },

    { "jobruns_dry_run_refusals_total",
      "Attempts that validation would have refused without dry_run." },

    { "jobruns_waits_total",
      "Attempts that waited for a running attempt with the same token." },

    { "jobruns_waits_refused_total",
      "Retries of a running attempt that got 409 at once, since too many of "
      "the worker or of their tenant were waiting." },

    { "jobruns_delayed_total",
      "Attempts that waited for a limit (delay=)." },

    { "jobruns_delays_refused_total",
      "Attempts that got 429 at once, since too many of the worker or of "
      "their tenant were waiting for limits." },

    { "jobruns_body_checks_refused_total",
      "Bodies above 64k that got 503, since no thread could check them." },

    { "jobruns_damaged_values_total",
      "Values in Redis that are corrupt or were not written by a gateway." },

    { "jobruns_bad_overrides_total",
      "Admissions with invalid overrides of limits." },

    { "jobruns_settles_lost_total",
      "Attempts that could not be settled in Redis, and lost admissions that "
      "were not taken back: their tokens are unknown." },

    { "jobruns_second_runs_total",
      "Job runs created after the first one of their token." },

    { "jobruns_audit_records_total",
      "Audit records written." },

    { "jobruns_audit_failures_total",
      "Audit records that could not be written completely." },

    { "jobruns_audit_torn_total",
      "Audit records that were partly written." },

    { "jobruns_audit_files_lost_total",
      "Times that a worker found its audit file removed, moved or replaced by "
      "one that it cannot open." },

    { "jobruns_audit_reopen_failures_total",
      "Times that a worker could not reopen an audit file at USR1." },

    { "jobruns_audit_refusals_folded_total",
      "Refusals without a separate audit record, counted in one record per "
      "second (jobruns_audit_refusals)." },

    { "jobruns_audit_syncs_total",
      "Syncs of an audit file; many records share one." },

    { "jobruns_audit_sync_failures_total",
      "Syncs of an audit file that failed or took too long." },

    { "jobruns_auth_keys_failures_total",
      "Times that a worker could not read its files of keys, or found them "
      "invalid." },

    { "jobruns_log_lines_folded_total",
      "Lines of error.log that were suppressed." }
};


const ngx_http_jobruns_metric_t
    ngx_http_jobruns_metrics_times[] =
{
    { "jobruns_admission_seconds",
      "Time from the admission call to its verdict, without waiting for a "
      "running attempt." },

    { "jobruns_service_seconds",
      "Time from forwarding an attempt to the header of the response." },

    { "jobruns_hold_seconds",
      "Time for which a response was held, from its header until Redis had "
      "stored it and it was released." }
};


const char *const
    ngx_http_jobruns_metrics_settled[] =
{
    "unanswered", "kept", "freed", "unknown", "duplicate", "fenced",
    "foreign", "gone"
};


const ngx_msec_t
    ngx_http_jobruns_metrics_bounds[] =
{
    1, 2, 5, 10, 25, 50, 100, 250, 500, 1000, 2500, 5000, 10000, 30000, 60000
};


#define NGX_HTTP_JOBRUNS_ROWS(table)  (sizeof(table) / sizeof(table[0]))

_Static_assert(NGX_HTTP_JOBRUNS_ROWS(ngx_http_jobruns_metrics_counters)
               == jobruns_count_last, "a name for each counter");
_Static_assert(NGX_HTTP_JOBRUNS_ROWS(ngx_http_jobruns_metrics_times)
               == jobruns_time_last, "a name for each histogram");
_Static_assert(NGX_HTTP_JOBRUNS_ROWS(ngx_http_jobruns_metrics_settled)
               == NGX_HTTP_JOBRUNS_SETTLED, "a label for each settlement");
_Static_assert(NGX_HTTP_JOBRUNS_ROWS(ngx_http_jobruns_metrics_bounds)
               == NGX_HTTP_JOBRUNS_BOUNDS, "a bound for each bucket");

/* one that Redis calls early is asked again, and not counted */
_Static_assert(NGX_HTTP_JOBRUNS_SETTLED == jobruns_settled_early
               && jobruns_settled_early + 1 == jobruns_settled_last,
               "a counter for each settlement but the early ones");


ngx_http_jobruns_block_t   ngx_http_jobruns_block_own;

ngx_http_jobruns_block_t  *ngx_http_jobruns_block =
                                               &ngx_http_jobruns_block_own;


void
ngx_http_jobruns_metrics_observe(ngx_http_jobruns_time_e time, ngx_msec_t since)
{
    ngx_uint_t                     i;
    ngx_msec_t                     elapsed;
    ngx_http_jobruns_histogram_t  *histogram;

    elapsed = ngx_current_msec - since;
    histogram = &ngx_http_jobruns_block->times[time];

    for (i = 0; i < NGX_HTTP_JOBRUNS_BOUNDS; i++) {
        if (elapsed <= ngx_http_jobruns_metrics_bounds[i]) {
            break;
        }
    }

    histogram->buckets[i]++;
    histogram->sum += elapsed;
}


void
ngx_http_jobruns_metrics_count_stage(ngx_http_jobruns_attempt_t *a,
    ngx_http_jobruns_stage_e stage)
{
    ngx_http_jobruns_now_t  *now;

    if (a->counted.stage == stage) {
        return;
    }

    now = &ngx_http_jobruns_block->now;

    if (a->counted.stage != jobruns_stage_none) {
        now->stages[a->counted.stage]--;
    }

    if (stage != jobruns_stage_none) {
        now->stages[stage]++;
    }

    if (stage == jobruns_stage_holding) {
        ngx_http_jobruns_metrics_observe(jobruns_time_service,
                                         a->counted.since);

    } else if (a->counted.stage == jobruns_stage_holding) {
        ngx_http_jobruns_metrics_observe(jobruns_time_hold, a->counted.since);
    }

    a->counted.stage = stage;
    a->counted.since = ngx_current_msec;
}


void
ngx_http_jobruns_metrics_count_attempt(ngx_http_jobruns_attempt_t *a)
{
    ngx_uint_t                       i;
    ngx_http_jobruns_block_t        *block;
    ngx_http_jobruns_limit_count_t  *limit;

    block = ngx_http_jobruns_block;

    block->outcomes[a->outcome]++;

    block->counters[jobruns_count_unprotected] += a->admission.unprotected;
    block->counters[jobruns_count_unreplicated] += a->admission.unreplicated;
    block->counters[jobruns_count_lease_lost] += a->lease.lost;
    block->counters[jobruns_count_unkept] += a->run.too_large;
    block->counters[jobruns_count_dry_run] += (a->check.dry_run.len != 0);

    for (i = 0; i < a->reply.nstates; i++) {

        if (a->reply.states[i].state == JR_LIMIT_WOULD_REFUSE) {
            limit = ngx_http_jobruns_zone_limit(&a->args.limits[i]);
            limit->would_refuse++;
        }
    }

    if (a->outcome == JR_OUTCOME_LIMITED
        && a->reply.refusing < a->args.nlimits)
    {
        limit = ngx_http_jobruns_zone_limit(&a->args.limits[a->reply.refusing]);
        limit->refused++;

        ngx_http_jobruns_metrics_count_tenant((u_char *) a->call.tenant.data,
                                              a->call.tenant.len);
    }
}


/* a limit refused an attempt of this tenant (any bytes) */

static void
ngx_http_jobruns_metrics_count_tenant(const u_char *name, size_t len)
{
    uint32_t                    hash;
    ngx_uint_t                  found;
    ngx_http_jobruns_top_t     *top;
    ngx_http_jobruns_tenant_t  *tenant;

    if (len == 0) {
        return;
    }

    top = ngx_http_jobruns_top_now();
    hash = ngx_crc32_short((u_char *) name, len);

    tenant = ngx_http_jobruns_top_find(top, hash, name, len, &found);

    if (found) {
        tenant->count++;
        return;
    }

    tenant->seq++;
    ngx_memory_barrier();

    tenant->error = tenant->count;
    tenant->hash = hash;
    tenant->len = (uint32_t) len;
    ngx_memcpy(tenant->name, name, ngx_min(len, NGX_HTTP_JOBRUNS_TENANT_LEN));
    tenant->count++;

    ngx_memory_barrier();
    tenant->seq++;
}


static ngx_http_jobruns_top_t *
ngx_http_jobruns_top_now(void)
{
    ngx_uint_t               i, epoch;
    ngx_http_jobruns_top_t  *top;

    epoch = (ngx_uint_t) ngx_time() / NGX_HTTP_JOBRUNS_TOP_FOR;
    top = &ngx_http_jobruns_block->top[epoch % 2];

    if (top->epoch != epoch) {

        for (i = 0; i < NGX_HTTP_JOBRUNS_TENANTS; i++) {
            top->tenants[i].count = 0;
        }

        ngx_memory_barrier();
        top->epoch = epoch;
    }

    return top;
}


/* the tenant's own place, or the least one */

static ngx_http_jobruns_tenant_t *
ngx_http_jobruns_top_find(ngx_http_jobruns_top_t *top, uint32_t hash,
    const u_char *name, size_t len, ngx_uint_t *found)
{
    ngx_uint_t                  i;
    ngx_http_jobruns_tenant_t  *tenant, *least;

    least = top->tenants;

    for (i = 0; i < NGX_HTTP_JOBRUNS_TENANTS; i++) {
        tenant = &top->tenants[i];

        if (tenant->count && tenant->hash == hash && tenant->len == len
            && ngx_memcmp(tenant->name, name,
                          ngx_min(len, NGX_HTTP_JOBRUNS_TENANT_LEN))
               == 0)
        {
            *found = 1;
            return tenant;
        }

        if (tenant->count < least->count) {
            least = tenant;
        }
    }

    *found = 0;

    return least;
}
