/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The page: status.html, with what only the server knows.
 */

#ifndef NGX_HTTP_JOBRUNS_STATUS_PAGE_H_INCLUDED
#define NGX_HTTP_JOBRUNS_STATUS_PAGE_H_INCLUDED

#include "ngx_http_jobruns_status.h"


/* nonce: of the page's style and script */
void ngx_http_jobruns_status_page(ngx_http_jobruns_text_t *text,
    ngx_http_jobruns_figures_t *figures, ngx_str_t *nonce);


#endif /* NGX_HTTP_JOBRUNS_STATUS_PAGE_H_INCLUDED */
