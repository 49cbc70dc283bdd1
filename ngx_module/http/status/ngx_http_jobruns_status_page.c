/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The page: status.html, with what only the server knows.  That is the nonce
 * of the policy, in the place of {{nonce}}; and in that of {{numbers}}, for
 * whoever runs no script, the state in one sentence and the JSON form as text.
 *
 * Whatever others chose (tenants; addresses and names of the configuration)
 * is escaped by ngx_http_jobruns_text_html().
 */

#include "ngx_http_jobruns_status.h"
#include "ngx_http_jobruns_status_json.h"
#include "ngx_http_jobruns_status_page.h"
#include "ngx_http_jobruns_status_state.h"
#include "ngx_http_jobruns_text.h"

#include "jr_embedded.h"


static const char *ngx_http_jobruns_page_until(ngx_http_jobruns_text_t *text,
    const char *page, const char *mark);
static void ngx_http_jobruns_page_numbers(ngx_http_jobruns_text_t *text,
    ngx_http_jobruns_figures_t *figures);


void
ngx_http_jobruns_status_page(ngx_http_jobruns_text_t *text,
    ngx_http_jobruns_figures_t *figures, ngx_str_t *nonce)
{
    const char  *page;

    page = ngx_http_jobruns_page_until(text, jr_embedded_status_html,
                                       "{{nonce}}");
    ngx_http_jobruns_text(text, "%V", nonce);

    page = ngx_http_jobruns_page_until(text, page, "{{numbers}}");
    ngx_http_jobruns_page_numbers(text, figures);

    page = ngx_http_jobruns_page_until(text, page, "{{nonce}}");
    ngx_http_jobruns_text(text, "%V", nonce);

    ngx_http_jobruns_text_add(text, (u_char *) page, ngx_strlen(page));
}


/* adds what is before a mark, and returns what is behind it */

static const char *
ngx_http_jobruns_page_until(ngx_http_jobruns_text_t *text, const char *page,
    const char *mark)
{
    const char  *end;

    end = ngx_strstr(page, mark);
    if (end == NULL) {
        text->failed = 1;
        return "";
    }

    ngx_http_jobruns_text_add(text, (u_char *) page, end - page);

    return end + ngx_strlen(mark);
}


static void
ngx_http_jobruns_page_numbers(ngx_http_jobruns_text_t *text,
    ngx_http_jobruns_figures_t *figures)
{
    ngx_chain_t               *cl;
    ngx_http_jobruns_text_t    json;
    ngx_http_jobruns_state_t   state;

    ngx_http_jobruns_status_state(figures, &state);

    ngx_http_jobruns_text(text, "<p class=\"state %s\">", state.level);
    ngx_http_jobruns_text_html(text, state.data, state.len);
    ngx_http_jobruns_text(text, "</p>\n<pre>");

    ngx_http_jobruns_text_init(&json, text->pool);
    ngx_http_jobruns_status_json(&json, figures, 0);

    for (cl = json.first; cl; cl = cl->next) {
        ngx_http_jobruns_text_html(text, cl->buf->pos,
                                   cl->buf->last - cl->buf->pos);
    }

    text->failed |= json.failed;

    ngx_http_jobruns_text(text, "</pre>");
}
