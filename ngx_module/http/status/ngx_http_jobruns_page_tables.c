/*
 * The tables of the status page.
 */

#include "ngx_http_jobruns_page.h"
#include "ngx_http_jobruns_page_spark.h"
#include "ngx_http_jobruns_page_tables.h"
#include "ngx_http_jobruns_rates.h"
#include "ngx_http_jobruns_status.h"
#include "ngx_http_jobruns_text.h"


static void ngx_http_jobruns_page_errors(ngx_http_jobruns_text_t *text,
    ngx_redis_stats_t *stats);


/* in words, for somebody who is woken by it */

static const char *const
    ngx_http_jobruns_page_meanings[NGX_HTTP_JOBRUNS_OUTCOMES] =
{
    "ended before anything was decided",
    "nobody was identified: 401",
    "path, header or body was refused",
    "by NGINX: authentication, limit_req",
    "a retry got the kept answer",
    "a retry while the first attempt runs",
    "the token came with another request",
    "retry_unknown refuse: the first attempt is open",
    "refused by a limit",
    "Redis or the audit file cannot be used",
    "the service made a job run",
    "the service refused, nothing was made",
    "the service got no byte",
    "the service may have made a run"
};


void
ngx_http_jobruns_page_outcomes(ngx_http_jobruns_text_t *text,
    ngx_http_jobruns_figures_t *figures)
{
    jr_str_t     outcome;
    ngx_uint_t   i, set, rate;
    const char  *tone;

    ngx_http_jobruns_text(text, "<div class=\"card\"><h2>What became of "
                          "attempts</h2><table><tr><th>outcome<th "
                          "class=\"n\">per second<th class=\"n\">all<th "
                          "class=\"n\">last two minutes");

    for (i = 1; i < NGX_HTTP_JOBRUNS_OUTCOMES; i++) {
        outcome = jr_outcome_name((jr_outcome_e) i);
        rate = ngx_http_jobruns_rate(figures->zone, i);
        set = ngx_http_jobruns_page_set(i);

        tone = (set & NGX_HTTP_JOBRUNS_PAGE_TROUBLE) ? "r"
               : i == JR_OUTCOME_CREATED ? "g"
               : i == JR_OUTCOME_LIMITED ? "a" : "";

        ngx_http_jobruns_text(text, "<tr><td>%*s<small>%s</small>"
                              "<td class=\"n\">%ui.%ui<td class=\"n\">%ui"
                              "<td class=\"n\">", outcome.len, outcome.data,
                              ngx_http_jobruns_page_meanings[i], rate / 1000,
                              rate % 1000 / 100, figures->sum.outcomes[i]);

        ngx_http_jobruns_page_spark(text, figures->zone, set, tone);
    }

    ngx_http_jobruns_text(text, "</table></div>\n");
}


void
ngx_http_jobruns_page_redis(ngx_http_jobruns_text_t *text,
    ngx_http_jobruns_figures_t *figures)
{
    ngx_uint_t                i, n;
    ngx_redis_stats_t        *stats;
    ngx_http_jobruns_name_t  *server;

    n = figures->zone->shared->nservers;

    ngx_http_jobruns_text(text, "<div class=\"card\"><h2>Redis</h2><table>"
                          "<tr><th>server<th class=\"n\">connections<th "
                          "class=\"n\">refusing<th class=\"n\">pending"
                          "<th>errors");

    for (i = 0; i < n; i++) {
        server = &figures->zone->shared->servers[i];
        stats = &figures->sum.redis[i];

        ngx_http_jobruns_text(text, "<tr><td class=\"t\">");
        ngx_http_jobruns_text_html(text, server->data, server->len);
        ngx_http_jobruns_text(text, "<td class=\"n\">%ui<td class=\"n%s\">%ui"
                              "<td class=\"n\">%ui<td>", stats->connections,
                              stats->breakers ? " hot" : "", stats->breakers,
                              stats->pending);
        ngx_http_jobruns_page_errors(text, stats);
    }

    ngx_http_jobruns_text(text, "</table></div>\n");
}


static void
ngx_http_jobruns_page_errors(ngx_http_jobruns_text_t *text,
    ngx_redis_stats_t *stats)
{
    ngx_uint_t  i, any;

    any = 0;

    for (i = 0; i < ngx_redis_err_last; i++) {

        if (stats->errors[i]) {
            ngx_http_jobruns_text(text, "%s%ui %V", any ? ", " : "",
                                  stats->errors[i],
                                  &ngx_redis_stats_errors[i]);
            any = 1;
        }
    }

    if (!any) {
        ngx_http_jobruns_text(text, "<span class=\"none\">none</span>");
    }
}


void
ngx_http_jobruns_page_limits(ngx_http_jobruns_text_t *text,
    ngx_http_jobruns_figures_t *figures)
{
    ngx_uint_t                i, n;
    ngx_http_jobruns_name_t  *limit;

    n = figures->zone->shared->nlimits;

    if (n == 0) {
        return;
    }

    ngx_http_jobruns_text(text, "<div class=\"card\"><h2>Limits</h2><table>"
                          "<tr><th>limit<th>kind<th class=\"n\">refused"
                          "<th class=\"n\">would refuse");

    for (i = 0; i < n; i++) {
        limit = &figures->zone->shared->limits[i];

        ngx_http_jobruns_text(text, "<tr><td>");
        ngx_http_jobruns_text_html(text, limit->data, limit->len);
        ngx_http_jobruns_text(text, "<td>%s<td class=\"n\">%ui"
                              "<td class=\"n\">%ui",
                              ngx_http_jobruns_status_kind(limit->kind),
                              figures->sum.limits[i].refused,
                              figures->sum.limits[i].would_refuse);
    }

    ngx_http_jobruns_text(text, "</table></div>\n");
}


void
ngx_http_jobruns_page_tenants(ngx_http_jobruns_text_t *text,
    ngx_http_jobruns_figures_t *figures)
{
    ngx_uint_t                   i;
    ngx_http_jobruns_refused_t  *top;

    ngx_http_jobruns_text(text, "<div class=\"card\"><h2>Most refused by "
                          "limits, in the last %d to %d minutes</h2>",
                          NGX_HTTP_JOBRUNS_TOP_FOR / 60,
                          2 * NGX_HTTP_JOBRUNS_TOP_FOR / 60);

    if (figures->ntop == 0) {
        ngx_http_jobruns_text(text, "<span class=\"none\">nobody</span>"
                              "</div>\n");
        return;
    }

    ngx_http_jobruns_text(text, "<table><tr><th>tenant<th class=\"n\">"
                          "refused");

    for (i = 0; i < figures->ntop; i++) {
        top = &figures->top[i];

        ngx_http_jobruns_text(text, "<tr><td class=\"t\">");
        ngx_http_jobruns_text_html(text, top->name, top->len);
        ngx_http_jobruns_text(text, "<td class=\"n\">%s%ui",
                              top->error ? "&le; " : "", top->count);
    }

    ngx_http_jobruns_text(text, "</table></div>\n");
}


void
ngx_http_jobruns_page_counters(ngx_http_jobruns_text_t *text,
    ngx_http_jobruns_figures_t *figures)
{
    ngx_uint_t                  i;
    ngx_http_jobruns_now_t     *now;
    ngx_http_jobruns_block_t   *sum;

    static const struct {
        ngx_http_jobruns_count_e  counter;
        const char               *words;
        ngx_uint_t                hot;
    } lines[] = {
        { jobruns_count_audit_records, "audit records written", 0 },
        { jobruns_count_audit_failures, "audit records not written", 1 },
        { jobruns_count_audit_lost, "audit files lost", 1 },
        { jobruns_count_audit_reopen_failures, "audit files not opened again",
          1 },
        { jobruns_count_audit_refusals, "refusals folded in the audit", 0 },
        { jobruns_count_waited, "waited behind a running attempt", 0 },
        { jobruns_count_wait_refused, "too many to wait: 409 at once", 1 },
        { jobruns_count_unkept, "answers not kept: too large, or no room",
          0 },
        { jobruns_count_room_full, "found jobruns_hold_memory full", 0 },
        { jobruns_count_room_tenant, "found their tenant's half of it full",
          0 },
        { jobruns_count_lease_lost, "leases lost while forwarded", 1 },
        { jobruns_count_settle_lost, "ends that Redis was not told", 1 },
        { jobruns_count_second_run, "job runs beyond the first of a token",
          1 },
        { jobruns_count_unprotected, "forwarded without Redis", 1 },
        { jobruns_count_damaged, "damaged values in Redis", 1 },
        { jobruns_count_bad_override, "overrides that are no numbers", 1 },
        { jobruns_count_dry_run, "would be refused but for dry_run", 0 },
        { jobruns_count_folded, "lines of error.log folded", 0 }
    };

    sum = &figures->sum;
    now = &sum->now;

    ngx_http_jobruns_text(text, "<div class=\"card\"><h2>Settling and audit"
                          "</h2><table>");

    ngx_http_jobruns_text(text, "<tr><td>answers still to be kept<td "
                          "class=\"n%s\">%ui<tr><td>other ends still to be "
                          "told<td class=\"n\">%ui<tr><td>settled twice, or "
                          "fenced<td class=\"n\">%ui, %ui<tr><td>audit "
                          "waits for the disk<td class=\"n\">%ui ms",
                          now->pending_keeps ? " hot" : "",
                          now->pending_keeps, now->pending_settles,
                          sum->settled[jobruns_settled_done],
                          sum->settled[jobruns_settled_fenced],
                          now->audit_lag);

    for (i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
        ngx_http_jobruns_text(text, "<tr><td>%s<td class=\"n%s\">%ui",
                              lines[i].words,
                              lines[i].hot && sum->counters[lines[i].counter]
                              ? " hot" : "",
                              sum->counters[lines[i].counter]);
    }

    ngx_http_jobruns_text(text, "</table></div>\n");
}
