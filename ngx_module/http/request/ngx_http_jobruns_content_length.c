/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Content-Length towards the service.  ngx_http_proxy_module takes it from its
 * variable $proxy_internal_body_length.  Where there is no memory for the
 * digits the header is left out, and the body is sent all the same
 * (ngx_http_proxy_create_request()): the service would make a job run of an
 * empty body, and take the body for the next request on the connection, which
 * nobody has validated.  So the digits get a place that is always there.
 */

#include "ngx_http_jobruns.h"
#include "ngx_http_jobruns_content_length.h"


static ngx_int_t ngx_http_jobruns_content_length(ngx_http_request_t *r,
    ngx_http_variable_value_t *v, uintptr_t data);


/* the proxy's own, the same in every cycle */
static ngx_http_get_variable_pt  ngx_http_jobruns_proxy_content_length;


/*
 * Stands before the proxy's variable, in all locations: what passes through
 * beside creations must not smuggle one either.  Called at postconfiguration,
 * before ngx_http_variables_init_vars() binds names to handlers.
 */

void
ngx_http_jobruns_content_length_init(ngx_conf_t *cf)
{
    ngx_str_t                   name;
    ngx_uint_t                  i;
    ngx_hash_key_t             *key;
    ngx_http_variable_t        *v;
    ngx_http_core_main_conf_t  *cmcf;

    ngx_str_set(&name, "proxy_internal_body_length");

    cmcf = ngx_http_conf_get_module_main_conf(cf, ngx_http_core_module);
    key = cmcf->variables_keys->keys.elts;

    for (i = 0; i < cmcf->variables_keys->keys.nelts; i++) {

        if (key[i].key.len == name.len
            && ngx_memcmp(key[i].key.data, name.data, name.len) == 0)
        {
            v = key[i].value;
            ngx_http_jobruns_proxy_content_length = v->get_handler;
            v->get_handler = ngx_http_jobruns_content_length;
            return;
        }
    }
}


static ngx_int_t
ngx_http_jobruns_content_length(ngx_http_request_t *r,
    ngx_http_variable_value_t *v, uintptr_t data)
{
    static u_char  digits[NGX_OFF_T_LEN];

    if (ngx_http_jobruns_proxy_content_length(r, v, data) == NGX_OK) {
        return NGX_OK;
    }

    if (r->headers_in.content_length_n < 0) {
        return NGX_ERROR;
    }

    /* they are copied into the head of the request before another needs them;
       of a body of proxy_set_body's nobody but the proxy knows the length */

    v->data = digits;
    v->len = (unsigned) (ngx_sprintf(digits, "%O",
                                     r->headers_in.content_length_n)
                         - digits);
    v->valid = 1;
    v->no_cacheable = 1;
    v->not_found = 0;

    return NGX_OK;
}
