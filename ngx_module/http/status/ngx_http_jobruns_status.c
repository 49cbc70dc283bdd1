/* SPDX-License-Identifier: BSD-2-Clause
 *
 * jobruns_status: the content handler, and who gets which form.
 *
 * Prometheus asks for text and gets it, as does whoever says nothing; a
 * browser names text/html, a program application/json.  ?format= of
 * prometheus, json or html overrides what Accept says.  ?format=runbook is
 * docs/runbook.md, to which troubles link.
 */

#include "ngx_http_jobruns_figures.h"
#include "ngx_http_jobruns_header_list.h"
#include "ngx_http_jobruns_random.h"
#include "ngx_http_jobruns_status.h"
#include "ngx_http_jobruns_status_json.h"
#include "ngx_http_jobruns_status_prometheus.h"
#include "ngx_http_jobruns_text.h"
#include "ngx_http_jobruns_troubles.h"

#include "jr_embedded.h"


typedef enum {
    jobruns_form_prometheus = 0,
    jobruns_form_json,
    jobruns_form_page,
    jobruns_form_runbook,
    jobruns_form_last
} ngx_http_jobruns_form_e;


static ngx_int_t ngx_http_jobruns_status_handler(ngx_http_request_t *r);
static ngx_http_jobruns_form_e ngx_http_jobruns_status_form(
    ngx_http_request_t *r);
static ngx_int_t ngx_http_jobruns_status_headers(ngx_http_request_t *r,
    ngx_http_jobruns_form_e form, ngx_str_t *nonce);
static ngx_int_t ngx_http_jobruns_status_header(ngx_http_request_t *r,
    const char *name, const char *value);
static void ngx_http_jobruns_status_page(ngx_http_jobruns_text_t *text,
    ngx_http_jobruns_figures_t *figures, ngx_str_t *nonce);
static const char *ngx_http_jobruns_status_until(
    ngx_http_jobruns_text_t *text, const char *page, const char *mark);
static void ngx_http_jobruns_status_runbook(ngx_http_jobruns_text_t *text,
    ngx_str_t *nonce);
static void ngx_http_jobruns_status_numbers(ngx_http_jobruns_text_t *text,
    ngx_http_jobruns_figures_t *figures);
static void ngx_http_jobruns_status_on_trouble(void *data,
    ngx_http_jobruns_trouble_t *trouble);


static ngx_str_t  ngx_http_jobruns_status_types[] = {
    ngx_string("text/plain; version=0.0.4; charset=utf-8"),
    ngx_string("application/json"),
    ngx_string("text/html; charset=utf-8"),
    ngx_string("text/html; charset=utf-8")
};

static ngx_str_t  ngx_http_jobruns_status_formats[] = {
    ngx_string("prometheus"),
    ngx_string("json"),
    ngx_string("html"),
    ngx_string("runbook")
};


char *
ngx_http_jobruns_status(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_http_jobruns_loc_conf_t *jlcf = conf;

    ngx_http_core_loc_conf_t      *clcf;
    ngx_http_jobruns_main_conf_t  *jmcf;

    (void) cmd;

    if (jlcf->enable != NGX_CONF_UNSET_UINT) {
        return "stands in a location that says \"jobruns\": it forwards "
               "nothing";
    }

    /* so that nothing is asked for that only forwarding needs */

    jlcf->enable = jobruns_off;
    jlcf->status = 1;

    jmcf = ngx_http_conf_get_module_main_conf(cf, ngx_http_jobruns_module);
    jmcf->zone->wanted = 1;

    clcf = ngx_http_conf_get_module_loc_conf(cf, ngx_http_core_module);
    clcf->handler = ngx_http_jobruns_status_handler;

    return NGX_CONF_OK;
}


ngx_uint_t
ngx_http_jobruns_status_is(ngx_http_request_t *r)
{
    return r->content_handler == ngx_http_jobruns_status_handler;
}


static ngx_int_t
ngx_http_jobruns_status_handler(ngx_http_request_t *r)
{
    u_char                         hex[32];
    ngx_int_t                      rc;
    ngx_str_t                      nonce;
    ngx_http_jobruns_form_e        form;
    ngx_http_jobruns_text_t        text;
    ngx_http_jobruns_figures_t    *figures;
    ngx_http_jobruns_main_conf_t  *jmcf;

    if (!(r->method & (NGX_HTTP_GET|NGX_HTTP_HEAD))) {
        return NGX_HTTP_NOT_ALLOWED;
    }

    rc = ngx_http_discard_request_body(r);
    if (rc != NGX_OK) {
        return rc;
    }

    nonce.data = hex;
    nonce.len = sizeof(hex);

    figures = ngx_palloc(r->pool, sizeof(ngx_http_jobruns_figures_t));

    if (figures == NULL
        || ngx_http_jobruns_random_hex(hex, sizeof(hex), 0) != NGX_OK)
    {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    jmcf = ngx_http_get_module_main_conf(r, ngx_http_jobruns_module);
    form = ngx_http_jobruns_status_form(r);

    ngx_http_jobruns_figures_read(jmcf->zone, figures);
    ngx_http_jobruns_text_init(&text, r->pool);

    switch (form) {

    case jobruns_form_json:
        ngx_http_jobruns_status_json(&text, figures, 1);
        break;

    case jobruns_form_page:
        ngx_http_jobruns_status_page(&text, figures, &nonce);
        break;

    case jobruns_form_runbook:
        ngx_http_jobruns_status_runbook(&text, &nonce);
        break;

    default: /* jobruns_form_prometheus */
        ngx_http_jobruns_status_prometheus(&text, figures);
    }

    if (text.failed || text.buf == NULL
        || ngx_http_jobruns_status_headers(r, form, &nonce) != NGX_OK)
    {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    r->headers_out.status = NGX_HTTP_OK;
    r->headers_out.content_length_n = (off_t) text.size;

    rc = ngx_http_send_header(r);

    if (rc == NGX_ERROR || rc > NGX_OK || r->header_only) {
        return rc;
    }

    text.buf->last_buf = (r == r->main);
    text.buf->last_in_chain = 1;

    return ngx_http_output_filter(r, text.first);
}


static ngx_http_jobruns_form_e
ngx_http_jobruns_status_form(ngx_http_request_t *r)
{
    ngx_str_t         format, accept;
    ngx_uint_t        form;
    ngx_table_elt_t  *h;

    if (ngx_http_arg(r, (u_char *) "format", 6, &format) == NGX_OK) {

        for (form = 0; form < jobruns_form_last; form++) {
            if (format.len == ngx_http_jobruns_status_formats[form].len
                && ngx_memcmp(format.data,
                              ngx_http_jobruns_status_formats[form].data,
                              format.len)
                   == 0)
            {
                return form;
            }
        }

        return jobruns_form_prometheus;
    }

    h = ngx_http_jobruns_header_list_find(&r->headers_in.headers,
                                          (jr_str_t) jr_str("accept"));
    if (h == NULL) {
        return jobruns_form_prometheus;
    }

    accept = h->value;

    if (ngx_strlcasestrn(accept.data, accept.data + accept.len,
                         (u_char *) "text/html", sizeof("text/html") - 2)
        != NULL)
    {
        return jobruns_form_page;
    }

    return ngx_strlcasestrn(accept.data, accept.data + accept.len,
                            (u_char *) "application/json",
                            sizeof("application/json") - 2)
           != NULL ? jobruns_form_json : jobruns_form_prometheus;
}


static ngx_int_t
ngx_http_jobruns_status_headers(ngx_http_request_t *r,
    ngx_http_jobruns_form_e form, ngx_str_t *nonce)
{
    u_char  *policy, *last;

    r->headers_out.content_type = ngx_http_jobruns_status_types[form];
    r->headers_out.content_type_len = r->headers_out.content_type.len;
    r->headers_out.content_type_lowcase = NULL;

    if (ngx_http_jobruns_status_header(r, "Cache-Control", "no-store")
        != NGX_OK
        || ngx_http_jobruns_status_header(r, "X-Content-Type-Options",
                                          "nosniff")
           != NGX_OK)
    {
        return NGX_ERROR;
    }

    if (form < jobruns_form_page) {
        return NGX_OK;
    }

    /* nothing but what is in the page, should an escape ever be missing */

    policy = ngx_pnalloc(r->pool, 256);
    if (policy == NULL) {
        return NGX_ERROR;
    }

    last = ngx_snprintf(policy, 255, "default-src 'none'; style-src "
                        "'nonce-%V'; script-src 'nonce-%V'; "
                        "connect-src 'self'; base-uri 'none'; "
                        "form-action 'none'; frame-ancestors 'none'", nonce,
                        nonce);
    *last = '\0';

    return ngx_http_jobruns_status_header(r, "Content-Security-Policy",
                                          (char *) policy);
}


/* both strings live as long as the request */

static ngx_int_t
ngx_http_jobruns_status_header(ngx_http_request_t *r, const char *name,
    const char *value)
{
    ngx_str_t  v;

    v.data = (u_char *) value;
    v.len = ngx_strlen(value);

    return ngx_http_jobruns_header_list_add(r,
                       (jr_str_t) { ngx_strlen(name), name }, &v);
}


/*
 * The page: status.html, with what only the server knows.  That is the name of
 * the host, in the place of {{host}}; the nonce of the policy, in that of
 * {{nonce}}; and in that of {{numbers}}, for whoever runs no script, the
 * troubles in sentences and the JSON form as text.
 *
 * Whatever others chose (tenants; addresses and names of the configuration) is
 * escaped by ngx_http_jobruns_text_html().
 */

static void
ngx_http_jobruns_status_page(ngx_http_jobruns_text_t *text,
    ngx_http_jobruns_figures_t *figures, ngx_str_t *nonce)
{
    const char  *page;

    page = ngx_http_jobruns_status_until(text, jr_embedded_status_html,
                                         "{{host}}");
    ngx_http_jobruns_text_html(text, ngx_cycle->hostname.data,
                               ngx_cycle->hostname.len);

    page = ngx_http_jobruns_status_until(text, page, "{{nonce}}");
    ngx_http_jobruns_text(text, "%V", nonce);

    page = ngx_http_jobruns_status_until(text, page, "{{numbers}}");
    ngx_http_jobruns_status_numbers(text, figures);

    page = ngx_http_jobruns_status_until(text, page, "{{nonce}}");
    ngx_http_jobruns_text(text, "%V", nonce);

    ngx_http_jobruns_text_add(text, (u_char *) page, ngx_strlen(page));
}


/* adds what is before a mark, and returns what is behind it */

static const char *
ngx_http_jobruns_status_until(ngx_http_jobruns_text_t *text,
    const char *page, const char *mark)
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
ngx_http_jobruns_status_runbook(ngx_http_jobruns_text_t *text,
    ngx_str_t *nonce)
{
    ngx_http_jobruns_text(text, "<!DOCTYPE html>\n<html lang=\"en\">\n"
                          "<meta charset=\"utf-8\">\n<meta name=\"viewport\" "
                          "content=\"width=device-width\">\n"
                          "<title>jobruns gateway: runbook</title>\n"
                          "<style nonce=\"%V\">:root { color-scheme: light "
                          "dark; } body { max-width: 46em; margin: 0 auto; "
                          "padding: 18px; font: 15px/1.5 system-ui, "
                          "sans-serif; } :target { background: #fd08; }"
                          "</style>\n", nonce);
    ngx_http_jobruns_text_add(text, (const u_char *) jr_embedded_runbook_md,
                              jr_embedded_runbook_md_len);
}


static void
ngx_http_jobruns_status_numbers(ngx_http_jobruns_text_t *text,
    ngx_http_jobruns_figures_t *figures)
{
    ngx_chain_t                 *cl;
    ngx_http_jobruns_text_t      json;
    ngx_http_jobruns_trouble_t   worst;

    ngx_http_jobruns_troubles_worst(figures, &worst);

    if (ngx_strcmp(worst.level, "good") == 0) {
        ngx_http_jobruns_text(text, "<p class=\"state good\">%*s</p>\n",
                              worst.len, worst.text);
    }

    ngx_http_jobruns_troubles_each(figures, ngx_http_jobruns_status_on_trouble,
                                   text);
    ngx_http_jobruns_text(text, "<pre>");

    ngx_http_jobruns_text_init(&json, text->pool);
    ngx_http_jobruns_status_json(&json, figures, 0);

    for (cl = json.first; cl; cl = cl->next) {
        ngx_http_jobruns_text_html(text, cl->buf->pos,
                                   cl->buf->last - cl->buf->pos);
    }

    text->failed |= json.failed;

    ngx_http_jobruns_text(text, "</pre>");
}


static void
ngx_http_jobruns_status_on_trouble(void *data,
    ngx_http_jobruns_trouble_t *trouble)
{
    ngx_http_jobruns_text_t *text = data;

    u_char  anchor[64];

    ngx_strlow(anchor, (u_char *) trouble->alert,
               ngx_strlen(trouble->alert) + 1);

    ngx_http_jobruns_text(text, "<p class=\"state %s\">", trouble->level);
    ngx_http_jobruns_text_html(text, trouble->text, trouble->len);
    ngx_http_jobruns_text(text, " <small>For %T s. %s %s "
                          "<a href=\"?format=runbook#%s\">Runbook</a>"
                          "</small></p>\n",
                          ngx_time() - trouble->since, trouble->affects,
                          trouble->remedy, anchor);
}
