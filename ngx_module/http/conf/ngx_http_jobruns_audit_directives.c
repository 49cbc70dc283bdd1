/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Directives of the audit, and what chains say of the key they are sealed
 * with: an id that is made of the key and does not give it away.
 *
 * A reload starts workers with the new key while those with the old one still
 * write, so a file holds chains of both, each whole by itself.  Where a reload
 * introduces a key, the chains of the new workers vouch for those without one:
 * they say, sealed, that there was none before.
 */

#include "ngx_http_jobruns.h"
#include "ngx_http_jobruns_audit_directives.h"
#include "ngx_http_jobruns_audit_envelope.h"
#include "ngx_http_jobruns_audit_sync.h"
#include "ngx_http_jobruns_directives.h"


/* root's, who makes the file; workers may search it and make nothing in it */
#define NGX_HTTP_JOBRUNS_AUDIT_FOLDER  "/var/log/jobruns"


static char *ngx_http_jobruns_audit_syslog(ngx_conf_t *cf,
    ngx_syslog_peer_t **peer);
static void ngx_http_jobruns_audit_key_free(void *data);
static ngx_http_jobruns_main_conf_t *ngx_http_jobruns_audit_old_conf(
    ngx_cycle_t *cycle);


/* jobruns_audit PATH | syslog:server=... | off */

char *
ngx_http_jobruns_audit_directives_audit(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf)
{
    ngx_http_jobruns_loc_conf_t *jlcf = conf;

    ngx_str_t  *value;

    value = cf->args->elts;

    if (ngx_strncmp(value[1].data, "syslog:", 7) == 0) {

        if (jlcf->audit == NULL) {
            goto copy_of_nothing;
        }

        return ngx_http_jobruns_audit_syslog(cf, &jlcf->audit_syslog);
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
                           "invalid value \"%V\" of \"jobruns_audit\": "
                           "expected a path without variables, since a "
                           "file that is opened per request can fail when "
                           "it must not, and a chain of records needs one "
                           "file", &value[1]);
        return NGX_CONF_ERROR;
    }

    jlcf->audit = ngx_http_jobruns_audit_open(cf, &value[1]);

    return jlcf->audit ? NGX_CONF_OK : NGX_CONF_ERROR;

copy_of_nothing:

    return "to syslog is a copy beside a file, but is \"off\" here too";
}


static char *
ngx_http_jobruns_audit_syslog(ngx_conf_t *cf, ngx_syslog_peer_t **peer)
{
    if (*peer != NGX_CONF_UNSET_PTR) {
        return "is duplicate";
    }

    *peer = ngx_pcalloc(cf->pool, sizeof(ngx_syslog_peer_t));
    if (*peer == NULL) {
        return NGX_CONF_ERROR;
    }

    /* takes the directive's first argument, as access_log has it */

    return ngx_syslog_process_conf(cf, *peer);
}


ngx_http_jobruns_audit_file_t *
ngx_http_jobruns_audit_directives_default(ngx_conf_t *cf)
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
ngx_http_jobruns_audit_directives_sync(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf)
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
            return ngx_http_jobruns_directives_refuse(cf, &value[1],
                                            "\"off\", \"always\" or a time "
                                            "from 1ms to 1m");
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
ngx_http_jobruns_audit_directives_refusals(ngx_conf_t *cf, ngx_command_t *cmd,
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
        return ngx_http_jobruns_directives_refuse(cf, &value[1],
                                        "\"all\" or a rate of 1 to 1000000 "
                                        "for each worker, such as \"20r/s\" "
                                        "or \"100r/m\"");
    }

    jlcf->audit_refusals = (ngx_uint_t) count;
    jlcf->audit_refusals_per = (ngx_uint_t) (period / 1000000);

    return NGX_CONF_OK;
}


/* jobruns_audit_key FILE */

char *
ngx_http_jobruns_audit_directives_key(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf)
{
    ngx_http_jobruns_main_conf_t *jmcf = conf;

    ngx_str_t                      *value, key;
    jr_status_e                     status;
    ngx_pool_cleanup_t             *cln;
    ngx_http_jobruns_audit_seal_t  *seal;

    seal = &jmcf->audit_seal;

    if (seal->mac != NULL) {
        return "is duplicate";
    }

    value = cf->args->elts;

    cln = ngx_pool_cleanup_add(cf->pool, 0);

    if (cln == NULL
        || ngx_http_jobruns_directives_secret(cf, "key", &value[1],
                                        JR_MAC_KEY_LEAST, JR_MAC_KEY_MOST,
                                        &key)
           != NGX_CONF_OK)
    {
        return NGX_CONF_ERROR;
    }

    status = jr_mac_create(ngx_http_jobruns_str(key), &seal->mac);

    if (status == JR_OK) {
        cln->handler = ngx_http_jobruns_audit_key_free;
        cln->data = seal->mac;

        status = jr_mac_id(seal->mac, seal->id);
    }

    ngx_explicit_memzero(key.data, key.len);

    if (status != JR_OK) {
        return "needs HMAC-SHA-256, which libcrypto refuses";
    }

    return NGX_CONF_OK;
}


static void
ngx_http_jobruns_audit_key_free(void *data)
{
    jr_mac_free(data);
}


char *
ngx_http_jobruns_audit_directives_enable(ngx_conf_t *cf, ngx_msec_t *sync)
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


void
ngx_http_jobruns_audit_directives_seal(ngx_conf_t *cf,
    ngx_http_jobruns_audit_seal_t *seal)
{
    ngx_http_jobruns_main_conf_t  *old;

    static const jr_str_t  none = jr_str("none");

    (void) ngx_http_jobruns_audit_envelope_time(seal->configured);

    if (seal->mac == NULL) {
        return;
    }

    old = ngx_http_jobruns_audit_old_conf(cf->cycle);

    if (old == NULL) {
        return;
    }

    if (old->audit_seal.mac == NULL) {
        seal->before = none;
        return;
    }

    /* the old configuration is freed before this one */

    ngx_memcpy(seal->before_id, old->audit_seal.id, JR_MAC_ID);
    seal->before = (jr_str_t) { JR_MAC_ID, seal->before_id };
}


/* the configuration that a reload replaces; NULL: there is none, or it is of
   another build of this module, whose memory is not ours to read */

static ngx_http_jobruns_main_conf_t *
ngx_http_jobruns_audit_old_conf(ngx_cycle_t *cycle)
{
    ngx_uint_t    i;
    ngx_cycle_t  *old;

    old = cycle->old_cycle;

    if (old == NULL || old->conf_ctx == NULL || old->modules == NULL) {
        return NULL;
    }

    for (i = 0; old->modules[i]; i++) {
        if (old->modules[i] == &ngx_http_jobruns_module) {
            return ngx_http_cycle_get_module_main_conf(old,
                                                     ngx_http_jobruns_module);
        }
    }

    return NULL;
}
