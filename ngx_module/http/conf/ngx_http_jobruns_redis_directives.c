/* SPDX-License-Identifier: BSD-2-Clause
 *
 * jobruns_redis: which server, and how it is spoken to; and the one server
 * object for all locations that say the same.
 */

#include "ngx_http_jobruns.h"
#include "ngx_http_jobruns_directives.h"
#include "ngx_http_jobruns_redis_directives.h"
#include "ngx_redis_topology_select.h"


/* the most replicas of a master that one could ask for; the longest wait */
#define NGX_HTTP_JOBRUNS_REPLICAS_MAX       16
#define NGX_HTTP_JOBRUNS_REPLICAS_TIME_MAX  10000


/* a server made for some jobruns_redis, found again by what it says */
typedef struct {
    ngx_redis_conf_t      conf;
    ngx_redis_server_t   *server;
} ngx_http_jobruns_server_t;


/* what an option's value is */
typedef enum {
    jobruns_option_database = 0,    /* a number */
    jobruns_option_name,        /* a text that is not empty */
    jobruns_option_text,
    jobruns_option_path,        /* of a file that is opened later */
    jobruns_option_secret,      /* the path of a file that it is read from */
    jobruns_option_flag         /* nothing: the word alone sets it */
} ngx_http_jobruns_option_e;


typedef struct {
    const char                 *name;
    ngx_http_jobruns_option_e   kind;
    size_t                      offset;   /* in ngx_redis_conf_t */
} ngx_http_jobruns_option_t;


static ngx_uint_t ngx_http_jobruns_redis_has_port(ngx_str_t *address);
static char *ngx_http_jobruns_redis_seeds(ngx_conf_t *cf,
    ngx_redis_conf_t *redis);
static char *ngx_http_jobruns_redis_sentinel_check(ngx_redis_conf_t *redis);
static char *ngx_http_jobruns_redis_option(ngx_conf_t *cf, ngx_str_t *arg,
    ngx_redis_conf_t *redis);
static char *ngx_http_jobruns_redis_value(ngx_conf_t *cf, ngx_str_t *arg,
    const ngx_http_jobruns_option_t *option, ngx_str_t *value, void *field);
static ngx_uint_t ngx_http_jobruns_same_redis(ngx_redis_conf_t *one,
    ngx_redis_conf_t *two);
static ngx_uint_t ngx_http_jobruns_same_str(ngx_str_t *one, ngx_str_t *two);


static const ngx_http_jobruns_option_t  ngx_http_jobruns_redis_options[] = {

    { "db=", jobruns_option_database, offsetof(ngx_redis_conf_t, db) },
    { "user=", jobruns_option_name, offsetof(ngx_redis_conf_t, user) },
    { "password_file=", jobruns_option_secret,
      offsetof(ngx_redis_conf_t, password) },
    { "sentinel_user=", jobruns_option_name,
      offsetof(ngx_redis_conf_t, sentinel_user) },
    { "sentinel_password_file=", jobruns_option_secret,
      offsetof(ngx_redis_conf_t, sentinel_password) },

#if (NGX_SSL)
    { "tls", jobruns_option_flag, offsetof(ngx_redis_conf_t, tls) },
    { "tls_name=", jobruns_option_text,
      offsetof(ngx_redis_conf_t, tls_name) },
    { "tls_ca=", jobruns_option_path,
      offsetof(ngx_redis_conf_t, tls_ca) },
    { "tls_certificate=", jobruns_option_path,
      offsetof(ngx_redis_conf_t, tls_certificate) },
    { "tls_certificate_key=", jobruns_option_path,
      offsetof(ngx_redis_conf_t, tls_certificate_key) },
    { "sentinel_tls", jobruns_option_flag,
      offsetof(ngx_redis_conf_t, sentinel_tls) },
    { "sentinel_tls_name=", jobruns_option_text,
      offsetof(ngx_redis_conf_t, sentinel_tls_name) },
    { "sentinel_tls_ca=", jobruns_option_path,
      offsetof(ngx_redis_conf_t, sentinel_tls_ca) },
#endif

    { NULL, jobruns_option_flag, 0 }
};


char *
ngx_http_jobruns_redis_directives_redis(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf)
{
    ngx_http_jobruns_loc_conf_t *jlcf = conf;

    char              *rv;
    ngx_str_t         *value;
    ngx_uint_t         i, n;
    ngx_redis_conf_t  *redis;

    if (jlcf->redis != NGX_CONF_UNSET_PTR) {
        return "is duplicate";
    }

    redis = ngx_pcalloc(cf->pool, sizeof(ngx_redis_conf_t));
    if (redis == NULL) {
        return NGX_CONF_ERROR;
    }

    value = cf->args->elts;
    redis->address = value[1];

    if (redis->address.len == 0) {
        return "needs an address: \"host:port\" or \"unix:/path\"";
    }

    rv = ngx_http_jobruns_directives_once(cf);

    if (rv != NGX_CONF_OK) {
        return rv;
    }

    i = 2;

    if (ngx_http_jobruns_directives_option(&value[1], "sentinel:",
                                           &redis->master)
        == NGX_OK
        && redis->master.len == 0)
    {
        return "needs the master's name: \"sentinel:NAME host:port ...\"";
    }

    if (redis->master.len || ngx_strcmp(value[1].data, "cluster") == 0) {
        rv = ngx_http_jobruns_redis_seeds(cf, redis);

        if (rv != NGX_CONF_OK) {
            return rv;
        }

        i += redis->nseeds;
    }

    for (n = redis->nseeds ? 2 : 1; n < i; n++) {
        if (!ngx_http_jobruns_redis_has_port(&value[n])) {
            return ngx_http_jobruns_directives_refuse(cf, &value[n],
                                  "an address with a port from 1 to 65535: "
                                  "\"host:port\" or \"[ipv6]:port\"");
        }
    }

    for ( /* void */ ; i < cf->args->nelts; i++) {
        rv = ngx_http_jobruns_redis_option(cf, &value[i], redis);

        if (rv != NGX_CONF_OK) {
            return rv;
        }
    }

    if (redis->user.len && redis->password.len == 0) {
        return "with \"user=\" needs \"password_file=\"";
    }

    rv = ngx_http_jobruns_redis_sentinel_check(redis);

    if (rv != NGX_CONF_OK) {
        return rv;
    }

#if (NGX_SSL)

    if (!redis->tls && (redis->tls_ca.len || redis->tls_name.len
                        || redis->tls_certificate.len
                        || redis->tls_certificate_key.len))
    {
        return "with \"tls_...=\" needs \"tls\"";
    }

    if ((redis->tls_certificate.len == 0)
        != (redis->tls_certificate_key.len == 0))
    {
        return "needs \"tls_certificate=\" and \"tls_certificate_key=\" "
               "together";
    }

#endif

    jlcf->redis = redis;

    return NGX_CONF_OK;
}


/* whether it is a possible one, or left to the default; whatever else is wrong
   with an address is found where it is resolved */

static ngx_uint_t
ngx_http_jobruns_redis_has_port(ngx_str_t *address)
{
    u_char     *last, *p;
    ngx_int_t   port;

    last = address->data + address->len;

    if (address->len >= 5 && ngx_strncmp(address->data, "unix:", 5) == 0) {
        return 1;
    }

    for (p = last; p > address->data && p[-1] != ':' && p[-1] != ']'; p--) {
        /* void */
    }

    if (p == address->data || p[-1] == ']') {
        return 1;
    }

    port = ngx_atoi(p, last - p);

    return port >= 1 && port <= 65535;
}


/* addresses behind "cluster" or "sentinel:NAME", up to the first option */

static char *
ngx_http_jobruns_redis_seeds(ngx_conf_t *cf, ngx_redis_conf_t *redis)
{
    size_t       len;
    u_char      *p;
    ngx_str_t   *value;
    ngx_uint_t   i, n;

    value = cf->args->elts;
    len = value[1].len;

    for (n = 2; n < cf->args->nelts; n++) {

        if (ngx_strlchr(value[n].data, value[n].data + value[n].len, '=')
            || ngx_strcmp(value[n].data, "tls") == 0
            || ngx_strcmp(value[n].data, "sentinel_tls") == 0)
        {
            break;
        }

        len += 1 + value[n].len;
    }

    redis->nseeds = n - 2;

    if (redis->nseeds == 0) {
        return redis->master.len
               ? "needs addresses of sentinels: "
                 "\"sentinel:NAME host:port host:port host:port\""
               : "cluster needs addresses of some of its nodes: "
                 "\"cluster host:port host:port\"";
    }

    redis->seeds = ngx_palloc(cf->pool, redis->nseeds * sizeof(ngx_str_t));
    p = ngx_pnalloc(cf->pool, len);

    if (redis->seeds == NULL || p == NULL) {
        return NGX_CONF_ERROR;
    }

    redis->address.data = p;
    redis->address.len = len;

    for (i = 1; i < n; i++) {

        if (i > 1) {
            redis->seeds[i - 2] = value[i];
            *p++ = ' ';
        }

        p = ngx_cpymem(p, value[i].data, value[i].len);
    }

    return NGX_CONF_OK;
}


/* options of sentinels that would be ignored, or do not go together */

static char *
ngx_http_jobruns_redis_sentinel_check(ngx_redis_conf_t *redis)
{
    if (redis->master.len == 0 && (redis->sentinel_user.len
                                   || redis->sentinel_password.len))
    {
        return "with \"sentinel_...=\" needs \"sentinel:NAME\"";
    }

    if (redis->sentinel_user.len && redis->sentinel_password.len == 0) {
        return "with \"sentinel_user=\" needs \"sentinel_password_file=\"";
    }

#if (NGX_SSL)

    if (redis->master.len == 0 && redis->sentinel_tls) {
        return "with \"sentinel_tls\" needs \"sentinel:NAME\"";
    }

    if (!redis->sentinel_tls && (redis->sentinel_tls_ca.len
                                 || redis->sentinel_tls_name.len))
    {
        return "with \"sentinel_tls_...=\" needs \"sentinel_tls\"";
    }

#endif

    return NGX_CONF_OK;
}


static char *
ngx_http_jobruns_redis_option(ngx_conf_t *cf, ngx_str_t *arg,
    ngx_redis_conf_t *redis)
{
    u_char                           *last, expected[512];
    ngx_str_t                         value;
    const ngx_http_jobruns_option_t  *option;

    for (option = ngx_http_jobruns_redis_options; option->name; option++) {

        if (option->kind == jobruns_option_flag
            ? ngx_strcmp(arg->data, option->name) == 0
            : ngx_http_jobruns_directives_option(arg, option->name, &value)
              == NGX_OK)
        {
            return ngx_http_jobruns_redis_value(cf, arg, option, &value,
                                         (u_char *) redis + option->offset);
        }
    }

    last = expected;

    for (option = ngx_http_jobruns_redis_options; option->name; option++) {
        last = ngx_slprintf(last, expected + sizeof(expected) - 1,
                            "%s\"%s\"", last == expected ? "" : ", ",
                            option->name);
    }

    *last = '\0';

    return ngx_http_jobruns_directives_refuse(cf, arg, (char *) expected);
}


static char *
ngx_http_jobruns_redis_value(ngx_conf_t *cf, ngx_str_t *arg,
    const ngx_http_jobruns_option_t *option, ngx_str_t *value, void *field)
{
    ngx_int_t  *number;
    ngx_str_t  *text;

    number = field;
    text = field;

    switch (option->kind) {

    case jobruns_option_flag:
        *(ngx_uint_t *) field = 1;
        return NGX_CONF_OK;

    case jobruns_option_database:
        *number = ngx_atoi(value->data, value->len);

        return *number == NGX_ERROR || *number > 65535
               ? ngx_http_jobruns_directives_refuse(cf, arg,
                                      "a number of a database, \"db=0\"")
               : NGX_CONF_OK;

    case jobruns_option_secret:
        return ngx_http_jobruns_directives_secret(cf, "password", value, 1,
                                            JR_SECRET_PASSWORD_MOST, text);

    case jobruns_option_path:
        *text = *value;

        return ngx_conf_full_name(cf->cycle, text, 1) == NGX_OK
               ? NGX_CONF_OK : NGX_CONF_ERROR;

    case jobruns_option_name:
        if (value->len == 0) {
            return ngx_http_jobruns_directives_refuse(cf, arg, "a name");
        }

        /* fall through */

    default: /* jobruns_option_text */
        *text = *value;
        return NGX_CONF_OK;
    }
}


ngx_redis_server_t *
ngx_http_jobruns_redis_directives_server(ngx_conf_t *cf,
    ngx_http_jobruns_loc_conf_t *conf, ngx_uint_t replicas)
{
    ngx_uint_t                     i;
    ngx_redis_conf_t               redis;
    ngx_http_core_loc_conf_t      *clcf;
    ngx_http_jobruns_server_t     *server;
    ngx_http_jobruns_main_conf_t  *jmcf;

    clcf = ngx_http_conf_get_module_loc_conf(cf, ngx_http_core_module);
    jmcf = ngx_http_conf_get_module_main_conf(cf, ngx_http_jobruns_module);

    redis = *conf->redis;
    redis.timeout = conf->redis_timeout;
    redis.connect_timeout = conf->redis_connect_timeout;
    redis.require_noeviction = (unsigned) conf->require_noeviction;

    /* merged before ours; without the directive it is one without servers */

    if (clcf->resolver && clcf->resolver->connections.nelts) {
        redis.resolver = clcf->resolver;
    }

    if (replicas) {
        redis.replicas = replicas;
        redis.replicas_timeout = conf->replicas_timeout;
    }

    if (jmcf->servers.elts == NULL
        && ngx_array_init(&jmcf->servers, cf->pool, 4,
                          sizeof(ngx_http_jobruns_server_t))
           != NGX_OK)
    {
        return NULL;
    }

    server = jmcf->servers.elts;

    for (i = 0; i < jmcf->servers.nelts; i++) {
        if (ngx_http_jobruns_same_redis(&server[i].conf, &redis)) {
            return server[i].server;
        }
    }

    server = ngx_array_push(&jmcf->servers);
    if (server == NULL) {
        return NULL;
    }

    server->conf = redis;
    server->server = ngx_redis_server_create(cf, &redis,
                                          ngx_redis_topology_select(&redis));

    return server->server;
}


/* one connection serves all locations that say the same */

static ngx_uint_t
ngx_http_jobruns_same_redis(ngx_redis_conf_t *one, ngx_redis_conf_t *two)
{
    u_char                           *first, *second;
    const ngx_http_jobruns_option_t  *option;

    if (!ngx_http_jobruns_same_str(&one->address, &two->address)
        || one->resolver != two->resolver
        || one->timeout != two->timeout
        || one->connect_timeout != two->connect_timeout
        || one->require_noeviction != two->require_noeviction
        || one->replicas != two->replicas
        || one->replicas_timeout != two->replicas_timeout)
    {
        return 0;
    }

    for (option = ngx_http_jobruns_redis_options; option->name; option++) {

        first = (u_char *) one + option->offset;
        second = (u_char *) two + option->offset;

        /* a database and a flag are one word */

        if (option->kind == jobruns_option_flag
            || option->kind == jobruns_option_database
            ? *(ngx_int_t *) first != *(ngx_int_t *) second
            : !ngx_http_jobruns_same_str((ngx_str_t *) first,
                                         (ngx_str_t *) second))
        {
            return 0;
        }
    }

    return 1;
}


static ngx_uint_t
ngx_http_jobruns_same_str(ngx_str_t *one, ngx_str_t *two)
{
    return one->len == two->len
           && (one->len == 0
               || ngx_memcmp(one->data, two->data, one->len) == 0);
}


char *
ngx_http_jobruns_redis_directives_replicas(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf)
{
    ngx_http_jobruns_loc_conf_t *jlcf = conf;

    ngx_int_t   n;
    ngx_str_t  *value;

    if (jlcf->replicas != NGX_CONF_UNSET_UINT) {
        return "is duplicate";
    }

    value = cf->args->elts;

    if (cf->args->nelts == 2) {

        if (ngx_strcmp(value[1].data, "off") != 0) {
            return ngx_http_jobruns_directives_refuse(cf, &value[1],
                                           "\"off\", or a number of "
                                           "replicas and how long to wait "
                                           "for them: \"1 100ms\"");
        }

        jlcf->replicas = 0;

        return NGX_CONF_OK;
    }

    n = ngx_atoi(value[1].data, value[1].len);

    if (n == NGX_ERROR || n < 1 || n > NGX_HTTP_JOBRUNS_REPLICAS_MAX) {
        return ngx_http_jobruns_directives_refuse(cf, &value[1],
                                           "1 to 16 replicas, or \"off\"");
    }

    jlcf->replicas = (ngx_uint_t) n;

    n = ngx_parse_time(&value[2], 0);

    /* to WAIT, 0 is for ever */

    if (n == NGX_ERROR || n < 1 || n > NGX_HTTP_JOBRUNS_REPLICAS_TIME_MAX) {
        return ngx_http_jobruns_directives_refuse(cf, &value[2],
                                           "a time from 1ms to 10s");
    }

    jlcf->replicas_timeout = (ngx_msec_t) n;

    return NGX_CONF_OK;
}


char *
ngx_http_jobruns_redis_directives_watch(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf)
{
    ngx_http_jobruns_main_conf_t *jmcf = conf;

    ngx_int_t   gap;
    ngx_str_t  *value;

    (void) cmd;

    if (jmcf->redis_watch != NGX_CONF_UNSET_MSEC) {
        return "is duplicate";
    }

    value = cf->args->elts;

    if (ngx_strcmp(value[1].data, "off") == 0) {
        jmcf->redis_watch = 0;
        return NGX_CONF_OK;
    }

    gap = ngx_parse_time(&value[1], 0);

    if (gap == NGX_ERROR || gap < 1000 || gap > 60000) {
        return ngx_http_jobruns_directives_refuse(cf, &value[1],
                                          "\"off\", or a time from 1s to 1m");
    }

    jmcf->redis_watch = (ngx_msec_t) gap;

    return NGX_CONF_OK;
}
