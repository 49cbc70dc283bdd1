/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The digest of what is configured: two gateways that show the same one treat
 * requests alike.
 *
 * Settings of a plain type are found through the table of directives, so that
 * a new one is in the digest by itself; the others are named here.
 */

#include "ngx_http_jobruns_audit_file.h"
#include "ngx_http_jobruns_auth_store.h"
#include "ngx_http_jobruns_settings.h"
#include "ngx_http_jobruns_values.h"
#include "ngx_http_jobruns_zone.h"


typedef struct {
    jr_hasher_t  *hasher;
    ngx_uint_t    failed;
} ngx_http_jobruns_settings_t;


static void ngx_http_jobruns_settings_bytes(ngx_http_jobruns_settings_t *s,
    const void *data, size_t len);
static void ngx_http_jobruns_settings_string(ngx_http_jobruns_settings_t *s,
    ngx_str_t *value);
static void ngx_http_jobruns_settings_number(ngx_http_jobruns_settings_t *s,
    int64_t value);
static void ngx_http_jobruns_settings_auth(ngx_http_jobruns_settings_t *s,
    ngx_http_jobruns_auth_conf_t *auth);
static void ngx_http_jobruns_settings_files(ngx_http_jobruns_settings_t *s,
    ngx_http_jobruns_auth_store_t *store);
static void ngx_http_jobruns_settings_limits(ngx_http_jobruns_settings_t *s,
    ngx_array_t *limits);


ngx_int_t
ngx_http_jobruns_settings_add(jr_hasher_t *hasher, ngx_command_t *commands,
    ngx_http_jobruns_loc_conf_t *conf)
{
    u_char                      *field;
    ngx_command_t               *cmd;
    ngx_http_complex_value_t    *cv;
    ngx_http_jobruns_settings_t  s;

    s.hasher = hasher;
    s.failed = 0;

    for (cmd = commands; cmd->name.len; cmd++) {

        if (cmd->conf != NGX_HTTP_LOC_CONF_OFFSET) {
            continue;
        }

        field = (u_char *) conf + cmd->offset;

        ngx_http_jobruns_settings_string(&s, &cmd->name);

        if (cmd->set == ngx_conf_set_str_slot) {
            ngx_http_jobruns_settings_string(&s, (ngx_str_t *) field);

        } else if (cmd->set == ngx_http_jobruns_values_set) {
            /* all of them are one word */
            ngx_http_jobruns_settings_number(&s, *(ngx_int_t *) field);

        } else if (cmd->set == ngx_http_set_complex_value_slot) {
            cv = *(ngx_http_complex_value_t **) field;

            if (cv != NULL) {
                ngx_http_jobruns_settings_string(&s, &cv->value);
            }
        }
    }

    /* no passwords, not even in a digest */

    ngx_http_jobruns_settings_string(&s, &conf->redis->address);
    ngx_http_jobruns_settings_string(&s, &conf->redis->user);
    ngx_http_jobruns_settings_number(&s, conf->redis->db);
    ngx_http_jobruns_settings_number(&s, conf->replicas);

    if (conf->audit != NULL) {
        ngx_http_jobruns_settings_string(&s, &conf->audit->file->name);
        ngx_http_jobruns_settings_number(&s, (ngx_int_t) conf->audit_sync);
        ngx_http_jobruns_settings_number(&s,
                                         (ngx_int_t) conf->audit_refusals);
        ngx_http_jobruns_settings_number(&s,
                                       (ngx_int_t) conf->audit_refusals_per);
    }

    ngx_http_jobruns_settings_auth(&s, &conf->auth);
    ngx_http_jobruns_settings_limits(&s, conf->limits);

    return s.failed ? NGX_ERROR : NGX_OK;
}


static void
ngx_http_jobruns_settings_bytes(ngx_http_jobruns_settings_t *s,
    const void *data, size_t len)
{
    if (len && jr_digest_update(s->hasher, data, len) != JR_OK) {
        s->failed = 1;
    }
}


static void
ngx_http_jobruns_settings_string(ngx_http_jobruns_settings_t *s,
    ngx_str_t *value)
{
    ngx_http_jobruns_settings_number(s, (int64_t) value->len);
    ngx_http_jobruns_settings_bytes(s, value->data, value->len);
}


/* as text, so that the digest is the same on every machine */

static void
ngx_http_jobruns_settings_number(ngx_http_jobruns_settings_t *s,
    int64_t value)
{
    u_char  text[NGX_INT64_LEN + 1];

    ngx_http_jobruns_settings_bytes(s, text,
                                    ngx_sprintf(text, "%L;", value) - text);
}


/* the names of files of keys: what is in them changes while the configuration
   stays */

static void
ngx_http_jobruns_settings_auth(ngx_http_jobruns_settings_t *s,
    ngx_http_jobruns_auth_conf_t *auth)
{
    jr_str_t                        *tenant;
    ngx_uint_t                       i, n;
    ngx_http_jobruns_auth_issuer_t  *issuer;

    if (auth->users != NULL) {
        ngx_http_jobruns_settings_files(s, auth->users);
    }

    n = auth->issuers ? auth->issuers->nelts : 0;
    issuer = n ? auth->issuers->elts : NULL;

    for (i = 0; i < n; i++) {
        ngx_http_jobruns_settings_string(s, &issuer[i].name);
        ngx_http_jobruns_settings_string(s, &issuer[i].audience);
        ngx_http_jobruns_settings_files(s, issuer[i].store);
    }

    n = auth->tenants ? auth->tenants->nelts : 0;
    tenant = n ? auth->tenants->elts : NULL;

    for (i = 0; i < n; i++) {
        ngx_http_jobruns_settings_number(s, (int64_t) tenant[i].len);
        ngx_http_jobruns_settings_bytes(s, tenant[i].data, tenant[i].len);
    }
}


static void
ngx_http_jobruns_settings_files(ngx_http_jobruns_settings_t *s,
    ngx_http_jobruns_auth_store_t *store)
{
    ngx_str_t    *file;
    ngx_uint_t    i;
    ngx_array_t  *files;

    files = ngx_http_jobruns_auth_store_files(store);
    file = files->elts;

    for (i = 0; i < files->nelts; i++) {
        ngx_http_jobruns_settings_string(s, &file[i]);
    }
}


static void
ngx_http_jobruns_settings_limits(ngx_http_jobruns_settings_t *s,
    ngx_array_t *limits)
{
    ngx_uint_t                 i, n;
    ngx_http_jobruns_limit_t  *limit;

    n = limits ? limits->nelts : 0;

    for (i = 0; i < n; i++) {
        limit = (ngx_http_jobruns_limit_t *) limits->elts + i;

        ngx_http_jobruns_settings_number(s, limit->limit.kind);
        ngx_http_jobruns_settings_bytes(s, limit->limit.name.data,
                                        limit->limit.name.len);
        ngx_http_jobruns_settings_number(s, limit->limit.count);
        ngx_http_jobruns_settings_number(s, limit->limit.period);
        ngx_http_jobruns_settings_number(s, limit->limit.burst);
        ngx_http_jobruns_settings_bytes(s, limit->limit.window.data,
                                        limit->limit.window.len);
        ngx_http_jobruns_settings_number(s, limit->limit.dry_run);
        ngx_http_jobruns_settings_number(s, limit->by);

        if (limit->key != NULL) {
            ngx_http_jobruns_settings_string(s, &limit->key->value);
        }
    }
}
