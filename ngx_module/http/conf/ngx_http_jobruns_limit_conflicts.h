/*
 * Limits of one kind and name that are not one limit: `nginx -t` warns.
 */

#ifndef NGX_HTTP_JOBRUNS_LIMIT_CONFLICTS_H_INCLUDED
#define NGX_HTTP_JOBRUNS_LIMIT_CONFLICTS_H_INCLUDED

#include "ngx_http_jobruns.h"


ngx_int_t ngx_http_jobruns_limits_add(ngx_conf_t *cf,
    ngx_http_jobruns_loc_conf_t *jlcf);


#endif /* NGX_HTTP_JOBRUNS_LIMIT_CONFLICTS_H_INCLUDED */
