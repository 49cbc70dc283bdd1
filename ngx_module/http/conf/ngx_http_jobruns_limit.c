/* SPDX-License-Identifier: BSD-2-Clause
 *
 * jobruns_limit, jobruns_quota and jobruns_concurrency: one setter for all
 * kinds, which jr_limit_kinds says the parameters of; and limits of one kind
 * and name that are not one limit, of which `nginx -t` warns.
 *
 * A counter is named by kind, name and window, wherever its limit stands.  So
 * two windows under one name are two counters, which overrides cannot tell
 * apart; and two rates under one name are one backlog that each location
 * works off at its own rate.  Different numbers of a quota or a concurrency
 * are not warned of: they are one count, with a bound in each location.
 */

#include "ngx_http_jobruns.h"
#include "ngx_http_jobruns_directives.h"
#include "ngx_http_jobruns_limit.h"


#define NGX_HTTP_JOBRUNS_CONFLICT_LEN  384


/* a limit as a merged location has it */
typedef struct {
    ngx_http_jobruns_limit_t   *limit;
    ngx_str_t                  *prefix;
} ngx_http_jobruns_limit_place_t;


static char *ngx_http_jobruns_limit_parameter(ngx_conf_t *cf,
    ngx_http_jobruns_limit_t *limit, ngx_str_t *arg, ngx_uint_t *given);
static ngx_http_jobruns_limit_t *ngx_http_jobruns_limit_add(ngx_conf_t *cf,
    ngx_http_jobruns_loc_conf_t *jlcf, jr_limit_kind_e kind);
static char *ngx_http_jobruns_limit_pack(ngx_conf_t *cf, jr_limit_t *limit);
static char *ngx_http_jobruns_limit_key(ngx_conf_t *cf,
    ngx_http_jobruns_limit_t *limit, ngx_str_t *arg, ngx_str_t *text);
static ngx_http_jobruns_limit_place_t *ngx_http_jobruns_limit_namesake(
    ngx_array_t *places, ngx_http_jobruns_limit_place_t *place);
static ngx_int_t ngx_http_jobruns_limit_warn(ngx_conf_t *cf,
    jr_limit_t *limit, jr_limit_t *other);
static void ngx_http_jobruns_limit_delays(ngx_conf_t *cf,
    ngx_array_t *limits);


char *
ngx_http_jobruns_limit_set(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    char                      *rv;
    ngx_str_t                 *arg;
    ngx_uint_t                 i, key, given;
    jr_limit_kind_e            kind;
    const jr_limit_param_t    *p;
    ngx_http_jobruns_limit_t  *limit;

    rv = ngx_http_jobruns_directives_once(cf);

    if (rv != NGX_CONF_OK) {
        return rv;
    }

    kind = jr_limit_kind_find(ngx_http_jobruns_str(cmd->name));

    limit = ngx_http_jobruns_limit_add(cf, conf, kind);
    if (limit == NULL) {
        return NGX_CONF_ERROR;
    }

    key = 0;
    given = 0;
    arg = cf->args->elts;

    for (i = 2; i < cf->args->nelts; i++) {

        if (i == cf->args->nelts - 1
            && ngx_strcmp(arg[i].data, "dry_run") == 0)
        {
            limit->limit.dry_run = 1;
            continue;
        }

        key |= (ngx_strncmp(arg[i].data, "key=", 4) == 0);

        rv = ngx_http_jobruns_limit_parameter(cf, limit, &arg[i], &given);

        if (rv != NGX_CONF_OK) {
            return rv;
        }
    }

    if (!key) {
        return "needs \"key=\": tenant, platform, workspace or a $variable";
    }

    for (p = jr_limit_kinds[kind].params; p->name; p++, given >>= 1) {
        if (p->missing != NULL && !(given & 1)) {
            return (char *) p->missing;
        }
    }

    return ngx_http_jobruns_limit_pack(cf, &limit->limit);
}


/* most of what the scripts are told of it is the same for each request */

static char *
ngx_http_jobruns_limit_pack(ngx_conf_t *cf, jr_limit_t *limit)
{
    char    *p;
    size_t   size;

    size = jr_limit_packed_size(limit);

    p = ngx_pnalloc(cf->pool, size);
    if (p == NULL) {
        return NGX_CONF_ERROR;
    }

    (void) jr_limit_pack(limit, 0, p);

    limit->packed = (jr_str_t) { size, p };

    return NGX_CONF_OK;
}


/* given has a bit for each parameter of the kind that was there */

static char *
ngx_http_jobruns_limit_parameter(ngx_conf_t *cf,
    ngx_http_jobruns_limit_t *limit, ngx_str_t *arg, ngx_uint_t *given)
{
    ngx_str_t                value;
    const jr_limit_kind_t   *kind;
    const jr_limit_param_t  *p;

    if (ngx_http_jobruns_directives_option(arg, "key=", &value) == NGX_OK) {
        return ngx_http_jobruns_limit_key(cf, limit, arg, &value);
    }

    kind = &jr_limit_kinds[limit->limit.kind];

    for (p = kind->params; p->name; p++) {

        if (ngx_http_jobruns_directives_option(arg, p->name, &value)
            != NGX_OK)
        {
            continue;
        }

        if (p->set(&limit->limit, ngx_http_jobruns_str(value)) == JR_OK) {
            *given |= (ngx_uint_t) 1 << (p - kind->params);
            return NGX_CONF_OK;
        }

        return ngx_http_jobruns_directives_refuse(cf, arg, p->expected);
    }

    return ngx_http_jobruns_directives_refuse(cf, arg, kind->takes);
}


/* a new limit with the name in the first argument */

static ngx_http_jobruns_limit_t *
ngx_http_jobruns_limit_add(ngx_conf_t *cf, ngx_http_jobruns_loc_conf_t *jlcf,
    jr_limit_kind_e kind)
{
    ngx_str_t                 *arg;
    ngx_uint_t                 i;
    ngx_http_jobruns_limit_t  *limit;

    arg = cf->args->elts;

    if (jr_limit_name(ngx_http_jobruns_str(arg[1])) != JR_OK) {
        (void) ngx_http_jobruns_directives_refuse(cf, &arg[1],
                                        "a name: a letter and up to 31 "
                                        "letters, digits, \"_\" and \"-\"");
        return NULL;
    }

    if (jlcf->limits == NGX_CONF_UNSET_PTR) {
        jlcf->limits = ngx_array_create(cf->pool, 4,
                                        sizeof(ngx_http_jobruns_limit_t));
        if (jlcf->limits == NULL) {
            return NULL;
        }
    }

    limit = jlcf->limits->elts;

    for (i = 0; i < jlcf->limits->nelts; i++) {
        if (jr_str_eq(limit[i].limit.name, (char *) arg[1].data, arg[1].len))
        {
            ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                               "invalid name of \"%V\": a limit with the "
                               "name \"%V\" is already defined at this "
                               "level; expected another name", &arg[0],
                               &arg[1]);
            return NULL;
        }
    }

    limit = ngx_array_push(jlcf->limits);
    if (limit == NULL) {
        return NULL;
    }

    ngx_memzero(limit, sizeof(ngx_http_jobruns_limit_t));

    limit->limit.kind = kind;
    limit->limit.name = ngx_http_jobruns_str(arg[1]);

    return limit;
}


static char *
ngx_http_jobruns_limit_key(ngx_conf_t *cf, ngx_http_jobruns_limit_t *limit,
    ngx_str_t *arg, ngx_str_t *text)
{
    ngx_http_compile_complex_value_t  ccv;

    if (ngx_strcmp(text->data, "tenant") == 0) {
        limit->by = jobruns_key_tenant;
        return NGX_CONF_OK;
    }

    if (ngx_strcmp(text->data, "platform") == 0) {
        limit->by = jobruns_key_platform;
        return NGX_CONF_OK;
    }

    if (ngx_strcmp(text->data, "workspace") == 0) {
        limit->by = jobruns_key_workspace;
        return NGX_CONF_OK;
    }

    if (ngx_strlchr(text->data, text->data + text->len, '$') == NULL) {
        return ngx_http_jobruns_directives_refuse(cf, arg,
                                       "\"key=\" with tenant, platform, "
                                       "workspace or a $variable");
    }

    limit->by = jobruns_key_variable;

    limit->key = ngx_palloc(cf->pool, sizeof(ngx_http_complex_value_t));
    if (limit->key == NULL) {
        return NGX_CONF_ERROR;
    }

    ngx_memzero(&ccv, sizeof(ngx_http_compile_complex_value_t));

    ccv.cf = cf;
    ccv.value = text;
    ccv.complex_value = limit->key;

    return ngx_http_compile_complex_value(&ccv) == NGX_OK ? NGX_CONF_OK
                                                          : NGX_CONF_ERROR;
}


void
ngx_http_jobruns_limit_merge(ngx_http_jobruns_loc_conf_t *prev,
    ngx_http_jobruns_loc_conf_t *conf)
{
    if (conf->limits == NGX_CONF_UNSET_PTR) {
        conf->replaced = prev->replaced;

    } else if (prev->limits != NGX_CONF_UNSET_PTR) {
        conf->replaced = prev->limits;
    }

    ngx_conf_merge_ptr_value(conf->limits, prev->limits, NULL);
}


ngx_int_t
ngx_http_jobruns_limit_check(ngx_conf_t *cf, ngx_http_jobruns_loc_conf_t *jlcf)
{
    ngx_uint_t                       i, added;
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

    added = 0;
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
        added = 1;
    }

    if (added) {
        ngx_http_jobruns_limit_delays(cf, jlcf->limits);
    }

    return NGX_OK;
}


/*
 * Those that wait for a rate hold their slots: where these are fewer than may
 * wait, they are what refuses.
 */

static void
ngx_http_jobruns_limit_delays(ngx_conf_t *cf, ngx_array_t *limits)
{
    int64_t                    waiting;
    ngx_uint_t                 i, k;
    jr_limit_t                *rate, *held;
    ngx_http_jobruns_limit_t  *limit;

    limit = limits->elts;

    for (i = 0; i < limits->nelts; i++) {
        rate = &limit[i].limit;

        if (rate->kind != JR_LIMIT_RATE || rate->delay == 0 || rate->dry_run)
        {
            continue;
        }

        waiting = rate->count * rate->delay / (rate->period / 1000);

        for (k = 0; k < limits->nelts; k++) {
            held = &limit[k].limit;

            if (!jr_limit_kinds[held->kind].held || held->delay != 0
                || held->dry_run || held->count >= waiting)
            {
                continue;
            }

            ngx_log_error(NGX_LOG_WARN, cf->log, 0,
                          "%s \"%*s\" limit=%L refuses what waits for %s "
                          "\"%*s\": %L may wait for it and hold a slot each; "
                          "raise the limit, or add \"delay=\" to it",
                          jr_limit_kinds[held->kind].directive.data,
                          held->name.len, held->name.data, held->count,
                          jr_limit_kinds[rate->kind].directive.data,
                          rate->name.len, rate->name.data, waiting);
        }
    }
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
    char                    why[NGX_HTTP_JOBRUNS_CONFLICT_LEN];
    const jr_limit_kind_t  *kind;

    kind = &jr_limit_kinds[limit->kind];

    if (kind->conflict == NULL
        || kind->conflict(limit, other, why, sizeof(why)) == 0)
    {
        return 0;
    }

    ngx_log_error(NGX_LOG_WARN, cf->log, 0, "%s \"%*s\" %s",
                  kind->directive.data, limit->name.len, limit->name.data,
                  why);
    return 1;
}
