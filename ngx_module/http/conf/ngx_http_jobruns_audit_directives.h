/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Directives of the audit.
 */

#ifndef NGX_HTTP_JOBRUNS_AUDIT_DIRECTIVES_H_INCLUDED
#define NGX_HTTP_JOBRUNS_AUDIT_DIRECTIVES_H_INCLUDED

#include "ngx_http_jobruns_audit.h"


char *ngx_http_jobruns_audit_directives_audit(ngx_conf_t *cf,
    ngx_command_t *cmd, void *conf);
char *ngx_http_jobruns_audit_directives_sync(ngx_conf_t *cf,
    ngx_command_t *cmd, void *conf);
char *ngx_http_jobruns_audit_directives_refusals(ngx_conf_t *cf,
    ngx_command_t *cmd, void *conf);
char *ngx_http_jobruns_audit_directives_key(ngx_conf_t *cf,
    ngx_command_t *cmd, void *conf);

/* /var/log/jobruns/audit.log; NULL after saying what is wrong with it */
ngx_http_jobruns_audit_file_t *ngx_http_jobruns_audit_directives_default(
    ngx_conf_t *cf);

/* what a location with `jobruns on` needs of the audit; sync may be
   NGX_CONF_UNSET_MSEC, which becomes the default */
char *ngx_http_jobruns_audit_directives_enable(ngx_conf_t *cf,
    ngx_msec_t *sync);

/* all of http{} is read: what its chains will say of their key */
void ngx_http_jobruns_audit_directives_seal(ngx_conf_t *cf,
    ngx_http_jobruns_audit_seal_t *seal);


#endif /* NGX_HTTP_JOBRUNS_AUDIT_DIRECTIVES_H_INCLUDED */
