/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Setters of the directives that are more than a number.  Every refusal
 * names the directive (NGINX does), the value and what is accepted.
 */

#include "ngx_http_jobruns.h"
#include "ngx_http_jobruns_directives.h"

#include "jr_embedded.h"


/* largest schema file */
#define NGX_HTTP_JOBRUNS_SCHEMA_MAX    (1024 * 1024)


static char *ngx_http_jobruns_directives_read_file(ngx_conf_t *cf,
    ngx_str_t *name, size_t max, ngx_str_t *text);
static jr_schema_t *ngx_http_jobruns_compile(ngx_conf_t *cf, const char *text,
    size_t len, ngx_str_t *name);
static void ngx_http_jobruns_schema_cleanup(void *data);


/* the text of a file of at most max bytes, without the newline at its end, in
   the pool of the configuration */

static char *
ngx_http_jobruns_directives_read_file(ngx_conf_t *cf, ngx_str_t *name,
    size_t max, ngx_str_t *text)
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

    /* a FIFO that nobody writes to is not waited for */

    file.fd = ngx_open_file(name->data, NGX_FILE_RDONLY|NGX_FILE_NONBLOCK,
                            NGX_FILE_OPEN, 0);

    if (file.fd == NGX_INVALID_FILE) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, ngx_errno,
                           "the file \"%V\" of \"%V\" cannot be opened",
                           name, (ngx_str_t *) cf->args->elts);
        return NGX_CONF_ERROR;
    }

    n = NGX_ERROR;

    if (ngx_fd_info(file.fd, &fi) == NGX_FILE_ERROR) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, ngx_errno,
                           ngx_fd_info_n " \"%V\" failed", name);

    } else if (!ngx_is_file(&fi)) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "the file \"%V\" of \"%V\" is not a regular file",
                           name, (ngx_str_t *) cf->args->elts);

    } else if (ngx_file_size(&fi) > (off_t) max) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "the file \"%V\" of \"%V\" is larger than %uz "
                           "bytes", name, (ngx_str_t *) cf->args->elts, max);

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
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "the file \"%V\" of \"%V\" is empty", name,
                           (ngx_str_t *) cf->args->elts);
        return NGX_CONF_ERROR;
    }

    text->len = n;
    text->data[n] = '\0';

    return NGX_CONF_OK;
}


char *
ngx_http_jobruns_directives_secret(ngx_conf_t *cf, const char *what,
    ngx_str_t *name, size_t least, size_t most, ngx_str_t *secret)
{
    u_char           *text;
    size_t            len;
    ssize_t           n;
    ngx_fd_t          fd;
    jr_str_t          line;
    const char       *fault;
    ngx_file_info_t   fi;

    text = ngx_pnalloc(cf->pool, jr_secret_read_size(most) + 1);

    if (text == NULL || ngx_conf_full_name(cf->cycle, name, 1) != NGX_OK) {
        return NGX_CONF_ERROR;
    }

    fd = ngx_open_file(name->data, NGX_FILE_RDONLY, NGX_FILE_OPEN, 0);

    if (fd == NGX_INVALID_FILE) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, ngx_errno,
                           "the %s file \"%V\" of \"%V\" cannot be opened",
                           what, name, (ngx_str_t *) cf->args->elts);
        return NGX_CONF_ERROR;
    }

    len = 0;

    do {
        n = ngx_read_fd(fd, text + len, jr_secret_read_size(most) - len);
        len += (n > 0) ? (size_t) n : 0;

    } while (n > 0 && len < jr_secret_read_size(most));

    if (n == -1) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, ngx_errno,
                           "the %s file \"%V\" of \"%V\" cannot be read", what,
                           name, (ngx_str_t *) cf->args->elts);

    } else if (ngx_fd_info(fd, &fi) == 0
               && (ngx_file_access(&fi) & (S_IROTH|S_IWOTH)))
    {
        ngx_conf_log_error(NGX_LOG_WARN, cf, 0,
                           "the %s file \"%V\" is open to everybody: chmod "
                           "600 it", what, name);
    }

    (void) ngx_close_file(fd);

    if (n == -1) {
        return NGX_CONF_ERROR;
    }

    fault = jr_secret_line((jr_str_t) { len, (char *) text }, least, most,
                           &line);

    if (fault != NULL) {
        ngx_explicit_memzero(text, len);
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "the %s file \"%V\" of \"%V\" %s: write %uz to %uz "
                           "bytes there", what, name,
                           (ngx_str_t *) cf->args->elts, fault, least, most);
        return NGX_CONF_ERROR;
    }

    /* nothing of the lines behind it stays */

    ngx_explicit_memzero(text + line.len, len - line.len);
    text[line.len] = '\0';

    secret->data = text;
    secret->len = line.len;

    return NGX_CONF_OK;
}


char *
ngx_http_jobruns_directives_prefix(ngx_conf_t *cf, void *post, void *data)
{
    ngx_str_t *prefix = data;

    size_t      i;
    ngx_uint_t  valid;

    valid = (prefix->len != 0 && prefix->len <= 64);

    for (i = 0; valid && i < prefix->len; i++) {

        /* a brace would move the hash tag that keeps the keys of one call
           on one node of a Redis Cluster */

        valid = (prefix->data[i] > 0x20 && prefix->data[i] < 0x7f
                 && prefix->data[i] != '{' && prefix->data[i] != '}');
    }

    return valid ? NGX_CONF_OK
                 : ngx_http_jobruns_directives_refuse(cf, prefix,
                                       "1 to 64 characters of printable "
                                       "ASCII without blanks and braces");
}


char *
ngx_http_jobruns_directives_schema(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf)
{
    ngx_http_jobruns_loc_conf_t *jlcf = conf;

    char       *rv;
    ngx_str_t  *value, text;

    if (jlcf->schema != NGX_CONF_UNSET_PTR) {
        return "is duplicate";
    }

    value = cf->args->elts;

    rv = ngx_http_jobruns_directives_read_file(cf, &value[1],
                                               NGX_HTTP_JOBRUNS_SCHEMA_MAX,
                                               &text);
    if (rv != NGX_CONF_OK) {
        return rv;
    }

    jlcf->schema = ngx_http_jobruns_compile(cf, (char *) text.data, text.len,
                                            &value[1]);

    return jlcf->schema ? NGX_CONF_OK : NGX_CONF_ERROR;
}


jr_schema_t *
ngx_http_jobruns_directives_embedded(ngx_conf_t *cf)
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
                           "the JSON schema \"%V\" of \"jobruns_schema\" is "
                           "not usable: %s", name, err);
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
ngx_http_jobruns_directives_once(ngx_conf_t *cf)
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
                return ngx_http_jobruns_directives_refuse(cf, &arg[i],
                                                   "each only once");
            }
        }
    }

    return NGX_CONF_OK;
}


/* cuts "name=" off an argument */

ngx_int_t
ngx_http_jobruns_directives_option(ngx_str_t *arg, const char *name,
    ngx_str_t *value)
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
ngx_http_jobruns_directives_refuse(ngx_conf_t *cf, ngx_str_t *arg,
    const char *expected)
{
    ngx_str_t  *value;

    value = cf->args->elts;

    ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                       "invalid %s \"%V\" of \"%V\": expected %s",
                       cf->args->nelts == 2 ? "value" : "parameter",
                       arg, &value[0], expected);

    return NGX_CONF_ERROR;
}
