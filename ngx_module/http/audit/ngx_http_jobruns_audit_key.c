/*
 * The key that chains are sealed with, and how a chain names it: by an id that
 * is made of the key and does not give it away.
 *
 * A reload starts workers with the new key while those with the old one still
 * write, so a file holds chains of both, each whole by itself.  Where a reload
 * introduces a key, the chains of the new workers vouch for those without one:
 * they say, sealed, that there was none before.
 */

#include "ngx_http_jobruns.h"
#include "ngx_http_jobruns_audit_key.h"
#include "ngx_http_jobruns_audit_record.h"
#include "ngx_http_jobruns_directives.h"


static void ngx_http_jobruns_audit_key_free(void *data);
static ngx_http_jobruns_main_conf_t *ngx_http_jobruns_audit_old_conf(
    ngx_cycle_t *cycle);


/* jobruns_audit_key FILE */

char *
ngx_http_jobruns_audit_key(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
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
        || ngx_http_jobruns_read_secret(cf, "key", &value[1],
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


void
ngx_http_jobruns_audit_seal_init(ngx_conf_t *cf,
    ngx_http_jobruns_audit_seal_t *seal)
{
    ngx_http_jobruns_main_conf_t  *old;

    static const jr_str_t  none = jr_str("none");

    (void) ngx_http_jobruns_audit_time(seal->configured);

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
