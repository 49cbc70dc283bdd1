/*
 * Directives of the audit.
 */

#ifndef NGX_HTTP_JOBRUNS_AUDIT_DIRECTIVES_H_INCLUDED
#define NGX_HTTP_JOBRUNS_AUDIT_DIRECTIVES_H_INCLUDED

#include "ngx_http_jobruns_audit.h"


char *ngx_http_jobruns_audit(ngx_conf_t *cf, ngx_command_t *cmd, void *conf);
char *ngx_http_jobruns_audit_sync(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf);
char *ngx_http_jobruns_audit_refusals(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf);

/* /var/log/jobruns/audit.log; NULL after saying what is wrong with it */
ngx_http_jobruns_audit_file_t *ngx_http_jobruns_audit_default(ngx_conf_t *cf);

/* what a location with `jobruns on` needs of the audit; sync may be
   NGX_CONF_UNSET_MSEC, which becomes the default */
char *ngx_http_jobruns_audit_enable(ngx_conf_t *cf, ngx_msec_t *sync);


#endif /* NGX_HTTP_JOBRUNS_AUDIT_DIRECTIVES_H_INCLUDED */
