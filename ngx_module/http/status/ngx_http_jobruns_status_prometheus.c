/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The figures in the text format that Prometheus scrapes ("Exposition
 * formats", version 0.0.4).  Label values are outcomes, words of ours, names
 * of limits and addresses of Redis, all of them bounded; nothing that a
 * client sends is one.
 */

#include "ngx_http_jobruns_module_file.h"
#include "ngx_http_jobruns_status.h"
#include "ngx_http_jobruns_status_prometheus.h"
#include "ngx_http_jobruns_text.h"
#include "ngx_http_jobruns_troubles.h"

#include "jr_version.h"


static void ngx_http_jobruns_prometheus_head(ngx_http_jobruns_text_t *text,
    const char *name, const char *type, const char *help);
static void ngx_http_jobruns_prometheus_plain(ngx_http_jobruns_text_t *text,
    const char *name, const char *type, const char *help, ngx_uint_t value);
static void ngx_http_jobruns_prometheus_seconds(ngx_http_jobruns_text_t *text,
    uint64_t us);
static void ngx_http_jobruns_prometheus_info(ngx_http_jobruns_text_t *text,
    ngx_http_jobruns_figures_t *figures);
static void ngx_http_jobruns_prometheus_troubles(
    ngx_http_jobruns_text_t *text, ngx_http_jobruns_figures_t *figures);
static void ngx_http_jobruns_prometheus_attempts(
    ngx_http_jobruns_text_t *text, ngx_http_jobruns_figures_t *figures);
static void ngx_http_jobruns_prometheus_auth(ngx_http_jobruns_text_t *text,
    ngx_http_jobruns_figures_t *figures, ngx_uint_t dry_run);
static void ngx_http_jobruns_prometheus_times(ngx_http_jobruns_text_t *text,
    ngx_http_jobruns_figures_t *figures);
static void ngx_http_jobruns_prometheus_now(ngx_http_jobruns_text_t *text,
    ngx_http_jobruns_figures_t *figures);
static void ngx_http_jobruns_prometheus_limits(ngx_http_jobruns_text_t *text,
    ngx_http_jobruns_figures_t *figures, ngx_uint_t would);
static void ngx_http_jobruns_prometheus_redis(ngx_http_jobruns_text_t *text,
    ngx_http_jobruns_figures_t *figures);
static void ngx_http_jobruns_prometheus_seen(ngx_http_jobruns_text_t *text,
    ngx_http_jobruns_figures_t *figures);
static void ngx_http_jobruns_prometheus_server(ngx_http_jobruns_text_t *text,
    const char *name, ngx_http_jobruns_name_t *server, const char *label,
    const u_char *value, size_t len);


void
ngx_http_jobruns_status_prometheus(ngx_http_jobruns_text_t *text,
    ngx_http_jobruns_figures_t *figures)
{
    ngx_uint_t                 i;
    ngx_http_jobruns_block_t  *sum;

    sum = &figures->sum;

    ngx_http_jobruns_prometheus_info(text, figures);
    ngx_http_jobruns_prometheus_troubles(text, figures);
    ngx_http_jobruns_prometheus_attempts(text, figures);
    ngx_http_jobruns_prometheus_auth(text, figures, 0);
    ngx_http_jobruns_prometheus_auth(text, figures, 1);
    ngx_http_jobruns_prometheus_times(text, figures);
    ngx_http_jobruns_prometheus_now(text, figures);
    ngx_http_jobruns_prometheus_limits(text, figures, 0);
    ngx_http_jobruns_prometheus_limits(text, figures, 1);

    for (i = 0; i < jobruns_count_last; i++) {
        ngx_http_jobruns_prometheus_plain(text,
                              ngx_http_jobruns_metrics_counters[i].name,
                              "counter",
                              ngx_http_jobruns_metrics_counters[i].help,
                              sum->counters[i]);
    }

    ngx_http_jobruns_prometheus_redis(text, figures);
    ngx_http_jobruns_prometheus_seen(text, figures);
}


static void
ngx_http_jobruns_prometheus_head(ngx_http_jobruns_text_t *text,
    const char *name, const char *type, const char *help)
{
    ngx_http_jobruns_text(text, "# HELP %s %s\n# TYPE %s %s\n", name, help,
                          name, type);
}


static void
ngx_http_jobruns_prometheus_plain(ngx_http_jobruns_text_t *text,
    const char *name, const char *type, const char *help, ngx_uint_t value)
{
    ngx_http_jobruns_prometheus_head(text, name, type, help);
    ngx_http_jobruns_text(text, "%s %ui\n", name, value);
}


static void
ngx_http_jobruns_prometheus_seconds(ngx_http_jobruns_text_t *text,
    uint64_t us)
{
    ngx_http_jobruns_text(text, "%uL.%06uL", us / 1000000, us % 1000000);
}


static void
ngx_http_jobruns_prometheus_info(ngx_http_jobruns_text_t *text,
    ngx_http_jobruns_figures_t *figures)
{
    ngx_http_jobruns_zone_t  *zone;

    zone = figures->zone;

    ngx_http_jobruns_prometheus_head(text, "jobruns_build_info", "gauge",
        "Always 1; the labels have the versions, the configuration and the "
        "name of the host.");

    ngx_http_jobruns_text(text, "jobruns_build_info{version=\"%s\","
                          "nginx_version=\"%s\",configuration=\"%*s\","
                          "host=\"", JR_VERSION, NGINX_VERSION,
                          (size_t) 16, zone->digest);
    ngx_http_jobruns_text_label(text, ngx_cycle->hostname.data,
                                ngx_cycle->hostname.len);
    ngx_http_jobruns_text(text, "\"} 1\n");

    ngx_http_jobruns_prometheus_plain(text,
        "jobruns_configuration_loaded_timestamp_seconds", "gauge",
        "When the configuration was read.", (ngx_uint_t) zone->loaded);

    ngx_http_jobruns_prometheus_plain(text,
        "jobruns_zone_created_timestamp_seconds", "gauge",
        "When counting began.", (ngx_uint_t) zone->shared->created);

    ngx_http_jobruns_prometheus_plain(text, "jobruns_workers", "gauge",
        "Workers that count here, including those that finish their last "
        "requests.", figures->workers);

    ngx_http_jobruns_prometheus_plain(text, "jobruns_module_changed", "gauge",
        "Whether the module's file was replaced since NGINX loaded it: what "
        "is installed does not run yet.",
        ngx_http_jobruns_module_file_changed());
}


static void
ngx_http_jobruns_prometheus_troubles(ngx_http_jobruns_text_t *text,
    ngx_http_jobruns_figures_t *figures)
{
    ngx_uint_t                  n, found;
    ngx_http_jobruns_trouble_t  trouble;

    ngx_http_jobruns_prometheus_head(text, "jobruns_trouble", "gauge",
        "Whether the status page lists this trouble now.");

    for (n = 0;
         ngx_http_jobruns_troubles_kind(figures, n, &trouble, &found)
         == NGX_OK;
         n++)
    {
        ngx_http_jobruns_text(text, "jobruns_trouble{trouble=\"%s\","
                              "level=\"%s\"} %ui\n", trouble.name,
                              trouble.level, found);
    }
}


static void
ngx_http_jobruns_prometheus_attempts(ngx_http_jobruns_text_t *text,
    ngx_http_jobruns_figures_t *figures)
{
    jr_str_t    outcome;
    ngx_uint_t  i;

    ngx_http_jobruns_prometheus_head(text, "jobruns_attempts_total",
        "counter", "Attempts to create a job run, by outcome.");

    for (i = 1; i < JR_OUTCOME_LAST; i++) {
        outcome = jr_outcome_name((jr_outcome_e) i);

        ngx_http_jobruns_text(text,
                              "jobruns_attempts_total{outcome=\"%*s\"} %ui\n",
                              outcome.len, outcome.data,
                              figures->sum.outcomes[i]);
    }

    ngx_http_jobruns_text(text,
                          "jobruns_attempts_total{outcome=\"none\"} %ui\n",
                          figures->sum.outcomes[0]);

    ngx_http_jobruns_prometheus_head(text, "jobruns_settles_total",
        "counter", "Settlements by the result of Redis; duplicate: another "
        "attempt with the token was first.");

    for (i = 0; i < NGX_HTTP_JOBRUNS_SETTLED; i++) {
        ngx_http_jobruns_text(text, "jobruns_settles_total{result=\"%s\"} "
                              "%ui\n", ngx_http_jobruns_metrics_settled[i],
                              figures->sum.settled[i]);
    }
}


/* by reason, without its detail: a client chooses that */

static void
ngx_http_jobruns_prometheus_auth(ngx_http_jobruns_text_t *text,
    ngx_http_jobruns_figures_t *figures, ngx_uint_t dry_run)
{
    ngx_uint_t                   i;
    const char                  *name;
    ngx_http_jobruns_counter_t  *count;

    if (dry_run) {
        name = "jobruns_unauthenticated_dry_run_total";
        count = figures->sum.auth_dry_run;

        ngx_http_jobruns_prometheus_head(text, name, "counter", "Requests "
            "that jobruns_auth would have refused without dry_run, by "
            "reason.");

    } else {
        name = "jobruns_unauthenticated_total";
        count = figures->sum.auth;

        ngx_http_jobruns_prometheus_plain(text, "jobruns_authenticated_total",
            "counter", "Requests whose signature was verified.",
            count[JR_AUTH_OK]);
        ngx_http_jobruns_prometheus_head(text, name, "counter", "Requests "
            "that jobruns_auth refused, by reason.");
    }

    for (i = JR_AUTH_OK + 1; i < JR_AUTH_LAST; i++) {
        ngx_http_jobruns_text(text, "%s{reason=\"%s\"} %ui\n", name,
                              jr_auth_reason_word((jr_auth_reason_e) i),
                              count[i]);
    }
}


static void
ngx_http_jobruns_prometheus_times(ngx_http_jobruns_text_t *text,
    ngx_http_jobruns_figures_t *figures)
{
    ngx_uint_t                     i, k, n;
    const char                    *name;
    ngx_http_jobruns_histogram_t  *h;

    for (i = 0; i < jobruns_time_last; i++) {
        name = ngx_http_jobruns_metrics_times[i].name;
        h = &figures->sum.times[i];
        n = 0;

        ngx_http_jobruns_prometheus_head(text, name, "histogram",
                                     ngx_http_jobruns_metrics_times[i].help);

        for (k = 0; k < NGX_HTTP_JOBRUNS_BOUNDS; k++) {
            n += h->buckets[k];

            ngx_http_jobruns_text(text, "%s_bucket{le=\"%M.%03M\"} %ui\n",
                                  name,
                                  ngx_http_jobruns_metrics_bounds[k] / 1000,
                                  ngx_http_jobruns_metrics_bounds[k] % 1000,
                                  n);
        }

        n += h->buckets[k];

        ngx_http_jobruns_text(text, "%s_bucket{le=\"+Inf\"} %ui\n%s_sum ",
                              name, n, name);
        ngx_http_jobruns_prometheus_seconds(text, (uint64_t) h->sum * 1000);
        ngx_http_jobruns_text(text, "\n%s_count %ui\n", name, n);
    }
}


static void
ngx_http_jobruns_prometheus_now(ngx_http_jobruns_text_t *text,
    ngx_http_jobruns_figures_t *figures)
{
    ngx_http_jobruns_now_t  *now;

    now = &figures->sum.now;

    ngx_http_jobruns_prometheus_plain(text, "jobruns_waiting_requests",
        "gauge", "Requests that wait for a running attempt with the same "
        "token.", now->waiters);

    ngx_http_jobruns_prometheus_plain(text, "jobruns_delayed_requests",
        "gauge", "Requests that wait for a limit (delay=).", now->delayed);

    ngx_http_jobruns_prometheus_plain(text, "jobruns_forwarding_requests",
        "gauge", "Requests in flight at the service.",
        now->stages[jobruns_stage_forwarding]);

    ngx_http_jobruns_prometheus_plain(text, "jobruns_held_requests",
        "gauge", "Requests whose response is held until Redis has stored it.",
        now->stages[jobruns_stage_holding]);

    ngx_http_jobruns_prometheus_plain(text, "jobruns_held_bytes", "gauge",
        "Bytes of held responses and of those still to be stored.", now->held);

    ngx_http_jobruns_prometheus_plain(text, "jobruns_pending_keeps", "gauge",
        "Responses that clients have and that are not yet stored in Redis.",
        now->pending_keeps);

    ngx_http_jobruns_prometheus_plain(text, "jobruns_pending_settles",
        "gauge", "Attempts without a response to store that are not yet "
        "settled in Redis.", now->pending_settles);

    ngx_http_jobruns_prometheus_plain(text, "jobruns_auth_keys_broken",
        "gauge", "Sets of key files, each counted in every worker, that "
        "cannot be read or are invalid.", now->auth_broken);

    ngx_http_jobruns_prometheus_plain(text, "jobruns_audit_lost_files",
        "gauge", "Audit files, each counted in every worker, that are not "
        "the ones at their paths.", now->audit_lost);

    ngx_http_jobruns_prometheus_head(text, "jobruns_audit_sync_lag_seconds",
        "gauge", "Time for which the oldest audit record has waited to be "
        "synced to disk.");
    ngx_http_jobruns_text(text, "jobruns_audit_sync_lag_seconds ");
    ngx_http_jobruns_prometheus_seconds(text,
                                        (uint64_t) now->audit_lag * 1000);
    ngx_http_jobruns_text(text, "\n");
}


static void
ngx_http_jobruns_prometheus_limits(ngx_http_jobruns_text_t *text,
    ngx_http_jobruns_figures_t *figures, ngx_uint_t would)
{
    const char                      *name;
    ngx_uint_t                       i;
    ngx_http_jobruns_name_t         *limit;
    ngx_http_jobruns_limit_count_t  *count;

    name = would ? "jobruns_limit_dry_run_refusals_total"
                 : "jobruns_limit_refusals_total";

    ngx_http_jobruns_prometheus_head(text, name, "counter",
        would ? "Attempts that a limit would have refused without dry_run."
              : "Attempts that a limit refused.");

    for (i = 0; i < figures->zone->shared->nlimits; i++) {
        limit = &figures->zone->shared->limits[i];
        count = &figures->sum.limits[i];

        ngx_http_jobruns_text(text, "%s{limit=\"", name);
        ngx_http_jobruns_text_label(text, limit->data, limit->len);
        ngx_http_jobruns_text(text, "\",kind=\"%s\"} %ui\n",
                              jr_limit_kind_name(limit->kind),
                              would ? count->would_refuse : count->refused);
    }
}


/* a name and its labels, up to the value */

static void
ngx_http_jobruns_prometheus_server(ngx_http_jobruns_text_t *text,
    const char *name, ngx_http_jobruns_name_t *server, const char *label,
    const u_char *value, size_t len)
{
    ngx_http_jobruns_text(text, "%s{server=\"", name);
    ngx_http_jobruns_text_label(text, server->data, server->len);

    if (label != NULL) {
        ngx_http_jobruns_text(text, "\",%s=\"%*s", label, len, value);
    }

    ngx_http_jobruns_text(text, "\"} ");
}


static void
ngx_http_jobruns_prometheus_redis(ngx_http_jobruns_text_t *text,
    ngx_http_jobruns_figures_t *figures)
{
    u_char                    *last, bound[32];
    size_t                     at;
    ngx_uint_t                 i, k, n, m;
    ngx_redis_stats_t         *stats;
    ngx_http_jobruns_name_t   *server;

    static const struct {
        const char  *name;
        const char  *type;
        const char  *help;
        size_t       offset;
    } plain[] = {
        { "jobruns_redis_connections", "gauge",
          "Connections that are ready, for all workers.",
          offsetof(ngx_redis_stats_t, connections) },
        { "jobruns_redis_breakers_open", "gauge",
          "Workers whose circuit breaker refuses operations at once, since "
          "Redis was unreachable.",
          offsetof(ngx_redis_stats_t, breakers) },
        { "jobruns_redis_pending", "gauge",
          "Operations without a reply yet.",
          offsetof(ngx_redis_stats_t, pending) },
        { "jobruns_redis_connects_total", "counter",
          "Connections that became ready.",
          offsetof(ngx_redis_stats_t, connects) }
    };

    server = figures->zone->shared->servers;
    n = figures->zone->shared->nservers;
    stats = figures->sum.redis;

    for (k = 0; k < sizeof(plain) / sizeof(plain[0]); k++) {
        at = plain[k].offset;

        ngx_http_jobruns_prometheus_head(text, plain[k].name, plain[k].type,
                                         plain[k].help);

        for (i = 0; i < n; i++) {
            ngx_http_jobruns_prometheus_server(text, plain[k].name,
                                               &server[i], NULL, NULL, 0);
            ngx_http_jobruns_text(text, "%ui\n",
                    *(ngx_redis_counter_t *) ((u_char *) &stats[i] + at));
        }
    }

    ngx_http_jobruns_prometheus_head(text, "jobruns_redis_errors_total",
        "counter", "Failed operations; reply: Redis replied with an error, "
        "refused: not sent.");

    for (i = 0; i < n; i++) {
        for (k = 0; k < ngx_redis_err_last; k++) {
            ngx_http_jobruns_prometheus_server(text,
                               "jobruns_redis_errors_total", &server[i],
                               "kind", ngx_redis_stats_errors[k].data,
                               ngx_redis_stats_errors[k].len);
            ngx_http_jobruns_text(text, "%ui\n", stats[i].errors[k]);
        }
    }

    ngx_http_jobruns_prometheus_head(text, "jobruns_redis_roundtrip_seconds",
        "histogram", "Time from an operation's first byte to its reply.");

    for (i = 0; i < n; i++) {
        m = 0;

        for (k = 0; k <= NGX_REDIS_STATS_BOUNDS; k++) {
            m += stats[i].roundtrip[k];

            last = k < NGX_REDIS_STATS_BOUNDS
                   ? ngx_sprintf(bound, "%ui.%06ui",
                                 ngx_redis_stats_bounds[k] / 1000000,
                                 ngx_redis_stats_bounds[k] % 1000000)
                   : ngx_cpymem(bound, "+Inf", 4);

            ngx_http_jobruns_prometheus_server(text,
                               "jobruns_redis_roundtrip_seconds_bucket",
                               &server[i], "le", bound, last - bound);
            ngx_http_jobruns_text(text, "%ui\n", m);
        }

        ngx_http_jobruns_prometheus_server(text,
                   "jobruns_redis_roundtrip_seconds_sum", &server[i],
                   NULL, NULL, 0);
        ngx_http_jobruns_prometheus_seconds(text, stats[i].roundtrip_us);
        ngx_http_jobruns_text(text, "\n");

        ngx_http_jobruns_prometheus_server(text,
                   "jobruns_redis_roundtrip_seconds_count", &server[i],
                   NULL, NULL, 0);
        ngx_http_jobruns_text(text, "%ui\n", m);
    }
}


/* what workers last found of each server; what is unknown has no sample */

static void
ngx_http_jobruns_prometheus_seen(ngx_http_jobruns_text_t *text,
    ngx_http_jobruns_figures_t *figures)
{
    ngx_uint_t                 i, k, value;
    ngx_redis_stats_t         *stats;
    ngx_http_jobruns_asked_t  *asked;

    static const struct {
        const char  *name;
        const char  *help;
    } seen[] = {
        { "jobruns_redis_reachable_workers",
          "Workers that last found the server to reply." },
        { "jobruns_redis_unreachable_workers",
          "Workers that last found the server not to reply." },
        { "jobruns_redis_replica_workers",
          "Workers that last found the server to be a replica." },
        { "jobruns_redis_memory_bytes",
          "used_memory of the server, unless its user may not ask." },
        { "jobruns_redis_memory_max_bytes",
          "maxmemory of the server, unless its user may not ask; 0: no "
          "limit." }
    };

    for (k = 0; k < sizeof(seen) / sizeof(seen[0]); k++) {

        ngx_http_jobruns_prometheus_head(text, seen[k].name, "gauge",
                                         seen[k].help);

        for (i = 0; i < figures->zone->shared->nservers; i++) {
            stats = &figures->sum.redis[i];
            asked = &figures->asked[i];

            if (k >= 3 && stats->memory_seen == 0) {
                continue;
            }

            value = (k == 0) ? asked->good
                    : (k == 1) ? asked->failed
                    : (k == 2) ? asked->replica
                    : (k == 3) ? stats->memory_used : stats->memory_most;

            ngx_http_jobruns_prometheus_server(text, seen[k].name,
                                       &figures->zone->shared->servers[i],
                                       NULL, NULL, 0);
            ngx_http_jobruns_text(text, "%ui\n", value);
        }
    }
}
