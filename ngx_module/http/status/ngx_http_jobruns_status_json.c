/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The figures as one JSON object, for programs and for the page's script.  A
 * member has a line of its own, since the page shows it to people as well.
 *
 * Names of members are ours; strings of others go through jr_line, which
 * writes valid JSON whatever their bytes.
 */

#include "ngx_http_jobruns_figures.h"
#include "ngx_http_jobruns_history.h"
#include "ngx_http_jobruns_module_file.h"
#include "ngx_http_jobruns_status.h"
#include "ngx_http_jobruns_status_json.h"
#include "ngx_http_jobruns_text.h"
#include "ngx_http_jobruns_troubles.h"
#include "ngx_http_jobruns_usage.h"

#include "jr_version.h"


/* seconds of the history, one less than there are samples */
#define NGX_HTTP_JOBRUNS_JSON_SECONDS  (NGX_HTTP_JOBRUNS_HISTORY - 8)


/* elements of an array so far */
typedef struct {
    ngx_http_jobruns_text_t  *text;
    ngx_uint_t                n;
} ngx_http_jobruns_list_t;


static void ngx_http_jobruns_json_string(ngx_http_jobruns_text_t *text,
    const u_char *data, size_t len);
static void ngx_http_jobruns_json_state(ngx_http_jobruns_text_t *text,
    ngx_http_jobruns_figures_t *figures);
static void ngx_http_jobruns_json_on_trouble(void *data,
    ngx_http_jobruns_trouble_t *trouble);
static void ngx_http_jobruns_json_attempts(ngx_http_jobruns_text_t *text,
    ngx_http_jobruns_figures_t *figures);
static void ngx_http_jobruns_json_auth(ngx_http_jobruns_text_t *text,
    ngx_http_jobruns_figures_t *figures);
static void ngx_http_jobruns_json_now(ngx_http_jobruns_text_t *text,
    ngx_http_jobruns_figures_t *figures);
static void ngx_http_jobruns_json_service(ngx_http_jobruns_text_t *text,
    ngx_http_jobruns_figures_t *figures);
static void ngx_http_jobruns_json_times(ngx_http_jobruns_text_t *text,
    ngx_http_jobruns_figures_t *figures);
static void ngx_http_jobruns_json_limits(ngx_http_jobruns_text_t *text,
    ngx_http_jobruns_figures_t *figures);
static void ngx_http_jobruns_json_usage(ngx_http_jobruns_text_t *text,
    ngx_http_jobruns_shared_t *shared, ngx_uint_t limit);
static void ngx_http_jobruns_json_seen(ngx_http_jobruns_text_t *text,
    ngx_http_jobruns_figures_t *figures, ngx_uint_t server);
static void ngx_http_jobruns_json_redis(ngx_http_jobruns_text_t *text,
    ngx_http_jobruns_figures_t *figures);
static void ngx_http_jobruns_json_history(ngx_http_jobruns_text_t *text,
    ngx_http_jobruns_figures_t *figures);
static void ngx_http_jobruns_json_series(ngx_http_jobruns_text_t *text,
    ngx_http_jobruns_zone_t *zone, ngx_uint_t series);
static jr_str_t ngx_http_jobruns_json_outcome(ngx_uint_t outcome);


void
ngx_http_jobruns_status_json(ngx_http_jobruns_text_t *text,
    ngx_http_jobruns_figures_t *figures, ngx_uint_t history)
{
    ngx_uint_t                i;
    ngx_http_jobruns_zone_t  *zone;

    zone = figures->zone;

    ngx_http_jobruns_text(text, "{\"host\":");
    ngx_http_jobruns_json_string(text, ngx_cycle->hostname.data,
                                 ngx_cycle->hostname.len);

    ngx_http_jobruns_text(text, ",\n\"version\":\"%s\",\n"
                          "\"nginxVersion\":\"%s\",\n"
                          "\"configuration\":\"%*s\",\n"
                          "\"configurationLoaded\":%T,\n\"created\":%T,\n"
                          "\"now\":%T,\n\"workers\":%ui,\n"
                          "\"moduleChanged\":%s",
                          JR_VERSION, NGINX_VERSION,
                          (size_t) JR_DIGEST_HEX, zone->digest, zone->loaded,
                          zone->shared->created, ngx_time(),
                          figures->workers,
                          ngx_http_jobruns_module_file_changed()
                          ? "true" : "false");

    ngx_http_jobruns_json_state(text, figures);
    ngx_http_jobruns_json_attempts(text, figures);
    ngx_http_jobruns_json_auth(text, figures);
    ngx_http_jobruns_json_now(text, figures);
    ngx_http_jobruns_json_service(text, figures);
    ngx_http_jobruns_json_times(text, figures);
    ngx_http_jobruns_json_limits(text, figures);

    ngx_http_jobruns_text(text, ",\n\"topRefused\":[");

    for (i = 0; i < figures->ntop; i++) {
        ngx_http_jobruns_text(text, "%s\n{\"tenant\":", i ? "," : "");
        ngx_http_jobruns_json_string(text, figures->top[i].name,
                                     figures->top[i].len);
        ngx_http_jobruns_text(text, ",\"refused\":%ui,\"atMostTooHigh\":%ui}",
                              figures->top[i].count, figures->top[i].error);
    }

    ngx_http_jobruns_text(text, "],\n\"counters\":{");

    for (i = 0; i < jobruns_count_last; i++) {
        ngx_http_jobruns_text(text, "%s\n\"%s\":%ui", i ? "," : "",
                              ngx_http_jobruns_metrics_counters[i].name,
                              figures->sum.counters[i]);
    }

    ngx_http_jobruns_text(text, "}");
    ngx_http_jobruns_json_redis(text, figures);

    if (history) {
        ngx_http_jobruns_json_history(text, figures);
    }

    ngx_http_jobruns_text(text, "}\n");
}


static void
ngx_http_jobruns_json_string(ngx_http_jobruns_text_t *text,
    const u_char *data, size_t len)
{
    char       buf[6 * NGX_HTTP_JOBRUNS_TROUBLE_LEN + JR_LINE_MIN];
    jr_line_t  line;

    jr_line_init(&line, buf, sizeof(buf));
    jr_line_string(&line, NULL, (jr_str_t) { len, (const char *) data });

    ngx_http_jobruns_text_add(text, (u_char *) buf, jr_line_len(&line));
}


static void
ngx_http_jobruns_json_state(ngx_http_jobruns_text_t *text,
    ngx_http_jobruns_figures_t *figures)
{
    ngx_http_jobruns_list_t     list;
    ngx_http_jobruns_trouble_t  worst;

    ngx_http_jobruns_troubles_worst(figures, &worst);

    ngx_http_jobruns_text(text, ",\n\"state\":{\"level\":\"%s\",\"text\":",
                          worst.level);
    ngx_http_jobruns_json_string(text, worst.text, worst.len);
    ngx_http_jobruns_text(text, "},\n\"troubles\":[");

    list.text = text;
    list.n = 0;

    ngx_http_jobruns_troubles_each(figures, ngx_http_jobruns_json_on_trouble,
                                   &list);

    ngx_http_jobruns_text(text, "]");
}


static void
ngx_http_jobruns_json_on_trouble(void *data,
    ngx_http_jobruns_trouble_t *trouble)
{
    ngx_http_jobruns_list_t *list = data;

    u_char                    anchor[64];
    ngx_http_jobruns_text_t  *text;

    text = list->text;

    ngx_http_jobruns_text(text, "%s\n{\"name\":\"%s\",\"level\":\"%s\","
                          "\"since\":%T,\"text\":",
                          list->n++ ? "," : "", trouble->name, trouble->level,
                          trouble->since);
    ngx_http_jobruns_json_string(text, trouble->text, trouble->len);
    ngx_http_jobruns_text(text, ",\"affects\":");
    ngx_http_jobruns_json_string(text, (u_char *) trouble->affects,
                                 ngx_strlen(trouble->affects));
    ngx_http_jobruns_text(text, ",\"remedy\":");
    ngx_http_jobruns_json_string(text, (u_char *) trouble->remedy,
                                 ngx_strlen(trouble->remedy));

    ngx_strlow(anchor, (u_char *) trouble->alert,
               ngx_strlen(trouble->alert) + 1);
    ngx_http_jobruns_text(text, ",\"runbook\":\"docs/runbook.md#%s\"}",
                          anchor);
}


static jr_str_t
ngx_http_jobruns_json_outcome(ngx_uint_t outcome)
{
    return outcome == JR_OUTCOME_NONE
           ? (jr_str_t) jr_str("none")
           : jr_outcome_name((jr_outcome_e) outcome);
}


static void
ngx_http_jobruns_json_attempts(ngx_http_jobruns_text_t *text,
    ngx_http_jobruns_figures_t *figures)
{
    jr_str_t    outcome;
    ngx_uint_t  i, rate;

    ngx_http_jobruns_text(text, ",\n\"attempts\":{");

    for (i = 0; i < JR_OUTCOME_LAST; i++) {
        outcome = ngx_http_jobruns_json_outcome(i);

        ngx_http_jobruns_text(text, "%s\n\"%*s\":%ui", i ? "," : "",
                              outcome.len, outcome.data,
                              figures->sum.outcomes[i]);
    }

    ngx_http_jobruns_text(text, "},\n\"attemptsPerSecond\":{");

    for (i = 0; i < JR_OUTCOME_LAST; i++) {
        outcome = ngx_http_jobruns_json_outcome(i);
        rate = ngx_http_jobruns_history_rate(figures->zone, i);

        ngx_http_jobruns_text(text, "%s\n\"%*s\":%ui.%03ui", i ? "," : "",
                              outcome.len, outcome.data, rate / 1000,
                              rate % 1000);
    }

    ngx_http_jobruns_text(text, "},\n\"settles\":{");

    for (i = 0; i < NGX_HTTP_JOBRUNS_SETTLED; i++) {
        ngx_http_jobruns_text(text, "%s\n\"%s\":%ui", i ? "," : "",
                              ngx_http_jobruns_metrics_settled[i],
                              figures->sum.settled[i]);
    }

    ngx_http_jobruns_text(text, "}");
}


/* reasons that there were */

static void
ngx_http_jobruns_json_auth(ngx_http_jobruns_text_t *text,
    ngx_http_jobruns_figures_t *figures)
{
    ngx_uint_t                   i, k, n;
    ngx_http_jobruns_counter_t  *count;

    static const char *const  names[] = { "refused", "wouldRefuse" };

    ngx_http_jobruns_text(text, ",\n\"authentication\":{\n\"verified\":%ui,"
                          "\n\"keysBroken\":%ui",
                          figures->sum.auth[JR_AUTH_OK],
                          figures->sum.now.auth_broken);

    for (k = 0; k < 2; k++) {
        count = k ? figures->sum.auth_dry_run : figures->sum.auth;
        n = 0;

        ngx_http_jobruns_text(text, ",\n\"%s\":{", names[k]);

        for (i = JR_AUTH_OK + 1; i < JR_AUTH_LAST; i++) {

            if (count[i]) {
                ngx_http_jobruns_text(text, "%s\"%s\":%ui", n++ ? "," : "",
                                  jr_auth_reason_word((jr_auth_reason_e) i),
                                  count[i]);
            }
        }

        ngx_http_jobruns_text(text, "}");
    }

    ngx_http_jobruns_text(text, "}");
}


static void
ngx_http_jobruns_json_now(ngx_http_jobruns_text_t *text,
    ngx_http_jobruns_figures_t *figures)
{
    ngx_http_jobruns_now_t  *now;

    now = &figures->sum.now;

    ngx_http_jobruns_text(text, ",\n\"waiting\":%ui,\n\"delayed\":%ui,\n"
                          "\"forwarding\":%ui,\n"
                          "\"held\":%ui,\n\"heldBytes\":%uz,\n"
                          "\"pendingKeeps\":%ui,\n\"pendingSettles\":%ui,\n"
                          "\"auditLostFiles\":%ui,\n"
                          "\"auditSyncLagMs\":%ui",
                          now->waiters, now->delayed,
                          now->stages[jobruns_stage_forwarding],
                          now->stages[jobruns_stage_holding], now->held,
                          now->pending_keeps, now->pending_settles,
                          now->audit_lost, now->audit_lag);
}


/* what the service did with what was forwarded to it lately, by outcome, and
   how long ago it last did so in seconds; -1: never */

static void
ngx_http_jobruns_json_service(ngx_http_jobruns_text_t *text,
    ngx_http_jobruns_figures_t *figures)
{
    jr_str_t    outcome;
    ngx_uint_t  i;

    ngx_http_jobruns_text(text, ",\n\"service\":{\"seconds\":%d",
                          NGX_HTTP_JOBRUNS_LATELY);

    for (i = JR_OUTCOME_CREATED; i < JR_OUTCOME_LAST; i++) {
        outcome = ngx_http_jobruns_json_outcome(i);

        ngx_http_jobruns_text(text, ",\n\"%*s\":{\"count\":%ui,"
                              "\"age\":%T}", outcome.len, outcome.data,
                              ngx_http_jobruns_history_lately(figures, i,
                                                  NGX_HTTP_JOBRUNS_LATELY),
                              ngx_http_jobruns_history_outcome_age(figures,
                                                                   i));
    }

    ngx_http_jobruns_text(text, "}");
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

    ngx_http_jobruns_text(text, ",\n\"times\":{");

    for (i = 0; i < jobruns_time_last; i++) {
        h = &figures->sum.times[i];

        ngx_http_jobruns_text(text, "%s\n\"%s\":{\"sumMs\":%ui,\"buckets\":[",
                              i ? "," : "", names[i], h->sum);

        for (k = 0; k < NGX_HTTP_JOBRUNS_BOUNDS; k++) {
            ngx_http_jobruns_text(text, "{\"upToMs\":%M,\"count\":%ui},",
                                  ngx_http_jobruns_metrics_bounds[k],
                                  h->buckets[k]);
        }

        ngx_http_jobruns_text(text, "{\"upToMs\":null,\"count\":%ui}],"
                              "\"recentP50Ms\":%i,\"recentP99Ms\":%i}",
                              h->buckets[k],
                              ngx_http_jobruns_history_percentile(
                                                   figures->zone, i, 500),
                              ngx_http_jobruns_history_percentile(
                                                   figures->zone, i, 990));
    }

    ngx_http_jobruns_text(text, "}");
}


static void
ngx_http_jobruns_json_limits(ngx_http_jobruns_text_t *text,
    ngx_http_jobruns_figures_t *figures)
{
    ngx_uint_t                i;
    ngx_http_jobruns_name_t  *limit;

    ngx_http_jobruns_text(text, ",\n\"limits\":[");

    for (i = 0; i < figures->zone->shared->nlimits; i++) {
        limit = &figures->zone->shared->limits[i];

        ngx_http_jobruns_text(text, "%s\n{\"name\":", i ? "," : "");
        ngx_http_jobruns_json_string(text, limit->data, limit->len);
        ngx_http_jobruns_text(text, ",\"kind\":\"%s\",\"refused\":%ui,"
                              "\"wouldRefuse\":%ui",
                              jr_limit_kind_name(limit->kind),
                              figures->sum.limits[i].refused,
                              figures->sum.limits[i].would_refuse);
        ngx_http_jobruns_json_usage(text, figures->zone->shared, i);
        ngx_http_jobruns_text(text, "}");
    }

    ngx_http_jobruns_text(text, "]");
}


/* the keys that have used most of a limit; "of" is null where it counts by
   tenant, "window" where it is no quota */

static void
ngx_http_jobruns_json_usage(ngx_http_jobruns_text_t *text,
    ngx_http_jobruns_shared_t *shared, ngx_uint_t limit)
{
    const char               *window;
    ngx_uint_t                i, n;
    ngx_http_jobruns_used_t  *one, used[NGX_HTTP_JOBRUNS_USAGE_WAYS];

    n = ngx_http_jobruns_usage_read(shared, limit, used);

    ngx_http_jobruns_text(text, ",\"fullest\":[");

    for (i = 0; i < n; i++) {
        one = &used[i];
        window = one->window == 'h' ? "\"hour\"" : one->window == 'd'
                 ? "\"day\"" : one->window == 'm' ? "\"month\"" : "null";

        ngx_http_jobruns_text(text, "%s{\"tenant\":", i ? "," : "");
        ngx_http_jobruns_json_string(text, one->tenant, one->tenant_len);
        ngx_http_jobruns_text(text, ",\"of\":");

        if (one->by_len) {
            ngx_http_jobruns_json_string(text, one->by, one->by_len);
        } else {
            ngx_http_jobruns_text(text, "null");
        }

        ngx_http_jobruns_text(text, ",\"window\":%s,\"used\":%ui,"
                              "\"inForce\":%ui,\"ageMs\":%M,"
                              "\"resetsInMs\":%M}", window, one->used,
                              one->most, (ngx_msec_t) one->age,
                              (ngx_msec_t) one->resets);
    }

    ngx_http_jobruns_text(text, "]");
}


/* what workers last found of a server; null: unknown */

static void
ngx_http_jobruns_json_seen(ngx_http_jobruns_text_t *text,
    ngx_http_jobruns_figures_t *figures, ngx_uint_t server)
{
    ngx_redis_stats_t         *stats;
    ngx_http_jobruns_asked_t  *asked;

    stats = &figures->sum.redis[server];
    asked = &figures->asked[server];

    ngx_http_jobruns_text(text, ",\"reachable\":%ui,\"unreachable\":%ui,"
                          "\"role\":%s", asked->good, asked->failed,
                          asked->replica ? "\"replica\""
                          : stats->reached > stats->roleless ? "\"master\""
                                                             : "null");

    if (stats->memory_seen) {
        ngx_http_jobruns_text(text, ",\"memoryBytes\":%ui,"
                              "\"memoryMaxBytes\":%ui", stats->memory_used,
                              stats->memory_most);
        return;
    }

    ngx_http_jobruns_text(text, ",\"memoryBytes\":null,"
                          "\"memoryMaxBytes\":null");
}


static void
ngx_http_jobruns_json_redis(ngx_http_jobruns_text_t *text,
    ngx_http_jobruns_figures_t *figures)
{
    ngx_uint_t                i, k;
    ngx_redis_stats_t        *stats;
    ngx_http_jobruns_name_t  *server;

    ngx_http_jobruns_text(text, ",\n\"redis\":[");

    for (i = 0; i < figures->zone->shared->nservers; i++) {
        server = &figures->zone->shared->servers[i];
        stats = &figures->sum.redis[i];

        ngx_http_jobruns_text(text, "%s\n{\"server\":", i ? "," : "");
        ngx_http_jobruns_json_string(text, server->data, server->len);
        ngx_http_jobruns_json_seen(text, figures, i);
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

    ngx_http_jobruns_text(text, "],\n\"redisRecentP50Us\":%i,\n"
                          "\"redisRecentP99Us\":%i",
                          ngx_http_jobruns_history_redis(figures->zone, 500),
                          ngx_http_jobruns_history_redis(figures->zone,
                                                            990));
}


static void
ngx_http_jobruns_json_history(ngx_http_jobruns_text_t *text,
    ngx_http_jobruns_figures_t *figures)
{
    jr_str_t                  outcome;
    ngx_uint_t                i;
    ngx_http_jobruns_zone_t  *zone;

    zone = figures->zone;

    ngx_http_jobruns_text(text, ",\n\"history\":{\"until\":%T,\"attempts\":{",
                          (time_t) zone->shared->sampled);

    for (i = 0; i < JR_OUTCOME_LAST; i++) {
        outcome = ngx_http_jobruns_json_outcome(i);

        ngx_http_jobruns_text(text, "%s\n\"%*s\":", i ? "," : "",
                              outcome.len, outcome.data);
        ngx_http_jobruns_json_series(text, zone, i);
    }

    ngx_http_jobruns_text(text, "},\n\"forwarding\":");
    ngx_http_jobruns_json_series(text, zone,
                      JR_OUTCOME_LAST + jobruns_stage_forwarding);

    ngx_http_jobruns_text(text, ",\n\"held\":");
    ngx_http_jobruns_json_series(text, zone,
                      JR_OUTCOME_LAST + jobruns_stage_holding);

    ngx_http_jobruns_text(text, "}");
}


/* a number for each of the last seconds, the oldest first: how many attempts
   had an outcome, or, for a series of OUTCOMES and more, how many were at a
   stage; 0 for a second without a sample */

static void
ngx_http_jobruns_json_series(ngx_http_jobruns_text_t *text,
    ngx_http_jobruns_zone_t *zone, ngx_uint_t series)
{
    time_t                      second;
    ngx_uint_t                  i, n;
    ngx_http_jobruns_sample_t  *sample, *before;

    second = (time_t) zone->shared->sampled - NGX_HTTP_JOBRUNS_JSON_SECONDS;
    before = ngx_http_jobruns_history_sample(zone, second);

    for (i = 0; i < NGX_HTTP_JOBRUNS_JSON_SECONDS; i++) {

        sample = ngx_http_jobruns_history_sample(zone, ++second);
        n = 0;

        if (sample != NULL && series >= JR_OUTCOME_LAST) {
            n = sample->stages[series - JR_OUTCOME_LAST];

        } else if (sample != NULL && before != NULL) {
            n = sample->outcomes[series] - before->outcomes[series];
        }

        before = sample != NULL ? sample : before;

        ngx_http_jobruns_text(text, "%s%ui", i ? "," : "[", n);
    }

    ngx_http_jobruns_text(text, "]");
}
