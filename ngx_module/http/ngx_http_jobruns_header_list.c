/* SPDX-License-Identifier: BSD-2-Clause
 *
 * NGINX's lists of headers: adding one, finding one, taking some back.
 */

#include "ngx_http_jobruns.h"
#include "ngx_http_jobruns_header_list.h"


static ngx_table_elt_t *ngx_http_jobruns_header_list_next(
    ngx_list_part_t **part, ngx_uint_t *i, jr_str_t name);


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

    i = 0;
    part = &headers->part;

    return ngx_http_jobruns_header_list_next(&part, &i, name);
}


/* of that name, from the i-th of the part on; leaves both behind it */

static ngx_table_elt_t *
ngx_http_jobruns_header_list_next(ngx_list_part_t **part, ngx_uint_t *i,
    jr_str_t name)
{
    ngx_table_elt_t  *h;

    for ( /* void */ ; *part; *part = (*part)->next, *i = 0) {

        while (*i < (*part)->nelts) {
            h = (ngx_table_elt_t *) (*part)->elts + (*i)++;

            /* hash 0: taken back */

            if (h->hash != 0
                && h->key.len == name.len
                && ngx_strncasecmp(h->key.data, (u_char *) name.data,
                                   name.len)
                   == 0)
            {
                return h;
            }
        }
    }

    return NULL;
}


ngx_int_t
ngx_http_jobruns_header_list_join(ngx_http_request_t *r, jr_str_t name,
    ngx_str_t *value)
{
    size_t            len;
    u_char           *p;
    ngx_uint_t        i, n;
    ngx_list_part_t  *part;
    ngx_table_elt_t  *h;

    n = 0;
    len = 0;
    ngx_str_null(value);

    i = 0;
    part = &r->headers_in.headers.part;

    while ((h = ngx_http_jobruns_header_list_next(&part, &i, name)) != NULL) {
        *value = h->value;
        len += h->value.len + sizeof(", ") - 1;
        n++;
    }

    if (n < 2) {
        return NGX_OK;
    }

    p = ngx_pnalloc(r->pool, len);
    if (p == NULL) {
        return NGX_ERROR;
    }

    value->data = p;

    i = 0;
    part = &r->headers_in.headers.part;

    while ((h = ngx_http_jobruns_header_list_next(&part, &i, name)) != NULL) {
        p = ngx_cpymem(p, h->value.data, h->value.len);
        *p++ = ',';
        *p++ = ' ';
    }

    value->len = p - value->data - (sizeof(", ") - 1);

    return NGX_OK;
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
