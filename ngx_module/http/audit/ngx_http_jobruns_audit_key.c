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


static ngx_int_t ngx_http_jobruns_audit_key_read(ngx_conf_t *cf,
    ngx_str_t *path, ngx_str_t *text);
static void ngx_http_jobruns_audit_key_free(void *data);
static ngx_http_jobruns_main_conf_t *ngx_http_jobruns_audit_old_conf(
    ngx_cycle_t *cycle);


/* jobruns_audit_key FILE */

char *
ngx_http_jobruns_audit_key(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_http_jobruns_main_conf_t *jmcf = conf;

    jr_str_t                        key;
    ngx_int_t                       rc;
    ngx_str_t                      *value, text;
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
        || ngx_conf_full_name(cf->cycle, &value[1], 1) != NGX_OK)
    {
        return NGX_CONF_ERROR;
    }

    rc = ngx_http_jobruns_audit_key_read(cf, &value[1], &text);
    if (rc != NGX_OK) {
        return NGX_CONF_ERROR;
    }

    status = jr_mac_key(ngx_http_jobruns_str(text), &key);

    if (status == JR_OK) {
        status = jr_mac_create(key, &seal->mac);
    }

    if (status == JR_OK) {
        cln->handler = ngx_http_jobruns_audit_key_free;
        cln->data = seal->mac;

        status = jr_mac_id(seal->mac, seal->id);
    }

    ngx_explicit_memzero(text.data, text.len);

    if (status == JR_INVALID) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "the key in \"%V\" must have %d to %d bytes; make "
                           "one with \"openssl rand -hex 32\"", &value[1],
                           JR_MAC_KEY_LEAST, JR_MAC_KEY_MOST);
        return NGX_CONF_ERROR;
    }

    if (status != JR_OK) {
        return "needs HMAC-SHA-256, which libcrypto refuses";
    }

    return NGX_CONF_OK;
}


static ngx_int_t
ngx_http_jobruns_audit_key_read(ngx_conf_t *cf, ngx_str_t *path,
    ngx_str_t *text)
{
    ssize_t          n;
    ngx_fd_t         fd;
    ngx_file_info_t  fi;

    /* a byte more than the longest key with its line end, to see that there
       is one too many */

    text->data = ngx_pnalloc(cf->temp_pool, JR_MAC_KEY_MOST + 3);
    if (text->data == NULL) {
        return NGX_ERROR;
    }

    fd = ngx_open_file(path->data, NGX_FILE_RDONLY, NGX_FILE_OPEN, 0);

    if (fd == NGX_INVALID_FILE) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, ngx_errno,
                           "the key file \"%V\" cannot be opened", path);
        return NGX_ERROR;
    }

    n = ngx_read_fd(fd, text->data, JR_MAC_KEY_MOST + 3);

    if (n == -1) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, ngx_errno,
                           "the key file \"%V\" cannot be read", path);

    } else if (ngx_fd_info(fd, &fi) == 0
               && (ngx_file_access(&fi) & (S_IROTH|S_IWOTH)))
    {
        ngx_conf_log_error(NGX_LOG_WARN, cf, 0,
                           "the key file \"%V\" is open to everybody, so "
                           "everybody can forge records: chmod 600 it", path);
    }

    (void) ngx_close_file(fd);

    text->len = n;

    return n == -1 ? NGX_ERROR : NGX_OK;
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
