/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Settings of proxy_pass that would break a promise beside `jobruns on`:
 * forwarding twice, hiding the service's answer, changing what the client
 * signed.  `nginx -t` refuses them, each with the line that fixes it, and the
 * guard where a creation leaves by a location that nobody could check.
 */

#include "ngx_http_jobruns_conflicts.h"


static const ngx_http_jobruns_conflict_t  ngx_http_jobruns_twice = {
    "proxy_next_upstream ... non_idempotent",
    "it sends a creation to a second server when the first may have made it",
    "proxy_next_upstream error timeout;",
    "the location that it leaves by has \"proxy_next_upstream ... "
    "non_idempotent\"; include jobruns_proxy.conf there"
};

static const ngx_http_jobruns_conflict_t  ngx_http_jobruns_intercepts = {
    "proxy_intercept_errors on", "it hides the service's response",
    "proxy_intercept_errors off;",
    "the location that it leaves by has \"proxy_intercept_errors on\"; include "
    "jobruns_proxy.conf there"
};

#if (NGX_HTTP_CACHE)

static const ngx_http_jobruns_conflict_t  ngx_http_jobruns_caches_posts = {
    "proxy_cache with \"proxy_cache_methods POST\"",
    "a response must come from the service or from the token's record",
    "proxy_cache_methods GET HEAD;", NULL
};

static const ngx_http_jobruns_conflict_t  ngx_http_jobruns_caches = {
    "proxy_cache",
    "a response must come from the service or from the token's record",
    "proxy_cache off;",
    "the location that it leaves by has \"proxy_cache\"; set \"proxy_cache "
    "off;\" there"
};

#endif

static const ngx_http_jobruns_conflict_t  ngx_http_jobruns_stores = {
    "proxy_store", "it writes responses to files that anybody may be given",
    "proxy_store off;",
    "the location that it leaves by has \"proxy_store\"; set \"proxy_store "
    "off;\" there"
};

static const ngx_http_jobruns_conflict_t  ngx_http_jobruns_aborts = {
    "proxy_ignore_client_abort off (the default)",
    "a client that hangs up would cut the exchange and leave its outcome "
    "unknown", "proxy_ignore_client_abort on;",
    "the location that it leaves by has \"proxy_ignore_client_abort off\"; "
    "include jobruns_proxy.conf there"
};

static const ngx_http_jobruns_conflict_t  ngx_http_jobruns_accel = {
    "proxy_ignore_headers without X-Accel-Redirect",
    "the service's response could be replaced by another location's",
    "proxy_ignore_headers X-Accel-Redirect X-Accel-Expires "
    "X-Accel-Limit-Rate X-Accel-Buffering X-Accel-Charset;",
    "the location that it leaves by obeys X-Accel-Redirect; include "
    "jobruns_proxy.conf there"
};

static const ngx_http_jobruns_conflict_t  ngx_http_jobruns_partial = {
    "proxy_pass_request_headers off or proxy_pass_request_body off",
    "the service must get what the client signed",
    "proxy_pass_request_headers on; proxy_pass_request_body on;",
    "the location that it leaves by has \"proxy_pass_request_headers off\" or "
    "\"proxy_pass_request_body off\"; remove it there"
};

static const ngx_http_jobruns_conflict_t  ngx_http_jobruns_body_size = {
    "client_max_body_size above " NGX_HTTP_JOBRUNS_BODY_MOST
    " or 0 (unlimited)",
#if (NGX_THREADS)
    "the body is checked in memory",
#else
    "this NGINX is built without threads (--with-threads), so that a body is "
    "checked while all others wait",
#endif
    "client_max_body_size 1m;", NULL
};


const ngx_http_jobruns_conflict_t *
ngx_http_jobruns_conflicts_find(ngx_http_upstream_conf_t *u)
{
    if (u->next_upstream & NGX_HTTP_UPSTREAM_FT_NON_IDEMPOTENT) {
        return &ngx_http_jobruns_twice;
    }

    if (u->intercept_errors) {
        return &ngx_http_jobruns_intercepts;
    }

#if (NGX_HTTP_CACHE)

    if (u->cache) {
        return &ngx_http_jobruns_caches;
    }

#endif

    if (u->store) {
        return &ngx_http_jobruns_stores;
    }

    if (!u->ignore_client_abort) {
        return &ngx_http_jobruns_aborts;
    }

    if (!(u->ignore_headers & NGX_HTTP_UPSTREAM_IGN_XA_REDIRECT)) {
        return &ngx_http_jobruns_accel;
    }

    if (!u->pass_request_headers || !u->pass_request_body) {
        return &ngx_http_jobruns_partial;
    }

    return NULL;
}


const ngx_http_jobruns_conflict_t *
ngx_http_jobruns_conflicts_find_unset(ngx_http_upstream_conf_t *u,
    ngx_uint_t asked)
{
#if (NGX_HTTP_CACHE)

    if (u->cache && (u->cache_methods & NGX_HTTP_POST)) {
        return &ngx_http_jobruns_caches_posts;
    }

#endif

    if (u->next_upstream & NGX_HTTP_UPSTREAM_FT_NON_IDEMPOTENT) {
        return &ngx_http_jobruns_twice;
    }

    if (u->store) {
        return &ngx_http_jobruns_stores;
    }

    if ((!u->pass_request_headers || !u->pass_request_body) && !asked) {
        return &ngx_http_jobruns_partial;
    }

    return NULL;
}


const ngx_http_jobruns_conflict_t *
ngx_http_jobruns_conflicts_body(ngx_http_core_loc_conf_t *clcf)
{
    return clcf->client_max_body_size == 0
           || clcf->client_max_body_size > NGX_HTTP_JOBRUNS_BODY_MAX
           ? &ngx_http_jobruns_body_size : NULL;
}


ngx_int_t
ngx_http_jobruns_conflicts_refuse(ngx_conf_t *cf,
    ngx_http_jobruns_location_t *loc,
    const ngx_http_jobruns_conflict_t *conflict)
{
    if (loc->conf->enable == jobruns_unset) {
        ngx_log_error(NGX_LOG_EMERG, cf->log, 0,
                      "\"jobruns\" in server \"%V\" does not go with %s "
                      "in its location \"%V\": %s; add \"%s\" there; a "
                      "location that forwards no job runs can say "
                      "\"jobruns off;\" (the location begins in %V:%ui)",
                      &loc->name, conflict->found, &loc->core->name,
                      conflict->why, conflict->mend, &loc->conf->file,
                      loc->conf->line);

        return NGX_ERROR;
    }

    ngx_log_error(NGX_LOG_EMERG, cf->log, 0,
                  "\"jobruns\" in location \"%V\" of server \"%V\" does "
                  "not go with %s: %s; add \"%s\" there, or include "
                  "jobruns_proxy.conf, which sets all that is needed; a "
                  "location that forwards no job runs can say "
                  "\"jobruns off;\" (the location begins in %V:%ui)",
                  &loc->core->name, &loc->name, conflict->found, conflict->why,
                  conflict->mend, &loc->conf->file, loc->conf->line);

    return NGX_ERROR;
}
