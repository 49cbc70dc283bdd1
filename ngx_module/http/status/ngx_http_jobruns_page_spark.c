/*
 * Sparklines: one point for each of the last seconds, drawn in SVG.
 */

#include "ngx_http_jobruns_figures.h"
#include "ngx_http_jobruns_page.h"
#include "ngx_http_jobruns_page_spark.h"
#include "ngx_http_jobruns_text.h"


/* seconds, one less than there are samples; and the height of a drawing */
#define NGX_HTTP_JOBRUNS_SPARK         120
#define NGX_HTTP_JOBRUNS_SPARK_HEIGHT  40


static void ngx_http_jobruns_page_draw(ngx_http_jobruns_text_t *text,
    ngx_uint_t *values, const char *tone);
static void ngx_http_jobruns_page_points(ngx_http_jobruns_text_t *text,
    ngx_uint_t *values, ngx_uint_t most);


void
ngx_http_jobruns_page_spark(ngx_http_jobruns_text_t *text,
    ngx_http_jobruns_zone_t *zone, ngx_uint_t set, const char *tone)
{
    time_t                      second;
    ngx_uint_t                  i, k, values[NGX_HTTP_JOBRUNS_SPARK];
    ngx_http_jobruns_sample_t  *sample, *before;

    second = (time_t) zone->shared->sampled - NGX_HTTP_JOBRUNS_SPARK;
    before = ngx_http_jobruns_figures_sample(zone, second);

    for (i = 0; i < NGX_HTTP_JOBRUNS_SPARK; i++) {

        sample = ngx_http_jobruns_figures_sample(zone, ++second);
        values[i] = 0;

        if (sample == NULL) {
            continue;
        }

        for (k = 0; before != NULL && k < NGX_HTTP_JOBRUNS_OUTCOMES; k++) {
            if (set & ngx_http_jobruns_page_set(k)) {
                values[i] += sample->outcomes[k] - before->outcomes[k];
            }
        }

        before = sample;
    }

    ngx_http_jobruns_page_draw(text, values, tone);
}


void
ngx_http_jobruns_page_spark_stages(ngx_http_jobruns_text_t *text,
    ngx_http_jobruns_zone_t *zone)
{
    time_t                      second;
    ngx_uint_t                  i, values[NGX_HTTP_JOBRUNS_SPARK];
    ngx_http_jobruns_sample_t  *sample;

    second = (time_t) zone->shared->sampled - NGX_HTTP_JOBRUNS_SPARK;

    for (i = 0; i < NGX_HTTP_JOBRUNS_SPARK; i++) {

        sample = ngx_http_jobruns_figures_sample(zone, ++second);

        values[i] = sample == NULL ? 0
                    : sample->stages[jobruns_stage_forwarding]
                      + sample->stages[jobruns_stage_holding];
    }

    ngx_http_jobruns_page_draw(text, values, "");
}


static void
ngx_http_jobruns_page_draw(ngx_http_jobruns_text_t *text, ngx_uint_t *values,
    const char *tone)
{
    ngx_uint_t  i, most;

    most = 0;

    for (i = 0; i < NGX_HTTP_JOBRUNS_SPARK; i++) {
        most = ngx_max(most, values[i]);
    }

    ngx_http_jobruns_text(text, "<svg class=\"%s\" viewBox=\"0 0 %d %d\" "
                          "preserveAspectRatio=\"none\" role=\"img\" "
                          "aria-label=\"the last two minutes, at most %ui\">"
                          "<polygon points=\"0,%d ", tone,
                          NGX_HTTP_JOBRUNS_SPARK - 1,
                          NGX_HTTP_JOBRUNS_SPARK_HEIGHT, most,
                          NGX_HTTP_JOBRUNS_SPARK_HEIGHT);

    ngx_http_jobruns_page_points(text, values, most);

    ngx_http_jobruns_text(text, "%d,%d\"/><polyline points=\"",
                          NGX_HTTP_JOBRUNS_SPARK - 1,
                          NGX_HTTP_JOBRUNS_SPARK_HEIGHT);

    ngx_http_jobruns_page_points(text, values, most);

    ngx_http_jobruns_text(text, "\"/></svg>");
}


static void
ngx_http_jobruns_page_points(ngx_http_jobruns_text_t *text,
    ngx_uint_t *values, ngx_uint_t most)
{
    ngx_uint_t  i, y;

    for (i = 0; i < NGX_HTTP_JOBRUNS_SPARK; i++) {

        /* two units are left above and one below, for the line's width */

        y = NGX_HTTP_JOBRUNS_SPARK_HEIGHT - 1;
        y -= most ? values[i] * (NGX_HTTP_JOBRUNS_SPARK_HEIGHT - 3) / most
                  : 0;

        ngx_http_jobruns_text(text, "%ui,%ui ", i, y);
    }
}
