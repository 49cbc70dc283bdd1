/*
 * jobruns_limit, jobruns_quota and jobruns_concurrency: one parser for the
 * three, driven by a table of what each of them takes.
 */

#ifndef NGX_HTTP_JOBRUNS_LIMIT_DIRECTIVES_H_INCLUDED
#define NGX_HTTP_JOBRUNS_LIMIT_DIRECTIVES_H_INCLUDED

#include "ngx_http_jobruns.h"


char *ngx_http_jobruns_limit(ngx_conf_t *cf, ngx_command_t *cmd, void *conf);
char *ngx_http_jobruns_quota(ngx_conf_t *cf, ngx_command_t *cmd, void *conf);
char *ngx_http_jobruns_concurrency(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf);


#endif /* NGX_HTTP_JOBRUNS_LIMIT_DIRECTIVES_H_INCLUDED */
