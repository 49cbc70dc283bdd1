/*
 * Setters of the directives that are more than a number.  Every refusal
 * names the directive (NGINX does), the value and what is accepted.
 */

#include "ngx_http_jobruns.h"

#include "jr_embedded.h"


/* largest password file, schema file */
#define NGX_HTTP_JOBRUNS_PASSWORD_MAX  1024
#define NGX_HTTP_JOBRUNS_SCHEMA_MAX    (1024 * 1024)


/* a server made for some jobruns_redis, found again by what it says */
typedef struct {
    ngx_redis_conf_t      conf;
    ngx_redis_server_t   *server;
} ngx_http_jobruns_server_t;


static char *ngx_http_jobruns_redis_seeds(ngx_conf_t *cf,
    ngx_redis_conf_t *redis);
static char *ngx_http_jobruns_redis_sentinel_check(ngx_redis_conf_t *redis);
static char *ngx_http_jobruns_redis_option(ngx_conf_t *cf, ngx_str_t *value,
    ngx_redis_conf_t *redis);
static char *ngx_http_jobruns_read_file(ngx_conf_t *cf, ngx_str_t *name,
    size_t max, ngx_str_t *text);
static jr_schema_t *ngx_http_jobruns_compile(ngx_conf_t *cf, const char *text,
    size_t len, ngx_str_t *name);
static void ngx_http_jobruns_schema_cleanup(void *data);
static ngx_uint_t ngx_http_jobruns_same_redis(ngx_redis_conf_t *one,
    ngx_redis_conf_t *two);
static ngx_uint_t ngx_http_jobruns_same_str(ngx_str_t *one, ngx_str_t *two);


char *
ngx_http_jobruns_redis(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_http_jobruns_loc_conf_t *jlcf = conf;

    char              *rv;
    ngx_str_t         *value;
    ngx_uint_t         i;
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

    rv = ngx_http_jobruns_options_once(cf);

    if (rv != NGX_CONF_OK) {
        return rv;
    }

    i = 2;

    if (ngx_http_jobruns_option(&value[1], "sentinel:", &redis->master)
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
    ngx_str_t  value;

    if (ngx_http_jobruns_option(arg, "db=", &value) == NGX_OK) {
        redis->db = ngx_atoi(value.data, value.len);

        if (redis->db == NGX_ERROR || redis->db > 65535) {
            return ngx_http_jobruns_bad_option(cf, arg,
                                          "a number of a database, \"db=0\"");
        }

        return NGX_CONF_OK;
    }

    if (ngx_http_jobruns_option(arg, "user=", &value) == NGX_OK) {
        redis->user = value;

        return value.len ? NGX_CONF_OK
                         : ngx_http_jobruns_bad_option(cf, arg,
                                                       "\"user=NAME\"");
    }

    if (ngx_http_jobruns_option(arg, "password_file=", &value) == NGX_OK) {
        return ngx_http_jobruns_read_file(cf, &value,
                                          NGX_HTTP_JOBRUNS_PASSWORD_MAX,
                                          &redis->password);
    }

    if (ngx_http_jobruns_option(arg, "sentinel_user=", &value) == NGX_OK) {
        redis->sentinel_user = value;

        return value.len ? NGX_CONF_OK
                         : ngx_http_jobruns_bad_option(cf, arg,
                                                    "\"sentinel_user=NAME\"");
    }

    if (ngx_http_jobruns_option(arg, "sentinel_password_file=", &value)
        == NGX_OK)
    {
        return ngx_http_jobruns_read_file(cf, &value,
                                          NGX_HTTP_JOBRUNS_PASSWORD_MAX,
                                          &redis->sentinel_password);
    }

#if (NGX_SSL)

    if (ngx_strcmp(arg->data, "sentinel_tls") == 0) {
        redis->sentinel_tls = 1;
        return NGX_CONF_OK;
    }

    if (ngx_http_jobruns_option(arg, "sentinel_tls_name=", &value) == NGX_OK) {
        redis->sentinel_tls_name = value;
        return NGX_CONF_OK;
    }

    if (ngx_http_jobruns_option(arg, "sentinel_tls_ca=", &value) == NGX_OK) {
        redis->sentinel_tls_ca = value;
        return ngx_conf_full_name(cf->cycle, &redis->sentinel_tls_ca, 1)
               == NGX_OK ? NGX_CONF_OK : NGX_CONF_ERROR;
    }

    if (ngx_strcmp(arg->data, "tls") == 0) {
        redis->tls = 1;
        return NGX_CONF_OK;
    }

    if (ngx_http_jobruns_option(arg, "tls_name=", &value) == NGX_OK) {
        redis->tls_name = value;
        return NGX_CONF_OK;
    }

    if (ngx_http_jobruns_option(arg, "tls_ca=", &value) == NGX_OK) {
        redis->tls_ca = value;
        return ngx_conf_full_name(cf->cycle, &redis->tls_ca, 1) == NGX_OK
               ? NGX_CONF_OK : NGX_CONF_ERROR;
    }

    if (ngx_http_jobruns_option(arg, "tls_certificate=", &value) == NGX_OK) {
        redis->tls_certificate = value;
        return ngx_conf_full_name(cf->cycle, &redis->tls_certificate, 1)
               == NGX_OK ? NGX_CONF_OK : NGX_CONF_ERROR;
    }

    if (ngx_http_jobruns_option(arg, "tls_certificate_key=", &value)
        == NGX_OK)
    {
        redis->tls_certificate_key = value;
        return ngx_conf_full_name(cf->cycle, &redis->tls_certificate_key, 1)
               == NGX_OK ? NGX_CONF_OK : NGX_CONF_ERROR;
    }

#endif

    return ngx_http_jobruns_bad_option(cf, arg, "\"db=\", \"user=\", "
                                       "\"password_file=\", \"tls\", "
                                       "\"tls_ca=\", \"tls_name=\", "
                                       "\"tls_certificate=\", "
                                       "\"tls_certificate_key=\" or those "
                                       "of sentinels, \"sentinel_user=\", "
                                       "\"sentinel_password_file=\", "
                                       "\"sentinel_tls\", "
                                       "\"sentinel_tls_ca=\", "
                                       "\"sentinel_tls_name=\"");
}


/* the text of a file without the newline at its end */

static char *
ngx_http_jobruns_read_file(ngx_conf_t *cf, ngx_str_t *name, size_t max,
    ngx_str_t *text)
{
    ssize_t          n;
    ngx_file_t       file;
    ngx_file_info_t  fi;

    if (ngx_conf_full_name(cf->cycle, name, 1) != NGX_OK) {
        return NGX_CONF_ERROR;
    }

    ngx_memzero(&file, sizeof(ngx_file_t));

    file.name = *name;
    file.log = cf->log;

    file.fd = ngx_open_file(name->data, NGX_FILE_RDONLY, NGX_FILE_OPEN, 0);

    if (file.fd == NGX_INVALID_FILE) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, ngx_errno,
                           ngx_open_file_n " \"%V\" failed", name);
        return NGX_CONF_ERROR;
    }

    n = NGX_ERROR;

    if (ngx_fd_info(file.fd, &fi) == NGX_FILE_ERROR) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, ngx_errno,
                           ngx_fd_info_n " \"%V\" failed", name);

    } else if (ngx_file_size(&fi) > (off_t) max) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "file \"%V\" is larger than %uz bytes", name, max);

    } else {
        text->data = ngx_pnalloc(cf->pool, ngx_file_size(&fi) + 1);

        if (text->data != NULL) {
            n = ngx_read_file(&file, text->data, ngx_file_size(&fi), 0);
        }
    }

    if (ngx_close_file(file.fd) == NGX_FILE_ERROR) {
        ngx_log_error(NGX_LOG_ALERT, cf->log, ngx_errno,
                      ngx_close_file_n " \"%V\" failed", name);
    }

    if (n == NGX_ERROR) {
        return NGX_CONF_ERROR;
    }

    while (n && (text->data[n - 1] == LF || text->data[n - 1] == CR)) {
        n--;
    }

    if (n == 0) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0, "file \"%V\" is empty",
                           name);
        return NGX_CONF_ERROR;
    }

    text->len = n;
    text->data[n] = '\0';

    return NGX_CONF_OK;
}


ngx_redis_server_t *
ngx_http_jobruns_server(ngx_conf_t *cf, ngx_http_jobruns_loc_conf_t *conf,
    ngx_uint_t replicas)
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
    server->server = ngx_redis_server_create(cf, &redis);

    return server->server;
}


/* one connection serves all locations that say the same */

static ngx_uint_t
ngx_http_jobruns_same_redis(ngx_redis_conf_t *one, ngx_redis_conf_t *two)
{
    return ngx_http_jobruns_same_str(&one->address, &two->address)
           && one->db == two->db
           && ngx_http_jobruns_same_str(&one->user, &two->user)
           && ngx_http_jobruns_same_str(&one->password, &two->password)
           && ngx_http_jobruns_same_str(&one->sentinel_user,
                                        &two->sentinel_user)
           && ngx_http_jobruns_same_str(&one->sentinel_password,
                                        &two->sentinel_password)
           && one->resolver == two->resolver
           && one->timeout == two->timeout
           && one->connect_timeout == two->connect_timeout
           && one->require_noeviction == two->require_noeviction
           && one->replicas == two->replicas
           && one->replicas_timeout == two->replicas_timeout
#if (NGX_SSL)
           && one->sentinel_tls == two->sentinel_tls
           && ngx_http_jobruns_same_str(&one->sentinel_tls_ca,
                                        &two->sentinel_tls_ca)
           && ngx_http_jobruns_same_str(&one->sentinel_tls_name,
                                        &two->sentinel_tls_name)
           && one->tls == two->tls
           && ngx_http_jobruns_same_str(&one->tls_ca, &two->tls_ca)
           && ngx_http_jobruns_same_str(&one->tls_name, &two->tls_name)
           && ngx_http_jobruns_same_str(&one->tls_certificate,
                                        &two->tls_certificate)
           && ngx_http_jobruns_same_str(&one->tls_certificate_key,
                                        &two->tls_certificate_key)
#endif
           ;
}


static ngx_uint_t
ngx_http_jobruns_same_str(ngx_str_t *one, ngx_str_t *two)
{
    return one->len == two->len
           && (one->len == 0
               || ngx_memcmp(one->data, two->data, one->len) == 0);
}


char *
ngx_http_jobruns_prefix(ngx_conf_t *cf, void *post, void *data)
{
    ngx_str_t *prefix = data;

    size_t  i;

    if (prefix->len == 0 || prefix->len > 64) {
        return "must be 1 to 64 characters";
    }

    for (i = 0; i < prefix->len; i++) {

        /* a brace would move the hash tag that keeps the keys of one call
           on one node of a Redis Cluster */

        if (prefix->data[i] <= 0x20 || prefix->data[i] >= 0x7f
            || prefix->data[i] == '{' || prefix->data[i] == '}')
        {
            return "must be printable ASCII without blanks and braces";
        }
    }

    return NGX_CONF_OK;
}


char *
ngx_http_jobruns_schema(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_http_jobruns_loc_conf_t *jlcf = conf;

    char       *rv;
    ngx_str_t  *value, text;

    if (jlcf->schema != NGX_CONF_UNSET_PTR) {
        return "is duplicate";
    }

    value = cf->args->elts;

    rv = ngx_http_jobruns_read_file(cf, &value[1],
                                    NGX_HTTP_JOBRUNS_SCHEMA_MAX, &text);
    if (rv != NGX_CONF_OK) {
        return rv;
    }

    jlcf->schema = ngx_http_jobruns_compile(cf, (char *) text.data, text.len,
                                            &value[1]);

    return jlcf->schema ? NGX_CONF_OK : NGX_CONF_ERROR;
}


jr_schema_t *
ngx_http_jobruns_embedded_schema(ngx_conf_t *cf)
{
    ngx_http_jobruns_main_conf_t  *jmcf;

    static ngx_str_t  name = ngx_string("the embedded CreateJobRunDetails");

    jmcf = ngx_http_conf_get_module_main_conf(cf, ngx_http_jobruns_module);

    if (jmcf->schema == NULL) {
        jmcf->schema = ngx_http_jobruns_compile(cf,
                                   jr_embedded_create_job_run_details_json,
                                   jr_embedded_create_job_run_details_json_len,
                                   &name);
    }

    return jmcf->schema;
}


static jr_schema_t *
ngx_http_jobruns_compile(ngx_conf_t *cf, const char *text, size_t len,
    ngx_str_t *name)
{
    char                 err[512];
    jr_schema_t         *schema;
    ngx_pool_cleanup_t  *cln;

    cln = ngx_pool_cleanup_add(cf->pool, 0);
    if (cln == NULL) {
        return NULL;
    }

    if (jr_schema_compile(text, len, err, sizeof(err), &schema) != JR_OK) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "JSON schema in %V is not usable: %s", name, err);
        return NULL;
    }

    cln->handler = ngx_http_jobruns_schema_cleanup;
    cln->data = schema;

    return schema;
}


static void
ngx_http_jobruns_schema_cleanup(void *data)
{
    jr_schema_free(data);
}


/* refuses an option that is given twice: one of the two would be ignored */

char *
ngx_http_jobruns_options_once(ngx_conf_t *cf)
{
    u_char      *equals;
    size_t       len;
    ngx_str_t   *arg;
    ngx_uint_t   i, k;

    arg = cf->args->elts;

    for (i = 3; i < cf->args->nelts; i++) {

        equals = ngx_strlchr(arg[i].data, arg[i].data + arg[i].len, '=');

        /* arguments end in NUL, which makes a word without "=" whole */

        len = equals ? (size_t) (equals + 1 - arg[i].data) : arg[i].len + 1;

        for (k = 2; k < i; k++) {
            if (ngx_strncmp(arg[i].data, arg[k].data, len) == 0) {
                return ngx_http_jobruns_bad_option(cf, &arg[i],
                                                   "each only once");
            }
        }
    }

    return NGX_CONF_OK;
}


/* cuts "name=" off an argument */

ngx_int_t
ngx_http_jobruns_option(ngx_str_t *arg, const char *name, ngx_str_t *value)
{
    size_t  len;

    len = ngx_strlen(name);

    if (arg->len < len || ngx_strncmp(arg->data, name, len) != 0) {
        return NGX_DECLINED;
    }

    value->data = arg->data + len;
    value->len = arg->len - len;

    return NGX_OK;
}


char *
ngx_http_jobruns_bad_option(ngx_conf_t *cf, ngx_str_t *arg,
    const char *expected)
{
    ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                       "invalid parameter \"%V\": expected %s", arg,
                       expected);

    return NGX_CONF_ERROR;
}
