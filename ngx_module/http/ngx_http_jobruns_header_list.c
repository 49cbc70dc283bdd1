/* SPDX-License-Identifier: BSD-2-Clause
 *
 * NGINX's lists of headers: adding one, finding one, taking some back.
 */

#include "ngx_http_jobruns.h"
#include "ngx_http_jobruns_header_list.h"


ngx_int_t
ngx_http_jobruns_header_list_add(ngx_http_request_t *r, jr_str_t name,
    ngx_str_t *value)
{
    ngx_table_elt_t  *h;

    h = ngx_list_push(&r->headers_out.headers);
    if (h == NULL) {
        return NGX_ERROR;
    }

    h->hash = 1;
    h->key.data = (u_char *) name.data;
    h->key.len = name.len;
    h->value = *value;
    h->lowcase_key = NULL;
#if (nginx_version >= 1023000)
    h->next = NULL;
#endif

    return NGX_OK;
}


ngx_table_elt_t *
ngx_http_jobruns_header_list_find(ngx_list_t *headers, jr_str_t name)
{
    ngx_uint_t        i;
    ngx_list_part_t  *part;
    ngx_table_elt_t  *h;

    part = &headers->part;
    h = part->elts;

    for (i = 0; /* void */; i++) {

        if (i >= part->nelts) {
            if (part->next == NULL) {
                return NULL;
            }

            part = part->next;
            h = part->elts;
            i = 0;
        }

        /* hash 0: taken back */

        if (h[i].hash != 0
            && h[i].key.len == name.len
            && ngx_strncasecmp(h[i].key.data, (u_char *) name.data, name.len)
               == 0)
        {
            return &h[i];
        }
    }
}


void
ngx_http_jobruns_header_list_drop(ngx_http_request_t *r, jr_str_t name)
{
    ngx_table_elt_t  *h;

    for ( ;; ) {
        h = ngx_http_jobruns_header_list_find(&r->headers_out.headers, name);

        if (h == NULL) {
            return;
        }

        h->hash = 0;
    }
}
