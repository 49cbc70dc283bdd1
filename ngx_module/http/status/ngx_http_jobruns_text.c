/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Text that grows in a request's pool, and the escapes of what others chose.
 */

#include "ngx_http_jobruns_status.h"
#include "ngx_http_jobruns_text.h"


#define NGX_HTTP_JOBRUNS_TEXT_BLOCK  16384
#define NGX_HTTP_JOBRUNS_TEXT_PIECE  2000


static ngx_int_t ngx_http_jobruns_text_room(ngx_http_jobruns_text_t *text,
    size_t size);


void
ngx_http_jobruns_text_init(ngx_http_jobruns_text_t *text, ngx_pool_t *pool)
{
    ngx_memzero(text, sizeof(ngx_http_jobruns_text_t));

    text->pool = pool;
    text->last = &text->first;
}


static ngx_int_t
ngx_http_jobruns_text_room(ngx_http_jobruns_text_t *text, size_t size)
{
    ngx_buf_t    *b;
    ngx_chain_t  *cl;

    b = text->buf;

    if (b != NULL && (size_t) (b->end - b->last) >= size) {
        return NGX_OK;
    }

    b = ngx_create_temp_buf(text->pool,
                            ngx_max(size, NGX_HTTP_JOBRUNS_TEXT_BLOCK));
    cl = ngx_alloc_chain_link(text->pool);

    if (b == NULL || cl == NULL) {
        text->failed = 1;
        return NGX_ERROR;
    }

    cl->buf = b;
    cl->next = NULL;

    *text->last = cl;
    text->last = &cl->next;
    text->buf = b;

    return NGX_OK;
}


void ngx_cdecl
ngx_http_jobruns_text(ngx_http_jobruns_text_t *text, const char *fmt, ...)
{
    u_char   *last;
    va_list   args;

    if (ngx_http_jobruns_text_room(text, NGX_HTTP_JOBRUNS_TEXT_PIECE)
        != NGX_OK)
    {
        return;
    }

    va_start(args, fmt);
    last = ngx_vslprintf(text->buf->last,
                         text->buf->last + NGX_HTTP_JOBRUNS_TEXT_PIECE, fmt,
                         args);
    va_end(args);

    text->size += last - text->buf->last;
    text->buf->last = last;
}


void
ngx_http_jobruns_text_add(ngx_http_jobruns_text_t *text, const u_char *data,
    size_t len)
{
    if (ngx_http_jobruns_text_room(text, len) != NGX_OK) {
        return;
    }

    text->buf->last = ngx_cpymem(text->buf->last, data, len);
    text->size += len;
}


void
ngx_http_jobruns_text_html(ngx_http_jobruns_text_t *text, const u_char *data,
    size_t len)
{
    u_char  *last;

    /* no escape is longer than "&quot;" */

    if (ngx_http_jobruns_text_room(text, 6 * len) != NGX_OK) {
        return;
    }

    last = (u_char *) ngx_escape_html(text->buf->last, (u_char *) data, len);

    text->size += last - text->buf->last;
    text->buf->last = last;
}


/* backslash, quote and line feed (Prometheus, "Exposition formats") */

void
ngx_http_jobruns_text_label(ngx_http_jobruns_text_t *text,
    const u_char *data, size_t len)
{
    size_t   i;
    u_char  *p;

    if (ngx_http_jobruns_text_room(text, 2 * len) != NGX_OK) {
        return;
    }

    p = text->buf->last;

    for (i = 0; i < len; i++) {

        if (data[i] == '\\' || data[i] == '"' || data[i] == LF) {
            *p++ = '\\';
            *p++ = (data[i] == LF) ? 'n' : data[i];
            continue;
        }

        *p++ = data[i];
    }

    text->size += p - text->buf->last;
    text->buf->last = p;
}
