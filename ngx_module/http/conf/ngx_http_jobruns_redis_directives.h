/* SPDX-License-Identifier: BSD-2-Clause
 *
 * jobruns_redis: which server, and how it is spoken to; and the one server
 * object for all locations that say the same.
 */

#ifndef NGX_HTTP_JOBRUNS_REDIS_DIRECTIVES_H_INCLUDED
#define NGX_HTTP_JOBRUNS_REDIS_DIRECTIVES_H_INCLUDED

#include "ngx_http_jobruns.h"


char *ngx_http_jobruns_redis_directives_redis(ngx_conf_t *cf,
    ngx_command_t *cmd, void *conf);

char *ngx_http_jobruns_redis_directives_replicas(ngx_conf_t *cf,
    ngx_command_t *cmd, void *conf);

char *ngx_http_jobruns_redis_directives_watch(ngx_conf_t *cf,
    ngx_command_t *cmd, void *conf);

/* the server for a location's jobruns_redis, for operations that wait for so
   many replicas (0: for none); NULL after logging an error */
ngx_redis_server_t *ngx_http_jobruns_redis_directives_server(ngx_conf_t *cf,
    ngx_http_jobruns_loc_conf_t *conf, ngx_uint_t replicas);


#endif /* NGX_HTTP_JOBRUNS_REDIS_DIRECTIVES_H_INCLUDED */
