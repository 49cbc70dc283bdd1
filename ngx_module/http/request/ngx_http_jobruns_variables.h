/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Variables: what an attempt is and what became of it, for log_format,
 * proxy_set_header and maps.  docs/directives.md lists them.
 */

#ifndef NGX_HTTP_JOBRUNS_VARIABLES_H_INCLUDED
#define NGX_HTTP_JOBRUNS_VARIABLES_H_INCLUDED

#include "ngx_http_jobruns.h"


ngx_int_t ngx_http_jobruns_variables_add(ngx_conf_t *cf);


#endif /* NGX_HTTP_JOBRUNS_VARIABLES_H_INCLUDED */
