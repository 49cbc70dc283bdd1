/*
 * What surrounds the figures of the page: its style and its script.
 *
 * The page is whole without the script; a browser that runs none reloads it
 * as a whole (the "noscript" refresh), one that does exchanges its main part
 * and says when the gateway does not answer any more.
 */

#include "ngx_http_jobruns_page_frame.h"
#include "ngx_http_jobruns_status.h"
#include "ngx_http_jobruns_text.h"


static const char  ngx_http_jobruns_page_style[] =
    ":root{color-scheme:light dark;--bg:#f5f6f8;--card:#fff;--ink:#1b1f24;"
    "--soft:#636c76;--line:#dfe3e8;--blue:#0b62d6;--green:#1a7f37;"
    "--amber:#9a6700;--red:#cf222e}"
    "@media(prefers-color-scheme:dark){:root{--bg:#0f1216;--card:#181c22;"
    "--ink:#e6e9ed;--soft:#939da8;--line:#2b3138;--blue:#6cb0ff;"
    "--green:#4ac26b;--amber:#d4a72c;--red:#ff7b72}}"
    "*{box-sizing:border-box}"
    "body{margin:0;background:var(--bg);color:var(--ink);"
    "font:14px/1.45 system-ui,sans-serif}"
    "main{max-width:1180px;margin:0 auto;padding:18px}"
    "header{display:flex;flex-wrap:wrap;align-items:baseline;gap:4px 18px}"
    "h1{font-size:19px;margin:0}"
    "h2{font-size:13px;margin:0 0 8px;color:var(--soft);font-weight:600}"
    ".meta{color:var(--soft);margin:0;font-size:12px}"
    ".state{margin:12px 0;padding:9px 14px;border-radius:8px;"
    "background:var(--card);border:1px solid var(--line);"
    "border-left:6px solid var(--green);font-weight:600}"
    ".warn{border-left-color:var(--amber)}.bad{border-left-color:var(--red)}"
    ".cards{display:grid;gap:12px;margin-bottom:12px;"
    "grid-template-columns:repeat(auto-fit,minmax(205px,1fr))}"
    ".grid{display:grid;gap:12px;align-items:start;"
    "grid-template-columns:repeat(auto-fit,minmax(min(100%,400px),1fr))}"
    ".column{display:grid;gap:12px;align-items:start}"
    ".card{background:var(--card);border:1px solid var(--line);"
    "border-radius:8px;padding:12px 14px;overflow-x:auto}"
    ".big{font-size:25px;font-weight:650;font-variant-numeric:tabular-nums;"
    "line-height:1.15}"
    ".big small{font-size:12px;color:var(--soft);font-weight:400}"
    "svg{display:block;width:100%;height:34px;margin-top:6px}"
    "td svg{width:118px;height:20px;margin:0 0 0 auto}"
    "polyline{fill:none;stroke:var(--blue);stroke-width:1.5;"
    "vector-effect:non-scaling-stroke}"
    "polygon{fill:var(--blue);opacity:.16}"
    ".g polyline{stroke:var(--green)}.g polygon{fill:var(--green)}"
    ".a polyline{stroke:var(--amber)}.a polygon{fill:var(--amber)}"
    ".r polyline{stroke:var(--red)}.r polygon{fill:var(--red)}"
    "table{border-collapse:collapse;width:100%}"
    "th{font-weight:500;color:var(--soft);font-size:12px;text-align:left;"
    "padding:2px 8px 5px 0;white-space:nowrap}"
    "td{padding:4px 8px 4px 0;border-top:1px solid var(--line);"
    "vertical-align:middle}"
    "td small{color:var(--soft);display:block;font-size:11px;"
    "line-height:1.3}"
    ".n{text-align:right;font-variant-numeric:tabular-nums;"
    "white-space:nowrap}"
    ".t{word-break:break-all;font-family:ui-monospace,monospace;"
    "font-size:12px}"
    ".hot{color:var(--red);font-weight:650}.none{color:var(--soft)}"
    "body.lost main{opacity:.45}"
    "#lost{display:none;margin:0;padding:8px;text-align:center;"
    "background:var(--red);color:#fff}"
    "body.lost #lost{display:block}";


static const char  ngx_http_jobruns_page_script[] =
    "(function(){var b=document.body;"
    "function next(){setTimeout(load,2000)}"
    "function load(){if(document.hidden){next();return}"
    "fetch(location.href,{headers:{Accept:'text/html'},cache:'no-store'})"
    ".then(function(a){if(!a.ok)throw 0;return a.text()})"
    ".then(function(t){var m=new DOMParser()"
    ".parseFromString(t,'text/html').querySelector('main');"
    "if(!m)throw 0;document.querySelector('main').replaceWith(m);"
    "b.className='';next()},function(){b.className='lost';next()})"
    ".catch(function(){b.className='lost';next()})}"
    "next()})()";


void
ngx_http_jobruns_page_begin(ngx_http_jobruns_text_t *text)
{
    ngx_http_jobruns_text(text, "<!DOCTYPE html>\n<html lang=\"en\"><head>"
        "<meta charset=\"utf-8\"><meta name=\"viewport\" "
        "content=\"width=device-width\"><noscript><meta "
        "http-equiv=\"refresh\" content=\"2\"></noscript>"
        "<title>jobruns gateway</title><style>");

    ngx_http_jobruns_text_add(text, (u_char *) ngx_http_jobruns_page_style,
                              sizeof(ngx_http_jobruns_page_style) - 1);

    ngx_http_jobruns_text(text, "</style></head>\n<body><p id=\"lost\">The "
        "gateway does not answer: these figures are old.</p>\n<main>\n");
}


void
ngx_http_jobruns_page_end(ngx_http_jobruns_text_t *text, ngx_str_t *nonce)
{
    ngx_http_jobruns_text(text, "</main>\n<script nonce=\"%V\">", nonce);

    ngx_http_jobruns_text_add(text, (u_char *) ngx_http_jobruns_page_script,
                              sizeof(ngx_http_jobruns_page_script) - 1);

    ngx_http_jobruns_text(text, "</script></body></html>\n");
}
