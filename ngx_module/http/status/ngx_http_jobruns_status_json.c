/*
 * The figures as one JSON object, for programs.
 *
 * Names of members are ours; strings of others go through jr_line, which
 * writes valid JSON whatever their bytes.
 */

#include "ngx_http_jobruns_rates.h"
#include "ngx_http_jobruns_status.h"
#include "ngx_http_jobruns_status_json.h"
#include "ngx_http_jobruns_text.h"


static void ngx_http_jobruns_json_string(ngx_http_jobruns_text_t *text,
    const u_char *data, size_t len);
static void ngx_http_jobruns_json_attempts(ngx_http_jobruns_text_t *text,
    ngx_http_jobruns_figures_t *figures);
static void ngx_http_jobruns_json_now(ngx_http_jobruns_text_t *text,
    ngx_http_jobruns_figures_t *figures);
static void ngx_http_jobruns_json_times(ngx_http_jobruns_text_t *text,
    ngx_http_jobruns_figures_t *figures);
static void ngx_http_jobruns_json_limits(ngx_http_jobruns_text_t *text,
    ngx_http_jobruns_figures_t *figures);
static void ngx_http_jobruns_json_redis(ngx_http_jobruns_text_t *text,
    ngx_http_jobruns_figures_t *figures);


void
ngx_http_jobruns_status_json(ngx_http_jobruns_text_t *text,
    ngx_http_jobruns_figures_t *figures)
{
    ngx_uint_t                i;
    ngx_http_jobruns_zone_t  *zone;

    zone = figures->zone;

    ngx_http_jobruns_text(text, "{\"version\":\"%s\",\"nginxVersion\":\"%s\","
                          "\"configuration\":\"%*s\","
                          "\"configurationLoaded\":%T,\"created\":%T,"
                          "\"now\":%T,\"workers\":%ui",
                          NGX_HTTP_JOBRUNS_VERSION, NGINX_VERSION,
                          (size_t) JR_DIGEST_HEX, zone->digest, zone->loaded,
                          zone->shared->created, ngx_time(),
                          figures->workers);

    ngx_http_jobruns_json_attempts(text, figures);
    ngx_http_jobruns_json_now(text, figures);
    ngx_http_jobruns_json_times(text, figures);
    ngx_http_jobruns_json_limits(text, figures);

    ngx_http_jobruns_text(text, ",\"topRefused\":[");

    for (i = 0; i < figures->ntop; i++) {
        ngx_http_jobruns_text(text, "%s{\"tenant\":", i ? "," : "");
        ngx_http_jobruns_json_string(text, figures->top[i].name,
                                     figures->top[i].len);
        ngx_http_jobruns_text(text, ",\"refused\":%ui,\"atMostTooHigh\":%ui}",
                              figures->top[i].count, figures->top[i].error);
    }

    ngx_http_jobruns_text(text, "],\"counters\":{");

    for (i = 0; i < jobruns_count_last; i++) {
        ngx_http_jobruns_text(text, "%s\"%s\":%ui", i ? "," : "",
                              ngx_http_jobruns_metrics_counters[i].name,
                              figures->sum.counters[i]);
    }

    ngx_http_jobruns_text(text, "}");
    ngx_http_jobruns_json_redis(text, figures);
    ngx_http_jobruns_text(text, "}\n");
}


static void
ngx_http_jobruns_json_string(ngx_http_jobruns_text_t *text,
    const u_char *data, size_t len)
{
    char       buf[6 * NGX_HTTP_JOBRUNS_NAME_LEN + JR_LINE_MIN];
    jr_line_t  line;

    jr_line_init(&line, buf, sizeof(buf));
    jr_line_string(&line, NULL, (jr_str_t) { len, (const char *) data });

    ngx_http_jobruns_text_add(text, (u_char *) buf, jr_line_len(&line));
}


static void
ngx_http_jobruns_json_attempts(ngx_http_jobruns_text_t *text,
    ngx_http_jobruns_figures_t *figures)
{
    jr_str_t    outcome;
    ngx_uint_t  i, rate;

    ngx_http_jobruns_text(text, ",\"attempts\":{\"none\":%ui",
                          figures->sum.outcomes[0]);

    for (i = 1; i < NGX_HTTP_JOBRUNS_OUTCOMES; i++) {
        outcome = jr_outcome_name((jr_outcome_e) i);

        ngx_http_jobruns_text(text, ",\"%*s\":%ui", outcome.len, outcome.data,
                              figures->sum.outcomes[i]);
    }

    ngx_http_jobruns_text(text, "},\"attemptsPerSecond\":{");

    for (i = 1; i < NGX_HTTP_JOBRUNS_OUTCOMES; i++) {
        outcome = jr_outcome_name((jr_outcome_e) i);
        rate = ngx_http_jobruns_rate(figures->zone, i);

        ngx_http_jobruns_text(text, "%s\"%*s\":%ui.%03ui", i > 1 ? "," : "",
                              outcome.len, outcome.data, rate / 1000,
                              rate % 1000);
    }

    ngx_http_jobruns_text(text, "},\"settles\":{");

    for (i = 0; i < NGX_HTTP_JOBRUNS_SETTLED; i++) {
        ngx_http_jobruns_text(text, "%s\"%s\":%ui", i ? "," : "",
                              ngx_http_jobruns_metrics_settled[i],
                              figures->sum.settled[i]);
    }

    ngx_http_jobruns_text(text, "}");
}


static void
ngx_http_jobruns_json_now(ngx_http_jobruns_text_t *text,
    ngx_http_jobruns_figures_t *figures)
{
    ngx_http_jobruns_now_t  *now;

    now = &figures->sum.now;

    ngx_http_jobruns_text(text, ",\"waiting\":%ui,\"forwarding\":%ui,"
                          "\"held\":%ui,\"heldBytes\":%uz,"
                          "\"pendingKeeps\":%ui,\"pendingSettles\":%ui,"
                          "\"auditLostFiles\":%ui,\"auditSyncLagMs\":%ui",
                          now->waiters,
                          now->stages[jobruns_stage_forwarding],
                          now->stages[jobruns_stage_holding], now->held,
                          now->pending_keeps, now->pending_settles,
                          now->audit_lost, now->audit_lag);
}


static void
ngx_http_jobruns_json_times(ngx_http_jobruns_text_t *text,
    ngx_http_jobruns_figures_t *figures)
{
    ngx_uint_t                     i, k;
    ngx_http_jobruns_histogram_t  *h;

    static const char *const  names[jobruns_time_last] = {
        "admission", "service", "hold"
    };

    ngx_http_jobruns_text(text, ",\"times\":{");

    for (i = 0; i < jobruns_time_last; i++) {
        h = &figures->sum.times[i];

        ngx_http_jobruns_text(text, "%s\"%s\":{\"sumMs\":%ui,\"buckets\":[",
                              i ? "," : "", names[i], h->sum);

        for (k = 0; k < NGX_HTTP_JOBRUNS_BOUNDS; k++) {
            ngx_http_jobruns_text(text, "{\"upToMs\":%M,\"count\":%ui},",
                                  ngx_http_jobruns_metrics_bounds[k],
                                  h->buckets[k]);
        }

        ngx_http_jobruns_text(text, "{\"upToMs\":null,\"count\":%ui}],"
                              "\"recentP50Ms\":%i,\"recentP99Ms\":%i}",
                              h->buckets[k],
                              ngx_http_jobruns_percentile(figures->zone, i,
                                                          500),
                              ngx_http_jobruns_percentile(figures->zone, i,
                                                          990));
    }

    ngx_http_jobruns_text(text, "}");
}


static void
ngx_http_jobruns_json_limits(ngx_http_jobruns_text_t *text,
    ngx_http_jobruns_figures_t *figures)
{
    ngx_uint_t                i;
    ngx_http_jobruns_name_t  *limit;

    ngx_http_jobruns_text(text, ",\"limits\":[");

    for (i = 0; i < figures->zone->shared->nlimits; i++) {
        limit = &figures->zone->shared->limits[i];

        ngx_http_jobruns_text(text, "%s{\"name\":", i ? "," : "");
        ngx_http_jobruns_json_string(text, limit->data, limit->len);
        ngx_http_jobruns_text(text, ",\"kind\":\"%s\",\"refused\":%ui,"
                              "\"wouldRefuse\":%ui}",
                              ngx_http_jobruns_status_kind(limit->kind),
                              figures->sum.limits[i].refused,
                              figures->sum.limits[i].would_refuse);
    }

    ngx_http_jobruns_text(text, "]");
}


static void
ngx_http_jobruns_json_redis(ngx_http_jobruns_text_t *text,
    ngx_http_jobruns_figures_t *figures)
{
    ngx_uint_t                i, k;
    ngx_redis_stats_t        *stats;
    ngx_http_jobruns_name_t  *server;

    ngx_http_jobruns_text(text, ",\"redis\":[");

    for (i = 0; i < figures->zone->shared->nservers; i++) {
        server = &figures->zone->shared->servers[i];
        stats = &figures->sum.redis[i];

        ngx_http_jobruns_text(text, "%s{\"server\":", i ? "," : "");
        ngx_http_jobruns_json_string(text, server->data, server->len);
        ngx_http_jobruns_text(text, ",\"connections\":%ui,"
                              "\"breakersOpen\":%ui,\"pending\":%ui,"
                              "\"connects\":%ui,\"errors\":{",
                              stats->connections, stats->breakers,
                              stats->pending, stats->connects);

        for (k = 0; k < ngx_redis_err_last; k++) {
            ngx_http_jobruns_text(text, "%s\"%V\":%ui", k ? "," : "",
                                  &ngx_redis_stats_errors[k],
                                  stats->errors[k]);
        }

        ngx_http_jobruns_text(text, "},\"roundtrip\":{\"sumUs\":%ui,"
                              "\"buckets\":[", stats->roundtrip_us);

        for (k = 0; k < NGX_REDIS_STATS_BOUNDS; k++) {
            ngx_http_jobruns_text(text, "{\"upToUs\":%ui,\"count\":%ui},",
                                  ngx_redis_stats_bounds[k],
                                  stats->roundtrip[k]);
        }

        ngx_http_jobruns_text(text, "{\"upToUs\":null,\"count\":%ui}]}}",
                              stats->roundtrip[k]);
    }

    ngx_http_jobruns_text(text, "],\"redisRecentP99Us\":%i",
                          ngx_http_jobruns_percentile_redis(figures->zone,
                                                            990));
}
