/*
 * Directives of the audit.
 */

#include "ngx_http_jobruns.h"
#include "ngx_http_jobruns_audit_directives.h"
#include "ngx_http_jobruns_audit_file.h"
#include "ngx_http_jobruns_audit_sync.h"
#include "ngx_http_jobruns_audit_syslog.h"


/* root's, who makes the file; workers may search it and make nothing in it */
#define NGX_HTTP_JOBRUNS_AUDIT_FOLDER  "/var/log/jobruns"


/* jobruns_audit PATH | syslog:server=... | off */

char *
ngx_http_jobruns_audit(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_http_jobruns_loc_conf_t *jlcf = conf;

    ngx_str_t  *value;

    value = cf->args->elts;

    if (ngx_strncmp(value[1].data, "syslog:", 7) == 0) {

        if (jlcf->audit == NULL) {
            goto copy_of_nothing;
        }

        return ngx_http_jobruns_audit_syslog_conf(cf, &jlcf->audit_syslog);
    }

    if (jlcf->audit != NGX_CONF_UNSET_PTR) {
        return "is duplicate";
    }

    if (ngx_strcmp(value[1].data, "off") == 0) {

        if (jlcf->audit_syslog != NGX_CONF_UNSET_PTR) {
            goto copy_of_nothing;
        }

        jlcf->audit = NULL;
        return NGX_CONF_OK;
    }

    if (value[1].len == 0) {
        /* to ngx_conf_open_file() this is stderr */
        return "needs the path of a file, or \"off\"";
    }

    if (ngx_strlchr(value[1].data, value[1].data + value[1].len, '$')) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "invalid audit file \"%V\": variables are not "
                           "supported, since a file that is opened per "
                           "request can fail when it must not, and a chain "
                           "of records needs one file", &value[1]);
        return NGX_CONF_ERROR;
    }

    jlcf->audit = ngx_http_jobruns_audit_open(cf, &value[1]);

    return jlcf->audit ? NGX_CONF_OK : NGX_CONF_ERROR;

copy_of_nothing:

    return "to syslog is a copy beside a file, but is \"off\" here too";
}


ngx_http_jobruns_audit_file_t *
ngx_http_jobruns_audit_default(ngx_conf_t *cf)
{
    ngx_file_info_t  fi;

    static ngx_str_t  path = ngx_string(NGX_HTTP_JOBRUNS_AUDIT_FOLDER
                                        "/audit.log");

    if (ngx_file_info(NGX_HTTP_JOBRUNS_AUDIT_FOLDER, &fi) == NGX_FILE_ERROR) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, ngx_errno,
                           "the default audit file \"%V\" has no folder; "
                           "make it by \"install -d -m 2751 -o root -g adm "
                           NGX_HTTP_JOBRUNS_AUDIT_FOLDER "\" (\"make install\""
                           " does), or name another file by \"jobruns_audit "
                           "PATH\"", &path);
        return NULL;
    }

    return ngx_http_jobruns_audit_open(cf, &path);
}


/* jobruns_audit_sync off | always | INTERVAL */

char *
ngx_http_jobruns_audit_sync(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_http_jobruns_loc_conf_t *jlcf = conf;

    ngx_str_t  *value;

    if (jlcf->audit_sync != NGX_CONF_UNSET_MSEC) {
        return "is duplicate";
    }

    value = cf->args->elts;

    if (ngx_strcmp(value[1].data, "off") == 0) {
        jlcf->audit_sync = NGX_HTTP_JOBRUNS_SYNC_OFF;
        return NGX_CONF_OK;
    }

    if (ngx_strcmp(value[1].data, "always") == 0) {
        jlcf->audit_sync = NGX_HTTP_JOBRUNS_SYNC_ALWAYS;

    } else {
        jlcf->audit_sync = ngx_parse_time(&value[1], 0);

        if (jlcf->audit_sync == (ngx_msec_t) NGX_ERROR
            || jlcf->audit_sync < 1 || jlcf->audit_sync > 60000)
        {
            return "must be \"off\", \"always\" or a time between 1ms and "
                   "1m";
        }
    }

#if !(NGX_THREADS)
    return "needs threads, so that the disk never holds up the event loop, "
           "and this NGINX is built without: configure it --with-threads, or "
           "say \"off\"";
#else
    return NGX_CONF_OK;
#endif
}


/* jobruns_audit_refusals RATE | all */

char *
ngx_http_jobruns_audit_refusals(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf)
{
    ngx_http_jobruns_loc_conf_t *jlcf = conf;

    int64_t     count, period;
    ngx_str_t  *value;

    if (jlcf->audit_refusals != NGX_CONF_UNSET_UINT) {
        return "is duplicate";
    }

    value = cf->args->elts;

    if (ngx_strcmp(value[1].data, "all") == 0) {
        jlcf->audit_refusals = 0;
        jlcf->audit_refusals_per = 1;
        return NGX_CONF_OK;
    }

    if (jr_limit_rate(ngx_http_jobruns_str(value[1]), &count, &period)
        != JR_OK)
    {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "invalid value \"%V\" of "
                           "\"jobruns_audit_refusals\": it must be \"all\" "
                           "or a rate of 1 to 1000000 for each worker, such "
                           "as \"20r/s\" or \"100r/m\"", &value[1]);
        return NGX_CONF_ERROR;
    }

    jlcf->audit_refusals = (ngx_uint_t) count;
    jlcf->audit_refusals_per = (ngx_uint_t) (period / 1000000);

    return NGX_CONF_OK;
}


char *
ngx_http_jobruns_audit_enable(ngx_conf_t *cf, ngx_msec_t *sync)
{
    ngx_int_t  rc;

    if (*sync == NGX_HTTP_JOBRUNS_SYNC_OFF) {
        return NGX_CONF_OK;
    }

    rc = ngx_http_jobruns_audit_sync_threads(cf);

    if (rc == NGX_ERROR) {
        return NGX_CONF_ERROR;
    }

    if (*sync != NGX_CONF_UNSET_MSEC) {
        return NGX_CONF_OK;
    }

    *sync = 100;

    if (rc == NGX_DECLINED) {
        ngx_conf_log_error(NGX_LOG_WARN, cf, 0,
                           "\"jobruns_audit_sync\" is off, since this NGINX "
                           "is built without threads: the last records do "
                           "not survive a crash of the machine");

        *sync = NGX_HTTP_JOBRUNS_SYNC_OFF;
    }

    return NGX_CONF_OK;
}
