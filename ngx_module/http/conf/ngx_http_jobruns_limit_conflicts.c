/*
 * Limits of one kind and name that are not one limit: `nginx -t` warns.
 *
 * A counter is named by kind, name and window, wherever its limit stands.  So
 * two windows under one name are two counters, which overrides cannot tell
 * apart; and two rates under one name are one backlog that each location
 * works off at its own rate.  Different numbers of a quota or a concurrency
 * are not warned of: they are one count, with a bound in each location.
 */

#include "ngx_http_jobruns.h"
#include "ngx_http_jobruns_limit_conflicts.h"


/* a limit as a merged location has it */
typedef struct {
    ngx_http_jobruns_limit_t   *limit;
    ngx_str_t                  *prefix;
} ngx_http_jobruns_limit_place_t;


static ngx_http_jobruns_limit_place_t *ngx_http_jobruns_limit_namesake(
    ngx_array_t *places, ngx_http_jobruns_limit_place_t *place);
static ngx_int_t ngx_http_jobruns_limit_warn(ngx_conf_t *cf,
    jr_limit_t *limit, jr_limit_t *other);


ngx_int_t
ngx_http_jobruns_limits_add(ngx_conf_t *cf, ngx_http_jobruns_loc_conf_t *jlcf)
{
    ngx_uint_t                       i;
    ngx_array_t                     *places;
    ngx_http_jobruns_limit_t        *limit;
    ngx_http_jobruns_main_conf_t    *jmcf;
    ngx_http_jobruns_limit_place_t  *place, *other, at;

    if (jlcf->limits == NULL) {
        return NGX_OK;
    }

    jmcf = ngx_http_conf_get_module_main_conf(cf, ngx_http_jobruns_module);
    places = &jmcf->limit_places;

    if (places->elts == NULL
        && ngx_array_init(places, cf->pool, 4,
                          sizeof(ngx_http_jobruns_limit_place_t))
           != NGX_OK)
    {
        return NGX_ERROR;
    }

    limit = jlcf->limits->elts;

    for (i = 0; i < jlcf->limits->nelts; i++) {
        at.limit = &limit[i];
        at.prefix = &jlcf->prefix;

        other = ngx_http_jobruns_limit_namesake(places, &at);

        if (other != NULL) {

            /* inherited, it is the same one; once is enough for others */

            if (other->limit == at.limit
                || !ngx_http_jobruns_limit_warn(cf, &at.limit->limit,
                                                &other->limit->limit))
            {
                continue;
            }
        }

        place = ngx_array_push(places);
        if (place == NULL) {
            return NGX_ERROR;
        }

        *place = at;
    }

    return NGX_OK;
}


/* the same one if it is there, else another of its kind, name and prefix */

static ngx_http_jobruns_limit_place_t *
ngx_http_jobruns_limit_namesake(ngx_array_t *places,
    ngx_http_jobruns_limit_place_t *place)
{
    ngx_uint_t                       i;
    jr_limit_t                      *limit;
    ngx_http_jobruns_limit_place_t  *other, *found;

    found = NULL;
    limit = &place->limit->limit;
    other = places->elts;

    for (i = 0; i < places->nelts; i++) {

        if (other[i].limit == place->limit) {
            return &other[i];
        }

        if (found == NULL
            && other[i].limit->limit.kind == limit->kind
            && jr_str_eq(other[i].limit->limit.name, limit->name.data,
                         limit->name.len)
            && other[i].prefix->len == place->prefix->len
            && ngx_memcmp(other[i].prefix->data, place->prefix->data,
                          place->prefix->len)
               == 0)
        {
            found = &other[i];
        }
    }

    return found;
}


/* whether there is anything to warn of */

static ngx_int_t
ngx_http_jobruns_limit_warn(ngx_conf_t *cf, jr_limit_t *limit,
    jr_limit_t *other)
{
    if (limit->kind == JR_LIMIT_QUOTA
        && !jr_str_eq(limit->window, other->window.data, other->window.len))
    {
        ngx_log_error(NGX_LOG_WARN, cf->log, 0,
                      "jobruns_quota \"%*s\" has window=%*s in one location "
                      "and window=%*s in another: each window counts for "
                      "itself, and an override of \"%*s.limit\" sets both; "
                      "give them different names",
                      limit->name.len, limit->name.data,
                      other->window.len, other->window.data,
                      limit->window.len, limit->window.data,
                      limit->name.len, limit->name.data);
        return 1;
    }

    if (limit->kind == JR_LIMIT_RATE
        && (limit->count != other->count || limit->period != other->period
            || limit->burst != other->burst))
    {
        ngx_log_error(NGX_LOG_WARN, cf->log, 0,
                      "jobruns_limit \"%*s\" has a different rate or burst "
                      "in two locations: both add to one backlog, which each "
                      "works off at its own rate; give them different names",
                      limit->name.len, limit->name.data);
        return 1;
    }

    return 0;
}
