/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Random bytes and hex digits, for ids.
 */

#ifndef NGX_HTTP_JOBRUNS_RANDOM_H_INCLUDED
#define NGX_HTTP_JOBRUNS_RANDOM_H_INCLUDED

#include "ngx_http_jobruns.h"


/* len bytes, up to 1024, of a CSPRNG to dst.  NGX_ERROR: it has none. */
ngx_int_t ngx_http_jobruns_random_bytes(u_char *dst, size_t len);

/* len hex digits, an even number up to 2048, likewise; upper case if up */
ngx_int_t ngx_http_jobruns_random_hex(u_char *dst, size_t len, ngx_uint_t up);


#endif /* NGX_HTTP_JOBRUNS_RANDOM_H_INCLUDED */
