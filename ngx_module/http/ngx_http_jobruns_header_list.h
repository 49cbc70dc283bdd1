/* SPDX-License-Identifier: BSD-2-Clause
 *
 * NGINX's lists of headers: adding one, finding one, taking some back.
 */

#ifndef NGX_HTTP_JOBRUNS_HEADER_LIST_H_INCLUDED
#define NGX_HTTP_JOBRUNS_HEADER_LIST_H_INCLUDED

#include "ngx_http_jobruns.h"


/* to r->headers_out; name and *value must live as long as r.  NGX_ERROR: no
   memory. */
ngx_int_t ngx_http_jobruns_header_list_add(ngx_http_request_t *r,
    jr_str_t name, ngx_str_t *value);

/* the first of that name, case aside, that was not taken back; or NULL */
ngx_table_elt_t *ngx_http_jobruns_header_list_find(ngx_list_t *headers,
    jr_str_t name);

/* the values of all of that name in r->headers_in, as one: joined by ", ", as a
   signature covers them.  One that was sent once is not copied; data NULL:
   there is none.  NGX_ERROR: no memory. */
ngx_int_t ngx_http_jobruns_header_list_join(ngx_http_request_t *r,
    jr_str_t name, ngx_str_t *value);

/* takes back all of that name of r->headers_out */
void ngx_http_jobruns_header_list_drop(ngx_http_request_t *r, jr_str_t name);


#endif /* NGX_HTTP_JOBRUNS_HEADER_LIST_H_INCLUDED */
