/*
 * What surrounds the figures of the page: its style and its script.
 */

#ifndef NGX_HTTP_JOBRUNS_PAGE_FRAME_H_INCLUDED
#define NGX_HTTP_JOBRUNS_PAGE_FRAME_H_INCLUDED

#include "ngx_http_jobruns_page.h"


void ngx_http_jobruns_page_begin(ngx_http_jobruns_text_t *text);
void ngx_http_jobruns_page_end(ngx_http_jobruns_text_t *text,
    ngx_str_t *nonce);


#endif /* NGX_HTTP_JOBRUNS_PAGE_FRAME_H_INCLUDED */
