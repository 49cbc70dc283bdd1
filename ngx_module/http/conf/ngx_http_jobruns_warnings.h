/* SPDX-License-Identifier: BSD-2-Clause
 *
 * What `nginx -t` accepts and warns of, once all levels are merged.
 */

#ifndef NGX_HTTP_JOBRUNS_WARNINGS_H_INCLUDED
#define NGX_HTTP_JOBRUNS_WARNINGS_H_INCLUDED

#include "ngx_http_jobruns_foreign.h"


/* logs each warning once, however many locations inherit what it is of */
void ngx_http_jobruns_warnings_log(ngx_conf_t *cf,
    ngx_http_jobruns_foreign_t *foreign);


#endif /* NGX_HTTP_JOBRUNS_WARNINGS_H_INCLUDED */
