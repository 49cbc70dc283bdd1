/* SPDX-License-Identifier: BSD-2-Clause
 *
 * jobruns_limit, jobruns_quota and jobruns_concurrency, and limits of one
 * kind and name that are not one limit.
 */

#ifndef NGX_HTTP_JOBRUNS_LIMIT_H_INCLUDED
#define NGX_HTTP_JOBRUNS_LIMIT_H_INCLUDED

#include "ngx_http_jobruns.h"


/* the setter of the directives of jr_limit_kinds, which says what they take */
char *ngx_http_jobruns_limit_set(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf);

/* a level with limits of its own inherits none, and remembers which */
void ngx_http_jobruns_limit_merge(ngx_http_jobruns_loc_conf_t *prev,
    ngx_http_jobruns_loc_conf_t *conf);

/* takes the limits of a merged location, and warns of those that are at odds
   with another location's; NGX_ERROR: no memory */
ngx_int_t ngx_http_jobruns_limit_check(ngx_conf_t *cf,
    ngx_http_jobruns_loc_conf_t *jlcf);


#endif /* NGX_HTTP_JOBRUNS_LIMIT_H_INCLUDED */
