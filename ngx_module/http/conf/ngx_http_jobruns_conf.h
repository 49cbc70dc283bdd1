/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The configuration: of a level its defaults, how it is merged, and what
 * `jobruns on` needs there; and what can be refused only when all is merged.
 */

#ifndef NGX_HTTP_JOBRUNS_CONF_H_INCLUDED
#define NGX_HTTP_JOBRUNS_CONF_H_INCLUDED

#include "ngx_http_jobruns.h"


/* of ngx_http_module_t */
void *ngx_http_jobruns_conf_create_main(ngx_conf_t *cf);
char *ngx_http_jobruns_conf_init_main(ngx_conf_t *cf, void *conf);
void *ngx_http_jobruns_conf_create_srv(ngx_conf_t *cf);
void *ngx_http_jobruns_conf_create_loc(ngx_conf_t *cf);
char *ngx_http_jobruns_conf_merge_loc(ngx_conf_t *cf, void *parent,
    void *child);


#endif /* NGX_HTTP_JOBRUNS_CONF_H_INCLUDED */
