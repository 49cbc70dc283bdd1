/* SPDX-License-Identifier: BSD-2-Clause
 *
 * What `nginx -t` accepts and warns of, once all levels are merged: settings
 * that work, and surprise whoever has them.
 *
 * Locations inherit settings, so a warning is given for the first that has
 * them, in the order in which NGINX merges: a level comes before those in it.
 */

#include "ngx_http_jobruns_warnings.h"


/* SDKs wait 60 s for a response; some of it is for the way there and back */
#define NGX_HTTP_JOBRUNS_WAIT_USUAL  55000


/* do two locations have in common what is warned of? */
typedef ngx_uint_t (*ngx_http_jobruns_warnings_same_pt)(
    ngx_http_jobruns_location_t *one, ngx_http_jobruns_location_t *two);


static ngx_uint_t ngx_http_jobruns_warnings_on(
    ngx_http_jobruns_location_t *loc);
static ngx_uint_t ngx_http_jobruns_warnings_seen(
    ngx_http_jobruns_location_t *first, ngx_http_jobruns_location_t *loc,
    ngx_http_jobruns_warnings_same_pt same);
static ngx_uint_t ngx_http_jobruns_warnings_same_wait(
    ngx_http_jobruns_location_t *one, ngx_http_jobruns_location_t *two);
static ngx_uint_t ngx_http_jobruns_warnings_same_timeout(
    ngx_http_jobruns_location_t *one, ngx_http_jobruns_location_t *two);
static ngx_uint_t ngx_http_jobruns_warnings_same_limits(
    ngx_http_jobruns_location_t *one, ngx_http_jobruns_location_t *two);
static void ngx_http_jobruns_warnings_limits(ngx_conf_t *cf,
    ngx_http_jobruns_loc_conf_t *conf);
static ngx_uint_t ngx_http_jobruns_warnings_has(ngx_array_t *limits,
    jr_limit_t *limit);


void
ngx_http_jobruns_warnings_log(ngx_conf_t *cf,
    ngx_http_jobruns_foreign_t *foreign)
{
    ngx_uint_t                     i;
    ngx_http_jobruns_location_t   *first, *loc;
    ngx_http_jobruns_loc_conf_t   *conf;
    ngx_http_jobruns_main_conf_t  *jmcf;

    jmcf = ngx_http_conf_get_module_main_conf(cf, ngx_http_jobruns_module);
    first = jmcf->locations.elts;

    for (i = 0; i < jmcf->locations.nelts; i++) {
        loc = &first[i];
        conf = loc->conf;

        if (conf->status
            && !ngx_http_jobruns_foreign_restricted(foreign, loc))
        {
            ngx_log_error(NGX_LOG_WARN, cf->log, 0,
                          "\"jobruns_status\" in location \"%V\" is open to "
                          "everybody, and names tenants: add \"allow "
                          "127.0.0.1;\" and \"deny all;\" there (the location "
                          "begins in %V:%ui)", &loc->core->name, &conf->file,
                          conf->line);
        }

        if (!ngx_http_jobruns_warnings_on(loc)) {
            continue;
        }

        if (conf->retry_wait > NGX_HTTP_JOBRUNS_WAIT_USUAL
            && !ngx_http_jobruns_warnings_seen(first, loc,
                                         ngx_http_jobruns_warnings_same_wait))
        {
            ngx_log_error(NGX_LOG_WARN, cf->log, 0,
                          "\"jobruns_retry_wait\" is %Mms: SDKs give up after "
                          "60s, before they get the 409 that ends the wait; "
                          "set it to 55s or less (it holds in the level that "
                          "begins in %V:%ui)", conf->retry_wait, &conf->file,
                          conf->line);
        }

        if (conf->redis_timeout > loc->core->send_timeout
            && !ngx_http_jobruns_warnings_seen(first, loc,
                                      ngx_http_jobruns_warnings_same_timeout))
        {
            ngx_log_error(NGX_LOG_WARN, cf->log, 0,
                          "\"jobruns_redis_timeout\" %Mms is longer than "
                          "\"send_timeout\" %Mms: clients may give up before "
                          "the gateway stops waiting for Redis; set it well "
                          "below, such as 200ms (it holds in the level that "
                          "begins in %V:%ui)", conf->redis_timeout,
                          loc->core->send_timeout, &conf->file, conf->line);
        }

        if (conf->replaced != NULL
            && !ngx_http_jobruns_warnings_seen(first, loc,
                                       ngx_http_jobruns_warnings_same_limits))
        {
            ngx_http_jobruns_warnings_limits(cf, conf);
        }
    }
}


static ngx_uint_t
ngx_http_jobruns_warnings_on(ngx_http_jobruns_location_t *loc)
{
    return loc->conf->enable == jobruns_on
           || loc->conf->enable == jobruns_dry_run;
}


static ngx_uint_t
ngx_http_jobruns_warnings_seen(ngx_http_jobruns_location_t *first,
    ngx_http_jobruns_location_t *loc, ngx_http_jobruns_warnings_same_pt same)
{
    for ( /* void */ ; first < loc; first++) {
        if (ngx_http_jobruns_warnings_on(first) && same(first, loc)) {
            return 1;
        }
    }

    return 0;
}


static ngx_uint_t
ngx_http_jobruns_warnings_same_wait(ngx_http_jobruns_location_t *one,
    ngx_http_jobruns_location_t *two)
{
    return one->conf->retry_wait == two->conf->retry_wait;
}


static ngx_uint_t
ngx_http_jobruns_warnings_same_timeout(ngx_http_jobruns_location_t *one,
    ngx_http_jobruns_location_t *two)
{
    return one->conf->redis_timeout == two->conf->redis_timeout
           && one->core->send_timeout == two->core->send_timeout;
}


static ngx_uint_t
ngx_http_jobruns_warnings_same_limits(ngx_http_jobruns_location_t *one,
    ngx_http_jobruns_location_t *two)
{
    return one->conf->limits == two->conf->limits;
}


/* a limit that the level has again, with whatever numbers, was not forgotten */

static void
ngx_http_jobruns_warnings_limits(ngx_conf_t *cf,
    ngx_http_jobruns_loc_conf_t *conf)
{
    ngx_uint_t                 i;
    jr_limit_t                *limit;
    ngx_http_jobruns_limit_t  *outer;

    outer = conf->replaced->elts;

    for (i = 0; i < conf->replaced->nelts; i++) {
        limit = &outer[i].limit;

        if (ngx_http_jobruns_warnings_has(conf->limits, limit)) {
            continue;
        }

        ngx_log_error(NGX_LOG_WARN, cf->log, 0,
                      "%s \"%*s\" of an outer level does not hold in the "
                      "level that begins in %V:%ui, whose own limits replace "
                      "all outer ones: repeat it there if it is to hold",
                      jr_limit_kinds[limit->kind].directive.data,
                      limit->name.len, limit->name.data, &conf->file,
                      conf->line);
    }
}


static ngx_uint_t
ngx_http_jobruns_warnings_has(ngx_array_t *limits, jr_limit_t *limit)
{
    ngx_uint_t                 i;
    ngx_http_jobruns_limit_t  *own;

    own = limits->elts;

    for (i = 0; i < limits->nelts; i++) {
        if (own[i].limit.kind == limit->kind
            && jr_str_eq(own[i].limit.name, limit->name.data,
                         limit->name.len))
        {
            return 1;
        }
    }

    return 0;
}
