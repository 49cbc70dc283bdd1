/*
 * jobruns_limit, jobruns_quota and jobruns_concurrency: one parser for the
 * three, driven by a table of what each of them takes.
 */

#include "ngx_http_jobruns.h"
#include "ngx_http_jobruns_directives.h"
#include "ngx_http_jobruns_limit_directives.h"


/* which of the three takes a parameter; a bit per jr_limit_kind_e */
#define NGX_HTTP_JOBRUNS_RATE   (1 << JR_LIMIT_RATE)
#define NGX_HTTP_JOBRUNS_QUOTA  (1 << JR_LIMIT_QUOTA)
#define NGX_HTTP_JOBRUNS_SLOTS  (1 << JR_LIMIT_SLOTS)


typedef struct {
    const char   *name;
    ngx_uint_t    kinds;
    jr_status_e (*set)(jr_limit_t *limit, jr_str_t value);
    const char   *expected;
} ngx_http_jobruns_parameter_t;


static char *ngx_http_jobruns_limit_parse(ngx_conf_t *cf, void *conf,
    jr_limit_kind_e kind);
static char *ngx_http_jobruns_limit_parameter(ngx_conf_t *cf,
    ngx_http_jobruns_limit_t *limit, ngx_str_t *arg);
static ngx_http_jobruns_limit_t *ngx_http_jobruns_limit_add(ngx_conf_t *cf,
    ngx_http_jobruns_loc_conf_t *jlcf, jr_limit_kind_e kind);
static char *ngx_http_jobruns_limit_key(ngx_conf_t *cf,
    ngx_http_jobruns_limit_t *limit, ngx_str_t *text);
static jr_status_e ngx_http_jobruns_set_rate(jr_limit_t *limit,
    jr_str_t value);
static jr_status_e ngx_http_jobruns_set_burst(jr_limit_t *limit,
    jr_str_t value);
static jr_status_e ngx_http_jobruns_set_limit(jr_limit_t *limit,
    jr_str_t value);
static jr_status_e ngx_http_jobruns_set_window(jr_limit_t *limit,
    jr_str_t value);


static const ngx_http_jobruns_parameter_t  ngx_http_jobruns_parameters[] = {

    { "rate=", NGX_HTTP_JOBRUNS_RATE, ngx_http_jobruns_set_rate,
      "1 to 1000000 per second, minute or hour: \"rate=20r/s\", "
      "\"rate=30r/m\", \"rate=7r/h\"" },

    { "burst=", NGX_HTTP_JOBRUNS_RATE, ngx_http_jobruns_set_burst,
      "0 to 1000000: \"burst=40\"" },

    { "limit=", NGX_HTTP_JOBRUNS_QUOTA|NGX_HTTP_JOBRUNS_SLOTS,
      ngx_http_jobruns_set_limit,
      "0 to 1000000000000: \"limit=1000\"" },

    { "window=", NGX_HTTP_JOBRUNS_QUOTA, ngx_http_jobruns_set_window,
      "\"window=hour\", \"window=day\" or \"window=month\"" },

    { NULL, 0, NULL, NULL }
};


/* by jr_limit_kind_e, for messages */

static const char *const  ngx_http_jobruns_takes[] = {
    "\"key=\", \"rate=\", \"burst=\" and last \"dry_run\"",
    "\"key=\", \"limit=\", \"window=\" and last \"dry_run\"",
    "\"key=\", \"limit=\" and last \"dry_run\""
};


char *
ngx_http_jobruns_limit(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    return ngx_http_jobruns_limit_parse(cf, conf, JR_LIMIT_RATE);
}


char *
ngx_http_jobruns_quota(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    return ngx_http_jobruns_limit_parse(cf, conf, JR_LIMIT_QUOTA);
}


char *
ngx_http_jobruns_concurrency(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    return ngx_http_jobruns_limit_parse(cf, conf, JR_LIMIT_SLOTS);
}


static char *
ngx_http_jobruns_limit_parse(ngx_conf_t *cf, void *conf,
    jr_limit_kind_e kind)
{
    char                      *rv;
    ngx_str_t                 *arg;
    ngx_uint_t                 i, key;
    ngx_http_jobruns_limit_t  *limit;

    rv = ngx_http_jobruns_options_once(cf);

    if (rv != NGX_CONF_OK) {
        return rv;
    }

    limit = ngx_http_jobruns_limit_add(cf, conf, kind);
    if (limit == NULL) {
        return NGX_CONF_ERROR;
    }

    key = 0;
    arg = cf->args->elts;

    for (i = 2; i < cf->args->nelts; i++) {

        if (i == cf->args->nelts - 1
            && ngx_strcmp(arg[i].data, "dry_run") == 0)
        {
            limit->limit.dry_run = 1;
            continue;
        }

        key |= (ngx_strncmp(arg[i].data, "key=", 4) == 0);

        rv = ngx_http_jobruns_limit_parameter(cf, limit, &arg[i]);

        if (rv != NGX_CONF_OK) {
            return rv;
        }
    }

    if (!key) {
        return "needs \"key=\": tenant, platform, workspace or a $variable";
    }

    if (limit->limit.count == -1) {
        return kind == JR_LIMIT_RATE
               ? "needs \"rate=\", for example \"rate=20r/s\""
               : "needs \"limit=\", for example \"limit=50\"";
    }

    if (kind == JR_LIMIT_QUOTA && limit->limit.window.len == 0) {
        return "needs \"window=\": hour, day or month";
    }

    return NGX_CONF_OK;
}


static char *
ngx_http_jobruns_limit_parameter(ngx_conf_t *cf,
    ngx_http_jobruns_limit_t *limit, ngx_str_t *arg)
{
    ngx_str_t                            value;
    const ngx_http_jobruns_parameter_t  *p;

    if (ngx_http_jobruns_option(arg, "key=", &value) == NGX_OK) {
        return ngx_http_jobruns_limit_key(cf, limit, &value);
    }

    for (p = ngx_http_jobruns_parameters; p->name; p++) {

        if (!(p->kinds & (1 << limit->limit.kind))
            || ngx_http_jobruns_option(arg, p->name, &value) != NGX_OK)
        {
            continue;
        }

        if (p->set(&limit->limit, ngx_http_jobruns_str(value)) == JR_OK) {
            return NGX_CONF_OK;
        }

        return ngx_http_jobruns_bad_option(cf, arg, p->expected);
    }

    return ngx_http_jobruns_bad_option(cf, arg,
                                  ngx_http_jobruns_takes[limit->limit.kind]);
}


static jr_status_e
ngx_http_jobruns_set_rate(jr_limit_t *limit, jr_str_t value)
{
    return jr_limit_rate(value, &limit->count, &limit->period);
}


static jr_status_e
ngx_http_jobruns_set_burst(jr_limit_t *limit, jr_str_t value)
{
    return jr_limit_number(value, JR_BURST_MAX, &limit->burst);
}


static jr_status_e
ngx_http_jobruns_set_limit(jr_limit_t *limit, jr_str_t value)
{
    return jr_limit_number(value, JR_QUOTA_MAX, &limit->count);
}


static jr_status_e
ngx_http_jobruns_set_window(jr_limit_t *limit, jr_str_t value)
{
    limit->window = value;

    return jr_limit_window(value);
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
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "invalid name \"%V\" of a limit: expected a "
                           "letter and up to 31 letters, digits, \"_\" "
                           "and \"-\"", &arg[1]);
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
                               "a limit with the name \"%V\" is already "
                               "defined at this level", &arg[1]);
            return NULL;
        }
    }

    limit = ngx_array_push(jlcf->limits);
    if (limit == NULL) {
        return NULL;
    }

    ngx_memzero(limit, sizeof(ngx_http_jobruns_limit_t));

    limit->limit.kind = kind;
    limit->limit.count = -1;
    limit->limit.name = ngx_http_jobruns_str(arg[1]);

    return limit;
}


static char *
ngx_http_jobruns_limit_key(ngx_conf_t *cf, ngx_http_jobruns_limit_t *limit,
    ngx_str_t *text)
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
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "invalid key \"%V\" of a limit: expected "
                           "\"tenant\", \"platform\", \"workspace\" or a "
                           "$variable", text);
        return NGX_CONF_ERROR;
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
