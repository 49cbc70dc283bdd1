/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The request's headers: the ones we read, found in one walk, and
 * opc-request-id, which every request gets.
 */

#include "ngx_http_jobruns.h"
#include "ngx_http_jobruns_random.h"
#include "ngx_http_jobruns_request_headers.h"


static ngx_table_elt_t **ngx_http_jobruns_scan_header(
    ngx_http_jobruns_headers_t *h, ngx_table_elt_t *header);
static ngx_uint_t ngx_http_jobruns_signed(ngx_http_request_t *r,
    const char *name);
static ngx_int_t ngx_http_jobruns_make_request_id(ngx_http_request_t *r,
    ngx_http_jobruns_ctx_t *ctx, ngx_table_elt_t *replaced);


/* one walk over the headers */

void
ngx_http_jobruns_request_headers_scan(ngx_http_request_t *r,
    ngx_http_jobruns_headers_t *h)
{
    ngx_uint_t         i;
    ngx_list_part_t   *part;
    ngx_table_elt_t   *header, **found;

    ngx_memzero(h, sizeof(ngx_http_jobruns_headers_t));

    for (part = &r->headers_in.headers.part; part; part = part->next) {

        header = part->elts;

        for (i = 0; i < part->nelts; i++) {

            found = ngx_http_jobruns_scan_header(h, &header[i]);

            if (found == NULL) {
                continue;
            }

            if (*found == NULL) {
                *found = &header[i];

            } else if (found == &h->content_type
                       || found == &h->content_encoding)
            {
                h->repeated_content = 1;

            } else {
                h->repeated = 1;
            }
        }
    }
}


/* where a header belongs that we read, NULL for others; lengths are compared
   first */

static ngx_table_elt_t **
ngx_http_jobruns_scan_header(ngx_http_jobruns_headers_t *h,
    ngx_table_elt_t *header)
{
    size_t  len;

    len = header->key.len;

#define ngx_http_jobruns_is(name)                                            \
    (len == sizeof(name) - 1                                                 \
     && ngx_memcmp(header->lowcase_key, name, sizeof(name) - 1) == 0)

    switch (len) {

    case sizeof("content-type") - 1:
        return ngx_http_jobruns_is("content-type") ? &h->content_type : NULL;

    case sizeof("opc-request-id") - 1:
        return ngx_http_jobruns_is("opc-request-id") ? &h->request_id : NULL;

    case sizeof("opc-retry-token") - 1:
        return ngx_http_jobruns_is("opc-retry-token") ? &h->retry_token
                                                      : NULL;

    case sizeof("content-encoding") - 1:
        return ngx_http_jobruns_is("content-encoding") ? &h->content_encoding
                                                       : NULL;

    case sizeof("should-update-recent") - 1:
        return ngx_http_jobruns_is("should-update-recent") ? &h->update_recent
                                                           : NULL;

    /* what frameworks read a method from */

    case sizeof("x-http-method") - 1:
    case sizeof("x-method-override") - 1:
    case sizeof("x-http-method-override") - 1:
        if ((ngx_http_jobruns_is("x-http-method")
             || ngx_http_jobruns_is("x-method-override")
             || ngx_http_jobruns_is("x-http-method-override"))
            && ngx_strlcasestrn(header->value.data,
                                header->value.data + header->value.len,
                                (u_char *) "post", 4 - 1)
               != NULL)
        {
            h->override = 1;
        }

        return NULL;

    default:
        return NULL;
    }

#undef ngx_http_jobruns_is
}


/*
 * Takes the client's opc-request-id or makes one.  NGX_DECLINED: the client's
 * is not valid (*what says why); it is left where it is, and our own answers
 * carry an id of ours.
 */

ngx_int_t
ngx_http_jobruns_request_headers_take_id(ngx_http_request_t *r,
    ngx_http_jobruns_ctx_t *ctx, ngx_http_jobruns_headers_t *h,
    const char **what)
{
    jr_str_t                      value;
    jr_status_e                   rc;
    ngx_http_jobruns_loc_conf_t  *jlcf;

    if (h->request_id == NULL) {
        return ngx_http_jobruns_make_request_id(r, ctx, NULL);
    }

    jlcf = ngx_http_get_module_loc_conf(r, ngx_http_jobruns_module);

    value = jr_header_trim(ngx_http_jobruns_str(h->request_id->value));

    rc = jr_header_request_id(value, jlcf->request_id, what);

    if (rc == JR_OK) {
        ctx->request_id.data = (u_char *) value.data;
        ctx->request_id.len = value.len;
        return NGX_OK;
    }

    if (jlcf->request_id == JR_REQUEST_ID_REPLACE
        && !ngx_http_jobruns_signed(r, "opc-request-id"))
    {
        ngx_log_error(NGX_LOG_INFO, r->connection->log, 0,
                      "jobruns: %s; it is replaced", *what);

        return ngx_http_jobruns_make_request_id(r, ctx, h->request_id);
    }

    ctx->request_id.len = 32;
    ctx->request_id.data = ngx_pnalloc(r->pool, 32);

    if (ctx->request_id.data == NULL
        || ngx_http_jobruns_random_hex(ctx->request_id.data, 32, 1) != NGX_OK)
    {
        return NGX_ERROR;
    }

    return NGX_DECLINED;
}


/* does the client's signature cover the header?  What is signed is not
   changed: the service would refuse it */

static ngx_uint_t
ngx_http_jobruns_signed(ngx_http_request_t *r, const char *name)
{
    return r->headers_in.authorization != NULL
           && jr_identity_header_signs(
                   ngx_http_jobruns_str(r->headers_in.authorization->value),
                   name);
}


ngx_int_t
ngx_http_jobruns_request_headers_ensure_id(ngx_http_request_t *r,
    ngx_http_jobruns_ctx_t *ctx)
{
    ngx_int_t                    rc;
    const char                  *what;
    ngx_http_jobruns_headers_t   h;

    ngx_http_jobruns_request_headers_scan(r, &h);

    rc = ngx_http_jobruns_request_headers_take_id(r, ctx, &h, &what);

    return rc == NGX_ERROR ? NGX_ERROR : NGX_OK;
}


/* 32 upper-case hex digits, which the service gets as well */

static ngx_int_t
ngx_http_jobruns_make_request_id(ngx_http_request_t *r,
    ngx_http_jobruns_ctx_t *ctx, ngx_table_elt_t *replaced)
{
    ngx_table_elt_t  *h;

    static ngx_str_t  name = ngx_string("opc-request-id");

    ctx->request_id.len = 32;
    ctx->request_id.data = ngx_pnalloc(r->pool, 32);

    if (ctx->request_id.data == NULL
        || ngx_http_jobruns_random_hex(ctx->request_id.data, 32, 1) != NGX_OK)
    {
        return NGX_ERROR;
    }

    if (replaced != NULL) {
        replaced->value = ctx->request_id;
        return NGX_OK;
    }

    if (r->headers_in.headers.last == NULL) {
        /* NGINX refused the request line: the list is made after it
           (ngx_http_process_request_line()), and nothing is forwarded */
        return NGX_OK;
    }

    if (ngx_http_jobruns_signed(r, "opc-request-id")) {
        /* signed as absent: the answer alone has ours */
        return NGX_OK;
    }

    /* proxies send what is in this list (ngx_http_proxy_create_request()) */

    h = ngx_list_push(&r->headers_in.headers);
    if (h == NULL) {
        return NGX_ERROR;
    }

    h->hash = ngx_hash_key(name.data, name.len);
    h->key = name;
    h->lowcase_key = name.data;
    h->value = ctx->request_id;
#if (nginx_version >= 1023000)
    h->next = NULL;
#endif

    return NGX_OK;
}
