/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The directives jobruns_auth...
 */

#ifndef NGX_HTTP_JOBRUNS_AUTH_DIRECTIVES_H_INCLUDED
#define NGX_HTTP_JOBRUNS_AUTH_DIRECTIVES_H_INCLUDED

#include "ngx_http_jobruns.h"


/* setters */
char *ngx_http_jobruns_auth_directives_keys(ngx_conf_t *cf,
    ngx_command_t *cmd, void *conf);
char *ngx_http_jobruns_auth_directives_issuer(ngx_conf_t *cf,
    ngx_command_t *cmd, void *conf);
char *ngx_http_jobruns_auth_directives_tenants(ngx_conf_t *cf,
    ngx_command_t *cmd, void *conf);

void ngx_http_jobruns_auth_directives_unset(
    ngx_http_jobruns_auth_conf_t *conf);
void ngx_http_jobruns_auth_directives_merge(
    ngx_http_jobruns_auth_conf_t *prev, ngx_http_jobruns_auth_conf_t *conf);

/* What a location with `jobruns on` needs for it, and the policy of it. */
char *ngx_http_jobruns_auth_directives_enable(ngx_conf_t *cf,
    ngx_http_jobruns_auth_conf_t *conf);


#endif /* NGX_HTTP_JOBRUNS_AUTH_DIRECTIVES_H_INCLUDED */
