/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The filters: hold the answer to a forwarded creation until Redis has it,
 * and make NGINX's own error pages JSON.
 */

#ifndef NGX_HTTP_JOBRUNS_FILTER_H_INCLUDED
#define NGX_HTTP_JOBRUNS_FILTER_H_INCLUDED

#include "ngx_http_jobruns.h"


ngx_int_t ngx_http_jobruns_filter_init(ngx_conf_t *cf);

/* a configuration is accepted: its chain of filters is that of the workers */
void ngx_http_jobruns_filter_accepted(void);

/* a worker begins: with the chain of the configuration that it runs */
void ngx_http_jobruns_filter_begin(ngx_log_t *log);


#endif /* NGX_HTTP_JOBRUNS_FILTER_H_INCLUDED */
