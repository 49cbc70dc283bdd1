/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Text that grows in a request's pool, and the escapes of what others chose.
 */

#ifndef NGX_HTTP_JOBRUNS_TEXT_H_INCLUDED
#define NGX_HTTP_JOBRUNS_TEXT_H_INCLUDED

#include "ngx_http_jobruns_status.h"


void ngx_http_jobruns_text_init(ngx_http_jobruns_text_t *text,
    ngx_pool_t *pool);

/* as ngx_sprintf(); at most 2000 bytes at a time, what is more is cut */
void ngx_cdecl ngx_http_jobruns_text(ngx_http_jobruns_text_t *text,
    const char *fmt, ...);

/* bytes of somebody else, escaped for HTML, or for a label's value */
void ngx_http_jobruns_text_html(ngx_http_jobruns_text_t *text,
    const u_char *data, size_t len);
void ngx_http_jobruns_text_label(ngx_http_jobruns_text_t *text,
    const u_char *data, size_t len);
/* bytes as they are */
void ngx_http_jobruns_text_add(ngx_http_jobruns_text_t *text,
    const u_char *data, size_t len);


#endif /* NGX_HTTP_JOBRUNS_TEXT_H_INCLUDED */
