/* SPDX-License-Identifier: BSD-2-Clause
 *
 * What of a configuration can be refused only when all of it is merged.
 */

#ifndef NGX_HTTP_JOBRUNS_CHECK_H_INCLUDED
#define NGX_HTTP_JOBRUNS_CHECK_H_INCLUDED

#include "ngx_http_jobruns.h"


/* remembers the location being merged, to be checked when all are */
ngx_int_t ngx_http_jobruns_check_add(ngx_conf_t *cf,
    ngx_http_jobruns_loc_conf_t *conf);


#endif /* NGX_HTTP_JOBRUNS_CHECK_H_INCLUDED */
