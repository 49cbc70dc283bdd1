/*
 * The figures as a page: first one sentence that says whether anything is
 * wrong, then what happens now, then the tables.
 *
 * Whatever others chose (tenants; addresses and names of the configuration)
 * is escaped by ngx_http_jobruns_text_html().
 */

#include "ngx_http_jobruns_page.h"
#include "ngx_http_jobruns_page_frame.h"
#include "ngx_http_jobruns_page_spark.h"
#include "ngx_http_jobruns_page_tables.h"
#include "ngx_http_jobruns_rates.h"
#include "ngx_http_jobruns_status_page.h"
#include "ngx_http_jobruns_text.h"


static void ngx_http_jobruns_page_header(ngx_http_jobruns_text_t *text,
    ngx_http_jobruns_figures_t *figures);
static void ngx_http_jobruns_page_state(ngx_http_jobruns_text_t *text,
    ngx_http_jobruns_figures_t *figures);
static void ngx_http_jobruns_page_cards(ngx_http_jobruns_text_t *text,
    ngx_http_jobruns_figures_t *figures);
static void ngx_http_jobruns_page_rate(ngx_http_jobruns_text_t *text,
    ngx_http_jobruns_figures_t *figures, const char *title, ngx_uint_t set,
    const char *tone);
static void ngx_http_jobruns_page_time(ngx_http_jobruns_text_t *text,
    const char *title, ngx_int_t median, ngx_int_t high);
static void ngx_http_jobruns_page_bound(ngx_http_jobruns_text_t *text,
    ngx_int_t bound);
static ngx_uint_t ngx_http_jobruns_page_rate_of(
    ngx_http_jobruns_zone_t *zone, ngx_uint_t set);


void
ngx_http_jobruns_status_page(ngx_http_jobruns_text_t *text,
    ngx_http_jobruns_figures_t *figures, ngx_str_t *nonce)
{
    ngx_http_jobruns_page_begin(text);

    ngx_http_jobruns_page_header(text, figures);
    ngx_http_jobruns_page_state(text, figures);
    ngx_http_jobruns_page_cards(text, figures);

    ngx_http_jobruns_text(text, "<div class=\"grid\">\n"
                          "<div class=\"column\">\n");

    ngx_http_jobruns_page_outcomes(text, figures);
    ngx_http_jobruns_page_tenants(text, figures);

    ngx_http_jobruns_text(text, "</div><div class=\"column\">\n");

    ngx_http_jobruns_page_redis(text, figures);
    ngx_http_jobruns_page_limits(text, figures);
    ngx_http_jobruns_page_counters(text, figures);

    ngx_http_jobruns_text(text, "</div></div>\n");

    ngx_http_jobruns_page_end(text, nonce);
}


static void
ngx_http_jobruns_page_header(ngx_http_jobruns_text_t *text,
    ngx_http_jobruns_figures_t *figures)
{
    ngx_http_jobruns_zone_t  *zone;

    zone = figures->zone;

    ngx_http_jobruns_text(text, "<header><h1>jobruns gateway</h1>"
                          "<p class=\"meta\">%V &middot; version %s, NGINX "
                          "%s &middot; configuration %*s &middot; ",
                          &ngx_cached_http_time, NGX_HTTP_JOBRUNS_VERSION,
                          NGINX_VERSION, (size_t) 12, zone->digest);

    ngx_http_jobruns_text(text, "%ui worker%s &middot; counting for "
                          "%T h %02T min</p></header>\n", figures->workers,
                          figures->workers == 1 ? "" : "s",
                          (ngx_time() - zone->shared->created) / 3600,
                          (ngx_time() - zone->shared->created) / 60 % 60);
}


/* the worst that is true now, in one sentence */

static void
ngx_http_jobruns_page_state(ngx_http_jobruns_text_t *text,
    ngx_http_jobruns_figures_t *figures)
{
    ngx_uint_t                 i, trouble;
    ngx_redis_stats_t         *stats;
    ngx_http_jobruns_now_t    *now;
    ngx_http_jobruns_name_t   *server;

    now = &figures->sum.now;

    for (i = 0; i < figures->zone->shared->nservers; i++) {
        stats = &figures->sum.redis[i];
        server = &figures->zone->shared->servers[i];

        if (stats->breakers == 0) {
            continue;
        }

        ngx_http_jobruns_text(text, "<p class=\"state bad\">Redis ");
        ngx_http_jobruns_text_html(text, server->data, server->len);
        ngx_http_jobruns_text(text, " is out of reach of %ui of %ui "
                              "workers.</p>\n", stats->breakers,
                              figures->workers);
        return;
    }

    if (now->audit_lost) {
        ngx_http_jobruns_text(text, "<p class=\"state bad\">%ui of %ui workers "
            "have lost their audit file: it was removed, moved or cannot be "
            "opened. Send USR1 or reload; error.log says more.</p>\n",
            ngx_min(now->audit_lost, figures->workers), figures->workers);
        return;
    }

    if (figures->sum.counters[jobruns_count_second_run]) {
        ngx_http_jobruns_text(text, "<p class=\"state bad\">%ui job runs were "
            "made beyond the first of their token; error.log names them."
            "</p>\n", figures->sum.counters[jobruns_count_second_run]);
        return;
    }

    if (figures->sum.counters[jobruns_count_audit_failures]) {
        ngx_http_jobruns_text(text, "<p class=\"state bad\">%ui audit records "
            "could not be written; error.log says why.</p>\n",
            figures->sum.counters[jobruns_count_audit_failures]);
        return;
    }

    trouble = ngx_http_jobruns_page_rate_of(figures->zone,
                                            NGX_HTTP_JOBRUNS_PAGE_TROUBLE);

    if (trouble) {
        ngx_http_jobruns_text(text, "<p class=\"state warn\">%ui.%ui attempts "
            "a second end unknown, unsent or unavailable.</p>\n",
            trouble / 1000, trouble % 1000 / 100);
        return;
    }

    if (now->pending_keeps) {
        ngx_http_jobruns_text(text, "<p class=\"state warn\">%ui answers are "
            "still to be kept in Redis.</p>\n", now->pending_keeps);
        return;
    }

    ngx_http_jobruns_text(text, "<p class=\"state\">All is well.</p>\n");
}


static void
ngx_http_jobruns_page_cards(ngx_http_jobruns_text_t *text,
    ngx_http_jobruns_figures_t *figures)
{
    ngx_http_jobruns_now_t   *now;
    ngx_http_jobruns_zone_t  *zone;

    now = &figures->sum.now;
    zone = figures->zone;

    ngx_http_jobruns_text(text, "<div class=\"cards\">\n");

    ngx_http_jobruns_page_rate(text, figures, "All attempts",
                               NGX_HTTP_JOBRUNS_PAGE_ALL, "");
    ngx_http_jobruns_page_rate(text, figures, "Created",
                        ngx_http_jobruns_page_set(JR_OUTCOME_CREATED), "g");
    ngx_http_jobruns_page_rate(text, figures, "Refused by limits",
                        ngx_http_jobruns_page_set(JR_OUTCOME_LIMITED), "a");
    ngx_http_jobruns_page_rate(text, figures, "Unknown or failed",
                        NGX_HTTP_JOBRUNS_PAGE_TROUBLE, "r");

    ngx_http_jobruns_text(text, "<div class=\"card\"><h2>At the service, and "
                          "held</h2><div class=\"big\">%ui <small>and %ui, "
                          "%uz kB; %ui wait</small></div>",
                          now->stages[jobruns_stage_forwarding],
                          now->stages[jobruns_stage_holding],
                          (now->held + 1023) / 1024, now->waiters);
    ngx_http_jobruns_page_spark_stages(text, zone);
    ngx_http_jobruns_text(text, "</div>\n");

    ngx_http_jobruns_page_time(text, "Admission",
        ngx_http_jobruns_percentile(zone, jobruns_time_admission, 500) * 1000,
        ngx_http_jobruns_percentile(zone, jobruns_time_admission, 990) * 1000);
    ngx_http_jobruns_page_time(text, "Service",
        ngx_http_jobruns_percentile(zone, jobruns_time_service, 500) * 1000,
        ngx_http_jobruns_percentile(zone, jobruns_time_service, 990) * 1000);
    ngx_http_jobruns_page_time(text, "Answer held",
        ngx_http_jobruns_percentile(zone, jobruns_time_hold, 500) * 1000,
        ngx_http_jobruns_percentile(zone, jobruns_time_hold, 990) * 1000);
    ngx_http_jobruns_page_time(text, "Redis round trip",
        ngx_http_jobruns_percentile_redis(zone, 500),
        ngx_http_jobruns_percentile_redis(zone, 990));

    ngx_http_jobruns_text(text, "</div>\n");
}


static ngx_uint_t
ngx_http_jobruns_page_rate_of(ngx_http_jobruns_zone_t *zone, ngx_uint_t set)
{
    ngx_uint_t  i, rate;

    rate = 0;

    for (i = 0; i < NGX_HTTP_JOBRUNS_OUTCOMES; i++) {
        if (set & ngx_http_jobruns_page_set(i)) {
            rate += ngx_http_jobruns_rate(zone, i);
        }
    }

    return rate;
}


static void
ngx_http_jobruns_page_rate(ngx_http_jobruns_text_t *text,
    ngx_http_jobruns_figures_t *figures, const char *title, ngx_uint_t set,
    const char *tone)
{
    ngx_uint_t  rate;

    rate = ngx_http_jobruns_page_rate_of(figures->zone, set);

    ngx_http_jobruns_text(text, "<div class=\"card\"><h2>%s</h2>"
                          "<div class=\"big\">%ui.%ui <small>per second"
                          "</small></div>", title, rate / 1000,
                          rate % 1000 / 100);
    ngx_http_jobruns_page_spark(text, figures->zone, set, tone);
    ngx_http_jobruns_text(text, "</div>\n");
}


/* microseconds */

static void
ngx_http_jobruns_page_time(ngx_http_jobruns_text_t *text, const char *title,
    ngx_int_t median, ngx_int_t high)
{
    ngx_http_jobruns_text(text, "<div class=\"card\"><h2>%s</h2>"
                          "<div class=\"big\">", title);
    ngx_http_jobruns_page_bound(text, high);
    ngx_http_jobruns_text(text, "</div><small class=\"meta\">99 of 100 in "
                          "the last minute; half of them ");
    ngx_http_jobruns_page_bound(text, median);
    ngx_http_jobruns_text(text, "</small></div>\n");
}


static void
ngx_http_jobruns_page_bound(ngx_http_jobruns_text_t *text, ngx_int_t bound)
{
    if (bound == 0) {
        ngx_http_jobruns_text(text, "&ndash;");

    } else if (bound < 0) {
        ngx_http_jobruns_text(text, "longer than all buckets");

    } else if (bound < 1000) {
        ngx_http_jobruns_text(text, "&le; %i <small>&micro;s</small>", bound);

    } else if (bound < 1000000) {
        ngx_http_jobruns_text(text, "&le; %i <small>ms</small>",
                              bound / 1000);

    } else {
        ngx_http_jobruns_text(text, "&le; %i.%i <small>s</small>",
                              bound / 1000000, bound % 1000000 / 100000);
    }
}
